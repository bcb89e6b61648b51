/* net_listener_suite.c - who attaches to a net in a test.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_listener_suite.h"

#include "target/clock.h"
#include "test/test.h"

static void listener_ready(struct net_user *user)
{
    struct net_listener *listener = CONTAINER_OF(user, struct net_listener, user);
    listener->told_count++;
    waiters_wake_all(&listener->waiters);
}

void net_listener_attach(struct net_listener *listener, struct net *net, size_t packet_count)
{
    *listener = (struct net_listener){ .user.ready = listener_ready };
    expect_ok(packet_pool_open(&listener->pool, packet_count));
    waiters_init(&listener->waiters);
    net_attach(net, &listener->user, &listener->pool);
}

void net_listener_detach(struct net_listener *listener, struct net *net)
{
    net_detach(net);
    packet_pool_close(&listener->pool); /* all are back */
}

struct packet *net_listener_receive(struct net_listener *listener, struct net *net)
{
    struct packet *packet;
    uint64_t soon_ns = clock_monotonic_ns() + 5 * S_NS;
    while (net_receive(net, &packet, 1) == 0)
        expect_ok(waiters_wait(&listener->waiters, "frame", soon_ns));
    return packet;
}

void net_expect_none(struct net *net)
{
    struct packet *packet;
    expect_that(net_receive(net, &packet, 1), ==, 0);
}

void net_expect_bytes(const struct packet *packet, struct view wanted)
{
    static uint8_t copy[PACKET_TOTAL_MAX];
    struct span to = span_first(SPAN_OF(copy), wanted.length_bytes);
    expect_that(packet_total_bytes(packet), ==, wanted.length_bytes);
    packet_copy_out(packet, 0, to);
    expect(view_equal(span_view(to), wanted));
}
