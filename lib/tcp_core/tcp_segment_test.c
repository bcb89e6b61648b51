/* tcp_segment_test.c - headers and options as RFC 9293, 7323 and 2018 lay them out, and as hostile
 * peers do.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_segment.h"

#include "ip/ip.h"
#include "packet/checksum.h"
#include "test/test.h"

/* Ports 80 and 443, seq 1, ack 2, window 4096; `words` is the data offset. */
#define HEADER(words, flags) \
    "\x00\x50\x01\xbb\x00\x00\x00\x01\x00\x00\x00\x02" words flags "\x10\x00\xab\xcd\x00\x07"
#define ACK_FLAG "\x10"
#define SYN_FLAG "\x02"

static struct tcp_segment parsed(struct view bytes)
{
    struct tcp_segment segment = { 0 };
    expect_ok(tcp_segment_parse(test_guarded(bytes), &segment));
    return segment;
}

TEST(a_plain_header_is_read_as_rfc_9293_3_1_lays_it_out)
{
    struct tcp_segment segment = parsed(VIEW(HEADER("\x50", "\xb1")));
    expect_that(segment.source_port, ==, 80);
    expect_that(segment.destination_port, ==, 443);
    expect_that(segment.seq, ==, 1);
    expect_that(segment.ack, ==, 2);
    expect_that(segment.window, ==, 4096);
    expect_that(segment.urgent, ==, 7);
    expect_that(segment.flags, ==, TCP_FIN | TCP_ACK | TCP_URG | TCP_CWR);
    expect_that(segment.header_bytes, ==, 20);
    expect_that(segment.options, ==, 0);
}

TEST(reserved_bits_are_ignored)
{
    /* RFC 9293 3.1: "must be zero in generated segments and must be ignored in received segments".
     */
    struct tcp_segment segment = parsed(VIEW(HEADER("\x5f", ACK_FLAG)));
    expect_that(segment.header_bytes, ==, 20);
    expect_that(segment.flags, ==, TCP_ACK);
}

TEST(a_header_cut_at_any_length_is_invalid)
{
    struct view whole = VIEW(HEADER("\xa0", SYN_FLAG) "\x02\x04\x05\xb4\x04\x02\x08\x0a"
                                                      "\0\0\0\1\0\0\0\0\x01\x03\x03\x07");
    struct tcp_segment segment;
    for (size_t length_bytes = 0; length_bytes < 40; length_bytes++)
        expect_result(tcp_segment_parse(test_guarded(view_first(whole, length_bytes)), &segment),
                      INVALID);
    expect_ok(tcp_segment_parse(test_guarded(whole), &segment));
}

TEST(a_data_offset_under_five_or_past_the_end_is_invalid)
{
    struct tcp_segment segment;
    expect_result(tcp_segment_parse(VIEW(HEADER("\x40", ACK_FLAG)), &segment), INVALID);
    expect_result(tcp_segment_parse(VIEW(HEADER("\x00", ACK_FLAG)), &segment), INVALID);
    expect_result(tcp_segment_parse(VIEW(HEADER("\xf0", ACK_FLAG) "\1\1\1\1"), &segment), INVALID);
}

TEST(the_options_of_a_syn_are_read)
{
    struct tcp_segment syn = parsed(VIEW(HEADER("\xa0", SYN_FLAG) "\x02\x04\x05\xb4\x04\x02"
                                                                  "\x08\x0a\1\2\3\4\5\6\7\x08"
                                                                  "\x01\x03\x03\x07"));
    expect_that(syn.options, ==,
                TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_TIMESTAMPS |
                    TCP_OPTION_WINDOW_SCALE);
    expect_that(syn.mss, ==, 1460);
    expect_that(syn.ts_value, ==, 0x01020304);
    expect_that(syn.ts_echo, ==, 0x05060708);
    expect_that(syn.wind_shift, ==, 7);
}

TEST(options_that_belong_to_a_syn_are_passed_over_elsewhere)
{
    /* RFC 9293 3.7.1 and RFC 7323 2.2: they "must only" or "is to be" ignored without SYN. */
    struct tcp_segment segment = parsed(VIEW(HEADER("\x90", ACK_FLAG) "\x02\x04\x05\xb4\x04\x02"
                                                                      "\x01\x03\x03\x07\0\0\0\0\0"
                                                                      "\0"));
    expect_that(segment.options, ==, 0);
}

TEST(selective_acknowledgements_are_passed_over_in_a_syn)
{
    struct tcp_segment syn = parsed(VIEW(HEADER("\x80", SYN_FLAG) "\1\1\x05\x0a\0\0\0\1\0\0\0\2"));
    expect(!segment_has(&syn, TCP_OPTION_SACK));
}

TEST(four_blocks_are_read_as_they_were_said)
{
    /* RFC 2018 3: at most four fit. The second is nonsense, which is not for the parser to say. */
    struct tcp_segment segment = parsed(VIEW(HEADER(
        "\xe0", ACK_FLAG) "\1\1\x05\x22"
                          "\0\0\0\1\0\0\0\2\0\0\0\x09\0\0\0\3\0\0\0\5\0\0\0\6\0\0\0\7\0\0\0\x08"));
    expect(segment_has(&segment, TCP_OPTION_SACK));
    expect_that(segment.sack_count, ==, 4);
    expect_that(segment.sack[0].start, ==, 1);
    expect_that(segment.sack[1].start, ==, 9);
    expect_that(segment.sack[1].end, ==, 3);
    expect_that(segment.sack[3].end, ==, 8);
}

TEST(selective_acknowledgements_of_a_broken_length_are_passed_over)
{
    struct tcp_segment half = parsed(VIEW(HEADER("\x80", ACK_FLAG) "\x05\x0c\0\0\0\1\0\0\0\2\0\0"));
    expect(!segment_has(&half, TCP_OPTION_SACK));
    struct tcp_segment none = parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x05\x02\1\1"));
    expect(!segment_has(&none, TCP_OPTION_SACK));
}

TEST(timestamps_are_read_in_their_usual_place_and_elsewhere)
{
    /* RFC 7323 appendix A: NOP, NOP in front; but "must be prepared to receive it" anywhere. */
    struct tcp_segment usual = parsed(
        VIEW(HEADER("\x80", ACK_FLAG) "\1\1\x08\x0a\0\0\0\1\0\0\0\2"));
    expect_that(usual.options, ==, TCP_OPTION_TIMESTAMPS);
    expect_that(usual.ts_value, ==, 1);
    expect_that(usual.ts_echo, ==, 2);
    struct tcp_segment unusual = parsed(
        VIEW(HEADER("\x80", ACK_FLAG) "\x08\x0a\0\0\0\3\0\0\0\4\0\0"));
    expect_that(unusual.options, ==, TCP_OPTION_TIMESTAMPS);
    expect_that(unusual.ts_value, ==, 3);
    expect_that(unusual.ts_echo, ==, 4);
}

TEST(an_option_of_length_0_or_1_ends_the_options)
{
    /* RFC 9293 3.1, MUST-7: "prepared to handle an illegal option length (e.g., zero)". What stood
     * before it counts, and the segment does too. */
    struct tcp_segment zero = parsed(
        VIEW(HEADER("\x80", SYN_FLAG) "\x02\x04\x02\x18\x63\x00\x03\x03\x07\1\1\1"));
    expect_that(zero.options, ==, TCP_OPTION_MSS);
    expect_that(zero.mss, ==, 536);
    struct tcp_segment one = parsed(
        VIEW(HEADER("\x80", SYN_FLAG) "\x02\x04\x02\x18\x08\x01\x03\x03\x07\1\1\1"));
    expect_that(one.options, ==, TCP_OPTION_MSS);
}

TEST(an_option_past_the_headers_end_ends_the_options)
{
    /* The payload behind the header is not taken for a part of it. */
    struct tcp_segment segment = parsed(
        VIEW(HEADER("\x70", ACK_FLAG) "\1\1\1\1\1\1\x08\x0a\0\0\0\1\0\0\0\2"));
    expect_that(segment.options, ==, 0);
    struct tcp_segment alone = parsed(VIEW(HEADER("\x60", ACK_FLAG) "\1\1\1\x08"));
    expect_that(alone.options, ==, 0);
}

TEST(known_options_of_a_wrong_length_and_unknown_ones_are_passed_over)
{
    struct tcp_segment syn = parsed(VIEW(HEADER("\x90", SYN_FLAG) "\x02\x03\x05\xfd\x06\1\2\3\4"
                                                                  "\x03\x04\x01\x02\x04\x03\x08"));
    expect_that(syn.options, ==, 0);
    struct tcp_segment after = parsed(
        VIEW(HEADER("\x80", SYN_FLAG) "\xfd\x04\x01\x02\x02\x04\x02\x18\0\0\0\0"));
    expect_that(after.options, ==, TCP_OPTION_MSS);
}

/* RFC 5482 3.3, 3.4: with SYN or without, of four bytes and no others; 0 is reserved. */
TEST(a_user_timeout_is_read)
{
    expect_that(parsed(VIEW(HEADER("\x60", SYN_FLAG) "\x1c\x04\x01\x2c")).user_timeout, ==, 300);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x1c\x04\x80\x05")).user_timeout, ==, 0x8005);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x1c\x04\x00\x00")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x1c\x04\x80\x00")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x1c\x03\x01\x01")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x1c\x02\x01\x01")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\x01\x1c\x04\x01")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x70", ACK_FLAG) "\x1c\x06\x01\x01\1\1\1\1")).user_timeout, ==,
                0);
    expect_that(parsed(VIEW(HEADER("\x60", ACK_FLAG) "\1\1\1\x1c")).user_timeout, ==, 0);
    expect_that(parsed(VIEW(HEADER("\x70", ACK_FLAG) "\x1c\x04\0\x07\x1c\x04\0\x09")).user_timeout,
                ==, 9);
}

TEST(what_stands_behind_the_end_of_the_options_is_not_read)
{
    struct tcp_segment syn = parsed(VIEW(HEADER("\x70", SYN_FLAG) "\0\x02\x04\x05\xb4\1\1\1"));
    expect_that(syn.options, ==, 0);
}

TEST(a_shift_over_14_counts_as_14)
{
    /* RFC 7323 2.3. */
    struct tcp_segment syn = parsed(VIEW(HEADER("\x60", SYN_FLAG) "\x03\x03\xff\x00"));
    expect_that(syn.wind_shift, ==, 14);
}

TEST(a_tiny_mss_is_raised_and_a_missing_one_has_its_default)
{
    /* CVE-2019-11479; RFC 9293 3.7.1, MUST-15. */
    struct tcp_segment tiny = parsed(VIEW(HEADER("\x60", SYN_FLAG) "\x02\x04\x00\x01"));
    expect_that(tcp_segment_mss(&tiny, ADDRESS_IPV4), ==, TCP_MSS_MIN);
    struct tcp_segment zero = parsed(VIEW(HEADER("\x60", SYN_FLAG) "\x02\x04\x00\x00"));
    expect_that(tcp_segment_mss(&zero, ADDRESS_IPV4), ==, TCP_MSS_MIN);
    struct tcp_segment none = parsed(VIEW(HEADER("\x50", SYN_FLAG)));
    expect_that(tcp_segment_mss(&none, ADDRESS_IPV4), ==, 536);
    expect_that(tcp_segment_mss(&none, ADDRESS_IPV6), ==, 1220);
}

TEST(what_our_syns_say_fits_the_mtu)
{
    expect_that(tcp_mss_for_mtu(1500, ADDRESS_IPV4), ==, 1460);
    expect_that(tcp_mss_for_mtu(1500, ADDRESS_IPV6), ==, 1440);
    expect_that(tcp_mss_for_mtu(68, ADDRESS_IPV4), ==, TCP_MSS_MIN);
    expect_that(tcp_wind_shift_for(65535), ==, 0);
    expect_that(tcp_wind_shift_for(65536), ==, 1);
    expect_that(tcp_wind_shift_for(6 * MIB), ==, 7);
    expect_that(tcp_wind_shift_for(UINT64_MAX), ==, 14);
}

TEST(syn_and_fin_take_a_number_each)
{
    struct tcp_segment segment = { .flags = TCP_SYN | TCP_FIN | TCP_ACK, .payload_bytes = 10 };
    expect_that(segment_length(&segment), ==, 12);
}

/* ---- writing, and from frames ---- */

static struct packet_pool pool;

static void open_pool(void)
{
    expect_ok(packet_pool_open(&pool, 64));
}

static void close_pool(void)
{
    expect_that(pool.free_count, ==, pool.count);
    packet_pool_close(&pool);
}

static const struct address ours = { ADDRESS_IPV4, { 192, 0, 2, 1 } };
static const struct address theirs = { ADDRESS_IPV4, { 192, 0, 2, 2 } };

static struct packet *pushed(const struct tcp_segment *segment, struct view payload)
{
    struct packet *packet = packet_take(&pool, PACKET_FOR_CONTROL);
    expect(packet != NULL);
    if (payload.length_bytes > 0)
        (void)span_copy(packet_put(packet, payload.length_bytes), payload);
    tcp_segment_push(packet, segment, &ours, &theirs);
    return packet;
}

TEST(the_options_of_our_syns_stand_in_the_order_of_linux)
{
    open_pool();
    struct tcp_segment syn = {
        .source_port = 80,
        .destination_port = 443,
        .seq = 1,
        .flags = TCP_SYN,
        .window = 65535,
        .options = TCP_OPTION_MSS | TCP_OPTION_SACK_PERMITTED | TCP_OPTION_TIMESTAMPS |
                   TCP_OPTION_WINDOW_SCALE,
        .mss = 1460,
        .ts_value = 0x01020304,
        .wind_shift = 7,
    };
    struct packet *packet = pushed(&syn, (struct view){ 0 });
    expect_view(view_from_offset(packet_view(packet), 20),
                VIEW("\x02\x04\x05\xb4\x04\x02\x08\x0a\1\2\3\4\0\0\0\0\x01\x03\x03\x07"));
    packet_drop(packet);

    syn.options &= (uint8_t)~TCP_OPTION_TIMESTAMPS;
    packet = pushed(&syn, (struct view){ 0 });
    expect_view(view_from_offset(packet_view(packet), 20),
                VIEW("\x02\x04\x05\xb4\x01\x01\x04\x02\x01\x03\x03\x07"));
    packet_drop(packet);
    close_pool();
}

TEST(the_longest_options_fill_sixty_bytes)
{
    /* RFC 2018 3: four blocks alone, three beside timestamps. */
    struct tcp_segment segment = { .options = TCP_OPTION_SACK, .sack_count = 4 };
    expect_that(tcp_segment_header_bytes(&segment), ==, 56);
    segment.options |= TCP_OPTION_TIMESTAMPS;
    segment.sack_count = 3;
    expect_that(tcp_segment_header_bytes(&segment), ==, 60);
    segment.user_timeout = 1; /* beside them there is no room for it */
    expect_that(tcp_segment_header_bytes(&segment), ==, 60);
    expect(!tcp_segment_tells_timeout(&segment));
    segment.sack_count = 2;
    expect_that(tcp_segment_header_bytes(&segment), ==, 56);
    expect(tcp_segment_tells_timeout(&segment));
}

TEST(a_completed_checksum_is_good_and_any_turned_bit_is_not)
{
    open_pool();
    struct tcp_segment segment = {
        .source_port = 80,
        .destination_port = 443,
        .seq = 0xdeadbeef,
        .ack = 0xfeedface,
        .flags = TCP_ACK | TCP_PSH,
        .window = 1000,
        .options = TCP_OPTION_TIMESTAMPS,
        .ts_value = 1,
        .ts_echo = 2,
    };
    struct packet *packet = pushed(&segment, VIEW("odd"));
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    checksum_complete(packet);
    expect(checksum_is_good(packet, &ours, &theirs, IP_PROTOCOL_TCP));
    size_t bits = packet_total_bytes(packet) * 8;
    for (size_t bit = 0; bit < bits; bit++) {
        packet_span(packet).bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect(!checksum_is_good(packet, &ours, &theirs, IP_PROTOCOL_TCP));
        packet_span(packet).bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    packet_drop(packet);
    close_pool();
}

/* A segment whose every field is drawn; SYN or not. */
static struct tcp_segment drawn_segment(uint64_t *state)
{
    uint64_t draw = test_random(state);
    struct tcp_segment segment = {
        .source_port = (uint16_t)test_random(state),
        .destination_port = (uint16_t)test_random(state),
        .seq = (uint32_t)test_random(state),
        .ack = (uint32_t)test_random(state),
        .flags = (uint8_t)test_random(state),
        .window = (uint16_t)test_random(state),
        .urgent = (uint16_t)test_random(state),
        .mss = (uint16_t)test_random(state),
        .wind_shift = (uint8_t)(test_random(state) % 15),
        .ts_value = (uint32_t)test_random(state),
        .ts_echo = (uint32_t)test_random(state),
        .sack_count = (uint8_t)(1 + draw % 3),
        .user_timeout = (draw >> 16) % 2 == 0 ? 0 : (uint16_t)(test_random(state) | 1),
    };
    bool syn = (segment.flags & TCP_SYN) != 0;
    uint8_t possible = syn ? TCP_OPTION_MSS | TCP_OPTION_WINDOW_SCALE | TCP_OPTION_SACK_PERMITTED
                           : TCP_OPTION_SACK;
    segment.options = (uint8_t)(draw >> 8) & (possible | TCP_OPTION_TIMESTAMPS);
    for (size_t i = 0; i < segment.sack_count; i++)
        segment.sack[i] = (struct tcp_range){ (uint32_t)test_random(state),
                                              (uint32_t)test_random(state) };
    return segment;
}

static void expect_same(const struct tcp_segment *a, const struct tcp_segment *b)
{
    expect(a->source_port == b->source_port && a->destination_port == b->destination_port);
    expect(a->seq == b->seq && a->ack == b->ack && a->flags == b->flags);
    expect(a->window == b->window && a->urgent == b->urgent && a->options == b->options);
    if (segment_has(a, TCP_OPTION_MSS)) expect_that(a->mss, ==, b->mss);
    if (segment_has(a, TCP_OPTION_WINDOW_SCALE)) expect_that(a->wind_shift, ==, b->wind_shift);
    if (segment_has(a, TCP_OPTION_TIMESTAMPS))
        expect(a->ts_value == b->ts_value && a->ts_echo == b->ts_echo);
    expect_that(b->user_timeout, ==, tcp_segment_tells_timeout(a) ? a->user_timeout : 0);
    if (!segment_has(a, TCP_OPTION_SACK)) return;
    expect_that(a->sack_count, ==, b->sack_count);
    for (size_t i = 0; i < a->sack_count; i++)
        expect(a->sack[i].start == b->sack[i].start && a->sack[i].end == b->sack[i].end);
}

TEST(what_is_written_is_read_back)
{
    open_pool();
    uint64_t state = 1;
    for (int i = 0; i < 10000; i++) {
        struct tcp_segment segment = drawn_segment(&state), again;
        struct packet *packet = pushed(&segment, VIEW("payload"));
        expect_ok(tcp_segment_take(packet, &again));
        expect_same(&segment, &again);
        expect_that(again.payload_bytes, ==, 7);
        expect_that(again.header_bytes, ==, tcp_segment_header_bytes(&segment));
        packet_drop(packet);
    }
    close_pool();
}

TEST(a_header_spread_over_buffers_is_pulled_together)
{
    open_pool();
    struct view whole = VIEW(HEADER("\x80", ACK_FLAG) "\1\1\x08\x0a\0\0\0\1\0\0\0\2payload");
    for (size_t cut = 0; cut <= whole.length_bytes; cut++) {
        struct packet *first = packet_take(&pool, PACKET_FOR_RECEIVE);
        struct packet *second = packet_take(&pool, PACKET_FOR_RECEIVE);
        (void)span_copy(packet_put(first, cut), view_first(whole, cut));
        (void)span_copy(packet_put(second, whole.length_bytes - cut), view_from_offset(whole, cut));
        first->rest = second;
        struct tcp_segment segment;
        expect_ok(tcp_segment_take(first, &segment));
        expect_that(segment.ts_echo, ==, 2);
        expect_that(segment.payload_bytes, ==, 7);
        packet_drop(first);
    }
    close_pool();
}

TEST(a_frame_shorter_than_its_header_is_invalid_at_every_length)
{
    open_pool();
    struct view whole = VIEW(HEADER("\x80", ACK_FLAG) "\1\1\x08\x0a\0\0\0\1\0\0\0\2");
    for (size_t length_bytes = 0; length_bytes < whole.length_bytes; length_bytes++) {
        struct packet *packet = packet_take(&pool, PACKET_FOR_RECEIVE);
        (void)span_copy(packet_put(packet, length_bytes), view_first(whole, length_bytes));
        struct tcp_segment segment;
        expect_result(tcp_segment_take(packet, &segment), INVALID);
        packet_drop(packet);
    }
    close_pool();
}
