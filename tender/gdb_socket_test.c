/* gdb_socket_test.c - who is let in where a debugger comes by a port: the users of the other ends
 * are real ones, so that root is needed.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/test.h"

#define STRANGER 65533
#define TRIES    12

#define LET_IN  0
#define REFUSED 1
#define UNABLE  2

static struct sockaddr_in place(const char *address, uint16_t port)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = port };
    expect(inet_pton(AF_INET, address, &there.sin_addr) == 1);
    return there;
}

/* A socket bound there; -1: it cannot be. */
static int socket_at(const char *address, uint16_t port)
{
    const struct sockaddr_in there = place(address, port);
    const int yes = 1;
    int number = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(number, (const struct sockaddr *)&there, sizeof there) == 0) return number;
    (void)close(number);
    return -1;
}

static uint16_t port_of(int number)
{
    struct sockaddr_in there = { .sin_family = AF_INET };
    socklen_t length_bytes = sizeof there;
    expect(getsockname(number, (struct sockaddr *)&there, &length_bytes) == 0);
    return there.sin_port;
}

/* In network order; nobody listens there yet. */
static uint16_t free_port(void)
{
    int number = socket_at("127.0.0.1", 0);
    expect(number >= 0);
    uint16_t port = port_of(number);
    (void)close(number);
    return port;
}

static bool reach(int number, const char *address, uint16_t port)
{
    const struct sockaddr_in there = place(address, port);
    return connect(number, (const struct sockaddr *)&there, sizeof there) == 0;
}

/* What becomes of a connection to the tender's port from this one of 127.0.0.1. */
static int try_from(uint16_t from, uint16_t port)
{
    const struct timeval patience = { .tv_sec = 20 };
    uint8_t byte;
    int number = socket_at("127.0.0.1", from);
    for (int turn = 0; number >= 0 && !reach(number, "127.0.0.1", port); turn++) {
        (void)close(number);
        if (turn == 2000) return UNABLE;
        (void)usleep(10000); /* until the tender listens */
        number = socket_at("127.0.0.1", from);
    }
    if (number < 0) return UNABLE;
    (void)setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t length = recv(number, &byte, 1, 0);
    (void)close(number);
    return length > 0 ? LET_IN : length == 0 ? REFUSED : UNABLE;
}

/* A connection of the same two ports between other addresses, closed: the kernel lists it as
 * root's, before or behind the one that counts, as its addresses have it. The port that it came
 * from, 0: there is none. */
static uint16_t leave_a_closed_one(int listener, uint16_t port, int number)
{
    char address[24];
    (void)snprintf(address, sizeof address, "127.0.1.%d", number + 1);
    int here = socket_at(address, 0);
    if (here < 0 || !reach(here, "127.0.0.3", port)) return 0;
    int there = accept(listener, NULL, NULL);
    uint16_t from = port_of(here);
    (void)close(here);
    (void)close(there);
    return from;
}

static int try_behind_closed_ones(uint16_t port)
{
    int listener = socket_at("127.0.0.3", port);
    if (listener < 0 || listen(listener, 1) != 0) return UNABLE;
    for (int i = 0; i < TRIES; i++) {
        uint16_t from = leave_a_closed_one(listener, port, i);
        int became = from == 0 ? UNABLE : try_from(from, port);
        if (became != REFUSED) return became;
    }
    return REFUSED;
}

static int try_once(uint16_t port)
{
    return try_from(0, port);
}

/* As that user; what became of it. */
static int as_user(uid_t user, int (*act)(uint16_t port), uint16_t port)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) _exit(setresuid(user, user, user) == 0 ? act(port) : UNABLE);
    expect(child > 0 && waitpid(child, &status, 0) == child);
    expect(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Waits for a debugger, in a process of its own, and says one byte to the one that is let in. It
 * heeds signals once it listens, and its words are not the test's. `is_asked`: for a list of its
 * fibers, before that. */
static pid_t wait_for_one(uint16_t port, bool is_asked)
{
    char where[8];
    struct stop stop;
    pid_t child = fork();
    if (child != 0) return child;
    stop_listen(&stop);
    if (is_asked) (void)raise(SIGUSR1);
    (void)snprintf(where, sizeof where, "%u", ntohs(port));
    if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO) < 0) _exit(UNABLE);
    int connection = gdb_socket_wait(where, "image", &stop);
    _exit(write(connection, "+", 1) == 1 ? LET_IN : UNABLE);
}

static void expect_ended(pid_t tender, int with)
{
    int status = -1;
    expect(tender > 0 && waitpid(tender, &status, 0) == tender);
    expect(WIFEXITED(status));
    expect_that(WEXITSTATUS(status), ==, with);
}

static int let_in(uid_t user, int (*act)(uint16_t port))
{
    const uint16_t port = free_port();
    if (geteuid() != 0) test_skip("root is needed to be another user");
    pid_t tender = wait_for_one(port, false);
    int became = as_user(user, act, port);
    expect(tender > 0 && kill(tender, SIGTERM) == 0);
    expect_ended(tender, became == LET_IN ? LET_IN : 130);
    return became;
}

TEST(gdb_socket_lets_its_own_user_in)
{
    expect_that(let_in(0, try_once), ==, LET_IN);
}

TEST(gdb_socket_refuses_another_user)
{
    expect_that(let_in(STRANGER, try_once), ==, REFUSED);
}

TEST(gdb_socket_is_not_misled_by_connections_that_were_closed)
{
    expect_that(let_in(STRANGER, try_behind_closed_ones), ==, REFUSED);
}

TEST(gdb_socket_is_not_ended_by_what_asks_for_no_end)
{
    const uint16_t port = free_port();
    pid_t tender = wait_for_one(port, true);
    int became = try_from(0, port);
    expect(tender > 0 && kill(tender, SIGTERM) == 0);
    expect_that(became, ==, LET_IN);
    expect_ended(tender, LET_IN);
}
