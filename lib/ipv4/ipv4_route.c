/* ipv4_route.c - the link's own addresses, and the way to all others.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_route.h"

#include "base/assert.h"

#define BROADCAST UINT32_MAX /* 255.255.255.255 */

/* In a prefix of two addresses both are hosts' (RFC 3021 2.1), in one of one it is the host's. */
static bool has_broadcast(uint32_t mask)
{
    return mask < UINT32_MAX - 1;
}

/* The first and the last address of one of our prefixes (RFC 1122 3.2.1.3). The first was a
 * broadcast once (3.3.6); now it is nobody's. */
static enum ipv4_scope scope_on_link(const struct ipv4_routes *routes, uint32_t address)
{
    for (size_t i = 0; i < routes->address_count; i++) {
        const struct ipv4_address *own = &routes->addresses[i];
        if (((address ^ own->address) & own->mask) != 0 || !has_broadcast(own->mask)) continue;
        uint32_t host = address & ~own->mask;
        if (host == ~own->mask) return IPV4_SCOPE_BROADCAST;
        if (host == 0) return IPV4_SCOPE_NONE;
    }
    return IPV4_SCOPE_OTHER;
}

enum ipv4_scope ipv4_scope_of(const struct ipv4_routes *routes, uint32_t address)
{
    for (size_t i = 0; i < routes->address_count; i++)
        if (routes->addresses[i].address == address)
            return routes->addresses[i].usable ? IPV4_SCOPE_OURS : IPV4_SCOPE_NONE;
    if (ipv4_is_loopback(address)) return IPV4_SCOPE_OURS;
    if (ipv4_is_multicast(address)) return IPV4_SCOPE_MULTICAST;
    if (address == BROADCAST) return IPV4_SCOPE_BROADCAST;
    if (address >> 28 == 15 || address >> 24 == 0) return IPV4_SCOPE_NONE;
    return scope_on_link(routes, address);
}

/* ---- addresses ---- */

/* RFC 1122 3.3.4.3: an address of the network that the first hop is on, if there is one. */
static uint32_t source_for(const struct ipv4_routes *routes, const struct ipv4_route *route)
{
    uint32_t next_hop = route->gateway != 0 ? route->gateway : route->prefix, source = 0;
    for (size_t i = 0; i < routes->address_count; i++) {
        const struct ipv4_address *own = &routes->addresses[i];
        if (!own->usable) continue;
        if (((next_hop ^ own->address) & own->mask) == 0) return own->address;
        if (source == 0) source = own->address;
    }
    return source;
}

static void choose_sources(struct ipv4_routes *routes)
{
    for (size_t i = 0; i < routes->route_count; i++)
        routes->routes[i].source = source_for(routes, &routes->routes[i]);
}

static struct ipv4_address *find_address(struct ipv4_routes *routes, uint32_t address)
{
    for (size_t i = 0; i < routes->address_count; i++)
        if (routes->addresses[i].address == address) return &routes->addresses[i];
    return NULL;
}

bool ipv4_routes_has_address(const struct ipv4_routes *routes, uint32_t address)
{
    for (size_t i = 0; i < routes->address_count; i++)
        if (routes->addresses[i].address == address) return true;
    return false;
}

static bool is_hosts(uint32_t address, uint32_t mask)
{
    uint32_t host = address & ~mask;
    if (ipv4_is_loopback(address) || address >> 24 == 0 || address >> 29 == 7) return false;
    return !has_broadcast(mask) || (host != 0 && host != ~mask);
}

enum result ipv4_routes_add_address(struct ipv4_routes *routes, uint32_t address, uint32_t mask,
                                    bool usable)
{
    if (!is_hosts(address, mask)) return INVALID;
    if (ipv4_routes_has_address(routes, address)) return EXISTS;
    if (routes->address_count == IPV4_ADDRESSES_MAX) return FULL;
    if (!ipv4_routes_has(routes, address & mask, mask, 0)) {
        const struct ipv4_route on_link = { .prefix = address & mask, .mask = mask };
        enum result result = ipv4_routes_add(routes, on_link);
        if (result != OK) return result;
    }
    routes->addresses[routes->address_count++] = (struct ipv4_address){ address, mask, usable };
    choose_sources(routes);
    return OK;
}

static bool shares_prefix(const struct ipv4_routes *routes, const struct ipv4_address *gone)
{
    for (size_t i = 0; i < routes->address_count; i++) {
        const struct ipv4_address *own = &routes->addresses[i];
        if (own->mask == gone->mask && ((own->address ^ gone->address) & gone->mask) == 0)
            return true;
    }
    return false;
}

enum result ipv4_routes_remove_address(struct ipv4_routes *routes, uint32_t address)
{
    struct ipv4_address *own = find_address(routes, address);
    if (own == NULL) return NOT_FOUND;
    const struct ipv4_address gone = *own;
    *own = routes->addresses[--routes->address_count];
    /* Somebody may have removed the route before. */
    if (!shares_prefix(routes, &gone))
        result_ignore(ipv4_routes_remove(routes, gone.address & gone.mask, gone.mask, 0));
    choose_sources(routes);
    return OK;
}

void ipv4_routes_set_usable(struct ipv4_routes *routes, uint32_t address)
{
    struct ipv4_address *own = find_address(routes, address);
    if (own != NULL) own->usable = true;
    choose_sources(routes);
}

/* ---- routes ---- */

static bool is_same(const struct ipv4_route *route, uint32_t prefix, uint32_t mask, uint32_t metric)
{
    return route->prefix == prefix && route->mask == mask && route->metric == metric;
}

bool ipv4_routes_has(const struct ipv4_routes *routes, uint32_t prefix, uint32_t mask,
                     uint32_t metric)
{
    for (size_t i = 0; i < routes->route_count; i++)
        if (is_same(&routes->routes[i], prefix, mask, metric)) return true;
    return false;
}

static bool comes_before(const struct ipv4_route *a, const struct ipv4_route *b)
{
    return a->mask != b->mask ? a->mask > b->mask : a->metric < b->metric;
}

enum result ipv4_routes_add(struct ipv4_routes *routes, struct ipv4_route route)
{
    assert((route.prefix & ~route.mask) == 0);
    if (ipv4_routes_has(routes, route.prefix, route.mask, route.metric)) return EXISTS;
    if (routes->route_count == IPV4_ROUTES_MAX) return FULL;
    size_t place = routes->route_count++;
    for (; place > 0 && comes_before(&route, &routes->routes[place - 1]); place--)
        routes->routes[place] = routes->routes[place - 1];
    routes->routes[place] = route;
    choose_sources(routes);
    return OK;
}

enum result ipv4_routes_remove(struct ipv4_routes *routes, uint32_t prefix, uint32_t mask,
                               uint32_t metric)
{
    for (size_t i = 0; i < routes->route_count; i++) {
        if (!is_same(&routes->routes[i], prefix, mask, metric)) continue;
        routes->route_count--;
        for (; i < routes->route_count; i++)
            routes->routes[i] = routes->routes[i + 1];
        return OK;
    }
    return NOT_FOUND;
}

const struct ipv4_route *ipv4_routes_find(const struct ipv4_routes *routes, uint32_t destination)
{
    for (size_t i = 0; i < routes->route_count; i++) {
        const struct ipv4_route *route = &routes->routes[i];
        if (((destination ^ route->prefix) & route->mask) == 0) return route;
    }
    return NULL;
}
