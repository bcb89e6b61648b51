/* ipv4_path.h - the MTU of paths that are narrower than our link (RFC 1191).
 *
 * Only what is known to be narrower is kept, and for ten minutes, after which a wider one is tried
 * again (RFC 1191 6.3). The oldest gives way when the table is full.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_IPV4_PATH_H
#define LOOM_IPV4_PATH_H

#include "base/list.h"
#include "base/result.h"
#include "base/table.h"

/* What every host takes (RFC 1122 3.3.3), and the least that we believe: below it, claims are an
 * attack more often than a link. Datagrams on a path that claims less may be cut on the way. */
#define IPV4_PATH_MTU_MIN 576

struct ipv4_path {
    struct table_node node;
    struct list_node place; /* among the free ones, or the oldest first */
    uint32_t destination;
    uint16_t mtu_bytes;
    bool may_be_cut; /* it claimed less than IPV4_PATH_MTU_MIN */
    uint64_t forget_ns;
};

struct ipv4_paths {
    struct span memory;
    struct table table;
    struct list free, known;
};

enum result ipv4_paths_open(struct ipv4_paths *paths, size_t count, struct siphash_key key) CHECKED;
void ipv4_paths_close(struct ipv4_paths *paths);

/* What is known of the path; NULL: nothing, so that the link's own MTU counts. */
const struct ipv4_path *ipv4_paths_find(struct ipv4_paths *paths, uint32_t destination,
                                        uint64_t now_ns);

/* Keeps that no more than `mtu_bytes` go through. False: it was known already. */
bool ipv4_paths_lower(struct ipv4_paths *paths, uint32_t destination, uint16_t mtu_bytes,
                      uint64_t now_ns);

/* The next lower of the MTUs that links are known to have, for a router that refused a datagram of
 * this length and does not say why (RFC 1191 7.1). */
uint16_t ipv4_path_plateau_below(uint16_t length_bytes);

#endif
