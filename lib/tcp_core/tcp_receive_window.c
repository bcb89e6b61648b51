/* tcp_receive_window.c - how much the peer may send.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_window.h"

#include "base/units.h"
#include "tcp_core/tcp_receive_budget.h"
#include "tcp_core/tcp_receive_queue.h"

#define WINDOW_FIELD_MAX ((uint64_t)UINT16_MAX)

/* A round of reading is not shorter than the loop that wakes readers is coarse. */
#define ROUND_NS_MIN (500 * US_NS)
/* Before the first measurement of the round trip. */
#define ROUND_NS_UNKNOWN (100 * MS_NS)

static uint32_t bounded_limit(uint64_t limit_bytes)
{
    uint64_t most_bytes = MIN(limit_bytes, TCP_RECEIVE_LIMIT_MAX);
    return (uint32_t)MAX(most_bytes, TCP_RECEIVE_LIMIT_MIN);
}

void tcp_receive_window_init(struct tcp_receive_window *window, uint64_t limit_bytes,
                             uint32_t rcv_nxt, uint32_t promised_bytes)
{
    *window = (struct tcp_receive_window){
        .limit_bytes = bounded_limit(limit_bytes),
        .edge = rcv_nxt + promised_bytes,
    };
    assert_that(promised_bytes, <=, window->limit_bytes);
}

/* What could be promised from rcv_nxt on, all reasons taken together. While buffers are scarce it
 * is a share of those left; where nothing is unread two segments may always come, so that nobody
 * waits for a window that the others have used up. */
static uint64_t sound_bytes(const struct tcp_receive_window *window,
                            const struct tcp_receive_queue *queue, uint32_t mss_bytes,
                            const struct packet_pool *packets)
{
    uint64_t limit_bytes = window->limit_bytes, used_bytes = queue->length_bytes;
    uint64_t sound = limit_bytes > used_bytes ? limit_bytes - used_bytes : 0;
    uint64_t promise_bytes = queue->out_of_order_bytes + tcp_budget_promise(window->limit_bytes,
                                                                            queue->buffer_count,
                                                                            queue->piece_count);
    sound = MIN(sound, promise_bytes);
    uint64_t share_bytes = packet_pool_left(packets, PACKET_FOR_DATA) * PACKET_BYTES / 4;
    if (queue->length_bytes == 0) share_bytes = MAX(share_bytes, (uint64_t)mss_bytes * 2);
    return MIN(sound, share_bytes);
}

/* The least step by which the edge moves (RFC 9293 3.8.6.2.2, with Fr = 1/2). */
static uint64_t least_step(const struct tcp_receive_window *window, uint32_t mss_bytes)
{
    return MIN((uint64_t)mss_bytes, window->limit_bytes / 2);
}

/* The number of units in which the window is told, and moves the edge along when units do not
 * divide what was promised: up to the next one, so that it does not seem to move back (RFC 7323
 * 2.4), unless a peer has used that to creep on by an eighth of the limit. */
static uint64_t whole_units(struct tcp_receive_window *window,
                            const struct tcp_receive_queue *queue, uint32_t rcv_nxt,
                            uint8_t wind_shift)
{
    uint64_t told_bytes = window->edge - rcv_nxt, unit_bytes = (uint64_t)1 << wind_shift;
    uint64_t units = (told_bytes + unit_bytes - 1) >> wind_shift;
    uint64_t more_bytes = units << wind_shift;
    if (more_bytes == told_bytes) return units;
    uint64_t limit_bytes = (uint64_t)window->limit_bytes + window->limit_bytes / 8;
    uint64_t promise_bytes = queue->out_of_order_bytes + tcp_budget_promise(window->limit_bytes,
                                                                            queue->buffer_count,
                                                                            queue->piece_count);
    if (queue->length_bytes + more_bytes > limit_bytes || more_bytes > promise_bytes)
        return units - 1;
    window->edge = rcv_nxt + (uint32_t)more_bytes;
    return units;
}

uint16_t tcp_receive_window_offer(struct tcp_receive_window *window,
                                  const struct tcp_receive_queue *queue, uint32_t rcv_nxt,
                                  uint8_t wind_shift, uint32_t mss_bytes,
                                  const struct packet_pool *packets)
{
    uint64_t told_bytes = window->edge - rcv_nxt;
    uint64_t sound = sound_bytes(window, queue, mss_bytes, packets) >> wind_shift;
    sound = MIN(sound, WINDOW_FIELD_MAX) << wind_shift;
    if (sound >= told_bytes + least_step(window, mss_bytes))
        window->edge = rcv_nxt + (uint32_t)sound;
    uint64_t units = whole_units(window, queue, rcv_nxt, wind_shift);
    return (uint16_t)MIN(units, WINDOW_FIELD_MAX);
}

bool tcp_receive_window_opens(const struct tcp_receive_window *window,
                              const struct tcp_receive_queue *queue, uint32_t rcv_nxt,
                              uint32_t mss_bytes, const struct packet_pool *packets)
{
    uint64_t told_bytes = window->edge - rcv_nxt;
    if (told_bytes * 2 > window->limit_bytes) return false;
    uint64_t sound = sound_bytes(window, queue, mss_bytes, packets);
    return sound >= told_bytes * 2 && sound >= told_bytes + least_step(window, mss_bytes);
}

static void grow(struct tcp_receive_window *window, uint64_t wanted_bytes, uint64_t limit_bytes_max,
                 const struct packet_pool *packets)
{
    uint64_t share_bytes = packet_pool_left(packets, PACKET_FOR_DATA) * PACKET_BYTES / 4;
    wanted_bytes = MIN(wanted_bytes, limit_bytes_max);
    wanted_bytes = MIN(wanted_bytes, share_bytes);
    if (wanted_bytes > window->limit_bytes) window->limit_bytes = bounded_limit(wanted_bytes);
}

void tcp_receive_window_consumed(struct tcp_receive_window *window, size_t length_bytes,
                                 uint64_t now_ns, uint64_t rtt_ns, uint64_t limit_bytes_max,
                                 const struct packet_pool *packets)
{
    window->round_bytes += length_bytes;
    uint64_t wanted_ns = rtt_ns == 0 ? ROUND_NS_UNKNOWN : MAX(rtt_ns, ROUND_NS_MIN);
    uint64_t elapsed_ns = now_ns - window->round_ns;
    if (elapsed_ns < wanted_ns) return;
    /* A reader who comes rarely has not read all of it in one round trip. */
    uint64_t rounds = elapsed_ns / wanted_ns;
    grow(window, window->round_bytes / rounds * 4, limit_bytes_max, packets);
    window->round_ns = now_ns;
    window->round_bytes = 0;
}
