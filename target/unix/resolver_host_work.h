/* resolver_host_work.h - what the threads of resolver_host share with the loop.
 *
 * Private to resolver_host. A thread touches nothing but the query that it carries out.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_HOST_WORK_H
#define LOOM_RESOLVER_HOST_WORK_H

#include "fiber/fiber.h"
#include "resolver/resolver.h"
#include "target/unix/crew.h"

#define RESOLVER_HOST_THREADS_MAX 16

struct resolver_host_query {
    struct list_node node;            /* free, waiting or answered */
    char name[RESOLVER_NAME_MAX + 2]; /* with a last dot and the NUL that getaddrinfo wants */
    int family;
    enum result result;
    struct address addresses[RESOLVER_ADDRESSES_MAX];
    size_t count;
    /* The loop's alone: */
    struct waiters asker;
    bool answered;
    bool abandoned; /* nobody waits for the answer */
};

struct resolver_host_work {
    struct crew crew;
    /* The loop's alone: */
    struct list free;
    struct span memory; /* all of this */
    size_t query_count;
    struct resolver_host_query queries[];
};

/* In a thread: looks a query up. */
void resolver_host_look_up(struct crew *crew, struct list_node *node);

#endif
