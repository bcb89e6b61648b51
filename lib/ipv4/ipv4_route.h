/* ipv4_route.h - the link's own addresses, and the way to all others.
 *
 * Addresses are numbers here, 192.0.2.1 being 0xc0000201. Both tables are short and searched in
 * order: the first route that fits is the best one.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_ROUTE_H
#define LOOM_IPV4_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

#define IPV4_ADDRESSES_MAX 8
#define IPV4_ROUTES_MAX    24

struct ipv4_address {
    uint32_t address, mask;
    bool usable; /* not while it is probed */
};

struct ipv4_route {
    uint32_t prefix, mask;
    uint32_t gateway; /* 0: on the link */
    uint32_t metric;
    uint32_t source; /* the best of ours for it, 0: none; kept up to date */
};

struct ipv4_routes {
    struct ipv4_address addresses[IPV4_ADDRESSES_MAX];
    struct ipv4_route routes[IPV4_ROUTES_MAX]; /* the longest prefix first, then the least metric */
    size_t address_count, route_count;
};

/* What an address is to this host. */
enum ipv4_scope {
    IPV4_SCOPE_OTHER,
    IPV4_SCOPE_OURS,      /* one of the link's, usable, or 127/8 */
    IPV4_SCOPE_BROADCAST, /* 255.255.255.255, or of one of our prefixes */
    IPV4_SCOPE_MULTICAST, /* 224/4 */
    IPV4_SCOPE_NONE,      /* nobody can have it: 0/8, 240/4 */
};

enum ipv4_scope ipv4_scope_of(const struct ipv4_routes *routes, uint32_t address);

static inline bool ipv4_is_loopback(uint32_t address)
{
    return address >> 24 == 127;
}

static inline bool ipv4_is_multicast(uint32_t address)
{
    return address >> 28 == 14;
}

static inline uint32_t ipv4_mask(unsigned prefix_bits)
{
    return prefix_bits == 0 ? 0 : UINT32_MAX << (32 - prefix_bits);
}

bool ipv4_routes_has_address(const struct ipv4_routes *routes, uint32_t address);
enum result ipv4_routes_add_address(struct ipv4_routes *routes, uint32_t address, uint32_t mask,
                                    bool usable) CHECKED;
enum result ipv4_routes_remove_address(struct ipv4_routes *routes, uint32_t address) CHECKED;
void ipv4_routes_set_usable(struct ipv4_routes *routes, uint32_t address);

bool ipv4_routes_has(const struct ipv4_routes *routes, uint32_t prefix, uint32_t mask,
                     uint32_t metric);
enum result ipv4_routes_add(struct ipv4_routes *routes, struct ipv4_route route) CHECKED;
enum result ipv4_routes_remove(struct ipv4_routes *routes, uint32_t prefix, uint32_t mask,
                               uint32_t metric) CHECKED;

/* NULL: there is none. */
const struct ipv4_route *ipv4_routes_find(const struct ipv4_routes *routes, uint32_t destination);

#endif
