/* crew.h - a few threads of the host that wait for it, so that the loop must not.
 *
 * They share with the loop two lists under a lock, and wake it through an eventfd:
 *
 *     crew_give --> waiting --> thread: carry_out --> done -- eventfd --> loop: tell
 *
 * Whatever is worked on brings its list node: a crew needs no memory for what waits, and is never
 * full. From crew_give until it is told it is the crew's; its owner may take it out of `waiting`
 * again, under the lock.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UNIX_CREW_H
#define LOOM_UNIX_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/result.h"
#include "target/unix/poll.h"

#define CREW_THREADS_MAX 64

struct crew;

struct crew_options {
    /* In a thread. May wait for the host. */
    void (*carry_out)(struct crew *crew, struct list_node *node);
    /* In the loop, once for each that was carried out. It must not wait. */
    void (*tell)(struct crew *crew, struct list_node *node);
    size_t thread_count; /* from 1 to CREW_THREADS_MAX */
    size_t stack_bytes;
};

struct crew {
    struct crew_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list waiting, done; /* guarded; what is being carried out is in neither */
    bool is_stopping;          /* guarded */
    pthread_t threads[CREW_THREADS_MAX];
    size_t thread_count;
    struct poll poll; /* an eventfd that the threads write and the loop reads */
};

/* FULL: the host has no descriptor or thread for it; then nothing is left open. */
enum result crew_open(struct crew *crew, const struct crew_options *options) CHECKED;

/* Ends the threads: what waits is not begun any more, and nobody is told. Each has until
 * `patience_ns` from now (NEVER: as long as it takes) to end what it has begun. Returns how many
 * have not: those are left alone, and the crew has to stay where it is for as long as the process
 * lives. */
size_t crew_close(struct crew *crew, uint64_t patience_ns);

/* Has it carried out. */
void crew_give(struct crew *crew, struct list_node *node);

#endif
