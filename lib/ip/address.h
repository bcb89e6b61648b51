/* address.h - IP addresses of both families, and endpoints.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ADDRESS_H
#define LOOM_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"
#include "base/writer.h"

enum address_family {
    ADDRESS_ANY, /* no address: every local one, or none chosen yet */
    ADDRESS_IPV4,
    ADDRESS_IPV6,
};

struct address {
    uint8_t family;    /* enum address_family */
    uint8_t bytes[16]; /* network order; IPv4 uses the first four and leaves the rest zero */
};

struct endpoint {
    struct address address;
    uint16_t port; /* 0: any */
};

/* An address and how many of its first bits name the network it is in. */
struct address_prefix {
    struct address address;
    uint8_t bits;
};

#define ADDRESS_TEXT_MAX  45 /* an IPv6 address that ends in an IPv4 one */
#define ENDPOINT_TEXT_MAX (ADDRESS_TEXT_MAX + 8)

struct address address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* 127.0.0.1 or ::1; the family must be one of these two. */
struct address address_loopback(enum address_family family);

/* An IPv4 address as a number, 192.0.2.1 being 0xc0000201, and back. */
static inline uint32_t address_to_number(const struct address *address)
{
    uint32_t number;
    __builtin_memcpy(&number, address->bytes, sizeof number);
    return __builtin_bswap32(number);
}

static inline struct address address_from_number(uint32_t number)
{
    struct address address = { .family = ADDRESS_IPV4 };
    number = __builtin_bswap32(number);
    __builtin_memcpy(address.bytes, &number, sizeof number);
    return address;
}

bool address_equal(const struct address *a, const struct address *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

/* "192.0.2.1" in four decimal parts without leading zeros, or "2001:db8::1" as RFC 4291 2.2 has it,
 * without a zone. INVALID otherwise; then *address is as before. */
enum result address_parse(struct view text, struct address *address) CHECKED;

/* "192.0.2.7/24": an address, and the length of the prefix, which may be 0. INVALID otherwise; then
 * *prefix is as before. */
enum result address_prefix_parse(struct view text, struct address_prefix *prefix) CHECKED;

/* "192.0.2.1:80", "[2001:db8::1]:80", and with any address "*:80", ":80" or "80". INVALID
 * otherwise; then *endpoint is as before. */
enum result endpoint_parse(struct view text, struct endpoint *endpoint) CHECKED;

/* The form of RFC 5952; any is "*". At most ADDRESS_TEXT_MAX and ENDPOINT_TEXT_MAX bytes, all or
 * nothing of them. What is written is read back as the same, "*" alone excepted. */
void writer_put_address(struct writer *writer, const struct address *address);
void writer_put_endpoint(struct writer *writer, const struct endpoint *endpoint);

#endif
