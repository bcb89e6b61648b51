/* log.h - what an image says of itself: by level and module, and never so much that it hurts.
 *
 *     #define LOG_MODULE "http"
 *     #include "log/log.h"
 *     log_warning("connection limit of %zu reached", limit);
 *
 * A line: wall clock time, level, module, text. `--log=info` sets the level of all,
 * `--log=warning,http=debug` of one. Each place in the code may say `--log-burst` lines in a
 * second; what comes beyond is counted and told in one line when the second is over. (The bucket of
 * a place lives in a fixed table found by the address of its `struct log_place`.)
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
 * LOG_INFO is shown. */
enum result log_open(const struct log_parameters *parameters, const char **message) CHECKED;

bool log_is_shown(const char *module, enum log_level level);

/* A line is cut at LOG_LINE_MAX bytes; bytes that are not printable ASCII or UTF-8 are shown as
 * \xNN, so that no peer can forge a line. */
#define LOG_LINE_MAX 512
__attribute__((format(printf, 2, 3))) void log_at(const struct log_place *place, const char *words,
                                                  ...);

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
