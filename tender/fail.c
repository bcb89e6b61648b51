/* fail.c - what the tender says on stderr.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/fail.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/units.h"

#define LINE_BYTES  640
#define PATIENCE_MS 200

/* A line in one piece, which a pipe that polls writable is sure to take, and not for ever: the
 * guest can fill a pipe that nobody reads, and signals that end the machine are blocked. */
static void put(const char *line, size_t length_bytes)
{
    struct pollfd poll_of = { .fd = STDERR_FILENO, .events = POLLOUT };
    if (poll(&poll_of, 1, PATIENCE_MS) <= 0) return;
    ssize_t written = write(STDERR_FILENO, line, length_bytes);
    (void)written; /* there is nobody else to tell */
}

/* How much of the room is filled. */
static size_t filled(int length, size_t room_bytes)
{
    return length < 0 ? 0 : MIN((size_t)length, room_bytes - 1);
}

void tender_say_about(const char *about, const char *words, va_list values)
{
    char line[LINE_BYTES];
    const char *colon = about[0] == 0 ? "" : ": ";
    size_t length = filled(snprintf(line, sizeof line, "loom-tender: %s%s", about, colon),
                           sizeof line);
    length += filled(vsnprintf(&line[length], sizeof line - length, words, values),
                     sizeof line - length);
    line[length++] = '\n'; /* in the place of the NUL */
    put(line, length);
}

__attribute__((format(printf, 1, 0))) static void say(const char *words, va_list values)
{
    tender_say_about("", words, values);
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
