/* virtio_mmio_sim_test.c - what the driver writes to a device's registers, and where (virtio 1.2,
 * 4.2.2): over a page of memory, which keeps what was written last to each.
 *
 * A register that answers for another one, as those behind a selection do, memory cannot be: that
 * is seen under QEMU (target/monitor/test/run).
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_mmio.h"

#include "base/units.h"
#include "test/test.h"

static _Alignas(MACHINE_PAGE_BYTES) uint32_t registers[MACHINE_PAGE_BYTES / sizeof(uint32_t)];
static struct machine_device said;
static struct virtio_device device;

/* By the offset, as the table of 4.2.2 has it. */
static uint32_t *at(size_t offset_bytes)
{
    return &registers[offset_bytes / sizeof registers[0]];
}

static void open_device(void)
{
    span_fill(SPAN_OF(registers), 0);
    said = (struct machine_device){ .kind = MACHINE_BLOCK,
                                    .transport = MACHINE_MMIO,
                                    .queue_count = 1,
                                    .name = "disk",
                                    .registers = (uintptr_t)registers };
    device = (struct virtio_device){ .transport = &virtio_mmio, .said = &said };
}

/* 4.2.2: the features are read and written in halves, the upper one last here. */
TEST(mmio_agrees_on_features)
{
    open_device();
    *at(0x010) = 0x8001;
    expect_that(virtio_mmio.offered(&device), ==, 0x800100008001);
    expect_that(*at(0x014), ==, 1);
    expect(virtio_mmio.accept(&device, 0x1234500000678));
    expect_that(*at(0x020), ==, 0x12345);
    expect_that(*at(0x024), ==, 1);
    expect_that(*at(0x070), ==, 1 | 2 | 8); /* ACKNOWLEDGE, DRIVER, FEATURES_OK (2.1) */
    expect_that(said.accepted, ==, 0x1234500000678);
    expect_that(said.status, ==, 0);
}

/* 4.2.3.2, and 3.1.1: DRIVER_OK is the last thing. */
TEST(mmio_gives_a_queue_its_place)
{
    const struct machine_queue place = { .descriptors = 0x1122334455660000,
                                         .available = 0x2233445566770000,
                                         .used = 0x3344556677880000,
                                         .size = 256 };
    open_device();
    *at(0x030) = 7;
    *at(0x034) = 256;
    virtio_mmio.set_queue(&device, 1, &place);
    expect_that(*at(0x030), ==, 1);
    expect_that(*at(0x038), ==, 256);
    expect(*at(0x080) == 0x55660000 && *at(0x084) == 0x11223344);
    expect(*at(0x090) == 0x66770000 && *at(0x094) == 0x22334455);
    expect(*at(0x0a0) == 0x77880000 && *at(0x0a4) == 0x33445566);
    expect_that(*at(0x044), ==, 1);
    expect_that(*at(0x070), ==, 0);
    expect_that(said.queues[1].used, ==, place.used);
    virtio_mmio.start(&device);
    expect_that(*at(0x070), ==, 1 | 2 | 4 | 8);
    expect_that(said.status, ==, MACHINE_DEVICE_READY);
    virtio_mmio.notify(&device, 1);
    expect_that(*at(0x050), ==, 1);
}

/* 4.2.2.2: no more than QueueNumMax, which is 0 where there is no queue. */
TEST(mmio_starts_no_device_that_has_not_the_queue)
{
    const struct machine_queue place = { .size = 256 };
    static const uint32_t sizes[] = { 0, 128, 255 };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        open_device();
        *at(0x034) = sizes[i];
        virtio_mmio.set_queue(&device, 0, &place);
        virtio_mmio.start(&device);
        expect(device.is_broken);
        expect_that(*at(0x044), ==, 0);
        expect_that(*at(0x070), ==, 0);
        expect_that(said.status, ==, 0);
    }
}

TEST(mmio_reads_the_configuration_as_far_as_it_is_wanted)
{
    uint8_t room[9];
    open_device();
    for (size_t i = 0; i < MACHINE_CONFIG_BYTES; i++)
        (void)span_copy(span_from_offset(SPAN_OF(registers), 0x100 + i),
                        view_from(&(uint8_t){ (uint8_t)(i + 1) }, 1));
    virtio_mmio.read_config(&device, span_first(SPAN_OF(room), 8));
    for (size_t i = 0; i < 8; i++)
        expect_that(room[i], ==, i + 1);
}

/* 4.2.2.2 has any length there, 2.7 none but powers of two; what is wanted is the most. */
TEST(mmio_queues_are_as_long_as_the_device_has_them)
{
    static const struct {
        uint32_t has;
        uint16_t wanted, size;
    } cases[] = {
        { 1024, 256, 256 }, { 256, 256, 256 }, { 255, 256, 128 }, { 4, 256, 4 },
        { 3, 256, 2 },      { 1, 2, 1 },       { 0, 256, 0 },     { UINT32_MAX, 64, 64 }
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        open_device();
        *at(0x034) = cases[i].has;
        expect_that(virtio_device_queue_size(&device, 1, cases[i].wanted), ==, cases[i].size);
        expect_that(*at(0x030), ==, 1);
    }
}

/* 4.2.2.2: what ConfigGeneration says is compared with what it said before. */
TEST(mmio_tells_that_the_configuration_has_changed)
{
    open_device();
    *at(0x0fc) = 3;
    expect(virtio_device_config_changed(&device));
    expect(!virtio_device_config_changed(&device));
    *at(0x0fc) = 4;
    expect(virtio_device_config_changed(&device));
    expect(!virtio_device_config_changed(&device));
}

/* What it was agreed upon holds again, and it waits for its queues. */
TEST(mmio_resets)
{
    const struct machine_queue place = { .size = 8 };
    open_device();
    device.features = 0x100000001;
    *at(0x034) = 8;
    virtio_mmio.set_queue(&device, 0, &place);
    virtio_mmio.start(&device);
    expect(virtio_mmio.reset(&device));
    expect_that(*at(0x070), ==, 1 | 2 | 8);
    expect_that(*at(0x020), ==, 1);
    expect_that(said.status, ==, 0);
    expect_that(said.accepted, ==, device.features);
}
