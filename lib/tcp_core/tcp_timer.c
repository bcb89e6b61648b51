/* tcp_timer.c - what a connection does without any segment: one entry of the agenda for all of its
 * deadlines.
 *
 * The entry is set lazily: a deadline that moves away leaves it where it is, and when it is due too
 * early it is set anew. So the retransmission timer, which every acknowledgement moves, costs
 * nothing on the way; an idle connection without keepalive has none running.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_user_timeout.h"

/* R1, and as Linux (tcp_retries1): after so many timeouts without any progress the user is told
 * (RFC 9293 3.8.3, SHLD-10), and a black hole is suspected, as at every second one after that. */
#define SUSPECT_AFTER 3

/* Should nobody say that there is room again. */
#define STARVED_NS (10 * MS_NS)

/* Something is in flight, or the window is probed. */
static bool waits_for_peer(const struct tcp_connection *connection)
{
    return connection->recovery.snd_una != connection->recovery.snd_nxt ||
           connection->persist_count > 0;
}

/* From when on the user timeout counts (RFC 9293 3.8.3): from the last progress. A peer that keeps
 * its window closed but answers may do so for ever (3.8.6.1), to a user who still cares. */
static uint64_t waits_since_ns(const struct tcp_connection *connection)
{
    bool patient = connection->snd_wnd == 0 && !tcp_connection_has(connection, TCP_IS_ORPHAN);
    uint64_t progress_ns = connection->recovery.progress_ns;
    return patient ? MAX(connection->heard_ns, progress_ns) : progress_ns;
}

static bool is_kept_alive(const struct tcp_connection *connection)
{
    return tcp_connection_has(connection, TCP_IS_KEPT_ALIVE) &&
           (connection->state == TCP_ESTABLISHED || connection->state == TCP_CLOSE_WAIT);
}

/* When silence will have lasted too long. */
static uint64_t silence_ns(const struct tcp_connection *connection)
{
    const struct tcp_core_parameters *parameters = &connection->core->parameters;
    if (waits_for_peer(connection))
        return deadline_after(waits_since_ns(connection), tcp_user_timeout_ns(connection));
    if (!is_kept_alive(connection)) return NEVER;
    return deadline_after(connection->heard_ns,
                          parameters->keepalive_idle_ns +
                              connection->keepalive_count * parameters->keepalive_interval_ns);
}

static uint64_t next_ns(const struct tcp_connection *connection)
{
    uint64_t first_ns = silence_ns(connection);
    first_ns = MIN(first_ns, connection->recovery.deadline_ns);
    first_ns = MIN(first_ns, connection->acknowledge_ns);
    first_ns = MIN(first_ns, connection->persist_ns);
    first_ns = MIN(first_ns, connection->hold_ns);
    if (tcp_connection_has(connection, TCP_STARVED))
        first_ns = MIN(first_ns, tcp_connection_now_ns(connection) + STARVED_NS);
    return MIN(first_ns, connection->pace_ns);
}

void tcp_timer_set(struct tcp_connection *connection)
{
    uint64_t deadline_ns = next_ns(connection);
    if (agenda_holds(&connection->timer) && connection->timer.timer.deadline_ns <= deadline_ns)
        return;
    agenda_set(connection->core->agenda, &connection->timer, deadline_ns);
}

/* ---- what is due ---- */

static void silence_due(struct tcp_connection *connection)
{
    struct tcp_core *core = connection->core;
    if (waits_for_peer(connection)) {
        core->statistics.user_timeouts++;
        tcp_connection_reset(
            connection, tcp_connection_has(connection, TCP_IS_DOUBTED) ? UNREACHABLE : TIMED_OUT);
    } else if (connection->keepalive_count >= core->parameters.keepalive_count) {
        core->statistics.keepalive_drops++;
        tcp_connection_reset(connection, TIMED_OUT);
    } else {
        connection->keepalive_count++;
        tcp_transmit_keepalive(connection);
    }
}

static void send_syn_again(struct tcp_connection *connection)
{
    struct tcp_recovery *recovery = &connection->recovery;
    tcp_connection_mark(connection, TCP_SYN_REPEATED);
    /* Who drops SYNs that offer ECN shall not stop us from talking (RFC 3168 6.1.1.1). */
    tcp_connection_mark(connection, TCP_SYN_WITHOUT_ECN);
    connection->core->statistics.segments_retransmitted++;
    (void)tcp_transmit(connection, (struct tcp_range){ recovery->snd_una, recovery->snd_nxt });
}

static void timed_out(struct tcp_connection *connection)
{
    connection->core->statistics.retransmission_timeouts++;
    if (connection->recovery.timeout_count == SUSPECT_AFTER) {
        connection->core->statistics.delivery_problems++;
        tcp_connection_report(connection, TCP_REPORT_RETRANSMITTED);    /* SHLD-9 */
        ip_doubt(connection->core->ip, &connection->pair.peer.address); /* MUST-20 */
    }
    if (!tcp_connection_is_synchronized(connection)) {
        send_syn_again(connection);
        return;
    }
    unsigned count = connection->recovery.timeout_count;
    if (count >= SUSPECT_AFTER && (count - SUSPECT_AFTER) % 2 == 0) tcp_path_suspect(connection);
}

static void recovery_due(struct tcp_connection *connection)
{
    struct tcp_recovery_outcome outcome;
    enum tcp_recovery_action action = tcp_recovery_due(&connection->recovery,
                                                       tcp_connection_now_ns(connection), &outcome);
    connection->core->statistics.fast_recoveries += outcome.entered_recovery;
    if (outcome.reduced && tcp_connection_has(connection, TCP_HAS_ECN))
        tcp_connection_mark(connection, TCP_CWR_DUE);
    switch (action) {
    case TCP_DUE_PROBE: tcp_output_tail_probe(connection); break;
    case TCP_DUE_TIMEOUT: timed_out(connection); break;
    case TCP_DUE_SEND:
    case TCP_DUE_NOTHING: break;
    }
}

static void persist_due(struct tcp_connection *connection)
{
    /* An orphan whose peer never says goodbye. */
    if (connection->state == TCP_FIN_WAIT_2)
        tcp_connection_end(connection, OK);
    else
        tcp_output_window_probe(connection);
}

static void run_due(struct tcp_connection *connection, uint64_t now_ns)
{
    if (silence_ns(connection) <= now_ns) silence_due(connection);
    if (tcp_connection_is_over(connection)) return;
    if (connection->recovery.deadline_ns <= now_ns) recovery_due(connection);
    if (connection->persist_ns <= now_ns) persist_due(connection);
    if (tcp_connection_is_over(connection)) return;
    if (connection->hold_ns <= now_ns) connection->hold_ns = NEVER;
    if (connection->pace_ns <= now_ns) connection->pace_ns = NEVER;
    if (connection->acknowledge_ns <= now_ns) {
        connection->acknowledge_ns = NEVER; /* if it cannot be sent now, the mark stays */
        tcp_connection_mark(connection, TCP_ACK_DUE);
    }
    tcp_connection_clear(connection, TCP_STARVED); /* it is seen again whether there is room */
    tcp_output_due(connection);
}

void tcp_timer_due(struct agenda_entry *entry)
{
    struct tcp_connection *connection = CONTAINER_OF(entry, struct tcp_connection, timer);
    run_due(connection, tcp_connection_now_ns(connection));
    tcp_connection_settle(connection);
}
