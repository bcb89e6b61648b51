/* fuzz_ipv4.c - fragments beside a model that goes byte by byte, and headers as they come.
 *
 * Each step is six bytes: flags and one of four identifications, offset, length. What is delivered
 * must be what the model has, and must be delivered when the model has it all.
 *
 * SPDX-License-Identifier: ISC */
#include "ip_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

#define BYTES_MAX  66000
#define PIECES_MAX 512

struct model {
    uint8_t fill[BYTES_MAX]; /* of which piece each byte is; 0: none */
    struct {
        size_t start, end;
    } pieces[PIECES_MAX];
    size_t count, bytes, total;
    bool is_spoilt;
};

static struct model models[2];

static struct {
    struct ip_protocol protocol;
    size_t count, length_bytes;
    uint8_t bytes[BYTES_MAX];
} sink;

static void sink_input(struct ip_protocol *protocol, struct packet *packet,
                       const struct ip_incoming *incoming)
{
    (void)protocol;
    (void)incoming;
    sink.count++;
    sink.length_bytes = packet_total_bytes(packet);
    packet_copy_out(packet, 0, span_first(SPAN_OF(sink.bytes), sink.length_bytes));
    packet_drop(packet);
}

static void sink_error(struct ip_protocol *protocol, const struct ip_error *error)
{
    (void)protocol;
    (void)error;
}

static bool repeats(const struct model *model, size_t start, size_t end)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->pieces[i].start == start && model->pieces[i].end == end) return true;
    return false;
}

static bool fits(const struct model *model, size_t start, size_t end, bool more)
{
    if (end > 65535 - 20 || model->count == IPV4_FRAGMENTS_MAX) return false;
    if (more) return (end - start) % 8 == 0 && (model->total == 0 || end < model->total);
    for (size_t i = 0; i < model->count; i++)
        if (model->pieces[i].end > end) return false;
    return model->total == 0 || end == model->total;
}

static void model_add(struct model *model, size_t start, size_t end, bool more, uint8_t fill)
{
    if (model->is_spoilt || start == end) return;
    if (!fits(model, start, end, more)) {
        model->is_spoilt = true;
        return;
    }
    if (repeats(model, start, end)) return;
    for (size_t i = start; i < end; i++) {
        if (model->fill[i] != 0) model->is_spoilt = true;
        model->fill[i] = fill;
    }
    if (!more) model->total = end;
    model->bytes += end - start;
    model->pieces[model->count].start = start;
    model->pieces[model->count++].end = end;
}

static void give_fragment(uint16_t identification, size_t start, size_t length, bool more,
                          uint8_t fill)
{
    static uint8_t room[2048];
    struct ipv4_header header = {
        .version_and_length = IPV4_VERSION_AND_LENGTH,
        .total_length = __builtin_bswap16((uint16_t)(20 + length)),
        .identification = identification,
        .fragment = __builtin_bswap16((uint16_t)(start / 8 | (more ? IPV4_MORE_FRAGMENTS : 0))),
        .time_to_live = 64,
        .protocol = sink.protocol.number,
        .source = __builtin_bswap32(0xc0000209),
        .destination = __builtin_bswap32(WORLD_HOST),
    };
    header.checksum = ipv4_header_checksum(&header);
    span_fill(span_copy(SPAN_OF(room), VIEW_OF(header)), fill);
    world_give(view_first(VIEW_OF(room), sizeof header + length));
}

static void step(struct cursor *cursor, uint8_t fill)
{
    uint8_t flags = cursor_u8(cursor), odd = cursor_u8(cursor);
    size_t start = (size_t)(cursor_u16_be(cursor) & IPV4_OFFSET_MASK) * 8;
    size_t length = cursor_u16_be(cursor) % 1480;
    struct model *model = &models[flags & 1];
    bool more = (flags & 2) != 0;
    if ((odd & 15) != 0) length &= ~(size_t)7; /* mostly as honest senders cut */
    if (start == 0 && !more) return;           /* no fragment */
    size_t before = sink.count;
    model_add(model, start, start + length, more, fill);
    give_fragment(flags & 1, start, length, more, fill);
    bool is_whole = !model->is_spoilt && model->total != 0 && model->bytes == model->total;
    assert(sink.count == before + (is_whole ? 1 : 0));
    if (!is_whole) return;
    assert(sink.length_bytes == model->total);
    assert(view_equal(view_first(VIEW_OF(sink.bytes), model->total),
                      view_first(VIEW_OF(model->fill), model->total)));
    *model = (struct model){ 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct cursor cursor = cursor_over(view_from(bytes, length_bytes));
    models[0] = models[1] = (struct model){ 0 };
    world_open(NET_IP, false);
    sink.protocol = (struct ip_protocol){ .number = 253, .input = sink_input, .error = sink_error };
    sink.count = 0;
    ip_attach(&world.ipv4.ip, &sink.protocol);
    /* No more than the memory for both holds: what is evicted the model does not know. */
    for (uint8_t i = 1; i <= 60 && cursor_left(&cursor) >= 6; i++)
        step(&cursor, i);
    world_close();
    return 0;
}
