/* udp_faulty_sim_test.c - the conformance suite on udp_faulty over udp_loop, in virtual time, and
 * its faults.
 *
 * SPDX-License-Identifier: ISC */
#include "udp/udp_faulty.h"
#include "udp/udp_loop.h"
#include "udp/udp_suite.h"

#define DATAGRAM_BYTES_MAX 1472

static const struct udp_loop_options options = { .port_count = 4,
                                                 .queue_count = 64,
                                                 .datagram_bytes_max = DATAGRAM_BYTES_MAX };
static struct udp_loop loop;
static struct udp_faulty faulty;

static struct udp *open_with(const struct udp_faulty_plan *plan)
{
    expect_ok(udp_loop_open(&loop, &options));
    expect_ok(udp_faulty_open(&faulty, &loop.udp, 4, plan));
    return &faulty.udp;
}

static struct udp *suite_open(struct udp_fixture *fixture)
{
    const struct udp_faulty_plan plan = { .seed = 6, .delay_ns_max = 100 * US_NS };
    (void)fixture;
    return open_with(&plan);
}

static void suite_close(struct udp_fixture *fixture)
{
    (void)fixture;
    udp_faulty_close(&faulty);
    udp_loop_close(&loop);
}

/* Late, but nothing is lost. */
static struct udp_fixture fixture = {
    .open = suite_open,
    .close = suite_close,
    .datagram_bytes_max = DATAGRAM_BYTES_MAX,
};

UDP_SUITE(udp_faulty, &fixture)

static struct udp_port *bind_loopback(struct udp *udp)
{
    const struct endpoint local = { .address = address_loopback(ADDRESS_IPV4) };
    struct udp_port *port;
    expect_ok(udp_bind(udp, &local, &port));
    return port;
}

/* Sends two datagrams at a time, "0" and "1", and counts what comes. */
struct course {
    size_t zeros, ones, backwards;
};

static void receive_all(struct udp_port *port, struct course *course)
{
    uint8_t byte = 0, before = '0';
    struct datagram_in in = { .room = SPAN_OF(byte) };
    size_t count;
    while (udp_receive(port, &in, 1, &count, NO_WAIT) == OK) {
        course->zeros += byte == '0';
        course->ones += byte == '1';
        course->backwards += byte < before;
        before = byte;
    }
}

static struct course run_course(const struct udp_faulty_plan *plan)
{
    struct course course = { 0 };
    struct udp_port *port = bind_loopback(open_with(plan));
    const struct datagram_out pair[] = { { .peer = port->local, .bytes = VIEW("0") },
                                         { .peer = port->local, .bytes = VIEW("1") } };
    for (unsigned i = 0; i < 1000; i++) {
        size_t sent;
        expect_ok(udp_send(port, pair, 2, &sent, NO_WAIT));
        expect_that(sent, ==, 2);
        receive_all(port, &course);
    }
    udp_port_close(port);
    return course;
}

TEST(udp_faulty_loses)
{
    const struct udp_faulty_plan plan = { .seed = 1, .lose_per_million = 250000 };
    struct course course = run_course(&plan);
    expect_that(course.zeros + course.ones, ==, 2000 - faulty.lost_count);
    expect(faulty.lost_count > 400 && faulty.lost_count < 600);
    expect_that(course.backwards, ==, 0);
    suite_close(NULL);
}

TEST(udp_faulty_doubles)
{
    const struct udp_faulty_plan plan = { .seed = 1, .double_per_million = 250000 };
    struct course course = run_course(&plan);
    expect_that(course.zeros + course.ones, ==, 2000 + faulty.doubled_count);
    expect(faulty.doubled_count > 400 && faulty.doubled_count < 600);
    suite_close(NULL);
}

TEST(udp_faulty_swaps)
{
    const struct udp_faulty_plan plan = { .seed = 1, .swap_per_million = 250000 };
    struct course course = run_course(&plan);
    expect_that(course.zeros, ==, 1000);
    expect_that(course.ones, ==, 1000);
    expect_that(course.backwards, ==, faulty.swapped_count);
    expect(faulty.swapped_count > 150 && faulty.swapped_count < 350);
    suite_close(NULL);
}
