/* stop.h - that the image is asked to end: SIGTERM to a process, the hypervisor's request to a
 * machine.
 *
 * An application waits for it where it would otherwise wait for ever; a server that is told stops
 * listening and finishes what is in flight. An image that does not end within `--stop-timeout` is
 * ended: first its first fiber is cancelled, then the image exits with status 1.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_STOP_H
#define LOOM_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "parameter/parameter.h"

struct stop_parameters {
    uint64_t timeout_ns;
};
extern const struct parameter stop_parameters[];

/* Before the first fiber runs; nothing is requested. And after it has ended. */
void stop_open(const struct stop_parameters *parameters);
void stop_close(void);

bool stop_is_requested(void);

/* Waits. OK: a stop is requested. TIMED_OUT: not until the deadline; so it also serves as a sleep
 * that a stop cuts short. */
enum result stop_wait(uint64_t deadline_ns) CHECKED;

/* Asks the image to end: called by the target, and by an application that is done. */
void stop_request(void);

#endif
