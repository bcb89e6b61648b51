/* checksum.c - the Internet checksum, thirty-two bytes at a time.
 *
 * A ones' complement sum of 16-bit words is the same whatever the order of bytes in a word, as long
 * as it is one order (RFC 1071 2 B), and whether words are added two or four at a time (2 C). So
 * words of 32 bits are added as they stand in memory into lanes of 64 bits, which cannot overflow
 * over any packet, and folded once.
 *
 * SPDX-License-Identifier: ISC */
#include "packet/checksum.h"

#include "base/units.h"
#include "packet/checksum_private.h"

/* Four lanes of 64 bits: the compiler makes two of it where registers are of sixteen bytes. */
typedef uint64_t lanes __attribute__((vector_size(32)));

static_assert(CHECKSUM_BLOCK_BYTES == 2 * sizeof(lanes), "a block is a step of both sums");

static uint16_t fold(uint64_t sum)
{
    return checksum_fold(&(struct checksum){ .sum = sum });
}

/* Both halves of each lane are words of 32 bits; two sums, which do not wait for each other. */
static inline __attribute__((always_inline)) uint64_t sum_blocks(struct view blocks)
{
    const uint8_t *at = blocks.bytes;
    lanes even = { 0 }, odd = { 0 };
    for (size_t i = 0; i < blocks.length_bytes; i += CHECKSUM_BLOCK_BYTES) {
        lanes first, second;
        __builtin_memcpy(&first, &at[i], sizeof first);
        __builtin_memcpy(&second, &at[i + sizeof first], sizeof second);
        even += (first & UINT32_MAX) + (first >> 32);
        odd += (second & UINT32_MAX) + (second >> 32);
    }
    even += odd;
    return (uint64_t)fold(even[0]) + fold(even[1]) + fold(even[2]) + fold(even[3]);
}

uint64_t checksum_blocks_baseline(struct view blocks)
{
    return sum_blocks(blocks);
}

__attribute__((target("avx2"))) uint64_t checksum_blocks_avx2(struct view blocks)
{
    return sum_blocks(blocks);
}

static uint64_t checksum_blocks(struct view blocks)
{
    return __builtin_cpu_supports("avx2") ? checksum_blocks_avx2(blocks)
                                          : checksum_blocks_baseline(blocks);
}

/* The bytes as little-endian words, the last of an odd count with a zero behind it. */
static uint64_t sum_words(struct view bytes)
{
    const uint8_t *at = bytes.bytes;
    size_t end = bytes.length_bytes, i = end - end % CHECKSUM_BLOCK_BYTES;
    uint64_t sum = i > 0 ? checksum_blocks(view_first(bytes, i)) : 0;
    for (; i + 4 <= end; i += 4) {
        uint32_t word;
        __builtin_memcpy(&word, &at[i], sizeof word);
        sum += word;
    }
    uint8_t last[4] = { 0 };
    for (size_t j = 0; i < end; i++, j++)
        last[j] = at[i];
    uint32_t word;
    __builtin_memcpy(&word, last, sizeof word);
    return sum + word;
}

void checksum_add(struct checksum *checksum, struct view bytes)
{
    uint64_t sum = sum_words(bytes);
    checksum->sum += checksum->odd ? __builtin_bswap16(fold(sum)) : sum;
    checksum->odd ^= bytes.length_bytes & 1;
}

/* The bytes of an IPv4 address behind its fourth are zero. */
static uint64_t address_sum(const struct address *address)
{
    uint32_t words[4];
    static_assert(sizeof words == sizeof address->bytes, "an address is four words");
    __builtin_memcpy(words, address->bytes, sizeof words);
    return (uint64_t)words[0] + words[1] + words[2] + words[3];
}

void checksum_add_pseudo_header(struct checksum *checksum, const struct address *source,
                                const struct address *destination, uint8_t protocol,
                                uint32_t length_bytes)
{
    assert(source->family == destination->family && source->family != ADDRESS_ANY);
    assert(!checksum->odd);
    checksum->sum += address_sum(source) + address_sum(destination);
    checksum->sum += __builtin_bswap32(length_bytes);
    checksum->sum += (uint64_t)protocol << 8;
}

uint16_t checksum_update(uint16_t checksum, uint16_t from, uint16_t to)
{
    uint64_t sum = (uint64_t)(uint16_t)~checksum + (uint16_t)~from + to;
    return (uint16_t)~fold(sum);
}

static void add_part(struct checksum *checksum, struct view part, size_t *skip_bytes)
{
    size_t skipped_bytes = MIN(*skip_bytes, part.length_bytes);
    *skip_bytes -= skipped_bytes;
    checksum_add(checksum, view_from_offset(part, skipped_bytes));
}

void checksum_add_packet(struct checksum *checksum, const struct packet *packet,
                         size_t offset_bytes)
{
    for (; packet != NULL; packet = packet->rest) {
        add_part(checksum, packet_view(packet), &offset_bytes);
        for (size_t i = 0; i < packet->fragment_count; i++)
            add_part(checksum, packet_fragment(packet, i)->bytes, &offset_bytes);
    }
    assert_that(offset_bytes, ==, 0);
}

void checksum_complete(struct packet *packet)
{
    struct checksum checksum = { 0 };
    assert_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    assert_that(packet->checksum_start, >=, packet->offset);
    checksum_add_packet(&checksum, packet, (size_t)packet->checksum_start - packet->offset);
    uint16_t sum = checksum_finish(&checksum);
    if (sum == 0) sum = UINT16_MAX;
    size_t field = (size_t)packet->checksum_offset - packet->offset;
    (void)span_copy(span_from_offset(packet_span(packet), field), VIEW_OF(sum));
    packet->checksum = PACKET_CHECKSUM_UNKNOWN;
}

bool checksum_is_good(const struct packet *packet, const struct address *source,
                      const struct address *destination, uint8_t protocol)
{
    if (packet->checksum != PACKET_CHECKSUM_UNKNOWN) return true;
    struct checksum checksum = { 0 };
    size_t length_bytes = packet_total_bytes(packet);
    checksum_add_pseudo_header(&checksum, source, destination, protocol, (uint32_t)length_bytes);
    checksum_add_packet(&checksum, packet, 0);
    return checksum_finish(&checksum) == 0;
}
