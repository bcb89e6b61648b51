/* tcp_connection.h - one connection: its states, its variables, and what the engine's files ask of
 * each other.
 *
 *     tcp_connection.c   its life: taken, established, ended, given back
 *     tcp_input.c        a segment for it (RFC 9293 3.10.7.4)
 *     tcp_syn_sent.c     the same while it opens (3.10.7.3)
 *     tcp_acknowledge.c  what the segment acknowledges
 *     tcp_receive.c      the bytes and the FIN that it brings, and when that is acknowledged
 *     tcp_output.c       what may be sent now
 *     tcp_transmit.c     one segment, put together and handed to IP
 *     tcp_path.c         how long a segment may be
 *     tcp_user_timeout.c how long the peer and we wait for each other
 *     tcp_timer.c        what is due without any segment
 *     tcp_user.c         what the user calls
 *
 * Every way in ends with tcp_connection_settle, and only there is the user told, the timer set and
 * a record given back: the functions before it may end a connection without anybody's pointer going
 * bad.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_CONNECTION_H
#define LOOM_TCP_CONNECTION_H

#include "base/agenda.h"
#include "base/list.h"
#include "tcp_core/tcp_core_state.h"
#include "tcp_core/tcp_handshake.h"
#include "tcp_core/tcp_receive_queue.h"
#include "tcp_core/tcp_receive_window.h"
#include "tcp_core/tcp_recovery.h"
#include "tcp_core/tcp_segment.h"
#include "tcp_core/tcp_send_queue.h"

/* How long an orphan waits for its peer's FIN. RFC 9293 sets no limit; all large systems do. */
#define TCP_FIN_WAIT_2_NS (60 * S_NS)

/* RFC 9293 3.3.2. LISTEN is an acceptor's, and SYN-RECEIVED of a passive open a SYN record's. */
enum tcp_state {
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED, /* both have opened actively */
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT, /* a small record answers for it; here are only bytes that nobody has read */
};

enum tcp_connection_flag {
    TCP_HAS_OPENED = 1 << 0, /* the handshake is complete; stays */
    TCP_HAS_SACK = 1 << 1,   /* agreed on: RFC 2018, RFC 7323, RFC 3168 */
    TCP_HAS_TIMESTAMPS = 1 << 2,
    TCP_HAS_ECN = 1 << 3,
    TCP_IS_ORPHAN = 1 << 4,     /* closed by its user: it ends by itself */
    TCP_FIN_QUEUED = 1 << 5,    /* the user has shut: ours follows what it handed over */
    TCP_FIN_NUMBERED = 1 << 21, /* and stands at snd_end - 1 */
    TCP_FIN_HEARD = 1 << 6,     /* the peer's, at fin_seq; perhaps ahead of a hole */
    TCP_FIN_RECEIVED = 1 << 7,  /* and now in order */
    TCP_IS_NODELAY = 1 << 8,
    TCP_IS_KEPT_ALIVE = 1 << 9,
    TCP_ACK_DUE = 1 << 10,          /* when the burst of input ends */
    TCP_OUTPUT_DUE = 1 << 11,       /* the same */
    TCP_STARVED = 1 << 12,          /* in core->starved, for a packet or the ring */
    TCP_WANTS_ROOM = 1 << 13,       /* the user found no room to send: WRITABLE will tell */
    TCP_SHORT_OF_BUFFERS = 1 << 14, /* and that was the pool's */
    TCP_TOLD_READABLE = 1 << 15,    /* and has not looked since */
    TCP_PROBE_SENT = 1 << 16,       /* one byte beyond the window, at snd_nxt, which did not move */
    TCP_ECHO_DUE = 1 << 17,         /* ECE until the peer's CWR */
    TCP_CWR_DUE = 1 << 18,          /* with the next new data */
    TCP_SYN_REPEATED = 1 << 19,
    TCP_SYN_WITHOUT_ECN = 1 << 20, /* the first one, with it, was not answered (RFC 3168 6.1.1.1) */
    TCP_IS_DOUBTED = 1 << 22,   /* ICMP has said, since it was heard last, that nobody is there */
    TCP_SENDS_URGENT = 1 << 23, /* up to snd_up, which is not acknowledged */
    TCP_HEARS_URGENT = 1 << 24, /* up to rcv_up, which is not read */
    TCP_TIMEOUT_DUE = 1 << 25,  /* our user timeout, with the next segment that has room for it */
    TCP_FIN_IS_NEWS = 1 << 26,  /* it came by itself, ahead of a hole, and was not told of since */
};

struct tcp_connection {
    struct tcp_core *core;
    struct tcp_user *user;
    struct tcp_acceptor *acceptor; /* in whose queue it waits; NULL: none */
    struct list_node queue;        /* there, or among core->orphans */
    struct list_node work;         /* in core->pending or core->starved */
    struct agenda_entry timer;     /* set for the first deadline or before */

    struct tcp_pair pair;
    uint32_t demux_hash;
    uint32_t flags;  /* enum tcp_connection_flag */
    uint8_t state;   /* enum tcp_state */
    uint8_t failure; /* enum result */
    uint8_t events;  /* of enum tcp_event, to be told */
    uint8_t snd_wind_shift, rcv_wind_shift;
    uint8_t quick_acks;      /* so many acknowledgements are not put off */
    uint8_t persist_count;   /* window probes without an open window */
    uint8_t keepalive_count; /* probes without an answer */

    /* What the peer lets us send, and what it has acknowledged: snd_una and snd_nxt are
     * recovery's. */
    uint32_t snd_wnd, snd_wnd_max;
    uint32_t snd_wl1, snd_wl2;
    uint32_t snd_end;   /* behind what was handed over and has numbers, the FIN included */
    uint32_t snd_short; /* behind the last segment that was shorter than it could be */
    uint32_t snd_up;
    uint16_t peer_mss;
    uint16_t payload_max; /* in a segment with no other options than timestamps */
    uint16_t mtu_bytes;   /* of the path, as it was last looked up */
    uint16_t mtu_cap;     /* the user wants none larger; 0: whatever */
    uint16_t mtu_hole;    /* larger ones vanish (RFC 2923 2.1); 0: none known to */
    uint16_t probe_bytes; /* a segment larger than that was sent as well, at probe_start; 0: none */
    uint32_t probe_start;
    uint32_t probe_next_s; /* when another may go */
    struct tcp_send_queue send_queue;
    struct tcp_recovery recovery;

    /* What has come. */
    uint32_t rcv_nxt;
    uint32_t rcv_told; /* Last.ACK.sent (RFC 7323 4.3) */
    uint32_t fin_seq;
    uint32_t rcv_up;
    uint32_t ts_recent, ts_offset;
    uint32_t ts_recent_s;       /* when it came: after 24 days it says nothing (RFC 7323 5.5) */
    uint16_t rcv_mss;           /* the longest segment so far */
    uint16_t peer_user_timeout; /* as the peer said it (RFC 5482); 0: it did not, or we ignore it */
    uint8_t reports;            /* of enum tcp_report, that the user has not taken */
    uint8_t traffic_class;      /* its ECN bits are 0 */
    struct tcp_receive_window receive_window;
    struct tcp_receive_queue receive_queue;

    uint64_t heard_ns;       /* the last segment came */
    uint64_t acknowledge_ns; /* put off until then; NEVER */
    uint64_t persist_ns;     /* the next window probe; of an orphan in FIN-WAIT-2 its end */
    uint64_t hold_ns;        /* TCP_SEND_HOLD ends */
    uint64_t pace_ns;        /* pacing lets more go */
    struct tcp_limit challenges;
};
static_assert(sizeof(struct tcp_connection) <= 816, "with what stands above, under 1 KiB");

static inline bool tcp_connection_has(const struct tcp_connection *connection,
                                      enum tcp_connection_flag flag)
{
    return (connection->flags & (uint32_t)flag) != 0;
}

static inline void tcp_connection_mark(struct tcp_connection *connection,
                                       enum tcp_connection_flag flag)
{
    connection->flags |= (uint32_t)flag;
}

static inline void tcp_connection_clear(struct tcp_connection *connection,
                                        enum tcp_connection_flag flag)
{
    connection->flags &= ~(uint32_t)flag;
}

/* RFC 9293 3.3.2: both ends know each other's sequence numbers. */
static inline bool tcp_connection_is_synchronized(const struct tcp_connection *connection)
{
    return connection->state >= TCP_ESTABLISHED;
}

static inline bool tcp_connection_is_over(const struct tcp_connection *connection)
{
    return connection->state == TCP_CLOSED || connection->state == TCP_TIME_WAIT;
}

static inline uint64_t tcp_connection_now_ns(const struct tcp_connection *connection)
{
    return connection->core->agenda->now_ns;
}

/* The next byte that the user will read, or the FIN. */
static inline uint32_t tcp_connection_read_seq(const struct tcp_connection *connection)
{
    return connection->rcv_nxt - tcp_connection_has(connection, TCP_FIN_RECEIVED) -
           connection->receive_queue.length_bytes;
}

/* The peer's FIN has come, and text before it has not. */
static inline bool tcp_connection_fin_is_ahead(const struct tcp_connection *connection)
{
    uint32_t both = connection->flags & (uint32_t)(TCP_FIN_HEARD | TCP_FIN_RECEIVED);
    return both == TCP_FIN_HEARD;
}

/* Our clock as this peer sees it. */
uint32_t tcp_connection_timestamp(const struct tcp_connection *connection);

/* ---- tcp_connection.c ---- */

enum result tcp_connections_open(struct tcp_core *core) CHECKED;
void tcp_connections_close(struct tcp_core *core);

/* All of them at once, whose loans and buffers go back; no user is told. */
void tcp_connections_end(struct tcp_core *core);

/* For the demultiplexer. */
struct tcp_connection *tcp_connection_at(const struct tcp_core *core, uint32_t index);

/* A record in CLOSED, its pair set; not yet in the demultiplexer. NULL: none is free. */
struct tcp_connection *tcp_connection_take(struct tcp_core *core, const struct tcp_pair *pair);
void tcp_connection_enter(struct tcp_connection *connection);

/* The handshake is complete: snd_nxt is iss + 1, and rcv_nxt, the windows and options are set. */
void tcp_connection_establish(struct tcp_connection *connection, uint64_t rtt_ns);

/* Gives sequence numbers to what the user has handed over. What has them and is not acknowledged
 * stays within half of all there are, however long a loan is. */
void tcp_connection_number(struct tcp_connection *connection);

/* Ends it here: out of the demultiplexer, nothing sent any more. `failure`: what the user is told;
 * OK: it has ended as it should. What has come stays readable unless it failed. */
void tcp_connection_end(struct tcp_connection *connection, enum result failure);

/* The same with a reset to the peer. */
void tcp_connection_reset(struct tcp_connection *connection, enum result failure);

/* Ends it here, and a TIME-WAIT record answers for it. */
void tcp_connection_wait_out(struct tcp_connection *connection);

/* Tells the user, sets the timer, and gives the record back if nobody has it any more: then the
 * pointer is bad. */
void tcp_connection_settle(struct tcp_connection *connection);

/* Notes what the user is to be told of though nothing ends. */
void tcp_connection_report(struct tcp_connection *connection, enum tcp_report report);

/* Has something to do when the burst of input ends. */
void tcp_connection_pend(struct tcp_connection *connection, enum tcp_connection_flag flag);

/* There was no packet, or no room in the ring. */
void tcp_connection_starve(struct tcp_connection *connection);

/* ---- tcp_input.c, tcp_syn_sent.c ---- */

/* A segment for it, which starts at its TCP header and whose checksum is good. Takes ownership of
 * the packet. The connection may be gone afterwards. */
void tcp_connection_input(struct tcp_connection *connection, struct packet *packet,
                          const struct tcp_segment *segment, const struct ip_incoming *incoming);

/* An ICMP error about a segment of it whose sequence number is within what is in flight (RFC 5927
 * 4.1). The connection may be gone afterwards. */
void tcp_connection_error(struct tcp_connection *connection, const struct ip_error *error);

void tcp_input_syn_sent(struct tcp_connection *connection, struct packet *packet,
                        const struct tcp_segment *segment, const struct ip_incoming *incoming);

/* ---- tcp_acknowledge.c ---- */

/* The fifth check of RFC 9293 3.10.7.4 in a synchronized state. False: the segment is dropped. */
bool tcp_acknowledge(struct tcp_connection *connection, const struct tcp_segment *segment);

/* SEG.WND as it comes with SND.UNA =< SEG.ACK. */
void tcp_acknowledge_window(struct tcp_connection *connection, const struct tcp_segment *segment);

/* ---- tcp_receive.c ---- */

/* The seventh and the eighth: text and FIN. Takes the packet, whose header is still in front. */
void tcp_receive(struct tcp_connection *connection, struct packet *packet,
                 const struct tcp_segment *segment, const struct ip_incoming *incoming);

/* The sixth: URG, of a segment that has it. */
void tcp_receive_urgent(struct tcp_connection *connection, const struct tcp_segment *segment);

/* RFC 5482, of a segment that has it. */
void tcp_receive_user_timeout(struct tcp_connection *connection, const struct tcp_segment *segment);

/* RFC 7323 4.3. */
void tcp_receive_timestamp(struct tcp_connection *connection, const struct tcp_segment *segment);

/* ---- tcp_output.c ---- */

/* Sends all that may go now: what is lost, new data, a FIN. */
void tcp_output(struct tcp_connection *connection);

/* tcp_output, and an acknowledgement if one is still due. */
void tcp_output_due(struct tcp_connection *connection);

/* For the timer: one segment whatever the window says (RFC 9293 3.8.6.1); one for RFC 8985 7.3. */
void tcp_output_window_probe(struct tcp_connection *connection);
void tcp_output_tail_probe(struct tcp_connection *connection);

/* ---- tcp_transmit.c ---- */

/* Sends the range of sequence numbers, of which a SYN and a FIN take one each, and tells recovery.
 * Gives how many went: fewer where one datagram does not hold them; 0: it could not be sent now. */
uint32_t tcp_transmit(struct tcp_connection *connection, struct tcp_range range);

/* Sends bytes that are in flight once more, in one segment of whatever length; recovery is not
 * told. False: it could not be sent. */
bool tcp_transmit_again(struct tcp_connection *connection, struct tcp_range range);

/* One byte, or the FIN, at snd_nxt, which stays where it is. */
void tcp_transmit_beyond_window(struct tcp_connection *connection);

/* An acknowledgement without data, now. False: it could not be sent. */
bool tcp_transmit_ack(struct tcp_connection *connection);

/* Answers a segment that does not fit, within the connection's own limit (RFC 5961 7). */
void tcp_transmit_challenge(struct tcp_connection *connection);

/* Ends it for the peer: at a number that its window lets it believe. */
void tcp_transmit_reset(struct tcp_connection *connection);

/* SND.NXT - 1 and no data: whoever is there answers (RFC 9293 3.8.4). */
void tcp_transmit_keepalive(struct tcp_connection *connection);

/* ---- tcp_path.c ---- */

/* Looks the path up. False: there is none. */
bool tcp_path_find(struct tcp_connection *connection, struct ip_path *path);

/* Segments of full size have vanished again and again: tries shorter ones (RFC 4821 7.7). */
void tcp_path_suspect(struct tcp_connection *connection);

/* Where segments are shorter for that reason: tries now and then whether full ones come through,
 * and takes the acknowledgement that says so, of which recovery is to hear nothing. */
void tcp_path_probe(struct tcp_connection *connection, const struct ip_path *path);
void tcp_path_take_answer(struct tcp_connection *connection,
                          struct tcp_acknowledgement *acknowledgement);

/* ---- tcp_timer.c ---- */

void tcp_timer_due(struct agenda_entry *entry);
void tcp_timer_set(struct tcp_connection *connection);

#endif
