/* kv_memory_order.h - keys in byte order: a treap, whose shape is drawn from the secret hashes of
 * the keys.
 *
 * Chosen over a balanced tree because each operation is one short loop: the keyed hash makes the
 * depth logarithmic, whatever keys a stranger chooses.
 *
 * Source: Seidel and Aragon, "Randomized Search Trees" (1996).
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_MEMORY_ORDER_H
#define LOOM_KV_MEMORY_ORDER_H

#include <stdint.h>

#include "base/view.h"

struct kv_memory_order_node {
    struct kv_memory_order_node *before, *after; /* the trees of smaller and of greater keys */
    struct view key;
    uint64_t priority;
};

struct kv_memory_order {
    struct kv_memory_order_node *root;
};

/* The node's key, which must not be in the tree, and priority are set. */
void kv_memory_order_insert(struct kv_memory_order *order, struct kv_memory_order_node *node);

/* The node must be in the tree. */
void kv_memory_order_remove(struct kv_memory_order *order, struct kv_memory_order_node *node);

/* The node with the smallest key that is not before `key`; and with the smallest that is behind
 * it. NULL: there is none. */
struct kv_memory_order_node *kv_memory_order_from(const struct kv_memory_order *order,
                                                  struct view key);
struct kv_memory_order_node *kv_memory_order_behind(const struct kv_memory_order *order,
                                                    struct view key);

#endif
