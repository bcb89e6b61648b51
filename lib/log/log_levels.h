/* log_levels.h - which levels are shown, of all modules and of some. Within lib/log.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LOG_LEVELS_H
#define LOOM_LOG_LEVELS_H

#include "log/log.h"

#define LOG_MODULES_MAX 16

struct log_module_level {
    struct view module;
    enum log_level level;
};

struct log_levels {
    enum log_level everywhere;
    struct log_module_level modules[LOG_MODULES_MAX];
    size_t module_count;
};

/* Reads "warning,http=debug": one level for all (info where none is given) and one for each module
 * that is named. Views stay in `text`. INVALID: *message says what would be right, and *levels is
 * as before. */
COLD enum result log_levels_parse(struct view text, struct log_levels *levels,
                                  const char **message) CHECKED;

bool log_levels_show(const struct log_levels *levels, const char *module, enum log_level level);

/* In lower case; never NULL. */
const char *log_level_text(enum log_level level);

#endif
