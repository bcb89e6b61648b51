/* core_keeper.c - one byte says what to do: KEEP; anything else, and the end of the tender, that
 * the file is not wanted. The answer is a byte, too.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/core_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tender/fail.h"

#define KEEP     'k'
#define DISCARD  'd'
#define KEPT     'y'
#define NOT_KEPT 'n'

/* It holds nothing open that somebody may wait for the end of. */
static void let_go(int connection)
{
    (void)dup2(connection, 0);
    (void)close_range(1, UINT32_MAX, 0);
}

__attribute__((noreturn)) static void keeper_run(int connection, const char *part, const char *path)
{
    uint8_t word = DISCARD, answer;
    let_go(connection);
    while (read(0, &word, 1) < 0 && errno == EINTR) {
    }
    answer = word == KEEP && rename(part, path) == 0 ? KEPT : NOT_KEPT;
    if (answer != KEPT) (void)unlink(part);
    (void)send(0, &answer, 1, MSG_NOSIGNAL);
    _exit(0);
}

int core_keeper_start(const char *path, int *file)
{
    char *part;
    int pair[2];
    if (asprintf(&part, "%s.part", path) < 0) tender_fail("--core: no memory for its name");
    /* A file of ours: in a folder that others may write to, one that lies there may be theirs. */
    (void)unlink(part);
    *file = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*file < 0) tender_fail("--core: %s: %s", part, strerror(errno));
    pid_t keeper = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 ? fork() : -1;
    if (keeper < 0) tender_fail("--core: no process for it: %s", strerror(errno));
    if (keeper == 0) keeper_run(pair[1], part, path);
    (void)close(pair[1]);
    free(part);
    return pair[0];
}

static bool ask(int keeper, uint8_t word)
{
    uint8_t answer = NOT_KEPT;
    if (send(keeper, &word, 1, MSG_NOSIGNAL) != 1) return false;
    while (recv(keeper, &answer, 1, 0) < 0 && errno == EINTR) {
    }
    return answer == KEPT;
}

bool core_keeper_keep(int keeper)
{
    return ask(keeper, KEEP);
}

void core_keeper_discard(int keeper)
{
    (void)ask(keeper, DISCARD);
}
