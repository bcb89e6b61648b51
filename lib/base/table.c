/* table.c - chains of nodes in buckets.
 *
 * SPDX-License-Identifier: ISC */
#include "base/table.h"

static struct table_node **bucket_of(const struct table *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static struct table_node *first_with(struct table_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash)
        node = node->next;
    return node;
}

void table_init(struct table *table, struct table_node *buckets[], size_t bucket_count,
                struct siphash_key key)
{
    assert(bucket_count > 0 && (bucket_count & (bucket_count - 1)) == 0);
    *table = (struct table){ .buckets = buckets, .bucket_count = bucket_count, .key = key };
    for (size_t i = 0; i < bucket_count; i++)
        buckets[i] = NULL;
}

uint64_t table_hash(const struct table *table, struct view key)
{
    return siphash(table->key, key);
}

struct table_node *table_find(const struct table *table, uint64_t hash)
{
    return first_with(*bucket_of(table, hash), hash);
}

struct table_node *table_find_next(const struct table_node *node)
{
    return first_with(node->next, node->hash);
}

void table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    struct table_node **bucket = bucket_of(table, hash);
    *node = (struct table_node){ .next = *bucket, .hash = hash };
    *bucket = node;
    table->node_count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **link = bucket_of(table, node->hash);
    while (*link != node) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = node->next;
    node->next = NULL;
    table->node_count--;
}
