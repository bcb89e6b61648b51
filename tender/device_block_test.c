/* device_block_test.c - a machine's disk: requests that are sound, in a file that is read back, and
 * those that are not (virtio 1.2, 5.2.6).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/device_block.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tender/guest_test.h"

#define SECTORS 256u
#define SECTOR  ((size_t)VIRTIO_BLOCK_SECTOR_BYTES)
#define QUEUE   64u

#define ALL (~(uint64_t)0)

/* Where a request lies. */
#define HEADER_AT 0x10000u
#define STATUS_AT 0x11000u
#define DATA_AT   0x20000u

static struct device_block block;
static struct machine_device shared;
static struct guest_queue queue;
static int disk; /* the test's own descriptor */

static void open_block(bool read_only)
{
    disk = memfd_create("disk", MFD_CLOEXEC);
    expect(disk >= 0 && ftruncate(disk, (off_t)SECTORS * SECTOR) == 0);
    const struct block_store store = { .descriptor = dup(disk),
                                       .read_only = read_only,
                                       .sector_count = SECTORS,
                                       .block_bytes = SECTOR };
    device_block_open(&block, &shared, VIEW("disk"), &store);
}

static bool start(uint64_t accepted)
{
    guest_queue_place(&queue, 0, QUEUE);
    struct machine_device said = shared;
    said.accepted = accepted;
    said.queues[0] = queue.said;
    block.device.is_ready = block.device.ops->start(&block.device, &guest_memory, &said);
    return block.device.is_ready;
}

static void open_started(bool read_only)
{
    open_block(read_only);
    expect(start(shared.offered));
}

static void close_block(void)
{
    block.device.ops->close(&block.device);
    expect(close(disk) == 0);
}

static void put_header(uint32_t type, uint64_t sector)
{
    *(struct virtio_block_request *)guest_at(
        HEADER_AT) = (struct virtio_block_request){ .type = type, .sector = sector };
    *(uint8_t *)guest_at(STATUS_AT) = 0xee;
}

/* Gives the status. */
static unsigned serve(uint32_t written_bytes)
{
    struct virtq_used_element element;
    expect(block.device.ops->serve(&block.device, &guest_memory));
    expect(!block.device.is_broken);
    expect(guest_queue_look(&queue, &element));
    expect_that(element.length_bytes, ==, written_bytes);
    expect(!guest_queue_look(&queue, &element));
    return *(uint8_t *)guest_at(STATUS_AT);
}

static unsigned read_sectors(uint64_t sector, uint32_t length_bytes)
{
    const struct guest_buffer parts[] = { { HEADER_AT, 16, false },
                                          { DATA_AT, length_bytes, true },
                                          { STATUS_AT, 1, true } };
    put_header(VIRTIO_BLOCK_READ, sector);
    (void)guest_queue_add(&queue, parts, 3);
    return serve(length_bytes + 1);
}

static unsigned write_sectors(uint64_t sector, uint32_t length_bytes)
{
    const struct guest_buffer parts[] = { { HEADER_AT, 16, false },
                                          { DATA_AT, length_bytes, false },
                                          { STATUS_AT, 1, true } };
    put_header(VIRTIO_BLOCK_WRITE, sector);
    (void)guest_queue_add(&queue, parts, 3);
    return serve(1);
}

static unsigned without_data(uint32_t type)
{
    const struct guest_buffer parts[] = { { HEADER_AT, 16, false }, { STATUS_AT, 1, true } };
    put_header(type, 0);
    (void)guest_queue_add(&queue, parts, 2);
    return serve(1);
}

static uint8_t byte_of(uint64_t place)
{
    return (uint8_t)(place * 31 + place / 512 * 7 + 1);
}

/* The disk's bytes there, in the guest's memory. */
static void fill(uint64_t sector, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++)
        guest_bytes[DATA_AT + i] = byte_of(sector * SECTOR + i);
}

static void expect_filled(uint64_t sector, size_t length_bytes)
{
    for (size_t i = 0; i < length_bytes; i++)
        expect_that(guest_bytes[DATA_AT + i], ==, byte_of(sector * SECTOR + i));
}

static void fill_disk(void)
{
    static uint8_t bytes[SECTORS * SECTOR];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_of(i);
    expect(pwrite(disk, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
}

/* ---- sound requests ---- */

TEST(block_says_what_it_is)
{
    struct virtio_block_config config;
    open_block(false);
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(shared.config), sizeof config));
    expect(shared.kind == MACHINE_BLOCK && shared.queue_count == 1);
    expect_that(config.capacity_sectors, ==, SECTORS);
    expect_that(config.block_bytes, ==, SECTOR);
    expect_that(config.parts_max, ==, BLOCK_DATA_PARTS_MAX);
    expect((shared.offered & VIRTIO_BLK_F_RO) == 0);
    expect((shared.offered & VIRTIO_BLK_F_FLUSH) != 0);
    close_block();
    open_block(true);
    expect((shared.offered & VIRTIO_BLK_F_RO) != 0);
    expect((shared.offered & VIRTIO_BLK_F_DISCARD) == 0);
    close_block();
}

TEST(block_reads_what_is_on_the_disk)
{
    static const struct {
        uint64_t sector;
        uint32_t count;
    } reads[] = { { 0, 1 }, { 0, SECTORS }, { 7, 8 }, { SECTORS - 1, 1 } };
    open_started(false);
    fill_disk();
    for (size_t i = 0; i < LENGTH_OF(reads); i++) {
        uint32_t length_bytes = (uint32_t)(reads[i].count * SECTOR);
        memset(guest_at(DATA_AT), 0, length_bytes);
        expect_that(read_sectors(reads[i].sector, length_bytes), ==, VIRTIO_BLOCK_OK);
        expect_filled(reads[i].sector, length_bytes);
    }
    close_block();
}

TEST(block_writes_what_is_read_back)
{
    open_started(false);
    fill(10, 5 * SECTOR);
    expect_that(write_sectors(10, 5 * SECTOR), ==, VIRTIO_BLOCK_OK);
    expect_that(without_data(VIRTIO_BLOCK_FLUSH), ==, VIRTIO_BLOCK_OK);
    memset(guest_at(DATA_AT), 0, 5 * SECTOR);
    expect(pread(disk, guest_at(DATA_AT), 5 * SECTOR, 10 * SECTOR) == 5 * SECTOR);
    expect_filled(10, 5 * SECTOR);
    close_block();
}

/* 2.7.4.2: how a request is cut into buffers is the guest's affair. */
TEST(block_takes_requests_in_any_parts)
{
    const struct guest_buffer read[] = { { HEADER_AT, 3, false },      { HEADER_AT + 3, 13, false },
                                         { DATA_AT, 1, true },         { DATA_AT + 1, 600, true },
                                         { DATA_AT + 601, 423, true }, { STATUS_AT, 1, true } };
    const struct guest_buffer write[] = { { HEADER_AT, 16 + 100, false },
                                          { DATA_AT + 100, 412, false },
                                          { STATUS_AT, 1, true } };
    open_started(false);
    fill_disk();
    put_header(VIRTIO_BLOCK_READ, 4);
    (void)guest_queue_add(&queue, read, 6);
    expect_that(serve(1025), ==, VIRTIO_BLOCK_OK);
    expect_filled(4, 1024);
    fill(9, SECTOR);
    put_header(VIRTIO_BLOCK_WRITE, 0);
    memcpy(guest_at(HEADER_AT + 16), guest_at(DATA_AT), 100);
    (void)guest_queue_add(&queue, write, 3);
    expect_that(serve(1), ==, VIRTIO_BLOCK_OK);
    expect(pread(disk, guest_at(DATA_AT), SECTOR, 0) == SECTOR);
    expect_filled(9, SECTOR);
    close_block();
}

/* The status may be the end of the part with the data. */
TEST(block_puts_the_status_last)
{
    const struct guest_buffer parts[] = { { HEADER_AT, 16, false }, { DATA_AT, SECTOR + 1, true } };
    open_started(false);
    fill_disk();
    put_header(VIRTIO_BLOCK_READ, 2);
    guest_bytes[DATA_AT + SECTOR] = 0xee;
    (void)guest_queue_add(&queue, parts, 2);
    (void)serve(SECTOR + 1);
    expect_filled(2, SECTOR);
    expect_that(guest_bytes[DATA_AT + SECTOR], ==, VIRTIO_BLOCK_OK);
    close_block();
}

TEST(block_serves_a_burst)
{
    struct virtq_used_element element;
    open_started(false);
    fill_disk();
    for (uint32_t i = 0; i < 20; i++) {
        const struct guest_buffer parts[] = { { HEADER_AT + 16 * i, 16, false },
                                              { DATA_AT + SECTOR * i, (uint32_t)SECTOR, true },
                                              { STATUS_AT + i, 1, true } };
        *(struct virtio_block_request *)guest_at(
            HEADER_AT + 16 * i) = (struct virtio_block_request){ .type = VIRTIO_BLOCK_READ,
                                                                 .sector = 100 + i };
        (void)guest_queue_add(&queue, parts, 3);
    }
    expect(block.device.ops->serve(&block.device, &guest_memory));
    for (uint32_t i = 0; i < 20; i++)
        expect(guest_queue_look(&queue, &element) && guest_bytes[STATUS_AT + i] == VIRTIO_BLOCK_OK);
    expect_filled(100, 20 * SECTOR);
    expect(!block.device.ops->serve(&block.device, &guest_memory));
    close_block();
}

/* Request `number` of a burst, with its data at a place of its own. */
static void add_of_burst(uint32_t number, uint32_t type, uint64_t sector, uint32_t sectors)
{
    const bool is_written = type == VIRTIO_BLOCK_READ;
    const struct guest_buffer parts[] = {
        { HEADER_AT + 16 * number, 16, false },
        { DATA_AT + 0x1000 * number, sectors * (uint32_t)SECTOR, is_written },
        { STATUS_AT + number, 1, true },
    };
    *(struct virtio_block_request *)guest_at(
        HEADER_AT + 16 * number) = (struct virtio_block_request){ .type = type, .sector = sector };
    guest_bytes[STATUS_AT + number] = 0xee;
    (void)guest_queue_add(&queue, parts, 3);
}

static void serve_burst(uint32_t count)
{
    struct virtq_used_element element;
    expect(block.device.ops->serve(&block.device, &guest_memory));
    for (uint32_t i = 0; i < count; i++)
        expect(guest_queue_look(&queue, &element));
    expect(!guest_queue_look(&queue, &element) && block.run.request_count == 0);
}

/* What comes later is done later, also where neighbours go together. */
TEST(block_keeps_the_order_of_a_burst)
{
    open_started(false);
    memset(guest_at(DATA_AT), 1, SECTOR);
    memset(guest_at(DATA_AT + 0x1000), 2, SECTOR);
    memset(guest_at(DATA_AT + 0x3000), 3, 2 * SECTOR);
    memset(guest_at(DATA_AT + 0x4000), 4, SECTOR);
    add_of_burst(0, VIRTIO_BLOCK_WRITE, 10, 1);
    add_of_burst(1, VIRTIO_BLOCK_WRITE, 11, 1);
    add_of_burst(2, VIRTIO_BLOCK_READ, 10, 2);
    add_of_burst(3, VIRTIO_BLOCK_WRITE, 10, 2);
    add_of_burst(4, VIRTIO_BLOCK_WRITE, 11, 1);
    add_of_burst(5, VIRTIO_BLOCK_READ, 10, 1);
    add_of_burst(6, VIRTIO_BLOCK_READ, 11, 1);
    serve_burst(7);
    for (uint32_t i = 0; i < 7; i++)
        expect_that(guest_bytes[STATUS_AT + i], ==, VIRTIO_BLOCK_OK);
    expect(guest_bytes[DATA_AT + 0x2000] == 1 && guest_bytes[DATA_AT + 0x2000 + SECTOR] == 2);
    expect(guest_bytes[DATA_AT + 0x5000] == 3 && guest_bytes[DATA_AT + 0x6000] == 4);
    close_block();
}

/* Of neighbours that went together only those fail that the host cannot do, and what is not sound
 * is not among them. */
TEST(block_tells_each_of_a_run_by_itself)
{
    open_started(false);
    fill_disk();
    expect(ftruncate(disk, 100 * SECTOR) == 0); /* behind its back */
    add_of_burst(0, VIRTIO_BLOCK_READ, 96, 2);
    add_of_burst(1, VIRTIO_BLOCK_READ, 98, 2);
    add_of_burst(2, VIRTIO_BLOCK_READ, 100, 2);
    add_of_burst(3, VIRTIO_BLOCK_READ, SECTORS, 1);
    add_of_burst(4, VIRTIO_BLOCK_READ, 102, 1);
    add_of_burst(5, VIRTIO_BLOCK_READ, 3, 1);
    serve_burst(6);
    static const uint8_t expected[] = { VIRTIO_BLOCK_OK,     VIRTIO_BLOCK_OK,
                                        VIRTIO_BLOCK_FAILED, VIRTIO_BLOCK_FAILED,
                                        VIRTIO_BLOCK_FAILED, VIRTIO_BLOCK_OK };
    for (uint32_t i = 0; i < LENGTH_OF(expected); i++)
        expect_that(guest_bytes[STATUS_AT + i], ==, expected[i]);
    expect_that(block.failures, ==, 2);
    for (size_t i = 0; i < 2 * SECTOR; i++) {
        expect_that(guest_bytes[DATA_AT + i], ==, byte_of(96 * SECTOR + i));
        expect_that(guest_bytes[DATA_AT + 0x1000 + i], ==, byte_of(98 * SECTOR + i));
    }
    close_block();
}

/* More neighbours than one run takes, by requests and by bytes. */
TEST(block_serves_neighbours_beyond_a_run)
{
    open_started(false);
    fill_disk();
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t i = 0; i < 16; i++)
            add_of_burst(i, VIRTIO_BLOCK_READ, round + i * (1 + round % 8), 1 + round % 8);
        serve_burst(16);
        for (uint32_t i = 0; i < 16; i++) {
            uint64_t from = (round + i * (1 + round % 8)) * SECTOR;
            expect_that(guest_bytes[STATUS_AT + i], ==, VIRTIO_BLOCK_OK);
            for (size_t at = 0; at < (1 + round % 8) * SECTOR; at++)
                expect_that(guest_bytes[DATA_AT + 0x1000 * i + at], ==, byte_of(from + at));
        }
    }
    close_block();
}

TEST(block_tells_its_name)
{
    const struct guest_buffer parts[] = { { HEADER_AT, 16, false },
                                          { DATA_AT, 20, true },
                                          { STATUS_AT, 1, true } };
    const struct guest_buffer little[] = { { HEADER_AT, 16, false },
                                           { DATA_AT, 19, true },
                                           { STATUS_AT, 1, true } };
    open_started(false);
    put_header(VIRTIO_BLOCK_NAME, 0);
    (void)guest_queue_add(&queue, parts, 3);
    expect_that(serve(21), ==, VIRTIO_BLOCK_OK);
    expect(memcmp(guest_at(DATA_AT), "disk\0", 5) == 0);
    put_header(VIRTIO_BLOCK_NAME, 0);
    (void)guest_queue_add(&queue, little, 3);
    expect_that(serve(20), ==, VIRTIO_BLOCK_FAILED);
    close_block();
}

/* ---- discard ---- */

static unsigned discard(const struct virtio_block_range *ranges, size_t count)
{
    const struct guest_buffer parts[] = {
        { HEADER_AT, 16, false },
        { DATA_AT, (uint32_t)(count * sizeof *ranges), false },
        { STATUS_AT, 1, true },
    };
    memcpy(guest_at(DATA_AT), ranges, count * sizeof *ranges);
    put_header(VIRTIO_BLOCK_DISCARD, 0);
    (void)guest_queue_add(&queue, parts, 3);
    return serve(1);
}

TEST(block_discards_ranges)
{
    const struct virtio_block_range ranges[] = { { .sector = 8, .sector_count = 16 },
                                                 { .sector = 200, .sector_count = 0 },
                                                 { .sector = 248, .sector_count = 8 } };
    open_started(false);
    fill_disk();
    expect_that(discard(ranges, 3), ==, VIRTIO_BLOCK_OK);
    expect_that(read_sectors(7, 18 * SECTOR), ==, VIRTIO_BLOCK_OK);
    expect_filled(7, SECTOR);
    for (size_t i = 0; i < 16 * SECTOR; i++)
        expect_that(guest_bytes[DATA_AT + SECTOR + i], ==, 0);
    expect_that(guest_bytes[DATA_AT + 17 * SECTOR], ==, byte_of(24 * SECTOR));
    close_block();
}

TEST(block_discards_nothing_of_unsound_ranges)
{
    static struct virtio_block_range many[BLOCK_DISCARD_RANGES_MAX + 1];
    const struct virtio_block_range outside[] = { { .sector = 0, .sector_count = 8 },
                                                  { .sector = 250, .sector_count = 7 } };
    const struct virtio_block_range wrapping = { .sector = UINT64_MAX, .sector_count = 2 };
    const struct virtio_block_range huge = { .sector = 1, .sector_count = UINT32_MAX };
    const struct virtio_block_range flags = { .sector = 0, .sector_count = 8, .flags = 1 };
    open_started(false);
    fill_disk();
    expect_that(discard(outside, 2), ==, VIRTIO_BLOCK_FAILED);
    expect_that(discard(&wrapping, 1), ==, VIRTIO_BLOCK_FAILED);
    expect_that(discard(&huge, 1), ==, VIRTIO_BLOCK_FAILED);
    expect_that(discard(&flags, 1), ==, VIRTIO_BLOCK_UNSUPPORTED);
    expect_that(discard(many, LENGTH_OF(many)), ==, VIRTIO_BLOCK_FAILED);
    expect_that(without_data(VIRTIO_BLOCK_DISCARD), ==, VIRTIO_BLOCK_FAILED);
    expect_that(read_sectors(0, SECTORS * SECTOR), ==, VIRTIO_BLOCK_OK);
    expect_filled(0, SECTORS * SECTOR);
    close_block();
}

/* ---- what cannot be done ---- */

TEST(block_refuses_what_is_not_on_the_disk)
{
    static const struct {
        uint64_t sector;
        uint32_t length_bytes;
    } wrong[] = {
        { SECTORS, SECTOR },
        { SECTORS - 1, 2 * SECTOR },
        { 0, (SECTORS + 1) * SECTOR },
        { UINT64_MAX, SECTOR },
        { UINT64_MAX / SECTOR + 1, SECTOR }, /* whose offset in bytes would be 0 */
        { (uint64_t)INT64_MAX / SECTOR, SECTOR },
        { 0, 1 },
        { 0, SECTOR - 1 },
        { 0, SECTOR + 1 },
    };
    open_started(false);
    fill_disk();
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        expect_that(read_sectors(wrong[i].sector, wrong[i].length_bytes), ==, VIRTIO_BLOCK_FAILED);
        memset(guest_at(DATA_AT), 0, wrong[i].length_bytes);
        expect_that(write_sectors(wrong[i].sector, wrong[i].length_bytes), ==, VIRTIO_BLOCK_FAILED);
    }
    expect_that(read_sectors(0, SECTORS * SECTOR), ==, VIRTIO_BLOCK_OK);
    expect_filled(0, SECTORS * SECTOR);
    expect_that(lseek(disk, 0, SEEK_END), ==, SECTORS * SECTOR);
    close_block();
}

/* Overlapping parts, so that it is more than the guest has. */
static unsigned serve_overlapping(uint32_t type, uint32_t more_bytes)
{
    const uint32_t part_bytes = (uint32_t)1 << 19;
    const size_t count = BLOCK_REQUEST_DATA_MAX / part_bytes;
    const bool is_read = type == VIRTIO_BLOCK_READ;
    struct guest_buffer parts[2 + 33] = { { HEADER_AT, 16, false } };
    expect_that(count, <=, 32);
    for (size_t i = 0; i < count; i++)
        parts[1 + i] = (struct guest_buffer){ DATA_AT, part_bytes, is_read };
    size_t at = 1 + count;
    if (more_bytes > 0) parts[at++] = (struct guest_buffer){ DATA_AT, more_bytes, is_read };
    parts[at++] = (struct guest_buffer){ STATUS_AT, 1, true };
    put_header(type, 0);
    (void)guest_queue_add(&queue, parts, at);
    return serve(1 + (is_read ? BLOCK_REQUEST_DATA_MAX + more_bytes : 0));
}

TEST(block_refuses_a_request_that_takes_too_long)
{
    static const uint32_t types[] = { VIRTIO_BLOCK_READ, VIRTIO_BLOCK_WRITE };
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        open_started(false);
        block.store.sector_count = BLOCK_REQUEST_DATA_MAX / SECTOR + 8;
        expect(ftruncate(disk, (off_t)(block.store.sector_count * SECTOR)) == 0);
        expect_that(serve_overlapping(types[i], 0), ==, VIRTIO_BLOCK_OK);
        expect_that(serve_overlapping(types[i], SECTOR), ==, VIRTIO_BLOCK_FAILED);
        expect_that(block.failures, ==, 0); /* the host was not asked */
        close_block();
    }
}

TEST(block_refuses_what_it_does_not_know)
{
    static const uint32_t types[] = { 2, 3, 5, 9, 13, 14, 0x80000000, UINT32_MAX };
    open_started(false);
    for (size_t i = 0; i < LENGTH_OF(types); i++)
        expect_that(without_data(types[i]), ==, VIRTIO_BLOCK_UNSUPPORTED);
    close_block();
}

TEST(block_that_is_read_only_is_not_written)
{
    const struct virtio_block_range range = { .sector = 0, .sector_count = 8 };
    open_started(true);
    fill_disk();
    memset(guest_at(DATA_AT), 0, SECTOR);
    expect_that(write_sectors(0, SECTOR), ==, VIRTIO_BLOCK_FAILED);
    expect_that(discard(&range, 1), ==, VIRTIO_BLOCK_UNSUPPORTED);
    expect_that(without_data(VIRTIO_BLOCK_FLUSH), ==, VIRTIO_BLOCK_OK);
    expect_that(read_sectors(0, SECTOR), ==, VIRTIO_BLOCK_OK);
    expect_filled(0, SECTOR);
    close_block();
}

/* What the host fails in is told to the guest, and does not end it. */
TEST(block_tells_of_what_the_host_cannot)
{
    open_started(false);
    fill_disk();
    expect(ftruncate(disk, 100 * SECTOR) == 0); /* behind its back */
    expect_that(read_sectors(96, 8 * SECTOR), ==, VIRTIO_BLOCK_FAILED);
    expect_that(read_sectors(92, 8 * SECTOR), ==, VIRTIO_BLOCK_OK);
    int own = block.store.descriptor;
    block.store.descriptor = -1; /* EBADF */
    expect_that(read_sectors(0, SECTOR), ==, VIRTIO_BLOCK_FAILED);
    expect_that(write_sectors(0, SECTOR), ==, VIRTIO_BLOCK_FAILED);
    expect_that(without_data(VIRTIO_BLOCK_FLUSH), ==, VIRTIO_BLOCK_FAILED);
    block.store.descriptor = own;
    expect_that(block.failures, ==, 4);
    expect_that(read_sectors(0, SECTOR), ==, VIRTIO_BLOCK_OK);
    close_block();
}

/* ---- what breaks it ---- */

TEST(block_starts_only_with_sound_features)
{
    open_block(true);
    expect(!start(0));
    close_block();
    open_block(true);
    expect(!start(VIRTIO_F_VERSION_1 | VIRTIO_BLK_F_DISCARD)); /* not of a read-only one */
    expect(block.device.is_broken);
    close_block();
}

/* 5.2.6.2: without flushes a write lasts as soon as it is told. */
TEST(block_writes_through_without_flushes)
{
    open_block(false);
    expect(start(VIRTIO_F_VERSION_1));
    expect(block.writes_through);
    fill(3, SECTOR);
    expect_that(write_sectors(3, SECTOR), ==, VIRTIO_BLOCK_OK);
    close_block();
    open_started(false);
    expect(!block.writes_through);
    close_block();
}

TEST(block_breaks_at_requests_without_header_or_status)
{
    static const struct guest_buffer wrong[][2] = {
        { { HEADER_AT, 15, false }, { STATUS_AT, 1, true } },
        { { HEADER_AT, 16, false }, { DATA_AT, 512, false } },
        { { DATA_AT, 512, true }, { STATUS_AT, 1, true } },
    };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        open_started(false);
        put_header(VIRTIO_BLOCK_READ, 0);
        (void)guest_queue_add(&queue, wrong[i], 2);
        expect(!block.device.ops->serve(&block.device, &guest_memory));
        expect(block.device.is_broken);
        close_block();
    }
}

/* ---- the store ---- */

static char path[] = "/tmp/loom-block-test-XXXXXX";

TEST(store_opens_a_file_for_one)
{
    struct block_store store, second;
    int file = mkstemp(path);
    expect(file >= 0);
    expect_result(block_store_open(&store, view_from_string(path), false, BLOCK_CACHED),
                  INVALID); /* empty */
    expect(ftruncate(file, 1000 * SECTOR + 100) == 0);
    expect_ok(block_store_open(&store, view_from_string(path), false, BLOCK_CACHED));
    expect(store.sector_count == 1000 && store.block_bytes == SECTOR && !store.read_only);
    expect_result(block_store_open(&second, view_from_string(path), false, BLOCK_CACHED), EXISTS);
    expect_result(block_store_open(&second, view_from_string(path), true, BLOCK_CACHED), EXISTS);
    expect(close(store.descriptor) == 0);
    expect_ok(block_store_open(&store, view_from_string(path), true, BLOCK_CACHED));
    expect_ok(
        block_store_open(&second, view_from_string(path), true, BLOCK_CACHED)); /* readers share */
    expect(store.read_only && close(store.descriptor) == 0 && close(second.descriptor) == 0);
    expect(close(file) == 0 && unlink(path) == 0);
    expect_result(block_store_open(&store, view_from_string(path), false, BLOCK_CACHED), NOT_FOUND);
    expect_result(block_store_open(&store, VIEW("/dev/null"), true, BLOCK_CACHED), INVALID);
    expect_result(block_store_open(&store, VIEW("/tmp"), true, BLOCK_CACHED), INVALID);
    expect_result(block_store_open(&store, VIEW("a\0b"), true, BLOCK_CACHED), INVALID);
}
