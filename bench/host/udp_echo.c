/* udp_echo.c - an echo server over UDP as one writes it on Linux: epoll, and bursts by recvmmsg and
 * sendmmsg. The peer of apps/echo.
 *
 *     udp_echo PORT
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST          64
#define DATAGRAM_BYTES 2048
#define BUFFER_BYTES   (4 * 1024 * 1024)

static uint8_t rooms[BURST][DATAGRAM_BYTES];
static struct sockaddr_in peers[BURST];
static struct iovec parts[BURST];
static struct mmsghdr messages[BURST];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void messages_ready(void)
{
    for (size_t i = 0; i < BURST; i++) {
        parts[i] = (struct iovec){ rooms[i], sizeof rooms[i] };
        messages[i].msg_hdr = (struct msghdr){ .msg_name = &peers[i],
                                               .msg_namelen = sizeof peers[i],
                                               .msg_iov = &parts[i],
                                               .msg_iovlen = 1 };
    }
}

/* As many bursts as there are; then it is time to wait again. */
static void echo_all(int port)
{
    for (;;) {
        messages_ready();
        int received = recvmmsg(port, messages, BURST, MSG_DONTWAIT, NULL);
        if (received < 0 && errno == EAGAIN) return;
        if (received < 0) fail("recvmmsg");
        for (int i = 0; i < received; i++)
            parts[i].iov_len = messages[i].msg_len;
        for (int sent = 0; sent < received;) {
            int more = sendmmsg(port, messages + sent, (unsigned)(received - sent), 0);
            if (more <= 0) break; /* what a socket has no room for is lost */
            sent += more;
        }
        if (received < BURST) return;
    }
}

int main(int count, char *words[])
{
    if (count != 2) {
        fputs("udp_echo: PORT\n", stderr);
        return 2;
    }
    const int buffer_bytes = BUFFER_BYTES;
    struct sockaddr_in local = { .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtoul(words[1], NULL, 10)) };
    int port = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(port, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(port, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    if (port < 0 || bind(port, (struct sockaddr *)&local, sizeof local) != 0) fail("bind");
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, port, &event) != 0) fail("epoll");
    for (;;) {
        if (epoll_wait(poll, &event, 1, -1) < 0) fail("epoll_wait");
        echo_all(port);
    }
}
