/* tcp_segment.c - reads and writes the header of a segment and its options.
 *
 * Most segments that come carry timestamps and nothing else, laid out as RFC 7323 appendix A
 * recommends: those are recognised by their first word, and the walk over options is for the rest.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_segment.h"

#include "base/cursor.h"
#include "base/units.h"
#include "base/writer.h"
#include "ip/ip.h"
#include "packet/checksum.h"

/* RFC 9293 3.1, in network order. */
struct tcp_wire {
    uint16_t source_port, destination_port;
    uint32_t seq, ack;
    uint8_t data_offset; /* in words, in the high half */
    uint8_t flags;
    uint16_t window, checksum, urgent;
};
static_assert(sizeof(struct tcp_wire) == TCP_HEADER_BYTES, "as it is on the wire");
static_assert(offsetof(struct tcp_wire, checksum) == 16, "as it is on the wire");

/* The kinds of options, and their lengths. */
enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WINDOW_SCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
    KIND_USER_TIMEOUT = 28,

    LENGTH_MSS = 4,
    LENGTH_WINDOW_SCALE = 3,
    LENGTH_SACK_PERMITTED = 2,
    LENGTH_TIMESTAMPS = 10,
    LENGTH_SACK_BLOCK = 8,
    LENGTH_USER_TIMEOUT = 4,
};

#define NOP_NOP(kind, length) \
    ((uint32_t)KIND_NOP << 24 | (uint32_t)KIND_NOP << 16 | (uint32_t)(kind) << 8 | (length))

/* ---- reading ---- */

static void read_sack(struct cursor option, struct tcp_segment *segment)
{
    segment->options |= TCP_OPTION_SACK;
    segment->sack_count = 0;
    while (segment->sack_count < TCP_SACK_BLOCKS_MAX && cursor_left(&option) > 0) {
        segment->sack[segment->sack_count].start = cursor_u32_be(&option);
        segment->sack[segment->sack_count].end = cursor_u32_be(&option);
        segment->sack_count++;
    }
}

/* Options that belong to a SYN. */
static void read_syn_option(uint8_t kind, struct cursor value, struct tcp_segment *segment)
{
    size_t length_bytes = cursor_left(&value) + 2;
    if (kind == KIND_MSS && length_bytes == LENGTH_MSS) {
        segment->options |= TCP_OPTION_MSS;
        segment->mss = cursor_u16_be(&value);
    } else if (kind == KIND_WINDOW_SCALE && length_bytes == LENGTH_WINDOW_SCALE) {
        segment->options |= TCP_OPTION_WINDOW_SCALE;
        uint8_t shift = cursor_u8(&value);
        segment->wind_shift = MIN(shift, TCP_WIND_SHIFT_MAX);
    } else if (kind == KIND_SACK_PERMITTED && length_bytes == LENGTH_SACK_PERMITTED) {
        segment->options |= TCP_OPTION_SACK_PERMITTED;
    }
}

static void read_option(uint8_t kind, struct cursor value, struct tcp_segment *segment)
{
    size_t length_bytes = cursor_left(&value) + 2;
    if (kind == KIND_TIMESTAMPS && length_bytes == LENGTH_TIMESTAMPS) {
        segment->options |= TCP_OPTION_TIMESTAMPS;
        segment->ts_value = cursor_u32_be(&value);
        segment->ts_echo = cursor_u32_be(&value);
    } else if (kind == KIND_USER_TIMEOUT && length_bytes == LENGTH_USER_TIMEOUT) {
        uint16_t user_timeout = cursor_u16_be(&value);
        bool is_zero = (user_timeout & INT16_MAX) == 0; /* reserved: RFC 5482 3.4 */
        segment->user_timeout = is_zero ? 0 : user_timeout;
    } else if ((segment->flags & TCP_SYN) != 0) {
        read_syn_option(kind, value, segment);
    } else if (kind == KIND_SACK && length_bytes > 2 &&
               cursor_left(&value) % LENGTH_SACK_BLOCK == 0) {
        read_sack(value, segment);
    }
}

static void read_options(struct cursor options, struct tcp_segment *segment)
{
    while (cursor_left(&options) > 0) {
        uint8_t kind = cursor_u8(&options);
        if (kind == KIND_NOP) continue;
        if (kind == KIND_END) return;
        uint8_t length_bytes = cursor_u8(&options);
        if (length_bytes < 2) return;
        struct view value = cursor_take(&options, (size_t)length_bytes - 2);
        if (options.ran_short) return;
        read_option(kind, cursor_over(value), segment);
    }
}

/* NOP, NOP, timestamps, and nothing else. */
static bool read_timestamps_alone(struct cursor options, struct tcp_segment *segment)
{
    if (cursor_left(&options) != 2 + LENGTH_TIMESTAMPS) return false;
    if (cursor_u32_be(&options) != NOP_NOP(KIND_TIMESTAMPS, LENGTH_TIMESTAMPS)) return false;
    segment->options = TCP_OPTION_TIMESTAMPS;
    segment->ts_value = cursor_u32_be(&options);
    segment->ts_echo = cursor_u32_be(&options);
    return true;
}

enum result tcp_segment_parse(struct view bytes, struct tcp_segment *segment)
{
    struct tcp_wire wire;
    if (bytes.length_bytes < sizeof wire) return INVALID;
    __builtin_memcpy(&wire, bytes.bytes, sizeof wire);
    size_t header_bytes = (size_t)(wire.data_offset >> 4) * 4;
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > bytes.length_bytes) return INVALID;

    segment->source_port = __builtin_bswap16(wire.source_port);
    segment->destination_port = __builtin_bswap16(wire.destination_port);
    segment->seq = __builtin_bswap32(wire.seq);
    segment->ack = __builtin_bswap32(wire.ack);
    segment->window = __builtin_bswap16(wire.window);
    segment->urgent = __builtin_bswap16(wire.urgent);
    segment->flags = wire.flags;
    segment->options = 0;
    segment->header_bytes = (uint8_t)header_bytes;
    segment->sack_count = 0;
    segment->user_timeout = 0;
    if (header_bytes == TCP_HEADER_BYTES) return OK;

    struct cursor options = cursor_over(
        view_slice(bytes, TCP_HEADER_BYTES, header_bytes - TCP_HEADER_BYTES));
    if (!read_timestamps_alone(options, segment)) read_options(options, segment);
    return OK;
}

enum result tcp_segment_take(struct packet *packet, struct tcp_segment *segment)
{
    size_t total_bytes = packet_total_bytes(packet);
    if (total_bytes < TCP_HEADER_BYTES) return INVALID;
    if (!packet_pull_up(packet, TCP_HEADER_BYTES)) return INVALID;
    size_t offset_words = view_byte(packet_view(packet), offsetof(struct tcp_wire, data_offset)) >>
                          4;
    if (offset_words * 4 > packet->length_bytes && !packet_pull_up(packet, offset_words * 4))
        return INVALID;
    enum result result = tcp_segment_parse(packet_view(packet), segment);
    if (result != OK) return result;
    segment->payload_bytes = (uint32_t)(total_bytes - segment->header_bytes);
    return OK;
}

/* ---- writing ---- */

static size_t header_without_timeout_bytes(const struct tcp_segment *segment)
{
    size_t length_bytes = TCP_HEADER_BYTES;
    bool timestamps = segment_has(segment, TCP_OPTION_TIMESTAMPS);
    if (segment_has(segment, TCP_OPTION_MSS)) length_bytes += LENGTH_MSS;
    if (timestamps) length_bytes += 2 + LENGTH_TIMESTAMPS;
    if (segment_has(segment, TCP_OPTION_SACK_PERMITTED) && !timestamps) length_bytes += 4;
    if (segment_has(segment, TCP_OPTION_WINDOW_SCALE)) length_bytes += 4;
    if (segment_has(segment, TCP_OPTION_SACK))
        length_bytes += 4 + (size_t)segment->sack_count * LENGTH_SACK_BLOCK;
    return length_bytes;
}

bool tcp_segment_tells_timeout(const struct tcp_segment *segment)
{
    return segment->user_timeout != 0 &&
           header_without_timeout_bytes(segment) + LENGTH_USER_TIMEOUT <= TCP_HEADER_BYTES_MAX;
}

size_t tcp_segment_header_bytes(const struct tcp_segment *segment)
{
    size_t timeout_bytes = tcp_segment_tells_timeout(segment) ? LENGTH_USER_TIMEOUT : 0;
    return header_without_timeout_bytes(segment) + timeout_bytes;
}

static void write_timestamps(struct writer *writer, const struct tcp_segment *segment)
{
    /* SACK permitted takes the place of the two NOPs. */
    uint32_t start = segment_has(segment, TCP_OPTION_SACK_PERMITTED)
                         ? (uint32_t)KIND_SACK_PERMITTED << 24 | LENGTH_SACK_PERMITTED << 16 |
                               KIND_TIMESTAMPS << 8 | LENGTH_TIMESTAMPS
                         : NOP_NOP(KIND_TIMESTAMPS, LENGTH_TIMESTAMPS);
    writer_put_u32_be(writer, start);
    writer_put_u32_be(writer, segment->ts_value);
    writer_put_u32_be(writer, segment->ts_echo);
}

static void write_sack(struct writer *writer, const struct tcp_segment *segment)
{
    assert(segment->sack_count > 0 && segment->sack_count <= TCP_SACK_BLOCKS_MAX);
    size_t length_bytes = 2 + (size_t)segment->sack_count * LENGTH_SACK_BLOCK;
    writer_put_u32_be(writer, NOP_NOP(KIND_SACK, (uint32_t)length_bytes));
    for (size_t i = 0; i < segment->sack_count; i++) {
        writer_put_u32_be(writer, segment->sack[i].start);
        writer_put_u32_be(writer, segment->sack[i].end);
    }
}

static void write_options(struct writer *writer, const struct tcp_segment *segment)
{
    if (segment_has(segment, TCP_OPTION_MSS))
        writer_put_u32_be(writer,
                          (uint32_t)KIND_MSS << 24 | (uint32_t)LENGTH_MSS << 16 | segment->mss);
    if (segment_has(segment, TCP_OPTION_TIMESTAMPS))
        write_timestamps(writer, segment);
    else if (segment_has(segment, TCP_OPTION_SACK_PERMITTED))
        writer_put_u32_be(writer, NOP_NOP(KIND_SACK_PERMITTED, LENGTH_SACK_PERMITTED));
    if (segment_has(segment, TCP_OPTION_WINDOW_SCALE))
        writer_put_u32_be(writer, (uint32_t)KIND_NOP << 24 | (uint32_t)KIND_WINDOW_SCALE << 16 |
                                      (uint32_t)LENGTH_WINDOW_SCALE << 8 | segment->wind_shift);
    if (segment_has(segment, TCP_OPTION_SACK)) write_sack(writer, segment);
    if (tcp_segment_tells_timeout(segment))
        writer_put_u32_be(writer, (uint32_t)KIND_USER_TIMEOUT << 24 |
                                      (uint32_t)LENGTH_USER_TIMEOUT << 16 | segment->user_timeout);
}

static uint16_t pseudo_header_sum(const struct address *source, const struct address *destination,
                                  size_t length_bytes)
{
    struct checksum checksum = { 0 };
    checksum_add_pseudo_header(&checksum, source, destination, IP_PROTOCOL_TCP,
                               (uint32_t)length_bytes);
    return checksum_fold(&checksum);
}

void tcp_segment_push(struct packet *packet, const struct tcp_segment *segment,
                      const struct address *source, const struct address *destination)
{
    size_t header_bytes = tcp_segment_header_bytes(segment);
    assert_that(header_bytes, <=, TCP_HEADER_BYTES_MAX);
    size_t total_bytes = packet_total_bytes(packet) + header_bytes;
    struct tcp_wire wire = {
        .source_port = __builtin_bswap16(segment->source_port),
        .destination_port = __builtin_bswap16(segment->destination_port),
        .seq = __builtin_bswap32(segment->seq),
        .ack = __builtin_bswap32(segment->ack),
        .data_offset = (uint8_t)(header_bytes / 4 << 4),
        .flags = segment->flags,
        .window = __builtin_bswap16(segment->window),
        .checksum = pseudo_header_sum(source, destination, total_bytes),
        .urgent = __builtin_bswap16(segment->urgent),
    };
    struct span header = packet_push(packet, header_bytes);
    struct writer options = writer_over(span_copy(header, VIEW_OF(wire)));
    write_options(&options, segment);
    assert(!options.ran_short && writer_left(&options) == 0);

    packet->transport_offset = packet->offset;
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->offset;
    packet->checksum_offset = (uint16_t)(packet->offset + offsetof(struct tcp_wire, checksum));
}

/* ---- what a SYN says ---- */

uint16_t tcp_segment_mss(const struct tcp_segment *syn, enum address_family family)
{
    if (!segment_has(syn, TCP_OPTION_MSS))
        return family == ADDRESS_IPV6 ? TCP_MSS_DEFAULT_IPV6 : TCP_MSS_DEFAULT_IPV4;
    return MAX(syn->mss, TCP_MSS_MIN);
}

uint16_t tcp_mss_for_mtu(uint16_t mtu_bytes, enum address_family family)
{
    unsigned headers_bytes = TCP_HEADER_BYTES + (family == ADDRESS_IPV6 ? 40 : 20);
    return (uint16_t)(MAX(mtu_bytes, headers_bytes + TCP_MSS_MIN) - headers_bytes);
}

uint8_t tcp_wind_shift_for(uint64_t window_bytes_max)
{
    uint8_t shift = 0;
    while (shift < TCP_WIND_SHIFT_MAX && window_bytes_max >> shift > UINT16_MAX)
        shift++;
    return shift;
}
