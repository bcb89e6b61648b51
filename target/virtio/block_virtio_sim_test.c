/* block_virtio_sim_test.c - the conformance suite over a disk of the machine, as the virtio device
 * has it: with all features, with none, and with one part a request; and devices that lie.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/block_virtio.h"

#include "block/block_suite.h"
#include "target/virtio/machine_suite.h"
#include "target/virtio/virtio_mmio.h"

#define SECTOR ((size_t)VIRTIO_BLOCK_SECTOR_BYTES)

/* ---- a device that behaves, unless it is told not to ---- */

enum lie {
    LIE_NONE,
    LIE_STATUS,     /* it fails */
    LIE_NO_STATUS,  /* it writes none */
    LIE_SHORT,      /* it says that it has written one byte less */
    LIE_TOO_LONG,   /* and more than there is room for */
    LIE_HEAD,       /* gives back what it was not given */
    LIE_TWICE,      /* gives back what it has given back */
    LIE_NEVER_DONE, /* gives nothing back */
};

static struct {
    struct machine_device_suite base;
    struct queue_suite queue;
    enum lie lie;
    size_t requests, flushes, ranges, zeroes, longest_parts, longest_part_bytes;
    struct span bytes;
} device;

static uint8_t storage[(BLOCK_SUITE_BLOCKS + 1) * 4096];
static struct block_virtio disk;

static bool is_within(uint64_t sector, size_t length_bytes)
{
    return sector <= device.bytes.length_bytes / SECTOR &&
           length_bytes <= device.bytes.length_bytes - sector * SECTOR;
}

static size_t read_disk(const struct chain_suite *chain, uint64_t sector)
{
    size_t written_bytes = 0;
    for (size_t i = 0; i + 1 < chain->writable_count; i++) {
        struct span part = chain->writable[i];
        expect(is_within(sector, part.length_bytes));
        struct view from = view_slice(span_view(device.bytes), sector * SECTOR, part.length_bytes);
        (void)span_copy(part, from);
        sector += part.length_bytes / SECTOR;
        written_bytes += part.length_bytes;
    }
    return written_bytes;
}

static void write_disk(const struct chain_suite *chain, uint64_t sector)
{
    for (size_t i = 1; i < chain->readable_count; i++) {
        struct view part = chain->readable[i];
        expect(is_within(sector, part.length_bytes));
        (void)span_copy(span_from_offset(device.bytes, sector * SECTOR), part);
        sector += part.length_bytes / SECTOR;
    }
}

static void discard_disk(const struct chain_suite *chain, uint32_t flags)
{
    struct virtio_block_range ranges[BLOCK_VIRTIO_RANGES_MAX];
    expect_that(chain->readable_count, ==, 2);
    struct view said = chain->readable[1];
    (void)span_copy(SPAN_OF(ranges), said);
    for (size_t i = 0; i < said.length_bytes / sizeof ranges[0]; i++) {
        size_t length_bytes = ranges[i].sector_count * SECTOR;
        expect(ranges[i].flags == flags && is_within(ranges[i].sector, length_bytes));
        span_fill(
            span_first(span_from_offset(device.bytes, ranges[i].sector * SECTOR), length_bytes), 0);
        device.ranges++;
    }
}

static void note_parts(const struct chain_suite *chain)
{
    size_t *longest_bytes = &device.longest_part_bytes;
    for (size_t i = 1; i < chain->readable_count; i++)
        *longest_bytes = MAX(*longest_bytes, chain->readable[i].length_bytes);
    for (size_t i = 0; i + 1 < chain->writable_count; i++)
        *longest_bytes = MAX(*longest_bytes, chain->writable[i].length_bytes);
}

static size_t carry_out(const struct chain_suite *chain)
{
    struct virtio_block_request said;
    expect_that(chain->readable[0].length_bytes, ==, sizeof said);
    (void)span_copy(SPAN_OF(said), chain->readable[0]);
    size_t parts = chain->readable_count + chain->writable_count - 2;
    note_parts(chain);
    device.requests++;
    if (said.type == VIRTIO_BLOCK_READ) return read_disk(chain, said.sector);
    if (said.type == VIRTIO_BLOCK_DISCARD) discard_disk(chain, 0);
    if (said.type == VIRTIO_BLOCK_WRITE_ZEROES) {
        discard_disk(chain, VIRTIO_BLOCK_UNMAP);
        device.zeroes++;
    }
    if (said.type == VIRTIO_BLOCK_FLUSH) device.flushes++;
    if (said.type == VIRTIO_BLOCK_WRITE) write_disk(chain, said.sector);
    if (parts > device.longest_parts) device.longest_parts = parts;
    expect(said.type != VIRTIO_BLOCK_FLUSH || (device.base.said.offered & VIRTIO_BLK_F_FLUSH) != 0);
    return 0;
}

static void answer(const struct machine_queue *place, const struct chain_suite *chain)
{
    size_t written_bytes = carry_out(chain) + 1;
    struct span status = chain->writable[chain->writable_count - 1];
    expect_that(status.length_bytes, ==, 1);
    if (device.lie != LIE_NO_STATUS)
        status.bytes[0] = device.lie == LIE_STATUS ? VIRTIO_BLOCK_FAILED : VIRTIO_BLOCK_OK;
    if (device.lie == LIE_SHORT) written_bytes--;
    if (device.lie == LIE_TOO_LONG) written_bytes++;
    uint32_t head = device.lie == LIE_HEAD ? chain->head ^ 128u : chain->head;
    queue_suite_give(&device.queue, place, head, (uint32_t)written_bytes);
    if (device.lie == LIE_TWICE)
        queue_suite_give(&device.queue, place, head, (uint32_t)written_bytes);
}

static void device_serve(struct machine_device_suite *base)
{
    const struct machine_queue *place = &base->said.queues[0];
    static struct chain_suite chain;
    while (device.lie != LIE_NEVER_DONE && queue_suite_take(&device.queue, place, &chain))
        answer(place, &chain);
    queue_suite_show(&device.queue, place);
}

static void device_stop(struct machine_device_suite *base)
{
    (void)base;
    device.queue = (struct queue_suite){ 0 };
}

/* ---- opening ---- */

#define ALL \
    (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | \
     VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_DISCARD)

static struct machine_device_suite *const devices[] = { &device.base };

static void present(uint64_t offered, const struct virtio_block_config *config)
{
    device.base = (struct machine_device_suite){
        .said = { .kind = MACHINE_BLOCK, .transport = MACHINE_SHARED, .queue_count = 1 },
        .serve = device_serve,
        .stop = device_stop,
    };
    device.base.said.offered = offered;
    device.lie = LIE_NONE;
    device.queue = (struct queue_suite){ 0 };
    device.requests = device.flushes = device.ranges = device.zeroes = 0;
    device.longest_parts = device.longest_part_bytes = 0;
    (void)span_copy(SPAN_OF(device.base.said.name), VIEW("block0"));
    (void)span_copy(SPAN_OF(device.base.said.config), VIEW_OF(*config));
    device.bytes = span_first(SPAN_OF(storage), config->capacity_sectors * SECTOR);
    machine_suite_open(devices, 1);
}

static struct block *open_with(uint64_t offered, const struct virtio_block_config *config)
{
    present(offered, config);
    expect_ok(block_virtio_open(&disk, VIEW("block0")));
    return &disk.block;
}

static struct block *open_full(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_with(ALL, &(struct virtio_block_config){ .capacity_sectors = block_count,
                                                         .parts_max = 126,
                                                         .block_bytes = 512,
                                                         .discard_sectors_max = 17,
                                                         .discard_ranges_max = 3 });
}

static struct block *open_large(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_with(ALL, &(struct virtio_block_config){ .capacity_sectors = block_count * 8 + 7,
                                                         .parts_max = 10,
                                                         .block_bytes = 4096,
                                                         .discard_sectors_max = UINT32_MAX,
                                                         .discard_ranges_max = 1 });
}

/* 5.2.3: no feature at all is a device that knows reads and writes of one part. */
static struct block *open_bare(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_with(VIRTIO_F_VERSION_1,
                     &(struct virtio_block_config){ .capacity_sectors = block_count });
}

/* The same behind registers, which are a page of memory: a ring of eight, one after the other out
 * of which a request of a mebibyte in 64 parts goes. */
static struct block *open_short(struct block_fixture *fixture, uint64_t block_count)
{
    static _Alignas(MACHINE_PAGE_BYTES) uint32_t registers[MACHINE_PAGE_BYTES / sizeof(uint32_t)];
    const uint32_t offered = (uint32_t)(VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX);
    (void)fixture;
    present(offered, &(struct virtio_block_config){ .capacity_sectors = block_count,
                                                    .part_bytes_max = 65535,
                                                    .parts_max = 126 });
    span_fill(SPAN_OF(registers), 0);
    /* Bit 0 of the upper half is VIRTIO_F_VERSION_1; of the lower nobody asks for it. */
    registers[0x010 / sizeof registers[0]] = offered | 1;
    registers[0x034 / sizeof registers[0]] = 8;
    (void)span_copy(span_from_offset(SPAN_OF(registers), 0x100), VIEW_OF(device.base.said.config));
    device.base.said.transport = MACHINE_MMIO;
    device.base.said.registers = (uintptr_t)registers;
    expect(virtio_mmio.notify != NULL); /* linked in: the driver would do without */
    expect_ok(block_virtio_open(&disk, VIEW("block0")));
    return &disk.block;
}

static struct block *open_tables(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    return open_with(ALL | VIRTIO_F_INDIRECT_DESC | VIRTIO_BLK_F_SIZE_MAX,
                     &(struct virtio_block_config){ .capacity_sectors = block_count,
                                                    .part_bytes_max = 1024,
                                                    .parts_max = 254,
                                                    .block_bytes = 512,
                                                    .discard_sectors_max = 17,
                                                    .discard_ranges_max = 3 });
}

static void close_disk(struct block_fixture *fixture)
{
    (void)fixture;
    block_virtio_close(&disk);
    expect_that(device.base.said.status, ==, 0);
    machine_suite_close();
}

static struct block_fixture full = { .open = open_full, .close = close_disk };
static struct block_fixture large = { .open = open_large, .close = close_disk };
static struct block_fixture bare = { .open = open_bare, .close = close_disk };
static struct block_fixture shortest = { .open = open_short, .close = close_disk };
static struct block_fixture tables = { .open = open_tables, .close = close_disk };

BLOCK_SUITE(block_virtio, &full)
BLOCK_SUITE(block_virtio_4096, &large)
BLOCK_SUITE(block_virtio_bare, &bare)
BLOCK_SUITE(block_virtio_short, &shortest)
BLOCK_SUITE(block_virtio_tables, &tables)

/* ---- what the device is asked for ---- */

TEST(block_virtio_asks_in_as_few_chains_as_it_may)
{
    union block_part parts[20];
    struct block *block = open_large(&large, 64);
    for (size_t i = 0; i < LENGTH_OF(parts); i++) {
        struct span from = span_from_offset(block_suite_room(0), i * 4096);
        parts[i].into = span_first(from, 4096);
    }
    expect_ok(block_write_parts(block, 3, parts, 20, NEVER));
    expect_that(device.requests, ==, 2);
    expect_that(device.longest_parts, ==, 10);
    expect_ok(block_flush(block, NEVER));
    expect_that(device.flushes, ==, 1);
    close_disk(&large);

    block = open_bare(&bare, 64);
    expect_ok(block_flush(block, NEVER));
    expect_ok(block_discard(block, 0, 64, NEVER));
    expect_that(device.requests, ==, 0);
    close_disk(&bare);
}

TEST(block_virtio_discards_in_the_ranges_that_it_may)
{
    struct block *block = open_full(&full, 1024);
    block_suite_write(block, 0, 60, 1);
    expect_ok(block_discard(block, 1, 40, NEVER));
    expect_that(device.ranges, ==, 3);
    block_suite_expect(block, 0, 1, 1);
    block_suite_expect(block, 41, 19, 1);
    expect_ok(block_discard(block, 0, 1024, NEVER));
    expect_that(device.ranges, ==, 6);
    block_suite_expect(block, 51, 9, 1);
    close_disk(&full);
}

/* virtio 1.2, 5.2.4: no part is longer than size_max, and none is of half a sector; seg_max counts
 * what they are cut into. */
TEST(block_virtio_cuts_parts_that_are_too_long)
{
    static const struct {
        uint32_t size_max, parts_max, longest_bytes;
    } cases[] = { { 512, 64, 512 },
                  { 1024, 64, 1024 },
                  { 1500, 4, 1024 },
                  { 65536, 1, 32768 },
                  { UINT32_MAX, 2, 32768 } };
    union block_part parts[2];
    for (size_t i = 0; i < LENGTH_OF(parts); i++)
        parts[i].into = span_first(span_from_offset(block_suite_room(0), i * 32768), 32768);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct block *block = open_with(
            ALL | VIRTIO_BLK_F_SIZE_MAX,
            &(struct virtio_block_config){ .capacity_sectors = 256,
                                           .part_bytes_max = cases[i].size_max,
                                           .parts_max = cases[i].parts_max,
                                           .block_bytes = 512 });
        expect_ok(block_write_parts(block, 3, parts, LENGTH_OF(parts), NEVER));
        expect_that(device.requests, ==,
                    (65536 / cases[i].longest_bytes + cases[i].parts_max - 1) / cases[i].parts_max);
        expect_that(device.longest_part_bytes, ==, cases[i].longest_bytes);
        expect_that(device.longest_parts, <=, cases[i].parts_max);
        close_disk(&full);
    }
    present(ALL | VIRTIO_BLK_F_SIZE_MAX, &(struct virtio_block_config){ .capacity_sectors = 8,
                                                                        .part_bytes_max = 511,
                                                                        .block_bytes = 512 });
    expect_result(block_virtio_open(&disk, VIEW("block0")), INVALID);
    machine_suite_close();
}

/* 5.2.6.2: zeros that may be unmapped are as good as a discard; that may not be, worse than none.
 */
TEST(block_virtio_discards_by_zeroes_where_it_must)
{
    const uint64_t offered = VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_WRITE_ZEROES;
    struct virtio_block_config config = {
        .capacity_sectors = 64,
        .zeroes_sectors_max = 8,
        .zeroes_ranges_max = 2,
        .zeroes_may_unmap = 1,
    };
    struct block *block = open_with(offered, &config);
    block_suite_write(block, 0, 32, 1);
    expect_ok(block_discard(block, 4, 20, NEVER));
    expect_that(device.zeroes, ==, 1);
    expect_that(device.ranges, ==, 2);
    block_suite_expect(block, 0, 4, 1);
    block_suite_expect(block, 20, 12, 1);
    close_disk(&bare);
    config.zeroes_may_unmap = 0;
    block = open_with(offered, &config);
    expect_ok(block_discard(block, 4, 20, NEVER));
    expect_that(device.requests, ==, 0);
    close_disk(&bare);
}

static void set_capacity(uint64_t sectors)
{
    struct virtio_block_config config;
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(device.base.said.config), sizeof config));
    config.capacity_sectors = sectors;
    (void)span_copy(SPAN_OF(device.base.said.config), VIEW_OF(config));
}

/* 5.2.5.2: a disk may grow and shrink while it is used. */
TEST(block_virtio_follows_the_capacity)
{
    struct span room = span_first(block_suite_room(0), 512);
    struct block *block = open_full(&full, 64);
    device.bytes = SPAN_OF(storage);
    expect_result(block_read(block, 64, room, NEVER), INVALID);
    set_capacity(128);
    (void)fiber_sleep(VIRTIO_WATCH_NS + MS_NS);
    expect_that(block->block_count, ==, 128);
    expect_ok(block_read(block, 127, room, NEVER));
    set_capacity(10);
    (void)fiber_sleep(VIRTIO_WATCH_NS + MS_NS);
    expect_result(block_read(block, 10, room, NEVER), INVALID);
    expect_ok(block_read(block, 9, room, NEVER));
    set_capacity(0);
    (void)fiber_sleep(VIRTIO_WATCH_NS + MS_NS);
    expect_result(block_read(block, 0, room, NEVER), INVALID);
    close_disk(&full);
}

TEST(block_virtio_is_read_only_where_the_device_is)
{
    struct span room = span_first(block_suite_room(0), 512);
    struct block *block = open_with(VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_RO,
                                    &(struct virtio_block_config){ .capacity_sectors = 8 });
    expect(block->read_only);
    expect_result(block_write(block, 0, span_view(room), NEVER), DENIED);
    expect_ok(block_read(block, 0, room, NEVER));
    close_disk(&bare);
}

TEST(block_virtio_refuses_what_is_no_disk)
{
    static const struct virtio_block_config wrong[] = {
        { .capacity_sectors = 0, .block_bytes = 512 },
        { .capacity_sectors = 8, .block_bytes = 0 },
        { .capacity_sectors = 8, .block_bytes = 513 },
        { .capacity_sectors = 64, .block_bytes = 8192 },
        { .capacity_sectors = 7, .block_bytes = 4096 },
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        present(ALL, &wrong[i]);
        expect_result(block_virtio_open(&disk, VIEW("block0")), INVALID);
        machine_suite_close();
    }
    present(ALL, &(struct virtio_block_config){ .capacity_sectors = 8, .block_bytes = 512 });
    expect_result(block_virtio_open(&disk, VIEW("other")), NOT_FOUND);
    machine_suite_close();
}

/* ---- devices that lie ---- */

static void expect_lie_fails_reads(enum lie lie)
{
    struct span room = span_first(block_suite_room(0), 1024);
    struct block *block = open_full(&full, 64);
    device.lie = lie;
    expect_result(block_read(block, 3, room, NEVER), FAILED);
    expect(!disk.device.is_broken);
    device.lie = LIE_NONE;
    block_suite_write(block, 3, 2, 1);
    block_suite_expect(block, 3, 2, 1);
    close_disk(&full);
}

TEST(block_virtio_failures_are_told)
{
    expect_lie_fails_reads(LIE_STATUS);
    expect_lie_fails_reads(LIE_NO_STATUS);
    expect_lie_fails_reads(LIE_SHORT);
}

/* All that was under way fails once, and all that comes. */
static void expect_broken(enum lie lie, bool keeps)
{
    struct span room = span_first(block_suite_room(0), 512);
    struct block *block = open_full(&full, 64);
    device.lie = lie;
    device.base.keeps = keeps;
    expect_result(block_read(block, 3, room, NEVER), FAILED);
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(disk.device.is_broken);
    expect_result(block_read(block, 3, room, NEVER), FAILED);
    expect_result(block_flush(block, NEVER), FAILED);
    expect_result(block_discard(block, 0, 1, NEVER), FAILED);
    block_virtio_close(&disk);
    machine_suite_close();
}

TEST(block_virtio_survives_devices_that_lie)
{
    expect_broken(LIE_TOO_LONG, false);
    expect_broken(LIE_HEAD, false);
    expect_broken(LIE_TWICE, false);
    expect_broken(LIE_HEAD, true);
}

/* What the device has begun it alone can end; what has not gone out yet is withdrawn. */
struct flight {
    struct block_request request;
    unsigned told;
};

static void flight_told(struct block_request *request)
{
    CONTAINER_OF(request, struct flight, request)->told++;
}

TEST(block_virtio_keeps_what_has_begun)
{
    struct flight first = { .request = { .kind = BLOCK_FLUSH, .done = flight_told } };
    struct flight second = first;
    struct block *block = open_full(&full, 64);
    device.lie = LIE_NEVER_DONE;
    expect_ok(block_submit(block, &first.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect_ok(block_submit(block, &second.request));
    expect(block_withdraw(block, &second.request));
    expect(!block_withdraw(block, &first.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(first.told == 0 && second.told == 0);
    device.lie = LIE_NONE;
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(first.told == 1 && second.told == 0);
    expect_ok(first.request.result);
    close_disk(&full);
}

/* A loop that has woken somebody must not sleep: machine_poller.h. */
TEST(block_virtio_keeps_the_loop_awake_when_it_breaks)
{
    struct flight flight = { .request = { .kind = BLOCK_FLUSH, .done = flight_told } };
    struct block *block = open_full(&full, 64);
    device.lie = LIE_NEVER_DONE;
    expect_ok(block_submit(block, &flight.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(!machine_suite_poll() && flight.told == 0);
    device.lie = LIE_HEAD;
    machine_serve();
    expect(machine_suite_poll());
    expect(flight.told == 1 && flight.request.result == FAILED);
    expect(!machine_suite_poll());
    block_virtio_close(&disk);
    machine_suite_close();
}

/* Submits itself again whenever it is told, so many times. */
struct persistent {
    struct block_request request;
    unsigned told;
};

static void persistent_told(struct block_request *request)
{
    struct persistent *persistent = CONTAINER_OF(request, struct persistent, request);
    if (++persistent->told < 100) expect_ok(block_submit(&disk.block, request));
}

static void expect_turns_between(struct block *block)
{
    struct persistent persistent = { .request = { .kind = BLOCK_FLUSH, .done = persistent_told } };
    expect_ok(block_submit(block, &persistent.request));
    for (unsigned turn = 1; persistent.told < 100; turn++) {
        fiber_yield();
        expect_that(persistent.told, <=, turn);
    }
}

/* A request that ends without the device ends in a turn of its own each time. */
TEST(block_virtio_lets_fibers_run_between_requests_that_end_at_once)
{
    expect_turns_between(open_bare(&bare, 64));
    close_disk(&bare);

    struct block *block = open_full(&full, 64);
    device.lie = LIE_HEAD;
    expect_result(block_flush(block, NEVER), FAILED);
    expect(disk.device.is_broken);
    expect_turns_between(block);
    block_virtio_close(&disk);
    machine_suite_close();
}

/* ---- requests that go out bit by bit ---- */

#define LONG_PARTS 8

static union block_part long_parts[LONG_PARTS];

/* In a ring of eight two of its parts have room at a time. */
static struct flight long_flight(void)
{
    for (size_t i = 0; i < LONG_PARTS; i++)
        long_parts[i].into = span_first(span_from_offset(block_suite_room(0), i * 65536), 65536);
    return (struct flight){ .request = { .kind = BLOCK_READ,
                                         .parts = long_parts,
                                         .part_count = LONG_PARTS,
                                         .done = flight_told } };
}

/* What has begun is not withdrawn, though most of it waits; what is behind it is. */
TEST(block_virtio_tells_what_goes_bit_by_bit_once)
{
    struct flight first = long_flight(), second = first;
    struct block *block = open_short(&shortest, 2048);
    device.bytes = SPAN_OF(storage);
    device.lie = LIE_NEVER_DONE;
    expect_ok(block_submit(block, &first.request));
    expect_ok(block_submit(block, &second.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(!block_withdraw(block, &first.request));
    expect(block_withdraw(block, &second.request));
    device.lie = LIE_NONE;
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(first.told == 1 && first.request.result == OK);
    expect_that(second.told, ==, 0);
    expect_that(device.requests, >, 1);
    close_disk(&shortest);
}

/* A part of it that fails makes all of it fail, once it has ended. */
TEST(block_virtio_fails_what_goes_bit_by_bit_once)
{
    struct flight flight = long_flight();
    struct block *block = open_short(&shortest, 2048);
    device.bytes = SPAN_OF(storage);
    device.lie = LIE_STATUS;
    expect_ok(block_submit(block, &flight.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(flight.told == 1 && flight.request.result == FAILED);
    expect_that(device.requests, >, 1);
    close_disk(&shortest);
}

TEST(block_virtio_fails_what_has_begun_when_it_breaks)
{
    struct flight first = long_flight(), second = first;
    struct block *block = open_short(&shortest, 2048);
    device.bytes = SPAN_OF(storage);
    device.lie = LIE_TOO_LONG;
    expect_ok(block_submit(block, &first.request));
    expect_ok(block_submit(block, &second.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    expect(disk.device.is_broken);
    expect(first.told == 1 && first.request.result == FAILED);
    expect(second.told == 1 && second.request.result == FAILED);
    block_virtio_close(&disk);
    machine_suite_close();
}

/* That a device lies may be found out on the way to a sleep. */
TEST(block_virtio_may_be_found_broken_when_it_is_armed)
{
    struct flight flight = { .request = { .kind = BLOCK_FLUSH, .done = flight_told } };
    struct block *block = open_full(&full, 64);
    device.lie = LIE_NEVER_DONE;
    expect_ok(block_submit(block, &flight.request));
    (void)fiber_sleep(10 * MACHINE_TURN_NS);
    machine_suite_stop_turns();
    rings_suite_of(&device.base.said.queues[0]).used->index = 7;
    expect(machine_suite_arm());
    expect(machine_suite_poll() && flight.told == 1 && flight.request.result == FAILED);
    expect(!machine_suite_arm());
    expect_result(block_flush(block, NEVER), FAILED);
    block_virtio_close(&disk);
    machine_suite_close();
}
