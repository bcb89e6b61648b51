/* tcp_flood_test.c - spoofed SYNs far beyond what there is room for, and honest peers among them;
 * strangers who guess.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"
#include "target/clock.h"
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_cookie.h"
#include "tcp_core/tcp_stranger_suite.h"
#include "test/test.h"

#define NOTHING ((struct view){ 0 })

/* Spoofed senders are numbered from here; honest ones below. */
#define SPOOFED 0x10000

static struct stranger stranger;

static struct tcp_acceptor *open_with(uint64_t syn_count, size_t backlog)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    parameters.syn_count = syn_count;
    stranger_open(&stranger, &parameters);
    return stranger_listen(&stranger, 80, backlog);
}

static const struct tcp_core_statistics *statistics(void)
{
    return tcp_core_statistics(&stranger.core);
}

/* What the core sends to spoofed senders is seen by nobody. */
static void flood(uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct tcp_pair pair = stranger_pair(SPOOFED + first + i);
        stranger_send(&stranger, &pair, stranger_syn(i), NOTHING);
    }
    stranger.looked_at_count = stranger.sent_count;
}

static struct tcp_connection *connection_of(struct tcp_acceptor *acceptor)
{
    struct tcp_connection *connection = tcp_acceptor_take(acceptor);
    expect(connection != NULL);
    return connection;
}

TEST(honest_peers_get_through_a_flood_with_all_they_asked_for)
{
    enum { HONEST = 1000, SPOOFED_EACH = 100 };
    struct tcp_acceptor *acceptor = open_with(64, 8);
    for (uint32_t i = 0; i < HONEST; i++) {
        struct tcp_pair pair = stranger_pair(i);
        struct tcp_segment syn = stranger_syn(i * 12345);
        flood(i * SPOOFED_EACH, SPOOFED_EACH / 2);
        stranger_send(&stranger, &pair, syn, NOTHING);
        struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
        stranger_pass_time(&stranger, 500 * US_NS);
        flood(i * SPOOFED_EACH + SPOOFED_EACH / 2, SPOOFED_EACH / 2);
        stranger_pass_time(&stranger, 500 * US_NS);
        stranger_send(&stranger, &pair, stranger_ack(&syn, &answer), VIEW("GET /"));

        struct tcp_connection *connection = connection_of(acceptor);
        expect(tcp_pair_equal(&connection->pair, &pair));
        expect_that(connection->peer_mss, ==, 1460);
        expect_that(connection->snd_wind_shift, ==, 7);
        expect_that(connection->rcv_wind_shift, ==, 7);
        expect(tcp_connection_has(connection, TCP_HAS_SACK));
        expect(tcp_connection_has(connection, TCP_HAS_TIMESTAMPS));
        struct view bytes;
        expect_ok(tcp_connection_peek(connection, &bytes));
        expect_view(bytes, VIEW("GET /"));
        tcp_connection_consume(connection, bytes.length_bytes);
        tcp_connection_abort(connection);
        stranger.looked_at_count = stranger.sent_count;
    }
    expect_that(statistics()->opened_passively, ==, HONEST);
    expect_that(statistics()->syn_cookies_received, >, HONEST - 64);
    expect_that(statistics()->syn_count, <=, 64);
    expect_that(stranger.core.connections.touched_count, <=, 2);
    stranger_close(&stranger);
}

TEST(cookies_keep_what_each_peer_asked_for)
{
    struct tcp_acceptor *acceptor = open_with(0, 8);
    for (uint32_t i = 0; i < 16; i++) {
        struct tcp_pair pair = stranger_pair(i);
        struct tcp_segment syn = stranger_bare_syn(1000);
        bool scale = (i & 1) != 0, sack = (i & 2) != 0, timestamps = (i & 4) != 0;
        bool ecn = (i & 8) != 0;
        if (scale) syn.options |= TCP_OPTION_WINDOW_SCALE;
        if (sack) syn.options |= TCP_OPTION_SACK_PERMITTED;
        if (timestamps) syn.options |= TCP_OPTION_TIMESTAMPS;
        if (ecn) syn.flags |= TCP_ECE | TCP_CWR;
        syn.options |= TCP_OPTION_MSS;
        syn.mss = 1220;
        syn.wind_shift = 9;
        struct tcp_segment answer = stranger_connect(&stranger, &pair, &syn);
        expect_that(answer.flags, ==, TCP_SYN | TCP_ACK | (ecn && timestamps ? TCP_ECE : 0));
        struct tcp_connection *connection = connection_of(acceptor);
        expect_that(connection->peer_mss, ==, 1220);
        expect_that(connection->snd_wind_shift, ==, scale ? 9 : 0);
        expect_that(connection->rcv_wind_shift, ==, scale ? 7 : 0);
        expect_that(tcp_connection_has(connection, TCP_HAS_SACK), ==, sack);
        expect_that(tcp_connection_has(connection, TCP_HAS_TIMESTAMPS), ==, timestamps);
        expect_that(tcp_connection_has(connection, TCP_HAS_ECN), ==, ecn && timestamps);
        tcp_connection_abort(connection);
        stranger.looked_at_count = stranger.sent_count;
    }
    expect_that(statistics()->syn_cookies_received, ==, 16);
    stranger_close(&stranger);
}

TEST(timestamps_go_on_where_the_cookie_began)
{
    /* RFC 7323 5.3: the connection's first segment must not look older than the SYN-ACK. */
    struct tcp_acceptor *acceptor = open_with(0, 8);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    syn.flags |= TCP_ECE | TCP_CWR;
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    stranger_pass_time(&stranger, 70 * S_NS); /* into the next minute */
    stranger_send(&stranger, &pair, stranger_ack(&syn, &answer), VIEW("hello"));
    struct tcp_segment ack = stranger_expect_sent(&stranger)->segment;
    expect_that(ack.ts_value, ==, answer.ts_value + 70000);
    expect(tcp_connection_has(connection_of(acceptor), TCP_HAS_ECN));
    stranger_close(&stranger);
}

TEST(a_cookie_with_timestamps_tells_the_first_round_trip)
{
    /* RFC 7323 4.1; so the first loss is not waited for as if nothing were known (RFC 6298 2.1, RFC
     * 8985 7.2). What took long says nothing of the path; without timestamps nothing is known. */
    static const struct {
        bool timestamps;
        uint64_t took_ns, least_ns, most_ns;
    } cases[] = {
        { true, 40 * MS_NS, 40 * MS_NS, 42 * MS_NS },
        { true, 500 * US_NS, MS_NS / 2, 2 * MS_NS },
        { true, 5 * S_NS, 0, 0 },
        { false, 40 * MS_NS, 0, 0 },
    };
    struct tcp_acceptor *acceptor = open_with(0, 8);
    for (uint32_t i = 0; i < LENGTH_OF(cases); i++) {
        struct tcp_pair pair = stranger_pair(i);
        struct tcp_segment syn = cases[i].timestamps ? stranger_syn(1000) : stranger_bare_syn(1000);
        stranger_send(&stranger, &pair, syn, NOTHING);
        struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
        stranger_pass_time(&stranger, cases[i].took_ns);
        stranger_send(&stranger, &pair, stranger_ack(&syn, &answer), NOTHING);
        struct tcp_connection *connection = connection_of(acceptor);
        expect_that(connection->recovery.rtt.srtt_ns, >=, cases[i].least_ns);
        expect_that(connection->recovery.rtt.srtt_ns, <=, cases[i].most_ns);
        tcp_connection_abort(connection);
        stranger.looked_at_count = stranger.sent_count;
    }
    stranger_close(&stranger);
}

TEST(a_cookie_waits_where_there_is_no_room_for_its_connection)
{
    struct tcp_acceptor *acceptor = open_with(0, 1);
    struct tcp_pair first = stranger_pair(1), second = stranger_pair(2);
    struct tcp_segment syn = stranger_syn(1000);
    stranger_send(&stranger, &second, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    (void)stranger_connect(&stranger, &first, &syn);
    stranger_send(&stranger, &second, stranger_ack(&syn, &answer), NOTHING);
    stranger_expect_silence(&stranger); /* not reset: it may come again */
    expect_that(statistics()->backlog_overflows, ==, 1);
    tcp_connection_abort(connection_of(acceptor));
    (void)stranger_expect_sent(&stranger);
    stranger_send(&stranger, &second, stranger_ack(&syn, &answer), VIEW("again"));
    expect(tcp_acceptor_holds(acceptor));
    stranger_close(&stranger);
}

TEST(cookies_are_believed_only_while_some_were_sent)
{
    struct tcp_acceptor *acceptor = open_with(1, 8);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    flood(0, 1);
    stranger_send(&stranger, &pair, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    expect_that(statistics()->syn_cookies_sent, ==, 1);
    stranger_pass_time(&stranger, TCP_COOKIE_VALID_NS + S_NS);
    stranger.looked_at_count = stranger.sent_count;
    stranger_send(&stranger, &pair, stranger_ack(&syn, &answer), NOTHING);
    expect_that(stranger_expect_sent(&stranger)->segment.flags, ==, TCP_RST);
    expect_that(statistics()->syn_cookies_failed, ==, 0); /* nobody even looked */
    expect(!tcp_acceptor_holds(acceptor));
    stranger_close(&stranger);
}

TEST(guessed_acknowledgements_make_no_connections)
{
    /* 200,000 of them in the middle of a flood, of 2^24 that each would need. The seed is one that
     * has no hit, as 97 of 100 have not. */
    struct tcp_acceptor *acceptor = open_with(16, 8);
    flood(0, 100);
    uint64_t state = 1;
    for (uint32_t i = 0; i < 200000; i++) {
        struct tcp_pair pair = stranger_pair(i % 50000);
        struct tcp_segment ack = { .seq = (uint32_t)test_random(&state),
                                   .ack = (uint32_t)test_random(&state),
                                   .flags = TCP_ACK,
                                   .window = 1000 };
        stranger_send(&stranger, &pair, ack, NOTHING);
    }
    expect(!tcp_acceptor_holds(acceptor));
    expect_that(statistics()->syn_cookies_failed, ==, 200000);
    expect_that(statistics()->resets_sent, <=, 500);
    stranger_close(&stranger);
}

TEST(a_pool_without_packets_keeps_the_record_and_answers_later)
{
    (void)open_with(16, 8);
    static struct packet *held[1024];
    size_t count = 0;
    while ((held[count] = packet_take(&stranger.pool, PACKET_FOR_CONTROL)) != NULL)
        count++;
    packet_drop(held[--count]); /* one, in which the SYN comes */
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    syn.source_port = pair.peer.port;
    syn.destination_port = pair.local.port;
    struct packet *packet = packet_take(&stranger.pool, PACKET_FOR_CONTROL);
    tcp_segment_push(packet, &syn, &pair.peer.address, &pair.local.address);
    struct ip_incoming incoming = { .source = pair.peer.address,
                                    .destination = pair.local.address };
    stranger.core.protocol.input(&stranger.core.protocol, packet, &incoming);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->syn_count, ==, 1);
    while (count > 0)
        packet_drop(held[--count]);
    stranger_pass_time(&stranger, S_NS + MS_NS);
    expect_that(stranger_expect_sent(&stranger)->segment.flags, ==, TCP_SYN | TCP_ACK);
    stranger_close(&stranger);
}

TEST(a_small_stack_has_small_tables)
{
    /* Few buffers hold few bytes that could be sent; the records of them take less than they do. */
    (void)open_with(16, 8);
    size_t records_bytes = stranger.core.recovery_pool.memory.length_bytes +
                           stranger.core.send_pool.memory.length_bytes;
    expect_that(records_bytes, <, stranger.pool.memory.length_bytes / 2);
    stranger_close(&stranger);
}

/* ---- against a connection ---- */

/* An ICMP error that quotes so much of a segment of ours. */
static void send_error(const struct tcp_pair *pair, uint32_t seq, size_t quoted_bytes,
                       enum ip_error_kind kind)
{
    uint8_t quoted[8];
    struct writer writer = writer_over(SPAN_OF(quoted));
    writer_put_u16_be(&writer, pair->local.port);
    writer_put_u16_be(&writer, pair->peer.port);
    writer_put_u32_be(&writer, seq);
    struct ip_error error = {
        .kind = kind,
        .source = pair->local.address,
        .destination = pair->peer.address,
        .transport = view_first(writer_view(&writer), quoted_bytes),
    };
    stranger.core.protocol.error(&stranger.core.protocol, &error);
}

static void nothing_to_tell(struct tcp_user *user, unsigned events)
{
    (void)user, (void)events;
}

TEST(an_icmp_error_counts_only_for_what_is_in_flight)
{
    /* RFC 5927 4.1; RFC 5461: a connection that is being opened fails at once. */
    struct tcp_core_parameters parameters = stranger_parameters();
    stranger_open(&stranger, &parameters);
    struct endpoint local = { 0 }, peer = stranger_pair(1).peer;
    struct tcp_user user = { .event = nothing_to_tell };
    struct tcp_connection *connection;
    expect_ok(tcp_connection_open(&stranger.core, &local, &peer, &user, &connection));
    const struct stranger_sent *sent = stranger_expect_sent(&stranger);
    uint32_t iss = sent->segment.seq;
    struct tcp_pair pair = sent->pair, other = pair;
    other.peer.port++;
    for (size_t quoted_bytes = 0; quoted_bytes < 8; quoted_bytes++)
        send_error(&pair, iss, quoted_bytes, IP_ERROR_PORT_UNREACHABLE);
    send_error(&pair, iss - 1, 8, IP_ERROR_PORT_UNREACHABLE);
    send_error(&pair, iss + 1, 8, IP_ERROR_PORT_UNREACHABLE);
    send_error(&other, iss, 8, IP_ERROR_PORT_UNREACHABLE);
    expect_that(tcp_connection_failure(connection), ==, OK);
    send_error(&pair, iss, 8, IP_ERROR_PORT_UNREACHABLE);
    expect_that(tcp_connection_failure(connection), ==, REFUSED);
    tcp_connection_close(connection);
    stranger_close(&stranger);
}

/* An established connection, and a stranger who sends segments with these flags and numbers drawn
 * from all there are, or near the right ones. */
static void attack_blindly(const unsigned flags[], size_t flags_count, uint32_t within)
{
    struct tcp_acceptor *acceptor = open_with(16, 8);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_bare_syn(1000);
    (void)stranger_connect(&stranger, &pair, &syn);
    struct tcp_connection *connection = connection_of(acceptor);
    uint32_t rcv_nxt = connection->rcv_nxt;
    uint64_t state = 9;
    for (uint32_t i = 0; i < 100000; i++) {
        /* The very next number is what he would have to guess. */
        uint32_t seq = rcv_nxt + 1 + (uint32_t)(test_random(&state) % (within - 1));
        struct tcp_segment blind = { .seq = seq,
                                     .ack = (uint32_t)test_random(&state),
                                     .flags = (uint8_t)flags[i % flags_count],
                                     .window = (uint16_t)test_random(&state) };
        stranger_send(&stranger, &pair, blind, NOTHING);
    }
    expect_that(connection->state, ==, TCP_ESTABLISHED);
    expect_that(connection->rcv_nxt, ==, rcv_nxt);
    tcp_connection_abort(connection);
}

TEST(blind_resets_and_acknowledgements_change_nothing_and_have_few_answers)
{
    /* RFC 5961 3 and 5, and 7 for the limit: this all happens within one moment. */
    unsigned flags[] = { TCP_RST, TCP_RST | TCP_ACK, TCP_ACK };
    attack_blindly(flags, LENGTH_OF(flags), UINT32_MAX);
    expect_that(stranger.sent_count, <, 100);
    stranger_close(&stranger);
    attack_blindly(flags, LENGTH_OF(flags), 60000);
    expect_that(stranger.sent_count, <, 100);
    stranger_close(&stranger);
}

TEST(blind_syns_in_the_window_change_nothing_and_have_few_answers)
{
    /* RFC 5961 4. */
    unsigned flags[] = { TCP_SYN, TCP_SYN | TCP_ACK };
    attack_blindly(flags, LENGTH_OF(flags), 60000);
    expect_that(stranger.sent_count, <, 100);
    stranger_close(&stranger);
}

TEST(blind_syns_outside_the_window_change_nothing)
{
    unsigned flags[] = { TCP_SYN, TCP_SYN | TCP_ACK };
    attack_blindly(flags, LENGTH_OF(flags), UINT32_MAX);
    stranger_close(&stranger);
}

/* ---- what it costs ---- */

TEST(a_spoofed_syn_costs_little)
{
    enum { COUNT = 100000 };
    (void)open_with(1024, 8);
    flood(0, 2048);
    uint64_t before_ns = clock_monotonic_ns();
    flood(2048, COUNT);
    uint64_t each_ns = (clock_monotonic_ns() - before_ns) / COUNT;
    /* With the making of the SYN and the reading of the answer. The bound is for a busy machine and
     * sanitizers: 100,000 a second take half of a core then; a release build takes a tenth. */
    expect_that(each_ns, <, 20000);
    expect_that(statistics()->syn_cookies_sent, ==, COUNT + 1024);
    stranger_close(&stranger);
}
