/* log_last.h - the last lines of the log, for a crash report. Within lib/log.
 *
 * Where the log itself has gone by then, and how much of it is still to be had, nobody knows: a
 * report is read alone, on another day.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LOG_LAST_H
#define LOOM_LOG_LAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

#define LOG_LAST_LINES 16

/* Of a line that is longer the rest is not kept. */
#define LOG_LAST_BYTES 120

/* All zero at first. */
struct log_last {
    uint64_t count; /* of the lines ever put */
    uint8_t lengths[LOG_LAST_LINES];
    uint8_t lines[LOG_LAST_LINES][LOG_LAST_BYTES];
};

/* Without the line's newline. */
COLD void log_last_put(struct log_last *last, struct view line);

/* How many there are; line 0 is the oldest of them. */
COLD size_t log_last_count(const struct log_last *last);
COLD struct view log_last_line(const struct log_last *last, size_t index);

#endif
