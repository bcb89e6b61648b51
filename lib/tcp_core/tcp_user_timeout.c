/* tcp_user_timeout.c - how long what was sent may stay unacknowledged, as both ends have it.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_user_timeout.h"

#define IN_MINUTES ((uint16_t)0x8000)
#define VALUE_MAX  ((uint64_t)0x7fff)
#define MINUTE_NS  (60 * S_NS)

static uint64_t divide_up(uint64_t number, uint64_t by)
{
    return number / by + (number % by != 0);
}

uint16_t tcp_user_timeout_to_wire(uint64_t timeout_ns)
{
    uint64_t seconds = MAX(divide_up(timeout_ns, S_NS), 1); /* 0 is reserved (RFC 5482 3.4) */
    if (seconds <= VALUE_MAX) return (uint16_t)seconds;
    return IN_MINUTES | (uint16_t)MIN(divide_up(timeout_ns, MINUTE_NS), VALUE_MAX);
}

uint64_t tcp_user_timeout_from_wire(uint16_t value)
{
    return (value & VALUE_MAX) * ((value & IN_MINUTES) != 0 ? MINUTE_NS : S_NS);
}

uint16_t tcp_user_timeout_offer(const struct tcp_core *core)
{
    const struct tcp_core_parameters *parameters = &core->parameters;
    return parameters->user_timeout_option ? tcp_user_timeout_to_wire(parameters->user_timeout_ns)
                                           : 0;
}

/* RFC 5482 3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), where U_LIMIT does not take from
 * us what we would have anyway. When nobody has the connection any more its peer has no say. */
uint64_t tcp_user_timeout_agreed_ns(const struct tcp_connection *connection)
{
    const struct tcp_core_parameters *parameters = &connection->core->parameters;
    uint64_t own_ns = parameters->user_timeout_ns;
    if (tcp_connection_has(connection, TCP_IS_ORPHAN)) return own_ns;
    uint64_t timeout_ns = tcp_user_timeout_from_wire(connection->peer_user_timeout);
    timeout_ns = MAX(timeout_ns, MAX(own_ns, parameters->user_timeout_min_ns));
    return MIN(timeout_ns, MAX(own_ns, parameters->user_timeout_max_ns));
}
