/* list.h - an intrusive doubly linked list: the node is a member of what it links.
 *
 *      +------ list -----+      +---- node ----+      +---- node ----+
 *   +->| first <-> last  |<---->| next, prev   |<---->| next, prev   |<-+
 *   |  +-----------------+      +--------------+      +--------------+  |
 *   +-------------------------------------------------------------------+
 *
 * A zeroed node is in no list. Nothing is allocated, and a node leaves in constant time without its
 * list.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LIST_H
#define LOOM_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"

struct list_node {
    struct list_node *next, *prev;
};

struct list {
    struct list_node head;
};

static inline void list_init(struct list *list)
{
    list->head.next = list->head.prev = &list->head;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_holds(const struct list_node *node)
{
    return node->next != NULL;
}

static inline void list_insert_before(struct list_node *place, struct list_node *node)
{
    assert(!list_holds(node));
    node->next = place;
    node->prev = place->prev;
    place->prev->next = node;
    place->prev = node;
}

static inline void list_append(struct list *list, struct list_node *node)
{
    list_insert_before(&list->head, node);
}

static inline void list_prepend(struct list *list, struct list_node *node)
{
    list_insert_before(list->head.next, node);
}

/* The node must be in a list. */
static inline void list_remove(struct list_node *node)
{
    assert(list_holds(node));
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* The first node, which stays; NULL when there is none. */
static inline struct list_node *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->head.next;
}

/* The node behind `node`; NULL at the end. */
static inline struct list_node *list_next(const struct list *list, const struct list_node *node)
{
    return node->next == &list->head ? NULL : node->next;
}

/* Takes the first node out; NULL when there is none. */
static inline struct list_node *list_take(struct list *list)
{
    struct list_node *node = list_first(list);
    if (node != NULL) list_remove(node);
    return node;
}

/* Moves all nodes behind those of `to`. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_is_empty(from)) return;
    struct list_node *first = from->head.next, *last = from->head.prev;
    first->prev = to->head.prev;
    last->next = &to->head;
    to->head.prev->next = first;
    to->head.prev = last;
    list_init(from);
}

/* Visits every node; the body must not remove the one it is given. */
#define list_for_each(node, list) \
    for (struct list_node *node = (list)->head.next; node != &(list)->head; node = node->next)

#endif
