/* poll.h - descriptors that the loop watches.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_UNIX_POLL_H
#define LOOM_UNIX_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/result.h"

/* One descriptor; embedded in what owns it. */
struct poll {
    int descriptor;
    /* Called in the loop when something has changed: EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLRDHUP,
     * EPOLLERR, EPOLLHUP. It must not wait; it wakes fibers and sends watches. */
    void (*ready)(struct poll *poll, uint32_t events);
    bool added;
    bool tells_output; /* EPOLLOUT too */
    struct list_node again;
};

/* Opens and closes the loop's epoll instance: once an image, by the target. */
enum result poll_open(void) CHECKED;
void poll_close(void);

/* Begins to watch all of the events, edge-triggered, so a change that came before is told as well.
 * UNSUPPORTED: such a descriptor (a regular file) is always ready. FULL: a limit of the host. */
enum result poll_add(struct poll *poll) CHECKED;

/* The same without EPOLLOUT, which a fresh socket would have at once: a turn of the loop for
 * nothing. poll_add adds it later, when something has to wait for room. */
enum result poll_add_input(struct poll *poll) CHECKED;

/* Begins to watch for input level by level: the event comes at every turn of the loop for as long
 * as there is some, so nobody has to read until nothing is left to be told again. Where nobody
 * wants it for now, poll_silence keeps the loop from spinning, and another poll_add_level goes on.
 */
enum result poll_add_level(struct poll *poll) CHECKED;
void poll_silence(struct poll *poll);

/* At the next turn of the loop `ready` is told of input, whether the host says so or not: for what
 * the host does not know of, and for input that comes so fast that asking it costs more.
 * poll_add_level takes it back: from then on it is the host who tells. */
void poll_again(struct poll *poll);

/* Ends it, if it was added, also for an event that is already on its way. */
void poll_remove(struct poll *poll);

/* The same when the descriptor is closed right afterwards, which tells the kernel by itself: saves
 * the system call. The descriptor must not have been duplicated. */
void poll_forget(struct poll *poll);

#endif
