/* hello_test.c - what hello says, as whoever started it reads it.
 *
 * SPDX-License-Identifier: ISC */
#include <unistd.h>

#include "hello.h"
#include "test/test.h"

TEST(hello_says_hello)
{
    int ends[2];
    expect(pipe(ends) == 0);
    int output = dup(STDOUT_FILENO);
    expect(dup2(ends[1], STDOUT_FILENO) >= 0);
    enum result result = hello_start();
    expect(dup2(output, STDOUT_FILENO) >= 0);
    close(output);
    close(ends[1]);

    char said[64];
    ssize_t length = read(ends[0], said, sizeof said);
    close(ends[0]);
    expect_ok(result);
    expect(length >= 0);
    expect_view(view_from(said, (size_t)length), VIEW("Hello from Loom.\n"));
}
