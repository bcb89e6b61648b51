/* address.c - addresses and endpoints between text and bytes, strictly.
 *
 * Lenient readers of addresses ("010.1" as 8.0.0.1) have let requests past many a filter, so there
 * is one way to write an IPv4 address here and only RFC 4291's ways to write an IPv6 one.
 *
 * SPDX-License-Identifier: ISC */
#include "ip/address.h"

#include "base/cursor.h"

#define IPV4_BYTES   4
#define IPV6_BYTES   16
#define IPV6_GROUPS  8
#define MAPPED_BYTES 12 /* of ::ffff:0:0/96 */

static const uint8_t mapped_prefix[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

struct address address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (struct address){ .family = ADDRESS_IPV4, .bytes = { a, b, c, d } };
}

struct address address_loopback(enum address_family family)
{
    if (family == ADDRESS_IPV4) return address_ipv4(127, 0, 0, 1);
    assert_that(family, ==, ADDRESS_IPV6);
    return (struct address){ .family = ADDRESS_IPV6, .bytes = { [IPV6_BYTES - 1] = 1 } };
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && view_equal(VIEW_OF(a->bytes), VIEW_OF(b->bytes));
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address);
}

/* ---- from text ---- */

/* Digits without a leading zero. */
static bool read_decimal(struct view text, uint64_t maximum, uint64_t *value)
{
    if (text.length_bytes > 1 && text.bytes[0] == '0') return false;
    return view_to_u64(text, value) && *value <= maximum;
}

static bool read_ipv4(struct view text, struct writer *bytes)
{
    for (unsigned part = 0; part < IPV4_BYTES; part++) {
        uint64_t value;
        struct view rest;
        struct view digits = view_cut(text, '.', &rest);
        bool is_last = digits.length_bytes == text.length_bytes;
        if (is_last != (part == IPV4_BYTES - 1) || !read_decimal(digits, 255, &value)) return false;
        writer_put_u8(bytes, (uint8_t)value);
        text = rest;
    }
    return !bytes->ran_short;
}

static bool read_group(struct view digits, struct writer *bytes)
{
    uint64_t value;
    if (digits.length_bytes > 4 || !view_hex_to_u64(digits, &value)) return false;
    writer_put_u16_be(bytes, (uint16_t)value);
    return !bytes->ran_short;
}

/* None, or some with a colon between two; the last may be an IPv4 address where the whole address
 * ends. */
static bool read_groups(struct view text, bool ends_address, struct writer *bytes)
{
    if (view_is_empty(text)) return true;
    for (;;) {
        struct view rest;
        struct view group = view_cut(text, ':', &rest);
        bool is_last = group.length_bytes == text.length_bytes;
        bool is_ipv4 = is_last && ends_address && view_find_byte(group, '.') < group.length_bytes;
        if (!(is_ipv4 ? read_ipv4(group, bytes) : read_group(group, bytes))) return false;
        if (is_last) return true;
        text = rest;
    }
}

static bool read_ipv6(struct view text, struct writer *bytes)
{
    size_t gap = view_find(text, VIEW("::"));
    if (gap == text.length_bytes)
        return read_groups(text, true, bytes) && bytes->length_bytes == IPV6_BYTES;

    uint8_t room[IPV6_BYTES];
    struct writer tail = writer_over(SPAN_OF(room));
    if (!read_groups(view_first(text, gap), false, bytes)) return false;
    if (!read_groups(view_from_offset(text, gap + 2), true, &tail)) return false;

    /* The gap stands for at least one group. */
    size_t written = bytes->length_bytes + tail.length_bytes;
    if (written > IPV6_BYTES - 2) return false;
    span_fill(writer_take(bytes, IPV6_BYTES - written), 0);
    writer_put(bytes, writer_view(&tail));
    return true;
}

enum result address_parse(struct view text, struct address *address)
{
    struct address read = { 0 };
    struct writer bytes = writer_over(SPAN_OF(read.bytes));
    bool is_ipv6 = view_find_byte(text, ':') < text.length_bytes;
    if (!(is_ipv6 ? read_ipv6(text, &bytes) : read_ipv4(text, &bytes))) return INVALID;
    read.family = is_ipv6 ? ADDRESS_IPV6 : ADDRESS_IPV4;
    *address = read;
    return OK;
}

/* In brackets an IPv6 address, without them an IPv4 one; "*" and nothing are any. */
static bool read_host(struct view text, struct address *address)
{
    if (view_is_empty(text) || view_equal(text, VIEW("*"))) return true;
    bool in_brackets = text.bytes[0] == '[';
    if (in_brackets) {
        if (!view_ends_with(text, VIEW("]"))) return false;
        text = view_slice(text, 1, text.length_bytes - 2);
    }
    if (address_parse(text, address) != OK) return false;
    return in_brackets == (address->family == ADDRESS_IPV6);
}

enum result address_prefix_parse(struct view text, struct address_prefix *prefix)
{
    struct view digits;
    struct address address;
    uint64_t bits;
    struct view words = view_cut(text, '/', &digits);
    if (address_parse(words, &address) != OK || !view_to_u64(digits, &bits)) return INVALID;
    if (digits.length_bytes > 1 && view_byte(digits, 0) == '0') return INVALID;
    if (bits > (address.family == ADDRESS_IPV4 ? 32 : 128)) return INVALID;
    *prefix = (struct address_prefix){ .address = address, .bits = (uint8_t)bits };
    return OK;
}

enum result endpoint_parse(struct view text, struct endpoint *endpoint)
{
    size_t colon = text.length_bytes;
    while (colon > 0 && text.bytes[colon - 1] != ':')
        colon--;
    struct view host = colon > 0 ? view_first(text, colon - 1) : VIEW("");
    uint64_t port;
    if (!read_decimal(view_from_offset(text, colon), UINT16_MAX, &port)) return INVALID;
    struct endpoint read = { .port = (uint16_t)port };
    if (!read_host(host, &read.address)) return INVALID;
    *endpoint = read;
    return OK;
}

/* ---- to text ---- */

static void put_ipv4(struct writer *writer, struct view bytes)
{
    for (size_t part = 0; part < IPV4_BYTES; part++) {
        if (part > 0) writer_put(writer, VIEW("."));
        writer_put_decimal(writer, view_byte(bytes, part));
    }
}

/* The longest run of zero groups, the first of several, at least two long (RFC 5952 4.2); where
 * there is none, it is empty and stands behind the end. */
struct zero_run {
    unsigned start, length;
};

static struct zero_run longest_zero_run(const uint16_t groups[], unsigned count)
{
    struct zero_run longest = { .start = count };
    for (unsigned start = 0; start < count; start++) {
        unsigned end = start;
        while (end < count && groups[end] == 0)
            end++;
        if (end - start >= 2 && end - start > longest.length)
            longest = (struct zero_run){ .start = start, .length = end - start };
    }
    return longest;
}

static void put_ipv6(struct writer *writer, struct view bytes)
{
    if (view_starts_with(bytes, VIEW_OF(mapped_prefix))) {
        writer_put(writer, VIEW("::ffff:"));
        put_ipv4(writer, view_from_offset(bytes, MAPPED_BYTES));
        return;
    }
    uint16_t groups[IPV6_GROUPS];
    struct cursor cursor = cursor_over(bytes);
    for (unsigned i = 0; i < IPV6_GROUPS; i++)
        groups[i] = cursor_u16_be(&cursor);

    struct zero_run run = longest_zero_run(groups, IPV6_GROUPS);
    unsigned run_end = run.start + run.length;
    for (unsigned i = 0; i < run.start; i++) {
        if (i > 0) writer_put(writer, VIEW(":"));
        writer_put_hex(writer, groups[i], 1);
    }
    if (run.length > 0) writer_put(writer, VIEW("::"));
    for (unsigned i = run_end; i < IPV6_GROUPS; i++) {
        if (i > run_end) writer_put(writer, VIEW(":"));
        writer_put_hex(writer, groups[i], 1);
    }
}

static void put_address(struct writer *writer, const struct address *address)
{
    switch (address->family) {
    case ADDRESS_ANY: writer_put(writer, VIEW("*")); return;
    case ADDRESS_IPV4: put_ipv4(writer, VIEW_OF(address->bytes)); return;
    case ADDRESS_IPV6: put_ipv6(writer, VIEW_OF(address->bytes)); return;
    default: panic("%u is not an address family", address->family);
    }
}

void writer_put_address(struct writer *writer, const struct address *address)
{
    uint8_t room[ADDRESS_TEXT_MAX];
    struct writer text = writer_over(SPAN_OF(room));
    put_address(&text, address);
    assert(!text.ran_short);
    writer_put(writer, writer_view(&text));
}

void writer_put_endpoint(struct writer *writer, const struct endpoint *endpoint)
{
    uint8_t room[ENDPOINT_TEXT_MAX];
    struct writer text = writer_over(SPAN_OF(room));
    bool in_brackets = endpoint->address.family == ADDRESS_IPV6;
    if (in_brackets) writer_put(&text, VIEW("["));
    put_address(&text, &endpoint->address);
    writer_put(&text, in_brackets ? VIEW("]:") : VIEW(":"));
    writer_put_decimal(&text, endpoint->port);
    assert(!text.ran_short);
    writer_put(writer, writer_view(&text));
}
