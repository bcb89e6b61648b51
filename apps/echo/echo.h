/* echo.h - a signature of this application's own: a service that sends back what it is sent
 * (RFC 862). And the application's entry.
 *
 * SPDX-License-Identifier: ISC */
#ifndef ECHO_H
#define ECHO_H

#include "base/result.h"

struct echo {
    const struct echo_ops *ops;
};

struct echo_ops {
    enum result (*serve)(struct echo *echo);
};

#define ECHO_OPS(impl) \
    { \
        .serve = impl##_serve \
    }

/* Waits. Serves until a stop is requested, finishes what is in flight within a bound, and returns
 * OK. CANCELLED: the fiber was told to end first. Otherwise what tcp_listen or udp_bind said. */
CHECKED static inline enum result echo_serve(struct echo *echo)
{
    return echo->ops->serve(echo);
}

struct http;

/* Waits. Runs the services side by side, and /metrics on `http`, until a stop is requested. One
 * that cannot serve ends them all. */
enum result echo_start(struct echo *tcp, struct echo *left, struct echo *right,
                       struct http *http) CHECKED;

#endif
