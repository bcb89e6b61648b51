/* generator_test.c - ChaCha20 against RFC 8439, and what the generator promises of it.
 *
 * SPDX-License-Identifier: ISC */
#include "target/vm/generator.h"

#include "test/test.h"

/* RFC 8439 2.3.2 */
static const uint8_t wanted_block[] = {
    0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
    0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
    0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
    0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
};

/* RFC 8439 A.1, test vector 1: key, counter and nonce are zero. */
static const uint8_t wanted_zero_block[] = {
    0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90, 0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28,
    0xbd, 0xd2, 0x19, 0xb8, 0xa0, 0x8d, 0xed, 0x1a, 0xa8, 0x36, 0xef, 0xcc, 0x8b, 0x77, 0x0d, 0xc7,
    0xda, 0x41, 0x59, 0x7c, 0x51, 0x57, 0x48, 0x8d, 0x77, 0x24, 0xe0, 0x3f, 0xb8, 0xd8, 0x4a, 0x37,
    0x6a, 0x43, 0xb8, 0xf4, 0x15, 0x18, 0xa1, 0x1c, 0xc3, 0x87, 0xb6, 0x69, 0xb2, 0xee, 0x65, 0x86,
};

TEST(chacha20_makes_the_block_of_the_rfc)
{
    struct chacha20_input input = { .counter = 1, .nonce = { 0, 0, 0, 9, 0, 0, 0, 0x4a } };
    for (unsigned i = 0; i < CHACHA20_KEY_BYTES; i++)
        input.key[i] = (uint8_t)i;
    uint8_t block[CHACHA20_BLOCK_BYTES];
    chacha20_block(block, &input);
    expect(view_equal(VIEW_OF(block), VIEW_OF(wanted_block)));
}

/* What is handed out first is the key stream behind the next key. */
TEST(generator_hands_out_the_stream_behind_the_next_key)
{
    static const uint8_t seed[CHACHA20_KEY_BYTES];
    struct generator generator;
    uint8_t given[CHACHA20_BLOCK_BYTES - CHACHA20_KEY_BYTES];
    generator_open(&generator, seed);
    generator_fill(&generator, SPAN_OF(given));
    expect(view_equal(VIEW_OF(given),
                      view_from_offset(VIEW_OF(wanted_zero_block), CHACHA20_KEY_BYTES)));
    expect(view_equal(VIEW_OF(generator.key),
                      view_first(VIEW_OF(wanted_zero_block), CHACHA20_KEY_BYTES)));
}

static bool holds(struct view memory, struct view part)
{
    return view_find(memory, part) < memory.length_bytes;
}

TEST(generator_keeps_nothing_of_what_it_has_given)
{
    static const uint8_t seed[CHACHA20_KEY_BYTES] = { 1, 2, 3 };
    struct generator generator;
    generator_open(&generator, seed);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t old_key[CHACHA20_KEY_BYTES], given[16];
        (void)span_copy(SPAN_OF(old_key), VIEW_OF(generator.key));
        bool makes_batch = generator.left_bytes == 0;
        generator_fill(&generator, SPAN_OF(given));
        expect(!holds(VIEW_OF(generator), VIEW_OF(given)));
        expect(holds(VIEW_OF(generator), VIEW_OF(old_key)) == !makes_batch);
    }
}

/* However the calls are cut, the bytes are the same, and none comes twice. */
TEST(generator_gives_one_stream)
{
    static const uint8_t seed[CHACHA20_KEY_BYTES] = { 9 };
    static uint8_t whole[3000], pieces[3000];
    struct generator generator;
    generator_open(&generator, seed);
    generator_fill(&generator, SPAN_OF(whole));
    generator_open(&generator, seed);
    struct span rest = SPAN_OF(pieces);
    for (size_t length = 1; rest.length_bytes > 0; length = length % 97 + 1) {
        struct span piece = span_first(rest, MIN(length, rest.length_bytes));
        generator_fill(&generator, piece);
        rest = span_from_offset(rest, piece.length_bytes);
    }
    expect(view_equal(VIEW_OF(whole), VIEW_OF(pieces)));
    for (size_t at = 0; at + 16 < sizeof whole; at += 16)
        expect(
            !holds(view_from_offset(VIEW_OF(whole), at + 1), view_slice(VIEW_OF(whole), at, 16)));
}

/* ---- mixing ---- */

static void open_numbered(struct generator *generator, uint8_t number)
{
    const uint8_t seed[CHACHA20_KEY_BYTES] = { number };
    generator_open(generator, seed);
}

/* The next key of RFC 8439's first block, with the bytes in it, makes what is handed out then. */
TEST(generator_mixes_into_the_next_key)
{
    static const uint8_t seed[CHACHA20_KEY_BYTES];
    uint8_t bytes[CHACHA20_KEY_BYTES], given[16], wanted[CHACHA20_BLOCK_BYTES];
    struct chacha20_input input = { .counter = 0 };
    struct generator generator;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + 1);
        input.key[i] = (uint8_t)(wanted_zero_block[i] ^ bytes[i]);
    }
    generator_open(&generator, seed);
    generator_mix(&generator, VIEW_OF(bytes));
    generator_fill(&generator, SPAN_OF(given));
    chacha20_block(wanted, &input);
    expect(
        view_equal(VIEW_OF(given), view_slice(VIEW_OF(wanted), CHACHA20_KEY_BYTES, sizeof given)));
}

/* Each byte of any length counts, and so does what was there before. */
TEST(generator_mixes_every_byte)
{
    static uint8_t given[200][16];
    static const uint8_t none[200];
    size_t count = 0;
    for (size_t length = 0; length <= 70; length++) {
        struct generator generator;
        uint8_t bytes[70] = { 0 };
        if (length > 0) bytes[length - 1] = 1;
        open_numbered(&generator, 1);
        generator_mix(&generator, VIEW_OF(bytes));
        generator_fill(&generator, SPAN_OF(given[count]));
        count++;
    }
    struct generator generator;
    open_numbered(&generator, 2);
    generator_mix(&generator, view_first(VIEW_OF(none), 70));
    generator_fill(&generator, SPAN_OF(given[count]));
    count++;
    open_numbered(&generator, 1); /* and no bytes are no change but of what was at hand */
    generator_mix(&generator, view_first(VIEW_OF(none), 0));
    generator_fill(&generator, SPAN_OF(given[count]));
    count++;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            expect(!view_equal(VIEW_OF(given[i]), VIEW_OF(given[j])));
}

/* What was made before it was mixed is not handed out after, and is not kept. */
TEST(generator_drops_what_was_made_before_it_was_mixed)
{
    static struct generator generator, copy; /* too large for a stack */
    uint8_t bytes[16] = { 3 }, next[64], given[64];
    open_numbered(&generator, 1);
    generator_fill(&generator, SPAN_OF(bytes));
    copy = generator;
    generator_fill(&copy, SPAN_OF(next));
    generator_mix(&generator, VIEW_OF(bytes));
    expect(!holds(VIEW_OF(generator), view_first(VIEW_OF(next), 16)));
    generator_fill(&generator, SPAN_OF(given));
    expect(!view_equal(VIEW_OF(given), VIEW_OF(next)));
}
