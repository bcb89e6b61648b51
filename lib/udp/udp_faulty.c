/* udp_faulty.c - a UDP that loses, doubles, reorders and delays.
 *
 * SPDX-License-Identifier: ISC */
#include "udp/udp_faulty.h"

#include "flow/fault.h"
#include "target/memory.h"

static struct udp_faulty_port *port_of(struct udp_port *port)
{
    return CONTAINER_OF(port, struct udp_faulty_port, port);
}

/* ---- sending ---- */

static enum result send_copies(struct udp_faulty_port *port, const struct datagram_out *datagram,
                               uint64_t deadline_ns)
{
    struct udp_faulty *udp = port->udp;
    size_t sent;
    if (fault_strikes(&udp->random, udp->plan.lose_per_million)) {
        udp->lost_count++;
        return OK;
    }
    if (fault_strikes(&udp->random, udp->plan.double_per_million)) {
        enum result result = udp_send(port->below, datagram, 1, &sent, deadline_ns);
        if (result != OK) return result;
        udp->doubled_count++;
    }
    return udp_send(port->below, datagram, 1, &sent, deadline_ns);
}

/* Sends `count` (1 or 2) of the burst, the last one first. An error of the second to go is lost, as
 * the datagram may be: the first has gone, and the burst is told in its own order. */
static enum result send_backwards(struct udp_faulty_port *port, const struct datagram_out burst[],
                                  size_t count, size_t *sent, uint64_t deadline_ns)
{
    enum result result = send_copies(port, &burst[count - 1], deadline_ns);
    if (result != OK) return result;
    for (size_t i = count - 1; i-- > 0;)
        (void)(send_copies(port, &burst[i], deadline_ns) == OK);
    *sent += count;
    return OK;
}

static enum result udp_faulty_port_send(struct udp_port *base, const struct datagram_out burst[],
                                        size_t count, size_t *sent, uint64_t deadline_ns)
{
    struct udp_faulty_port *port = port_of(base);
    struct udp_faulty *udp = port->udp;
    enum result result = fault_delay(&udp->random, udp->plan.delay_ns_max, deadline_ns);
    while (result == OK && *sent < count) {
        bool swaps = count - *sent > 1 && fault_strikes(&udp->random, udp->plan.swap_per_million);
        udp->swapped_count += swaps;
        result = send_backwards(port, &burst[*sent], swaps ? 2 : 1, sent, deadline_ns);
    }
    return *sent > 0 ? OK : result;
}

static enum result udp_faulty_port_receive(struct udp_port *base, struct datagram_in burst[],
                                           size_t count, size_t *received, uint64_t deadline_ns)
{
    struct udp_faulty_port *port = port_of(base);
    struct udp_faulty *udp = port->udp;
    enum result result = fault_delay(&udp->random, udp->plan.delay_ns_max, deadline_ns);
    return result != OK ? result : udp_receive(port->below, burst, count, received, deadline_ns);
}

/* ---- ports ---- */

static void give_port(struct udp_faulty_port *port)
{
    list_prepend(&port->udp->free, &port->node);
    port->udp->open_count--;
}

static void udp_faulty_port_close(struct udp_port *base)
{
    struct udp_faulty_port *port = port_of(base);
    udp_port_close(port->below);
    give_port(port);
}

static const struct udp_port_ops udp_faulty_port_ops = UDP_PORT_OPS(udp_faulty_port);

static enum result udp_faulty_bind(struct udp *base, const struct endpoint *local,
                                   struct udp_port **made)
{
    struct udp_faulty *udp = CONTAINER_OF(base, struct udp_faulty, udp);
    struct list_node *node = list_take(&udp->free);
    if (node == NULL) return FULL;
    struct udp_faulty_port *port = CONTAINER_OF(node, struct udp_faulty_port, node);
    udp->open_count++;
    enum result result = udp_bind(udp->below, local, &port->below);
    if (result != OK) {
        give_port(port);
        return result;
    }
    port->port = (struct udp_port){ .ops = &udp_faulty_port_ops, .local = port->below->local };
    *made = &port->port;
    return OK;
}

/* ---- opening ---- */

static const struct udp_ops udp_faulty_ops = UDP_OPS(udp_faulty);

enum result udp_faulty_open(struct udp_faulty *faulty, struct udp *below, size_t port_count,
                            const struct udp_faulty_plan *plan)
{
    *faulty = (struct udp_faulty){
        .udp.ops = &udp_faulty_ops, .below = below, .plan = *plan, .random = plan->seed
    };
    list_init(&faulty->free);
    enum result result = memory_take(port_count * sizeof(struct udp_faulty_port), &faulty->memory);
    if (result != OK) return result;
    struct udp_faulty_port *ports = (void *)faulty->memory.bytes;
    for (size_t i = 0; i < port_count; i++) {
        ports[i].udp = faulty;
        list_append(&faulty->free, &ports[i].node);
    }
    return OK;
}

void udp_faulty_close(struct udp_faulty *faulty)
{
    assert_that(faulty->open_count, ==, 0);
    memory_give_back(faulty->memory);
}
