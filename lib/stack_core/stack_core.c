/* stack_core.c - a stack from Ethernet to TCP as one state machine over one net.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_core/stack_core.h"

#include "base/units.h"

/* ---- parameters ---- */

static enum result parse_prefix(struct view text, struct span value)
{
    struct address_prefix prefix = { 0 };
    if (!view_equal(text, VIEW("none"))) {
        enum result result = address_prefix_parse(text, &prefix);
        if (result != OK || prefix.address.family != ADDRESS_IPV4) return INVALID;
    }
    (void)span_copy(value, VIEW_OF(prefix));
    return OK;
}

static enum result parse_address(struct view text, struct span value)
{
    struct address address = { 0 };
    if (!view_equal(text, VIEW("none"))) {
        enum result result = address_parse(text, &address);
        if (result != OK || address.family != ADDRESS_IPV4) return INVALID;
    }
    (void)span_copy(value, VIEW_OF(address));
    return OK;
}

const struct parameter stack_core_parameters[] = {
    PARAMETER_PARSED(struct stack_core_parameters, ipv4, struct address_prefix, "ipv4", "none",
                     "an address and its prefix's length such as 192.0.2.7/24, or none",
                     parse_prefix, "IPv4 address on the net"),
    PARAMETER_PARSED(struct stack_core_parameters, ipv4_gateway, struct address, "ipv4-gateway",
                     "none", "an address such as 192.0.2.1, or none", parse_address,
                     "IPv4 router that leads to all other networks"),
    PARAMETER_POOL(struct stack_core_parameters, packet_count, "packets", "8192", 64, 4194304,
                   "packet buffers of 2 KiB, for all that is sent and received"),
    PARAMETER_TABLE(struct stack_core_parameters, arp, arp_parameters),
    PARAMETER_TABLE(struct stack_core_parameters, internet, ipv4_parameters),
    PARAMETER_TABLE(struct stack_core_parameters, icmp, icmp_parameters),
    PARAMETER_TABLE(struct stack_core_parameters, udp, udp_core_parameters),
    PARAMETER_TABLE(struct stack_core_parameters, tcp, tcp_core_parameters),
    PARAMETER_END,
};

/* ---- opening ---- */

enum purpose { PURPOSE_ARP, PURPOSE_IPV4, PURPOSE_ICMP, PURPOSE_UDP, PURPOSE_TCP };

/* Of what strangers can make wait, fragments take a quarter of the buffers at most and datagrams
 * that nobody reads a half: with few buffers the rest must still be heard. */
static uint64_t pool_bytes(const struct stack_core *core)
{
    return (uint64_t)core->packets.count * PACKET_BYTES;
}

static enum result open_internet(struct stack_core *core,
                                 const struct stack_core_parameters *parameters,
                                 struct siphash_key key)
{
    enum result result = OK;
    if (core->has_arp)
        result = arp_open(&core->arp, &core->ethernet, &core->agenda, &core->ipv4.arp_user,
                          &parameters->arp, siphash_derive(key, PURPOSE_ARP));
    if (result != OK) return result;
    struct ipv4_parameters internet = parameters->internet;
    internet.reassembly_bytes = MIN(internet.reassembly_bytes, pool_bytes(core) / 4);
    result = ipv4_open(&core->ipv4, &core->ethernet, core->has_arp ? &core->arp : NULL,
                       &core->agenda, &core->packets, &internet, siphash_derive(key, PURPOSE_IPV4));
    if (result != OK && core->has_arp) arp_close(&core->arp);
    if (result == OK)
        icmp_open(&core->icmp, &core->ipv4, &core->agenda, &core->packets, &parameters->icmp,
                  siphash_derive(key, PURPOSE_ICMP));
    return result;
}

static void close_internet(struct stack_core *core)
{
    ipv4_close(&core->ipv4);
    if (core->has_arp) arp_close(&core->arp);
}

static enum result open_transports(struct stack_core *core,
                                   const struct stack_core_parameters *parameters,
                                   struct siphash_key key)
{
    struct udp_core_parameters udp = parameters->udp;
    udp.receive_bytes_total = MIN(udp.receive_bytes_total, pool_bytes(core) / 2);
    enum result result = udp_core_open(&core->udp, &core->packets, &udp,
                                       siphash_derive(key, PURPOSE_UDP));
    if (result != OK) return result;
    udp_core_attach(&core->udp, &core->ipv4.ip, ADDRESS_IPV4);
    result = tcp_core_open(&core->tcp, &core->ipv4.ip, &core->agenda, &core->packets,
                           &parameters->tcp, siphash_derive(key, PURPOSE_TCP));
    if (result != OK) udp_core_close(&core->udp);
    return result;
}

static enum result take_addresses(struct stack_core *core,
                                  const struct stack_core_parameters *parameters)
{
    const struct address_prefix *ipv4 = &parameters->ipv4;
    const struct address_prefix everywhere = { .address.family = ADDRESS_IPV4 };
    if (ipv4->address.family == ADDRESS_ANY)
        return parameters->ipv4_gateway.family == ADDRESS_ANY ? OK : INVALID;
    enum result result = ipv4_add_address(&core->ipv4, &ipv4->address, ipv4->bits);
    if (result != OK || parameters->ipv4_gateway.family == ADDRESS_ANY) return result;
    return ipv4_add_route(&core->ipv4, &everywhere.address, 0, &parameters->ipv4_gateway, 0);
}

enum result stack_core_open(struct stack_core *core, struct net *net, struct net_user *user,
                            const struct stack_core_parameters *parameters, struct siphash_key key,
                            uint64_t now_ns)
{
    *core = (struct stack_core){ .has_arp = net->link == NET_ETHERNET };
    core->link_up = !net->is_down;
    agenda_init(&core->agenda, now_ns);
    enum result result = packet_pool_open(&core->packets, parameters->packet_count);
    if (result != OK) return result;
    net_offload_open(&core->offload, net);
    ethernet_open(&core->ethernet, &core->offload.net, user, &core->packets);
    result = open_internet(core, parameters, key);
    if (result == OK) {
        result = open_transports(core, parameters, key);
        if (result == OK) {
            result = take_addresses(core, parameters);
            if (result == OK) return OK;
            tcp_core_close(&core->tcp);
            udp_core_close(&core->udp);
        }
        close_internet(core);
    }
    ethernet_close(&core->ethernet);
    net_offload_close(&core->offload);
    packet_pool_close(&core->packets);
    return result;
}

/* From below: what waits at the net, for a neighbour or on the loopback may borrow from what TCP
 * keeps. */
void stack_core_close(struct stack_core *core)
{
    ethernet_close(&core->ethernet);
    close_internet(core);
    tcp_core_close(&core->tcp);
    udp_core_close(&core->udp);
    net_offload_close(&core->offload);
    packet_pool_close(&core->packets);
}

/* ---- running ---- */

/* How soon it is looked again whether there are buffers for a frame that is being cut. */
#define SHORT_NS MS_NS

/* What the last burst left to be sent, and then those who found the ring full before, be it that it
 * filled and emptied between two calls of this. */
static void send(struct stack_core *core)
{
    core->has_more = tcp_core_flush(&core->tcp);
    ethernet_flush(&core->ethernet);
    uint64_t refused_count = core->ethernet.statistics.ring_full;
    if (core->resumed_count == refused_count || ethernet_is_blocked(&core->ethernet)) return;
    core->resumed_count = refused_count;
    tcp_core_resume(&core->tcp);
    ethernet_flush(&core->ethernet);
}

static uint64_t next_ns(const struct stack_core *core)
{
    bool is_at_once = core->has_more || ipv4_is_pending(&core->ipv4);
    if (is_at_once) return core->agenda.now_ns;
    uint64_t look_ns = net_offload_is_short(&core->offload) ? core->agenda.now_ns + SHORT_NS
                                                            : NEVER;
    return MIN(look_ns, agenda_next_ns(&core->agenda));
}

static void follow_link(struct stack_core *core)
{
    uint64_t link_up = !core->offload.net.is_down;
    if (core->link_up == link_up) return;
    core->link_up = link_up;
    core->link_changes++;
    if (link_up != 0 && core->has_arp) arp_announce(&core->arp);
}

bool stack_core_receive(struct stack_core *core, uint64_t now_ns)
{
    stack_core_enter(core, now_ns);
    follow_link(core);
    return ethernet_poll(&core->ethernet);
}

uint64_t stack_core_run(struct stack_core *core, uint64_t now_ns)
{
    stack_core_enter(core, now_ns);
    (void)ipv4_step(&core->ipv4);
    agenda_advance(&core->agenda, core->agenda.now_ns);
    if (net_offload_is_short(&core->offload)) net_offload_go_on(&core->offload);
    send(core);
    return next_ns(core);
}

/* What has come is heard before deadlines are judged: an acknowledgement that waits at the net has
 * come in time. */
uint64_t stack_core_step(struct stack_core *core, uint64_t now_ns)
{
    bool more = stack_core_receive(core, now_ns);
    uint64_t deadline_ns = stack_core_run(core, now_ns);
    return more ? core->agenda.now_ns : deadline_ns;
}

void stack_core_enter(struct stack_core *core, uint64_t now_ns)
{
    core->agenda.now_ns = MAX(core->agenda.now_ns, now_ns);
}

uint64_t stack_core_leave(struct stack_core *core)
{
    send(core);
    return next_ns(core);
}

void stack_core_transmit(struct stack_core *core)
{
    ethernet_flush(&core->ethernet);
}
