/* stop.h - signals that ask the machine to end, or to list its fibers (SIGUSR1), taken through a
 * descriptor.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_STOP_H
#define LOOM_TENDER_STOP_H

#include <stdbool.h>
#include <stdint.h>

struct stop {
    int descriptor;  /* readable: a signal has come */
    int number;      /* of the first signal; 0: none has come */
    int last_number; /* of the signal that leaves no more time */
    uint64_t first_ns;
    uint32_t census_count; /* how often SIGUSR1 has been seen */
};

/* From here on the signals are blocked, and only told by the descriptor. */
void stop_listen(struct stop *stop);

/* Takes what has come. False: the machine has been asked twice, or its time is up: it is to be
 * ended at once. */
bool stop_look(struct stop *stop);

#endif
