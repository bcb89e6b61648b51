/* net_switch.c - a learning Ethernet switch inside the process.
 *
 * A frame that goes to many ports is one copy that they all hold a reference to. The addresses
 * stand in groups of eight, found by a hash without a secret: whoever can send from any address he
 * likes can fill any group, and what he gains is that frames are flooded.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_switch.h"

#include "base/units.h"
#include "net/net_check.h"
#include "target/clock.h"
#include "target/memory.h"

#define GROUP     8
#define MAC_BYTES 6

static struct net_switch_port *port_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_switch_port, net);
}

/* ---- addresses ---- */

static struct net_switch_address *group_of(struct net_switch *net_switch, const struct mac *mac)
{
    uint64_t value = 0;
    __builtin_memcpy(&value, mac->bytes, MAC_BYTES);
    value *= 0x9e3779b97f4a7c15u;
    size_t groups = net_switch->options.address_count / GROUP;
    return &net_switch->addresses[(size_t)(value >> 32) % groups * GROUP];
}

static struct net_switch_address *find(struct net_switch *net_switch, const struct mac *mac,
                                       uint64_t now_ns)
{
    struct net_switch_address *group = group_of(net_switch, mac);
    for (size_t i = 0; i < GROUP; i++) {
        if (group[i].heard_ns == 0 || now_ns - group[i].heard_ns > net_switch->options.age_ns)
            continue;
        if (__builtin_memcmp(group[i].mac.bytes, mac->bytes, MAC_BYTES) == 0) return &group[i];
    }
    return NULL;
}

static struct net_switch_address *oldest(struct net_switch *net_switch, const struct mac *mac)
{
    struct net_switch_address *group = group_of(net_switch, mac), *chosen = group;
    for (size_t i = 1; i < GROUP; i++) {
        if (group[i].heard_ns < chosen->heard_ns) chosen = &group[i];
    }
    return chosen;
}

static void learn(struct net_switch *net_switch, const struct mac *mac, uint16_t port,
                  uint64_t now_ns)
{
    struct net_switch_address *address = find(net_switch, mac, now_ns);
    if (address == NULL) address = oldest(net_switch, mac);
    *address = (struct net_switch_address){ *mac, port, now_ns };
}

/* ---- ports ---- */

static size_t waiting(const struct net_switch_port *port)
{
    return port->put - port->taken;
}

static struct packet **slot(struct net_switch_port *port, size_t number)
{
    return &port->slots[number & (port->owner->options.queue_count - 1)];
}

static void put(struct net_switch_port *port, struct packet *packet)
{
    if (port->net.user == NULL) return;
    if (waiting(port) == port->owner->options.queue_count) {
        port->owner->statistics.queue_full_frames++;
        return;
    }
    payload_hold(&packet->payload);
    *slot(port, port->put++) = packet;
    if (!timer_is_running(&port->alarm.timer)) alarm_set(&port->alarm, NO_WAIT);
}

static void port_due(struct alarm *alarm)
{
    struct net_switch_port *port = CONTAINER_OF(alarm, struct net_switch_port, alarm);
    if (waiting(port) == 0) return;
    port->net.user->ready(port->net.user);
    if (waiting(port) > 0) alarm_set(&port->alarm, NO_WAIT);
}

static void net_switch_port_attach(struct net *net)
{
    (void)net;
}

static void net_switch_port_detach(struct net *net)
{
    struct net_switch_port *port = port_of(net);
    alarm_stop(&port->alarm);
    while (waiting(port) > 0)
        packet_drop(*slot(port, port->taken++));
}

/* ---- forwarding ---- */

static bool is_group(const struct mac *mac)
{
    return (mac->bytes[0] & 1) != 0;
}

static void flood(struct net_switch *net_switch, const struct net_switch_port *from,
                  struct packet *packet)
{
    net_switch->statistics.flooded_frames++;
    for (size_t i = 0; i < net_switch->options.port_count; i++) {
        if (&net_switch->ports[i] != from) put(&net_switch->ports[i], packet);
    }
}

static void forward(struct net_switch *net_switch, struct net_switch_port *from,
                    struct packet *packet, uint64_t now_ns)
{
    struct mac destination, source;
    struct view header = packet_view(packet);
    (void)span_copy(SPAN_OF(destination), view_first(header, MAC_BYTES));
    (void)span_copy(SPAN_OF(source), view_slice(header, MAC_BYTES, MAC_BYTES));
    if (is_group(&source)) {
        net_switch->statistics.malformed_frames++;
        return;
    }
    learn(net_switch, &source, from->index, now_ns);
    const struct net_switch_address *address = is_group(&destination)
                                                   ? NULL
                                                   : find(net_switch, &destination, now_ns);
    if (address == NULL) {
        flood(net_switch, from, packet);
    } else if (&net_switch->ports[address->port] != from) {
        net_switch->statistics.forwarded_frames++;
        put(&net_switch->ports[address->port], packet);
    }
}

static size_t net_switch_port_send(struct net *net, struct packet *burst[], size_t count)
{
    struct net_switch_port *port = port_of(net);
    struct net_switch *net_switch = port->owner;
    uint64_t now_ns = clock_monotonic_ns() + 1; /* never 0: that is an empty place */
    for (size_t i = 0; i < count; i++) {
        net_check_send(net, burst[i]);
        net->statistics.sent_frames++;
        net->statistics.sent_bytes += packet_total_bytes(burst[i]);
        struct packet *packet = packet_copy(burst[i], &net_switch->pool, PACKET_FOR_CONTROL);
        packet_drop(burst[i]);
        if (packet == NULL) {
            net_switch->statistics.no_buffer_frames++;
            continue;
        }
        forward(net_switch, port, packet, now_ns);
        packet_drop(packet);
    }
    return count;
}

static size_t net_switch_port_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct net_switch_port *port = port_of(net);
    size_t received = 0;
    while (received < count && waiting(port) > 0) {
        struct packet *sent = *slot(port, port->taken++);
        struct packet *packet = packet_copy(sent, net->pool, PACKET_FOR_RECEIVE);
        packet_drop(sent);
        if (packet == NULL) {
            net->statistics.receive_no_buffer++;
            continue;
        }
        net->statistics.received_frames++;
        net->statistics.received_bytes += packet_total_bytes(packet);
        burst[received++] = packet;
    }
    return received;
}

static const struct net_ops net_switch_port_ops = NET_OPS(net_switch_port);

/* ---- opening ---- */

static void port_open(struct net_switch *net_switch, size_t index, struct packet **slots)
{
    const struct net_switch_options *options = &net_switch->options;
    uint8_t offloads = NET_SENDS_CHECKSUMS | NET_SENDS_SEGMENTS_IPV4 | NET_SENDS_SEGMENTS_IPV6 |
                       NET_RECEIVES_CHECKSUMS | NET_RECEIVES_SEGMENTS;
    net_switch->ports[index] = (struct net_switch_port){
        .net = { .ops = &net_switch_port_ops,
                 .mac = { { 0x02, 'S', 'W', 0, (uint8_t)(index >> 8), (uint8_t)index } },
                 .link = NET_ETHERNET,
                 .offloads = options->offloads ? offloads : 0,
                 .mtu_bytes = options->mtu_bytes },
        .owner = net_switch,
        .index = (uint16_t)index,
        .slots = &slots[index * options->queue_count],
        .alarm.due = port_due,
    };
}

static bool is_power_of_two(size_t value)
{
    return value > 0 && (value & (value - 1)) == 0;
}

/* One piece of memory: the ports, the addresses, the ports' queues. */
static enum result take_memory(struct net_switch *net_switch)
{
    const struct net_switch_options *options = &net_switch->options;
    size_t ports_bytes = options->port_count * sizeof(struct net_switch_port);
    size_t addresses_bytes = options->address_count * sizeof(struct net_switch_address);
    size_t slots_bytes = options->port_count * options->queue_count * sizeof(struct packet *);
    enum result result = memory_take(ports_bytes + addresses_bytes + slots_bytes,
                                     &net_switch->memory);
    if (result != OK) return result;
    void *ports = net_switch->memory.bytes;
    void *addresses = span_from_offset(net_switch->memory, ports_bytes).bytes;
    void *slots = span_from_offset(net_switch->memory, ports_bytes + addresses_bytes).bytes;
    net_switch->ports = ports;
    net_switch->addresses = addresses;
    for (size_t i = 0; i < options->port_count; i++)
        port_open(net_switch, i, slots);
    return OK;
}

enum result net_switch_open(struct net_switch *net_switch, const struct net_switch_options *options)
{
    assert(options->port_count > 0 && options->port_count <= UINT16_MAX);
    assert(is_power_of_two(options->queue_count) && is_power_of_two(options->address_count));
    assert(options->address_count >= GROUP && options->mtu_bytes >= 576);
    *net_switch = (struct net_switch){ .options = *options };
    if (options->age_ns == 0) net_switch->options.age_ns = NET_SWITCH_AGE_NS;
    enum result result = packet_pool_open(&net_switch->pool, options->packet_count);
    if (result != OK) return result;
    result = take_memory(net_switch);
    if (result != OK) packet_pool_close(&net_switch->pool);
    return result;
}

void net_switch_close(struct net_switch *net_switch)
{
    for (size_t i = 0; i < net_switch->options.port_count; i++)
        assert(net_switch->ports[i].net.user == NULL);
    memory_give_back(net_switch->memory);
    packet_pool_close(&net_switch->pool);
}

struct net *net_switch_port(struct net_switch *net_switch, size_t index)
{
    assert_that(index, <, net_switch->options.port_count);
    return &net_switch->ports[index].net;
}
