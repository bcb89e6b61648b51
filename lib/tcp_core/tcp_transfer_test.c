/* tcp_transfer_test.c - two TCPs over a bad wire: every byte arrives, in order, once, and nothing
 * is left behind. Hundreds of seeds, each a wire of its own.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_wire.h"
#include "test/test.h"

#define PACKETS 8192
#define PORT    80

static struct tcp_wire wire;

/* One side's application: sends a stream of its own, reads the other's, shuts, closes. */
struct end {
    struct tcp_user user;
    struct tcp_connection *connection;
    uint64_t stream; /* which one it sends; it reads 1 - stream */
    uint64_t to_send, sent, to_read, read;
    uint64_t chunk_bytes;
    bool lends; /* instead of letting copy */
    bool shut, read_all, closed;
    unsigned events;
    struct loan loan;
    bool loan_is_out;
    uint64_t loans_given, loans_ended;
};

static struct end ends[2];

/* Over all seeds of a test: so that a wire that does nothing does not go unnoticed. */
static uint64_t segments_lost, segments_again;

static uint8_t stream_byte(uint64_t stream, uint64_t at)
{
    return (uint8_t)((at * 0x9e3779b97f4a7c15u + stream * 77) >> 29);
}

/* A window of the stream in memory, for copying and for lending: it repeats. */
#define PATTERN_BYTES ((uint64_t)64 * KIB)
static uint8_t patterns[2][PATTERN_BYTES];

static void fill_patterns(void)
{
    for (uint64_t stream = 0; stream < 2; stream++)
        for (uint64_t i = 0; i < PATTERN_BYTES; i++)
            patterns[stream][i] = stream_byte(stream, i);
}

static struct view pattern_at(uint64_t stream, uint64_t at, uint64_t max)
{
    uint64_t offset = at % PATTERN_BYTES;
    return view_slice(VIEW_OF(patterns[stream]), offset, MIN(max, PATTERN_BYTES - offset));
}

static void told(struct tcp_user *user, unsigned events)
{
    CONTAINER_OF(user, struct end, user)->events |= events;
}

static void loan_done(struct loan *loan)
{
    struct end *end = CONTAINER_OF(loan, struct end, loan);
    end->loan_is_out = false;
    end->loans_ended++;
}

static void lend_more(struct end *end)
{
    while (end->sent < end->to_send && !end->loan_is_out) {
        end->loan = (struct loan){
            .bytes = pattern_at(end->stream, end->sent,
                                MIN(end->chunk_bytes, end->to_send - end->sent)),
            .done = loan_done,
        };
        end->loan_is_out = true; /* it may be done before the call returns */
        end->loans_given++;
        uint64_t length_bytes = end->loan.bytes.length_bytes;
        enum result result = tcp_connection_lend(end->connection, &end->loan);
        if (result == FULL) {
            end->loan_is_out = false;
            end->loans_given--;
            return;
        }
        expect_ok(result);
        end->sent += length_bytes;
    }
}

static void send_more(struct end *end)
{
    while (end->sent < end->to_send) {
        uint64_t want_bytes = MIN(end->chunk_bytes, end->to_send - end->sent);
        struct view bytes = pattern_at(end->stream, end->sent, want_bytes);
        size_t taken_bytes;
        expect_ok(tcp_connection_send(end->connection, &bytes, 1, TCP_SEND_NOW, &taken_bytes));
        if (taken_bytes == 0) return;
        end->sent += taken_bytes;
    }
}

static void read_more(struct end *end)
{
    uint64_t other = 1 - end->stream;
    while (!end->read_all) {
        struct view bytes;
        enum result result = tcp_connection_peek(end->connection, &bytes);
        if (result == CLOSED) {
            end->read_all = true;
            return;
        }
        expect_ok(result);
        if (view_is_empty(bytes)) return;
        struct view wanted = pattern_at(other, end->read, bytes.length_bytes);
        size_t some = wanted.length_bytes;
        expect(view_equal(view_first(bytes, some), wanted));
        end->read += some;
        expect_that(end->read, <=, end->to_read);
        tcp_connection_consume(end->connection, some);
    }
}

static void run_end(struct end *end)
{
    if (end->connection == NULL || end->closed) return;
    expect_that(tcp_connection_failure(end->connection), ==, OK);
    if (!tcp_connection_is_open(end->connection)) return;
    if (end->lends)
        lend_more(end);
    else
        send_more(end);
    read_more(end);
    if (end->sent == end->to_send && !end->shut) {
        tcp_connection_shut(end->connection);
        end->shut = true;
    }
    if (end->shut && end->read_all) {
        tcp_connection_close(end->connection);
        end->closed = true;
    }
}

static struct tcp_acceptor *acceptor;

static void acceptable(struct tcp_acceptor_user *user)
{
    (void)user;
}

static struct tcp_acceptor_user acceptor_user = { acceptable };

static void accept_one(void)
{
    if (ends[1].connection != NULL) return;
    ends[1].connection = tcp_acceptor_take(acceptor);
    if (ends[1].connection != NULL) tcp_connection_attach(ends[1].connection, &ends[1].user);
}

static void start(void)
{
    struct endpoint any = { .port = 0 }, service = { .port = PORT };
    struct endpoint server = { .address = wire.hosts[1].address, .port = PORT };
    expect_ok(tcp_acceptor_open(&wire.hosts[1].core, &service, 4, &acceptor_user, &acceptor));
    expect_ok(tcp_connection_open(&wire.hosts[0].core, &any, &server, &ends[0].user,
                                  &ends[0].connection));
}

static bool is_done(void)
{
    return ends[0].closed && ends[1].closed;
}

/* Runs until both have closed; gives how long that took. */
static uint64_t transfer(uint64_t limit_ns)
{
    uint64_t start_ns = tcp_wire_now_ns(&wire), end_ns = start_ns + limit_ns;
    while (!is_done() && tcp_wire_step(&wire, end_ns)) {
        accept_one();
        run_end(&ends[0]);
        run_end(&ends[1]);
    }
    return tcp_wire_now_ns(&wire) - start_ns;
}

static void prepare(struct end *end, uint64_t stream, uint64_t to_send, uint64_t to_read)
{
    *end = (struct end){
        .user.event = told,
        .stream = stream,
        .to_send = to_send,
        .to_read = to_read,
        .chunk_bytes = 16 * KIB,
    };
}

/* Everything has come through and everything is given back. */
static void finish(uint64_t seed)
{
    for (size_t i = 0; i < 2; i++) {
        if (!ends[i].closed || ends[i].read != ends[i].to_read)
            test_fail(__FILE__, __LINE__,
                      "seed %llu: end %zu sent %llu of %llu, read %llu of %llu, state %u",
                      (unsigned long long)seed, i, (unsigned long long)ends[i].sent,
                      (unsigned long long)ends[i].to_send, (unsigned long long)ends[i].read,
                      (unsigned long long)ends[i].to_read,
                      ends[i].connection == NULL ? 0 : ends[i].connection->state);
    }
    tcp_acceptor_close(acceptor);
    tcp_wire_run(&wire, 1000 * S_NS);
    for (size_t i = 0; i < 2; i++) {
        segments_lost += wire.hosts[i].segments_lost;
        segments_again += tcp_core_statistics(&wire.hosts[i].core)->segments_retransmitted;
    }
    for (size_t i = 0; i < 2; i++) {
        const struct tcp_wire_host *host = &wire.hosts[i];
        expect_that(ends[i].loans_ended, ==, ends[i].loans_given);
        expect_that(host->core.connections.used_count, ==, 0);
        expect_that(host->core.demux.used, ==, 0);
        expect(timer_next_ns(&wire.agenda.wheel) == NEVER);
        expect_that(host->core.recovery_pool.used_count, ==, 0);
        expect_that(host->pool.free_count, ==, host->pool.count);
    }
    tcp_wire_close(&wire);
}

static struct tcp_core_parameters parameters_for(uint64_t seed)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.congestion = (uint32_t)(seed / 2 % 2);
    parameters.ecn = seed % 3 == 0;
    parameters.receive_buffer_bytes = (16 * KIB) << seed % 4;
    return parameters;
}

static uint32_t up_to(uint64_t *random, uint32_t most)
{
    return (uint32_t)(test_random(random) % (most + 1));
}

static void set_faults(struct tcp_wire_host *host, uint64_t *random, uint32_t worst)
{
    host->faults = (struct tcp_wire_faults){
        .delay_ns = (1 + up_to(random, 30)) * MS_NS,
        .jitter_ns = up_to(random, 3) * MS_NS,
        .reorder_ns = (1 + up_to(random, 20)) * MS_NS,
        .loss_ppm = up_to(random, worst),
        .duplicate_ppm = up_to(random, worst / 2),
        .reorder_ppm = up_to(random, worst),
    };
    if (up_to(random, 2) == 0) {
        host->faults.rate_bytes_s = 200000 + up_to(random, 5000000);
        host->faults.queue_bytes = 20000 + up_to(random, 100000);
        host->faults.mark_bytes = host->faults.queue_bytes / 3;
    }
    if (up_to(random, 3) == 0) host->segments_bytes_max = 0;
}

static void run_seed(uint64_t seed, uint64_t bytes, uint32_t worst)
{
    struct tcp_core_parameters parameters = parameters_for(seed);
    uint64_t random = seed;
    tcp_wire_open(&wire, seed, &parameters, PACKETS, false);
    set_faults(&wire.hosts[0], &random, worst);
    set_faults(&wire.hosts[1], &random, worst);
    uint64_t there = up_to(&random, (uint32_t)bytes), back = up_to(&random, (uint32_t)bytes);
    prepare(&ends[0], 0, there, back);
    prepare(&ends[1], 1, back, there);
    for (size_t i = 0; i < 2; i++) {
        ends[i].lends = up_to(&random, 1) == 0;
        ends[i].chunk_bytes = 1 + up_to(&random, 40000);
    }
    start();
    transfer(3600 * S_NS);
    finish(seed);
}

static void begin_count(void)
{
    fill_patterns();
    segments_lost = segments_again = 0;
}

TEST(transfer_over_a_good_wire)
{
    begin_count();
    for (uint64_t seed = 1; seed <= 20; seed++)
        run_seed(seed, 4 * MIB, 0);
}

TEST(transfer_with_a_little_loss)
{
    begin_count();
    for (uint64_t seed = 1000; seed < 1200; seed++)
        run_seed(seed, 400 * KIB, 20000);
    expect_that(segments_lost, >, 200);
    expect_that(segments_again, >, segments_lost / 4);
}

TEST(transfer_with_much_loss)
{
    begin_count();
    for (uint64_t seed = 2000; seed < 2200; seed++)
        run_seed(seed, 100 * KIB, 150000);
    expect_that(segments_lost, >, 1000);
    expect_that(segments_again, >, segments_lost / 2);
}
