/* console.c - the simulated console: what is said goes to the process's own output, and nothing is
 * ever typed.
 *
 * SPDX-License-Identifier: ISC */
#include "target/console.h"

#include <unistd.h>

static void write_all(int descriptor, struct view text)
{
    while (!view_is_empty(text)) {
        ssize_t written = write(descriptor, text.bytes, text.length_bytes);
        if (written <= 0) return;
        text = view_from_offset(text, (size_t)written);
    }
}

void console_write(struct view text)
{
    write_all(STDOUT_FILENO, text);
}

void console_write_diagnostic(struct view text)
{
    write_all(STDERR_FILENO, text);
}

enum result console_read(struct span room, size_t *length_bytes, uint64_t deadline_ns)
{
    (void)room, (void)deadline_ns;
    *length_bytes = 0;
    return CLOSED;
}
