/* machine_suite.c - a machine around the drivers under test.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/machine_suite.h"

#include "fiber/fiber.h"
#include "target/virtio/machine_memory.h"
#include "test/test.h"

static struct {
    struct machine_device_suite *const *devices;
    size_t count;
    struct list pollers;
    struct alarm turn;
} machine;

/* ---- what the target gives ---- */

uint64_t machine_slide(void)
{
    return MACHINE_SUITE_SLIDE;
}

struct machine_device *machine_device_find(enum machine_device_kind kind, struct view name)
{
    for (size_t i = 0; i < machine.count; i++) {
        struct machine_device *said = &machine.devices[i]->said;
        struct view own = VIEW_OF(said->name);
        own = view_first(own, view_find_byte(own, 0));
        if (said->kind == kind && (view_is_empty(name) || view_equal(own, name))) return said;
    }
    return NULL;
}

void machine_poller_add(struct machine_poller *poller)
{
    list_append(&machine.pollers, &poller->node);
}

void machine_poller_remove(struct machine_poller *poller)
{
    list_remove(&poller->node);
}

static void serve_device(struct machine_device_suite *device)
{
    if (device->said.status == MACHINE_DEVICE_READY) device->serve(device);
    if (device->said.status != MACHINE_DEVICE_RESET || device->keeps) return;
    device->stop(device);
    device->said.status = 0;
}

void machine_serve(void)
{
    for (size_t i = 0; i < machine.count; i++)
        serve_device(machine.devices[i]);
}

bool machine_suite_poll(void)
{
    bool had_something = false;
    list_for_each (node, &machine.pollers) {
        struct machine_poller *poller = CONTAINER_OF(node, struct machine_poller, node);
        had_something |= poller->poll(poller);
    }
    return had_something;
}

bool machine_suite_arm(void)
{
    bool had_something = false;
    list_for_each (node, &machine.pollers) {
        struct machine_poller *poller = CONTAINER_OF(node, struct machine_poller, node);
        had_something |= poller->arm(poller);
    }
    return had_something;
}

static void turn_due(struct alarm *alarm)
{
    machine_serve();
    (void)machine_suite_poll();
    (void)machine_suite_arm();
    alarm_set(alarm, deadline_after(loop_now_ns(), MACHINE_TURN_NS));
}

void machine_suite_open(struct machine_device_suite *const devices[], size_t count)
{
    machine.devices = devices;
    machine.count = count;
    machine.turn.due = turn_due;
    list_init(&machine.pollers);
    alarm_set(&machine.turn, NO_WAIT);
}

void machine_suite_stop_turns(void)
{
    alarm_stop(&machine.turn);
}

void machine_suite_close(void)
{
    expect(list_is_empty(&machine.pollers));
    alarm_stop(&machine.turn);
    machine.count = 0;
}

/* ---- the device's side of a queue ---- */

static void *reach(uint64_t physical)
{
    uint64_t virtual = physical + MACHINE_SUITE_SLIDE;
    void *there;
    __builtin_memcpy(&there, &virtual, sizeof there);
    return there;
}

struct rings_suite rings_suite_of(const struct machine_queue *place)
{
    size_t size = place->size;
    uint64_t heads = place->available + sizeof(struct virtq_ring);
    uint64_t elements = place->used + sizeof(struct virtq_ring);
    return (struct rings_suite){
        .descriptors = reach(place->descriptors),
        .available = reach(place->available),
        .used = reach(place->used),
        .available_heads = reach(heads),
        .used_event = reach(heads + size * sizeof(uint16_t)),
        .used_elements = reach(elements),
        .available_event = reach(elements + size * sizeof(struct virtq_used_element)),
    };
}

size_t queue_suite_waiting(const struct queue_suite *queue, const struct machine_queue *place)
{
    struct rings_suite rings = rings_suite_of(place);
    return (uint16_t)(rings.available->index - queue->taken);
}

/* Where a chain goes on: in the queue, or in an indirect table. */
struct table_suite {
    const struct virtq_desc *descriptors;
    size_t count;
};

/* virtio 1.2, 2.7.5.3.1: a table is all of its chain, and there is none within another. */
static struct table_suite enter_table(const struct machine_queue *place, uint16_t head)
{
    const struct rings_suite rings = rings_suite_of(place);
    const struct virtq_desc *first = &rings.descriptors[head];
    expect_that(head, <, place->size);
    if ((first->flags & VIRTQ_DESC_INDIRECT) == 0)
        return (struct table_suite){ rings.descriptors, place->size };
    expect_that(first->flags, ==, VIRTQ_DESC_INDIRECT);
    expect_that(first->length_bytes, >, 0);
    expect_that(first->length_bytes % sizeof *first, ==, 0);
    expect_that(first->address % 16, ==, 0);
    return (struct table_suite){ reach(first->address), first->length_bytes / sizeof *first };
}

/* 2.7.5.3.2: no index beyond the table, no loop, and what is read comes first. */
static void walk(const struct machine_queue *place, struct chain_suite *chain)
{
    const struct table_suite table = enter_table(place, chain->head);
    uint16_t index = table.descriptors == rings_suite_of(place).descriptors ? chain->head : 0;
    for (size_t i = 0; i < QUEUE_SUITE_PARTS; i++) {
        expect_that(index, <, table.count);
        const struct virtq_desc *part = &table.descriptors[index];
        expect((part->flags & VIRTQ_DESC_INDIRECT) == 0);
        expect_that(part->length_bytes, >, 0);
        if ((part->flags & VIRTQ_DESC_WRITE) != 0) {
            chain->writable[chain->writable_count++] = span_from(reach(part->address),
                                                                 part->length_bytes);
        } else {
            expect_that(chain->writable_count, ==, 0);
            chain->readable[chain->readable_count++] = view_from(reach(part->address),
                                                                 part->length_bytes);
        }
        if ((part->flags & VIRTQ_DESC_NEXT) == 0) return;
        index = part->next;
    }
    test_fail(__FILE__, __LINE__, "a chain does not end");
}

bool queue_suite_take(struct queue_suite *queue, const struct machine_queue *place,
                      struct chain_suite *chain)
{
    const struct rings_suite rings = rings_suite_of(place);
    size_t waiting = queue_suite_waiting(queue, place);
    expect_that(waiting, <=, place->size);
    if (waiting == 0) return false;
    chain->head = rings.available_heads[queue->taken++ & (place->size - 1u)];
    chain->readable_count = chain->writable_count = 0;
    walk(place, chain);
    return true;
}

void queue_suite_give(struct queue_suite *queue, const struct machine_queue *place, uint32_t head,
                      uint32_t written_bytes)
{
    const struct rings_suite rings = rings_suite_of(place);
    rings.used_elements[queue->given++ & (place->size - 1u)] = (struct virtq_used_element){
        head, written_bytes
    };
}

void queue_suite_show(const struct queue_suite *queue, const struct machine_queue *place)
{
    __atomic_store_n(&rings_suite_of(place).used->index, queue->given, __ATOMIC_RELEASE);
}
