/* stream.c - one TCP stream by Linux's own sockets: the peer of an image, and beside it the
 * measure.
 *
 *     stream serve SOURCE_PORT SINK_PORT CONGESTION
 *     stream read ADDRESS PORT WARM_MS MEASURED_MS CONGESTION
 *     stream write ADDRESS PORT WARM_MS MEASURED_MS CONGESTION
 *
 * Who connects to the source's port reads as much as he likes; what comes to the sink's port is
 * read and dropped; one connection after another. The others print what came, or was acknowledged,
 * in the time measured. CONGESTION is the algorithm of what this end sends.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1024 * 1024)
#define MS_NS       ((uint64_t)1000000)
#define PATIENCE_S  60

static uint8_t block[BLOCK_BYTES];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint16_t port_of(const char *word)
{
    return htons((uint16_t)strtoul(word, NULL, 10));
}

/* Only root may choose any congestion control. */
static int socket_open(const char *congestion)
{
    int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (opened < 0) fail("socket");
    if (setsockopt(opened, IPPROTO_TCP, TCP_CONGESTION, congestion,
                   (socklen_t)strlen(congestion)) != 0)
        fail(congestion);
    return opened;
}

/* ---- serving ---- */

static int listen_on(const char *port, const char *congestion)
{
    const int yes = 1;
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = port_of(port) };
    int listener = socket_open(congestion);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&local, sizeof local) != 0 || listen(listener, 8) != 0)
        fail("listen");
    return listener;
}

static void source_serve(int connection)
{
    while (send(connection, block, sizeof block, MSG_NOSIGNAL) > 0)
        ;
}

static void sink_serve(int connection)
{
    while (recv(connection, block, sizeof block, 0) > 0)
        ;
}

static void serve_next(int listener, void (*serve)(int connection))
{
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) fail("accept");
    serve(connection);
    close(connection);
}

static void serve(const char *source_port, const char *sink_port, const char *congestion)
{
    struct pollfd listeners[2] = {
        { .fd = listen_on(source_port, congestion), .events = POLLIN },
        { .fd = listen_on(sink_port, congestion), .events = POLLIN },
    };
    for (;;) {
        if (poll(listeners, 2, -1) < 0) fail("poll");
        if (listeners[0].revents != 0) serve_next(listeners[0].fd, source_serve);
        if (listeners[1].revents != 0) serve_next(listeners[1].fd, sink_serve);
    }
}

/* ---- measuring ---- */

static int connect_to(const char *address, const char *port, const char *congestion)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = port_of(port) };
    int connection = socket_open(congestion);
    if (inet_pton(AF_INET, address, &peer.sin_addr) != 1) fail(address);
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(connection, (struct sockaddr *)&peer, sizeof peer) != 0) fail("connect");
    return connection;
}

static uint64_t acknowledged_bytes(int connection)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof info;
    if (getsockopt(connection, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) fail("TCP_INFO");
    return info.tcpi_bytes_acked;
}

static uint64_t read_some(int connection, uint64_t total_bytes)
{
    ssize_t length = recv(connection, block, sizeof block, 0);
    if (length <= 0) fail("recv");
    return total_bytes + (uint64_t)length;
}

static uint64_t write_some(int connection, uint64_t total_bytes)
{
    (void)total_bytes;
    if (send(connection, block, sizeof block, MSG_NOSIGNAL) <= 0) fail("send");
    return acknowledged_bytes(connection);
}

static void measure(int connection, uint64_t (*go_on)(int connection, uint64_t total_bytes),
                    uint64_t warm_ns, uint64_t measured_ns)
{
    uint64_t total_bytes = 0;
    uint64_t begin_ns = now_ns() + warm_ns;
    uint64_t begun_ns = now_ns();
    uint64_t first_bytes = 0;
    while (warm_ns > 0 && begun_ns < begin_ns) {
        first_bytes = total_bytes = go_on(connection, total_bytes);
        begun_ns = now_ns();
    }
    uint64_t ended_ns = begun_ns;
    while (ended_ns < begun_ns + measured_ns) {
        total_bytes = go_on(connection, total_bytes);
        ended_ns = now_ns();
    }
    printf("bytes %llu\nns %llu\n", (unsigned long long)(total_bytes - first_bytes),
           (unsigned long long)(ended_ns - begun_ns));
}

int main(int count, char *words[])
{
    signal(SIGPIPE, SIG_IGN);
    if (count == 5 && strcmp(words[1], "serve") == 0) serve(words[2], words[3], words[4]);
    bool reads = count == 7 && strcmp(words[1], "read") == 0;
    bool writes = count == 7 && strcmp(words[1], "write") == 0;
    if (!reads && !writes) {
        fputs("stream: serve SOURCE_PORT SINK_PORT CONGESTION, or read|write ADDRESS PORT WARM_MS "
              "MEASURED_MS CONGESTION\n",
              stderr);
        return 2;
    }
    measure(connect_to(words[2], words[3], words[6]), reads ? read_some : write_some,
            strtoull(words[4], NULL, 10) * MS_NS, strtoull(words[5], NULL, 10) * MS_NS);
    return 0;
}
