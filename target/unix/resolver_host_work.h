/* resolver_host_work.h - what the threads of resolver_host share with the loop.
 *
 * Private to resolver_host. Everything a thread touches is either constant, or guarded by `lock`,
 * or belongs to it from taking a query to answering it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_HOST_WORK_H
#define LOOM_RESOLVER_HOST_WORK_H

#include <pthread.h>

#include "fiber/fiber.h"
#include "resolver/resolver.h"
#include "target/unix/poll.h"

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
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list waiting, answered; /* guarded */
    bool stopping;                 /* guarded */
    int event;                     /* an eventfd that the threads write and the loop reads */
    pthread_t threads[RESOLVER_HOST_THREADS_MAX];
    size_t thread_count;
    /* The loop's alone: */
    struct poll poll;
    struct list free;
    struct span memory; /* all of this */
    size_t query_count;
    struct resolver_host_query queries[];
};

/* Runs in each thread, until the work (a struct resolver_host_work) is stopping. */
void *resolver_host_thread(void *argument);

#endif
