/* tcp_port_test.c - local ports: free ones, all of them, and none that can be predicted (RFC 6056).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_port.h"

#include "tcp_core/tcp_stranger_suite.h"
#include "test/test.h"

static struct stranger stranger;

static void open_with(uint64_t time_wait_count)
{
    struct tcp_core_parameters parameters = stranger_parameters();
    parameters.time_wait_count = time_wait_count;
    stranger_open(&stranger, &parameters);
}

static struct tcp_pair toward(uint32_t number)
{
    struct tcp_pair pair = stranger_pair(number);
    pair.local.port = 0;
    pair.peer.port = 443;
    return pair;
}

/* Makes the pair taken, by a record that holds it for a minute. */
static void hold(const struct tcp_pair *pair, bool timestamps)
{
    struct tcp_farewell farewell = { .pair = pair, .timestamps = timestamps };
    tcp_time_wait_enter(&stranger.core, &farewell);
}

TEST(every_port_of_the_range_is_found_once_toward_one_peer)
{
    static bool seen[TCP_PORT_COUNT];
    open_with(TCP_PORT_COUNT);
    for (uint32_t i = 0; i < TCP_PORT_COUNT; i++) {
        struct tcp_pair pair = toward(1);
        expect_ok(tcp_port_choose(&stranger.core, &pair));
        expect_that(pair.local.port, >=, TCP_PORT_FIRST);
        expect(!seen[pair.local.port - TCP_PORT_FIRST]);
        seen[pair.local.port - TCP_PORT_FIRST] = true;
        hold(&pair, true);
    }
    struct tcp_pair pair = toward(1);
    expect_result(tcp_port_choose(&stranger.core, &pair), FULL);
    pair = toward(2); /* another peer has them all to itself */
    expect_ok(tcp_port_choose(&stranger.core, &pair));

    /* A second later what timestamps protect may be used again. */
    stranger_pass_time(&stranger, S_NS + MS_NS);
    pair = toward(1);
    expect_ok(tcp_port_choose(&stranger.core, &pair));
    stranger_close(&stranger);
}

TEST(a_port_where_somebody_listens_is_not_chosen)
{
    open_with(TCP_PORT_COUNT);
    struct tcp_acceptor *acceptor = stranger_listen(&stranger, 0, 4);
    uint16_t port = tcp_acceptor_local(acceptor)->port;
    for (uint32_t i = 0; i < TCP_PORT_COUNT - 1; i++) {
        struct tcp_pair pair = toward(1);
        expect_ok(tcp_port_choose(&stranger.core, &pair));
        expect_that(pair.local.port, !=, port);
        hold(&pair, false);
    }
    struct tcp_pair pair = toward(1);
    expect_result(tcp_port_choose(&stranger.core, &pair), FULL);
    stranger_close(&stranger);
}

TEST(ports_toward_one_peer_are_not_used_again_soon)
{
    /* RFC 6056 2, 3.3.4: reuse of a pair is put off as long as can be. */
    static bool seen[TCP_PORT_COUNT];
    open_with(16);
    uint32_t until_seen = 0;
    for (;; until_seen++) {
        struct tcp_pair pair = toward(1);
        expect_ok(tcp_port_choose(&stranger.core, &pair));
        if (seen[pair.local.port - TCP_PORT_FIRST]) break;
        seen[pair.local.port - TCP_PORT_FIRST] = true;
    }
    /* Steps of 4.5 on average through 32,768. */
    expect_that(until_seen, >, 5000);
    stranger_close(&stranger);
}

TEST(who_sees_the_ports_toward_himself_knows_nothing_of_those_toward_another)
{
    /* NUMBER:JACK, and RFC 6056 3.3.3: what is between two peers' ports at the same moment falls
     * evenly over the range. 64 classes, 63 degrees of freedom: over 130 once in a million. */
    enum { PEERS = 6400 };
    static uint32_t counts[64];
    open_with(16);
    for (uint32_t i = 0; i < PEERS; i++) {
        struct tcp_pair mine = toward(1), other = toward(2 + i);
        expect_ok(tcp_port_choose(&stranger.core, &mine));
        expect_ok(tcp_port_choose(&stranger.core, &other));
        uint32_t between = (uint32_t)(other.local.port - mine.local.port) % TCP_PORT_COUNT;
        counts[between / (TCP_PORT_COUNT / 64)]++;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < 64; i++) {
        int64_t difference = (int64_t)counts[i] - PEERS / 64;
        sum += (uint64_t)(difference * difference);
    }
    expect_that(sum / (PEERS / 64), <, 130);
    stranger_close(&stranger);
}
