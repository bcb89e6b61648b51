/* net_ring_suite.c - cases for every net: full rings, `ready`, attaching and detaching.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_check.h"
#include "net/net_suite.h"

#define FRAMES_MAX 3000 /* of the pool's buffers; no ring of a test is longer */
#define BYTES      100

static uint8_t scratch[UINT16_MAX];

static void inject(struct net_world *world, uint32_t number)
{
    net_suite_inject(world, net_suite_frame(world, false, number, BYTES, SPAN_OF(scratch)));
}

/* ---- a full ring ---- */

/* Sends until a frame is refused, gives it, and counts those that were not. */
static struct packet *fill_ring(struct net_world *world, uint32_t *count)
{
    for (*count = 0; *count < FRAMES_MAX; ++*count) {
        struct packet *packet = net_suite_packet(world, *count, BYTES);
        if (net_send(world->near.net, &packet, 1) == 0) return packet;
    }
    test_fail(__FILE__, __LINE__, "the ring took %u frames and is not full", *count);
}

static size_t ready_count_before;

static bool was_told(struct net_world *world)
{
    return world->near.ready_count > ready_count_before;
}

static void hold_back(struct net_world *world, bool holds_back)
{
    if (world->other != NULL) world->other->holds_back = holds_back;
}

void net_case_full_ring_holds_up(struct net_fixture *fixture)
{
    if (fixture->never_full != NULL) test_skip(fixture->never_full);
    struct net_world *world = net_suite_open(fixture);
    uint32_t count;
    hold_back(world, true);
    struct packet *refused = fill_ring(world, &count);
    expect_that(count, >=, fixture->held_frames_max);
    expect_that(refused->payload.references, ==, 1);
    ready_count_before = world->near.ready_count;
    hold_back(world, false);
    for (uint32_t number = 0; number < count; number++)
        net_suite_expect_sent(world, number, BYTES);
    expect(net_suite_wait(world, was_told));
    expect_that(net_send(world->near.net, &refused, 1), ==, 1);
    net_suite_expect_sent(world, count, BYTES);
    net_suite_close(world);
}

/* ---- ready ---- */

static bool was_told_often(struct net_world *world)
{
    return world->near.ready_count >= ready_count_before + 5;
}

static void take_one(struct net_world *world, uint32_t number)
{
    struct packet *packet;
    expect_that(net_receive(world->near.net, &packet, 1), ==, 1);
    net_queue_put(&world->near.received, packet);
    net_suite_expect_received(world, number, BYTES);
}

void net_case_ready_as_long_as_frames_wait(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    /* What a host sends of its own when its interface comes up is out of the way first. */
    net_suite_be_quiet();
    world->near.holds_back = true;
    for (uint32_t number = 1; number <= 3; number++)
        inject(world, number);
    for (uint32_t number = 1; number <= 2; number++) {
        ready_count_before = world->near.ready_count;
        expect(net_suite_wait(world, was_told_often));
        take_one(world, number);
    }
    world->near.holds_back = false;
    net_suite_expect_received(world, 3, BYTES);
    ready_count_before = world->near.ready_count;
    net_suite_be_quiet();
    expect_that(world->near.ready_count, <=, ready_count_before + 8);
    net_suite_close(world);
}

void net_case_ready_may_send(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    if (world->other == &world->near) {
        net_suite_close(world);
        test_skip("what is sent comes back to its sender");
    }
    if (world->near.net->link != NET_ETHERNET) {
        net_suite_close(world);
        test_skip("an echo needs Ethernet addresses");
    }
    world->near.echoes = true;
    for (uint32_t round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < 10; i++)
            inject(world, round * 10 + i);
        for (uint32_t i = 0; i < 10; i++)
            net_suite_expect_sent(world, round * 10 + i, BYTES);
    }
    net_suite_close(world);
}

/* ---- attaching and detaching ---- */

static struct net_loan loan;

/* Collects until the frame with that number comes: what was under way before is of no matter. */
static void expect_sent_at_last(struct net_world *world, uint32_t number)
{
    static uint8_t wanted[UINT16_MAX];
    for (;;) {
        struct view frame = net_suite_collect(world, SPAN_OF(scratch));
        struct view ours = net_suite_frame(world, true, number, BYTES, SPAN_OF(wanted));
        if (view_equal(frame, ours)) return;
    }
}

void net_case_detach_gives_all_back(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    struct net_station *near = &world->near;
    net_suite_lend(&loan);
    for (unsigned round = 0; round < 3; round++) {
        hold_back(world, true);
        for (uint32_t number = 0; number < 16; number++) {
            struct packet *packet = net_suite_packet(world, number, BYTES);
            packet_borrow(packet, view_first(VIEW_OF(loan.bytes), 400), &loan.payload);
            if (net_send(near->net, &packet, 1) == 0) packet_drop(packet);
        }
        if (round > 0) (void)fiber_sleep(MS_NS);
        net_queue_drop_all(&near->received);
        net_detach(near->net);
        expect_that(loan.payload.references, ==, 1);
        expect_that(near->pool.free_count, ==, near->pool.count);
        net_attach(near->net, &near->user, &near->pool);
        hold_back(world, false);
        net_suite_send(world, 100 + round, BYTES);
        expect_sent_at_last(world, 100 + round);
    }
    net_suite_close(world);
}

void net_case_detached_it_drops(struct net_fixture *fixture)
{
    struct net_world *world = net_suite_open(fixture);
    struct net_station *near = &world->near;
    if (world->other == near) {
        net_suite_close(world);
        test_skip("what is sent comes back to its sender");
    }
    net_detach(near->net);
    for (uint32_t number = 1; number <= 3; number++)
        inject(world, number);
    net_suite_be_quiet();
    net_attach(near->net, &near->user, &near->pool);
    inject(world, 4);
    net_suite_expect_received(world, 4, BYTES);
    net_suite_close(world);
}
