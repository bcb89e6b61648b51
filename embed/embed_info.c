/* embed_info.c - what is inside: a connection's variables, the state of any pair, the stack's
 * figures; and the options in words.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

/* ---- a connection ---- */

static enum loom_tcp_state state_to_public(enum tcp_state state)
{
    switch (state) {
    case TCP_CLOSED: return LOOM_TCP_CLOSED;
    case TCP_SYN_SENT: return LOOM_TCP_SYN_SENT;
    case TCP_SYN_RECEIVED: return LOOM_TCP_SYN_RECEIVED;
    case TCP_ESTABLISHED: return LOOM_TCP_ESTABLISHED;
    case TCP_FIN_WAIT_1: return LOOM_TCP_FIN_WAIT_1;
    case TCP_FIN_WAIT_2: return LOOM_TCP_FIN_WAIT_2;
    case TCP_CLOSE_WAIT: return LOOM_TCP_CLOSE_WAIT;
    case TCP_CLOSING: return LOOM_TCP_CLOSING;
    case TCP_LAST_ACK: return LOOM_TCP_LAST_ACK;
    case TCP_TIME_WAIT: return LOOM_TCP_TIME_WAIT;
    }
    panic("%u is no state of a connection", (unsigned)state);
}

static uint32_t features_of(const struct tcp_connection *connection)
{
    uint32_t features = 0;
    if (tcp_connection_has(connection, TCP_HAS_SACK)) features |= LOOM_TCP_HAS_SACK;
    if (tcp_connection_has(connection, TCP_HAS_TIMESTAMPS)) features |= LOOM_TCP_HAS_TIMESTAMPS;
    if (tcp_connection_has(connection, TCP_HAS_ECN)) features |= LOOM_TCP_HAS_ECN;
    return features;
}

static void fill_sender(struct loom_tcp_info *info, const struct tcp_connection *connection)
{
    const struct tcp_recovery *recovery = &connection->recovery;
    const struct tcp_congestion *congestion = &recovery->congestion;
    info->congestion = option_congestion_name(congestion->ops);
    info->snd_una = recovery->snd_una;
    info->snd_nxt = recovery->snd_nxt;
    info->snd_wnd = connection->snd_wnd;
    info->snd_wind_shift = connection->snd_wind_shift;
    info->timeout_count = recovery->timeout_count;
    info->cwnd_bytes = congestion->cwnd_bytes;
    info->ssthresh_bytes = congestion->ssthresh_bytes;
    info->srtt_ns = recovery->rtt.srtt_ns;
    info->rttvar_ns = recovery->rtt.srtt_ns == 0 ? 0 : recovery->rtt.rttvar_ns;
    info->rtt_min_ns = tcp_rtt_min_ns(&recovery->rtt);
    info->rto_ns = tcp_recovery_rto_ns(recovery);
    info->mss_bytes = connection->payload_max;
    info->peer_mss_bytes = connection->peer_mss;
    info->path_mtu_bytes = connection->mtu_bytes;
    info->sacked_bytes = recovery->sacked_bytes;
    info->lost_bytes = recovery->lost_bytes;
    info->in_flight_bytes = tcp_recovery_in_flight_bytes(recovery);
    info->unacknowledged_bytes = connection->send_queue.length_bytes;
    info->recovery_state = recovery->state;
    info->reorder_window_multiplier = recovery->rack_window_multiplier;
}

static void fill_receiver(struct loom_tcp_info *info, const struct tcp_connection *connection)
{
    info->rcv_nxt = connection->rcv_nxt;
    info->rcv_wnd = tcp_receive_window_bytes(&connection->receive_window, connection->rcv_nxt);
    info->rcv_wind_shift = connection->rcv_wind_shift;
    info->received_bytes = connection->receive_queue.length_bytes;
    info->out_of_order_bytes = connection->receive_queue.out_of_order_bytes;
}

struct info_call {
    struct call call;
    struct loom_tcp_info *info;
};

static enum loom_result info_attempt(struct call *call)
{
    struct loom_tcp_info *info = CONTAINER_OF(call, struct info_call, call)->info;
    const struct loom_socket *socket = call->socket;
    *info = (struct loom_tcp_info){ .state = LOOM_TCP_CLOSED, .congestion = "" };
    if (socket->role == ROLE_LISTENER) info->state = LOOM_TCP_LISTEN;
    if (socket->role == ROLE_LISTENER || socket->role == ROLE_TCP) return LOOM_OK;
    if (socket->role != ROLE_CONNECTION) return LOOM_INVALID;
    const struct tcp_connection *connection = socket->connection;
    info->state = state_to_public((enum tcp_state)connection->state);
    info->features = features_of(connection);
    fill_sender(info, connection);
    fill_receiver(info, connection);
    return LOOM_OK;
}

enum loom_result loom_tcp_info(struct loom_socket *socket, struct loom_tcp_info *info)
{
    struct info_call call = {
        .call = CALL(socket->stack, socket, info_attempt, LOOM_NO_WAIT),
        .info = info,
    };
    return call_run(&call.call);
}

/* ---- any pair ---- */

struct find_call {
    struct call call;
    struct tcp_pair pair;
    enum loom_tcp_state state;
};

static enum loom_result find_attempt(struct call *call)
{
    struct find_call *find = CONTAINER_OF(call, struct find_call, call);
    struct tcp_core *core = &call->stack->core.tcp;
    uint32_t reference = tcp_demux_find(&core->demux, &find->pair);
    if (reference == TCP_DEMUX_NONE) return LOOM_NOT_FOUND;
    switch (tcp_reference_kind(reference)) {
    case TCP_DEMUX_SYN: find->state = LOOM_TCP_SYN_RECEIVED; break;
    case TCP_DEMUX_TIME_WAIT: find->state = LOOM_TCP_TIME_WAIT; break;
    case TCP_DEMUX_CONNECTION:
        find->state = state_to_public(
            (enum tcp_state)tcp_connection_at(core, tcp_reference_index(reference))->state);
        break;
    }
    return LOOM_OK;
}

enum loom_result loom_tcp_find(struct loom_stack *stack, const struct loom_endpoint *local,
                               const struct loom_endpoint *peer, enum loom_tcp_state *state)
{
    struct find_call find = {
        .call = CALL(stack, NULL, find_attempt, LOOM_NO_WAIT),
        .pair = { .local = endpoint_from_public(local), .peer = endpoint_from_public(peer) },
    };
    enum loom_result result = call_run(&find.call);
    *state = find.state;
    return result;
}

/* ---- the stack ---- */

struct statistics_call {
    struct call call;
    struct loom_statistics *statistics;
};

static void fill_tcp(struct loom_statistics *figures, const struct tcp_core_statistics *tcp)
{
    figures->tcp_segments_sent = tcp->segments_sent;
    figures->tcp_segments_received = tcp->segments_received;
    figures->tcp_segments_retransmitted = tcp->segments_retransmitted;
    figures->tcp_resets_sent = tcp->resets_sent;
    figures->tcp_resets_received = tcp->resets_received;
    figures->tcp_bad_checksums = tcp->bad_checksums;
    figures->tcp_retransmission_timeouts = tcp->retransmission_timeouts;
    figures->tcp_fast_recoveries = tcp->fast_recoveries;
    figures->tcp_tail_loss_probes = tcp->tail_loss_probes;
    figures->tcp_spurious_recoveries = tcp->spurious_recoveries;
    figures->tcp_challenge_acks = tcp->challenge_acks;
    figures->tcp_syn_cookies_sent = tcp->syn_cookies_sent;
    figures->tcp_connections = tcp->connection_count;
    figures->tcp_half_open = tcp->syn_count;
    figures->tcp_time_wait = tcp->time_wait_count;
}

static enum loom_result statistics_attempt(struct call *call)
{
    struct loom_statistics *figures = CONTAINER_OF(call, struct statistics_call, call)->statistics;
    const struct loom_stack *stack = call->stack;
    const struct stack_core *core = &stack->core;
    *figures = (struct loom_statistics){
        .frames_sent = stack->net.net.statistics.sent_frames,
        .frames_received = stack->net.net.statistics.received_frames,
        .frames_dropped = stack->net.dropped_count,
        .packets = core->packets.count,
        .packets_free = core->packets.free_count,
        .udp_sent = core->udp.statistics.sent,
        .udp_received = core->udp.statistics.received,
        .udp_dropped = core->udp.statistics.dropped_full,
        .ipv4_received = core->ipv4.statistics.received,
        .ipv4_sent = core->ipv4.statistics.sent,
        .ipv4_reassembled = core->ipv4.statistics.reassembled,
    };
    fill_tcp(figures, tcp_core_statistics(&core->tcp));
    return LOOM_OK;
}

enum loom_result loom_stack_statistics(struct loom_stack *stack, struct loom_statistics *statistics)
{
    struct statistics_call call = {
        .call = CALL(stack, NULL, statistics_attempt, LOOM_NO_WAIT),
        .statistics = statistics,
    };
    return call_run(&call.call);
}

/* ---- options in words ---- */

struct help_sink {
    struct parameter_sink sink;
    struct loom_help *help;
};

static void put_line(struct parameter_sink *sink, struct view line)
{
    struct loom_help *help = CONTAINER_OF(sink, struct help_sink, sink)->help;
    help->line(help, (const char *)line.bytes, line.length_bytes);
}

void loom_stack_help(struct loom_help *help)
{
    struct help_sink sink = { .sink.put = put_line, .help = help };
    const struct parameter_group groups[] = {
        { .device = "host", .prefix = "", .table = embed_parameters },
        { .device = "stack", .prefix = "", .table = stack_core_parameters },
    };
    parameter_help("stack", groups, LENGTH_OF(groups), &sink.sink);
}
