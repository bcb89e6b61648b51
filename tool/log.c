/* log.c - what parts of the house that the command is linked with say and die of: here they are no
 * part of an image, and say it to whoever typed the command.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "fail.h"

enum { LINE_BYTES = 512 };

__attribute__((format(printf, 2, 0))) static void say(const char *where, const char *words,
                                                      va_list arguments)
{
    char line[LINE_BYTES];
    vsnprintf(line, sizeof line, words, arguments);
    notice("%s: %s", where, line);
}

void log_at(const struct log_place *place, const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    say(place->module, words, arguments);
    va_end(arguments);
}

void panic_at(const char *file, unsigned line, const char *words, ...)
{
    (void)line;
    va_list arguments;
    va_start(arguments, words);
    say(file, words, arguments);
    va_end(arguments);
    abort();
}

void panic_values(const char *file, unsigned line, const char *condition, uint64_t left,
                  uint64_t right)
{
    panic_at(file, line, "it does not hold that %s: %" PRIu64 ", %" PRIu64, condition, left, right);
}
