/* tcp_many_test.c - a hundred thousand connections in one core: what each costs, that a segment
 * finds its own as fast among them as among ten, and that idle ones cost nothing as time goes by.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "target/clock.h"
#include "tcp_core/tcp_wire.h"
#include "test/test.h"

#define MANY    100000
#define PACKETS 2048
#define SERVED  80

static struct tcp_wire wire;
static struct tcp_acceptor *acceptor;

static void acceptable(struct tcp_acceptor_user *user)
{
    (void)user;
}

static struct tcp_acceptor_user acceptor_user = { acceptable };

/* The peer's end of each: its own address for every 50,000. */
static struct tcp_pair pair_of(uint32_t number)
{
    return (struct tcp_pair){
        .local = { .address = wire.hosts[0].address, .port = SERVED },
        .peer = { .address = address_ipv4(10, 0, 0, (uint8_t)(1 + number / 50000)),
                  .port = (uint16_t)(10000 + number % 50000) },
    };
}

static void open_many(uint32_t count)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.connection_count = MANY;
    tcp_wire_open(&wire, 1, &parameters, PACKETS, true);
    struct endpoint local = { .port = SERVED };
    expect_ok(tcp_acceptor_open(&wire.hosts[0].core, &local, 8, &acceptor_user, &acceptor));
    for (uint32_t i = 0; i < count; i++) {
        struct tcp_pair pair = pair_of(i);
        struct tcp_handshake handshake = {
            .local = pair.local,
            .peer = pair.peer,
            .iss = i * 7,
            .irs = i * 13,
            .snd_wnd = 65535,
            .rcv_wnd = 65535,
            .peer_mss = 1460,
        };
        expect(tcp_connection_create(&wire.hosts[0].core, &handshake) != NULL);
    }
}

static void close_many(void)
{
    tcp_acceptor_close(acceptor);
    tcp_wire_close(&wire);
}

/* A segment in order, or one that repeats the last, to connection `number`. */
static void say(uint32_t number, uint32_t seq)
{
    struct tcp_wire_host *host = &wire.hosts[0];
    struct tcp_pair pair = pair_of(number);
    struct packet *packet = packet_take(&host->pool, PACKET_FOR_RECEIVE);
    expect(packet != NULL);
    (void)span_copy(packet_put(packet, 4), VIEW("data"));
    struct tcp_segment segment = {
        .source_port = pair.peer.port,
        .destination_port = SERVED,
        .seq = seq,
        .ack = number * 7 + 1,
        .flags = TCP_ACK,
        .window = 65535,
    };
    tcp_segment_push(packet, &segment, &pair.peer.address, &pair.local.address);
    packet->checksum = PACKET_CHECKSUM_GOOD;
    struct ip_incoming incoming = {
        .source = pair.peer.address,
        .destination = pair.local.address,
        .protocol = IP_PROTOCOL_TCP,
    };
    host->core.protocol.input(&host->core.protocol, packet, &incoming);
}

/* What one segment costs, spread over so many connections: received, read, acknowledged in bursts.
 */
static uint64_t segment_ns(uint32_t count, uint32_t segments)
{
    struct tcp_core *core = &wire.hosts[0].core;
    uint64_t random = 5, start_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < segments; i++) {
        uint32_t number = (uint32_t)(test_random(&random) % count);
        struct tcp_connection *connection = tcp_connection_at(core, number);
        say(number, connection->rcv_nxt);
        tcp_connection_consume(connection, 4);
        if (i % 64 == 63) tcp_core_flush(core);
    }
    tcp_core_flush(core);
    return (clock_monotonic_ns() - start_ns) / segments;
}

TEST(many_are_opened_and_each_finds_its_own)
{
    open_many(MANY);
    struct tcp_core *core = &wire.hosts[0].core;
    expect_that(tcp_core_statistics(core)->connection_count, ==, MANY);
    for (uint32_t i = 0; i < MANY; i += 997) {
        say(i, i * 13 + 1);
        tcp_core_flush(core);
        struct tcp_connection *connection = tcp_connection_at(core, i);
        expect_that(connection->rcv_nxt, ==, i * 13 + 5);
        struct view bytes;
        expect_ok(tcp_connection_peek(connection, &bytes));
        expect_view(bytes, VIEW("data"));
        tcp_connection_consume(connection, 4);
    }
    close_many();
}

/* All that hangs below the core for each of them, its share of the tables included. */
TEST(many_cost_under_a_kibibyte_each)
{
    open_many(MANY);
    const struct tcp_core *core = &wire.hosts[0].core;
    size_t bytes = core->connections.touched_count * sizeof(struct tcp_connection) +
                   core->demux.memory.length_bytes + core->recovery_pool.touched_count * (size_t)64;
    expect_that(bytes / MANY, <, 1024);
    expect_that(wire.hosts[0].pool.free_count, ==, wire.hosts[0].pool.count);
    close_many();
}

TEST(many_have_no_timers_when_idle)
{
    open_many(MANY);
    expect(agenda_next_ns(&wire.agenda) == NEVER);
    for (uint32_t i = 0; i < 1000; i++)
        say(i, i * 13 + 1);
    tcp_core_flush(&wire.hosts[0].core);
    tcp_wire_run(&wire, 10 * S_NS);
    expect(agenda_next_ns(&wire.agenda) == NEVER);
    for (uint32_t i = 0; i < 1000; i++)
        tcp_connection_consume(tcp_connection_at(&wire.hosts[0].core, i), 4);
    close_many();
}

/* Memory that is not in the cache makes it slower, by some misses; no search does. */
TEST(many_do_not_slow_each_other)
{
    uint64_t few_ns = UINT64_MAX, many_ns = UINT64_MAX;
    open_many(MANY);
    for (int i = 0; i < 5; i++) {
        few_ns = MIN(few_ns, segment_ns(10, 20000));
        many_ns = MIN(many_ns, segment_ns(MANY, 20000));
    }
    close_many();
    printf("        a segment costs %llu ns among ten, %llu ns among 100,000\n",
           (unsigned long long)few_ns, (unsigned long long)many_ns);
    /* A search would take a hundred microseconds. */
    if (many_ns > 20 * few_ns + 20000)
        test_fail(__FILE__, __LINE__, "a segment costs %llu ns among ten, %llu ns among 100,000",
                  (unsigned long long)few_ns, (unsigned long long)many_ns);
}
