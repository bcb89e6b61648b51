/* poll.h - descriptors that the loop watches, edge by edge.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UNIX_POLL_H
#define LOOM_UNIX_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

/* One descriptor; embedded in what owns it. */
struct poll {
    int descriptor;
    /* Called in the loop when something has changed: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR,
     * EPOLLHUP. It must not wait; it wakes fibers and sends watches. */
    void (*ready)(struct poll *poll, uint32_t events);
    bool added;
};

/* Opens and closes the loop's epoll instance: once an image, by the target. */
enum result poll_open(void) CHECKED;
void poll_close(void);

/* Begins to watch all of the events, edge-triggered, so a change that came before is told as well.
 * UNSUPPORTED: such a descriptor (a regular file) is always ready. FULL: a limit of the host. */
enum result poll_add(struct poll *poll) CHECKED;

/* Ends it, if it was added, also for an event that is already on its way. */
void poll_remove(struct poll *poll);

/* The same when the descriptor is closed right afterwards, which tells the kernel by itself: saves
 * the system call. The descriptor must not have been duplicated. */
void poll_forget(struct poll *poll);

#endif
