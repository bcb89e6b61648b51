/* udp_loop.c - a UDP inside the process.
 *
 * SPDX-License-Identifier: ISC */
#include "udp/udp_loop.h"

#include "target/memory.h"

#define EPHEMERAL_FIRST 49152 /* RFC 6335 6 */

static struct udp_loop_port *port_of(struct udp_port *port)
{
    return CONTAINER_OF(port, struct udp_loop_port, port);
}

static bool has_address(const struct address *address)
{
    if (address->family == ADDRESS_ANY) return true;
    struct address loopback = address_loopback(address->family);
    return address_equal(address, &loopback);
}

static struct udp_loop_port *find_port(struct udp_loop *loop, const struct endpoint *local)
{
    for (size_t i = 0; i < loop->options.port_count; i++) {
        struct udp_loop_port *port = &loop->ports[i];
        const struct endpoint *taken = &port->port.local;
        if (!port->used || taken->port != local->port) continue;
        if (taken->address.family == ADDRESS_ANY || local->address.family == ADDRESS_ANY ||
            address_equal(&taken->address, &local->address))
            return port;
    }
    return NULL;
}

static struct span slot_room(const struct udp_loop_port *port, size_t index)
{
    size_t slot_bytes = port->loop->options.datagram_bytes_max;
    return span_first(span_from_offset(port->room, index * slot_bytes), slot_bytes);
}

/* ---- sending ---- */

/* Where the datagram comes from. */
static enum result choose_source(const struct udp_loop_port *port,
                                 const struct datagram_out *datagram, struct endpoint *source)
{
    uint8_t family = datagram->peer.address.family;
    uint8_t bound = port->port.local.address.family;
    if (family == ADDRESS_ANY || datagram->peer.port == 0) return INVALID;
    if (datagram->source.family != ADDRESS_ANY && datagram->source.family != family) return INVALID;
    if (datagram->bytes.length_bytes > port->loop->options.datagram_bytes_max) return TOO_LARGE;
    if (bound != ADDRESS_ANY && bound != family) return UNREACHABLE;
    if (!has_address(&datagram->peer.address) || !has_address(&datagram->source))
        return UNREACHABLE;
    *source = (struct endpoint){ .address = address_loopback(family),
                                 .port = port->port.local.port };
    return OK;
}

static void deliver(struct udp_loop_port *port, const struct datagram_out *datagram,
                    const struct endpoint *source)
{
    if (ring_room(&port->queue) == 0) {
        port->loop->dropped_count++;
        return;
    }
    size_t index = ring_room_run(&port->queue).index;
    port->datagrams[index] = (struct udp_loop_datagram){
        .peer = *source,
        .destination = datagram->peer.address,
        .length_bytes = datagram->bytes.length_bytes,
    };
    (void)span_copy(slot_room(port, index), datagram->bytes);
    ring_put(&port->queue, 1);
    waiters_wake_one(&port->receivers);
}

static enum result send_one(struct udp_loop_port *port, const struct datagram_out *datagram)
{
    struct endpoint source;
    enum result result = choose_source(port, datagram, &source);
    if (result != OK) return result;
    struct udp_loop_port *peer = find_port(port->loop, &datagram->peer);
    if (peer != NULL) {
        deliver(peer, datagram, &source);
        return OK;
    }
    port->refused = true;
    waiters_wake_one(&port->receivers);
    return OK;
}

static enum result udp_loop_port_send(struct udp_port *base, const struct datagram_out burst[],
                                      size_t count, size_t *sent, uint64_t deadline_ns)
{
    (void)deadline_ns; /* there is always room: what finds none at the other side is dropped */
    while (*sent < count) {
        enum result result = send_one(port_of(base), &burst[*sent]);
        if (result != OK) return *sent > 0 ? OK : result;
        ++*sent;
    }
    return OK;
}

/* ---- receiving ---- */

static void take_datagram(struct udp_loop_port *port, struct datagram_in *into)
{
    size_t index = ring_used_run(&port->queue).index;
    const struct udp_loop_datagram *datagram = &port->datagrams[index];
    into->length_bytes = MIN(datagram->length_bytes, into->room.length_bytes);
    into->truncated = datagram->length_bytes > into->room.length_bytes;
    into->peer = datagram->peer;
    into->destination = datagram->destination;
    (void)span_copy(into->room, view_first(span_view(slot_room(port, index)), into->length_bytes));
    ring_take(&port->queue, 1);
}

static enum result udp_loop_port_receive(struct udp_port *base, struct datagram_in burst[],
                                         size_t count, size_t *received, uint64_t deadline_ns)
{
    struct udp_loop_port *port = port_of(base);
    while (!port->refused && ring_used(&port->queue) == 0) {
        enum result result = waiters_wait(&port->receivers, "udp_receive", deadline_ns);
        if (result != OK) return result;
    }
    if (port->refused) {
        port->refused = false;
        return REFUSED;
    }
    while (*received < count && ring_used(&port->queue) > 0)
        take_datagram(port, &burst[(*received)++]);
    if (ring_used(&port->queue) > 0) waiters_wake_one(&port->receivers);
    return OK;
}

/* ---- binding ---- */

static void udp_loop_port_close(struct udp_port *base)
{
    struct udp_loop_port *port = port_of(base);
    assert(port->used && waiters_is_empty(&port->receivers));
    port->used = false;
}

static const struct udp_port_ops udp_loop_port_ops = UDP_PORT_OPS(udp_loop_port);

static struct udp_loop_port *find_unused(struct udp_loop *loop)
{
    for (size_t i = 0; i < loop->options.port_count; i++) {
        if (!loop->ports[i].used) return &loop->ports[i];
    }
    return NULL;
}

static void choose_port(struct udp_loop *loop, struct endpoint *local)
{
    while (local->port == 0 || find_port(loop, local) != NULL) {
        if (loop->next_port < EPHEMERAL_FIRST) loop->next_port = EPHEMERAL_FIRST;
        local->port = loop->next_port++;
    }
}

static enum result udp_loop_bind(struct udp *udp, const struct endpoint *local,
                                 struct udp_port **made)
{
    struct udp_loop *loop = CONTAINER_OF(udp, struct udp_loop, udp);
    struct endpoint taken = *local;
    if (!has_address(&local->address)) return UNREACHABLE;
    if (local->port != 0 && find_port(loop, local) != NULL) return EXISTS;
    struct udp_loop_port *port = find_unused(loop);
    if (port == NULL) return FULL;
    choose_port(loop, &taken);
    port->port = (struct udp_port){ .ops = &udp_loop_port_ops, .local = taken };
    port->used = true;
    port->refused = false;
    ring_init(&port->queue, loop->options.queue_count);
    waiters_init(&port->receivers);
    *made = &port->port;
    return OK;
}

/* ---- opening ---- */

static const struct udp_ops udp_loop_ops = UDP_OPS(udp_loop);

static void lay_out_ports(struct udp_loop *loop)
{
    const struct udp_loop_options *options = &loop->options;
    size_t room_bytes = options->queue_count * options->datagram_bytes_max;
    struct udp_loop_datagram *datagrams = (void *)loop->datagram_memory.bytes;
    loop->ports = (void *)loop->port_memory.bytes;
    for (size_t i = 0; i < options->port_count; i++) {
        struct udp_loop_port *port = &loop->ports[i];
        port->loop = loop;
        port->datagrams = &datagrams[i * options->queue_count];
        port->room = span_first(span_from_offset(loop->room_memory, i * room_bytes), room_bytes);
    }
}

enum result udp_loop_open(struct udp_loop *loop, const struct udp_loop_options *options)
{
    *loop = (struct udp_loop){ .udp.ops = &udp_loop_ops, .options = *options };
    size_t slots = options->port_count * options->queue_count;
    enum result result = memory_take(options->port_count * sizeof(struct udp_loop_port),
                                     &loop->port_memory);
    if (result == OK)
        result = memory_take(slots * sizeof(struct udp_loop_datagram), &loop->datagram_memory);
    if (result == OK) result = memory_take(slots * options->datagram_bytes_max, &loop->room_memory);
    if (result != OK) {
        loop->options.port_count = 0;
        udp_loop_close(loop);
        return result;
    }
    lay_out_ports(loop);
    return OK;
}

void udp_loop_close(struct udp_loop *loop)
{
    for (size_t i = 0; i < loop->options.port_count; i++)
        assert(!loop->ports[i].used);
    memory_give_back(loop->port_memory);
    memory_give_back(loop->datagram_memory);
    memory_give_back(loop->room_memory);
    *loop = (struct udp_loop){ 0 };
}
