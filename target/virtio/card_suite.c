/* card_suite.c - a network card that behaves.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/card_suite.h"

#include "base/writer.h"
#include "test/test.h"

#define RECEIVING    0
#define TRANSMITTING 1

#define BUFFERS_MAX 64

#define CARD_SUITE_LINK_UP 1u /* virtio 1.2, 5.1.4: of the status */

static struct card_suite *card_of(struct machine_device_suite *device)
{
    return CONTAINER_OF(device, struct card_suite, device);
}

static bool has(const struct card_suite *card, uint64_t feature)
{
    return (card->device.said.accepted & feature) != 0;
}

/* ---- towards the driver ---- */

/* What waits first: the header and the frame, as one. */
static struct view first_waiting(const struct card_suite *card)
{
    uint32_t length_bytes;
    struct view all = view_first(VIEW_OF(card->waiting), card->waiting_bytes);
    (void)span_copy(SPAN_OF(length_bytes), view_first(all, sizeof length_bytes));
    return view_slice(all, sizeof length_bytes, length_bytes);
}

static void drop_first(struct card_suite *card)
{
    size_t gone_bytes = sizeof(uint32_t) + first_waiting(card).length_bytes;
    struct view left = view_slice(VIEW_OF(card->waiting), gone_bytes,
                                  card->waiting_bytes - gone_bytes);
    __builtin_memmove(card->waiting, left.bytes, left.length_bytes);
    card->waiting_bytes -= gone_bytes;
    card->waiting_count--;
}

/* Fills the chain's parts and gives what did not fit. */
static struct view fill(const struct chain_suite *chain, struct view bytes)
{
    expect_that(chain->readable_count, ==, 0);
    for (size_t i = 0; i < chain->writable_count; i++) {
        size_t part_bytes = MIN(bytes.length_bytes, chain->writable[i].length_bytes);
        (void)span_copy(chain->writable[i], view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
    }
    return bytes;
}

/* virtio 1.2, 5.1.6.4.1. False: the driver has not posted enough, and all is as it was. */
static bool deliver(struct card_suite *card)
{
    static struct chain_suite chain;
    const struct machine_queue *place = &card->device.said.queues[RECEIVING];
    struct queue_suite before = card->receiving;
    struct view left = first_waiting(card);
    struct span count_field = { 0 };
    uint16_t buffer_count = 0;
    while (!view_is_empty(left)) {
        if ((buffer_count > 0 && !has(card, VIRTIO_NET_F_MRG_RXBUF)) ||
            !queue_suite_take(&card->receiving, place, &chain)) {
            card->receiving = before;
            return false;
        }
        if (buffer_count++ == 0)
            count_field = span_first(span_from_offset(chain.writable[0], 10), 2);
        size_t before_bytes = left.length_bytes;
        left = fill(&chain, left);
        queue_suite_give(&card->receiving, place, chain.head,
                         (uint32_t)(before_bytes - left.length_bytes));
    }
    if (has(card, VIRTIO_NET_F_MRG_RXBUF)) (void)span_copy(count_field, VIEW_OF(buffer_count));
    return true;
}

static void card_serve(struct machine_device_suite *device)
{
    struct card_suite *card = card_of(device);
    expect((card->device.said.accepted & ~card->device.said.offered) == 0);
    while (card->waiting_count > 0 && deliver(card))
        drop_first(card);
    queue_suite_show(&card->receiving, &card->device.said.queues[RECEIVING]);
}

static void card_stop(struct machine_device_suite *device)
{
    struct card_suite *card = card_of(device);
    card->receiving = card->transmitting = (struct queue_suite){ 0 };
    card->waiting_count = card->waiting_bytes = 0;
}

/* While nobody drives it, it loses what comes. */
void card_suite_inject(struct card_suite *card, const struct virtio_net_header *header,
                       struct view frame)
{
    struct writer writer = writer_over(
        span_from_offset(SPAN_OF(card->waiting), card->waiting_bytes));
    if (card->device.said.status != MACHINE_DEVICE_READY) return;
    writer_put_u32_le(&writer, (uint32_t)(sizeof *header + frame.length_bytes));
    writer_put(&writer, VIEW_OF(*header));
    writer_put(&writer, frame);
    expect(!writer.ran_short);
    card->waiting_bytes += writer.length_bytes;
    card->waiting_count++;
}

/* ---- from the driver ---- */

/* 5.1.6.2.1: what the driver may say. */
static void check_header(const struct card_suite *card, const struct virtio_net_header *header)
{
    uint8_t type = (uint8_t)(header->gso_type & ~VIRTIO_NET_GSO_ECN);
    if (header->flags != 0) {
        expect_that(header->flags, ==, VIRTIO_NET_HDR_NEEDS_CSUM);
        expect(has(card, VIRTIO_NET_F_CSUM));
    }
    if (type != VIRTIO_NET_GSO_NONE) {
        expect(header->flags != 0 && header->segment_bytes > 0);
        expect(has(card,
                   type == VIRTIO_NET_GSO_TCPV4 ? VIRTIO_NET_F_HOST_TSO4 : VIRTIO_NET_F_HOST_TSO6));
    }
    if ((header->gso_type & VIRTIO_NET_GSO_ECN) != 0) expect(has(card, VIRTIO_NET_F_HOST_ECN));
    expect_that(header->buffer_count, ==, 0);
}

size_t card_suite_collect(struct card_suite *card, struct virtio_net_header *header,
                          struct span room)
{
    static struct chain_suite chain;
    static uint8_t gathered[1 << 17];
    const struct machine_queue *place = &card->device.said.queues[TRANSMITTING];
    struct writer writer = writer_over(SPAN_OF(gathered));
    if (card->device.said.status != MACHINE_DEVICE_READY) return 0;
    if (!queue_suite_take(&card->transmitting, place, &chain)) return 0;
    expect_that(chain.writable_count, ==, 0);
    for (size_t i = 0; i < chain.readable_count; i++)
        writer_put(&writer, chain.readable[i]);
    expect(!writer.ran_short);
    (void)span_copy(SPAN_OF(*header), view_first(writer_view(&writer), sizeof *header));
    check_header(card, header);
    struct view frame = view_from_offset(writer_view(&writer), sizeof *header);
    (void)span_copy(room, frame);
    queue_suite_give(&card->transmitting, place, chain.head, 0);
    queue_suite_show(&card->transmitting, place);
    return frame.length_bytes;
}

void card_suite_set_link(struct card_suite *card, bool is_up)
{
    struct virtio_net_config config;
    (void)span_copy(SPAN_OF(config), view_first(VIEW_OF(card->device.said.config), sizeof config));
    config.status = is_up ? CARD_SUITE_LINK_UP : 0;
    (void)span_copy(SPAN_OF(card->device.said.config), VIEW_OF(config));
}

void card_suite_init(struct card_suite *card, uint64_t offered, uint16_t mtu_bytes)
{
    const struct virtio_net_config config = { .mac = CARD_SUITE_MAC,
                                              .status = CARD_SUITE_LINK_UP,
                                              .mtu_bytes = mtu_bytes };
    __builtin_memset(card, 0, offsetof(struct card_suite, waiting));
    card->device.serve = card_serve;
    card->device.stop = card_stop;
    card->device.said.kind = MACHINE_NET;
    card->device.said.transport = MACHINE_SHARED;
    card->device.said.queue_count = 2;
    card->device.said.offered = offered | VIRTIO_F_VERSION_1;
    (void)span_copy(SPAN_OF(card->device.said.name), VIEW("net"));
    (void)span_copy(SPAN_OF(card->device.said.config), VIEW_OF(config));
}
