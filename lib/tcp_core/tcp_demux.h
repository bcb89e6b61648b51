/* tcp_demux.h - which record a segment belongs to: one table for connections, TIME-WAIT and SYN
 * records, found in constant time.
 *
 * An entry has 32 bits of the keyed hash and where the record is, so that a probe that misses costs
 * one cache line and one that hits leads to the right record at once:
 *
 *     hash -> | tag, reference | tag, reference | 0 | tag, reference | ...     (linear probing)
 *                   |
 *                   +-> kind, index: into the pool of connections, of SYNs, of TIME-WAIT
 *
 * The table is twice as large as its records together, so it never fills; a stranger who does not
 * know the key cannot make his tuples collide.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_DEMUX_H
#define LOOM_TCP_DEMUX_H

#include "base/result.h"
#include "base/siphash.h"
#include "ip/address.h"

/* The two ends of a connection: no any address, no port 0. The engine's struct tcp_connection has
 * one in its member `pair`, and its hash in `demux_hash`. */
struct tcp_pair {
    struct endpoint local, peer;
};

bool tcp_pair_equal(const struct tcp_pair *a, const struct tcp_pair *b);

/* A keyed hash of all that distinguishes one pair from another, and of a salt if there is one. */
uint64_t tcp_pair_hash(struct siphash_key key, const struct tcp_pair *pair, const uint64_t *salt);

enum tcp_demux_kind {
    TCP_DEMUX_CONNECTION,
    TCP_DEMUX_SYN,
    TCP_DEMUX_TIME_WAIT,
};

#define TCP_DEMUX_NONE      0
#define TCP_DEMUX_INDEX_MAX ((uint32_t)1 << 29)

/* A record: its kind in the two low bits, its index above; never TCP_DEMUX_NONE. */
static inline uint32_t tcp_reference(enum tcp_demux_kind kind, uint32_t index)
{
    return (index + 1) << 2 | (uint32_t)kind;
}

static inline enum tcp_demux_kind tcp_reference_kind(uint32_t reference)
{
    return (enum tcp_demux_kind)(reference & 3);
}

static inline uint32_t tcp_reference_index(uint32_t reference)
{
    return (reference >> 2) - 1;
}

struct tcp_demux_entry {
    uint32_t hash;
    uint32_t reference;
};

struct tcp_demux {
    struct span memory;
    struct tcp_demux_entry *entries;
    uint32_t mask; /* how many there are, less one */
    uint32_t used;
    struct siphash_key key;
    /* The pair of a record that is in the table: the last word in what is equal. */
    const struct tcp_pair *(*pair_of)(struct tcp_demux *demux, uint32_t reference);
    /* Found last: a burst is mostly of one connection. */
    struct tcp_pair last_pair;
    uint32_t last_reference;
};

/* Takes memory for `record_count` records. FULL: there is not so much. */
enum result tcp_demux_open(struct tcp_demux *demux, size_t record_count, struct siphash_key key,
                           const struct tcp_pair *(*pair_of)(struct tcp_demux *demux,
                                                             uint32_t reference)) CHECKED;
void tcp_demux_close(struct tcp_demux *demux);

/* What insert and remove want to know; who is in the table keeps it. */
uint32_t tcp_demux_hash(const struct tcp_demux *demux, const struct tcp_pair *pair);

/* The record of this pair; TCP_DEMUX_NONE: it has none. */
uint32_t tcp_demux_find(struct tcp_demux *demux, const struct tcp_pair *pair);
uint32_t tcp_demux_find_hashed(struct tcp_demux *demux, const struct tcp_pair *pair, uint32_t hash);

/* The pair is not in the table, and pair_of(reference) is set already. */
void tcp_demux_insert(struct tcp_demux *demux, uint32_t hash, uint32_t reference);

/* The record is in the table. */
void tcp_demux_remove(struct tcp_demux *demux, uint32_t hash, uint32_t reference);

#endif
