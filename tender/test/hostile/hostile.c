/* hostile.c - what an image can say across the crossing that no sound one would.
 *
 * After each of these the image goes on and ends well: it is the tender that is looked at.
 *
 * SPDX-License-Identifier: ISC */
#include "hostile.h"

#include "base/units.h"
#include "fiber/stop.h"
#include "target/clock.h"
#include "target/machine/virtqueue.h"
#include "target/virtio/machine_memory.h"
#include "target/vm/boot.h"

const struct parameter hostile_parameters[] = {
    PARAMETER_TEXT(struct hostile_parameters, how, "how", "", "what to do"),
    PARAMETER_NUMBER(struct hostile_parameters, seed, "seed", "1", 0, UINT64_MAX,
                     "of what is random in it"),
    PARAMETER_END,
};

#define QUEUE_SIZE 64

/* Queues of our own making. */
static struct rings {
    struct virtq_desc descriptors[QUEUE_SIZE];
    struct {
        struct virtq_ring ring;
        uint16_t heads[QUEUE_SIZE + 1];
    } available;
    struct {
        struct virtq_ring ring;
        struct virtq_used_element elements[QUEUE_SIZE];
        uint32_t event;
    } used;
    uint8_t text[64];
} rings[2] __attribute__((aligned(4096)));

static void cross(uint64_t deadline_ns)
{
    boot_page->control.deadline_ns = deadline_ns;
    machine_cross(MACHINE_WAIT);
}

/* Behind the memory lie the tables of the machine. */
static uint64_t tables(void)
{
    return boot_page->memory.base + boot_page->memory.length_bytes - machine_slide();
}

static struct machine_device *console(void)
{
    return &boot_page->devices[0];
}

static struct machine_queue queue_of(struct rings *of)
{
    return (struct machine_queue){ .descriptors = machine_physical(of->descriptors),
                                   .available = machine_physical(&of->available),
                                   .used = machine_physical(&of->used),
                                   .size = QUEUE_SIZE };
}

/* Takes the console away from its driver, and sets it up anew. */
static void take_console(void)
{
    console()->status = MACHINE_DEVICE_RESET;
    cross(0);
    for (size_t i = 0; i < 2; i++) {
        rings[i].available.ring = (struct virtq_ring){ 0 };
        rings[i].descriptors[0] = (struct virtq_desc){ .address = machine_physical(rings[i].text),
                                                       .length_bytes = 1 };
        console()->queues[i] = queue_of(&rings[i]);
    }
    console()->accepted = VIRTIO_F_VERSION_1;
}

static void start_console(void)
{
    console()->status = MACHINE_DEVICE_READY;
    cross(0);
}

static void offer(uint16_t head, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        rings[1].available.heads[i % QUEUE_SIZE] = head;
    rings[1].available.ring.index = (uint16_t)(rings[1].available.ring.index + count);
    cross(0);
}

/* ---- what is said of a queue ---- */

static void place_queue(uint64_t descriptors, uint64_t available, uint64_t used, uint32_t size)
{
    take_console();
    console()->queues[1] = (struct machine_queue){
        .descriptors = descriptors, .available = available, .used = used, .size = size
    };
    start_console();
}

static void queue_in_tables(void)
{
    struct machine_queue sound = queue_of(&rings[1]);
    place_queue(sound.descriptors, sound.available, tables(), QUEUE_SIZE);
}

static void queue_over_the_end(void)
{
    struct machine_queue sound = queue_of(&rings[1]);
    place_queue(sound.descriptors, sound.available, tables() - 8, QUEUE_SIZE);
}

static void queue_round_the_end(void)
{
    place_queue(UINT64_MAX - 15, UINT64_MAX - 1, UINT64_MAX - 3, QUEUE_SIZE);
}

static void queue_too_long(void)
{
    struct machine_queue sound = queue_of(&rings[1]);
    place_queue(sound.descriptors, sound.available, sound.used, 1u << 31);
}

/* ---- what is said in a queue ---- */

static void buffer_in_tables(void)
{
    take_console();
    rings[1].descriptors[0].address = tables();
    start_console();
    offer(0, 1);
}

static void buffer_too_long(void)
{
    take_console();
    rings[1].descriptors[0].length_bytes = UINT32_MAX;
    start_console();
    offer(0, 1);
}

static void chain_that_loops(void)
{
    take_console();
    rings[1].descriptors[0].flags = VIRTQ_DESC_NEXT;
    start_console();
    offer(0, 1);
}

static void head_outside(void)
{
    take_console();
    start_console();
    offer(QUEUE_SIZE, 1);
}

static void index_that_jumps(void)
{
    take_console();
    start_console();
    offer(0, QUEUE_SIZE + 1);
}

static void features_not_offered(void)
{
    take_console();
    console()->accepted = UINT64_MAX;
    start_console();
}

/* ---- what is done again and again ---- */

static void storm(void)
{
    for (int i = 0; i < 5000; i++)
        cross(0);
}

static void resets(void)
{
    for (int i = 0; i < 500; i++) {
        take_console();
        start_console();
    }
}

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return *state >> 29;
}

/* Anything in the devices' list and in the queues, and then served. */
static void scribble(uint64_t seed)
{
    struct span said = span_from(boot_page->devices, sizeof boot_page->devices);
    take_console();
    start_console();
    for (int i = 0; i < 3000; i++) {
        struct span target = i % 2 == 0 ? said : SPAN_OF(rings);
        for (int j = 0; j < 8; j++) {
            size_t at = random_next(&seed) % target.length_bytes;
            span_from_offset(target, at).bytes[0] = (uint8_t)random_next(&seed);
        }
        rings[1].available.ring.index++;
        if (i % 16 == 0) take_console();
        if (i % 16 == 1) console()->status = MACHINE_DEVICE_READY;
        cross(0);
    }
}

static void spin(void)
{
    for (volatile bool on = true; on;) {
    }
}

static void sleep_for_ever(void)
{
    for (;;)
        cross(UINT64_MAX);
}

/* ---- what ends the machine ---- */

static void command(void)
{
    machine_cross((enum machine_command)99);
}

static void byte_to_the_port(void)
{
    __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"((uint16_t)MACHINE_PORT));
}

static void read_the_port(void)
{
    uint32_t value;
    __asm__ volatile("inl %%dx, %%eax" : "=a"(value) : "d"((uint16_t)MACHINE_PORT));
}

static void many_words_to_the_port(void)
{
    const uint8_t *from = rings[0].text;
    uint64_t count = 16;
    __asm__ volatile("rep outsl"
                     : "+S"(from), "+c"(count)
                     : "d"((uint16_t)MACHINE_PORT)
                     : "memory");
}

static void read_tables(void)
{
    /* A number as an address is the point. */
    (void)*(volatile uint8_t *)(tables() + machine_slide()); // NOLINT
}

static void large_status(void)
{
    boot_page->control.status = 0x7fffff07;
    machine_cross(MACHINE_EXIT);
}

/* As a sound image does. */
static void wait_for_stop(void)
{
    if (stop_wait(NEVER) != OK) machine_end(MACHINE_EXIT, 1);
}

static const struct {
    struct view name;
    void (*act)(void);
} acts[] = {
    { VIEW_ROW("queue-in-tables"), queue_in_tables },
    { VIEW_ROW("queue-over-the-end"), queue_over_the_end },
    { VIEW_ROW("queue-round-the-end"), queue_round_the_end },
    { VIEW_ROW("queue-too-long"), queue_too_long },
    { VIEW_ROW("buffer-in-tables"), buffer_in_tables },
    { VIEW_ROW("buffer-too-long"), buffer_too_long },
    { VIEW_ROW("chain-that-loops"), chain_that_loops },
    { VIEW_ROW("head-outside"), head_outside },
    { VIEW_ROW("index-that-jumps"), index_that_jumps },
    { VIEW_ROW("features-not-offered"), features_not_offered },
    { VIEW_ROW("storm"), storm },
    { VIEW_ROW("resets"), resets },
    { VIEW_ROW("spin"), spin },
    { VIEW_ROW("sleep"), sleep_for_ever },
    { VIEW_ROW("command"), command },
    { VIEW_ROW("byte-to-the-port"), byte_to_the_port },
    { VIEW_ROW("read-the-port"), read_the_port },
    { VIEW_ROW("many-words-to-the-port"), many_words_to_the_port },
    { VIEW_ROW("read-tables"), read_tables },
    { VIEW_ROW("large-status"), large_status },
    { VIEW_ROW("wait"), wait_for_stop },
};

enum result hostile_start(const struct hostile_parameters *parameters)
{
    if (view_equal(parameters->how, VIEW("scribble"))) {
        scribble(parameters->seed);
        machine_end(MACHINE_EXIT, 0);
    }
    for (size_t i = 0; i < LENGTH_OF(acts); i++) {
        if (!view_equal(parameters->how, acts[i].name)) continue;
        acts[i].act();
        machine_end(MACHINE_EXIT, 0); /* its console may be gone */
    }
    return NOT_FOUND;
}
