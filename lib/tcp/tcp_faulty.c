/* tcp_faulty.c - a TCP that makes another one slow and unreliable.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp/tcp_faulty.h"

#include "flow/fault.h"
#include "target/memory.h"

/* ---- flows ---- */

static void flow_ended(struct flow_faulty *faulty)
{
    struct tcp_faulty_flow *flow = CONTAINER_OF(faulty, struct tcp_faulty_flow, faulty);
    list_prepend(&flow->tcp->free, &flow->node);
    flow->tcp->open_count--;
}

/* There is room. */
static struct flow *wrap(struct tcp_faulty *tcp, struct flow *below)
{
    struct tcp_faulty_flow *flow = CONTAINER_OF(list_take(&tcp->free), struct tcp_faulty_flow,
                                                node);
    struct flow_faulty_plan plan = tcp->plan.flow;
    plan.seed = fault_random(&tcp->random);
    flow_faulty_open(&flow->faulty, below, &plan);
    flow->faulty.ended = flow_ended;
    tcp->open_count++;
    return &flow->faulty.flow;
}

/* Another fiber may have taken the last place during a wait. */
static enum result wrap_if_room(struct tcp_faulty *tcp, struct flow *below, struct flow **flow)
{
    if (list_is_empty(&tcp->free)) {
        flow_abort(below);
        return FULL;
    }
    *flow = wrap(tcp, below);
    return OK;
}

static enum result tcp_faulty_connect(struct tcp *base, const struct endpoint *peer,
                                      const struct connect_options *options, struct flow **flow,
                                      uint64_t deadline_ns)
{
    struct tcp_faulty *tcp = CONTAINER_OF(base, struct tcp_faulty, tcp);
    struct flow *below;
    if (list_is_empty(&tcp->free)) return FULL;
    enum result result = fault_delay(&tcp->random, tcp->plan.connect_delay_ns_max, deadline_ns);
    if (result != OK) return result;
    if (fault_strikes(&tcp->random, tcp->plan.refuse_per_million)) return REFUSED;
    if (fault_strikes(&tcp->random, tcp->plan.unreachable_per_million)) return UNREACHABLE;
    result = tcp_connect(tcp->below, peer, options, &below, deadline_ns);
    return result != OK ? result : wrap_if_room(tcp, below, flow);
}

/* ---- listeners ---- */

static struct tcp_faulty_listener *listener_of(struct listener *listener)
{
    return CONTAINER_OF(listener, struct tcp_faulty_listener, listener);
}

static enum result tcp_faulty_listener_accept(struct listener *base, struct flow **flow,
                                              uint64_t deadline_ns)
{
    struct tcp_faulty_listener *listener = listener_of(base);
    struct flow *below;
    if (list_is_empty(&listener->tcp->free)) return FULL;
    enum result result = listener_accept(listener->below, &below, deadline_ns);
    return result != OK ? result : wrap_if_room(listener->tcp, below, flow);
}

static void tcp_faulty_listener_drain(struct listener *base)
{
    listener_drain(listener_of(base)->below);
}

static void tcp_faulty_listener_close(struct listener *base)
{
    struct tcp_faulty_listener *listener = listener_of(base);
    listener_close(listener->below);
    listener->below = NULL;
}

static const struct listener_ops tcp_faulty_listener_ops = LISTENER_OPS(tcp_faulty_listener);

static struct tcp_faulty_listener *find_unused(struct tcp_faulty *tcp)
{
    for (size_t i = 0; i < TCP_FAULTY_LISTENERS; i++) {
        if (tcp->listeners[i].below == NULL) return &tcp->listeners[i];
    }
    return NULL;
}

static enum result tcp_faulty_listen(struct tcp *base, const struct endpoint *local,
                                     const struct listen_options *options, struct listener **made)
{
    struct tcp_faulty *tcp = CONTAINER_OF(base, struct tcp_faulty, tcp);
    struct tcp_faulty_listener *listener = find_unused(tcp);
    struct listener *below;
    if (listener == NULL) return FULL;
    enum result result = tcp_listen(tcp->below, local, options, &below);
    if (result != OK) return result;
    *listener = (struct tcp_faulty_listener){
        .listener = { .ops = &tcp_faulty_listener_ops, .local = below->local },
        .below = below,
        .tcp = tcp,
    };
    *made = &listener->listener;
    return OK;
}

/* ---- opening ---- */

static const struct tcp_ops tcp_faulty_ops = TCP_OPS(tcp_faulty);

enum result tcp_faulty_open(struct tcp_faulty *faulty, struct tcp *below, size_t flow_count,
                            const struct tcp_faulty_plan *plan)
{
    *faulty = (struct tcp_faulty){
        .tcp.ops = &tcp_faulty_ops, .below = below, .plan = *plan, .random = plan->flow.seed
    };
    list_init(&faulty->free);
    enum result result = memory_take(flow_count * sizeof(struct tcp_faulty_flow), &faulty->memory);
    if (result != OK) return result;
    struct tcp_faulty_flow *flows = (void *)faulty->memory.bytes;
    for (size_t i = 0; i < flow_count; i++) {
        flows[i].tcp = faulty;
        list_append(&faulty->free, &flows[i].node);
    }
    return OK;
}

void tcp_faulty_close(struct tcp_faulty *faulty)
{
    assert_that(faulty->open_count, ==, 0);
    for (size_t i = 0; i < TCP_FAULTY_LISTENERS; i++)
        assert(faulty->listeners[i].below == NULL);
    memory_give_back(faulty->memory);
}
