/* virtio_pci_sim_test.c - what the driver writes to a device's structures, and where (virtio 1.2,
 * 4.1.4): over pages of memory, which keep what was written last to each register.
 *
 * A register that answers for another one, as those behind a selection do, memory cannot be: that
 * is seen under QEMU (target/monitor/test/run).
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_pci.h"

#include "base/units.h"
#include "test/test.h"

static _Alignas(8) uint8_t common[MACHINE_PCI_COMMON_BYTES];
static _Alignas(8) uint8_t notify[64];
static uint8_t configuration[24];
static struct machine_pci places;
static struct machine_device said;
static struct virtio_device device;

/* By offset and width, as the table of 4.1.4.3 has them. */
static uint64_t at(size_t offset_bytes, size_t length_bytes)
{
    uint64_t value = 0;
    (void)span_copy(SPAN_OF(value), view_slice(VIEW_OF(common), offset_bytes, length_bytes));
    return value;
}

static void put_16(size_t offset_bytes, uint16_t value)
{
    (void)span_copy(span_from_offset(SPAN_OF(common), offset_bytes), VIEW_OF(value));
}

static void tell_places(void)
{
    (void)span_copy(SPAN_OF(said.config), VIEW_OF(places));
}

static void open_device(void)
{
    span_fill(SPAN_OF(common), 0);
    span_fill(SPAN_OF(notify), 0xff);
    said = (struct machine_device){ .kind = MACHINE_NET,
                                    .transport = MACHINE_PCI,
                                    .queue_count = 2,
                                    .name = "net",
                                    .registers = (uintptr_t)common };
    places = (struct machine_pci){ .notify = (uintptr_t)notify,
                                   .device = (uintptr_t)configuration,
                                   .notify_bytes = sizeof notify,
                                   .notify_multiplier = 4,
                                   .device_bytes = sizeof configuration,
                                   .vector = 3 };
    device = (struct virtio_device){ .transport = &virtio_pci, .said = &said };
    tell_places();
}

/* 4.1.4.3: the features are read and written in halves, the upper one last here. */
TEST(pci_agrees_on_features)
{
    open_device();
    put_16(4, 0x8001);
    expect_that(virtio_pci.offered(&device), ==, 0x800100008001);
    expect_that(at(0, 4), ==, 1);
    expect(virtio_pci.accept(&device, 0x1234500000678));
    expect_that(at(8, 4), ==, 1);
    expect_that(at(12, 4), ==, 0x12345);
    expect_that(at(16, 2), ==, 3);         /* config_msix_vector */
    expect_that(at(20, 1), ==, 1 | 2 | 8); /* ACKNOWLEDGE, DRIVER, FEATURES_OK (2.1) */
    expect_that(said.accepted, ==, 0x1234500000678);
    expect_that(said.status, ==, 0);
}

/* 4.1.5.1.3, and 3.1.1: DRIVER_OK is the last thing. */
TEST(pci_gives_a_queue_its_place)
{
    const struct machine_queue place = { .descriptors = 0x1122334455660000,
                                         .available = 0x2233445566770000,
                                         .used = 0x3344556677880000,
                                         .size = 256 };
    open_device();
    put_16(24, 1024);
    put_16(30, 5);
    expect_that(virtio_pci.queue_size_max(&device, 1), ==, 1024);
    virtio_pci.set_queue(&device, 1, &place);
    expect_that(at(22, 2), ==, 1);
    expect_that(at(24, 2), ==, 256);
    expect_that(at(26, 2), ==, 3); /* queue_msix_vector */
    expect_that(at(28, 2), ==, 1);
    expect_that(at(32, 8), ==, place.descriptors);
    expect_that(at(40, 8), ==, place.available);
    expect_that(at(48, 8), ==, place.used);
    expect_that(at(20, 1), ==, 0);
    expect_that(said.queues[1].used, ==, place.used);
    virtio_pci.start(&device);
    expect_that(at(20, 1), ==, 1 | 2 | 4 | 8);
    expect_that(said.status, ==, MACHINE_DEVICE_READY);
    expect(!device.is_broken);
}

/* 4.1.4.4: at queue_notify_off times the multiplier, in two bytes, the queue's index. */
TEST(pci_notifies_where_the_queue_wants_it)
{
    const struct machine_queue place = { .size = 8 };
    const uint8_t wanted[] = { 0xff, 0xff, 1, 0, 0xff, 0xff };
    open_device();
    put_16(24, 8);
    put_16(30, 5);
    virtio_pci.set_queue(&device, 1, &place);
    virtio_pci.notify(&device, 1);
    expect_view(view_slice(VIEW_OF(notify), 18, 6), VIEW_OF(wanted));
    /* A multiplier of 0: one register for all. */
    open_device();
    places.notify_multiplier = 0;
    tell_places();
    put_16(24, 8);
    put_16(30, 0xffff);
    virtio_pci.set_queue(&device, 1, &place);
    virtio_pci.notify(&device, 1);
    expect_that(device.notify_places[1], ==, (uintptr_t)notify);
    expect(!device.is_broken && notify[0] == 1 && notify[1] == 0);
}

static void expect_not_started(const struct machine_queue *place)
{
    tell_places();
    virtio_pci.set_queue(&device, 0, place);
    virtio_pci.start(&device);
    expect(device.is_broken);
    expect_that(at(28, 2), ==, 0);
    expect_that(at(20, 1), ==, 0);
    expect_that(said.status, ==, 0);
}

/* 4.1.4.4.1: the register of each queue is within the structure. */
TEST(pci_believes_no_notification_that_lies_outside)
{
    const struct machine_queue place = { .size = 8 };
    static const struct {
        uint16_t offset;
        uint32_t multiplier, bytes;
    } rows[] = { { 16, 4, 64 }, { 0xffff, 4, 64 },      { 1, 63, 64 }, { 0xffff, UINT32_MAX, 64 },
                 { 0, 0, 0 },   { 0, UINT32_MAX, 1 },   { 1, 62, 63 }, { 3, 1, 64 },
                 { 1, 64, 64 }, { 0x8000, 0x20000, 64 } };
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        open_device();
        put_16(24, 8);
        put_16(30, rows[i].offset);
        places.notify_multiplier = rows[i].multiplier;
        places.notify_bytes = rows[i].bytes;
        expect_not_started(&place);
    }
    open_device();
    put_16(24, 8);
    put_16(30, 31);
    places.notify_multiplier = 2;
    tell_places();
    virtio_pci.set_queue(&device, 0, &place);
    expect(!device.is_broken);
    expect_that(device.notify_places[0], ==, (uintptr_t)notify + 62);
}

/* 4.1.4.3.1: queue_size is 0 where there is no queue. */
TEST(pci_starts_no_device_that_has_not_the_queue)
{
    const struct machine_queue place = { .size = 256 };
    static const uint16_t sizes[] = { 0, 128, 255 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        open_device();
        put_16(24, sizes[i]);
        expect_not_started(&place);
    }
}

/* What is shorter than its driver's structure ends in zeros: nothing beyond it is read. */
TEST(pci_reads_the_configuration_as_far_as_there_is_one)
{
    uint8_t room[9] = { 0 };
    const uint8_t wanted[] = { 1, 2, 3, 4, 5, 0, 0, 0 };
    open_device();
    for (size_t i = 0; i < sizeof configuration; i++)
        configuration[i] = (uint8_t)(i + 1);
    virtio_pci.read_config(&device, span_first(SPAN_OF(room), 8));
    for (size_t i = 0; i < sizeof room; i++)
        expect_that(room[i], ==, i < 8 ? i + 1 : 0);
    places.device_bytes = 5;
    tell_places();
    virtio_pci.read_config(&device, span_first(SPAN_OF(room), 8));
    expect_view(view_first(VIEW_OF(room), 8), VIEW_OF(wanted));
    places.device_bytes = 0;
    places.device = 8; /* where nothing is */
    tell_places();
    virtio_pci.read_config(&device, span_first(SPAN_OF(room), 8));
    expect_that(room[0], ==, 0);
}

TEST(pci_tells_of_the_generation)
{
    open_device();
    common[21] = 200;
    expect_that(virtio_pci.config_generation(&device), ==, 200);
}

/* What it was agreed upon holds again, and it waits for its queues. */
TEST(pci_resets)
{
    const struct machine_queue place = { .size = 8 };
    open_device();
    device.features = 0x100000001;
    put_16(24, 8);
    virtio_pci.set_queue(&device, 0, &place);
    virtio_pci.start(&device);
    put_16(16, 0xffff);
    expect(virtio_pci.reset(&device));
    expect_that(at(20, 1), ==, 1 | 2 | 8);
    expect_that(at(12, 4), ==, 1);
    expect_that(at(16, 2), ==, 3);
    expect_that(said.status, ==, 0);
    expect_that(said.accepted, ==, device.features);
}
