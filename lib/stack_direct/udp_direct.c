/* udp_direct.c - our own UDP as the udp signature: ports for fibers.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_direct/udp_direct.h"

#include "stack_direct/stack_direct.h"
#include "target/memory.h"

/* A net gives packets back when they have gone, and tells nobody: so the sender whose turn it is
 * looks again after so long, should nothing else have happened. */
#define ROOM_LOOK_NS (10 * MS_NS)

static struct udp_direct_port *direct_of(struct udp_port *port)
{
    return CONTAINER_OF(port, struct udp_direct_port, port);
}

static void udp_direct_readable(struct udp_binding_user *user)
{
    waiters_wake_all(&CONTAINER_OF(user, struct udp_direct_port, user)->receivers);
}

/* ---- sending ---- */

static enum result send_one(struct udp_direct_port *port, const struct datagram_out *datagram)
{
    const struct udp_outgoing outgoing = { .peer = datagram->peer,
                                           .source = datagram->source,
                                           .bytes = datagram->bytes };
    if (datagram->peer.address.family == ADDRESS_ANY || datagram->peer.port == 0) return INVALID;
    if (datagram->source.family != ADDRESS_ANY &&
        datagram->source.family != datagram->peer.address.family)
        return INVALID;
    return udp_core_send(port->binding, &outgoing);
}

static enum result send_some(struct udp_direct_port *port, const struct datagram_out burst[],
                             size_t count, size_t *sent)
{
    enum result result = OK;
    while (*sent < count) {
        result = send_one(port, &burst[*sent]);
        if (result != OK) break;
        ++*sent;
    }
    port->udp->sent_count += *sent;
    return *sent > 0 ? OK : result;
}

static enum result send_burst(struct udp_direct_port *port, const struct datagram_out burst[],
                              size_t count, size_t *sent)
{
    stack_direct_enter(port->udp->stack);
    enum result result = send_some(port, burst, count, sent);
    stack_direct_leave(port->udp->stack);
    return result;
}

/* The stack runs for what was sent, and not for what was not: its run is what woke this sender. */
static enum result send_burst_again(struct udp_direct_port *port, const struct datagram_out burst[],
                                    size_t count, size_t *sent)
{
    stack_direct_enter(port->udp->stack);
    enum result result = send_some(port, burst, count, sent);
    if (result != FULL) stack_direct_leave(port->udp->stack);
    return result;
}

/* OK: it may be worth to try again. */
static enum result wait_for_room(struct udp_direct *udp, uint64_t deadline_ns)
{
    uint64_t look_ns = MIN(deadline_after(loop_now_ns(), ROOM_LOOK_NS), deadline_ns);
    enum result result = waiters_wait(&udp->for_room, "udp_send", look_ns);
    return result == TIMED_OUT && loop_now_ns() < deadline_ns ? OK : result;
}

/* First come, first served, so that one who needs many buffers is not overtaken for ever by those
 * who need few. */
static enum result send_in_turn(struct udp_direct_port *port, const struct datagram_out burst[],
                                size_t count, size_t *sent, uint64_t deadline_ns)
{
    struct udp_direct *udp = port->udp;
    enum result result = mutex_take(&udp->turn, deadline_ns);
    if (result != OK) return result;
    for (;;) {
        result = send_burst_again(port, burst, count, sent);
        if (result == FULL) result = wait_for_room(udp, deadline_ns);
        if (result != OK || *sent > 0) break;
    }
    mutex_give(&udp->turn);
    return result;
}

static enum result udp_direct_port_send(struct udp_port *base, const struct datagram_out burst[],
                                        size_t count, size_t *sent, uint64_t deadline_ns)
{
    struct udp_direct_port *port = direct_of(base);
    enum result result = FULL;
    if (port->udp->turn.holder == NULL) result = send_burst(port, burst, count, sent);
    if (result != FULL) return result;
    if (deadline_ns <= loop_now_ns()) return TIMED_OUT;
    return send_in_turn(port, burst, count, sent, deadline_ns);
}

void udp_direct_go_on(struct udp_direct *udp)
{
    if (!waiters_is_empty(&udp->for_room)) (void)waiters_wake_one(&udp->for_room);
}

/* ---- receiving ---- */

static void gave_buffers_back(struct udp_direct *udp)
{
    if (!stack_core_is_starved(&udp->stack->core) && waiters_is_empty(&udp->for_room)) return;
    stack_direct_enter(udp->stack);
    stack_direct_leave(udp->stack);
}

static void fill(struct datagram_in *datagram, const struct udp_incoming *incoming)
{
    size_t total_bytes = packet_total_bytes(incoming->packet);
    datagram->length_bytes = MIN(total_bytes, datagram->room.length_bytes);
    datagram->truncated = datagram->length_bytes < total_bytes;
    datagram->peer = incoming->peer;
    datagram->destination = incoming->destination;
    packet_copy_out(incoming->packet, 0, span_first(datagram->room, datagram->length_bytes));
}

static enum result receive_burst(struct udp_direct_port *port, struct datagram_in burst[],
                                 size_t count, size_t *received)
{
    enum result result = OK;
    while (*received < count) {
        struct udp_incoming incoming;
        result = udp_core_receive(port->binding, &incoming);
        if (result != OK) break;
        fill(&burst[*received], &incoming);
        packet_drop(incoming.packet);
        port->udp->truncated_count += burst[*received].truncated;
        ++*received;
    }
    if (*received > 0) gave_buffers_back(port->udp);
    port->udp->received_count += *received;
    port->udp->refused_count += result == REFUSED;
    return *received > 0 ? OK : result;
}

static enum result udp_direct_port_receive(struct udp_port *base, struct datagram_in burst[],
                                           size_t count, size_t *received, uint64_t deadline_ns)
{
    struct udp_direct_port *port = direct_of(base);
    for (;;) {
        enum result result = receive_burst(port, burst, count, received);
        if (result != TIMED_OUT) return result;
        result = waiters_wait(&port->receivers, "udp_receive", deadline_ns);
        if (result != OK) return result;
    }
}

/* ---- ports ---- */

static void udp_direct_port_close(struct udp_port *base)
{
    struct udp_direct_port *port = direct_of(base);
    assert(waiters_is_empty(&port->receivers));
    udp_core_unbind(port->binding);
    port->binding = NULL;
    port->udp->ports_open--;
    gave_buffers_back(port->udp);
}

static const struct udp_port_ops udp_direct_port_ops = UDP_PORT_OPS(udp_direct_port);

static struct udp_direct_port *find_free(struct udp_direct *udp)
{
    for (size_t i = 0; i < udp->port_count; i++) {
        if (udp->ports[i].binding == NULL) return &udp->ports[i];
    }
    return NULL;
}

static enum result udp_direct_bind(struct udp *base, const struct endpoint *local,
                                   struct udp_port **made)
{
    struct udp_direct *udp = CONTAINER_OF(base, struct udp_direct, udp);
    struct udp_direct_port *port = find_free(udp);
    if (port == NULL) return FULL;
    *port = (struct udp_direct_port){
        .port = { .ops = &udp_direct_port_ops },
        .user.readable = udp_direct_readable,
        .udp = udp,
    };
    waiters_init(&port->receivers);
    enum result result = udp_core_bind(&udp->stack->core.udp, local, &port->user, &port->binding);
    if (result != OK) {
        port->binding = NULL;
        return result;
    }
    port->port.local = port->binding->local;
    udp->ports_open++;
    *made = &port->port;
    return OK;
}

static const struct udp_ops udp_direct_ops = UDP_OPS(udp_direct);

enum result udp_direct_open(struct udp_direct *udp, struct stack_direct *stack, size_t port_count)
{
    *udp = (struct udp_direct){ .udp.ops = &udp_direct_ops,
                                .stack = stack,
                                .port_count = port_count };
    mutex_init(&udp->turn);
    waiters_init(&udp->for_room);
    enum result result = memory_take(port_count * sizeof(struct udp_direct_port),
                                     &udp->port_memory);
    if (result == OK) udp->ports = (void *)udp->port_memory.bytes;
    return result;
}

void udp_direct_close(struct udp_direct *udp)
{
    assert_that(udp->ports_open, ==, 0);
    memory_give_back(udp->port_memory);
}
