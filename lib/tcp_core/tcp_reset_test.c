/* tcp_reset_test.c - segments that belong to nobody, and what is not even a segment.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_reset.h"

#include "packet/checksum.h"
#include "tcp_core/tcp_stranger_suite.h"
#include "test/test.h"

#define NOTHING ((struct view){ 0 })

static struct stranger stranger;

static void open_usual(void)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
}

static const struct tcp_core_statistics *statistics(void)
{
    return tcp_core_statistics(&stranger.core);
}

TEST(a_segment_for_nobody_is_reset_as_rfc_9293_3_10_7_1_says)
{
    open_usual();
    struct tcp_pair pair = stranger_pair(1);
    stranger_send(&stranger, &pair, stranger_syn(1000), VIEW("12345"));
    struct tcp_segment reset = stranger_expect_sent(&stranger)->segment;
    expect_that(reset.flags, ==, TCP_RST | TCP_ACK);
    expect_that(reset.seq, ==, 0);
    expect_that(reset.ack, ==, 1006);

    struct tcp_segment ack = { .seq = 1000, .ack = 777, .flags = TCP_ACK | TCP_FIN };
    stranger_send(&stranger, &pair, ack, VIEW("12345"));
    reset = stranger_expect_sent(&stranger)->segment;
    expect_that(reset.flags, ==, TCP_RST);
    expect_that(reset.seq, ==, 777);
    expect_that(statistics()->resets_sent, ==, 2);
    stranger_close(&stranger);
}

TEST(a_reset_is_never_answered)
{
    open_usual();
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment reset = { .seq = 1000, .flags = TCP_RST };
    stranger_send(&stranger, &pair, reset, NOTHING);
    reset.flags |= TCP_ACK;
    stranger_send(&stranger, &pair, reset, NOTHING);
    (void)stranger_listen(&stranger, 80, 4);
    stranger_send(&stranger, &pair, reset, NOTHING);
    stranger_expect_silence(&stranger);
    stranger_close(&stranger);
}

TEST(who_listens_resets_an_acknowledgement_of_nothing)
{
    /* RFC 9293 3.10.7.2, second. No cookie was sent of late, so it cannot be one. */
    open_usual();
    (void)stranger_listen(&stranger, 80, 4);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment ack = { .seq = 1000, .ack = 777, .flags = TCP_ACK };
    stranger_send(&stranger, &pair, ack, NOTHING);
    expect_that(stranger_expect_sent(&stranger)->segment.seq, ==, 777);
    ack.flags |= TCP_SYN;
    stranger_send(&stranger, &pair, ack, NOTHING);
    expect_that(stranger_expect_sent(&stranger)->segment.flags, ==, TCP_RST);
    expect_that(statistics()->syn_cookies_failed, ==, 0);
    stranger_close(&stranger);
}

TEST(a_storm_gets_a_thousand_resets_a_second_and_no_more)
{
    open_usual();
    struct tcp_segment ack = { .seq = 1000, .ack = 777, .flags = TCP_ACK };
    for (uint32_t i = 0; i < 20000; i++) {
        struct tcp_pair pair = stranger_pair(i);
        stranger_send(&stranger, &pair, ack, NOTHING);
    }
    expect_that(stranger.sent_count, ==, TCP_RESET_BURST);
    for (uint32_t i = 0; i < 100000; i++) { /* 100,000 in a second */
        struct tcp_pair pair = stranger_pair(i);
        stranger_pass_time(&stranger, 10 * US_NS);
        stranger_send(&stranger, &pair, ack, NOTHING);
    }
    expect_that(stranger.sent_count, <=, TCP_RESET_BURST + 1000);
    expect_that(stranger.sent_count, >=, TCP_RESET_BURST + 990);
    stranger_close(&stranger);
}

/* ---- not even a segment ---- */

static void input(struct packet *packet, bool to_many)
{
    struct tcp_pair pair = stranger_pair(1);
    struct ip_incoming incoming = {
        .source = pair.peer.address,
        .destination = pair.local.address,
        .protocol = IP_PROTOCOL_TCP,
        .to_many = to_many,
    };
    stranger.core.protocol.input(&stranger.core.protocol, packet, &incoming);
}

static struct packet *sound_packet(struct tcp_segment segment)
{
    struct tcp_pair pair = stranger_pair(1);
    struct packet *packet = packet_take(&stranger.pool, PACKET_FOR_RECEIVE);
    tcp_segment_push(packet, &segment, &pair.peer.address, &pair.local.address);
    checksum_complete(packet);
    return packet;
}

TEST(a_segment_cut_at_any_length_is_dropped)
{
    open_usual();
    (void)stranger_listen(&stranger, 80, 4);
    struct tcp_segment syn = stranger_syn(1);
    syn.source_port = 40000;
    syn.destination_port = 80;
    for (size_t length_bytes = 0; length_bytes < 40; length_bytes++) {
        struct packet *packet = sound_packet(syn);
        packet_trim(packet, length_bytes);
        packet->checksum = PACKET_CHECKSUM_GOOD; /* the length alone is to be seen */
        input(packet, false);
    }
    expect_that(statistics()->bad_segments, ==, 40);
    stranger_expect_silence(&stranger);
    input(sound_packet(syn), false);
    (void)stranger_expect_sent(&stranger);
    stranger_close(&stranger);
}

TEST(a_bad_checksum_port_0_and_a_broadcast_get_no_answer)
{
    /* RFC 9293 3.1, MUST-3; 3.9.2.3, MUST-57. */
    open_usual();
    (void)stranger_listen(&stranger, 80, 4);
    struct tcp_segment syn = stranger_syn(1);
    syn.source_port = 40000;
    syn.destination_port = 80;
    struct packet *packet = sound_packet(syn);
    packet_span(packet).bytes[5] ^= 1;
    input(packet, false);
    expect_that(statistics()->bad_checksums, ==, 1);
    input(sound_packet(syn), true);
    syn.source_port = 0;
    input(sound_packet(syn), false);
    syn.source_port = 40000;
    syn.destination_port = 0;
    input(sound_packet(syn), false);
    expect_that(statistics()->bad_segments, ==, 3);
    stranger_expect_silence(&stranger);
    stranger_close(&stranger);
}
