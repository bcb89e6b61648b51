/* net_virtio_link_sim_test.c - a network card whose link goes down and comes up, and one whose
 * rings are shorter than ours would be.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_frames.h"
#include "net/net_listener_suite.h"
#include "target/clock.h"
#include "target/virtio/card_suite.h"
#include "target/virtio/net_virtio.h"
#include "target/virtio/virtio_mmio.h"
#include "test/test.h"

#define ALL \
    (VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CSUM | \
     VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_HOST_TSO4)

static struct card_suite card;
static struct net_virtio net;
static struct net_listener listener;
static struct machine_device_suite *const devices[] = { &card.device };

static void open_card(uint64_t offered)
{
    card_suite_init(&card, offered, 1500);
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_ok(net_virtio_open(&net, VIEW("net")));
    net_listener_attach(&listener, &net.net, 512);
}

static void close_card(void)
{
    net_listener_detach(&listener, &net.net);
    net_virtio_close(&net);
    machine_suite_close();
}

/* ---- the link ---- */

/* virtio 1.2, 5.1.4.2: within a second or so, and told once. */
TEST(a_link_that_goes_down_is_told)
{
    open_card(ALL);
    expect(!net.net.is_down);
    for (unsigned round = 1; round <= 6; round++) {
        size_t before = listener.told_count;
        card_suite_set_link(&card, round % 2 == 0);
        (void)fiber_sleep(VIRTIO_WATCH_NS + MS_NS);
        expect(net.net.is_down == (round % 2 == 1));
        expect_that(listener.told_count, ==, before + 1);
        (void)fiber_sleep(3 * VIRTIO_WATCH_NS);
        expect_that(listener.told_count, ==, before + 1);
    }
    close_card();
}

TEST(a_link_that_is_down_at_first_is_known)
{
    card_suite_init(&card, ALL, 1500);
    card_suite_set_link(&card, false);
    machine_suite_open(devices, LENGTH_OF(devices));
    expect_ok(net_virtio_open(&net, VIEW("net")));
    expect(net.net.is_down);
    net_virtio_close(&net);
    machine_suite_close();
}

/* 5.1.4.2: where the feature is not agreed upon it is up, whatever the field says. */
TEST(a_card_that_tells_of_no_link_has_one)
{
    open_card(ALL & ~VIRTIO_NET_F_STATUS);
    card_suite_set_link(&card, false);
    (void)fiber_sleep(3 * VIRTIO_WATCH_NS);
    expect(!net.net.is_down);
    expect(net.watch.device == NULL);
    close_card();
}

/* A machine that nothing wakes looks no more than once; a wake-up makes it look again, at once or,
 * if it has looked just now, by an alarm, for which the loop does not go to sleep before it knows
 * of it (machine_poller.h). */
TEST(a_watch_does_not_wake_who_sleeps)
{
    struct virtio_watch *watch = &net.watch;
    open_card(ALL);
    machine_suite_stop_turns();
    (void)fiber_sleep(3 * VIRTIO_WATCH_NS);
    expect(!machine_suite_arm());
    uint64_t looked_ns = watch->next_ns;
    (void)fiber_sleep(3 * VIRTIO_WATCH_NS);
    expect_that(watch->next_ns, ==, looked_ns);
    expect(!machine_suite_arm());
    expect_that(watch->next_ns, >, looked_ns);
    expect(!timer_is_running(&watch->alarm.timer));

    looked_ns = watch->next_ns;
    expect(machine_suite_arm()); /* it has slept, but shortly */
    expect(timer_is_running(&watch->alarm.timer));
    expect(machine_suite_poll());
    expect(!machine_suite_poll() && !machine_suite_arm());
    (void)fiber_sleep(VIRTIO_WATCH_NS + MS_NS);
    expect_that(watch->next_ns, >, looked_ns);
    expect(!timer_is_running(&watch->alarm.timer));
    looked_ns = watch->next_ns;
    expect(!machine_suite_arm() && !timer_is_running(&watch->alarm.timer));
    expect_that(watch->next_ns, ==, looked_ns);
    close_card();
}

/* ---- short rings ---- */

#define SHORT 16

/* The card behind registers, which are a page of memory: what it offers is the same in both halves,
 * and of the upper one the driver knows only bit 0, VIRTIO_F_VERSION_1, where CSUM is in the lower.
 */
static void present_registers(uint64_t offered, uint16_t mtu_bytes, uint32_t queue_size_max)
{
    static _Alignas(MACHINE_PAGE_BYTES) uint32_t registers[MACHINE_PAGE_BYTES / sizeof(uint32_t)];
    card_suite_init(&card, offered, mtu_bytes);
    span_fill(SPAN_OF(registers), 0);
    registers[0x010 / sizeof registers[0]] = (uint32_t)offered;
    registers[0x034 / sizeof registers[0]] = queue_size_max;
    (void)span_copy(span_from_offset(SPAN_OF(registers), 0x100), VIEW_OF(card.device.said.config));
    card.device.said.transport = MACHINE_MMIO;
    card.device.said.registers = (uintptr_t)registers;
    machine_suite_open(devices, LENGTH_OF(devices));
    expect(virtio_mmio.notify != NULL); /* linked in: the driver would do without */
}

/* A frame in so many parts of one byte each behind its head. */
static struct packet *frame_in_parts(size_t part_count)
{
    static uint8_t bytes[256];
    struct packet *packet = packet_take(&listener.pool, PACKET_FOR_DATA);
    const struct net_frame frame = { .flags = NET_TCP_ACK, .hop_limit = 64 };
    (void)span_copy(packet_put(packet, net_frame_head_bytes(&frame)),
                    net_frame_write(&frame, SPAN_OF(bytes)));
    for (size_t i = 0; i < part_count; i++) {
        bytes[128 + i] = (uint8_t)(i + 1);
        packet_borrow(packet, view_slice(VIEW_OF(bytes), 128 + i, 1), NULL);
    }
    return packet;
}

/* virtio 1.2, 2.7: rings are as long as the device has them. One that is too short for segments is
 * agreed upon without them, and what has too many parts for it goes as a copy. */
TEST(a_card_with_short_rings_is_used)
{
    static uint8_t room[256];
    struct virtio_net_header header;
    present_registers(ALL | VIRTIO_NET_F_MRG_RXBUF, 1500, SHORT);
    expect_ok(net_virtio_open(&net, VIEW("net")));
    net_listener_attach(&listener, &net.net, 512);
    expect_that(net.net.offloads, ==, NET_SENDS_CHECKSUMS | NET_RECEIVES_CHECKSUMS);
    expect_that(card.device.said.queues[0].size, ==, SHORT);
    expect_that(card.device.said.queues[1].size, ==, SHORT);
    for (size_t parts = 0; parts <= PACKET_FRAGMENTS_MAX; parts++) {
        struct packet *packet = frame_in_parts(parts);
        size_t head_bytes = packet->length_bytes;
        expect_that(net_send(&net.net, &packet, 1), ==, 1);
        expect_that(card_suite_collect(&card, &header, SPAN_OF(room)), ==, head_bytes + parts);
        for (size_t i = 0; i < parts; i++)
            expect_that(room[head_bytes + i], ==, (uint8_t)(i + 1));
    }
    expect_that(net.net.statistics.send_errors, ==, 0);
    struct packet *received;
    card_suite_inject(&card, &(const struct virtio_net_header){ 0 }, VIEW_OF(room));
    received = net_listener_receive(&listener, &net.net);
    net_expect_bytes(received, VIEW_OF(room));
    packet_drop(received);
    close_card();
}

/* Without a ring, or with one that no frame fits into. */
TEST(a_card_without_rings_is_refused)
{
    for (uint32_t size = 0; size < 2; size++) {
        present_registers(ALL, 9000, size);
        expect_result(net_virtio_open(&net, VIEW("net")), UNSUPPORTED);
        machine_suite_close();
    }
}
