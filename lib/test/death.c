/* death.c - a child process that is meant to crash.
 *
 * SPDX-License-Identifier: ISC */
#include "test/death.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/test.h"

#define REPORT_BYTES_MAX 4096

__attribute__((noreturn)) static void die(void (*deed)(void), int diagnostics)
{
    static const struct rlimit no_core = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (dup2(diagnostics, STDERR_FILENO) == STDERR_FILENO) deed();
    _exit(0);
}

void death_expect(const struct death *death, const char *words)
{
    static char room[REPORT_BYTES_MAX];
    int status = 0;
    int diagnostics = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    expect(diagnostics >= 0);
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) die(death->deed, diagnostics);
    expect(waitpid(child, &status, 0) == child);
    ssize_t length = pread(diagnostics, room, sizeof room, 0);
    (void)close(diagnostics);
    struct view report = view_from(room, length < 0 ? 0 : (size_t)length);
    if (!WIFSIGNALED(status))
        test_fail(death->file, death->line, "expected %s to crash, but it lived, and said: %.*s",
                  death->name, VIEW_FORMAT(report));
    if (view_find(report, view_from_string(words)) == report.length_bytes)
        test_fail(death->file, death->line, "expected %s to die of \"%s\", but it said: %.*s",
                  death->name, words, VIEW_FORMAT(report));
}
