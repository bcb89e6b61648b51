/* tcp_isn_test.c - initial sequence numbers and timestamps are RFC 6528's, and not to be guessed.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_isn.h"

#include "test/test.h"

#define KEY ((struct siphash_key){ 0x0123456789abcdef, 0xfedcba9876543210 })

static struct tcp_pair pair_of(uint32_t number)
{
    return (struct tcp_pair){
        .local = { address_ipv4(192, 0, 2, 1), 80 },
        .peer = { address_ipv4(198, 51, 100, (uint8_t)(number >> 16)), (uint16_t)number },
    };
}

TEST(one_pairs_numbers_follow_a_clock_of_four_microseconds)
{
    /* RFC 6528 3, RFC 9293 3.4.1. */
    struct tcp_pair pair = pair_of(1000);
    struct tcp_initial first = tcp_initial_of(KEY, &pair, 50 * S_NS);
    struct tcp_initial later = tcp_initial_of(KEY, &pair, 51 * S_NS);
    expect_that(later.isn - first.isn, ==, 250000);
    expect_that(later.ts_offset, ==, first.ts_offset);
}

TEST(timestamps_tick_in_milliseconds)
{
    /* RFC 7323 4.1: between 1 ms and 1 s. */
    expect_that(tcp_timestamp_clock(7 * S_NS), ==, 7000);
    expect_that(tcp_timestamp_clock(7 * S_NS + 999999), ==, 7000);
}

TEST(every_part_of_the_pair_and_the_key_counts)
{
    struct tcp_pair pair = pair_of(1000), others[4];
    for (size_t i = 0; i < LENGTH_OF(others); i++)
        others[i] = pair;
    others[0].local.port++;
    others[1].peer.port++;
    others[2].local.address.bytes[3]++;
    others[3].peer.address.bytes[3]++;
    struct tcp_initial one = tcp_initial_of(KEY, &pair, S_NS);
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        struct tcp_initial other = tcp_initial_of(KEY, &others[i], S_NS);
        expect(other.isn != one.isn && other.ts_offset != one.ts_offset);
    }
    struct siphash_key key = KEY;
    key.k0 ^= 1;
    struct tcp_initial other = tcp_initial_of(key, &pair, S_NS);
    expect(other.isn != one.isn && other.ts_offset != one.ts_offset);
}

/* How far the counts of 256 classes are from equal: chi-squared with 255 degrees of freedom, which
 * is over 350 once in 30,000 runs of real chance. The key is fixed, so this run is the same always.
 */
static uint64_t chi_squared(const uint32_t counts[256], uint32_t total)
{
    uint64_t expected = total / 256, sum = 0;
    for (size_t i = 0; i < 256; i++) {
        int64_t difference = (int64_t)counts[i] - (int64_t)expected;
        sum += (uint64_t)(difference * difference);
    }
    return sum / expected;
}

/* NUMBER:JACK: what a stranger sees of the connections that he opens himself, one port after the
 * other, says nothing about the next one: differences fall evenly, in their high and low bytes. */
TEST(numbers_of_neighbouring_ports_differ_by_chance)
{
    enum { TOTAL = 65536 };
    static uint32_t counts[4][256];
    struct tcp_pair pair = pair_of(0);
    struct tcp_initial previous = tcp_initial_of(KEY, &pair, S_NS);
    for (uint32_t i = 1; i <= TOTAL; i++) {
        pair = pair_of(i);
        struct tcp_initial initial = tcp_initial_of(KEY, &pair, S_NS + i * (100 * US_NS));
        counts[0][(initial.isn - previous.isn) >> 24]++;
        counts[1][(initial.isn - previous.isn) & 0xff]++;
        counts[2][(initial.ts_offset - previous.ts_offset) >> 24]++;
        counts[3][(initial.isn ^ initial.ts_offset) & 0xff]++;
        previous = initial;
    }
    for (size_t i = 0; i < LENGTH_OF(counts); i++)
        expect_that(chi_squared(counts[i], TOTAL), <, 350);
}
