/* http_world.h - a server with a small site, and raw clients for it: what the tests of the server
 * stand on, over any TCP.
 *
 *     GET  /hello, /hello/{name}   a short text
 *     GET  /stream                 three pieces without a length
 *     GET  /big                    HTTP_WORLD_BIG_BYTES in pieces, with a length
 *     GET  /slow                   waits a second first
 *     GET  /field?value            sends the query, percent-decoded, as a field
 *     GET  /ends/{how}             nothing, short, cut, not-found, denied, full, late: what
 *                                  handlers do wrong
 *     POST /echo                   the body back, piece by piece
 *     POST /count                  how many bytes came
 *     GET  /only on host example.org, and on all below example.net
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_WORLD_H
#define LOOM_HTTP_WORLD_H

#include "http_server/http_server.h"
#include "http_server/http_world_site.h"

#define HTTP_WORLD_BIG_BYTES  (256 * KIB)
#define HTTP_WORLD_ROOM_BYTES (512 * KIB)

struct http_world {
    struct tcp *tcp;
    struct http_server_parameters parameters; /* defaults, to be changed before serving */
    struct http_server server;
    struct http_world_site site;
    struct task task;
    struct scope scope;
    enum result served;
    bool ended;
    struct endpoint endpoint;
    struct span room; /* of what clients receive */
};

/* Sets the defaults, with any port of the loopback address and no access log. */
void http_world_init(struct http_world *world, struct tcp *tcp);

/* Waits. Opens the server and serves on a fiber; returns when it listens. */
void http_world_open(struct http_world *world);

/* Waits. Ends serving as a cancelled application does, and closes; checks that nothing is left. */
void http_world_close(struct http_world *world);

/* Waits. A connection to the server. */
struct flow *http_world_connect(struct http_world *world);

/* Waits. Sends text, which the flow must take. */
void http_world_send(struct flow *flow, struct view text);

/* Waits. What comes until the server is done or nothing comes for `quiet_ns`; *closed tells which.
 * A reset fails the test. */
struct view http_world_receive(struct http_world *world, struct flow *flow, uint64_t quiet_ns,
                               bool *closed);

/* Waits. Sends `text` on a connection of its own and gives all that comes until it is closed, which
 * it must be. */
struct view http_world_ask(struct http_world *world, struct view text);

/* The status of the first response in `text`; 0 when there is none. How often `part` is there. */
unsigned http_world_status(struct view text);
size_t http_world_count(struct view text, struct view part);

#endif
