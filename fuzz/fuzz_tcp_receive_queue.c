/* fuzz_tcp_receive_queue.c - any segments in any order into a receive queue, beside a model.
 *
 * The input is a program: each call takes its arguments from the bytes behind it. What is checked
 * stands in lib/tcp_core/tcp_receive_model.c: the bytes read, what was told of each segment, the
 * blocks of acknowledgements and their order, and that no moment costs more than twice the window.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_model.h"

#include "base/cursor.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static struct tcp_receive_model model;

static void insert(struct cursor *cursor, bool in_order)
{
    struct tcp_receive_model_segment segment = {
        .offset = in_order ? 0 : (int16_t)cursor_u16_le(cursor),
        .length_bytes = 1 + cursor_u16_le(cursor) % 6000u,
        .byte = cursor_u8(cursor),
        .shape = cursor_u8(cursor),
    };
    if (!cursor->ran_short) tcp_receive_model_insert(&model, &segment);
}

static void step(struct cursor *cursor, uint8_t wind_shift)
{
    uint8_t call = cursor_u8(cursor);
    switch (call % 8) {
    case 0: tcp_receive_model_read(&model, cursor_u16_le(cursor)); break;
    case 1: tcp_receive_model_offer(&model, wind_shift); break;
    case 2: tcp_receive_model_check_blocks(&model, 1 + call / 8 % 4); break;
    case 3: insert(cursor, true); break;
    default: insert(cursor, false); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    uint32_t rcv_nxt = cursor_u32_le(&cursor);
    uint32_t limit_bytes = TCP_RECEIVE_LIMIT_MIN + cursor_u16_le(&cursor);
    size_t packet_count = 16 + cursor_u8(&cursor) * (size_t)4;
    uint8_t wind_shift = cursor_u8(&cursor) % 15;
    tcp_receive_model_open(&model, rcv_nxt, limit_bytes, packet_count);
    while (cursor_left(&cursor) > 0 && !cursor.ran_short)
        step(&cursor, wind_shift);
    tcp_receive_model_close(&model);
    return 0;
}
