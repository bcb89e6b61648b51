/* tcp_port.c - RFC 6056 3.3.4, "double-hash port selection", with random steps.
 *
 *     port = first + (F(local address, peer, key1) + counters[G(the same, key2)]) mod count
 *
 * F and G are halves of one keyed hash. The counter then moves behind the port found, and a random
 * bit further, so that what is seen of one destination does not count the connections to another
 * that has the same counter (Klein, "Cross layer attacks" and its followers).
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_port.h"

#include "tcp_core/tcp_core_state.h"

#define STEP_MASK 7

void tcp_ports_init(struct tcp_ports *ports, struct siphash_key key)
{
    *ports = (struct tcp_ports){ .key = key };
    /* Where the counters start is nobody's business either. */
    for (size_t i = 0; i < TCP_PORT_COUNTERS; i++)
        ports->counters[i] = (uint16_t)siphash(key, VIEW_OF(i));
}

static uint64_t draw(struct tcp_ports *ports)
{
    ports->drawn++;
    return tcp_pair_hash(ports->key, &(struct tcp_pair){ 0 }, &ports->drawn);
}

static uint16_t port_at(uint64_t place)
{
    return (uint16_t)(TCP_PORT_FIRST + place % TCP_PORT_COUNT);
}

/* Whether a record in TIME-WAIT is all that the pair has, and may go. */
static bool may_reuse(const struct tcp_core *core, uint32_t reference)
{
    return tcp_reference_kind(reference) == TCP_DEMUX_TIME_WAIT &&
           tcp_time_wait_may_reuse(core, tcp_reference_index(reference));
}

static uint32_t record_of(struct tcp_core *core, const struct tcp_pair *pair)
{
    return tcp_demux_find_hashed(&core->demux, pair, tcp_demux_hash(&core->demux, pair));
}

bool tcp_port_claim(struct tcp_core *core, const struct tcp_pair *pair)
{
    uint32_t reference = record_of(core, pair);
    if (reference == TCP_DEMUX_NONE) return true;
    if (!may_reuse(core, reference)) return false;
    tcp_time_wait_drop(core, tcp_reference_index(reference));
    return true;
}

/* The first port from `start` on that serves; TCP_PORT_COUNT: none. `reusing`: also one whose
 * record in TIME-WAIT has to go for it. */
static uint32_t find_step(struct tcp_core *core, struct tcp_pair *pair, uint64_t start,
                          bool reusing)
{
    for (uint32_t step = 0; step < TCP_PORT_COUNT; step++) {
        pair->local.port = port_at(start + step);
        if (tcp_acceptor_has_port(core, pair->local.port)) continue;
        if (reusing ? tcp_port_claim(core, pair) : record_of(core, pair) == TCP_DEMUX_NONE)
            return step;
    }
    return TCP_PORT_COUNT;
}

enum result tcp_port_choose(struct tcp_core *core, struct tcp_pair *pair)
{
    struct tcp_ports *ports = &core->ports;
    pair->local.port = 0;
    uint64_t hash = tcp_pair_hash(ports->key, pair, NULL);
    uint16_t *counter = &ports->counters[(hash >> 32) % TCP_PORT_COUNTERS];
    uint64_t start = (hash & UINT32_MAX) + *counter;
    uint32_t step = find_step(core, pair, start, false);
    if (step == TCP_PORT_COUNT) step = find_step(core, pair, start, true);
    if (step == TCP_PORT_COUNT) return FULL;
    *counter = (uint16_t)(*counter + step + 1 + (draw(ports) & STEP_MASK));
    return OK;
}

enum result tcp_port_for_acceptor(struct tcp_core *core, uint16_t *port)
{
    uint64_t start = draw(&core->ports);
    for (uint32_t step = 0; step < TCP_PORT_COUNT; step++) {
        *port = port_at((start & UINT32_MAX) + step);
        if (!tcp_acceptor_has_port(core, *port)) return OK;
    }
    return FULL;
}
