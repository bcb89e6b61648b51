/* tcp_receive_model_test.c - any segments at all, beside a model that is an array of bytes.
 *
 * Sequence numbers wrap in the middle of it. What is read, what was told of each segment, and the
 * blocks of acknowledgements in their order must be what the model says; and no moment may cost
 * more than twice the window.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_receive_model.h"
#include "test/test.h"

static struct tcp_receive_model model;

struct habits {
    uint32_t limit_bytes, length_max, spread;
    unsigned reads_in_ten;
    size_t packet_count;
};

static void run(uint64_t seed, const struct habits *habits)
{
    uint64_t state = seed;
    tcp_receive_model_open(&model, UINT32_MAX - (uint32_t)(test_random(&state) % 100000),
                           habits->limit_bytes, habits->packet_count);
    for (size_t step = 0; step < 2000; step++) {
        uint32_t spread = 1 + (uint32_t)(test_random(&state) % habits->spread);
        struct tcp_receive_model_segment segment = {
            .offset = (int32_t)(test_random(&state) % spread) - (int32_t)(spread / 8),
            .length_bytes = 1 + (uint32_t)(test_random(&state) % habits->length_max),
            .byte = (uint8_t)test_random(&state),
            .shape = (uint8_t)test_random(&state),
        };
        if (test_random(&state) % 3 == 0) segment.offset = 0;
        tcp_receive_model_insert(&model, &segment);
        if (test_random(&state) % 10 < habits->reads_in_ten)
            tcp_receive_model_read(&model, test_random(&state) % 5000);
        if (test_random(&state) % 4 == 0) tcp_receive_model_offer(&model, (uint8_t)(seed % 8));
        if (test_random(&state) % 16 == 0)
            tcp_receive_model_check_blocks(&model, 1 + test_random(&state) % 4);
    }
    tcp_receive_model_close(&model);
}

TEST(any_segments_are_read_as_the_stream)
{
    static const struct habits all[] = {
        { 65536, 3000, 60000, 5, 2048 },  { 65536, 1, 200, 2, 2048 },
        { 16384, 40, 2000, 1, 2048 },     { 130000, 1448, 130000, 5, 2048 },
        { 65536, 20000, 60000, 6, 2048 }, { 65536, 100, 60000, 0, 2048 },
        { 65536, 1500, 30000, 4, 40 },    { 20000, 600, 19000, 3, 2048 },
    };
    for (uint64_t seed = 0; seed < 80; seed++)
        run(seed, &all[seed % LENGTH_OF(all)]);
}
