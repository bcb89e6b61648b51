/* fail.c - what the tender says on stderr.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 1, 0))) static void say(const char *words, va_list arguments)
{
    (void)fputs("loom-tender: ", stderr);
    (void)vfprintf(stderr, words, arguments);
    (void)fputc('\n', stderr);
}

void tender_fail(const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    say(words, arguments);
    va_end(arguments);
    exit(TENDER_FAILED);
}

void tender_fail_usage(const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    say(words, arguments);
    va_end(arguments);
    exit(TENDER_USAGE);
}

void tender_say(const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    say(words, arguments);
    va_end(arguments);
}
