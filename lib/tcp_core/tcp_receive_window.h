/* tcp_receive_window.h - how much the peer may send: what was promised, and how large the buffer
 * behind it should be.
 *
 *     read | in the queue | rcv_nxt   promised    edge
 *          |<-------------- limit ------------------>|
 *
 * The edge never moves back, but for less than the unit of the window's scale (RFC 7323 2.4), and
 * only where a peer fills the window with tiny segments. It moves on in steps worth a segment (RFC
 * 9293 3.8.6.2.2), and only over what the queue can hold in the worst case.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECEIVE_WINDOW_H
#define LOOM_TCP_RECEIVE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "packet/packet.h"

struct tcp_receive_queue;

/* A smaller buffer is not bounded by twice its size. */
#define TCP_RECEIVE_LIMIT_MIN ((uint32_t)16384)
#define TCP_RECEIVE_LIMIT_MAX ((uint32_t)1 << 30)

struct tcp_receive_window {
    uint32_t limit_bytes; /* what may be unread, or promised */
    uint32_t edge;        /* the sequence number behind the last one promised */
    uint64_t round_ns;    /* when the present round of reading began */
    uint64_t round_bytes; /* read since */
};
static_assert(sizeof(struct tcp_receive_window) == 24, "an idle connection is to cost little");

/* A connection whose SYN, or SYN-ACK, promised so many bytes from rcv_nxt on. The limit is put
 * between the least and the most that are sound. */
void tcp_receive_window_init(struct tcp_receive_window *window, uint64_t limit_bytes,
                             uint32_t rcv_nxt, uint32_t promised_bytes);

/* What is promised now: RCV.WND. */
static inline uint32_t tcp_receive_window_bytes(const struct tcp_receive_window *window,
                                                uint32_t rcv_nxt)
{
    return window->edge - rcv_nxt;
}

/* What the next segment's window field says, and promises it. `mss_bytes` is the peer's segments'
 * usual length; `packets` where they are held. Zero: the sender is to wait. */
uint16_t tcp_receive_window_offer(struct tcp_receive_window *window,
                                  const struct tcp_receive_queue *queue, uint32_t rcv_nxt,
                                  uint8_t wind_shift, uint32_t mss_bytes,
                                  const struct packet_pool *packets);

/* Whether the reader has made so much room that the peer should be told at once: the window would
 * at least double, by at least a segment or half the buffer. */
bool tcp_receive_window_opens(const struct tcp_receive_window *window,
                              const struct tcp_receive_queue *queue, uint32_t rcv_nxt,
                              uint32_t mss_bytes, const struct packet_pool *packets);

/* The reader has taken bytes. Once a round trip the limit is made four times what was read in it,
 * if that is more: twice for a sender that doubles, twice again for what comes while a hole waits
 * for its retransmission. It stays under `limit_bytes_max`, and under a quarter of the buffers
 * that are left to applications. `rtt_ns` is the connection's smoothed round trip; 0: none known
 * yet. */
void tcp_receive_window_consumed(struct tcp_receive_window *window, size_t length_bytes,
                                 uint64_t now_ns, uint64_t rtt_ns, uint64_t limit_bytes_max,
                                 const struct packet_pool *packets);

#endif
