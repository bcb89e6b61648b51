/* queue_test.c - what a device takes from a queue of a guest that keeps the rules, and from one
 * that breaks each of them (virtio 1.2, 2.7).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/queue.h"

#include "tender/guest_test.h"

#define SIZE 8u

static struct queue queue;
static struct guest_queue guest;
static struct queue_chain chain;

static void open_queue(uint64_t accepted)
{
    guest_queue_place(&guest, 0, SIZE);
    expect(queue_open(&queue, &guest_memory, &guest.said, accepted));
}

static bool opens(struct machine_queue said)
{
    bool opened = queue_open(&queue, &guest_memory, &said, 0);
    expect(opened == (queue.problem == NULL));
    return opened;
}

static void expect_broken(const char *words)
{
    expect(!queue_take(&queue, &chain));
    if (queue.problem == NULL) test_fail(__FILE__, __LINE__, "not broken: %s", words);
    expect_view(view_from_string(queue.problem), view_from_string(words));
    guest_queue_place(&guest, 0, SIZE); /* for good, whatever the guest does then */
    (void)guest_queue_add(&guest, &(const struct guest_buffer){ GUEST_DATA, 10, false }, 1);
    expect(!queue_take(&queue, &chain) && !queue_has_more(&queue));
}

TEST(queue_gives_chains_in_order)
{
    const struct guest_buffer first[] = { { GUEST_DATA, 16, false },
                                          { GUEST_DATA + 100, 50, false },
                                          { GUEST_DATA + 4096, 512, true } };
    const struct guest_buffer second[] = { { GUEST_DATA + 9000, 1, true } };
    open_queue(0);
    expect_that(guest.used->flags, ==, VIRTQ_USED_NO_NOTIFY);
    expect(!queue_has_more(&queue) && !queue_take(&queue, &chain));
    uint16_t first_head = guest_queue_add(&guest, first, 3);
    uint16_t second_head = guest_queue_add(&guest, second, 1);
    expect(queue_has_more(&queue) && queue_take(&queue, &chain));
    expect_that(chain.head, ==, first_head);
    expect_that(chain.readable_count, ==, 2);
    expect_that(chain.writable_count, ==, 1);
    expect_that(chain.readable_bytes, ==, 66);
    expect_that(chain.writable_bytes, ==, 512);
    expect(queue_readable(&chain)[1].iov_base == guest_at(GUEST_DATA + 100));
    expect(queue_writable(&chain)[0].iov_base == guest_at(GUEST_DATA + 4096));
    expect(queue_take(&queue, &chain));
    expect_that(chain.head, ==, second_head);
    expect(!queue_take(&queue, &chain) && queue.problem == NULL);
}

TEST(queue_shows_what_is_given_back_in_bursts)
{
    const struct guest_buffer buffer = { GUEST_DATA, 100, true };
    struct virtq_used_element element;
    open_queue(0);
    uint16_t first = guest_queue_add(&guest, &buffer, 1),
             second = guest_queue_add(&guest, &buffer, 1);
    expect(queue_take(&queue, &chain) && queue_take(&queue, &chain));
    expect(!queue_publish(&queue));
    queue_give_back(&queue, second, 7); /* in any order */
    queue_give_back(&queue, first, 100);
    expect(!guest_queue_look(&guest, &element));
    expect(queue_publish(&queue));
    expect(guest_queue_look(&guest, &element));
    expect(element.head == second && element.length_bytes == 7);
    expect(guest_queue_look(&guest, &element));
    expect(element.head == first && element.length_bytes == 100);
    expect(!guest_queue_look(&guest, &element) && !queue_publish(&queue));
    expect(queue_wants_notice(&queue));
    guest.available->flags = VIRTQ_AVAIL_NO_INTERRUPT;
    expect(!queue_wants_notice(&queue));
}

TEST(queue_goes_round_and_round)
{
    const struct guest_buffer buffers[] = { { GUEST_DATA, 100, false }, { GUEST_DATA, 10, true } };
    struct virtq_used_element element;
    open_queue(0);
    for (uint32_t i = 0; i < 70000; i++) { /* the index is of 16 bits */
        uint16_t head = guest_queue_add(&guest, buffers, 2);
        expect(queue_take(&queue, &chain));
        expect_that(chain.head, ==, head);
        queue_give_back(&queue, chain.head, i);
        expect(queue_publish(&queue));
        expect(guest_queue_look(&guest, &element));
        expect(element.head == head && element.length_bytes == i);
    }
}

/* As many chains as it holds, none given back. */
static void take_all(void)
{
    const struct guest_buffer buffer = { GUEST_DATA, 100, true };
    open_queue(0);
    for (unsigned i = 0; i < SIZE; i++)
        (void)guest_queue_add(&guest, &buffer, 1);
    for (unsigned i = 0; i < SIZE; i++)
        expect(queue_take(&queue, &chain));
}

TEST(queue_can_be_full)
{
    take_all();
    expect(!queue_take(&queue, &chain) && queue.problem == NULL);
}

TEST(queue_takes_again_what_is_put_back)
{
    const struct guest_buffer buffer = { GUEST_DATA, 100, true };
    open_queue(0);
    uint16_t first = guest_queue_add(&guest, &buffer, 1),
             second = guest_queue_add(&guest, &buffer, 1);
    expect(queue_take(&queue, &chain) && queue_take(&queue, &chain));
    queue_put_back(&queue);
    queue_put_back(&queue);
    expect(queue_take(&queue, &chain) && chain.head == first);
    expect(queue_take(&queue, &chain) && chain.head == second);
    queue_put_back(&queue);
    queue_give_back(&queue, first, 0);
    expect(queue_take(&queue, &chain) && chain.head == second);
    expect(!queue_take(&queue, &chain) && queue.problem == NULL);
}

/* 2.7.5.3: a table of its own, alone or at the end of a chain. */
TEST(queue_follows_one_indirect_table)
{
    struct virtq_desc *table = guest_at(0x9000);
    open_queue(VIRTIO_F_INDIRECT_DESC);
    table[0] = (struct virtq_desc){ GUEST_DATA, 10, VIRTQ_DESC_NEXT, 2 };
    table[2] = (struct virtq_desc){ GUEST_DATA + 64, 20, VIRTQ_DESC_WRITE, 0 };
    guest.descriptors[0] = (struct virtq_desc){ 0x9000, 48, VIRTQ_DESC_INDIRECT, 77 };
    guest.descriptors[4] = (struct virtq_desc){ GUEST_DATA + 256, 5, VIRTQ_DESC_NEXT, 0 };
    guest_queue_offer(&guest, 0);
    guest_queue_offer(&guest, 4);
    expect(queue_take(&queue, &chain));
    expect(chain.readable_bytes == 10 && chain.writable_bytes == 20);
    expect(queue_take(&queue, &chain));
    expect(chain.head == 4 && chain.readable_count == 2 && chain.readable_bytes == 15);
}

/* ---- rings ---- */

TEST(queue_opens_only_sound_rings)
{
    guest_queue_place(&guest, 0, SIZE);
    const struct machine_queue good = guest.said;
    const uint32_t sizes[] = { 0, 3, 6, 1023, 2048, 0x10000, 0x80000000, UINT32_MAX };
    expect(opens(good));
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct machine_queue said = good;
        said.size = sizes[i];
        expect(!opens(said));
    }
    const uint64_t places[] = { GUEST_BYTES, GUEST_BYTES - 16, GUEST_BYTES + 16,
                                1ull << 32,  UINT64_MAX - 15,  UINT64_MAX & ~0xfffull,
                                1ull << 63 };
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        struct machine_queue descriptors = good, available = good, used = good;
        descriptors.descriptors = available.available = used.used = places[i];
        expect(!opens(descriptors) && !opens(available) && !opens(used));
    }
    struct machine_queue shifted = good;
    shifted.descriptors += 8;
    expect(!opens(shifted));
    shifted = good;
    shifted.available += 1;
    expect(!opens(shifted));
    shifted = good;
    shifted.used += 2;
    expect(!opens(shifted));
}

TEST(queue_may_end_where_the_memory_ends)
{
    guest_queue_place(&guest, 0, SIZE);
    struct machine_queue said = guest.said;
    said.used = (GUEST_BYTES - VIRTQ_USED_BYTES(SIZE)) & ~3ull;
    expect(opens(said));
    said.used += 4;
    expect(!opens(said));
    said = guest.said;
    said.descriptors = GUEST_BYTES - VIRTQ_DESC_BYTES(SIZE);
    expect(opens(said));
}

TEST(queue_breaks_when_the_index_jumps)
{
    open_queue(0);
    guest.available->index = SIZE + 1;
    expect_broken("more chains are available than the queue holds");
    open_queue(0);
    guest.available->index = UINT16_MAX; /* back */
    expect_broken("more chains are available than the queue holds");
}

/* Chains that are not given back count: a guest cannot make a device hold more than the size. */
TEST(queue_breaks_when_more_is_available_than_given_back)
{
    const struct guest_buffer buffer = { GUEST_DATA, 100, true };
    take_all();
    (void)guest_queue_add(&guest, &buffer, 1);
    expect_broken("more chains are available than the queue holds");
}

TEST(queue_breaks_when_the_index_goes_back)
{
    const struct guest_buffer buffer = { GUEST_DATA, 100, true };
    open_queue(0);
    (void)guest_queue_add(&guest, &buffer, 1);
    (void)guest_queue_add(&guest, &buffer, 1);
    expect(queue_take(&queue, &chain) && queue_take(&queue, &chain));
    guest.available->index = 1;
    expect_broken("more chains are available than the queue holds");
}

/* ---- chains ---- */

static void offer(const struct virtq_desc *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        guest.descriptors[i] = descriptors[i];
    guest_queue_offer(&guest, 0);
}

TEST(queue_breaks_at_a_head_outside)
{
    open_queue(0);
    guest_queue_offer(&guest, SIZE);
    expect_broken("a chain leaves its table");
    open_queue(0);
    guest_queue_offer(&guest, UINT16_MAX);
    expect_broken("a chain leaves its table");
}

TEST(queue_breaks_at_a_next_outside)
{
    const struct virtq_desc descriptor = { GUEST_DATA, 10, VIRTQ_DESC_NEXT, SIZE };
    open_queue(0);
    offer(&descriptor, 1);
    expect_broken("a chain leaves its table");
}

TEST(queue_breaks_at_loops)
{
    const struct virtq_desc self = { GUEST_DATA, 10, VIRTQ_DESC_NEXT, 0 };
    const struct virtq_desc two[] = { { GUEST_DATA, 10, VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE, 1 },
                                      { GUEST_DATA, 10, VIRTQ_DESC_NEXT | VIRTQ_DESC_WRITE, 0 } };
    open_queue(0);
    offer(&self, 1);
    expect_broken("a chain is too long, or has no end");
    open_queue(0);
    offer(two, 2);
    expect_broken("a chain is too long, or has no end");
}

TEST(queue_breaks_at_buffers_outside)
{
    static const struct virtq_desc outside[] = {
        { GUEST_BYTES, 1, 0, 0 },
        { GUEST_BYTES - 10, 11, 0, 0 },
        { GUEST_DATA, GUEST_BYTES, 0, 0 },
        { UINT64_MAX, 2, 0, 0 },
        { UINT64_MAX - 9, 10, 0, 0 },
        { 0, UINT32_MAX, VIRTQ_DESC_WRITE, 0 },
        { 1ull << 63, 1, VIRTQ_DESC_WRITE, 0 },
    };
    for (size_t i = 0; i < LENGTH_OF(outside); i++) {
        open_queue(0);
        offer(&outside[i], 1);
        expect_broken("a buffer lies outside of the memory");
    }
    const struct virtq_desc last = { GUEST_BYTES - 10, 10, 0, 0 };
    open_queue(0);
    offer(&last, 1);
    expect(queue_take(&queue, &chain));
}

/* What a device writes does not lie in the image's text; what it reads may. */
TEST(queue_breaks_at_buffers_in_the_image)
{
    static const struct virtq_desc inside[] = {
        { .address = 0x20fff, .length_bytes = 2, .flags = VIRTQ_DESC_WRITE },
        { .address = 0x21fff, .length_bytes = 1, .flags = VIRTQ_DESC_WRITE },
        { .address = 0x20000, .length_bytes = 0x4000, .flags = VIRTQ_DESC_WRITE },
    };
    static const struct virtq_desc beside[] = {
        { .address = 0x21000, .length_bytes = 0x1000 },
        { .address = 0x20000, .length_bytes = 0x1000, .flags = VIRTQ_DESC_WRITE },
        { .address = 0x22000, .length_bytes = 0x1000, .flags = VIRTQ_DESC_WRITE },
    };
    const struct guest_memory sealed = { .bytes = guest_memory.bytes,
                                         .sealed_from = 0x21000,
                                         .sealed_end = 0x22000 };
    const struct guest_memory with_ring = { .bytes = guest_memory.bytes, .sealed_end = 0x10000 };
    for (size_t i = 0; i < LENGTH_OF(inside); i++) {
        guest_queue_place(&guest, 0, SIZE);
        expect(queue_open(&queue, &sealed, &guest.said, 0));
        offer(&inside[i], 1);
        expect_broken("a buffer to be written lies in the image's code or constants");
        guest_queue_place(&guest, 0, SIZE);
        expect(queue_open(&queue, &sealed, &guest.said, 0));
        offer(&beside[i], 1);
        expect(queue_take(&queue, &chain));
    }
    expect(!queue_open(&queue, &with_ring, &guest.said, 0));
    expect(queue.problem != NULL);
}

TEST(queue_breaks_at_an_empty_buffer)
{
    const struct virtq_desc empty = { GUEST_DATA, 0, 0, 0 };
    open_queue(0);
    offer(&empty, 1);
    expect_broken("a buffer is empty");
}

/* 2.7.4.2. */
TEST(queue_breaks_at_readable_behind_writable)
{
    const struct virtq_desc wrong[] = { { GUEST_DATA, 10, VIRTQ_DESC_WRITE | VIRTQ_DESC_NEXT, 1 },
                                        { GUEST_DATA, 10, 0, 0 } };
    open_queue(0);
    offer(wrong, 2);
    expect_broken("a buffer to be read stands behind one to be written");
}

TEST(queue_breaks_at_an_indirect_table_that_is_not_accepted)
{
    const struct virtq_desc table = { 0x9000, 16, VIRTQ_DESC_INDIRECT, 0 };
    open_queue(0);
    offer(&table, 1);
    expect_broken("an indirect table where there may be none");
}

TEST(queue_breaks_at_unsound_indirect_tables)
{
    static const struct virtq_desc tables[] = {
        { 0x9000, 0, VIRTQ_DESC_INDIRECT, 0 },
        { 0x9000, 15, VIRTQ_DESC_INDIRECT, 0 },
        { 0x9000, 24, VIRTQ_DESC_INDIRECT, 0 },
        { 0x9004, 16, VIRTQ_DESC_INDIRECT, 0 },
        { GUEST_BYTES - 8, 16, VIRTQ_DESC_INDIRECT, 0 },
        { GUEST_BYTES, 16, VIRTQ_DESC_INDIRECT, 0 },
        { UINT64_MAX - 15, 32, VIRTQ_DESC_INDIRECT, 0 },
        { 0, UINT32_MAX & ~15u, VIRTQ_DESC_INDIRECT, 0 },
    };
    for (size_t i = 0; i < LENGTH_OF(tables); i++) {
        open_queue(VIRTIO_F_INDIRECT_DESC);
        offer(&tables[i], 1);
        expect_broken("an indirect table is not aligned, or outside of the memory");
    }
    const struct virtq_desc goes_on = { 0x9000, 16, VIRTQ_DESC_INDIRECT | VIRTQ_DESC_NEXT, 1 };
    open_queue(VIRTIO_F_INDIRECT_DESC);
    offer(&goes_on, 1);
    expect_broken("an indirect table is not the end of its chain");
}

TEST(queue_breaks_at_tables_within_tables)
{
    const struct virtq_desc into = { 0x9000, 16, VIRTQ_DESC_INDIRECT, 0 };
    struct virtq_desc *table = guest_at(0x9000);
    open_queue(VIRTIO_F_INDIRECT_DESC);
    table[0] = into; /* itself */
    offer(&into, 1);
    expect_broken("an indirect table where there may be none");
    open_queue(VIRTIO_F_INDIRECT_DESC);
    table[0] = (struct virtq_desc){ GUEST_DATA, 10, VIRTQ_DESC_NEXT, 1 };
    offer(&into, 1);
    expect_broken("a chain leaves its table");
}

/* The queue's own table, said to be an indirect one. */
TEST(queue_ends_where_its_table_leads_into_itself)
{
    const struct virtq_desc into = { 0, SIZE * 16, VIRTQ_DESC_INDIRECT, 0 };
    open_queue(VIRTIO_F_INDIRECT_DESC);
    offer(&into, 1);
    expect(!queue_take(&queue, &chain));
    expect(queue.problem != NULL);
}

TEST(queue_takes_chains_as_long_as_is_said)
{
    struct virtq_desc *table = guest_at(0x9000);
    const struct virtq_desc into = { 0x9000, (QUEUE_PARTS_MAX + 1) * 16, VIRTQ_DESC_INDIRECT, 0 };
    for (unsigned i = 0; i <= QUEUE_PARTS_MAX; i++)
        table[i] = (struct virtq_desc){ GUEST_DATA, 1, VIRTQ_DESC_NEXT, (uint16_t)(i + 1) };
    table[QUEUE_PARTS_MAX - 1].flags = 0;
    open_queue(VIRTIO_F_INDIRECT_DESC);
    offer(&into, 1);
    expect(queue_take(&queue, &chain));
    expect_that(chain.readable_count, ==, QUEUE_PARTS_MAX);
    table[QUEUE_PARTS_MAX - 1].flags = VIRTQ_DESC_NEXT;
    table[QUEUE_PARTS_MAX].flags = 0;
    open_queue(VIRTIO_F_INDIRECT_DESC);
    offer(&into, 1);
    expect_broken("a chain is too long, or has no end");
}

/* 2.7.5: what one chain holds is counted in 32 bits. The memory need not be there: nobody touches
 * it. */
TEST(queue_breaks_at_4_gib)
{
    const struct guest_memory vast = { .bytes = { guest_bytes, (size_t)1 << 40 } };
    const struct virtq_desc two[] = { { 0, 0x80000000, VIRTQ_DESC_NEXT, 1 },
                                      { 0, 0x80000000, VIRTQ_DESC_WRITE, 0 } };
    guest_queue_place(&guest, 0, SIZE);
    expect(queue_open(&queue, &vast, &guest.said, 0));
    offer(two, 2);
    expect_broken("a chain holds 4 GiB or more");
}

TEST(queue_that_is_zeroed_has_nothing)
{
    queue = (struct queue){ .size = 0 };
    expect(!queue_has_more(&queue) && !queue_take(&queue, &chain) && !queue_publish(&queue));
}
