/* stack_core.h - a stack from Ethernet to TCP as one state machine over one net.
 *
 *     tcp_core   udp_core   icmp
 *         \         |        /
 *                ipv4 ---- arp
 *                  |       /
 *                ethernet
 *                  |
 *                net_offload      what the net cannot do by itself: checksums, segments
 *                  |
 *                 net
 *
 * Nothing waits here. Whoever drives it - fibers in an image (lib/stack_direct), a thread in an
 * ordinary program (embed/) - calls stack_core_step when frames wait or the deadline has come, and
 * puts stack_core_enter and stack_core_leave round calls into the modules in between.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STACK_CORE_H
#define LOOM_STACK_CORE_H

#include "arp/arp.h"
#include "base/agenda.h"
#include "ethernet/ethernet.h"
#include "icmp/icmp.h"
#include "ipv4/ipv4.h"
#include "net/net.h"
#include "net/net_offload.h"
#include "packet/packet.h"
#include "parameter/parameter.h"
#include "tcp_core/tcp_core_state.h"
#include "udp_core/udp_core.h"

struct stack_core_parameters {
    struct address_prefix ipv4;  /* family ADDRESS_ANY: no address but the loopback */
    struct address ipv4_gateway; /* family ADDRESS_ANY: none */
    uint64_t packet_count;       /* fragments may hold a quarter of them, unread datagrams a half */
    struct arp_parameters arp;
    struct ipv4_parameters internet;
    struct icmp_parameters icmp;
    struct udp_core_parameters udp;
    struct tcp_core_parameters tcp;
};
extern const struct parameter stack_core_parameters[];

struct stack_core {
    struct agenda agenda;
    struct packet_pool packets;
    struct net_offload offload;
    struct ethernet ethernet;
    struct arp arp; /* not opened over a net of bare IP */
    struct ipv4 ipv4;
    struct icmp icmp;
    struct udp_core udp;
    struct tcp_core tcp;
    bool has_arp;
    bool has_more;          /* TCP could go on at once */
    uint64_t resumed_count; /* of the frames for which the net had no room, when TCP went on */
    uint64_t link_up;       /* 0: the net's link is down, as far as is known */
    uint64_t link_changes;
};

/* Takes memory for the pools, attaches to the net and takes its addresses. `user` is told by the
 * net when there is something to step for. `key` is secret and random. FULL: there is not so much
 * memory. INVALID: the address, or the gateway, is none that a host can have. */
enum result stack_core_open(struct stack_core *core, struct net *net, struct net_user *user,
                            const struct stack_core_parameters *parameters, struct siphash_key key,
                            uint64_t now_ns) CHECKED;

/* Ends everything at once and gives the memory back. */
void stack_core_close(struct stack_core *core);

/* Takes in a burst of what waits at the net, does all that is due at `now_ns`, which never goes
 * back, and sends what comes of it. The deadline at which to step again if nothing else happens:
 * `now_ns` when more may wait already. */
uint64_t stack_core_step(struct stack_core *core, uint64_t now_ns);

/* The two halves of a step, for a driver that lets its application run between them: what it then
 * sends carries the acknowledgements that were due, and its reads have opened the windows that they
 * tell of. stack_core_receive is true when more may wait. */
bool stack_core_receive(struct stack_core *core, uint64_t now_ns);
uint64_t stack_core_run(struct stack_core *core, uint64_t now_ns);

/* Round calls into the modules from outside a step: the time, and the sending of what came of them.
 * stack_core_leave gives the deadline as stack_core_step does. A driver that runs the core soon
 * anyway may have only what is ready to go transmitted instead. */
void stack_core_enter(struct stack_core *core, uint64_t now_ns);
uint64_t stack_core_leave(struct stack_core *core);
void stack_core_transmit(struct stack_core *core);

/* Whether a connection waits for buffers: who gives some back has the core run. */
static inline bool stack_core_is_starved(const struct stack_core *core)
{
    return !list_is_empty(&core->tcp.starved);
}

#endif
