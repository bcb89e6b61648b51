/* tcp_acceptor_test.c - who listens where, the queue of complete connections, and its end.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_acceptor.h"

#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_port.h"
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

static void connect_from(uint32_t number)
{
    struct tcp_pair pair = stranger_pair(number);
    struct tcp_segment syn = stranger_syn(number);
    (void)stranger_connect(&stranger, &pair, &syn);
}

TEST(an_exact_address_comes_before_any)
{
    open_usual();
    struct endpoint any = { .port = 80 }, exact = { stranger_host, 80 };
    struct tcp_acceptor *of_any, *of_one;
    expect_ok(tcp_acceptor_open(&stranger.core, &any, 4, &stranger.user, &of_any));
    expect_ok(tcp_acceptor_open(&stranger.core, &exact, 4, &stranger.user, &of_one));
    expect(tcp_acceptor_find(&stranger.core, &exact) == of_one);
    struct endpoint other = { address_ipv4(192, 0, 2, 9), 80 };
    expect(tcp_acceptor_find(&stranger.core, &other) == of_any);
    tcp_acceptor_close(of_one);
    expect(tcp_acceptor_find(&stranger.core, &exact) == of_any);
    tcp_acceptor_close(of_any);
    expect(tcp_acceptor_find(&stranger.core, &exact) == NULL);
    stranger_close(&stranger);
}

TEST(a_taken_port_a_strangers_address_and_one_too_many_are_refused)
{
    open_usual();
    struct endpoint local = { .port = 80 }, foreign = { address_ipv4(192, 0, 2, 9), 80 };
    struct tcp_acceptor *acceptors[4], *one_more;
    for (size_t i = 0; i < LENGTH_OF(acceptors); i++)
        acceptors[i] = stranger_listen(&stranger, (uint16_t)(80 + i * TCP_ACCEPTOR_BUCKETS), 4);
    expect_result(tcp_acceptor_open(&stranger.core, &local, 4, &stranger.user, &one_more), EXISTS);
    expect_result(tcp_acceptor_open(&stranger.core, &foreign, 4, &stranger.user, &one_more),
                  UNREACHABLE);
    local.port = 81;
    expect_result(tcp_acceptor_open(&stranger.core, &local, 4, &stranger.user, &one_more), FULL);
    tcp_acceptor_close(acceptors[1]);
    expect_ok(tcp_acceptor_open(&stranger.core, &local, 4, &stranger.user, &one_more));
    for (size_t i = 0; i < LENGTH_OF(acceptors); i++) {
        struct endpoint wanted = { stranger_host, (uint16_t)(80 + i * TCP_ACCEPTOR_BUCKETS) };
        expect(tcp_acceptor_find(&stranger.core, &wanted) == (i == 1 ? NULL : acceptors[i]));
    }
    stranger_close(&stranger);
}

TEST(port_0_takes_a_free_one)
{
    open_usual();
    struct tcp_acceptor *first = stranger_listen(&stranger, 0, 4);
    struct tcp_acceptor *second = stranger_listen(&stranger, 0, 4);
    uint16_t port = tcp_acceptor_local(first)->port;
    expect(port >= TCP_PORT_FIRST && port != tcp_acceptor_local(second)->port);
    expect(tcp_acceptor_has_port(&stranger.core, port));
    stranger_close(&stranger);
}

TEST(connections_are_taken_oldest_first)
{
    open_usual();
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    for (uint32_t i = 0; i < 5; i++)
        connect_from(i);
    expect_that(stranger.acceptable_count, ==, 5);
    for (uint32_t i = 0; i < 5; i++) {
        struct tcp_connection *connection = tcp_acceptor_take(acceptor);
        struct tcp_pair pair = stranger_pair(i);
        expect(connection != NULL && endpoint_equal(tcp_connection_peer(connection), &pair.peer));
        tcp_connection_abort(connection);
    }
    expect(tcp_acceptor_take(acceptor) == NULL);
    stranger_close(&stranger);
}

TEST(what_a_full_queue_leaves_out_comes_in_when_somebody_takes)
{
    open_usual();
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 2);
    struct tcp_pair late = stranger_pair(9), never = stranger_pair(10);
    struct tcp_segment syn = stranger_syn(9);
    stranger_send(&stranger, &late, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    connect_from(1);
    connect_from(2);

    /* The ACK is as good as lost, and so is a new SYN: nobody is led to believe that he is
     * connected. */
    stranger_send(&stranger, &late, stranger_ack(&syn, &answer), NOTHING);
    stranger_send(&stranger, &never, stranger_syn(10), NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->backlog_overflows, ==, 2);
    expect_that(statistics()->syn_dropped, ==, 1);
    expect_that(statistics()->connection_count, ==, 2);

    tcp_connection_abort(tcp_acceptor_take(acceptor));
    (void)stranger_expect_sent(&stranger);
    stranger_pass_time(&stranger, S_NS + MS_NS);
    expect_that(stranger_expect_sent(&stranger)->segment.flags, ==, TCP_SYN | TCP_ACK);
    stranger_send(&stranger, &late, stranger_ack(&syn, &answer), NOTHING);
    expect_that(acceptor->complete_count, ==, 2);
    stranger_close(&stranger);
}

TEST(when_all_connections_are_in_use_an_ack_waits_for_one)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    parameters.connection_count = 2;
    stranger_open(&stranger, &parameters);
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    connect_from(1);
    connect_from(2);
    struct tcp_pair late = stranger_pair(9);
    struct tcp_segment syn = stranger_syn(9);
    stranger_send(&stranger, &late, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    stranger_send(&stranger, &late, stranger_ack(&syn, &answer), NOTHING);
    stranger_expect_silence(&stranger);
    expect_that(statistics()->connections_refused_full, ==, 1);
    expect_that(statistics()->syn_count, ==, 1);
    tcp_connection_abort(tcp_acceptor_take(acceptor));
    (void)stranger_expect_sent(&stranger);
    stranger_send(&stranger, &late, stranger_ack(&syn, &answer), VIEW("now"));
    expect_that(acceptor->complete_count, ==, 2);
    stranger_close(&stranger);
}

TEST(a_connection_that_is_reset_leaves_the_queue)
{
    open_usual();
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 1);
    struct tcp_pair pair = stranger_pair(1);
    struct tcp_segment syn = stranger_syn(1000);
    (void)stranger_connect(&stranger, &pair, &syn);
    struct tcp_segment reset = { .seq = 1001, .flags = TCP_RST };
    stranger_send(&stranger, &pair, reset, NOTHING);
    expect(!tcp_acceptor_holds(acceptor));
    expect_that(statistics()->connection_count, ==, 0);
    connect_from(2);
    expect(tcp_acceptor_holds(acceptor));
    stranger_close(&stranger);
}

TEST(closing_resets_what_nobody_took_and_forgets_what_is_half_open)
{
    open_usual();
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    struct tcp_acceptor *other = stranger_listen(&stranger, 81, 8);
    connect_from(1);
    struct tcp_pair half = stranger_pair(2), of_other = stranger_pair(3);
    of_other.local.port = 81;
    struct tcp_segment syn = stranger_syn(2);
    stranger_send(&stranger, &of_other, syn, NOTHING);
    struct tcp_segment other_answer = stranger_expect_sent(&stranger)->segment;
    stranger_send(&stranger, &half, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;

    tcp_acceptor_close(acceptor);
    expect((stranger_expect_sent(&stranger)->segment.flags & TCP_RST) != 0);
    expect_that(statistics()->connection_count, ==, 0);
    expect_that(statistics()->syn_count, ==, 1);

    stranger_send(&stranger, &half, stranger_ack(&syn, &answer), NOTHING);
    expect_that(stranger_expect_sent(&stranger)->segment.flags, ==, TCP_RST);
    stranger_send(&stranger, &of_other, stranger_ack(&syn, &other_answer), NOTHING);
    expect(tcp_acceptor_holds(other));
    stranger_close(&stranger);
}

TEST(who_drains_answers_no_new_syn_but_completes_what_is_under_way)
{
    open_usual();
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 80, 8);
    struct tcp_pair half = stranger_pair(2), late = stranger_pair(3);
    struct tcp_segment syn = stranger_syn(2);
    stranger_send(&stranger, &half, syn, NOTHING);
    struct tcp_segment answer = stranger_expect_sent(&stranger)->segment;
    tcp_acceptor_drain(acceptor);
    stranger_send(&stranger, &late, stranger_syn(3), NOTHING);
    stranger_expect_silence(&stranger);
    stranger_send(&stranger, &half, stranger_ack(&syn, &answer), NOTHING);
    expect(tcp_acceptor_holds(acceptor));
    stranger_close(&stranger);
}
