/* console.c - standard input, output and error.
 *
 * Descriptors 0, 1 and 2 are shared with whoever started the process, so they are not made
 * non-blocking: each write is preceded by a poll, and is no larger than what a pipe that polls
 * writable is sure to take (PIPE_BUF).
 *
 * SPDX-License-Identifier: ISC */
#include "target/console.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/units.h"
#include "fiber/fiber.h"
#include "target/unix/poll.h"

#define PIECE_BYTES ((size_t)4096)
#define PATIENCE_MS 200

/* One that does not take anything is given no more patience until it does. */
struct output {
    int descriptor;
    bool stalled;
};

static struct output output = { STDOUT_FILENO, false };
static struct output diagnostics = { STDERR_FILENO, false };

static bool is_writable(struct output *to)
{
    struct pollfd poll_of = { .fd = to->descriptor, .events = POLLOUT };
    to->stalled = poll(&poll_of, 1, to->stalled ? 0 : PATIENCE_MS) == 0;
    return !to->stalled;
}

static void write_all(struct output *to, struct view text)
{
    int saved = errno;
    while (!view_is_empty(text) && is_writable(to)) {
        ssize_t written = write(to->descriptor, text.bytes, MIN(text.length_bytes, PIECE_BYTES));
        if (written < 0 && errno != EINTR) break;
        if (written > 0) text = view_from_offset(text, (size_t)written);
    }
    errno = saved;
}

void console_write(struct view text)
{
    write_all(&output, text);
}

void console_write_diagnostic(struct view text)
{
    write_all(&diagnostics, text);
}

/* ---- input ---- */

struct input {
    struct poll poll;
    struct waiters readers;
    bool opened;
    bool always_ready; /* a file */
};

static struct input input;

static void input_ready(struct poll *poll, uint32_t events)
{
    (void)poll, (void)events;
    waiters_wake_all(&input.readers);
}

static void input_open(void)
{
    waiters_init(&input.readers);
    input.poll = (struct poll){ .descriptor = STDIN_FILENO, .ready = input_ready };
    input.always_ready = poll_add(&input.poll) != OK;
    input.opened = true;
}

static bool has_input(void)
{
    struct pollfd poll_of = { .fd = STDIN_FILENO, .events = POLLIN };
    return input.always_ready || poll(&poll_of, 1, 0) > 0;
}

enum result console_read(struct span room, size_t *length_bytes, uint64_t deadline_ns)
{
    *length_bytes = 0;
    if (!input.opened) input_open();
    while (!has_input()) {
        enum result result = waiters_wait(&input.readers, "console_read", deadline_ns);
        if (result != OK) return result;
    }
    ssize_t got = read(STDIN_FILENO, room.bytes, room.length_bytes);
    if (got <= 0) return CLOSED;
    *length_bytes = (size_t)got;
    return OK;
}
