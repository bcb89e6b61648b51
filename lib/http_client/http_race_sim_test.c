/* http_race_sim_test.c - happy eyeballs against networks whose every delay is known, in virtual
 * time.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_race.h"

#include "flow/flow_memory.h"
#include "target/clock.h"
#include "test/test.h"

/* ---- a network of delays ---- */

/* What happens to a connection to the address that ends in this byte. */
struct road {
    uint8_t family, last_byte;
    enum result result;
    uint64_t takes_ns;
};

struct names {
    enum result ipv6, ipv4;
    uint64_t ipv6_takes_ns, ipv4_takes_ns;
    size_t ipv6_count, ipv4_count;
};

struct attempt {
    uint8_t family, last_byte;
    uint64_t at_ns;
};

#define ATTEMPTS_MAX 16

static struct {
    struct tcp tcp;
    struct resolver resolver;
    struct names names;
    const struct road *roads;
    size_t road_count;
    struct attempt attempts[ATTEMPTS_MAX];
    size_t attempt_count, connected_count, called_off_count;
    struct flow_memory pairs[4];
    const struct road *winners[4]; /* of the pairs */
    uint64_t start_ns;
    struct http_race race;
} net;

static struct address address_of(uint8_t family, size_t index)
{
    struct address address = { .family = family };
    address.bytes[family == ADDRESS_IPV6 ? 15 : 3] = (uint8_t)index;
    return address;
}

static enum result net_lookup(struct resolver *resolver, struct view name,
                              enum address_family family, struct address addresses[], size_t room,
                              size_t *count, uint64_t deadline_ns)
{
    (void)resolver;
    (void)name;
    bool is_ipv6 = family == ADDRESS_IPV6;
    uint64_t until_ns = net.start_ns +
                        (is_ipv6 ? net.names.ipv6_takes_ns : net.names.ipv4_takes_ns);
    if (fiber_sleep_until(MIN(until_ns, deadline_ns)) == CANCELLED) return CANCELLED;
    if (until_ns > deadline_ns) return TIMED_OUT;
    enum result result = is_ipv6 ? net.names.ipv6 : net.names.ipv4;
    if (result != OK) return result;
    *count = MIN(room, is_ipv6 ? net.names.ipv6_count : net.names.ipv4_count);
    for (size_t i = 0; i < *count; i++)
        addresses[i] = address_of((uint8_t)family, i + 1);
    return OK;
}

static const struct road *road_to(const struct endpoint *peer)
{
    uint8_t last = peer->address.bytes[peer->address.family == ADDRESS_IPV6 ? 15 : 3];
    for (size_t i = 0; i < net.road_count; i++)
        if (net.roads[i].family == peer->address.family && net.roads[i].last_byte == last)
            return &net.roads[i];
    test_fail(__FILE__, __LINE__, "an attempt at an address that nobody gave");
}

static enum result net_connect(struct tcp *tcp, const struct endpoint *peer,
                               const struct connect_options *options, struct flow **flow,
                               uint64_t deadline_ns)
{
    (void)tcp;
    (void)options;
    const struct road *road = road_to(peer);
    uint64_t now_ns = clock_monotonic_ns(), until_ns = deadline_after(now_ns, road->takes_ns);
    expect(net.attempt_count < ATTEMPTS_MAX && peer->port == 80);
    net.attempts[net.attempt_count++] = (struct attempt){ road->family, road->last_byte,
                                                          now_ns - net.start_ns };
    if (road->takes_ns > 0 && fiber_sleep_until(MIN(until_ns, deadline_ns)) == CANCELLED) {
        net.called_off_count++;
        return CANCELLED;
    }
    if (until_ns > deadline_ns) return TIMED_OUT;
    if (road->result != OK) return road->result;
    net.winners[net.connected_count] = road;
    struct flow_memory *pair = &net.pairs[net.connected_count++];
    expect_ok(flow_memory_open(pair, 64));
    *flow = flow_memory_end(pair, 0);
    return OK;
}

static enum result net_listen(struct tcp *tcp, const struct endpoint *local,
                              const struct listen_options *options, struct listener **listener)
{
    (void)tcp;
    (void)local;
    (void)options;
    (void)listener;
    return UNSUPPORTED;
}

static const struct tcp_ops net_tcp_ops = TCP_OPS(net);
static const struct resolver_ops net_resolver_ops = RESOLVER_OPS(net);

static void net_open(struct names names, const struct road roads[], size_t count)
{
    net.tcp.ops = &net_tcp_ops;
    net.resolver.ops = &net_resolver_ops;
    net.names = names;
    net.roads = roads;
    net.road_count = count;
    net.attempt_count = net.connected_count = net.called_off_count = 0;
    net.start_ns = clock_monotonic_ns();
}

#define NET_OPEN(names, roads) net_open(names, roads, LENGTH_OF(roads))

static enum result race_run(struct flow **flow, uint64_t duration_ns)
{
    *flow = NULL;
    return http_race_run(&net.race, &net.tcp, &net.resolver, VIEW("www.test"), 80, flow,
                         deadline_after(net.start_ns, duration_ns));
}

/* Who won is the one whose flow is given and not closed; every other connection has been. */
static void expect_won(uint8_t family, uint8_t last_byte)
{
    struct flow *flow;
    expect_ok(race_run(&flow, 10 * S_NS));
    for (size_t i = 0; i < net.connected_count; i++) {
        bool is_winner = flow_memory_end(&net.pairs[i], 0) == flow;
        expect(net.pairs[i].ends[0].closed == !is_winner);
        if (!is_winner) continue;
        expect_that(net.winners[i]->family, ==, family);
        expect_that(net.winners[i]->last_byte, ==, last_byte);
    }
    flow_close(flow);
    for (size_t i = 0; i < net.connected_count; i++)
        flow_memory_close(&net.pairs[i]);
}

static void expect_attempt(size_t index, uint8_t family, uint8_t last_byte, uint64_t at_ns)
{
    const struct attempt *attempt = &net.attempts[index];
    expect_that(index, <, net.attempt_count);
    expect_that(attempt->family, ==, family);
    expect_that(attempt->last_byte, ==, last_byte);
    expect(attempt->at_ns >= at_ns && attempt->at_ns < at_ns + 2 * MS_NS);
}

static const struct names both = { .ipv6 = OK,
                                   .ipv4 = OK,
                                   .ipv6_takes_ns = 10 * MS_NS,
                                   .ipv4_takes_ns = 10 * MS_NS,
                                   .ipv6_count = 1,
                                   .ipv4_count = 1 };

/* ---- who wins ---- */

TEST(http_race_prefers_ipv6)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, 200 * MS_NS },
                                         { ADDRESS_IPV4, 1, OK, MS_NS } };
    NET_OPEN(both, roads);
    expect_won(ADDRESS_IPV6, 1);
    expect_that(net.attempt_count, ==, 1);
    expect_attempt(0, ADDRESS_IPV6, 1, 10 * MS_NS);
}

TEST(http_race_gives_ipv4_a_chance_after_250_ms)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, 60 * S_NS },
                                         { ADDRESS_IPV4, 1, OK, 20 * MS_NS } };
    NET_OPEN(both, roads);
    expect_won(ADDRESS_IPV4, 1);
    expect_attempt(1, ADDRESS_IPV4, 1, 260 * MS_NS);
    expect_that(net.called_off_count, ==, 1);
    expect(clock_monotonic_ns() - net.start_ns < 300 * MS_NS);
}

TEST(http_race_goes_on_at_once_when_one_fails)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, UNREACHABLE, 5 * MS_NS },
                                         { ADDRESS_IPV4, 1, OK, 5 * MS_NS } };
    NET_OPEN(both, roads);
    expect_won(ADDRESS_IPV4, 1);
    expect_attempt(1, ADDRESS_IPV4, 1, 15 * MS_NS);
}

TEST(http_race_keeps_the_slow_one_in_the_race)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, 400 * MS_NS },
                                         { ADDRESS_IPV4, 1, OK, 60 * S_NS } };
    NET_OPEN(both, roads);
    expect_won(ADDRESS_IPV6, 1);
    expect_that(net.called_off_count, ==, 1);
}

TEST(http_race_closes_the_second_winner)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, 260 * MS_NS },
                                         { ADDRESS_IPV4, 1, OK, 10 * MS_NS } };
    NET_OPEN(both, roads);
    expect_won(ADDRESS_IPV6, 1);
    expect_that(net.attempt_count, ==, 2);
}

/* ---- names ---- */

TEST(http_race_waits_a_moment_for_ipv6)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, MS_NS },
                                         { ADDRESS_IPV4, 1, OK, MS_NS } };
    struct names names = both;
    names.ipv6_takes_ns = 40 * MS_NS;
    NET_OPEN(names, roads);
    expect_won(ADDRESS_IPV6, 1);
    expect_attempt(0, ADDRESS_IPV6, 1, 40 * MS_NS);
    names.ipv6_takes_ns = 500 * MS_NS; /* too long a moment */
    NET_OPEN(names, roads);
    expect_won(ADDRESS_IPV4, 1);
    expect_attempt(0, ADDRESS_IPV4, 1, 60 * MS_NS);
}

TEST(http_race_does_not_wait_for_ipv4)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, MS_NS } };
    struct names names = both;
    names.ipv4_takes_ns = 60 * S_NS;
    NET_OPEN(names, roads);
    expect_won(ADDRESS_IPV6, 1);
    expect(clock_monotonic_ns() - net.start_ns < 20 * MS_NS);
}

TEST(http_race_is_content_with_one_family)
{
    static const struct road roads[] = { { ADDRESS_IPV4, 1, OK, MS_NS } };
    struct names names = both;
    names.ipv6 = NOT_FOUND;
    NET_OPEN(names, roads);
    expect_won(ADDRESS_IPV4, 1);
    expect_attempt(0, ADDRESS_IPV4, 1, 10 * MS_NS);
}

TEST(http_race_takes_the_families_in_turn)
{
    static const struct road roads[] = {
        { ADDRESS_IPV6, 1, REFUSED, MS_NS }, { ADDRESS_IPV6, 2, REFUSED, MS_NS },
        { ADDRESS_IPV6, 3, REFUSED, MS_NS }, { ADDRESS_IPV6, 4, REFUSED, MS_NS },
        { ADDRESS_IPV4, 1, REFUSED, MS_NS }, { ADDRESS_IPV4, 2, REFUSED, MS_NS },
    };
    struct names names = both;
    struct flow *flow;
    names.ipv6_count = 4;
    names.ipv4_count = 2;
    NET_OPEN(names, roads);
    expect_result(race_run(&flow, 10 * S_NS), REFUSED);
    static const struct attempt expected[] = { { ADDRESS_IPV6, 1, 0 }, { ADDRESS_IPV4, 1, 0 },
                                               { ADDRESS_IPV6, 2, 0 }, { ADDRESS_IPV4, 2, 0 },
                                               { ADDRESS_IPV6, 3, 0 }, { ADDRESS_IPV6, 4, 0 } };
    expect_that(net.attempt_count, ==, LENGTH_OF(expected));
    for (size_t i = 0; i < LENGTH_OF(expected); i++) {
        expect_that(net.attempts[i].family, ==, expected[i].family);
        expect_that(net.attempts[i].last_byte, ==, expected[i].last_byte);
    }
}

/* ---- how it ends otherwise ---- */

TEST(http_race_bounds_its_attempts)
{
    static const struct road roads[] = {
        { ADDRESS_IPV6, 1, OK, 60 * S_NS }, { ADDRESS_IPV6, 2, OK, 60 * S_NS },
        { ADDRESS_IPV6, 3, OK, 60 * S_NS }, { ADDRESS_IPV6, 4, OK, 60 * S_NS },
        { ADDRESS_IPV6, 5, OK, 60 * S_NS }, { ADDRESS_IPV6, 6, OK, 60 * S_NS },
        { ADDRESS_IPV6, 7, OK, 0 },
    };
    struct names names = both;
    struct flow *flow;
    names.ipv4 = NOT_FOUND;
    names.ipv6_count = 7;
    NET_OPEN(names, roads);
    expect_result(race_run(&flow, 10 * S_NS), TIMED_OUT);
    expect_that(net.attempt_count, ==, HTTP_RACE_ATTEMPTS_MAX);
    expect_attempt(5, ADDRESS_IPV6, 6, 1260 * MS_NS);
    uint64_t took_ns = clock_monotonic_ns() - net.start_ns;
    expect(took_ns >= 10 * S_NS && took_ns < 11 * S_NS);
}

TEST(http_race_tells_the_most_telling_failure)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, UNREACHABLE, 0 },
                                         { ADDRESS_IPV4, 1, REFUSED, 300 * MS_NS } };
    struct flow *flow;
    NET_OPEN(both, roads);
    expect_result(race_run(&flow, 10 * S_NS), REFUSED);
    struct names names = { .ipv6 = NOT_FOUND, .ipv4 = NOT_FOUND };
    NET_OPEN(names, roads);
    expect_result(race_run(&flow, 10 * S_NS), NOT_FOUND);
    names.ipv6 = FAILED;
    NET_OPEN(names, roads);
    expect_result(race_run(&flow, 10 * S_NS), FAILED);
    names = (struct names){ .ipv6 = OK, .ipv6_takes_ns = 60 * S_NS, .ipv4_takes_ns = 60 * S_NS };
    NET_OPEN(names, roads);
    expect_result(race_run(&flow, 10 * S_NS), TIMED_OUT);
}

TEST(http_race_to_an_address_is_none)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, MS_NS } };
    struct flow *flow;
    NET_OPEN(both, roads);
    net.resolver.ops = NULL;
    expect_ok(http_race_run(&net.race, &net.tcp, &net.resolver, VIEW("2001:db8::1"), 80, &flow,
                            deadline_after(net.start_ns, S_NS)));
    flow_close(flow);
    flow_memory_close(&net.pairs[0]);
}

struct racer {
    struct task task;
    enum result result;
};

static void racer_run(struct task *task)
{
    struct flow *flow;
    CONTAINER_OF(task, struct racer, task)->result = race_run(&flow, 60 * S_NS);
}

TEST(http_race_can_be_cancelled)
{
    static const struct road roads[] = { { ADDRESS_IPV6, 1, OK, 60 * S_NS },
                                         { ADDRESS_IPV4, 1, OK, 60 * S_NS } };
    struct racer racer = { { racer_run }, OK };
    struct scope scope;
    NET_OPEN(both, roads);
    scope_open(&scope, "racer");
    expect_ok(fiber_start(&scope, &racer.task, "racer", STACK_MEDIUM));
    (void)fiber_sleep(S_NS);
    scope_close(&scope);
    expect_result(racer.result, CANCELLED);
    expect_that(net.called_off_count, ==, 2);
}
