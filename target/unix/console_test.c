/* console_test.c - input that waits and ends, and output that nobody reads.
 *
 * SPDX-License-Identifier: ISC */
#include "target/console.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "target/clock.h"
#include "test/test.h"

/* Puts a pipe's end in the place of a standard descriptor until replacement_end. */
struct replacement {
    int standard, saved, other_end;
};

static struct replacement replacement_begin(int standard, bool reading)
{
    int ends[2];
    expect(pipe(ends) == 0);
    struct replacement replacement = { standard, dup(standard), ends[reading ? 1 : 0] };
    expect(dup2(ends[reading ? 0 : 1], standard) == standard);
    expect(close(ends[reading ? 0 : 1]) == 0);
    return replacement;
}

static void replacement_end(struct replacement *replacement)
{
    expect(dup2(replacement->saved, replacement->standard) == replacement->standard);
    expect(close(replacement->saved) == 0);
    if (replacement->other_end >= 0) expect(close(replacement->other_end) == 0);
}

TEST(input_waits_comes_and_ends)
{
    uint8_t room[16];
    size_t length_bytes;
    struct replacement input = replacement_begin(STDIN_FILENO, true);

    expect_result(console_read(SPAN_OF(room), &length_bytes, NO_WAIT), TIMED_OUT);
    expect_result(console_read(SPAN_OF(room), &length_bytes, clock_monotonic_ns() + MS_NS),
                  TIMED_OUT);
    expect(write(input.other_end, "word", 4) == 4);
    expect_ok(console_read(SPAN_OF(room), &length_bytes, clock_monotonic_ns() + S_NS));
    expect_view(view_from(room, length_bytes), VIEW("word"));
    expect(close(input.other_end) == 0);
    input.other_end = -1;
    expect_result(console_read(SPAN_OF(room), &length_bytes, NEVER), CLOSED);
    expect_result(console_read(SPAN_OF(room), &length_bytes, NEVER), CLOSED);
    replacement_end(&input);
}

TEST(output_that_nobody_reads_does_not_stop_the_image)
{
    static const uint8_t line[1000] = { 'x' };
    struct replacement output = replacement_begin(STDERR_FILENO, false);
    uint64_t start_ns = clock_monotonic_ns();
    for (unsigned i = 0; i < 1000; i++)
        console_write_diagnostic(view_from(line, sizeof line));
    expect_that(clock_monotonic_ns() - start_ns, <, 2 * S_NS);

    /* Once it is read again, it takes what comes. */
    expect(fcntl(output.other_end, F_SETFL, O_NONBLOCK) == 0);
    static uint8_t room[65536];
    while (read(output.other_end, room, sizeof room) > 0)
        continue;
    console_write_diagnostic(VIEW("again"));
    expect(read(output.other_end, room, sizeof room) == 5);
    replacement_end(&output);
}
