/* http_race.c - happy eyeballs: two look-ups and several attempts, each on a fiber, and the fiber
 * of the caller as their umpire.
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_race.h"

enum { LOOKUP_IPV6, LOOKUP_IPV4 };

/* ---- look-ups ---- */

static void lookup_run(struct task *task)
{
    struct http_race_lookup *lookup = CONTAINER_OF(task, struct http_race_lookup, task);
    struct http_race *race = lookup->race;
    lookup->result = resolver_lookup(race->resolver, race->host, lookup->family, lookup->addresses,
                                     HTTP_RACE_ADDRESSES_MAX, &lookup->count, race->deadline_ns);
    lookup->ended = true;
    waiters_wake_all(&race->changed);
}

static enum result lookups_start(struct http_race *race)
{
    enum result result = OK;
    race->lookups[LOOKUP_IPV6].family = ADDRESS_IPV6;
    race->lookups[LOOKUP_IPV4].family = ADDRESS_IPV4;
    for (size_t i = 0; result == OK && i < LENGTH_OF(race->lookups); i++) {
        struct http_race_lookup *lookup = &race->lookups[i];
        lookup->race = race;
        lookup->task.run = lookup_run;
        result = fiber_start(&race->scope, &lookup->task, "http lookup", STACK_SMALL);
    }
    return result;
}

static bool lookups_ended(const struct http_race *race)
{
    return race->lookups[LOOKUP_IPV6].ended && race->lookups[LOOKUP_IPV4].ended;
}

/* IPv4 alone waits a moment for IPv6 (RFC 8305 3). */
static bool may_begin(struct http_race *race)
{
    const struct http_race_lookup *ipv6 = &race->lookups[LOOKUP_IPV6];
    const struct http_race_lookup *ipv4 = &race->lookups[LOOKUP_IPV4];
    if (lookups_ended(race) || (ipv6->ended && ipv6->result == OK)) return true;
    if (!ipv4->ended || ipv4->result != OK) return false;
    uint64_t now_ns = loop_now_ns();
    if (race->resolution_ends_ns == NEVER)
        race->resolution_ends_ns = deadline_after(now_ns, HTTP_RACE_RESOLUTION_NS);
    return now_ns >= race->resolution_ends_ns;
}

/* The next address to try, families in turn (RFC 8305 4); NULL: none is known that was not tried.
 */
static struct http_race_lookup *next_lookup(struct http_race *race)
{
    for (size_t i = 0; i < LENGTH_OF(race->lookups); i++) {
        struct http_race_lookup *lookup = &race->lookups[(race->turn + i) % 2];
        if (lookup->ended && lookup->tried < lookup->count) return lookup;
    }
    return NULL;
}

/* ---- attempts ---- */

/* How much a failure tells of the host: that it refuses says more than that there is no way. */
static enum result more_telling(enum result a, enum result b)
{
    if (a == OK || (a == UNREACHABLE && b != OK)) return b;
    return a;
}

static void attempt_run(struct task *task)
{
    struct http_race_attempt *attempt = CONTAINER_OF(task, struct http_race_attempt, task);
    struct http_race *race = attempt->race;
    struct flow *flow;
    enum result result = tcp_connect(race->tcp, &attempt->peer, &(struct connect_options){ 0 },
                                     &flow, race->deadline_ns);
    race->ended++;
    if (result != OK) {
        race->failure = more_telling(race->failure, result);
        race->next_attempt_ns = 0; /* the next one need not wait for this one */
    } else if (race->winner == NULL) {
        race->winner = flow;
    } else {
        flow_abort(flow);
    }
    waiters_wake_all(&race->changed);
}

static enum result attempt_start(struct http_race *race, struct http_race_lookup *lookup)
{
    struct http_race_attempt *attempt = &race->attempts[race->started];
    attempt->race = race;
    attempt->task.run = attempt_run;
    attempt->peer = (struct endpoint){ lookup->addresses[lookup->tried], race->port };
    race->next_attempt_ns = deadline_after(loop_now_ns(), HTTP_RACE_ATTEMPT_NS);
    enum result result = fiber_start(&race->scope, &attempt->task, "http connect", STACK_SMALL);
    if (result != OK) return result;
    race->started++;
    lookup->tried++;
    race->turn = lookup == &race->lookups[LOOKUP_IPV6] ? LOOKUP_IPV4 : LOOKUP_IPV6;
    return OK;
}

/* ---- the race ---- */

/* What it all came to when nobody can win any more. */
static enum result failure_of(const struct http_race *race)
{
    if (race->failure != OK) return race->failure;
    enum result ipv6 = race->lookups[LOOKUP_IPV6].result;
    enum result ipv4 = race->lookups[LOOKUP_IPV4].result;
    return ipv4 == NOT_FOUND || ipv4 == OK ? ipv6 : ipv4;
}

static uint64_t next_look_ns(struct http_race *race, bool may_start)
{
    uint64_t until_ns = race->deadline_ns;
    if (!may_begin(race)) return MIN(until_ns, race->resolution_ends_ns);
    return may_start ? MIN(until_ns, race->next_attempt_ns) : until_ns;
}

static bool is_running(const struct http_race *race)
{
    return race->ended < race->started;
}

/* One look at how things stand. An attempt for which there is no stack is made later, as long as
 * another one may still win. OK: go on waiting until *until_ns; CLOSED: it is decided. */
static enum result race_look(struct http_race *race, uint64_t *until_ns)
{
    if (race->winner != NULL) return CLOSED;
    bool has_place = race->started < HTTP_RACE_ATTEMPTS_MAX;
    struct http_race_lookup *lookup = has_place && may_begin(race) ? next_lookup(race) : NULL;
    if (lookup != NULL && loop_now_ns() >= race->next_attempt_ns) {
        enum result result = attempt_start(race, lookup);
        if (result != OK && !is_running(race)) return result;
        lookup = race->started < HTTP_RACE_ATTEMPTS_MAX ? next_lookup(race) : NULL;
    }
    bool none_left = lookup == NULL && (lookups_ended(race) || !has_place);
    if (none_left && !is_running(race)) return CLOSED;
    *until_ns = next_look_ns(race, lookup != NULL);
    return OK;
}

static enum result race_wait(struct http_race *race)
{
    uint64_t until_ns;
    for (;;) {
        enum result result = race_look(race, &until_ns);
        if (result != OK) return result == CLOSED ? OK : result;
        result = waiters_wait(&race->changed, "http connections", until_ns);
        if (result == CANCELLED) return result;
        if (result == TIMED_OUT && until_ns == race->deadline_ns) return TIMED_OUT;
    }
}

/* An attempt may yet have won while the others were called off. */
static enum result race_end(struct http_race *race, enum result result, struct flow **flow)
{
    scope_close(&race->scope);
    if (result == CANCELLED && race->winner != NULL) flow_abort(race->winner);
    if (result == CANCELLED) return result;
    *flow = race->winner;
    if (race->winner != NULL) return OK;
    return result != OK ? result : failure_of(race);
}

/* Its own address needs no race. */
static enum result connect_literal(struct http_race *race, const struct address *address,
                                   struct flow **flow)
{
    struct endpoint peer = { *address, race->port };
    return tcp_connect(race->tcp, &peer, &(struct connect_options){ 0 }, flow, race->deadline_ns);
}

enum result http_race_run(struct http_race *race, struct tcp *tcp, struct resolver *resolver,
                          struct view host, uint16_t port, struct flow **flow, uint64_t deadline_ns)
{
    struct address address;
    *race = (struct http_race){ .tcp = tcp,
                                .resolver = resolver,
                                .host = host,
                                .port = port,
                                .deadline_ns = deadline_ns,
                                .resolution_ends_ns = NEVER };
    if (address_parse(host, &address) == OK) return connect_literal(race, &address, flow);
    if (host.length_bytes > RESOLVER_NAME_MAX) return INVALID;
    waiters_init(&race->changed);
    scope_open(&race->scope, "http race");
    enum result result = lookups_start(race);
    if (result == OK) result = race_wait(race);
    return race_end(race, result, flow);
}
