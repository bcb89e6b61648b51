/* virtio_queue_sim_test.c - the driver's side of a virtqueue: against a device that does its work
 * in any order, and against one that lies.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_queue.h"

#include "target/virtio/machine_suite.h"
#include "test/test.h"

#define SIZE 16

static struct virtio_queue queue;
static struct queue_suite device;
static struct machine_queue place;
static uint8_t buffer[64];

static void open_with(const struct virtio_queue_options *options)
{
    expect_ok(virtio_queue_open(&queue, options));
    device = (struct queue_suite){ 0 };
    place = virtio_queue_place(&queue);
}

static void open_sized(uint16_t size, bool has_event_index)
{
    open_with(&(struct virtio_queue_options){ .size = size, .has_event_index = has_event_index });
}

static void open_queue(void)
{
    open_sized(SIZE, false);
}

/* Parts of so many bytes each, first those to be read. */
static uint16_t add(size_t readable_count, size_t writable_count)
{
    struct view readable[SIZE];
    struct span writable[SIZE];
    for (size_t i = 0; i < SIZE; i++) {
        readable[i] = view_first(VIEW_OF(buffer), 1 + i);
        writable[i] = span_first(SPAN_OF(buffer), 20 + i);
    }
    return virtio_queue_add(&queue, readable, readable_count, writable, writable_count);
}

/* virtio 1.2, 2.7: each part of a queue has its alignment. */
TEST(rings_lie_as_devices_want_them)
{
    for (uint16_t size = 1; size <= MACHINE_QUEUE_SIZE_MAX; size = (uint16_t)(size * 2)) {
        open_sized(size, false);
        expect_that(place.size, ==, size);
        expect_that(place.descriptors % 16, ==, 0);
        expect_that(place.available % 2, ==, 0);
        expect_that(place.used % 4, ==, 0);
        expect_that(place.available, >=, place.descriptors + VIRTQ_DESC_BYTES(size));
        expect_that(place.used, >=, place.available + VIRTQ_AVAIL_BYTES(size));
        uint64_t end = (uint64_t)(uintptr_t)queue.memory.bytes + queue.memory.length_bytes;
        expect_that(place.used + VIRTQ_USED_BYTES(size), <=, end - MACHINE_SUITE_SLIDE);
        virtio_queue_close(&queue);
    }
}

TEST(a_chain_is_seen_as_it_was_added)
{
    static struct chain_suite chain;
    open_queue();
    uint16_t next = virtio_queue_next_head(&queue);
    uint16_t head = add(2, 3);
    expect_that(head, ==, next);
    expect_that(queue.room, ==, SIZE - 5);
    expect(!queue_suite_take(&device, &place, &chain)); /* not before it is published */
    (void)virtio_queue_publish(&queue);
    expect(queue_suite_take(&device, &place, &chain));
    expect_that(chain.head, ==, head);
    expect_that(chain.readable_count, ==, 2);
    expect_that(chain.writable_count, ==, 3);
    expect(chain.readable[1].bytes == buffer);
    expect_that(chain.readable[1].length_bytes, ==, 2);
    expect(chain.writable[2].bytes == buffer);
    expect_that(chain.writable[2].length_bytes, ==, 22);
    virtio_queue_close(&queue);
}

/* What the test knows of the chains that the device has. */
struct held {
    struct chain_suite chain;
    uint32_t written_bytes;
};

static size_t writable_bytes(const struct chain_suite *chain)
{
    size_t total_bytes = 0;
    for (size_t i = 0; i < chain->writable_count; i++)
        total_bytes += chain->writable[i].length_bytes;
    return total_bytes;
}

/* So many chains that each index wraps, given back in any order. */
static void carry_chains(const struct virtio_queue_options *options)
{
    static struct held held[SIZE];
    static uint32_t written_by_head[SIZE];
    uint64_t random = 7;
    size_t held_count = 0, taken_count = 0, in_use = 0;
    uint8_t parts_by_head[SIZE] = { 0 };
    open_with(options);
    while (taken_count < 150000) {
        uint64_t dice = test_random(&random);
        size_t readable = dice % 4, writable = dice / 4 % 4, parts = readable + writable;
        if (parts > 0 && virtio_queue_has_room(&queue, parts)) {
            size_t needed = virtio_queue_has_table(&queue, parts) ? 1 : parts;
            uint16_t head = add(readable, writable);
            expect_that(parts_by_head[head], ==, 0);
            parts_by_head[head] = (uint8_t)needed;
            in_use += needed;
        }
        if (dice / 16 % 4 == 0) (void)virtio_queue_publish(&queue);
        while (held_count < SIZE && queue_suite_take(&device, &place, &held[held_count].chain))
            held_count++;
        for (size_t give = dice / 64 % 3; give > 0 && held_count > 0; give--) {
            struct held *chosen = &held[(dice >> 20) % held_count];
            size_t room_bytes = writable_bytes(&chosen->chain);
            chosen->written_bytes = (uint32_t)((dice >> 30) % (room_bytes + 1));
            written_by_head[chosen->chain.head] = chosen->written_bytes;
            queue_suite_give(&device, &place, chosen->chain.head, chosen->written_bytes);
            *chosen = held[--held_count];
        }
        if (dice / 256 % 2 == 0) queue_suite_show(&device, &place);
        uint16_t head;
        uint32_t written_bytes;
        while (virtio_queue_take_used(&queue, &head, &written_bytes)) {
            expect_that(written_bytes, ==, written_by_head[head]);
            in_use -= parts_by_head[head];
            parts_by_head[head] = 0;
            taken_count++;
        }
        expect(!queue.is_broken);
        expect_that(queue.room, ==, SIZE - in_use);
    }
    virtio_queue_close(&queue);
}

TEST(chains_come_back_in_any_order)
{
    carry_chains(&(struct virtio_queue_options){ .size = SIZE });
}

TEST(chains_in_tables_come_back_in_any_order)
{
    carry_chains(
        &(struct virtio_queue_options){ .size = SIZE, .table_count = 3, .table_parts = 5 });
}

/* virtio 1.2, 2.7.5.3: a chain in a table takes one descriptor. It is in the queue while there is
 * much room, if it is too long for a table, and when all tables are taken. */
TEST(a_chain_in_a_table_takes_one_descriptor)
{
    static const size_t parts[] = { 4, 4, 2, 6, 7 }, taken[] = { 4, 1, 2, 1, 7 };
    static struct chain_suite chain;
    size_t in_use = 0;
    open_with(&(struct virtio_queue_options){ .size = SIZE, .table_count = 2, .table_parts = 6 });
    for (size_t i = 0; i < LENGTH_OF(parts); i++) {
        expect(virtio_queue_has_room(&queue, parts[i]));
        (void)add(1, parts[i] - 1);
        in_use += taken[i];
        expect_that(queue.room, ==, SIZE - in_use);
    }
    expect(!virtio_queue_has_room(&queue, 2)); /* nor a table */
    (void)virtio_queue_publish(&queue);
    for (size_t i = 0; i < LENGTH_OF(parts); i++) {
        expect(queue_suite_take(&device, &place, &chain));
        expect_that(chain.readable_count, ==, 1);
        expect_that(chain.writable_count, ==, parts[i] - 1);
        expect(chain.writable[parts[i] - 2].bytes == buffer);
        expect_that(chain.writable[parts[i] - 2].length_bytes, ==, 20 + parts[i] - 2);
    }
    virtio_queue_reset(&queue);
    expect_that(queue.room, ==, SIZE);
    expect_that(queue.free_table_count, ==, 2);
    virtio_queue_close(&queue);
}

/* The head of a chain in a table is no room for more than the table's parts are. */
TEST(lies_about_chains_in_tables)
{
    uint16_t head;
    uint32_t written_bytes;
    for (uint32_t lie = 0; lie < 3; lie++) {
        open_with(
            &(struct virtio_queue_options){ .size = SIZE, .table_count = 2, .table_parts = 6 });
        expect_that(add(2, 3), ==, 0);
        (void)virtio_queue_publish(&queue);
        queue_suite_give(&device, &place, lie == 1 ? 1 : 0, 20 + 21 + 22 + (lie == 2 ? 1 : 0));
        queue_suite_show(&device, &place);
        expect(virtio_queue_take_used(&queue, &head, &written_bytes) == (lie == 0));
        expect(queue.is_broken == (lie != 0));
        expect_that(queue.free_table_count, ==, lie == 0 ? 2 : 1);
        virtio_queue_close(&queue);
    }
}

TEST(a_reset_forgets_all_chains)
{
    open_queue();
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < SIZE; i++)
            (void)add(1, 0);
        expect_that(queue.room, ==, 0);
        (void)virtio_queue_publish(&queue);
        virtio_queue_reset(&queue);
        expect_that(queue.room, ==, SIZE);
        expect_that(rings_suite_of(&place).available->index, ==, 0);
    }
    virtio_queue_close(&queue);
}

/* ---- lies ---- */

/* The device puts this into the used ring, after one chain of three parts, head 0, and one of one,
 * head 3, were given to it, each with room for bytes. */
static void expect_broken(uint32_t head, uint32_t written_bytes)
{
    uint16_t taken_head;
    uint32_t taken_bytes;
    open_queue();
    expect_that(add(1, 2), ==, 0);
    expect_that(add(0, 1), ==, 3);
    (void)virtio_queue_publish(&queue);
    queue_suite_give(&device, &place, head, written_bytes);
    queue_suite_show(&device, &place);
    expect(!virtio_queue_take_used(&queue, &taken_head, &taken_bytes));
    expect(queue.is_broken);
    expect_that(virtio_queue_used_count(&queue), ==, 0);
    queue_suite_give(&device, &place, 3, 1); /* the truth comes too late */
    queue_suite_show(&device, &place);
    expect(!virtio_queue_take_used(&queue, &taken_head, &taken_bytes));
    virtio_queue_close(&queue);
}

TEST(heads_that_were_not_given)
{
    expect_broken(1, 0);  /* within a chain */
    expect_broken(4, 0);  /* free */
    expect_broken(15, 0); /* free, the last */
    expect_broken(16, 0);
    expect_broken(0x10000, 0); /* 0 in its lower half */
    expect_broken(0xffffffff, 0);
}

TEST(more_written_than_there_is_room_for)
{
    expect_broken(0, 20 + 21 + 1);
    expect_broken(3, 21);
    expect_broken(3, 0xffffffff);
}

TEST(a_chain_given_back_twice)
{
    uint16_t head;
    uint32_t written_bytes;
    open_queue();
    (void)add(1, 0);
    (void)add(1, 0);
    (void)virtio_queue_publish(&queue);
    queue_suite_give(&device, &place, 0, 0);
    queue_suite_give(&device, &place, 0, 0);
    queue_suite_show(&device, &place);
    expect(virtio_queue_take_used(&queue, &head, &written_bytes));
    expect(!virtio_queue_take_used(&queue, &head, &written_bytes));
    expect(queue.is_broken);
    virtio_queue_close(&queue);
}

/* More than were given, or less than before. */
TEST(indices_that_jump)
{
    static const uint16_t jumps[] = { 3, SIZE, SIZE + 1, 0x7fff, 0x8000, 0xffff };
    for (size_t i = 0; i < LENGTH_OF(jumps); i++) {
        open_queue();
        (void)add(1, 0);
        (void)add(1, 0);
        (void)virtio_queue_publish(&queue);
        (void)add(1, 0); /* not published: not the device's to use */
        device.given = jumps[i];
        queue_suite_show(&device, &place);
        expect_that(virtio_queue_used_count(&queue), ==, 0);
        expect(queue.is_broken);
        virtio_queue_close(&queue);
    }
}

/* A device that could only read tells of nothing that it has written, whatever it says. */
TEST(lengths_of_what_was_only_read_are_ignored)
{
    uint16_t head;
    uint32_t written_bytes = 1;
    open_queue();
    (void)add(2, 0);
    (void)virtio_queue_publish(&queue);
    queue_suite_give(&device, &place, 0, 4711);
    queue_suite_show(&device, &place);
    expect(virtio_queue_take_used(&queue, &head, &written_bytes));
    expect_that(written_bytes, ==, 0);
    virtio_queue_close(&queue);
}

/* The descriptors in shared memory are the device's to spoil; the driver does not read them. */
TEST(descriptors_that_are_overwritten_do_not_matter)
{
    uint16_t head;
    uint32_t written_bytes;
    open_queue();
    for (unsigned round = 0; round < 100; round++) {
        (void)add(3, 2);
        (void)virtio_queue_publish(&queue);
        head = rings_suite_of(&place).available_heads[round % SIZE];
        __builtin_memset(rings_suite_of(&place).descriptors, 0xff, VIRTQ_DESC_BYTES(SIZE));
        __builtin_memset(rings_suite_of(&place).available, 0xff, VIRTQ_AVAIL_BYTES(SIZE));
        queue_suite_give(&device, &place, head, 1);
        queue_suite_show(&device, &place);
        expect(virtio_queue_take_used(&queue, &head, &written_bytes));
        expect_that(queue.room, ==, SIZE);
    }
    virtio_queue_close(&queue);
}

/* ---- notifications ---- */

/* virtio 1.2, 2.7.10.1. */
TEST(the_device_asks_by_a_flag)
{
    open_queue();
    expect(!virtio_queue_publish(&queue)); /* nothing was added */
    (void)add(1, 0);
    expect(virtio_queue_publish(&queue));
    rings_suite_of(&place).used->flags = VIRTQ_USED_NO_NOTIFY;
    (void)add(1, 0);
    expect(!virtio_queue_publish(&queue));
    virtio_queue_close(&queue);
}

/* 2.7.10.2: when the index passes the event's, and only then. */
TEST(the_device_asks_by_an_index)
{
    open_sized(SIZE, true);
    *rings_suite_of(&place).available_event = 2;
    (void)add(1, 0);
    (void)add(1, 0);
    expect(!virtio_queue_publish(&queue));
    (void)add(1, 0);
    expect(virtio_queue_publish(&queue));
    (void)add(1, 0);
    expect(!virtio_queue_publish(&queue));
    virtio_queue_close(&queue);
}

/* 2.7.7: a flag, or an index that is not reached. */
TEST(interrupts_come_only_when_wanted)
{
    for (unsigned has_event_index = 0; has_event_index < 2; has_event_index++) {
        uint16_t head;
        uint32_t written_bytes;
        open_sized(SIZE, has_event_index != 0);
        struct rings_suite rings = rings_suite_of(&place);
        uint16_t far = 0x8000;
        expect_that(rings.available->flags, ==, has_event_index != 0 ? 0 : 1);
        expect_that(*rings.used_event, ==, has_event_index != 0 ? far : 0);
        expect(!virtio_queue_interrupts(&queue, true));
        expect_that(rings.available->flags, ==, 0);
        expect_that(*rings.used_event, ==, 0);
        (void)add(1, 0);
        (void)virtio_queue_publish(&queue);
        queue_suite_give(&device, &place, 0, 0);
        queue_suite_show(&device, &place);
        expect(virtio_queue_interrupts(&queue, true));
        expect(virtio_queue_take_used(&queue, &head, &written_bytes));
        expect(!virtio_queue_interrupts(&queue, true));
        expect_that(*rings.used_event, ==, has_event_index);
        virtio_queue_close(&queue);
    }
}

/* 2.7.10: round the wrap of the index, a device that waits for the next chain is told of each
 * burst, and one that waits for a later one when that is among them, as its driver and the chapter
 * count; whatever a device waits for that does not come harms nobody. */
TEST(events_are_told_round_the_wrap)
{
    uint64_t random = 11;
    uint32_t published = 0;
    uint16_t head;
    uint32_t written_bytes;
    open_sized(SIZE, true);
    struct rings_suite rings = rings_suite_of(&place);
    while (published < 3 * 65536) {
        uint64_t dice = test_random(&random);
        uint32_t count = 1 + (uint32_t)(dice % SIZE), ahead = (uint32_t)(dice >> 8) % 40;
        uint16_t wild = (uint16_t)(dice >> 16);
        bool is_wild = (dice >> 32) % 4 == 0;
        *rings.available_event = is_wild ? wild : (uint16_t)(published + ahead);
        for (uint32_t i = 0; i < count; i++)
            (void)add(1, 0);
        bool was_told = virtio_queue_publish(&queue);
        if (!is_wild) expect(was_told == (ahead < count));
        published += count;
        static struct chain_suite chain;
        while (queue_suite_take(&device, &place, &chain))
            queue_suite_give(&device, &place, chain.head, 0);
        queue_suite_show(&device, &place);
        while (virtio_queue_take_used(&queue, &head, &written_bytes))
            continue;
        expect(!queue.is_broken);
        expect_that(queue.room, ==, SIZE);
    }
    virtio_queue_close(&queue);
}

/* 2.7.7.2, as a device reads it: whether it is to interrupt that has gone from `before` to
 * `after`. */
static bool is_to_interrupt(uint16_t before, uint16_t after)
{
    uint16_t event = *rings_suite_of(&place).used_event;
    return (uint16_t)(after - event - 1) < (uint16_t)(after - before);
}

/* A sleep that was armed for ends with the first chain that is used, wherever the index stands, and
 * one that was not does not; who finds something when it arms, takes it and arms again is not left
 * waiting for what has gone by. */
TEST(sleeps_end_round_the_wrap)
{
    uint16_t head;
    uint32_t written_bytes;
    open_sized(SIZE, true);
    for (uint32_t used = 0; used < 2 * 65536 + 100; used += 2) {
        uint16_t before = (uint16_t)used;
        (void)add(1, 0);
        (void)add(1, 0);
        (void)virtio_queue_publish(&queue);
        (void)virtio_queue_interrupts(&queue, false);
        expect(!is_to_interrupt(before, (uint16_t)(before + 1)));
        queue_suite_give(&device, &place, 0, 0);
        queue_suite_show(&device, &place);
        expect(virtio_queue_interrupts(&queue, true));
        expect(virtio_queue_take_used(&queue, &head, &written_bytes));
        expect(!virtio_queue_interrupts(&queue, true));
        expect(is_to_interrupt((uint16_t)(before + 1), (uint16_t)(before + 2)));
        queue_suite_give(&device, &place, 1, 0);
        queue_suite_show(&device, &place);
        expect(virtio_queue_take_used(&queue, &head, &written_bytes));
        expect(!queue.is_broken);
    }
    virtio_queue_close(&queue);
}
