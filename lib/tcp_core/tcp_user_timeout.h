/* tcp_user_timeout.h - how long what was sent may stay unacknowledged, as both ends have it (RFC
 * 5482).
 *
 * Off unless the stack's parameters allow it: each end then says how long it would wait, and waits
 * as long as the more patient of the two, within the bounds that its parameters set.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_USER_TIMEOUT_H
#define LOOM_TCP_USER_TIMEOUT_H

#include "tcp_core/tcp_connection.h"

/* The option's value (RFC 5482 3.3): bit 15 says that the other 15 count minutes. */
uint16_t tcp_user_timeout_to_wire(uint64_t timeout_ns);
uint64_t tcp_user_timeout_from_wire(uint16_t value);

/* What our segments say; 0: nothing, as it is off. */
uint16_t tcp_user_timeout_offer(const struct tcp_core *core);

/* Of a connection whose peer has said something. */
uint64_t tcp_user_timeout_agreed_ns(const struct tcp_connection *connection);

static inline uint64_t tcp_user_timeout_ns(const struct tcp_connection *connection)
{
    return connection->peer_user_timeout == 0 ? connection->core->parameters.user_timeout_ns
                                              : tcp_user_timeout_agreed_ns(connection);
}

#endif
