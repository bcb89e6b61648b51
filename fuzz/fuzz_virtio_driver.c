/* fuzz_virtio_driver.c - drivers of a network card and of a console against a device that does what
 * it likes to all that it can reach.
 *
 * The input says what the card offers, and then what happens: the device writes any bytes anywhere
 * into the rings, fills a posted buffer with any header and frame, gives back any head with any
 * length, or behaves; the driver's user sends, receives, detaches and attaches again. Whatever the
 * device does, frames that come are of a length that net.h allows, their marks lie within them, and
 * every packet comes back when the net is detached.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "target/virtio/console_virtio.h"
#include "target/virtio/machine_memory.h"
#include "target/virtio/net_virtio.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);
int LLVMFuzzerInitialize(int *count, char ***words);

#define POOL_COUNT 1024
#define OPERATIONS 2000

/* ---- the machine ---- */

static struct machine_device card, terminal;
static struct net_virtio net;
static struct console_virtio console;
static struct packet_pool pool;

uint64_t machine_slide(void)
{
    return 0x200000;
}

struct machine_device *machine_device_find(enum machine_device_kind kind, struct view name)
{
    (void)name;
    return kind == MACHINE_NET ? &card : &terminal;
}

void machine_poller_add(struct machine_poller *poller)
{
    (void)poller;
}

void machine_poller_remove(struct machine_poller *poller)
{
    (void)poller;
}

/* Lets go of its queues, most of the time. */
static bool keeps;

void machine_serve(void)
{
    if (!keeps && card.status == MACHINE_DEVICE_RESET) card.status = 0;
    if (!keeps && terminal.status == MACHINE_DEVICE_RESET) terminal.status = 0;
}

/* ---- the user ---- */

static void look_at(const struct packet *frame)
{
    size_t total_bytes = packet_total_bytes(frame);
    assert(total_bytes >= 14 && total_bytes <= PACKET_TOTAL_MAX);
    assert(frame->offset == PACKET_HEADROOM && frame->fragment_count == 0);
    if (frame->checksum == PACKET_CHECKSUM_PARTIAL) {
        assert((net.net.offloads & NET_RECEIVES_CHECKSUMS) != 0);
        assert_that(frame->checksum_start, >=, frame->offset);
        assert_that(frame->checksum_offset, >=, frame->checksum_start);
        assert_that(frame->checksum_offset + 2u, <=, frame->offset + frame->length_bytes);
    }
    if (frame->segmentation != PACKET_SEGMENT_NONE) {
        assert((net.net.offloads & NET_RECEIVES_SEGMENTS) != 0);
        assert(frame->segment_bytes > 0 && frame->segment_count > 0);
        assert(frame->checksum == PACKET_CHECKSUM_PARTIAL);
    }
}

static void receive(size_t count)
{
    struct packet *burst[NET_BURST_MAX];
    size_t received = net_receive(&net.net, burst, count);
    for (size_t i = 0; i < received; i++) {
        look_at(burst[i]);
        packet_drop(burst[i]);
    }
}

static void user_ready(struct net_user *user)
{
    (void)user;
    receive(3);
}

static struct net_user user = { user_ready };

static const uint8_t constant[9000];

/* A frame, below any MTU, some of it borrowed in as many parts as the input says. */
static void send(struct cursor *input)
{
    struct packet *packet = packet_take(&pool, PACKET_FOR_DATA);
    size_t parts = cursor_u8(input) % PACKET_FRAGMENTS_MAX, part_bytes = 1 + cursor_u8(input) % 13;
    if (packet == NULL) return;
    span_fill(packet_put(packet, 54), 0x5a);
    for (size_t i = 0; i < parts; i++)
        packet_borrow(packet, view_slice(VIEW_OF(constant), i * 100, part_bytes), NULL);
    if ((net.net.offloads & NET_SENDS_CHECKSUMS) != 0) {
        packet->checksum = PACKET_CHECKSUM_PARTIAL;
        packet->checksum_start = (uint16_t)(packet->offset + 34);
        packet->checksum_offset = (uint16_t)(packet->offset + 50);
    }
    if (net_send(&net.net, &packet, 1) == 0) packet_drop(packet);
}

/* ---- the device ---- */

static struct virtio_queue *queue_of(uint8_t number)
{
    struct virtio_queue *const queues[] = { &net.receiving, &net.transmitting, &console.receiving,
                                            &console.transmitting };
    return queues[number % LENGTH_OF(queues)];
}

/* All that the device was told of: descriptors, available and used ring. */
static struct span shared_of(const struct virtio_queue *queue)
{
    size_t shared_bytes = (uintptr_t)queue->chains - (uintptr_t)queue->memory.bytes;
    return span_first(queue->memory, shared_bytes);
}

static void scribble(struct cursor *input)
{
    struct span shared = shared_of(queue_of(cursor_u8(input)));
    size_t at = cursor_u16_le(input) % shared.length_bytes;
    struct view bytes = cursor_take(input, cursor_u8(input) % 16);
    struct span to = span_from_offset(shared, at);
    (void)span_copy(to, view_first(bytes, MIN(bytes.length_bytes, to.length_bytes)));
}

static void give_back(struct virtio_queue *queue, uint32_t head, uint32_t written_bytes)
{
    uint16_t index = queue->used->index;
    queue->used_elements[index & (queue->size - 1u)] = (struct virtq_used_element){ head,
                                                                                    written_bytes };
    queue->used->index = (uint16_t)(index + 1u);
}

/* One that is posted, if the input has hit one. */
static void fill_posted(struct cursor *input)
{
    uint16_t head = cursor_u8(input);
    uint16_t written_bytes = cursor_u16_le(input);
    struct packet *packet = net.posted[head];
    struct view bytes = cursor_take(input, cursor_u8(input) % 80);
    if (packet == NULL) return;
    struct span at = span_from_offset(SPAN_OF(packet->room),
                                      PACKET_HEADROOM - sizeof(struct virtio_net_header));
    (void)span_copy(at, bytes);
    give_back(&net.receiving, head, written_bytes);
}

/* In the order in which the driver has it, which is not that of its ring. */
static void behave(struct virtio_queue *queue, struct packet *chains[])
{
    for (uint16_t head = 0; head < queue->size; head++) {
        if (chains[head] != NULL) give_back(queue, head, 0);
    }
}

/* ---- what happens ---- */

static void attach(void)
{
    net_attach(&net.net, &user, &pool);
}

static void happen(struct cursor *input)
{
    static uint8_t room[64];
    uint8_t what = cursor_u8(input);
    switch (what % 12) {
    case 0: scribble(input); return;
    case 1: fill_posted(input); return;
    case 2: {
        struct virtio_queue *queue = queue_of(cursor_u8(input));
        uint32_t head = cursor_u32_le(input);
        give_back(queue, head, cursor_u32_le(input));
        return;
    }
    case 3: behave(&net.transmitting, net.sent); return;
    case 4: send(input); return;
    case 5: receive(1 + what / 12 % NET_BURST_MAX); return;
    case 6: (void)net.poller.poll(&net.poller); return;
    case 7: (void)net.poller.arm(&net.poller); return;
    case 8:
        net_detach(&net.net);
        assert_that(pool.free_count, ==, pool.count);
        attach();
        return;
    case 9: (void)console_virtio_write(&console, cursor_take(input, what / 12)); return;
    case 10: (void)console_virtio_read(&console, SPAN_OF(room)); return;
    case 11: (void)console.poller.poll(&console.poller); return;
    default: return;
    }
}

static void describe(struct machine_device *device, enum machine_device_kind kind, uint64_t offered)
{
    *device = (struct machine_device){ .kind = (uint8_t)kind,
                                       .transport = MACHINE_SHARED,
                                       .queue_count = 2,
                                       .name = "fuzzed",
                                       .offered = offered | VIRTIO_F_VERSION_1 };
}

static void play(struct cursor input)
{
    uint64_t offered = cursor_u32_le(&input);
    describe(&card, MACHINE_NET, offered);
    describe(&terminal, MACHINE_CONSOLE, offered & VIRTIO_F_EVENT_IDX);
    (void)span_copy(SPAN_OF(card.config), cursor_take(&input, sizeof(struct virtio_net_config)));
    keeps = cursor_u8(&input) == 0xff;
    if (input.ran_short) return;
    enum result opened = packet_pool_open(&pool, POOL_COUNT);
    assert_that(opened, ==, OK);
    opened = net_virtio_open(&net, VIEW("fuzzed"));
    assert_that(opened, ==, OK);
    opened = console_virtio_open(&console);
    assert_that(opened, ==, OK);
    attach();
    for (size_t i = 0; i < OPERATIONS && !input.ran_short; i++)
        happen(&input);
    net_detach(&net.net);
    packet_pool_close(&pool);
    net_virtio_close(&net);
    console_virtio_close(&console);
}

/* Drivers have alarms, which are a loop's. */
static struct {
    struct task task;
    struct cursor input;
} game;

static void game_run(struct task *task)
{
    (void)task;
    play(game.input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    game.task.run = game_run;
    game.input = cursor_over(view_from(bytes, length_bytes));
    fiber_run(&game.task, "fuzz");
    return 0;
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    static const struct fiber_parameters fibers = { 16, 4, 1 };
    enum result opened = fiber_open(&fibers);
    assert_that(opened, ==, OK);
    return 0;
}
