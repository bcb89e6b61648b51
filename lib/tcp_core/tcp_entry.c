/* tcp_entry.c - where segments and ICMP errors come in: checked, and handed to whom they are for.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_entry.h"

#include "base/cursor.h"
#include "packet/checksum.h"
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_isn.h"
#include "tcp_core/tcp_reset.h"

/* ---- for nobody yet ---- */

/* A pair without a record (RFC 9293 3.10.7.1 and 3.10.7.2). The connection that the segment
 * completes, to be handed to it; NULL: it is done with. */
static struct tcp_connection *take_stray(struct tcp_core *core, const struct tcp_pair *pair,
                                         const struct tcp_segment *segment)
{
    if ((segment->flags & TCP_RST) != 0) return NULL;
    struct tcp_acceptor *acceptor = tcp_acceptor_find(core, &pair->local);
    if (acceptor == NULL) {
        tcp_reset_answer(core, pair, segment);
        return NULL;
    }
    if ((segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        tcp_syn_arrive(core, acceptor, pair, segment, NULL);
        return NULL;
    }
    if ((segment->flags & TCP_ACK) == 0) return NULL;
    bool answered = false;
    struct tcp_connection *connection = NULL;
    if ((segment->flags & TCP_SYN) == 0)
        connection = tcp_syn_cookie_input(core, acceptor, pair, segment, &answered);
    if (connection == NULL && !answered) tcp_reset_answer(core, pair, segment);
    return connection;
}

static void take_time_wait(struct tcp_core *core, uint32_t index, const struct tcp_pair *pair,
                           const struct tcp_segment *segment)
{
    struct tcp_acceptor *acceptor = tcp_acceptor_find(core, &pair->local);
    bool listening = acceptor != NULL && !acceptor->draining && !tcp_acceptor_is_full(acceptor);
    uint32_t least_iss;
    if (tcp_time_wait_input(core, index, segment, listening, &least_iss) == TCP_TIME_WAIT_REUSE)
        tcp_syn_arrive(core, acceptor, pair, segment, &least_iss);
}

/* The connection that is to have the segment; NULL: it is done with. */
static struct tcp_connection *receiver_of(struct tcp_core *core, const struct tcp_pair *pair,
                                          const struct tcp_segment *segment)
{
    uint32_t reference = tcp_demux_find(&core->demux, pair);
    if (reference == TCP_DEMUX_NONE) return take_stray(core, pair, segment);
    uint32_t index = tcp_reference_index(reference);
    switch (tcp_reference_kind(reference)) {
    case TCP_DEMUX_CONNECTION: return tcp_connection_at(core, index);
    case TCP_DEMUX_SYN: return tcp_syn_input(core, index, segment);
    case TCP_DEMUX_TIME_WAIT: take_time_wait(core, index, pair, segment); return NULL;
    }
    panic("reference %u is of no kind", reference);
}

/* ---- in ---- */

/* RFC 9293 3.1: MUST-3. Nobody is at port 0, which is how one says "any" (RFC 6335 6). */
static bool is_sound(struct tcp_core *core, struct packet *packet, struct tcp_segment *segment,
                     const struct ip_incoming *incoming)
{
    if (incoming->to_many || tcp_segment_take(packet, segment) != OK || segment->source_port == 0 ||
        segment->destination_port == 0) {
        core->statistics.bad_segments++;
        return false;
    }
    if (!checksum_is_good(packet, &incoming->source, &incoming->destination, IP_PROTOCOL_TCP)) {
        core->statistics.bad_checksums++;
        return false;
    }
    return true;
}

static void input(struct ip_protocol *protocol, struct packet *packet,
                  const struct ip_incoming *incoming)
{
    struct tcp_core *core = CONTAINER_OF(protocol, struct tcp_core, protocol);
    struct tcp_segment segment;
    core->statistics.segments_received += MAX(packet->segment_count, 1);
    if (!is_sound(core, packet, &segment, incoming)) {
        packet_drop(packet);
        return;
    }
    struct tcp_pair pair = {
        .local = { .address = incoming->destination, .port = segment.destination_port },
        .peer = { .address = incoming->source, .port = segment.source_port },
    };
    struct tcp_connection *connection = receiver_of(core, &pair, &segment);
    if (connection == NULL)
        packet_drop(packet);
    else
        tcp_connection_input(connection, packet, &segment, incoming);
}

/* RFC 5927 4.1: an error counts only if what it quotes is in flight; a stranger who sees nothing of
 * the connection has to guess that. What is quoted of a half-open or closed one changes nothing.
 * NULL: there is no such connection. */
static struct tcp_connection *sender_of(struct tcp_core *core, const struct ip_error *error)
{
    struct cursor quoted = cursor_over(error->transport);
    struct tcp_pair pair = {
        .local = { .address = error->source, .port = cursor_u16_be(&quoted) },
        .peer = { .address = error->destination, .port = cursor_u16_be(&quoted) },
    };
    uint32_t seq = cursor_u32_be(&quoted);
    if (quoted.ran_short) return NULL;
    uint32_t reference = tcp_demux_find_hashed(&core->demux, &pair,
                                               tcp_demux_hash(&core->demux, &pair));
    if (reference == TCP_DEMUX_NONE || tcp_reference_kind(reference) != TCP_DEMUX_CONNECTION)
        return NULL;
    struct tcp_connection *connection = tcp_connection_at(core, tcp_reference_index(reference));
    uint32_t snd_una = connection->recovery.snd_una;
    bool in_flight = sequence_in(seq, snd_una, connection->recovery.snd_nxt - snd_una);
    return in_flight ? connection : NULL;
}

static bool has_sent(struct ip_protocol *protocol, const struct ip_error *error)
{
    return sender_of(CONTAINER_OF(protocol, struct tcp_core, protocol), error) != NULL;
}

static void input_error(struct ip_protocol *protocol, const struct ip_error *error)
{
    struct tcp_connection *connection = sender_of(CONTAINER_OF(protocol, struct tcp_core, protocol),
                                                  error);
    if (connection != NULL) tcp_connection_error(connection, error);
}

/* ---- opening and closing ---- */

static const struct tcp_pair *pair_of(struct tcp_demux *demux, uint32_t reference)
{
    const struct tcp_core *core = CONTAINER_OF(demux, struct tcp_core, demux);
    uint32_t index = tcp_reference_index(reference);
    switch (tcp_reference_kind(reference)) {
    case TCP_DEMUX_CONNECTION: return &tcp_connection_at(core, index)->pair;
    case TCP_DEMUX_SYN: return &core->syn_cache.records[index].pair;
    case TCP_DEMUX_TIME_WAIT: return &core->time_waits.records[index].pair;
    }
    panic("reference %u is of no kind", reference);
}

enum result tcp_entry_open(struct tcp_core *core)
{
    const struct tcp_core_parameters *p = &core->parameters;
    core->initial_key = siphash_derive(core->key, TCP_KEY_INITIAL);
    core->cookie_key = siphash_derive(core->key, TCP_KEY_COOKIE);
    tcp_ports_init(&core->ports, siphash_derive(core->key, TCP_KEY_PORT));
    core->resets = (struct tcp_limit){ 0 };
    core->protocol = (struct ip_protocol){
        .number = IP_PROTOCOL_TCP,
        .input = input,
        .error = input_error,
        .has_sent = has_sent,
    };
    enum result result = tcp_demux_open(&core->demux,
                                        p->connection_count + p->syn_count + p->time_wait_count,
                                        siphash_derive(core->key, TCP_KEY_DEMUX), pair_of);
    if (result == OK) result = tcp_acceptors_open(core);
    if (result == OK) result = tcp_syn_cache_open(core);
    if (result == OK) result = tcp_time_waits_open(core);
    if (result != OK) tcp_entry_close(core);
    return result;
}

/* What was not opened is empty. */
void tcp_entry_close(struct tcp_core *core)
{
    tcp_time_waits_close(core);
    tcp_syn_cache_close(core);
    tcp_acceptors_close(core);
    tcp_demux_close(&core->demux);
}
