/* table.h - an intrusive hash table with a keyed hash, in memory that the caller gives.
 *
 *     struct session { struct table_node node; uint64_t id; };
 *     uint64_t hash = table_hash(&table, VIEW_OF(id));
 *     for (struct table_node *node = table_find(&table, hash); node != NULL; node =
 * table_find_next(node)) { if (CONTAINER_OF(node, struct session, node)->id == id) ...
 *     }
 *
 * The key of the hash is secret and random, so that a stranger cannot choose keys that collide. The
 * table does not grow: the number of buckets is chosen with the pool that the nodes come from.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TABLE_H
#define LOOM_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/view.h"

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **buckets;
    size_t bucket_count; /* a power of two */
    size_t node_count;
    struct siphash_key key;
};

/* Uses `buckets`, which it clears, until the table is no longer used. */
void table_init(struct table *table, struct table_node *buckets[], size_t bucket_count,
                struct siphash_key key);

uint64_t table_hash(const struct table *table, struct view key);

/* The first node with this hash, and the next one with the same; NULL when there is none. Equal
 * hashes do not make equal keys. */
struct table_node *table_find(const struct table *table, uint64_t hash);
struct table_node *table_find_next(const struct table_node *node);

/* The node must be in no table; afterwards it belongs to this one. */
void table_insert(struct table *table, struct table_node *node, uint64_t hash);

/* The node must be in this table. */
void table_remove(struct table *table, struct table_node *node);

#endif
