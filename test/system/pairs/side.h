/* side.h - one of the two sides: a store over HTTP and an echo over UDP.
 *
 * SPDX-License-Identifier: ISC */
#ifndef SIDE_H
#define SIDE_H

#include "fiber/fiber.h"
#include "http/http.h"
#include "http_pages/http_metrics.h"
#include "kv/kv.h"
#include "udp/udp.h"

#define SIDE_ROUTES 5

struct side {
    struct view name;
    struct http *http;
    struct kv *kv;
    struct udp *udp;
    uint16_t echo_port;

    struct http_handler get, put, remove, list;
    struct http_metrics metrics;
    struct http_route routes[SIDE_ROUTES];
    struct udp_port *echo;
    struct task serving, echoing;
    enum result result; /* of serving */
};

/* Binds the echo's port, and starts a fiber for the web in `webs` and one for the echo in `echoes`.
 */
enum result side_start(struct side *side, struct scope *webs, struct scope *echoes) CHECKED;

/* After both scopes are closed. */
void side_end(struct side *side);

#endif
