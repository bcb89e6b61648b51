/* udp_direct_sim_test.c - senders of datagrams when buffers are scarce: woken, and in their order.
 *
 * The datagrams go to the stack's own address, so what stands below hears nothing; the buffers are
 * taken and given back by the tests.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_loop.h"
#include "stack_direct/stack_direct.h"
#include "test/test.h"

#define SENDERS     4
#define LONG_BYTES  8000 /* more buffers than one gives back at a time */
#define SHORT_BYTES 1

static struct net_loop net;
static struct stack_direct stack;
static struct udp_port *port; /* sends to itself */
static struct packet *held;   /* the buffers that somebody else has */
static struct scope scope;

struct sending {
    struct task task;
    struct fiber *fiber;
    uint8_t bytes[LONG_BYTES];
    size_t length_bytes;
    uint64_t deadline_ns, ended_ns; /* 0: it has not */
    enum result result;
};

static struct sending sendings[SENDERS];

static void open_scarce(void)
{
    static struct stack_direct_parameters parameters;
    static const struct net_pair_options options = { .mtu_bytes = 1500, .ring_count = 64 };
    const struct parameter_group group = { .device = "stack0",
                                           .prefix = "",
                                           .table = stack_direct_parameters,
                                           .values = SPAN_OF(parameters) };
    const struct view arguments[] = { VIEW("--ipv4=192.0.2.10/24"), VIEW("--packets=64"),
                                      VIEW("--tcp-connections=4") };
    const struct endpoint any = { .address = address_loopback(ADDRESS_IPV4) };
    uint8_t message[PARAMETER_MESSAGE_MAX];
    size_t message_bytes;
    expect_ok(parameter_read(&group, 1, arguments, LENGTH_OF(arguments), SPAN_OF(message),
                             &message_bytes));
    net_loop_open(&net, &options);
    expect_ok(stack_direct_open(&stack, net_loop_net(&net), &parameters));
    expect_ok(udp_bind(stack.stack.udp, &any, &port));
    scope_open(&scope, "senders");
    (void)fiber_sleep(60 * S_NS);
    held = NULL;
    for (struct packet *packet = packet_take(&stack.core.packets, PACKET_FOR_DATA); packet != NULL;
         packet = packet_take(&stack.core.packets, PACKET_FOR_DATA)) {
        packet->next = held;
        held = packet;
    }
}

/* As the end of a burst of input does: what gave buffers back ran the stack. */
static void give_back(size_t count)
{
    stack_direct_enter(&stack);
    for (; count > 0 && held != NULL; count--) {
        struct packet *packet = held;
        held = packet->next;
        packet->next = NULL;
        packet_drop(packet);
    }
    stack_direct_leave(&stack);
}

static void close_scarce(void)
{
    scope_close(&scope);
    give_back(SIZE_MAX);
    udp_port_close(port);
    stack_direct_close(&stack);
    net_loop_close(&net);
}

static enum result send_to_self(struct view bytes, uint64_t deadline_ns)
{
    const struct datagram_out datagram = { .peer = { .address = address_loopback(ADDRESS_IPV4),
                                                     .port = port->local.port },
                                           .bytes = bytes };
    size_t sent;
    return udp_send(port, &datagram, 1, &sent, deadline_ns);
}

static void sending_run(struct task *task)
{
    struct sending *sending = CONTAINER_OF(task, struct sending, task);
    sending->fiber = fiber_current();
    sending->result = send_to_self(view_first(VIEW_OF(sending->bytes), sending->length_bytes),
                                   sending->deadline_ns);
    sending->ended_ns = loop_now_ns();
}

/* Starts the sender of that number; its datagram's bytes are the number. */
static struct sending *start_sender(uint8_t number, size_t length_bytes, uint64_t deadline_ns)
{
    struct sending *sending = &sendings[number];
    *sending = (struct sending){ .task = { sending_run },
                                 .length_bytes = length_bytes,
                                 .deadline_ns = deadline_ns };
    span_fill(SPAN_OF(sending->bytes), number);
    expect_ok(fiber_start(&scope, &sending->task, "sender", STACK_SMALL));
    (void)fiber_sleep(MS_NS);
    return sending;
}

/* The number of the sender whose datagram came next. */
static uint8_t receive_one(void)
{
    static uint8_t room[LONG_BYTES];
    struct datagram_in datagram = { .room = SPAN_OF(room) };
    size_t received;
    expect_ok(udp_receive(port, &datagram, 1, &received, deadline_after(loop_now_ns(), S_NS)));
    return room[0];
}

TEST(udp_sender_waits_and_is_woken_when_a_buffer_comes_free)
{
    open_scarce();
    struct sending *sending = start_sender(1, SHORT_BYTES, NEVER);
    (void)fiber_sleep(60 * S_NS + 3 * MS_NS);
    expect_that(sending->ended_ns, ==, 0);
    uint64_t given_ns = loop_now_ns();
    give_back(1);
    fiber_yield();
    (void)fiber_sleep(US_NS);
    expect_ok(sending->result);
    expect_that(sending->ended_ns, !=, 0);
    expect_that(sending->ended_ns - given_ns, <, 10 * US_NS);
    expect_that(receive_one(), ==, 1);
    close_scarce();
}

/* Buffers that wait at a port of ours are given back by who reads them, though nothing happens on
 * the net. */
TEST(udp_sender_is_woken_by_who_reads_a_port)
{
    open_scarce();
    give_back(1);
    expect_ok(send_to_self(VIEW("\x07"), NO_WAIT));
    struct sending *sending = start_sender(1, SHORT_BYTES, NEVER);
    (void)fiber_sleep(S_NS + 3 * MS_NS);
    expect_that(sending->ended_ns, ==, 0);
    uint64_t read_ns = loop_now_ns();
    expect_that(receive_one(), ==, 7);
    fiber_yield();
    (void)fiber_sleep(US_NS);
    expect_that(sending->ended_ns, !=, 0);
    expect_that(sending->ended_ns - read_ns, <, 10 * US_NS);
    expect_that(receive_one(), ==, 1);
    close_scarce();
}

/* Whoever came first has what comes free, also when it needs more of it than the others do, and
 * those that do not wait do not overtake. */
TEST(udp_senders_go_in_the_order_in_which_they_came)
{
    open_scarce();
    const size_t lengths[SENDERS] = { SHORT_BYTES, LONG_BYTES, SHORT_BYTES, SHORT_BYTES };
    for (uint8_t i = 0; i < SENDERS; i++)
        (void)start_sender(i, lengths[i], NEVER);
    give_back(1);
    (void)fiber_sleep(MS_NS);
    expect(sendings[0].ended_ns != 0 && sendings[1].ended_ns == 0);
    for (unsigned i = 0; i < 3; i++) { /* each too little for the long one */
        give_back(1);
        (void)fiber_sleep(100 * MS_NS);
        expect(sendings[1].ended_ns == 0 && sendings[2].ended_ns == 0);
        expect_result(send_to_self(VIEW("\x09"), NO_WAIT), TIMED_OUT);
    }
    give_back(16);
    (void)fiber_sleep(MS_NS);
    for (uint8_t i = 0; i < SENDERS; i++) {
        expect_ok(sendings[i].result);
        expect(sendings[i].ended_ns != 0);
        expect_that(receive_one(), ==, i);
    }
    close_scarce();
}

/* One that gives up, or is told to end, leaves its turn to the next. */
TEST(udp_senders_that_give_up_hold_nobody_up)
{
    open_scarce();
    struct sending *late = start_sender(0, SHORT_BYTES, deadline_after(loop_now_ns(), S_NS));
    struct sending *told = start_sender(1, SHORT_BYTES, NEVER);
    struct sending *last = start_sender(2, SHORT_BYTES, NEVER);
    struct sending *queued = start_sender(3, SHORT_BYTES, deadline_after(loop_now_ns(), S_NS));
    (void)fiber_sleep(2 * S_NS);
    expect_result(late->result, TIMED_OUT);
    expect_result(queued->result, TIMED_OUT);
    expect(late->ended_ns != 0 && queued->ended_ns != 0 && told->ended_ns == 0);
    fiber_cancel(told->fiber);
    (void)fiber_sleep(MS_NS);
    expect(told->ended_ns != 0);
    expect_result(told->result, CANCELLED);
    give_back(1);
    (void)fiber_sleep(MS_NS);
    expect_ok(last->result);
    expect(last->ended_ns != 0);
    expect_that(receive_one(), ==, 2);
    close_scarce();
}

/* However many wait, one looks, and not often. */
TEST(udp_senders_that_wait_cost_little)
{
    open_scarce();
    for (uint8_t i = 0; i < SENDERS; i++)
        (void)start_sender(i, SHORT_BYTES, NEVER);
    const uint64_t *refused = &stack.core.packets.refused[PACKET_FOR_DATA], before = *refused;
    (void)fiber_sleep(10 * S_NS);
    expect_that(*refused - before, <=, 1010);
    close_scarce();
}

/* A net that gives packets back without a word. */
TEST(udp_sender_finds_what_came_free_in_silence)
{
    open_scarce();
    struct sending *sending = start_sender(1, SHORT_BYTES, NEVER);
    struct packet *packet = held;
    held = packet->next;
    packet->next = NULL;
    packet_drop(packet);
    (void)fiber_sleep(11 * MS_NS);
    expect(sending->ended_ns != 0);
    expect_ok(sending->result);
    close_scarce();
}
