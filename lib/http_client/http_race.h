/* http_race.h - a connection to a name that has addresses of two families: the first that answers
 * wins (happy eyeballs, RFC 8305).
 *
 *     AAAA  ---------.                              asked at once; if A comes first, AAAA has 50 ms
 *     A     ------.  |
 *                 |  +- v6 attempt ------------------x
 *                 |       250 ms  +- v4 attempt ----------- connected
 *                 |                     250 ms +- v6 ------ called off
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_RACE_H
#define LOOM_HTTP_RACE_H

#include "fiber/fiber.h"
#include "resolver/resolver.h"
#include "tcp/tcp.h"

#define HTTP_RACE_ATTEMPTS_MAX  6
#define HTTP_RACE_ADDRESSES_MAX 8 /* of a family */

#define HTTP_RACE_RESOLUTION_NS (50 * MS_NS)  /* RFC 8305 3 */
#define HTTP_RACE_ATTEMPT_NS    (250 * MS_NS) /* RFC 8305 5 */

struct http_race;

struct http_race_lookup {
    struct task task;
    struct http_race *race;
    enum address_family family;
    struct address addresses[HTTP_RACE_ADDRESSES_MAX];
    size_t count, tried;
    enum result result;
    bool ended;
};

struct http_race_attempt {
    struct task task;
    struct http_race *race;
    struct endpoint peer;
};

/* In memory of the caller's, because it is too large for a small stack. */
struct http_race {
    struct tcp *tcp;
    struct resolver *resolver;
    struct view host;
    uint16_t port;
    uint64_t deadline_ns;
    struct scope scope;
    struct waiters changed;
    struct http_race_lookup lookups[2]; /* IPv6, which is preferred, and IPv4 */
    struct http_race_attempt attempts[HTTP_RACE_ATTEMPTS_MAX];
    size_t started, ended;
    size_t turn; /* the lookup whose address is tried next */
    uint64_t next_attempt_ns, resolution_ends_ns;
    struct flow *winner;
    enum result failure; /* of the attempts that have ended; OK: none has */
};

/* Waits. Connects to `host`, a name or an address without brackets. Takes up to eight small stacks
 * for as long as it waits. NOT_FOUND: no such name. Otherwise what the resolver or the most telling
 * attempt says. */
enum result http_race_run(struct http_race *race, struct tcp *tcp, struct resolver *resolver,
                          struct view host, uint16_t port, struct flow **flow,
                          uint64_t deadline_ns) CHECKED;

#endif
