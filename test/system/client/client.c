/* client.c - one client: connects, asks, reads whole answers, and counts how its connection ended.
 *
 * SPDX-License-Identifier: ISC */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 10000000000ull
#define ADDRESSES   16u

uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the end of a connection ---- */

static void client_free(struct crowd *crowd, struct client *client)
{
    (void)close(client->descriptor);
    client->state = CLIENT_FREE;
    crowd->living--;
}

/* The connection broke, or could not be made. */
static void client_fail(struct crowd *crowd, struct client *client, int error)
{
    struct outcome *outcome = &crowd->outcome;
    if (client->state == CLIENT_CONNECTING) {
        outcome->refused++;
        crowd->ending = true;
    } else if (error == ECONNRESET || error == EPIPE) {
        outcome->resets++;
    } else {
        outcome->cut++;
    }
    client_free(crowd, client);
}

/* The peer has closed. */
static void client_end(struct crowd *crowd, struct client *client)
{
    if (client->filled_bytes == 0) {
        crowd->outcome.clean++;
    } else {
        crowd->outcome.cut++;
    }
    client_free(crowd, client);
}

void client_look(struct crowd *crowd, struct client *client)
{
    if (client->state == CLIENT_FREE || now_ns() < client->deadline_ns) return;
    if (client->state == CLIENT_CONNECTING) {
        crowd->outcome.unreached++;
    } else {
        crowd->outcome.timed_out++;
    }
    client_free(crowd, client);
}

/* ---- the beginning ---- */

/* From several addresses, because one has too few ports for all that linger: those of the network
 * above the server's, 127.0.1.1 and on for 127.0.0.1. */
static void bind_source(int descriptor, uint32_t server, uint64_t number)
{
    int on = 1;
    struct sockaddr_in source = { .sin_family = AF_INET };
    source.sin_addr.s_addr = htonl(server + 0x100u + (uint32_t)(number % ADDRESSES));
    (void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    (void)bind(descriptor, (const struct sockaddr *)&source, sizeof source);
}

void client_connect(struct crowd *crowd, struct client *client)
{
    int on = 1;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(crowd->wish->port) };
    to.sin_addr.s_addr = htonl(crowd->wish->address);
    client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->descriptor < 0) {
        perror("client: socket");
        exit(2);
    }
    bind_source(client->descriptor, crowd->wish->address, crowd->begun++);
    (void)setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client->state = CLIENT_CONNECTING;
    client->asked = 0;
    client->filled_bytes = 0;
    client->deadline_ns = now_ns() + PATIENCE_NS;
    crowd->living++;
    if (connect(client->descriptor, (const struct sockaddr *)&to, sizeof to) != 0 &&
        errno != EINPROGRESS) {
        client_fail(crowd, client, errno);
        return;
    }
    struct epoll_event event = { .events = EPOLLOUT, .data.ptr = client };
    (void)epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->descriptor, &event);
}

static void client_ask(struct crowd *crowd, struct client *client)
{
    char text[256];
    bool last = ++client->asked == crowd->wish->requests;
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
                          crowd->wish->target, last ? "Connection: close\r\n" : "");
    client->filled_bytes = 0;
    client->deadline_ns = now_ns() + PATIENCE_NS;
    if (send(client->descriptor, text, (size_t)length, MSG_NOSIGNAL) != length)
        client_fail(crowd, client, errno);
}

static void client_connected(struct crowd *crowd, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(client->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        client_fail(crowd, client, error);
        return;
    }
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    (void)epoll_ctl(crowd->epoll, EPOLL_CTL_MOD, client->descriptor, &event);
    crowd->outcome.connections++;
    client->state = CLIENT_ASKING;
    client_ask(crowd, client);
}

/* ---- answers ---- */

/* The length of the answer at the front of the room; 0: not whole yet. */
static size_t answer_bytes(struct client *client)
{
    client->room[client->filled_bytes] = '\0';
    const char *end = strstr(client->room, "\r\n\r\n");
    if (end == NULL) return 0;
    const char *length = strcasestr(client->room, "\r\nContent-Length: ");
    if (length == NULL || length > end) return 0;
    size_t whole = (size_t)(end - client->room) + 4 + strtoul(&length[18], NULL, 10);
    return whole <= client->filled_bytes ? whole : 0;
}

/* Whether the connection goes on: the server has not said otherwise, and there is more to ask. */
static bool goes_on(const struct crowd *crowd, const struct client *client)
{
    const char *close_word = strcasestr(client->room, "\r\nConnection: close");
    const char *end = strstr(client->room, "\r\n\r\n");
    bool closes = close_word != NULL && close_word < end;
    return !closes && !crowd->ending && client->asked < crowd->wish->requests;
}

static void client_answered(struct crowd *crowd, struct client *client)
{
    if (strncmp(client->room, "HTTP/1.1 200", 12) == 0) {
        crowd->outcome.answers++;
    } else {
        crowd->outcome.others++;
    }
    if (goes_on(crowd, client)) {
        client_ask(crowd, client);
    } else {
        client_free(crowd, client);
    }
}

static void client_read(struct crowd *crowd, struct client *client)
{
    size_t left_bytes = CLIENT_ROOM - 1 - client->filled_bytes;
    ssize_t got = recv(client->descriptor, &client->room[client->filled_bytes], left_bytes, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) {
        client_fail(crowd, client, errno);
    } else if (got == 0) {
        client_end(crowd, client);
    } else {
        client->filled_bytes += (size_t)got;
        if (answer_bytes(client) > 0) client_answered(crowd, client);
    }
}

void client_notice(struct crowd *crowd, struct client *client, uint32_t events)
{
    (void)events;
    if (client->state == CLIENT_CONNECTING) {
        client_connected(crowd, client);
    } else if (client->state == CLIENT_ASKING) {
        client_read(crowd, client);
    }
}
