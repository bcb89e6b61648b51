/* tcp_receive_budget.h - the bound on what a connection can make us hold.
 *
 * Buffers count whole, up to twice the limit. What is promised and has not come is reckoned at what
 * it takes when it is packed tightly: nine eighths of it, as a buffer filled from near the start of
 * its room holds eight ninths of its true size; a buffer for each hole, of which each may be
 * filled by a packet that nothing can be appended to; and two, one of them being filled.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_RECEIVE_BUDGET_H
#define LOOM_TCP_RECEIVE_BUDGET_H

#include "packet/packet.h"

/* Bytes that begin at most so far into the room can grow to eight ninths of a buffer. */
#define TCP_BUDGET_OFFSET_MAX 144
static_assert((PACKET_ROOM_BYTES - 16 - TCP_BUDGET_OFFSET_MAX) * 9 >= (size_t)PACKET_BYTES * 8,
              "a buffer packed tightly is worth what it is reckoned at");

#define TCP_BUDGET_SPARE ((uint64_t)2)

static inline uint64_t tcp_budget(uint32_t limit_bytes)
{
    return (uint64_t)limit_bytes * 2;
}

static inline uint64_t tcp_budget_need(uint64_t buffers, uint64_t holes, uint32_t promised_bytes)
{
    return (buffers + holes + TCP_BUDGET_SPARE) * PACKET_BYTES + promised_bytes +
           promised_bytes / 8 + 1;
}

/* How much may be promised, and have nothing there yet, beside what is held. */
static inline uint64_t tcp_budget_promise(uint32_t limit_bytes, uint64_t buffers, uint64_t holes)
{
    uint64_t held_bytes = tcp_budget_need(buffers, holes, 0);
    uint64_t left_bytes = tcp_budget(limit_bytes);
    left_bytes = left_bytes > held_bytes ? left_bytes - held_bytes : 0;
    return left_bytes - left_bytes / 9;
}

#endif
