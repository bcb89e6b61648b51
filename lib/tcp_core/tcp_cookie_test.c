/* tcp_cookie_test.c - SYN cookies keep what RFC 4987 3.6 says is lost, and are believed only where
 * they were sent, and only for so long.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_cookie.h"

#include "tcp_core/tcp_isn.h"
#include "test/test.h"

#define KEY ((struct siphash_key){ 0x0123456789abcdef, 0xfedcba9876543210 })
#define NOW (1000 * S_NS)

static const struct tcp_pair pair = {
    .local = { { ADDRESS_IPV4, { 192, 0, 2, 1 } }, 80 },
    .peer = { { ADDRESS_IPV4, { 198, 51, 100, 7 } }, 40000 },
};

static struct tcp_syn_terms asked(void)
{
    return (struct tcp_syn_terms){
        .irs = 0xfffffff0,
        .ts_recent = 77,
        .peer_mss = 1460,
        .snd_wind_shift = 7,
        .window_scale = true,
        .sack_permitted = true,
        .timestamps = true,
        .ecn = true,
    };
}

/* The ACK with which an honest peer answers `rtt_ns` later. */
static struct tcp_segment ack_of(const struct tcp_syn_terms *terms, uint64_t sent_ns)
{
    return (struct tcp_segment){
        .seq = terms->irs + 1,
        .ack = terms->iss + 1,
        .flags = TCP_ACK,
        .options = terms->timestamps ? TCP_OPTION_TIMESTAMPS : 0,
        .ts_value = 99,
        .ts_echo = tcp_timestamp_clock(sent_ns) + terms->ts_offset,
    };
}

static void expect_kept(const struct tcp_syn_terms *made, uint64_t rtt_ns)
{
    struct tcp_segment ack = ack_of(made, NOW);
    struct tcp_syn_terms got;
    expect(tcp_cookie_check(KEY, &pair, NOW + rtt_ns, &ack, &got));
    expect_that(got.iss, ==, made->iss);
    expect_that(got.irs, ==, made->irs);
    expect_that(got.peer_mss, ==, made->peer_mss);
    expect_that(got.window_scale, ==, made->window_scale);
    expect_that(got.snd_wind_shift, ==, made->window_scale ? made->snd_wind_shift : 0);
    expect_that(got.sack_permitted, ==, made->sack_permitted);
    expect_that(got.timestamps, ==, made->timestamps);
    expect_that(got.ecn, ==, made->ecn);
    if (!made->timestamps) return;
    expect_that(got.ts_offset, ==, made->ts_offset);
    expect_that(got.ts_recent, ==, 99);
}

TEST(every_combination_of_options_comes_back)
{
    for (unsigned combination = 0; combination < 16; combination++) {
        for (uint8_t shift = 0; shift <= TCP_WIND_SHIFT_MAX; shift++) {
            struct tcp_syn_terms terms = asked();
            terms.window_scale = (combination & 1) != 0;
            terms.sack_permitted = (combination & 2) != 0;
            terms.timestamps = (combination & 4) != 0;
            terms.ecn = (combination & 8) != 0;
            terms.snd_wind_shift = shift;
            tcp_cookie_make(KEY, &pair, NOW, &terms);
            expect_that(terms.ecn, ==, (combination & 12) == 12);
            expect_kept(&terms, 200 * MS_NS);
        }
    }
}

TEST(the_mss_is_rounded_down_by_little)
{
    uint16_t usual[] = { 536, 1220, 1360, 1400, 1440, 1460 };
    for (size_t i = 0; i < LENGTH_OF(usual); i++) {
        struct tcp_syn_terms terms = asked();
        terms.peer_mss = usual[i];
        tcp_cookie_make(KEY, &pair, NOW, &terms);
        expect_that(terms.peer_mss, ==, usual[i]);
        expect_kept(&terms, 0);
    }
    for (uint32_t mss = TCP_MSS_MIN; mss <= UINT16_MAX; mss++) {
        struct tcp_syn_terms terms = asked();
        terms.peer_mss = (uint16_t)mss;
        tcp_cookie_make(KEY, &pair, NOW, &terms);
        expect_that(terms.peer_mss, <=, mss);
    }
}

TEST(a_cookie_is_good_for_a_minute_and_not_for_two)
{
    struct tcp_syn_terms with = asked(), without = asked();
    without.timestamps = false;
    struct tcp_syn_terms *both[] = { &with, &without };
    for (size_t i = 0; i < LENGTH_OF(both); i++) {
        tcp_cookie_make(KEY, &pair, NOW, both[i]);
        expect_kept(both[i], TCP_COOKIE_PERIOD_NS);
        struct tcp_segment ack = ack_of(both[i], NOW);
        struct tcp_syn_terms got;
        expect(!tcp_cookie_check(KEY, &pair, NOW + TCP_COOKIE_VALID_NS, &ack, &got));
    }
}

TEST(a_cookie_is_worth_nothing_for_another_pair_key_or_sequence_number)
{
    struct tcp_syn_terms terms = asked(), got;
    tcp_cookie_make(KEY, &pair, NOW, &terms);
    struct tcp_segment ack = ack_of(&terms, NOW);
    expect(tcp_cookie_check(KEY, &pair, NOW, &ack, &got));

    struct tcp_pair other = pair;
    other.peer.port++;
    expect(!tcp_cookie_check(KEY, &other, NOW, &ack, &got));
    struct siphash_key key = KEY;
    key.k0 ^= 1;
    expect(!tcp_cookie_check(key, &pair, NOW, &ack, &got));
    struct tcp_segment shifted = ack;
    shifted.seq++;
    expect(!tcp_cookie_check(KEY, &pair, NOW, &shifted, &got));
}

TEST(an_echo_that_we_did_not_send_is_refused)
{
    struct tcp_syn_terms terms = asked(), got;
    tcp_cookie_make(KEY, &pair, NOW, &terms);
    struct tcp_segment ack = ack_of(&terms, NOW);
    ack.ts_echo += 1; /* from the future */
    expect(!tcp_cookie_check(KEY, &pair, NOW, &ack, &got));
    ack.ts_echo -= 1 + 121000; /* longer ago than it is good */
    expect(!tcp_cookie_check(KEY, &pair, NOW, &ack, &got));
}

TEST(guesses_succeed_no_more_often_than_24_bits_let_them)
{
    /* A million guesses, two secrets each: one success in eight runs is chance. The seed is one
     * that has none. */
    uint64_t state = 7;
    unsigned hits = 0;
    for (int i = 0; i < 1000000; i++) {
        struct tcp_segment ack = { .seq = (uint32_t)test_random(&state),
                                   .ack = (uint32_t)test_random(&state),
                                   .flags = TCP_ACK };
        struct tcp_syn_terms got;
        hits += tcp_cookie_check(KEY, &pair, NOW, &ack, &got);
    }
    expect_that(hits, <=, 1);
}

TEST(cookies_of_neighbouring_ports_differ_in_all_bits)
{
    /* NUMBER:JACK: each bit of the difference is set in half of the cases. */
    enum { TOTAL = 20000 };
    uint32_t set[32] = { 0 }, previous = 0;
    for (uint32_t i = 0; i < TOTAL; i++) {
        struct tcp_pair peer = pair;
        peer.peer.port = (uint16_t)(1024 + i);
        struct tcp_syn_terms terms = asked();
        tcp_cookie_make(KEY, &peer, NOW, &terms);
        for (size_t bit = 0; bit < 32; bit++)
            set[bit] += (terms.iss ^ previous) >> bit & 1;
        previous = terms.iss;
    }
    for (size_t bit = 0; bit < 32; bit++)
        expect(set[bit] > TOTAL / 2 - 400 && set[bit] < TOTAL / 2 + 400);
}
