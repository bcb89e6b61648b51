/* net_sim.c - a net over a card of the simulator's.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/node/net_sim.h"

#include "base/units.h"

#define LOG_MODULE "net"
#include "log/log.h"

const struct parameter net_sim_parameters[] = {
    PARAMETER_NUMBER(struct net_sim_parameters, card, "card", "0", 0, 7,
                     "which of the node's network cards it is"),
    PARAMETER_END,
};

static void net_sim_poll(struct node_device *device)
{
    struct net_sim *net_sim = CONTAINER_OF(device, struct net_sim, device);
    if (net_sim->nic->ops->is_ready(net_sim->nic)) net_sim->net.user->ready(net_sim->net.user);
}

static struct sim_nic *nic_of(struct net *net)
{
    return CONTAINER_OF(net, struct net_sim, net)->nic;
}

/* What came before anybody was attached has nobody to go to. */
static void net_sim_attach(struct net *net)
{
    struct sim_nic *nic = nic_of(net);
    while (nic->ops->peek(nic) != NULL)
        nic->ops->drop(nic);
    node_device_add(&CONTAINER_OF(net, struct net_sim, net)->device);
}

static void net_sim_detach(struct net *net)
{
    node_device_remove(&CONTAINER_OF(net, struct net_sim, net)->device);
}

static size_t net_sim_send(struct net *net, struct packet *burst[], size_t count)
{
    struct sim_nic *nic = nic_of(net);
    size_t accepted = 0;
    while (accepted < count && nic->ops->send(nic, burst[accepted])) {
        net->statistics.sent_frames++;
        net->statistics.sent_bytes += packet_total_bytes(burst[accepted]);
        packet_drop(burst[accepted++]);
    }
    return accepted;
}

static size_t net_sim_receive(struct net *net, struct packet *burst[], size_t count)
{
    struct sim_nic *nic = nic_of(net);
    size_t received = 0;
    while (received < count) {
        const struct packet *frame = nic->ops->peek(nic);
        if (frame == NULL) break;
        struct packet *copy = packet_copy(frame, net->pool, PACKET_FOR_RECEIVE);
        nic->ops->drop(nic);
        if (copy == NULL) {
            net->statistics.receive_no_buffer++;
            continue;
        }
        net->statistics.received_frames++;
        net->statistics.received_bytes += packet_total_bytes(copy);
        burst[received++] = copy;
    }
    return received;
}

static const struct net_ops net_sim_ops = NET_OPS(net_sim);

enum result net_sim_open(struct net_sim *net_sim, const struct net_sim_parameters *parameters)
{
    struct sim_nic *nic = sim_host->ops->nic(sim_host, (unsigned)parameters->card);
    if (nic == NULL) {
        log_error("this node has no network card %u", (unsigned)parameters->card);
        return NOT_FOUND;
    }
    *net_sim = (struct net_sim){
        .net = { .ops = &net_sim_ops,
                 .mac = nic->mac,
                 .link = NET_ETHERNET,
                 .offloads = nic->offloads,
                 .mtu_bytes = nic->mtu_bytes },
        .nic = nic,
        .device = { .poll = net_sim_poll },
    };
    return OK;
}

void net_sim_close(struct net_sim *net_sim)
{
    assert(net_sim->net.user == NULL);
}
