/* kv_memory_order.c - a search tree by key that is a heap by priority.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_memory_order.h"

#include "base/assert.h"

/* Deals the tree out to two: what is before the key, and the rest. */
static void split(struct kv_memory_order_node *tree, struct view key,
                  struct kv_memory_order_node **before, struct kv_memory_order_node **after)
{
    while (tree != NULL) {
        if (view_compare(tree->key, key) < 0) {
            *before = tree;
            before = &tree->after;
            tree = tree->after;
        } else {
            *after = tree;
            after = &tree->before;
            tree = tree->before;
        }
    }
    *before = *after = NULL;
}

void kv_memory_order_insert(struct kv_memory_order *order, struct kv_memory_order_node *node)
{
    struct kv_memory_order_node **link = &order->root;
    while (*link != NULL && (*link)->priority >= node->priority) {
        struct kv_memory_order_node *tree = *link;
        link = view_compare(tree->key, node->key) < 0 ? &tree->after : &tree->before;
    }
    split(*link, node->key, &node->before, &node->after);
    *link = node;
}

void kv_memory_order_remove(struct kv_memory_order *order, struct kv_memory_order_node *node)
{
    struct kv_memory_order_node **link = &order->root;
    while (*link != node) {
        struct kv_memory_order_node *tree = *link;
        assert(tree != NULL);
        link = view_compare(tree->key, node->key) < 0 ? &tree->after : &tree->before;
    }
    struct kv_memory_order_node *before = node->before, *after = node->after;
    while (before != NULL && after != NULL) {
        if (before->priority > after->priority) {
            *link = before;
            link = &before->after;
            before = before->after;
        } else {
            *link = after;
            link = &after->before;
            after = after->before;
        }
    }
    *link = before != NULL ? before : after;
}

static struct kv_memory_order_node *first_behind(const struct kv_memory_order *order,
                                                 struct view key, int least)
{
    struct kv_memory_order_node *best = NULL, *tree = order->root;
    while (tree != NULL) {
        if (view_compare(tree->key, key) >= least) {
            best = tree;
            tree = tree->before;
        } else {
            tree = tree->after;
        }
    }
    return best;
}

struct kv_memory_order_node *kv_memory_order_from(const struct kv_memory_order *order,
                                                  struct view key)
{
    return first_behind(order, key, 0);
}

struct kv_memory_order_node *kv_memory_order_behind(const struct kv_memory_order *order,
                                                    struct view key)
{
    return first_behind(order, key, 1);
}
