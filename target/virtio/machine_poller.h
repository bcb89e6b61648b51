/* machine_poller.h - a driver's place in the loop: what target_wait calls each turn, and how it
 * learns that a crossing is due.
 *
 * Nothing interrupts a machine: what a device has done is found in its rings. So target_wait polls,
 * in this order:
 *
 *     each poller: poll      one had something: return, or go on with NO_WAIT
 *     each poller: arm       one had something: poll again; nothing to tell of it: arm again
 *     has_work, or nothing to do until the deadline: cross; each poller: poll
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MACHINE_POLLER_H
#define LOOM_MACHINE_POLLER_H

#include <stdbool.h>

#include "base/list.h"

/* Embedded in a driver. */
struct machine_poller {
    struct list_node node; /* target_wait's */

    /* Takes what the device has done and delivers it: wakes fibers, tells users. True: there was
     * something, or there is more to be told of in the next turn; the loop must not sleep. */
    bool (*poll)(struct machine_poller *poller);

    /* Before a sleep: asks the device to tell of what it does from now on, where it tells at all
     * (an interrupt), until the next poll. True: it has done something meanwhile; poll again. */
    bool (*arm)(struct machine_poller *poller);

    /* The driver's to set when it has put something into a ring that the device is to serve soon;
     * target_wait clears it when it crosses. */
    bool has_work;
};

/* ---- of the target ---- */

/* Begins and ends to be called. Not within `poll` or `arm`. */
void machine_poller_add(struct machine_poller *poller);
void machine_poller_remove(struct machine_poller *poller);

/* One crossing that serves all devices' queues and does not sleep. Polls nobody. */
void machine_serve(void);

#endif
