/* stack.h - Loom's TCP/IP stack as a library: from Ethernet frames to sockets, in any program.
 *
 * The program gives it a net (a callback that sends a frame, a call that brings one), entropy and
 * the time; it gets sockets. The stack does no I/O, reads no clock and starts no thread:
 *
 *     loom_stack_open(&host, options, option_count, now_ns, message, sizeof message, &stack);
 *     for (;;) {
 *         loom_stack_input(stack, frame, length_bytes);       a frame has come
 *         deadline_ns = loom_stack_step(stack, now_ns);       all that is due; when to come back
 *     }
 *
 * One thread steps a stack: the one that opened it, or whoever stepped it last. Calls that it makes
 * never wait. Calls of other threads are queued to it, `wake` tells it to step, and they wait for
 * their answer until their deadline, which counts in the stack's time: that of the last step. Any
 * number of stacks may live in a program, each with a thread of its own or all in one.
 *
 * This header needs no other of Loom's. C11, C++11.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_EMBED_STACK_H
#define LOOM_EMBED_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct loom_stack;
struct loom_socket;

/* ---- results ---- */

enum loom_result {
    LOOM_OK,
    LOOM_AGAIN,       /* not now: the call would have to wait longer than it may */
    LOOM_CLOSED,      /* the other side, or this one, is done */
    LOOM_TIMED_OUT,   /* the connection: its peer has not answered for too long */
    LOOM_RESET,       /* the peer has reset the connection */
    LOOM_REFUSED,     /* nobody listens there */
    LOOM_UNREACHABLE, /* no way there, or not an address of ours */
    LOOM_EXISTS,      /* the address is in use, or there already */
    LOOM_DENIED,      /* a broadcast, which the socket may not send */
    LOOM_FULL,        /* a bounded pool has no room; later it may */
    LOOM_TOO_LARGE,   /* it can never fit */
    LOOM_INVALID,     /* malformed, or nothing that this socket can do in its state */
    LOOM_NOT_FOUND,
    LOOM_NO_MEMORY, /* the machine has not so much */
};

/* In words: "timed out". */
const char *loom_result_text(enum loom_result result);

/* ---- addresses ---- */

enum loom_family {
    LOOM_ANY, /* no address: every local one, or none chosen yet */
    LOOM_IPV4,
    LOOM_IPV6, /* calls with an IPv6 address give LOOM_UNREACHABLE so far */
};

struct loom_address {
    uint8_t family;    /* enum loom_family */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four and leaves the rest zero */
};

struct loom_endpoint {
    struct loom_address address;
    uint16_t port; /* as a number; 0: any */
};

#define LOOM_ENDPOINT_TEXT_MAX 54 /* with its NUL */

/* "192.0.2.1", "2001:db8::1"; "192.0.2.1:80", "[2001:db8::1]:80", "*:80". */
enum loom_result loom_address_parse(const char *text, struct loom_address *address);
enum loom_result loom_endpoint_parse(const char *text, struct loom_endpoint *endpoint);

/* Writes at most `room_bytes` with the NUL, and gives the length without it. */
size_t loom_endpoint_text(const struct loom_endpoint *endpoint, char *room, size_t room_bytes);

/* ---- the host ---- */

struct loom_part {
    const void *bytes;
    size_t length_bytes;
};

enum loom_checksum {
    LOOM_CHECKSUM_IN_FRAME, /* sent: it is in place. Received: to be verified. */
    LOOM_CHECKSUM_PARTIAL,  /* the field holds the pseudo-header's sum; that over all bytes from
                               checksum_start on belongs into it */
    LOOM_CHECKSUM_GOOD,     /* received: the device has verified it */
};

/* A frame on its way through the host: Ethernet without the frame check sequence, or a bare IP
 * datagram (option "link"). Without the option "offloads" only the parts are of interest. */
struct loom_frame {
    const struct loom_part *parts; /* in this order */
    size_t part_count;
    size_t length_bytes;      /* of all parts */
    uint8_t checksum;         /* enum loom_checksum */
    uint8_t segments_family;  /* enum loom_family: a TCP segment to be cut; LOOM_ANY: not */
    uint16_t segment_bytes;   /* payload of each segment but the last */
    uint16_t checksum_start;  /* offsets in the frame */
    uint16_t checksum_offset; /* of the field */
};

/* Copies all parts; `room_bytes` is at least length_bytes. */
void loom_frame_copy(const struct loom_frame *frame, void *room, size_t room_bytes);

/* What the program gives, embedded in something of its own. All are called by the stepping thread,
 * within loom_stack_open, _input, _step or a call of that thread, but `wake`. None may call the
 * stack. */
struct loom_host {
    /* The parts are the stack's again when it returns. False: there is no room now. The stack
     * keeps the frame and offers it again with the next step or call, so step it when there is. */
    bool (*send)(struct loom_host *host, const struct loom_frame *frame);

    /* Unpredictable bytes, for sequence numbers, ports and tables' keys. Called in
     * loom_stack_open. */
    void (*entropy)(struct loom_host *host, void *bytes, size_t length_bytes);

    /* By any other thread: a call waits, step the stack. NULL: only one thread calls it. */
    void (*wake)(struct loom_host *host);

    /* The program has broken the contract, or the stack is broken: a line to be kept. The process
     * is aborted afterwards. NULL: it goes to standard error. */
    void (*panic)(struct loom_host *host, const char *report, size_t length_bytes);
};

/* ---- the stack ---- */

/* The parameters of an image, by the same names and in the same words: "ipv4" "192.0.2.7/24",
 * "ipv4-gateway" "192.0.2.1", "tcp-connections" "16"; and those of this library: "link" "ip",
 * "mtu" "1400", "mac" "02:00:00:00:00:01", "offloads" "segments". loom_stack_help lists them. */
struct loom_option {
    const char *name;
    const char *value;
};

#define LOOM_OPTIONS_MAX 128

/* Calls `line` for each line of text: the options with their defaults. */
struct loom_help {
    void (*line)(struct loom_help *help, const char *text, size_t length_bytes);
};
void loom_stack_help(struct loom_help *help);

/* Opens a stack; the calling thread steps it. `host` must outlive it. `now_ns` is any monotonic
 * clock's. LOOM_INVALID: an option is wrong, and `message` (which may be NULL) has one line that
 * says which and what would be right. LOOM_NO_MEMORY. */
enum loom_result loom_stack_open(struct loom_host *host, const struct loom_option options[],
                                 size_t option_count, uint64_t now_ns, char *message,
                                 size_t message_bytes, struct loom_stack **stack);

/* By the stepping thread. Ends everything at once, telling no peer; calls that wait end with
 * LOOM_CLOSED, loans are done, all memory is given back. No thread calls the stack from now on. */
void loom_stack_close(struct loom_stack *stack);

/* A frame that has come, copied; by any thread. It is looked at in the next step, for which it is
 * time then. LOOM_FULL: too many wait or no buffer is free, and it is lost. LOOM_TOO_LARGE.
 * LOOM_INVALID: its marks do not fit it. */
enum loom_result loom_stack_input(struct loom_stack *stack, const void *bytes, size_t length_bytes);
enum loom_result loom_stack_input_frame(struct loom_stack *stack, const struct loom_frame *frame);

#define LOOM_NEVER   UINT64_MAX
#define LOOM_NO_WAIT ((uint64_t)0)

/* Does all that is due at `now_ns`, which never goes back: takes in what has come, runs timers,
 * sends, answers other threads' calls, tells watches. The time at which to step again if nothing
 * else happens; LOOM_NEVER: none. Timers fire never before their time and at most 1,024 ns after.
 * The calling thread is the stack's stepping thread from now on. */
uint64_t loom_stack_step(struct loom_stack *stack, uint64_t now_ns);

/* By the stepping thread: when to step next, after calls of its own. */
uint64_t loom_stack_next_ns(const struct loom_stack *stack);

/* The time of the last step; by any thread. */
uint64_t loom_stack_now_ns(const struct loom_stack *stack);

/* By the stepping thread: it will not step any more. Until another one does, calls of all threads
 * are queued. */
void loom_stack_release(struct loom_stack *stack);

/* Addresses and routes beside those of the options. `gateway` of LOOM_ANY: the prefix is on the
 * link itself. */
enum loom_result loom_stack_add_address(struct loom_stack *stack,
                                        const struct loom_address *address, unsigned prefix_bits);
enum loom_result loom_stack_remove_address(struct loom_stack *stack,
                                           const struct loom_address *address);
enum loom_result loom_stack_add_route(struct loom_stack *stack, const struct loom_address *prefix,
                                      unsigned prefix_bits, const struct loom_address *gateway,
                                      uint32_t metric);
enum loom_result loom_stack_remove_route(struct loom_stack *stack,
                                         const struct loom_address *prefix, unsigned prefix_bits,
                                         uint32_t metric);

/* ---- sockets ---- */

enum loom_kind {
    LOOM_TCP = 1,
    LOOM_UDP,
};

/* LOOM_FULL: none is free. A socket belongs to no thread. Whatever is called with one that was
 * closed gives LOOM_CLOSED, until it is given out again. */
enum loom_result loom_socket_open(struct loom_stack *stack, enum loom_kind kind,
                                  struct loom_socket **socket);

/* Gives the socket back, whatever it was. Calls that wait for it end with LOOM_CLOSED. A connection
 * goes on by itself: FIN behind what was sent, or a reset where unread bytes have come. */
void loom_close(struct loom_socket *socket);

/* The same with a reset at once. */
void loom_abort(struct loom_socket *socket);

/* Its own endpoint from now on. Of TCP the port is taken by listen or connect: port 0 is chosen
 * there. LOOM_EXISTS, LOOM_UNREACHABLE: not our address. */
enum loom_result loom_bind(struct loom_socket *socket, const struct loom_endpoint *local);

/* Where the socket is, and with whom; LOOM_INVALID: not yet known, or nobody. */
enum loom_result loom_local(struct loom_socket *socket, struct loom_endpoint *local);
enum loom_result loom_peer(struct loom_socket *socket, struct loom_endpoint *peer);

/* The error that ended a connection, LOOM_OK: none has. It stays. */
enum loom_result loom_error(struct loom_socket *socket);

/* What the peer or the path has told about a connection that goes on (RFC 9293 3.9.1.8). */
enum loom_report {
    LOOM_REPORT_UNREACHABLE = 1 << 0, /* ICMP (RFC 5461): the host or its network */
    LOOM_REPORT_REFUSED = 1 << 1,     /* its port or protocol */
    LOOM_REPORT_DENIED = 1 << 2,      /* administratively prohibited */
    LOOM_REPORT_TIME_EXCEEDED = 1 << 3,
    LOOM_REPORT_PARAMETER = 1 << 4,
    LOOM_REPORT_RETRANSMITTED = 1 << 5, /* sent again three times in vain: R1 (RFC 9293 3.8.3) */
    LOOM_REPORT_URGENT = 1 << 6,        /* the peer has urgent data, or more (RFC 9293 3.8.5) */
};
/* Those that have come since it was called last, or-ed; 0: none. Each makes the socket
 * LOOM_REPORTED until then. */
enum loom_result loom_take_reports(struct loom_socket *socket, unsigned *reports);

/* In all that follows, `deadline_ns` is when a call of another thread gives up: LOOM_AGAIN.
 * LOOM_NO_WAIT tries once. On the stepping thread every call tries once. */

/* TCP: opens the connection. LOOM_AGAIN: it is under way; call again with the same peer (once it
 * is writable or has failed) for the result, or close. UDP: this peer only; never waits. */
enum loom_result loom_connect(struct loom_socket *socket, const struct loom_endpoint *peer,
                              uint64_t deadline_ns);

/* At most `backlog` complete connections wait to be accepted. */
enum loom_result loom_listen(struct loom_socket *socket, size_t backlog);

/* The oldest complete connection as a socket of its own, with the listener's options. */
enum loom_result loom_accept(struct loom_socket *listener, struct loom_socket **socket,
                             uint64_t deadline_ns);

/* Sends a copy. LOOM_OK: *sent_bytes > 0, and all of it unless the deadline came first. */
enum loom_result loom_send(struct loom_socket *socket, const void *bytes, size_t length_bytes,
                           size_t *sent_bytes, uint64_t deadline_ns);
/* With `more` the end of what is sent waits for what follows, 200 ms at most. */
enum loom_result loom_send_parts(struct loom_socket *socket, const struct loom_part parts[],
                                 size_t part_count, bool more, size_t *sent_bytes,
                                 uint64_t deadline_ns);
#define LOOM_PARTS_MAX 64

/* The same, urgent up to its end (RFC 9293 3.8.5). RFC 6093 advises new programs against it. */
enum loom_result loom_send_urgent(struct loom_socket *socket, const void *bytes,
                                  size_t length_bytes, size_t *sent_bytes, uint64_t deadline_ns);

/* At least one byte. LOOM_CLOSED: the peer is done and all has been read. */
enum loom_result loom_receive(struct loom_socket *socket, void *room, size_t room_bytes,
                              size_t *received_bytes, uint64_t deadline_ns);

/* How many bytes up to the end of what the peer calls urgent are still to be read, those that have
 * not come yet among them; 0: none. They are in line with all others (RFC 6093): to keep them
 * apart, ask before each loom_receive and give it no more room. */
enum loom_result loom_urgent(struct loom_socket *socket, size_t *left_bytes);

/* The next bytes where they are, in order, contiguous as far as a buffer goes. They stay until
 * loom_consume takes them; one thread at a time reads a connection so. */
enum loom_result loom_borrow(struct loom_socket *socket, const void **bytes, size_t *length_bytes,
                             uint64_t deadline_ns);
enum loom_result loom_consume(struct loom_socket *socket, size_t length_bytes);

/* Bytes to be sent from where they are: they must not change until `done`, which the stepping
 * thread calls outside of the stack once they are acknowledged or the connection is gone. */
struct loom_loan {
    const void *bytes;
    size_t length_bytes; /* not 0 */
    void (*done)(struct loom_loan *loan);
    uint64_t inside[8]; /* the stack's */
};
enum loom_result loom_lend(struct loom_socket *socket, struct loom_loan *loan,
                           uint64_t deadline_ns);

/* FIN behind what was sent: nothing more will be. Reading goes on. */
enum loom_result loom_shutdown(struct loom_socket *socket);

/* A datagram to send. */
enum loom_result loom_send_to(struct loom_socket *socket, const void *bytes, size_t length_bytes,
                              const struct loom_endpoint *peer, uint64_t deadline_ns);

struct loom_datagram {
    struct loom_endpoint peer;
    struct loom_address destination;
    size_t length_bytes; /* as it was sent; more than the room: its end is lost */
};
/* LOOM_REFUSED: a datagram of ours has met a closed port; told once. */
enum loom_result loom_receive_from(struct loom_socket *socket, void *room, size_t room_bytes,
                                   struct loom_datagram *datagram, uint64_t deadline_ns);

/* ---- readiness ---- */

enum loom_readiness {
    LOOM_READABLE = 1 << 0, /* bytes, a datagram, a connection to accept, or the end */
    LOOM_WRITABLE = 1 << 1, /* connected, and there is room */
    LOOM_FAILED = 1 << 2,   /* loom_error says why; told unasked */
    LOOM_REPORTED = 1 << 3, /* loom_take_reports has something to tell */
};

struct loom_poll {
    struct loom_socket *socket;
    unsigned wanted; /* enum loom_readiness, or-ed */
    unsigned ready;
};

/* Waits until at least one of them, of the same stack all, is ready for what is wanted. */
enum loom_result loom_poll(struct loom_poll items[], size_t count, size_t *ready_count,
                           uint64_t deadline_ns);

/* Called at the end of a step, outside of the stack, when something has happened to the socket that
 * may have made it ready: it may call the stack, and close the socket. */
struct loom_watch {
    void (*ready)(struct loom_watch *watch, struct loom_socket *socket, unsigned ready);
};
/* NULL: none from now on. What is ready already is told with the next step. */
enum loom_result loom_watch_socket(struct loom_socket *socket, struct loom_watch *watch);

/* ---- options of a socket ---- */

/* Of TCP; those of a listener are its connections' as well. A time or size can be set below what
 * the stack's own options say, never above. */
enum loom_socket_option {
    LOOM_NODELAY,               /* 0 or 1: no Nagle's algorithm */
    LOOM_KEEPALIVE,             /* 0 or 1 */
    LOOM_KEEPALIVE_IDLE_NS,     /* silence before the first probe */
    LOOM_KEEPALIVE_INTERVAL_NS, /* between probes */
    LOOM_KEEPALIVE_COUNT,       /* unanswered probes that end it */
    LOOM_USER_TIMEOUT_NS,       /* unacknowledged for so long: LOOM_TIMED_OUT (RFC 5482) */
    LOOM_SEND_BUFFER_BYTES,     /* not acknowledged */
    LOOM_RECEIVE_BUFFER_BYTES,  /* the window; tuned no more */
    LOOM_MSS_MAX,               /* longest segments to send, without options */
    LOOM_TRAFFIC_CLASS,         /* 0 to 255: the Differentiated Services field in the upper six bits
                                   (RFC 2474); the lower two are the stack's own, for ECN */
};
/* 0 for a number: the stack's own value. LOOM_INVALID: out of range. */
enum loom_result loom_set_option(struct loom_socket *socket, enum loom_socket_option option,
                                 uint64_t value);
enum loom_result loom_get_option(struct loom_socket *socket, enum loom_socket_option option,
                                 uint64_t *value);

/* "cubic", "newreno". LOOM_NOT_FOUND. */
enum loom_result loom_set_congestion(struct loom_socket *socket, const char *name);

/* UDP: whether it may send to broadcast addresses. */
enum loom_result loom_set_broadcast(struct loom_socket *socket, bool may_broadcast);

/* ---- what is inside ---- */

/* RFC 9293 3.3.2. */
enum loom_tcp_state {
    LOOM_TCP_CLOSED,
    LOOM_TCP_LISTEN,
    LOOM_TCP_SYN_SENT,
    LOOM_TCP_SYN_RECEIVED,
    LOOM_TCP_ESTABLISHED,
    LOOM_TCP_FIN_WAIT_1,
    LOOM_TCP_FIN_WAIT_2,
    LOOM_TCP_CLOSE_WAIT,
    LOOM_TCP_CLOSING,
    LOOM_TCP_LAST_ACK,
    LOOM_TCP_TIME_WAIT,
};
/* "SYN-SENT". */
const char *loom_tcp_state_text(enum loom_tcp_state state);

enum loom_tcp_features {
    LOOM_TCP_HAS_SACK = 1 << 0,
    LOOM_TCP_HAS_TIMESTAMPS = 1 << 1,
    LOOM_TCP_HAS_ECN = 1 << 2,
};

struct loom_tcp_info {
    uint32_t state;    /* enum loom_tcp_state */
    uint32_t features; /* enum loom_tcp_features */
    const char *congestion;
    uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
    uint8_t snd_wind_shift, rcv_wind_shift;
    uint8_t timeout_count; /* since snd_una advanced last */
    uint32_t cwnd_bytes, ssthresh_bytes;
    uint64_t srtt_ns, rttvar_ns, rtt_min_ns, rto_ns; /* srtt 0: not measured yet */
    uint32_t mss_bytes;                              /* payload of a full segment */
    uint32_t peer_mss_bytes;                         /* as the peer's SYN had it */
    uint32_t path_mtu_bytes;
    uint32_t in_flight_bytes, sacked_bytes, lost_bytes;
    uint64_t unacknowledged_bytes; /* in the send queue, those not sent included */
    uint64_t received_bytes;       /* in order and not read */
    uint64_t out_of_order_bytes;
    uint32_t recovery_state; /* 0: open, 1: window reduced, 2: fast recovery, 3: after a timeout */
    uint32_t reorder_window_multiplier; /* RFC 8985 6.2 step 4 */
};
enum loom_result loom_tcp_info(struct loom_socket *socket, struct loom_tcp_info *info);

/* The state of the connection between two endpoints, whoever has it: also one that was closed and
 * ends by itself, half open, or in TIME-WAIT. LOOM_NOT_FOUND: CLOSED. */
enum loom_result loom_tcp_find(struct loom_stack *stack, const struct loom_endpoint *local,
                               const struct loom_endpoint *peer, enum loom_tcp_state *state);

struct loom_statistics {
    uint64_t frames_sent, frames_received, frames_dropped; /* dropped: by loom_stack_input */
    uint64_t packets, packets_free;
    uint64_t tcp_segments_sent, tcp_segments_received, tcp_segments_retransmitted;
    uint64_t tcp_resets_sent, tcp_resets_received, tcp_bad_checksums;
    uint64_t tcp_retransmission_timeouts, tcp_fast_recoveries, tcp_tail_loss_probes;
    uint64_t tcp_spurious_recoveries, tcp_challenge_acks, tcp_syn_cookies_sent;
    uint64_t tcp_connections, tcp_half_open, tcp_time_wait; /* now */
    uint64_t udp_sent, udp_received, udp_dropped;
    uint64_t ipv4_received, ipv4_sent, ipv4_reassembled;
};
enum loom_result loom_stack_statistics(struct loom_stack *stack,
                                       struct loom_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif
