/* pair_test.c - several stacks in one program, back to back in virtual time: transfers over a wire
 * that delays and loses, datagrams, addresses of a neighbour, and all memory given back.
 *
 * SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "embed/test/wire.h"

#define DELAY_NS    (5 * MS_NS)
#define FLIGHTS_MAX 4096

struct flight {
    uint64_t at_ns;
    struct loom_part part;
    struct loom_frame frame; /* its only part is `part` */
};

struct end {
    struct loom_host host;
    struct loom_stack *stack;
    struct end *other;
    struct pair *pair;
    struct flight *flights; /* on their way from here */
    size_t first, count;
    uint64_t seed;
};

struct pair {
    struct end a, b;
    uint64_t now_ns, seed;
    unsigned lost_permille;
    size_t lost_count, longest_bytes;
    const char *offloads;
};

static bool on_send(struct loom_host *host, const struct loom_frame *frame)
{
    struct end *end = (struct end *)(void *)host;
    struct pair *pair = end->pair;
    if (test_random(&pair->seed) % 1000 < pair->lost_permille) {
        pair->lost_count++;
        return true;
    }
    if (end->count == FLIGHTS_MAX) return false;
    struct flight *flight = &end->flights[(end->first + end->count++) % FLIGHTS_MAX];
    flight->at_ns = pair->now_ns + DELAY_NS;
    uint8_t *bytes = malloc(frame->length_bytes);
    expect(bytes != NULL);
    loom_frame_copy(frame, bytes, frame->length_bytes);
    flight->part = (struct loom_part){ bytes, frame->length_bytes };
    flight->frame = *frame;
    flight->frame.parts = &flight->part;
    flight->frame.part_count = 1;
    if (frame->length_bytes > pair->longest_bytes) pair->longest_bytes = frame->length_bytes;
    return true;
}

static void on_entropy(struct loom_host *host, void *bytes, size_t length_bytes)
{
    struct end *end = (struct end *)(void *)host;
    for (size_t i = 0; i < length_bytes; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)test_random(&end->seed);
}

static void free_bytes(struct flight *flight)
{
    void *bytes;
    memcpy(&bytes, &flight->part.bytes, sizeof bytes); /* ours, though a part's are const */
    free(bytes);
}

static void end_open(struct pair *pair, struct end *end, struct end *other, const char *address,
                     uint64_t seed)
{
    const struct loom_option options[] = { { "ipv4", address },
                                           { "tcp-connections", "16" },
                                           { "offloads", pair->offloads } };
    char message[200];
    *end = (struct end){
        .host = { .send = on_send, .entropy = on_entropy },
        .other = other,
        .pair = pair,
        .flights = calloc(FLIGHTS_MAX, sizeof(struct flight)),
        .seed = seed,
    };
    expect(end->flights != NULL);
    enum loom_result result = loom_stack_open(&end->host, options, 3, pair->now_ns, message,
                                              sizeof message, &end->stack);
    if (result != LOOM_OK) test_fail(__FILE__, __LINE__, "%s", message);
}

static void pair_open_with(struct pair *pair, uint64_t seed, unsigned lost_permille,
                           const char *offloads)
{
    *pair = (struct pair){
        .now_ns = S_NS, .seed = seed, .lost_permille = lost_permille, .offloads = offloads
    };
    end_open(pair, &pair->a, &pair->b, "192.0.2.1/24", seed * 2 + 1);
    end_open(pair, &pair->b, &pair->a, "192.0.2.2/24", seed * 2 + 2);
}

static void pair_open(struct pair *pair, uint64_t seed, unsigned lost_permille)
{
    pair_open_with(pair, seed, lost_permille, "none");
}

static void end_free(struct end *end)
{
    for (; end->count > 0; end->count--)
        free_bytes(&end->flights[end->first++ % FLIGHTS_MAX]);
    free(end->flights);
}

static void pair_close(struct pair *pair)
{
    loom_stack_close(pair->a.stack);
    loom_stack_close(pair->b.stack);
    end_free(&pair->a);
    end_free(&pair->b);
}

static void land(struct end *end)
{
    while (end->count > 0 && end->flights[end->first].at_ns <= end->pair->now_ns) {
        struct flight *flight = &end->flights[end->first];
        expect_ok(loom_stack_input_frame(end->other->stack, &flight->frame));
        free_bytes(flight);
        end->first = (end->first + 1) % FLIGHTS_MAX;
        end->count--;
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* To the next thing that happens, at most until then. */
static void pair_step(struct pair *pair, uint64_t until_ns)
{
    land(&pair->a);
    land(&pair->b);
    uint64_t next_ns = earlier(loom_stack_step(pair->a.stack, pair->now_ns),
                               loom_stack_step(pair->b.stack, pair->now_ns));
    struct end *ends[] = { &pair->a, &pair->b };
    for (size_t i = 0; i < 2; i++) {
        if (ends[i]->count > 0) next_ns = earlier(next_ns, ends[i]->flights[ends[i]->first].at_ns);
    }
    next_ns = earlier(next_ns, until_ns);
    expect(next_ns != LOOM_NEVER); /* who waits would wait for ever */
    if (next_ns > pair->now_ns) pair->now_ns = next_ns;
}

static struct loom_socket *open_socket(struct end *end, enum loom_kind kind, const char *local)
{
    struct loom_socket *socket;
    expect_ok(loom_socket_open(end->stack, kind, &socket));
    if (local == NULL) return socket;
    struct loom_endpoint endpoint = endpoint_of(local);
    expect_ok(loom_bind(socket, &endpoint));
    return socket;
}

static void establish(struct pair *pair, struct loom_socket **client, struct loom_socket **server)
{
    struct loom_socket *listener = open_socket(&pair->b, LOOM_TCP, "*:7");
    struct loom_endpoint peer = endpoint_of("192.0.2.2:7");
    *client = open_socket(&pair->a, LOOM_TCP, NULL);
    expect_ok(loom_listen(listener, 1));
    enum loom_result result;
    while ((result = loom_connect(*client, &peer, LOOM_NO_WAIT)) == LOOM_AGAIN)
        pair_step(pair, LOOM_NEVER);
    expect_ok(result);
    while ((result = loom_accept(listener, server, LOOM_NO_WAIT)) == LOOM_AGAIN)
        pair_step(pair, LOOM_NEVER);
    expect_ok(result);
    loom_close(listener);
}

/* Whatever is lost: every byte, in order, and the end. */
static void transfer(struct pair *pair, size_t total)
{
    struct loom_socket *client, *server;
    uint64_t written = 17, read = 17; /* seeds of the same sequence of bytes */
    size_t sent_total = 0, received_total = 0;
    uint8_t chunk[4096], room[4096];
    size_t chunk_at = sizeof chunk;
    bool is_shut = false;
    establish(pair, &client, &server);
    for (;;) {
        while (sent_total < total) {
            size_t sent;
            if (chunk_at == sizeof chunk) {
                for (size_t i = 0; i < sizeof chunk; i++)
                    chunk[i] = (uint8_t)test_random(&written);
                chunk_at = 0;
            }
            enum loom_result result = loom_send(client, chunk + chunk_at, sizeof chunk - chunk_at,
                                                &sent, LOOM_NO_WAIT);
            if (result == LOOM_AGAIN) break;
            expect_ok(result);
            chunk_at += sent;
            sent_total += sent;
        }
        if (sent_total >= total && !is_shut) {
            expect_ok(loom_shutdown(client));
            is_shut = true;
        }
        size_t received;
        enum loom_result result = loom_receive(server, room, sizeof room, &received, LOOM_NO_WAIT);
        for (size_t i = 0; i < received; i++)
            expect_that(room[i], ==, (uint8_t)test_random(&read));
        received_total += received;
        if (result == LOOM_CLOSED) break;
        if (result == LOOM_AGAIN)
            pair_step(pair, LOOM_NEVER);
        else
            expect_ok(result);
    }
    expect_that(received_total, ==, sent_total);
    loom_close(client);
    loom_close(server);
}

TEST(bytes_arrive_whatever_is_lost)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct pair pair;
        pair_open(&pair, seed, (unsigned)(seed - 1) * 10);
        transfer(&pair, 400000);
        expect(pair.lost_count > 0 || pair.lost_permille == 0);
        pair_close(&pair);
    }
}

/* Frames are whole and within the MTU unless the host says that it does the rest. */
TEST(host_may_do_checksums_and_cut_segments)
{
    static const struct {
        const char *offloads;
        size_t longest_bytes;
    } cases[] = { { "none", 1514 }, { "checksums", 1514 }, { "segments", 65549 } };
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        pair_open_with(&pair, i + 1, 20, cases[i].offloads);
        transfer(&pair, 1000000);
        expect_that(pair.longest_bytes, <=, cases[i].longest_bytes);
        expect_that(pair.longest_bytes, >=, i < 2 ? 1514 : 3000);
        pair_close(&pair);
    }
}

/* The same seed gives the same bytes at the same times. */
TEST(same_seed_gives_the_same_run)
{
    uint64_t ends_ns[2];
    size_t lost[2];
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, 42, 30);
        transfer(&pair, 300000);
        ends_ns[i] = pair.now_ns;
        lost[i] = pair.lost_count;
        pair_close(&pair);
    }
    expect_that(ends_ns[0], ==, ends_ns[1]);
    expect_that(lost[0], ==, lost[1]);
}

TEST(datagrams_go_both_ways)
{
    struct pair pair;
    struct loom_datagram datagram;
    struct loom_endpoint peer = endpoint_of("192.0.2.2:53"), local;
    char room[16];
    pair_open(&pair, 3, 0);
    struct loom_socket *server = open_socket(&pair.b, LOOM_UDP, "*:53");
    struct loom_socket *client = open_socket(&pair.a, LOOM_UDP, NULL);
    expect_ok(loom_send_to(client, "question", 8, &peer, LOOM_NO_WAIT));
    expect_ok(loom_local(client, &local));
    while (loom_receive_from(server, room, sizeof room, &datagram, LOOM_NO_WAIT) == LOOM_AGAIN)
        pair_step(&pair, LOOM_NEVER);
    expect(datagram.length_bytes == 8 && memcmp(room, "question", 8) == 0);
    expect_that(datagram.peer.port, ==, local.port);
    expect_ok(loom_send_to(server, "answer", 6, &datagram.peer, LOOM_NO_WAIT));
    while (loom_receive_from(client, room, 3, &datagram, LOOM_NO_WAIT) == LOOM_AGAIN)
        pair_step(&pair, LOOM_NEVER);
    expect(datagram.length_bytes == 6 && memcmp(room, "ans", 3) == 0);
    pair_close(&pair);
}

/* RFC 1122 4.1.3.3: an ICMP error is passed on to who has sent. */
TEST(closed_port_is_told_to_the_sender)
{
    struct pair pair;
    struct loom_datagram datagram;
    struct loom_endpoint peer = endpoint_of("192.0.2.2:9");
    char room[1];
    enum loom_result result;
    pair_open(&pair, 4, 0);
    struct loom_socket *client = open_socket(&pair.a, LOOM_UDP, NULL);
    expect_ok(loom_connect(client, &peer, LOOM_NO_WAIT));
    expect_ok(loom_send_to(client, "x", 1, NULL, LOOM_NO_WAIT));
    while ((result = loom_receive_from(client, room, 1, &datagram, LOOM_NO_WAIT)) == LOOM_AGAIN)
        pair_step(&pair, LOOM_NEVER);
    expect_result(result, LOOM_REFUSED);
    expect_result(loom_receive_from(client, room, 1, &datagram, LOOM_NO_WAIT), LOOM_AGAIN);
    pair_close(&pair);
}

TEST(addresses_and_routes_come_and_go)
{
    struct pair pair;
    struct loom_address more, network, nobody = { 0 };
    pair_open(&pair, 5, 0);
    expect_ok(loom_address_parse("198.51.100.1", &more));
    expect_ok(loom_address_parse("203.0.113.0", &network));
    expect_ok(loom_stack_add_address(pair.a.stack, &more, 24));
    expect_result(loom_stack_add_address(pair.a.stack, &more, 24), LOOM_EXISTS);
    expect_ok(loom_stack_add_route(pair.a.stack, &network, 24, &nobody, 0));
    expect_result(loom_stack_add_route(pair.a.stack, &network, 33, &nobody, 0), LOOM_INVALID);
    expect_ok(loom_stack_remove_route(pair.a.stack, &network, 24, 0));
    expect_result(loom_stack_remove_route(pair.a.stack, &network, 24, 0), LOOM_NOT_FOUND);
    expect_ok(loom_stack_remove_address(pair.a.stack, &more));
    pair_close(&pair);
}

static size_t pages_mapped(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    expect(file != NULL && fscanf(file, "%lu", &pages) == 1);
    (void)fclose(file);
    return pages;
}

/* Whatever a stack is in the middle of. */
static void open_and_close(uint64_t seed)
{
    static const uint8_t bytes[4000];
    struct pair pair;
    struct loom_socket *client, *server;
    size_t sent;
    pair_open(&pair, seed, 50);
    establish(&pair, &client, &server);
    expect_ok(loom_send(client, bytes, sizeof bytes, &sent, LOOM_NO_WAIT));
    pair_step(&pair, LOOM_NEVER);
    pair_close(&pair);
}

TEST(all_memory_is_given_back)
{
    struct wire wire;
    for (uint64_t seed = 100; seed < 110; seed++)
        open_and_close(seed);
    size_t before = pages_mapped();
    for (unsigned i = 0; i < 300; i++) {
        wire_open(&wire, NULL, 0);
        wire_close(&wire);
    }
    expect_that(pages_mapped(), <, before + 300); /* not even a page of each */
}

/* A stack speaks with itself too. */
TEST(loopback_needs_no_wire)
{
    struct pair pair;
    struct loom_endpoint peer = endpoint_of("127.0.0.1:7");
    struct loom_socket *socket;
    enum loom_result result;
    pair_open(&pair, 6, 1000);
    struct loom_socket *listener = open_socket(&pair.a, LOOM_TCP, "*:7");
    struct loom_socket *client = open_socket(&pair.a, LOOM_TCP, NULL);
    expect_ok(loom_listen(listener, 1));
    while ((result = loom_connect(client, &peer, LOOM_NO_WAIT)) == LOOM_AGAIN)
        pair_step(&pair, S_NS + MS_NS);
    expect_ok(result);
    pair_step(&pair, S_NS + MS_NS);
    expect_ok(loom_accept(listener, &socket, LOOM_NO_WAIT));
    expect_that(pair.lost_count, <=, 2); /* announcements of the address (RFC 5227 2.3) */
    pair_close(&pair);
}
