/* wire.c - from a node's card, or a guest's stack, to a port of the switch; and the card itself.
 *
 * A card has two rings of frames, as a device has. What the node sends stays in the one until the
 * node waits, since the nets behind it want more stack than a small fiber has.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"
#include "base/writer.h"
#include "target/sim/world_private.h"

/* ---- rings ---- */

static bool ring_put(struct ring *ring, struct packet *frame)
{
    if (ring->count == RING_FRAMES) return false;
    ring->frames[(ring->first + ring->count++) % RING_FRAMES] = frame;
    return true;
}

static struct packet *ring_first(const struct ring *ring)
{
    return ring->count == 0 ? NULL : ring->frames[ring->first];
}

static struct packet *ring_take(struct ring *ring)
{
    struct packet *frame = ring_first(ring);
    if (frame == NULL) return NULL;
    ring->first = (ring->first + 1) % RING_FRAMES;
    ring->count--;
    return frame;
}

static void ring_drop_all(struct ring *ring)
{
    for (struct packet *frame = ring_take(ring); frame != NULL; frame = ring_take(ring))
        packet_drop(frame);
}

/* ---- the card, from the node's side ---- */

static bool nic_send(struct sim_nic *nic, const struct packet *frame)
{
    struct wire *wire = CONTAINER_OF(nic, struct wire, nic);
    struct packet *copy = NULL;
    node_called(wire->node);
    if (wire->sent.count < RING_FRAMES) copy = packet_copy(frame, &wire->pool, PACKET_FOR_DATA);
    wire->room_is_wanted = copy == NULL;
    return copy != NULL && ring_put(&wire->sent, copy);
}

static const struct packet *nic_peek(struct sim_nic *nic)
{
    struct wire *wire = CONTAINER_OF(nic, struct wire, nic);
    node_called(wire->node);
    return ring_first(&wire->received);
}

static void nic_drop(struct sim_nic *nic)
{
    struct packet *frame = ring_take(&CONTAINER_OF(nic, struct wire, nic)->received);
    assert(frame != NULL);
    packet_drop(frame);
}

static bool nic_is_ready(struct sim_nic *nic)
{
    struct wire *wire = CONTAINER_OF(nic, struct wire, nic);
    bool is_ready = wire->received.count > 0 || wire->room_again;
    wire->room_again = false;
    return is_ready;
}

static const struct sim_nic_ops nic_ops = {
    .send = nic_send,
    .peek = nic_peek,
    .drop = nic_drop,
    .is_ready = nic_is_ready,
};

/* ---- the card, from the wire's side ---- */

/* A frame that the ring has no room for is dropped, as a device does. */
static void take_received(struct wire *wire)
{
    struct packet *burst[NET_BURST_MAX];
    bool is_on = wire->node->state == NODE_RUNS;
    size_t count;
    while ((count = net_receive(wire->top, burst, NET_BURST_MAX)) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (!is_on || !ring_put(&wire->received, burst[i])) packet_drop(burst[i]);
        }
    }
    if (wire->received.count > 0) node_wake(wire->node);
}

static void send_ring(struct wire *wire)
{
    while (wire->sent.count > 0) {
        struct packet *burst[] = { ring_first(&wire->sent) };
        if (net_send(wire->top, burst, 1) == 0) break;
        (void)ring_take(&wire->sent);
    }
    if (!wire->room_is_wanted || wire->sent.count > RING_FRAMES / 2) return;
    wire->room_is_wanted = false;
    wire->room_again = true;
    node_wake(wire->node);
}

static void wire_ready(struct net_user *user)
{
    struct wire *wire = CONTAINER_OF(user, struct wire, user);
    take_received(wire);
    if (!wire->node->is_entered) send_ring(wire);
}

bool wire_turn(struct wire *wire)
{
    send_ring(wire);
    return wire->received.count > 0 || wire->room_again;
}

void wire_reset(struct wire *wire)
{
    ring_drop_all(&wire->sent);
    ring_drop_all(&wire->received);
    wire->room_is_wanted = wire->room_again = false;
}

/* ---- its capture ---- */

static void capture_write(struct net_pcap_sink *sink, struct view bytes)
{
    struct wire_sink *capture = CONTAINER_OF(sink, struct wire_sink, sink);
    if (capture->has_frames) {
        record_put(&capture->record, bytes);
        return;
    }
    struct span rest = span_from_offset(SPAN_OF(capture->head), capture->head_bytes);
    assert_that(bytes.length_bytes, <=, rest.length_bytes);
    (void)span_copy(rest, bytes);
    capture->head_bytes += bytes.length_bytes;
}

void wire_capture(const struct wire *wire, struct view views[3])
{
    views[0] = view_from(wire->capture.head, wire->capture.head_bytes);
    record_views(&wire->capture.record, &views[1]);
}

/* ---- opening and closing ---- */

static void check(enum result result, const char *what)
{
    if (result != OK) panic("no memory for a wire's %s", what);
}

static void open_nets(struct wire *wire)
{
    struct world *world = wire->world;
    const struct net_faulty_options faulty = { .seed = world_mix(world, 'w', wire->number),
                                               .packet_count = WIRE_PACKETS };
    const struct net_pcap_options pcap = { .name = view_from_string(wire->name) };
    check(net_faulty_open(&wire->faulty, wire->port, &faulty), "faults");
    record_open(&wire->capture.record, world->parameters.capture_bytes_max);
    wire->capture.sink.write = capture_write;
    check(net_pcap_open(&wire->pcap, &wire->faulty.net, &wire->capture.sink, &pcap), "capture");
    wire->capture.has_frames = true;
    wire->top = &wire->pcap.net;
    if (wire->node != NULL && wire->node->parameters.has_bare_wires) return;
    net_offload_open(&wire->offload, &wire->pcap.net);
    wire->top = &wire->offload.net;
}

void wire_open(struct wire *wire, struct world *world, struct node *node, const char *name,
               unsigned segment)
{
    wire->world = world;
    wire->node = node;
    (void)format(span_from(wire->name, sizeof wire->name - 1), "%s", name);
    wire->port = world_port(world, segment);
    /* Locally administered (IEEE 802-2014 8.4); the last byte counts the wires of this world. */
    wire->port->mac = (struct mac){ { 0x02, 'L', 'o', 'o', 'm', (uint8_t)(wire->number + 1) } };
    open_nets(wire);
    if (node == NULL) return;
    wire->nic = (struct sim_nic){ .ops = &nic_ops,
                                  .mac = wire->top->mac,
                                  .offloads = wire->top->offloads,
                                  .mtu_bytes = wire->top->mtu_bytes };
    check(packet_pool_open(&wire->pool, WIRE_PACKETS), "card");
    wire->user.ready = wire_ready;
    net_attach(wire->top, &wire->user, &wire->pool);
}

void wire_close(struct wire *wire)
{
    if (wire->node != NULL) {
        net_detach(wire->top);
        wire_reset(wire);
        packet_pool_close(&wire->pool);
    }
    if (wire->top == &wire->offload.net) net_offload_close(&wire->offload);
    net_pcap_close(&wire->pcap);
    net_faulty_close(&wire->faulty);
    record_close(&wire->capture.record);
}

struct net *wire_net(struct wire *wire)
{
    assert(wire->node == NULL);
    return wire->top;
}

/* ---- its faults ---- */

static void apply_plans(struct wire *wire)
{
    wire->faulty.send.plan = wire->out;
    wire->faulty.receive.plan = wire->in;
    if (!wire->is_cut) return;
    wire->faulty.send.plan.loss_per_million = 1000000;
    wire->faulty.receive.plan.loss_per_million = 1000000;
}

void wire_spoil(struct wire *wire, const struct net_faulty_plan *out,
                const struct net_faulty_plan *in)
{
    wire->out = *out;
    wire->in = *in;
    apply_plans(wire);
}

void wire_cut(struct wire *wire)
{
    wire->is_cut = true;
    apply_plans(wire);
    world_event(wire->world, wire->name, "| its wire is cut");
}

void wire_mend(struct wire *wire)
{
    wire->is_cut = false;
    apply_plans(wire);
    world_event(wire->world, wire->name, "| its wire is mended");
}
