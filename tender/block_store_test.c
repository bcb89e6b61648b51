/* block_store_test.c - a disk's file without the host's cache: what is aligned goes straight, and
 * what is not through the buffer, with what lies round it kept (open(2), O_DIRECT).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/block_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "target/machine/virtqueue.h"
#include "test/test.h"

#define SECTOR  ((size_t)VIRTIO_BLOCK_SECTOR_BYTES)
#define SECTORS ((size_t)2048)
#define BYTES   (SECTORS * SECTOR)
#define PARTS   4u

static struct block_store store;
static uint8_t model[BYTES], seen[BYTES];
static uint8_t memory[BYTES + 8192] __attribute__((aligned(4096)));
static char path[64];
static int file; /* the test's own descriptor */

/* False: this file system cannot. */
static bool open_store(void)
{
    (void)span_copy(SPAN_OF(path), VIEW("/tmp/loom-store-test-XXXXXX\0"));
    file = mkstemp(path);
    expect(file >= 0);
    for (size_t i = 0; i < BYTES; i++)
        model[i] = (uint8_t)(i * 13 + i / SECTOR);
    expect(pwrite(file, model, BYTES, 0) == (ssize_t)BYTES && fsync(file) == 0);
    enum result result = block_store_open(&store, view_from_string(path), false, BLOCK_DIRECT);
    if (result == UNSUPPORTED) {
        expect(close(file) == 0 && unlink(path) == 0);
        return false;
    }
    expect_ok(result);
    expect((fcntl(store.descriptor, F_GETFL) & O_DIRECT) != 0);
    expect(store.direct_bytes >= SECTOR && store.block_bytes % store.direct_bytes == 0);
    return true;
}

static void close_store(void)
{
    block_store_close(&store);
    expect(pread(file, seen, BYTES, 0) == (ssize_t)BYTES);
    expect_view(VIEW_OF(seen), VIEW_OF(model));
    expect(close(file) == 0 && unlink(path) == 0);
}

static uint64_t number = 1;

static size_t any(size_t bound)
{
    number = number * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(number >> 33) % bound;
}

static bool move(bool is_write, const struct iovec *parts, size_t count, size_t offset,
                 size_t length_bytes)
{
    struct iovec room[PARTS];
    return block_store_move(&store, &(const struct block_transfer){ .is_write = is_write,
                                                                    .is_lasting = any(8) == 0,
                                                                    .parts = parts,
                                                                    .part_count = count,
                                                                    .length_bytes = length_bytes,
                                                                    .offset = offset,
                                                                    .room = room });
}

/* Memory in two parts. */
static void move_and_compare(bool is_write, size_t offset, size_t length_bytes, size_t address)
{
    size_t cut = 1 + any(length_bytes - 1);
    uint8_t *bytes = memory + address;
    const struct iovec parts[] = { { .iov_base = bytes, .iov_len = cut },
                                   { .iov_base = bytes + cut, .iov_len = length_bytes - cut } };
    for (size_t i = 0; i < length_bytes; i++)
        bytes[i] = (uint8_t)(number + i * 7);
    expect(move(is_write, parts, 2, offset, length_bytes));
    struct view moved = view_from(bytes, length_bytes);
    struct span there = span_first(span_from_offset(SPAN_OF(model), offset), length_bytes);
    if (is_write)
        (void)span_copy(there, moved);
    else
        expect_view(moved, span_view(there));
}

TEST(store_moves_what_is_aligned_straight)
{
    if (!open_store()) test_skip("/tmp has no O_DIRECT");
    struct span kept = store.bounce;
    store.bounce = (struct span){ .length_bytes = 0 }; /* to be needed by nobody */
    const size_t unit = store.block_bytes;
    for (size_t i = 0; i < 20; i++) {
        struct iovec part = { .iov_base = memory, .iov_len = (1 + i) * unit };
        size_t offset = any(BYTES / unit - 32) * unit;
        span_fill(span_from(memory, part.iov_len), (uint8_t)i);
        expect(move(true, &part, 1, offset, part.iov_len));
        span_fill(span_first(span_from_offset(SPAN_OF(model), offset), part.iov_len), (uint8_t)i);
    }
    store.bounce = kept;
    close_store();
}

TEST(store_moves_any_sectors_from_and_to_any_memory)
{
    if (!open_store()) test_skip("/tmp has no O_DIRECT");
    /* As if the disk wanted that much, so that sectors are unaligned whatever it is. */
    store.direct_bytes = MAX(store.direct_bytes, 4096u);
    for (size_t i = 0; i < 400; i++) {
        size_t sectors = 1 + any(i % 20 == 0 ? 1500 : 40);
        size_t sector = any(SECTORS - sectors + 1);
        move_and_compare(any(2) == 0, sector * SECTOR, sectors * SECTOR, any(3) * 2048 + any(2));
    }
    close_store();
}

TEST(store_tells_when_the_file_has_become_shorter)
{
    if (!open_store()) test_skip("/tmp has no O_DIRECT");
    struct iovec part = { .iov_base = memory, .iov_len = (size_t)8 * 4096 };
    expect(ftruncate(file, BYTES / 2) == 0);
    expect(!move(false, &part, 1, BYTES / 2 - 4096, part.iov_len));
    expect(!move(false, &part, 1, BYTES - part.iov_len, part.iov_len));
    expect(pwrite(file, model, BYTES, 0) == (ssize_t)BYTES);
    close_store();
}

static size_t descriptors_open(void)
{
    size_t count = 0;
    for (int descriptor = 0; descriptor < 256; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

/* Opened and closed without end, also where that fails, a store leaves nothing open. */
TEST(store_leaves_nothing_open)
{
    static const enum block_store_way ways[] = { BLOCK_CACHED, BLOCK_DIRECT };
    const size_t before = descriptors_open();
    for (size_t i = 0; i < 20; i++) {
        if (!open_store()) test_skip("/tmp has no O_DIRECT");
        struct block_store second;
        expect_result(block_store_open(&second, view_from_string(path), i % 4 > 1, ways[i % 2]),
                      EXISTS);
        close_store();
    }
    expect_that(descriptors_open(), ==, before);
}
