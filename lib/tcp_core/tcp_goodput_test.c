/* tcp_goodput_test.c - how much of a wire one connection fills, by rate, delay, loss and
 * reordering, in virtual time.
 *
 * The floors lie below what is reached, by more than the seeds differ, and above what a mistake in
 * recovery or congestion control would leave. Where losses limit the window, theory is what
 * RFC 9438 gives (Reno's window sqrt(1.5 / p) where that is larger than cubic's).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_wire.h"
#include "test/test.h"

#define RATE_BYTES_S ((uint64_t)50 * 1000 * 1000 / 8)
#define SEGMENT      1448
#define PACKETS      20000

static struct tcp_wire wire;

struct cell {
    uint64_t rtt_ns;
    uint32_t loss_ppm, reorder_ppm;
    uint64_t reorder_ns;
    uint64_t duration_ns;
    bool without_bursts; /* no segmentation by the net */
    bool newreno;
};

static void hear_nothing(struct tcp_user *user, unsigned events)
{
    (void)user;
    (void)events;
}

static void accept_nothing(struct tcp_acceptor_user *user)
{
    (void)user;
}

static void open_wire(const struct cell *cell, uint64_t seed)
{
    struct tcp_core_parameters parameters = tcp_wire_parameters();
    parameters.send_buffer_bytes = 4 * MIB;
    parameters.receive_buffer_bytes = 256 * KIB;
    parameters.receive_buffer_bytes_max = 4 * MIB;
    parameters.congestion = cell->newreno ? 1 : 0;
    tcp_wire_open(&wire, seed, &parameters, PACKETS, false);
    for (size_t i = 0; i < LENGTH_OF(wire.hosts); i++) {
        struct tcp_wire_host *host = &wire.hosts[i];
        host->faults.delay_ns = cell->rtt_ns / 2;
        host->faults.rate_bytes_s = RATE_BYTES_S;
        if (cell->without_bursts) host->segments_bytes_max = 0;
    }
    struct tcp_wire_faults *faults = &wire.hosts[0].faults;
    faults->queue_bytes = MAX(RATE_BYTES_S * cell->rtt_ns / S_NS, 75000);
    faults->loss_ppm = cell->loss_ppm;
    faults->reorder_ppm = cell->reorder_ppm;
    faults->reorder_ns = cell->reorder_ns;
}

static void write_all(struct tcp_connection *connection)
{
    static const uint8_t zeros[65536];
    struct view view = VIEW_OF(zeros);
    size_t taken_bytes = sizeof zeros;
    while (tcp_connection_is_open(connection) && taken_bytes > 0)
        expect_ok(tcp_connection_send(connection, &view, 1, TCP_SEND_NOW, &taken_bytes));
}

static uint64_t read_all(struct tcp_connection *connection)
{
    uint64_t read_bytes = 0;
    for (;;) {
        struct view bytes;
        expect_ok(tcp_connection_peek(connection, &bytes));
        if (view_is_empty(bytes)) return read_bytes;
        read_bytes += bytes.length_bytes;
        tcp_connection_consume(connection, bytes.length_bytes);
    }
}

/* Bytes that have come out at the other end. */
static uint64_t carry(const struct cell *cell, uint64_t seed)
{
    static struct tcp_user users[2] = { { hear_nothing }, { hear_nothing } };
    static struct tcp_acceptor_user acceptor_user = { accept_nothing };
    open_wire(cell, seed);
    const struct endpoint from = { .address = wire.hosts[0].address, .port = 40000 };
    const struct endpoint to = { .address = wire.hosts[1].address, .port = 80 };
    struct tcp_acceptor *acceptor;
    struct tcp_connection *sender, *receiver = NULL;
    expect_ok(tcp_acceptor_open(&wire.hosts[1].core, &to, 1, &acceptor_user, &acceptor));
    expect_ok(tcp_connection_open(&wire.hosts[0].core, &from, &to, &users[0], &sender));
    uint64_t read_bytes = 0, end_ns = tcp_wire_now_ns(&wire) + cell->duration_ns;
    while (tcp_wire_now_ns(&wire) < end_ns) {
        (void)tcp_wire_step(&wire, MIN(end_ns, tcp_wire_now_ns(&wire) + 10 * MS_NS));
        write_all(sender);
        if (receiver == NULL) {
            receiver = tcp_acceptor_take(acceptor);
            if (receiver != NULL) tcp_connection_attach(receiver, &users[1]);
        }
        if (receiver != NULL) read_bytes += read_all(receiver);
    }
    tcp_connection_abort(sender);
    if (receiver != NULL) tcp_connection_abort(receiver);
    tcp_acceptor_close(acceptor);
    tcp_wire_run(&wire, S_NS);
    tcp_wire_close(&wire);
    return read_bytes;
}

/* In percent of the wire's payload rate; the middle one of three seeds. */
static uint64_t percent_of_wire(struct cell cell)
{
    if (cell.duration_ns == 0) cell.duration_ns = 4 * S_NS;
    uint64_t bytes[3];
    for (uint64_t seed = 0; seed < 3; seed++)
        bytes[seed] = carry(&cell, seed + 1);
    uint64_t least = MIN(bytes[0], MIN(bytes[1], bytes[2]));
    uint64_t most = MAX(bytes[0], MAX(bytes[1], bytes[2]));
    uint64_t middle = bytes[0] + bytes[1] + bytes[2] - least - most;
    uint64_t full = RATE_BYTES_S * cell.duration_ns / S_NS * SEGMENT / 1500;
    return middle * 100 / full;
}

TEST(goodput_fills_a_wire_without_loss)
{
    expect_that(percent_of_wire((struct cell){ .rtt_ns = MS_NS }), >=, 98);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 20 * MS_NS }), >=, 94);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 100 * MS_NS }), >=, 78);
}

TEST(goodput_does_not_need_bursts)
{
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 20 * MS_NS, .without_bursts = true }), >=,
                94);
}

TEST(goodput_bears_loss_on_a_short_path)
{
    expect_that(percent_of_wire((struct cell){ .rtt_ns = MS_NS, .loss_ppm = 1000 }), >=, 97);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = MS_NS, .loss_ppm = 10000 }), >=, 85);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = MS_NS, .loss_ppm = 50000 }), >=, 40);
}

/* Theory: 22.4 Mbit/s at 0.1 %, 7.1 at 1 %, 3.2 at 5 %, of 48.3. */
TEST(goodput_bears_loss_on_a_longer_path)
{
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 20 * MS_NS, .loss_ppm = 1000 }), >=, 46);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 20 * MS_NS, .loss_ppm = 10000 }), >=, 11);
    expect_that(percent_of_wire((struct cell){ .rtt_ns = 20 * MS_NS, .loss_ppm = 50000 }), >=, 4);
}

TEST(goodput_of_newreno_bears_loss)
{
    struct cell cell = { .rtt_ns = 20 * MS_NS, .loss_ppm = 1000, .newreno = true };
    expect_that(percent_of_wire(cell), >=, 30);
}

/* RFC 8985 6.2: an eighth of the RTT is less than the reordering window; a half of it is more, and
 * is learnt. */
TEST(goodput_bears_reordering)
{
    struct cell cell = { .rtt_ns = 20 * MS_NS, .reorder_ppm = 20000 };
    cell.reorder_ns = 2500 * US_NS;
    expect_that(percent_of_wire(cell), >=, 90);
    cell.reorder_ns = 10 * MS_NS;
    expect_that(percent_of_wire(cell), >=, 80);
}
