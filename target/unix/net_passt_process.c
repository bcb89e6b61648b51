/* net_passt_process.c - starting passt, and saying why it does not start.
 *
 * It wants an interface of the host with an address, which it takes its own notion of the host
 * from: by itself it looks for the one of the default route, and ends where there is none. Any
 * other that is up will do, so it is given one there. Only a host that has nothing but its loopback
 * interface is without passt.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_passt_process.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "base/writer.h"

#define LOG_MODULE "net"
#include "log/log.h"

#define ANSWER_MS 3000
#define END_MS    500
/* Of the descriptors on their way into the process: above those that it is given. */
#define ABOVE         10
#define STREAM_NUMBER 3

/* Fibers have small stacks: what needs much of one has a frame of its own (noinline). */

/* ---- what to publish ---- */

static bool is_port(struct view text)
{
    uint64_t port;
    return view_to_u64(text, &port) && port >= 1 && port <= UINT16_MAX;
}

bool net_passt_publish_is_valid(struct view text)
{
    while (!view_is_empty(text)) {
        struct view guest, pair = view_cut(text, ',', &text);
        struct view host = view_cut(pair, ':', &guest);
        if (!is_port(host) || !is_port(guest)) return false;
    }
    return true;
}

/* ---- where passt finds the host ---- */

__attribute__((noinline)) static bool has_default_route(void)
{
    char line[192], gateway[16];
    unsigned destination, flags, mask;
    bool found = false;
    FILE *routes = fopen("/proc/net/route", "re");
    if (routes == NULL) return false;
    while (!found && fgets(line, sizeof line, routes) != NULL) {
        found = sscanf(line, "%*s %x %15s %x %*s %*s %*s %x", &destination, gateway, &flags,
                       &mask) == 4 &&
                destination == 0 && mask == 0;
    }
    (void)fclose(routes);
    return found;
}

static bool is_usable(const struct ifaddrs *interface)
{
    return interface->ifa_addr != NULL && interface->ifa_addr->sa_family == AF_INET &&
           (interface->ifa_flags & IFF_UP) != 0 && (interface->ifa_flags & IFF_LOOPBACK) == 0;
}

/* The name of one that is up and has an address; false: there is none. */
static bool find_interface(char name[static IF_NAMESIZE])
{
    struct ifaddrs *list;
    bool found = false;
    if (getifaddrs(&list) != 0) return false;
    for (const struct ifaddrs *each = list; each != NULL && !found; each = each->ifa_next) {
        found = is_usable(each);
        if (found) (void)snprintf(name, IF_NAMESIZE, "%s", each->ifa_name);
    }
    freeifaddrs(list);
    return found;
}

/* ---- starting ---- */

/* What the process is given. */
struct start {
    int stream, complaints;
    char mtu[8], interface[IF_NAMESIZE], ports[256];
    char *words[24];
    size_t count;
};

static void add(struct start *start, const char *word)
{
    assert_that(start->count, <, LENGTH_OF(start->words) - 1);
    __builtin_memcpy(&start->words[start->count++], &word, sizeof word); /* exec's are not const */
}

static bool put_ports(struct start *start, struct view publish)
{
    int length = snprintf(start->ports, sizeof start->ports, "127.0.0.1/%.*s",
                          VIEW_FORMAT(publish));
    if (view_is_empty(publish)) length = snprintf(start->ports, sizeof start->ports, "none");
    return length > 0 && (size_t)length < sizeof start->ports;
}

static void put_words(struct start *start, const struct net_passt_process_options *options)
{
    const char *const always[] = { "passt", "-f",
                                   "-q",    "-4",
                                   "-F",    "3",
                                   "-a",    NET_PASST_ADDRESS,
                                   "-n",    NET_PASST_PREFIX,
                                   "-g",    NET_PASST_GATEWAY };
    for (size_t i = 0; i < LENGTH_OF(always); i++)
        add(start, always[i]);
    (void)snprintf(start->mtu, sizeof start->mtu, "%u", options->mtu_bytes);
    add(start, "-m");
    add(start, start->mtu);
    add(start, "-t");
    add(start, start->ports);
    add(start, "-u");
    add(start, start->ports);
    if (has_default_route() || !find_interface(start->interface)) return;
    add(start, "-i");
    add(start, start->interface);
}

/* Its own session: what a terminal sends to the image's group is for the image to obey, which may
 * have answers to send yet. */
__attribute__((noinline)) static int spawn(struct start *start, int *number)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    pid_t process = 0;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, start->complaints, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, start->stream, STREAM_NUMBER);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    int error = posix_spawnp(&process, "passt", &files, &attributes, start->words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    *number = process;
    return error;
}

/* ---- the first answer ---- */

/* Who has the gateway's address? (RFC 826.) The answer shows that passt is at work, and passt
 * learns where the image is before the first connection comes to a port that is published. */
static bool ask_for_gateway(int descriptor, const struct mac *mac)
{
    uint8_t room[4 + 42];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_u32_be(&writer, sizeof room - 4);
    writer_put(&writer, VIEW("\xff\xff\xff\xff\xff\xff"));
    writer_put(&writer, VIEW_OF(*mac));
    writer_put(&writer, VIEW("\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"));
    writer_put(&writer, VIEW_OF(*mac));
    writer_put(&writer, VIEW("\x0a\x00\x02\x0f")); /* NET_PASST_ADDRESS */
    writer_put(&writer, VIEW("\0\0\0\0\0\0"));
    writer_put(&writer, VIEW("\x0a\x00\x02\x02")); /* NET_PASST_GATEWAY */
    return send(descriptor, room, sizeof room, MSG_NOSIGNAL) == (ssize_t)sizeof room;
}

/* It stays in the stream, for whoever reads there. */
static bool await_answer(int descriptor)
{
    struct pollfd stream = { .fd = descriptor, .events = POLLIN };
    uint8_t first;
    int ready;
    do {
        ready = poll(&stream, 1, ANSWER_MS);
    } while (ready < 0 && errno == EINTR);
    return ready == 1 && recv(descriptor, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* ---- complaints ---- */

/* Its last line that tells something: it also says that it is not to be run as root (it becomes
 * nobody), and of a log of the system that is not there. */
static struct view last_words(struct view text)
{
    struct view words = VIEW("it says nothing");
    while (!view_is_empty(text)) {
        struct view line = view_cut(text, '\n', &text);
        if (view_is_empty(line) || view_starts_with(line, VIEW("Failed to send")) ||
            view_starts_with(line, VIEW("Don't run as root")))
            continue;
        words = line;
    }
    return words;
}

__attribute__((noinline)) static enum result complain(const struct net_passt_process *process)
{
    uint8_t room[512];
    char interface[IF_NAMESIZE];
    if (!has_default_route() && !find_interface(interface)) {
        log_error(
            "passt cannot start where the host has no network but loopback; as root: ip "
            "tuntap add dev passt0 mode tap; ip addr add 192.0.2.1/24 dev passt0; ip link set "
            "passt0 up; or give the image a tap: --net=tap:tap0");
        return FAILED;
    }
    ssize_t length = read(process->complaints, room, sizeof room);
    struct view said = view_from(room, length > 0 ? (size_t)length : 0);
    log_error("passt does not start: %.*s (`passt -f -d` shows more; a tap needs none: "
              "--net=tap:tap0)",
              VIEW_FORMAT(last_words(said)));
    return FAILED;
}

static enum result complain_of_spawn(int error)
{
    if (error == ENOENT) {
        log_error("passt is not installed; as root: apt-get install passt; or give the image a "
                  "tap: --net=tap:tap0");
        return NOT_FOUND;
    }
    log_error("passt cannot be run: %s", strerror(error));
    return error == EACCES || error == EPERM ? DENIED : FAILED;
}

/* ---- the process ---- */

/* A pair of which the first is ours and the second lies above what the process is given. */
static bool lift(int pair[2])
{
    int lifted = fcntl(pair[1], F_DUPFD_CLOEXEC, ABOVE);
    int own = fcntl(pair[0], F_DUPFD_CLOEXEC, ABOVE);
    (void)close(pair[0]);
    (void)close(pair[1]);
    pair[0] = own;
    pair[1] = lifted;
    return own >= 0 && lifted >= 0;
}

static enum result no_descriptors(void)
{
    log_error("the host gives no more descriptors: %s (ulimit -n)", strerror(errno));
    return FULL;
}

enum result net_passt_process_start(struct net_passt_process *process,
                                    const struct net_passt_process_options *options,
                                    int *descriptor)
{
    int stream[2], complaints[2];
    struct start start = { .count = 0 };
    if (!put_ports(&start, options->publish)) {
        log_error("--publish: at most %zu bytes of ports; leave some out", sizeof start.ports - 12);
        return TOO_LARGE;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) != 0) return no_descriptors();
    /* One that says too much must not wait for us to read. */
    if (pipe2(complaints, O_CLOEXEC | O_NONBLOCK) != 0 || !lift(stream) || !lift(complaints))
        return no_descriptors();
    start.stream = stream[1];
    start.complaints = complaints[1];
    put_words(&start, options);
    int error = spawn(&start, &process->number);
    (void)close(stream[1]);
    (void)close(complaints[1]);
    process->complaints = complaints[0];
    enum result result = OK;
    if (error != 0) {
        process->number = 0;
        result = complain_of_spawn(error);
    } else if (!ask_for_gateway(stream[0], &options->mac) || !await_answer(stream[0])) {
        result = complain(process);
    }
    *descriptor = stream[0];
    if (result == OK) return OK;
    (void)close(stream[0]);
    net_passt_process_end(process);
    return result;
}

void net_passt_process_end(struct net_passt_process *process)
{
    const struct timespec moment = { .tv_nsec = (long)MS_NS };
    (void)close(process->complaints);
    if (process->number == 0) return;
    for (int waited_ms = 0; waitpid(process->number, NULL, WNOHANG) == 0; waited_ms++) {
        if (waited_ms == END_MS) (void)kill(process->number, SIGKILL);
        (void)nanosleep(&moment, NULL);
    }
    process->number = 0;
}
