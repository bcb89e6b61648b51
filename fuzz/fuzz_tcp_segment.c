/* fuzz_tcp_segment.c - a header from a stranger is read within its bounds, however it is spread
 * over buffers; and what was understood of it, written and read again, is the same.
 *
 * The first byte says where the frame is cut in two.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

static struct packet_pool pool;

static struct packet *packet_of(struct view bytes)
{
    struct packet *packet = packet_take(&pool, PACKET_FOR_RECEIVE);
    assert(packet != NULL);
    (void)span_copy(packet_put(packet, bytes.length_bytes), bytes);
    return packet;
}

static void check_fields(const struct tcp_segment *segment, size_t length_bytes)
{
    assert(segment->header_bytes >= TCP_HEADER_BYTES && segment->header_bytes % 4 == 0);
    assert(segment->header_bytes <= length_bytes);
    assert(segment->sack_count <= TCP_SACK_BLOCKS_MAX);
    assert(segment_has(segment, TCP_OPTION_SACK) == (segment->sack_count > 0));
    assert(!segment_has(segment, TCP_OPTION_WINDOW_SCALE) || segment->wind_shift <= 14);
    bool syn = (segment->flags & TCP_SYN) != 0;
    assert(!(syn && segment_has(segment, TCP_OPTION_SACK)));
    assert(syn || (segment->options & ~(TCP_OPTION_TIMESTAMPS | TCP_OPTION_SACK)) == 0);
}

static void check_same(const struct tcp_segment *a, const struct tcp_segment *b)
{
    assert(a->source_port == b->source_port && a->destination_port == b->destination_port);
    assert(a->seq == b->seq && a->ack == b->ack && a->window == b->window);
    assert(a->urgent == b->urgent && a->flags == b->flags && a->options == b->options);
    assert(a->sack_count == b->sack_count);
    if (segment_has(a, TCP_OPTION_MSS)) assert(a->mss == b->mss);
    if (segment_has(a, TCP_OPTION_WINDOW_SCALE)) assert(a->wind_shift == b->wind_shift);
    if (segment_has(a, TCP_OPTION_TIMESTAMPS))
        assert(a->ts_value == b->ts_value && a->ts_echo == b->ts_echo);
    for (size_t i = 0; i < a->sack_count; i++)
        assert(a->sack[i].start == b->sack[i].start && a->sack[i].end == b->sack[i].end);
}

/* Four blocks beside timestamps cannot have come in one header. */
static void check_written(const struct tcp_segment *segment)
{
    const struct address source = { ADDRESS_IPV4, { 192, 0, 2, 1 } };
    const struct address destination = { ADDRESS_IPV4, { 192, 0, 2, 2 } };
    struct packet *packet = packet_take(&pool, PACKET_FOR_CONTROL);
    tcp_segment_push(packet, segment, &source, &destination);
    struct tcp_segment again;
    assert(tcp_segment_take(packet, &again) == OK);
    assert(again.payload_bytes == 0);
    check_same(segment, &again);
    packet_drop(packet);
}

static void check_frame(struct view frame, size_t cut)
{
    struct packet *whole = packet_of(frame);
    struct packet *first = packet_of(view_first(frame, cut));
    first->rest = packet_of(view_from_offset(frame, cut));
    struct tcp_segment segment, spread;
    enum result result = tcp_segment_take(whole, &segment);
    assert(tcp_segment_take(first, &spread) == result);
    if (result == OK) {
        check_fields(&segment, frame.length_bytes);
        check_same(&segment, &spread);
        assert(segment.payload_bytes == frame.length_bytes - segment.header_bytes);
        assert(spread.payload_bytes == segment.payload_bytes);
        check_written(&segment);
    }
    packet_drop(whole);
    packet_drop(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    if (length_bytes == 0 || length_bytes > 1024) return 0;
    if (pool.count == 0 && packet_pool_open(&pool, 64) != OK) return 0;
    struct view frame = view_from_offset(view_from(bytes, length_bytes), 1);
    check_frame(frame, frame.length_bytes * bytes[0] / 255);
    assert(pool.free_count == pool.count);
    return 0;
}
