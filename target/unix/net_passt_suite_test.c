/* net_passt_suite_test.c - the conformance suite of nets over a stream of frames; the other end is
 * the test.
 *
 * SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net_suite.h"
#include "target/unix/net_passt.h"

static struct net_passt passt;
static int other = -1;

/* What came and is not collected yet. */
static uint8_t came[1 << 20];
static size_t came_bytes;

static struct net *fixture_open(struct net_fixture *fixture, struct net **far)
{
    int ends[2];
    const struct net_passt_options options = { .mtu_bytes = NET_PASST_MTU,
                                               .mac = { { 2, 0, 0, 0, 0, 1 } } };
    (void)fixture;
    (void)far;
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    other = ends[0];
    came_bytes = 0;
    expect_ok(net_passt_open(&passt, ends[1], &options));
    return &passt.net;
}

static void fixture_close(struct net_fixture *fixture)
{
    (void)fixture;
    net_passt_close(&passt);
    expect(close(other) == 0);
}

static void fixture_inject(struct net_fixture *fixture, struct view frame)
{
    static uint8_t copy[4 + UINT16_MAX];
    uint32_t length = htonl((uint32_t)frame.length_bytes);
    (void)fixture;
    (void)span_copy(span_copy(SPAN_OF(copy), VIEW_OF(length)), frame);
    size_t whole = 4 + frame.length_bytes;
    expect(send(other, copy, whole, 0) == (ssize_t)whole);
}

static size_t fixture_collect(struct net_fixture *fixture, struct span room)
{
    uint32_t length = 0;
    (void)fixture;
    if (came_bytes < sizeof came) {
        ssize_t more = recv(other, &came[came_bytes], sizeof came - came_bytes, 0);
        if (more > 0) came_bytes += (size_t)more;
    }
    if (came_bytes < sizeof length) return 0;
    memcpy(&length, came, sizeof length);
    length = ntohl(length);
    if (came_bytes < sizeof length + length) return 0;
    (void)span_copy(room, view_from(&came[sizeof length], length));
    came_bytes -= sizeof length + length;
    memmove(came, &came[sizeof length + length], came_bytes);
    return length;
}

static struct net_fixture fixture = { .open = fixture_open,
                                      .close = fixture_close,
                                      .inject = fixture_inject,
                                      .collect = fixture_collect,
                                      .held_frames_max = 64 };

NET_SUITE(net_passt, &fixture)
