/* gdb_socket.c - a local socket, one connection, and nothing listens after it.
 *
 * Whoever is connected has all that the machine has. A path only its owner may use; a port of
 * 127.0.0.1 anybody on this host, so that there the kernel is asked whose the connection is
 * (proc(5), /proc/net/tcp).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/gdb_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/view.h"
#include "tender/fail.h"

#define STATUS_SIGNALLED 130

static int listen_at(int family, const struct sockaddr *address, socklen_t length_bytes,
                     const char *where)
{
    int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    if (family == AF_INET) (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (listener < 0 || bind(listener, address, length_bytes) != 0 || listen(listener, 1) != 0)
        tender_fail("--wait-for-debugger %s: %s", where, strerror(errno));
    return listener;
}

static int listen_at_port(uint16_t port, const char *where)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return listen_at(AF_INET, (const struct sockaddr *)&address, sizeof address, where);
}

static int listen_at_path(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        tender_fail_usage("--wait-for-debugger %s: that path is too long for a socket", path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    mode_t mask = umask(0077);
    int listener = listen_at(AF_UNIX, (const struct sockaddr *)&address, sizeof address, path);
    (void)umask(mask);
    return listener;
}

/* The line of the other end has both addresses the other way round. It counts while it is
 * established: of what has been closed the kernel may name root, whose it never was. */
static bool find_user(const struct sockaddr_in *their, const struct sockaddr_in *our,
                      unsigned *user)
{
    const unsigned established = 1;
    char line[256];
    bool is_found = false;
    FILE *connections = fopen("/proc/net/tcp", "re");
    if (connections == NULL) return false;
    while (!is_found && fgets(line, sizeof line, connections) != NULL) {
        unsigned from, from_port, to, to_port, state;
        is_found = sscanf(line, " %*d: %x:%x %x:%x %x %*x:%*x %*x:%*x %*x %u", &from, &from_port,
                          &to, &to_port, &state, user) == 6 &&
                   from == their->sin_addr.s_addr && from_port == ntohs(their->sin_port) &&
                   to == our->sin_addr.s_addr && to_port == ntohs(our->sin_port) &&
                   state == established;
    }
    (void)fclose(connections);
    return is_found;
}

static bool is_welcome(int connection)
{
    struct sockaddr_in their = { .sin_family = AF_INET }, our = their;
    socklen_t their_bytes = sizeof their, our_bytes = sizeof our;
    unsigned user;
    if (getpeername(connection, (struct sockaddr *)&their, &their_bytes) != 0 ||
        getsockname(connection, (struct sockaddr *)&our, &our_bytes) != 0 ||
        !find_user(&their, &our, &user)) {
        tender_say("a debugger is refused, as its user cannot be told");
        return false;
    }
    if (user == 0 || user == geteuid()) return true;
    tender_say("a debugger of another user (%u) is refused", user);
    return false;
}

/* Other signals than those that ask to end are taken, too: a machine that has not begun has no
 * fibers to list. */
static bool is_to_end(struct stop *stop)
{
    return !stop_look(stop) || stop->number != 0;
}

/* -1: the machine is to end. */
static int accept_any(int listener, struct stop *stop)
{
    for (;;) {
        struct pollfd polls[] = { { .fd = listener, .events = POLLIN },
                                  { .fd = stop->descriptor, .events = POLLIN } };
        if (poll(polls, 2, -1) < 0) continue;
        if (polls[1].revents != 0 && is_to_end(stop)) return -1;
        if (polls[0].revents != 0)
            return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
}

static int accept_one(int listener, struct stop *stop, bool is_port)
{
    for (;;) {
        int connection = accept_any(listener, stop);
        if (connection < 0 || !is_port || is_welcome(connection)) return connection;
        (void)close(connection);
    }
}

/* SIGIO is for the moments in which the machine runs: it ends KVM_RUN. */
static void raise_signals(int connection)
{
    const int yes = 1;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (fcntl(connection, F_SETOWN, getpid()) != 0 ||
        fcntl(connection, F_SETFL, O_NONBLOCK | O_ASYNC) != 0)
        tender_fail("the host does not tell of what a debugger sends: %s", strerror(errno));
}

int gdb_socket_wait(const char *where, const char *image, struct stop *stop)
{
    uint64_t port;
    bool is_port = view_to_u64(view_from_string(where), &port) && port > 0 && port <= UINT16_MAX;
    int listener = is_port ? listen_at_port((uint16_t)port, where) : listen_at_path(where);
    tender_say("waits for a debugger: gdb %s -ex 'target remote %s%s'", image, is_port ? ":" : "",
               where);
    int connection = accept_one(listener, stop, is_port);
    (void)close(listener);
    if (!is_port) (void)unlink(where);
    if (connection < 0) _exit(STATUS_SIGNALLED);
    raise_signals(connection);
    return connection;
}
