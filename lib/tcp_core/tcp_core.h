/* tcp_core.h - TCP as a state machine without I/O, for all connections of one stack (RFC 9293).
 *
 * Segments come in by the `ip_protocol` that it attaches, timers by the agenda, segments leave by
 * ip_send. Nothing waits and nothing is allocated after tcp_core_open. Above it stands whoever
 * waits: fibers (lib/stack_direct) or threads. They are told by events and pull:
 *
 *     tcp_connection_open -> CONNECTED      tcp_connection_send -> how much fitted, then WRITABLE
 *     tcp_acceptor_take                     tcp_connection_peek, _consume, after READABLE
 *
 * An event is a hint, given at most once until its cause has been looked at; whoever gets it tries
 * the call again.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_CORE_H
#define LOOM_TCP_CORE_H

#include "base/agenda.h"
#include "base/loan.h"
#include "base/siphash.h"
#include "ip/ip.h"
#include "parameter/parameter.h"

struct tcp_core;
struct tcp_connection;
struct tcp_acceptor;

/* ---- the core ---- */

struct tcp_core_parameters {
    uint64_t connection_count; /* open at once, closing ones too */
    uint64_t acceptor_count;
    uint64_t syn_count;                /* half-open connections kept; beyond that, SYN cookies */
    uint64_t time_wait_count;          /* the oldest gives way */
    uint64_t time_wait_ns;             /* 2 MSL */
    uint64_t send_buffer_bytes;        /* a connection's unacknowledged and unsent bytes */
    uint64_t receive_buffer_bytes;     /* a connection's window at first */
    uint64_t receive_buffer_bytes_max; /* what it may be tuned up to */
    uint32_t congestion;               /* 0: cubic, 1: newreno */
    uint64_t user_timeout_ns;          /* unacknowledged for so long: given up (RFC 5482) */
    uint64_t keepalive_idle_ns, keepalive_interval_ns, keepalive_count;
    bool user_timeout_option; /* told to peers, and theirs heeded within these bounds */
    uint64_t user_timeout_min_ns, user_timeout_max_ns;
    bool ecn; /* offered on connections that we open; always taken when offered */
};
extern const struct parameter tcp_core_parameters[];

/* Takes memory for the pools, and attaches to `ip`. `key` is secret and random. FULL: there is not
 * so much memory. */
enum result tcp_core_open(struct tcp_core *core, struct ip *ip, struct agenda *agenda,
                          struct packet_pool *pool, const struct tcp_core_parameters *parameters,
                          struct siphash_key key) CHECKED;

/* Ends everything at once, telling no peer and no user. */
void tcp_core_close(struct tcp_core *core);

/* At the end of every burst of input: sends the acknowledgements that were put off until then, and
 * wakes some of those who wait for memory, where there is some. True: there was for all of these,
 * and more wait, so flush again when they have had time to use it. */
bool tcp_core_flush(struct tcp_core *core);

/* The net's ring has room again: those go on whose segment it had no room for. */
void tcp_core_resume(struct tcp_core *core);

/* ---- connections ---- */

enum tcp_event {
    TCP_EVENT_CONNECTED = 1 << 0,
    TCP_EVENT_READABLE = 1 << 1, /* bytes have come, or the peer is done */
    TCP_EVENT_WRITABLE = 1 << 2, /* there is room after a call found none */
    TCP_EVENT_FAILED = 1 << 3,   /* over: tcp_connection_failure says why */
    TCP_EVENT_REPORTED = 1 << 4, /* nothing has ended: tcp_connection_take_reports says what */
};

/* What the peer or the path has told about a connection that goes on (RFC 9293 3.9.1.8). Who does
 * not want to know ignores the event (SHLD-20). */
enum tcp_report {
    TCP_REPORT_UNREACHABLE = 1 << 0, /* ICMP (RFC 5461): the host or its network */
    TCP_REPORT_REFUSED = 1 << 1,     /* its port or protocol */
    TCP_REPORT_DENIED = 1 << 2,      /* administratively prohibited */
    TCP_REPORT_TIME_EXCEEDED = 1 << 3,
    TCP_REPORT_PARAMETER = 1 << 4,
    TCP_REPORT_RETRANSMITTED = 1 << 5, /* sent again three times in vain: R1 (RFC 9293 3.8.3) */
    TCP_REPORT_URGENT = 1 << 6,        /* the peer has urgent data, or more (MUST-32) */
};

/* Embedded in what stands above the connection. `event` must not wait, and must not close or abort
 * the connection. */
struct tcp_user {
    void (*event)(struct tcp_user *user, unsigned events);
};

/* Opens a connection actively: sends a SYN. Port 0 in `local` takes one that cannot be predicted
 * (RFC 6056). Ends with CONNECTED or FAILED. FULL: no connection is free, or no port. EXISTS: the
 * same pair of endpoints is in use. UNREACHABLE: no route, or not our address. */
enum result tcp_connection_open(struct tcp_core *core, const struct endpoint *local,
                                const struct endpoint *peer, struct tcp_user *user,
                                struct tcp_connection **connection) CHECKED;

/* The same, of a traffic class from its SYN on. */
enum result tcp_connection_open_in_class(struct tcp_core *core, const struct endpoint *local,
                                         const struct endpoint *peer, uint8_t traffic_class,
                                         struct tcp_user *user,
                                         struct tcp_connection **connection) CHECKED;

/* The class of what is sent from now on: the Differentiated Services field (RFC 2474 3), in the
 * upper six bits. The lower two are ECN's and not looked at (RFC 9293 3.9.2, MUST-48). */
void tcp_connection_set_traffic_class(struct tcp_connection *connection, uint8_t traffic_class);

/* Who is told from now on; events that were due before are told at once. */
void tcp_connection_attach(struct tcp_connection *connection, struct tcp_user *user);

/* Of a connection that failed: REFUSED, FAILED (reset by the peer), TIMED_OUT (no answer within the
 * user timeout), UNREACHABLE (the same, and routers said why; or at once while it was opened). OK:
 * it has not. */
enum result tcp_connection_failure(const struct tcp_connection *connection);

/* Which reports have come since this was called last: enum tcp_report, or-ed. REPORTED tells of
 * each once until it is taken. */
unsigned tcp_connection_take_reports(struct tcp_connection *connection);

/* Whether the handshake is complete: CONNECTED was told, or would have been. It stays so. */
bool tcp_connection_is_open(const struct tcp_connection *connection);

const struct endpoint *tcp_connection_local(const struct tcp_connection *connection);
const struct endpoint *tcp_connection_peer(const struct tcp_connection *connection);

enum tcp_send_mode {
    TCP_SEND_SOON, /* with the next tcp_core_flush, together with what else comes until then */
    TCP_SEND_NOW,  /* Nagle's rule holds unless tcp_connection_set_nodelay */
    TCP_SEND_HOLD, /* the end follows at once: keep the last segment back for it, 200 ms at most */
    TCP_SEND_URGENT, /* as NOW, and urgent up to its end (RFC 9293 3.8.5), which the peer is told
                        even where nothing of it may go yet */
};

/* Copies as much as there is room for and sends what may go. *taken_bytes may be 0: WRITABLE will
 * tell. CLOSED: shut, or the peer takes no more. FAILED and so on as tcp_connection_failure. */
enum result tcp_connection_send(struct tcp_connection *connection, const struct view views[],
                                size_t count, enum tcp_send_mode mode, size_t *taken_bytes) CHECKED;

/* Takes the loan, whatever its length, if the send buffer is not full; FULL otherwise, and WRITABLE
 * will tell. loan->done is called once the bytes are acknowledged and no packet borrows from them
 * any more, or when the connection has failed or was closed early: in the middle of a call of this
 * core or of the net, so it calls neither. */
enum result tcp_connection_lend(struct tcp_connection *connection, struct loan *loan) CHECKED;

/* The next bytes that have come, in order and contiguous as far as a buffer goes. OK with an empty
 * view: none now, and READABLE will tell. CLOSED: the peer is done and all has been read. They stay
 * until tcp_connection_consume. */
enum result tcp_connection_peek(struct tcp_connection *connection, struct view *bytes) CHECKED;
/* The room that this makes is told with the next tcp_core_flush. */
void tcp_connection_consume(struct tcp_connection *connection, size_t length_bytes);

/* How many bytes up to the end of what the peer calls urgent are still to be read, those that have
 * not come yet among them; 0: none. They are in line with all others (RFC 9293 3.8.5, MUST-33; RFC
 * 6093). */
uint32_t tcp_connection_urgent_bytes(const struct tcp_connection *connection);

/* Nothing more will be sent: FIN behind what was sent. */
void tcp_connection_shut(struct tcp_connection *connection);

/* Lets go of it: the user is told nothing more, and the connection ends by itself: FIN behind what
 * was sent; a reset where unread bytes have come (RFC 2525 2.17). */
void tcp_connection_close(struct tcp_connection *connection);

/* The same at once, with a reset unless both sides have said all and heard it. */
void tcp_connection_abort(struct tcp_connection *connection);

void tcp_connection_set_nodelay(struct tcp_connection *connection, bool nodelay);
void tcp_connection_set_keepalive(struct tcp_connection *connection, bool keepalive);

/* ---- listening ---- */

/* Embedded in what stands above. `acceptable` must not wait, and must not take the connection: what
 * its last segment brought comes to it only afterwards. */
struct tcp_acceptor_user {
    void (*acceptable)(struct tcp_acceptor_user *user);
};

/* Listens on `local`, of any address or one of ours; port 0 takes a free one. `backlog` bounds the
 * complete connections that nobody has taken. EXISTS: the port is taken. UNREACHABLE: not our
 * address. FULL: no acceptor is free. */
enum result tcp_acceptor_open(struct tcp_core *core, const struct endpoint *local, size_t backlog,
                              struct tcp_acceptor_user *user,
                              struct tcp_acceptor **acceptor) CHECKED;

const struct endpoint *tcp_acceptor_local(const struct tcp_acceptor *acceptor);

/* Of the connections that come from now on, as tcp_connection_set_traffic_class, and of the answers
 * to their SYNs. */
void tcp_acceptor_set_traffic_class(struct tcp_acceptor *acceptor, uint8_t traffic_class);

/* Whether a complete connection waits to be taken. */
bool tcp_acceptor_holds(const struct tcp_acceptor *acceptor);

/* The oldest complete connection, which is the caller's; NULL: none. */
struct tcp_connection *tcp_acceptor_take(struct tcp_acceptor *acceptor);

/* New SYNs are not answered from now on; handshakes under way may still complete. */
void tcp_acceptor_drain(struct tcp_acceptor *acceptor);

/* Resets the connections that nobody took. */
void tcp_acceptor_close(struct tcp_acceptor *acceptor);

/* ---- figures ---- */

struct tcp_core_statistics {
    uint64_t segments_received, segments_sent, segments_retransmitted;
    uint64_t bad_checksums, bad_segments, resets_sent, resets_received;
    uint64_t opened_actively, opened_passively, connect_failures;
    uint64_t syn_cookies_sent, syn_cookies_received, syn_cookies_failed, syn_dropped;
    uint64_t backlog_overflows, connections_refused_full;
    uint64_t retransmission_timeouts, fast_recoveries, tail_loss_probes, spurious_recoveries;
    uint64_t challenge_acks, challenge_acks_limited, paws_rejected;
    uint64_t out_of_order_bytes, duplicate_bytes, receive_dropped_bytes;
    uint64_t ecn_reductions, black_holes, black_holes_left, keepalive_drops, user_timeouts;
    uint64_t soft_errors, delivery_problems; /* ICMP that ended nothing; R1 was reached */
    uint64_t connection_count, time_wait_count, syn_count; /* now */
};
const struct tcp_core_statistics *tcp_core_statistics(const struct tcp_core *core);

#endif
