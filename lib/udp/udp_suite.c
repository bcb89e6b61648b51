/* udp_suite.c - cases for every UDP.
 *
 * SPDX-License-Identifier: ISC */
#include "udp/udp_suite.h"

#include "target/clock.h"
#include "target/memory.h"

/* ---- tools ---- */

static uint64_t soon(void)
{
    return clock_monotonic_ns() + 10 * S_NS;
}

static uint64_t quiet(void)
{
    return clock_monotonic_ns() + 20 * MS_NS;
}

static struct udp_port *bind_free(struct udp *udp, enum address_family family)
{
    struct endpoint local = { 0 };
    struct udp_port *port;
    if (family != ADDRESS_ANY) local.address = address_loopback(family);
    expect_ok(udp_bind(udp, &local, &port));
    expect(port->local.port != 0);
    return port;
}

static struct endpoint reach(const struct udp_port *port, enum address_family family)
{
    return (struct endpoint){ .address = address_loopback(family), .port = port->local.port };
}

static void send_text(struct udp_port *from, struct endpoint to, struct view text)
{
    const struct datagram_out datagram = { .peer = to, .bytes = text };
    size_t sent;
    expect_ok(udp_send(from, &datagram, 1, &sent, soon()));
    expect_that(sent, ==, 1);
}

static void expect_text(struct udp_port *at, struct endpoint from, struct view text)
{
    uint8_t bytes[64];
    struct datagram_in datagram = { .room = SPAN_OF(bytes) };
    size_t received;
    expect_ok(udp_receive(at, &datagram, 1, &received, soon()));
    expect_that(received, ==, 1);
    expect_view(view_from(bytes, datagram.length_bytes), text);
    expect(endpoint_equal(&datagram.peer, &from));
    expect(!datagram.truncated);
    expect_that(datagram.destination.family, ==, from.address.family);
}

static enum result receive_one(struct udp_port *port, uint64_t deadline_ns)
{
    uint8_t bytes[64];
    struct datagram_in datagram = { .room = SPAN_OF(bytes) };
    size_t received;
    return udp_receive(port, &datagram, 1, &received, deadline_ns);
}

static enum result send_one(struct udp_port *port, const struct datagram_out *datagram)
{
    size_t sent;
    return udp_send(port, datagram, 1, &sent, soon());
}

/* The near port is bound to the loopback address, the far one to any. */
struct ports {
    struct udp_fixture *fixture;
    struct udp *udp;
    struct udp_port *near, *far;
};

static struct ports ports_open(struct udp_fixture *fixture)
{
    struct ports ports = { .fixture = fixture, .udp = fixture->open(fixture) };
    ports.near = bind_free(ports.udp, ADDRESS_IPV4);
    ports.far = bind_free(ports.udp, ADDRESS_ANY);
    return ports;
}

static void ports_close(struct ports *ports)
{
    udp_port_close(ports->near);
    udp_port_close(ports->far);
    ports->fixture->close(ports->fixture);
}

/* ---- carrying ---- */

void udp_case_carries_a_burst(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct endpoint far = reach(ports.far, ADDRESS_IPV4);
    const struct datagram_out burst[] = { { .peer = far, .bytes = VIEW("one") },
                                          { .peer = far, .bytes = VIEW("") },
                                          { .peer = far, .bytes = VIEW("three") } };
    size_t sent;
    expect_ok(udp_send(ports.near, burst, LENGTH_OF(burst), &sent, soon()));
    expect_that(sent, ==, 3);
    for (size_t i = 0; i < LENGTH_OF(burst); i++)
        expect_text(ports.far, ports.near->local, burst[i].bytes);
    send_text(ports.far, ports.near->local, VIEW("back"));
    expect_text(ports.near, far, VIEW("back"));
    ports_close(&ports);
}

/* Each datagram is its number. */
static void expect_numbers(struct udp_port *port, const struct endpoint *from, size_t count)
{
    uint8_t bytes[4];
    struct datagram_in burst[4];
    for (size_t seen = 0; seen < count;) {
        size_t received;
        for (size_t i = 0; i < LENGTH_OF(burst); i++)
            burst[i] = (struct datagram_in){ .room = span_from(&bytes[i], 1) };
        expect_ok(udp_receive(port, burst, LENGTH_OF(burst), &received, soon()));
        for (size_t i = 0; i < received; i++, seen++) {
            expect_that(bytes[i], ==, seen);
            expect_that(burst[i].length_bytes, ==, 1);
            expect(endpoint_equal(&burst[i].peer, from));
        }
    }
}

void udp_case_carries_the_largest_burst(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct span memory;
    uint8_t numbers[UDP_BURST_MAX];
    size_t sent = 0;
    expect_ok(memory_take(UDP_BURST_MAX * sizeof(struct datagram_out), &memory));
    struct datagram_out *burst = (void *)memory.bytes;
    for (size_t i = 0; i < UDP_BURST_MAX; i++) {
        numbers[i] = (uint8_t)i;
        burst[i] = (struct datagram_out){ .peer = reach(ports.far, ADDRESS_IPV4),
                                          .bytes = view_from(&numbers[i], 1) };
    }
    for (size_t done = 0; done < UDP_BURST_MAX; done += sent)
        expect_ok(udp_send(ports.near, &burst[done], UDP_BURST_MAX - done, &sent, soon()));
    expect_numbers(ports.far, &ports.near->local, UDP_BURST_MAX);
    expect_result(receive_one(ports.far, NO_WAIT), TIMED_OUT);
    memory_give_back(memory);
    ports_close(&ports);
}

void udp_case_carries_the_largest_datagram(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    size_t length_bytes = fixture->datagram_bytes_max, received;
    struct span out, in;
    expect_ok(memory_take(length_bytes, &out));
    expect_ok(memory_take(length_bytes, &in));
    for (size_t i = 0; i < length_bytes; i++)
        out.bytes[i] = (uint8_t)(i * 7 + i / 256);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), span_view(out));
    struct datagram_in datagram = { .room = in };
    expect_ok(udp_receive(ports.far, &datagram, 1, &received, soon()));
    expect_that(datagram.length_bytes, ==, length_bytes);
    expect(!datagram.truncated && view_equal(span_view(in), span_view(out)));
    memory_give_back(out);
    memory_give_back(in);
    ports_close(&ports);
}

void udp_case_carries_over_ipv6(struct udp_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct udp *udp = fixture->open(fixture);
    struct udp_port *one = bind_free(udp, ADDRESS_IPV6), *other = bind_free(udp, ADDRESS_IPV6);
    send_text(one, other->local, VIEW("over IPv6"));
    expect_text(other, one->local, VIEW("over IPv6"));
    udp_port_close(one);
    udp_port_close(other);
    fixture->close(fixture);
}

void udp_case_any_takes_both_families(struct udp_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct ports ports = ports_open(fixture);
    struct udp_port *ipv6 = bind_free(ports.udp, ADDRESS_IPV6);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("four"));
    expect_text(ports.far, ports.near->local, VIEW("four"));
    send_text(ipv6, reach(ports.far, ADDRESS_IPV6), VIEW("six"));
    expect_text(ports.far, ipv6->local, VIEW("six"));
    send_text(ports.far, ipv6->local, VIEW("back"));
    expect_text(ipv6, reach(ports.far, ADDRESS_IPV6), VIEW("back"));
    udp_port_close(ipv6);
    ports_close(&ports);
}

void udp_case_one_port_many_peers(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct udp_port *third = bind_free(ports.udp, ADDRESS_IPV4);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("from one"));
    send_text(third, reach(ports.far, ADDRESS_IPV4), VIEW("from another"));
    expect_text(ports.far, ports.near->local, VIEW("from one"));
    expect_text(ports.far, third->local, VIEW("from another"));
    const struct datagram_out answers[] = { { .peer = third->local, .bytes = VIEW("to another") },
                                            { .peer = ports.near->local,
                                              .bytes = VIEW("to one") } };
    size_t sent;
    expect_ok(udp_send(ports.far, answers, LENGTH_OF(answers), &sent, soon()));
    expect_text(third, reach(ports.far, ADDRESS_IPV4), VIEW("to another"));
    expect_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("to one"));
    udp_port_close(third);
    ports_close(&ports);
}

void udp_case_answer_from_the_destination(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    uint8_t bytes[16];
    struct datagram_in question = { .room = SPAN_OF(bytes) };
    size_t received;
    struct address loopback = address_loopback(ADDRESS_IPV4);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("question"));
    expect_ok(udp_receive(ports.far, &question, 1, &received, soon()));
    expect(address_equal(&question.destination, &loopback));
    const struct datagram_out answer = { .peer = question.peer,
                                         .source = question.destination,
                                         .bytes = VIEW("answer") };
    expect_ok(send_one(ports.far, &answer));
    expect_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("answer"));
    ports_close(&ports);
}

void udp_case_small_room_truncates(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    uint8_t bytes[4];
    struct datagram_in datagram = { .room = SPAN_OF(bytes) };
    size_t received;
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("too long"));
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("fits"));
    expect_ok(udp_receive(ports.far, &datagram, 1, &received, soon()));
    expect(datagram.truncated);
    expect_view(view_from(bytes, datagram.length_bytes), VIEW("too "));
    expect_text(ports.far, ports.near->local, VIEW("fits"));
    ports_close(&ports);
}

/* ---- waiting ---- */

struct receiver {
    struct task task;
    struct udp_port *port;
    enum result result;
};

static void receiver_run(struct task *task)
{
    struct receiver *receiver = CONTAINER_OF(task, struct receiver, task);
    receiver->result = receive_one(receiver->port, NEVER);
}

static void receiver_start(struct receiver *receiver, struct scope *scope, struct udp_port *port)
{
    *receiver = (struct receiver){ .task.run = receiver_run, .port = port };
    scope_open(scope, "suite");
    expect_ok(fiber_start(scope, &receiver->task, "receiver", STACK_MEDIUM));
    (void)fiber_sleep(20 * MS_NS);
    expect(!list_is_empty(&scope->fibers));
}

void udp_case_receive_waits(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct receiver receiver;
    struct scope scope;
    receiver_start(&receiver, &scope, ports.far);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("wake up"));
    expect_ok(scope_wait(&scope, soon()));
    expect_ok(receiver.result);
    ports_close(&ports);
}

void udp_case_receive_times_out(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    uint64_t deadline_ns = quiet();
    expect_result(receive_one(ports.far, NO_WAIT), TIMED_OUT);
    expect_result(receive_one(ports.far, deadline_ns), TIMED_OUT);
    expect_that(clock_monotonic_ns(), >=, deadline_ns);
    ports_close(&ports);
}

void udp_case_receive_is_cancelled(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct receiver receiver;
    struct scope scope;
    receiver_start(&receiver, &scope, ports.far);
    scope_close(&scope);
    expect_result(receiver.result, CANCELLED);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("goes on"));
    expect_text(ports.far, ports.near->local, VIEW("goes on"));
    ports_close(&ports);
}

/* ---- errors ---- */

static struct endpoint closed_port(struct udp *udp)
{
    struct udp_port *port = bind_free(udp, ADDRESS_IPV4);
    struct endpoint local = port->local;
    udp_port_close(port);
    return local;
}

void udp_case_closed_port_is_told_once(struct udp_fixture *fixture)
{
    if (fixture->no_refusal != NULL) test_skip(fixture->no_refusal);
    struct ports ports = ports_open(fixture);
    send_text(ports.near, closed_port(ports.udp), VIEW("anybody"));
    expect_result(receive_one(ports.near, soon()), REFUSED);
    expect_result(receive_one(ports.near, quiet()), TIMED_OUT);
    send_text(ports.near, closed_port(ports.udp), VIEW("anybody"));
    (void)fiber_sleep(20 * MS_NS);
    send_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("somebody"));
    expect_text(ports.far, ports.near->local, VIEW("somebody"));
    expect_result(receive_one(ports.near, soon()), REFUSED);
    send_text(ports.far, ports.near->local, VIEW("goes on"));
    expect_text(ports.near, reach(ports.far, ADDRESS_IPV4), VIEW("goes on"));
    ports_close(&ports);
}

void udp_case_closed_port_wakes_who_receives(struct udp_fixture *fixture)
{
    if (fixture->no_refusal != NULL) test_skip(fixture->no_refusal);
    struct ports ports = ports_open(fixture);
    struct receiver receiver;
    struct scope scope;
    receiver_start(&receiver, &scope, ports.far);
    send_text(ports.far, closed_port(ports.udp), VIEW("anybody"));
    expect_ok(scope_wait(&scope, soon()));
    expect_result(receiver.result, REFUSED);
    ports_close(&ports);
}

void udp_case_send_too_large(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct span memory;
    expect_ok(memory_take(fixture->datagram_bytes_max + 1, &memory));
    const struct datagram_out datagram = { .peer = reach(ports.far, ADDRESS_IPV4),
                                           .bytes = span_view(memory) };
    expect_result(send_one(ports.near, &datagram), TOO_LARGE);
    expect_result(receive_one(ports.far, quiet()), TIMED_OUT);
    memory_give_back(memory);
    ports_close(&ports);
}

void udp_case_send_invalid(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct datagram_out datagram = { .bytes = VIEW("nowhere") };
    expect_result(send_one(ports.near, &datagram), INVALID);
    datagram.peer = (struct endpoint){ .address = address_loopback(ADDRESS_IPV4) };
    expect_result(send_one(ports.near, &datagram), INVALID);
    datagram.peer = reach(ports.far, ADDRESS_IPV4);
    datagram.source = address_loopback(ADDRESS_IPV6);
    expect_result(send_one(ports.near, &datagram), INVALID);
    ports_close(&ports);
}

/* 192.0.2.0/24 is nobody's (RFC 5737), least of all ours. */
void udp_case_send_unreachable(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct datagram_out datagram = { .peer = reach(ports.near, ADDRESS_IPV4),
                                     .source = address_ipv4(192, 0, 2, 1),
                                     .bytes = VIEW("from another") };
    expect_result(send_one(ports.far, &datagram), UNREACHABLE);
    datagram = (struct datagram_out){ .peer = reach(ports.far, ADDRESS_IPV6),
                                      .bytes = VIEW("to the other family") };
    expect_result(send_one(ports.near, &datagram), UNREACHABLE);
    ports_close(&ports);
}

void udp_case_burst_stops_at_an_error(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct endpoint far = reach(ports.far, ADDRESS_IPV4);
    const struct datagram_out burst[] = { { .peer = far, .bytes = VIEW("first") },
                                          { .bytes = VIEW("nowhere") },
                                          { .peer = far, .bytes = VIEW("third") } };
    size_t sent;
    expect_ok(udp_send(ports.near, burst, 3, &sent, soon()));
    expect_that(sent, ==, 1);
    expect_result(udp_send(ports.near, &burst[1], 2, &sent, soon()), INVALID);
    expect_that(sent, ==, 0);
    expect_ok(udp_send(ports.near, &burst[2], 1, &sent, soon()));
    expect_text(ports.far, ports.near->local, VIEW("first"));
    expect_text(ports.far, ports.near->local, VIEW("third"));
    ports_close(&ports);
}

/* ---- binding ---- */

void udp_case_bind_twice(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    struct endpoint local = ports.near->local;
    struct udp_port *second;
    expect(ports.near->local.port != ports.far->local.port);
    expect_result(udp_bind(ports.udp, &local, &second), EXISTS);
    udp_port_close(ports.near);
    expect_ok(udp_bind(ports.udp, &local, &ports.near));
    expect(endpoint_equal(&ports.near->local, &local));
    ports_close(&ports);
}

void udp_case_bind_elsewhere(struct udp_fixture *fixture)
{
    struct udp *udp = fixture->open(fixture);
    const struct endpoint elsewhere = { .address = address_ipv4(192, 0, 2, 1) };
    struct udp_port *port;
    expect_result(udp_bind(udp, &elsewhere, &port), UNREACHABLE);
    fixture->close(fixture);
}

/* What is left in a port's queue must not reach the next one. */
void udp_case_ports_are_used_again(struct udp_fixture *fixture)
{
    struct ports ports = ports_open(fixture);
    for (unsigned i = 0; i < 100; i++) {
        struct udp_port *port = bind_free(ports.udp, ADDRESS_IPV4);
        send_text(ports.near, port->local, VIEW("never received"));
        udp_port_close(port);
        port = bind_free(ports.udp, ADDRESS_IPV4);
        expect_result(receive_one(port, NO_WAIT), TIMED_OUT);
        udp_port_close(port);
    }
    ports_close(&ports);
}
