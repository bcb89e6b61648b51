/* log_levels.c - the argument of --log.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_levels.h"

#include "base/units.h"

static const char *const level_names[] = { "error", "warning", "info", "debug" };

const char *log_level_text(enum log_level level)
{
    assert_that(level, <, LENGTH_OF(level_names));
    return level_names[level];
}

static bool read_level(struct view text, enum log_level *level)
{
    for (unsigned i = 0; i < LENGTH_OF(level_names); i++) {
        if (!view_equal(text, view_from_string(level_names[i]))) continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}

static bool is_named(const struct log_levels *levels, struct view module)
{
    for (size_t i = 0; i < levels->module_count; i++) {
        if (view_equal(levels->modules[i].module, module)) return true;
    }
    return false;
}

/* NULL when it is right, otherwise what is wrong. */
static const char *read_module(struct view module, struct view level, struct log_levels *levels)
{
    if (view_is_empty(module)) return "--log names no module before \"=\"; write --log=http=debug";
    if (is_named(levels, module)) return "--log names a module twice";
    if (levels->module_count == LOG_MODULES_MAX) return "--log names more than 16 modules";
    struct log_module_level *row = &levels->modules[levels->module_count++];
    row->module = module;
    if (!read_level(level, &row->level))
        return "--log has an unknown level behind a module's name: it takes error, warning, info "
               "or "
               "debug, as in --log=warning,http=debug";
    return NULL;
}

static const char *read_part(struct view part, struct log_levels *levels, bool *has_everywhere)
{
    struct view behind;
    struct view before = view_cut(part, '=', &behind);
    if (before.length_bytes < part.length_bytes) return read_module(before, behind, levels);
    if (*has_everywhere) return "--log has two levels for all modules; write MODULE=LEVEL for one";
    *has_everywhere = true;
    if (!read_level(part, &levels->everywhere))
        return "--log has an unknown level: it takes error, warning, info or debug, and further "
               "levels for single modules, as in --log=warning,http=debug";
    return NULL;
}

enum result log_levels_parse(struct view text, struct log_levels *levels, const char **message)
{
    struct log_levels read = { .everywhere = LOG_INFO };
    bool has_everywhere = false, is_last = false;
    while (!is_last) {
        struct view rest;
        struct view part = view_cut(text, ',', &rest);
        is_last = part.length_bytes == text.length_bytes;
        *message = read_part(part, &read, &has_everywhere);
        if (*message != NULL) return INVALID;
        text = rest;
    }
    *levels = read;
    return OK;
}

bool log_levels_show(const struct log_levels *levels, const char *module, enum log_level level)
{
    for (size_t i = 0; i < levels->module_count; i++) {
        const struct log_module_level *row = &levels->modules[i];
        if (view_equal(row->module, view_from_string(module))) return level <= row->level;
    }
    return level <= levels->everywhere;
}
