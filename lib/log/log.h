/* log.h - what an image says of itself: by level and module, and never so much that it hurts.
 *
 *     #define LOG_MODULE "http"
 *     #include "log/log.h"
 *     log_warning("connection limit of %zu reached", limit);
 *
 * A line: wall clock time in UTC, level, module, text:
 *
 *     2026-11-24T06:01:02.345Z warning http: connection limit of 1000 reached
 *
 * `--log=info` sets the level of all, `--log=warning,http=debug` of one. Each place in the code may
 * say `--log-burst` lines in a second; what comes beyond is counted and told in one line when the
 * second is over. (The bucket of a place lives in a fixed table found by the address of its
 * `struct log_place`.)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LOG_H
#define LOOM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"
#include "parameter/parameter.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_place {
    const char *module;
    enum log_level level;
};

struct log_parameters {
    struct view levels;
    uint64_t burst_count;
};
extern const struct parameter log_parameters[];

/* INVALID: `levels` is not understood; *message says what would be. Before it, everything up to
 * LOG_INFO is shown, with the default burst. The parameters' views live as long as the log. */
COLD enum result log_open(const struct log_parameters *parameters, const char **message) CHECKED;

/* Once the loop of fibers runs: from now on what was held back is told by an alarm when its second
 * is over; before, it waits for the next line of any place. */
COLD void log_follow_loop(void);

/* Tells what is held back and lets go of the loop; the log works on as before log_open. */
COLD void log_close(void);

bool log_is_shown(const char *module, enum log_level level);

/* A line is cut at LOG_LINE_MAX bytes, its newline included, and then ends in "..."; bytes that are
 * not printable ASCII or UTF-8 are shown as \xNN, so that no peer can forge a line. Does not wait;
 * safe in the loop and on any stack. `words` is a literal. */
#define LOG_LINE_MAX 512
__attribute__((format(printf, 2, 3))) void log_at(const struct log_place *place, const char *words,
                                                  ...);

/* A line of the fibers' census, without time, level and bound: it also ends a crash report. */
__attribute__((format(printf, 1, 2))) void log_census(const char *words, ...);

/* The last 16 lines that were logged, each cut at 120 bytes, for the end of a crash report. */
COLD void log_write_last(void);

#define LOG_AT(level, ...) \
    do { \
        static const struct log_place log_place_ = { LOG_MODULE, level }; \
        log_at(&log_place_, __VA_ARGS__); \
    } while (0)

#define log_error(...)   LOG_AT(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) LOG_AT(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    LOG_AT(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   LOG_AT(LOG_DEBUG, __VA_ARGS__)

#endif
