/* address_test.c - addresses by example, by every shape there is, and beside libc's inet_pton and
 * inet_ntop.
 *
 * SPDX-License-Identifier: ISC */
#include "ip/address.h"

#include <arpa/inet.h>

#include "test/death.h"
#include "test/test.h"

static struct view address_text(struct span room, const struct address *address)
{
    struct writer writer = writer_over(room);
    writer_put_address(&writer, address);
    expect(!writer.ran_short);
    return writer_view(&writer);
}

static void expect_address(struct view text, struct view wanted)
{
    uint8_t room[ADDRESS_TEXT_MAX];
    struct address address, again;
    expect_ok(address_parse(test_guarded(text), &address));
    expect_view(address_text(SPAN_OF(room), &address), wanted);
    expect_ok(address_parse(test_guarded(wanted), &again));
    expect(address_equal(&address, &again));
}

static void expect_no_address(struct view text)
{
    struct address address = address_ipv4(1, 2, 3, 4), before = address;
    if (address_parse(test_guarded(text), &address) != INVALID)
        test_fail(__FILE__, __LINE__, "\"%.*s\" was taken for an address", VIEW_FORMAT(text));
    expect(address_equal(&address, &before));
}

TEST(address_reads_ipv4)
{
    struct address address, wanted = address_ipv4(192, 0, 2, 1);
    expect_ok(address_parse(VIEW("192.0.2.1"), &address));
    expect(address_equal(&address, &wanted));
    expect_that(address.bytes[4], ==, 0);
    expect_address(VIEW("0.0.0.0"), VIEW("0.0.0.0"));
    expect_address(VIEW("255.255.255.255"), VIEW("255.255.255.255"));
}

TEST(address_refuses_other_ipv4)
{
    static const char *const bad[] = {
        "",         "1",          "1.2",         "1.2.3",      "1.2.3.",      ".1.2.3",
        "1..2.3",   "1.2.3.4.",   "1.2.3.4.5",   "256.1.1.1",  "1.2.3.256",   "1.2.3.1000",
        "01.2.3.4", "1.2.3.04",   "00.0.0.0",    "0x1.2.3.4",  "1.2.3.4 ",    " 1.2.3.4",
        "+1.2.3.4", "1.2.3.-4",   "1.2.3.4/8",   "1,2,3,4",    "1.2.3.4\n",   "a.b.c.d",
        "1.2.3.4a", "4294967295", "1.2.3.4%lo0", "1.2.3.4:80", "1.2.3.4]:80", "*",
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_no_address(view_from_string(bad[i]));
    expect_no_address(VIEW("1.2.3.4\0"));
}

/* Those of RFC 4291 2.2 and of RFC 5952 1 to 5. */
TEST(address_reads_the_examples_of_the_standards)
{
    static const struct {
        const char *text, *wanted;
    } examples[] = {
        { "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789" },
        { "2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a" },
        { "FF01:0:0:0:0:0:0:101", "ff01::101" },
        { "FF01::101", "ff01::101" },
        { "0:0:0:0:0:0:0:1", "::1" },
        { "::", "::" },
        { "0:0:0:0:0:0:0:0", "::" },
        { "0:0:0:0:0:0:13.1.68.3", "::d01:4403" },
        { "::FFFF:129.144.52.38", "::ffff:129.144.52.38" },
        { "0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38" },
        { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "2001:0db8::0001", "2001:db8::1" },
        { "2001:db8:aaaa:bbbb:cccc:dddd:0:1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1" },
        { "2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1" },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
        { "1::", "1::" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "::ffff:0:0", "::ffff:0.0.0.0" },
    };
    for (size_t i = 0; i < LENGTH_OF(examples); i++)
        expect_address(view_from_string(examples[i].text), view_from_string(examples[i].wanted));
}

TEST(address_refuses_other_ipv6)
{
    static const char *const bad[] = {
        ":",
        ":::",
        "::1::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7:8",
        ":2:3:4:5:6:7:8",
        "1:",
        ":1",
        "12345::",
        "::g",
        "::1 ",
        "::1%eth0",
        "::1/64",
        "[::1]",
        "::1.2.3",
        "::1.2.3.4.5",
        "::01.2.3.4",
        "1.2.3.4::",
        "1.2.3.4::1",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:1.2.3.4",
        "::+1",
        "::0x1",
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_no_address(view_from_string(bad[i]));
}

/* Every way in which the eight groups can be zero or not, beside libc. It also writes the
 * deprecated ::192.0.2.1, which RFC 5952 5 does not ask for: those are left out. */
TEST(address_writes_what_libc_writes)
{
    uint64_t seed = 2;
    for (unsigned round = 0; round < 40 * 256; round++) {
        struct address address = { .family = ADDRESS_IPV6 };
        unsigned digits = 1 + round / 256 % 4;
        for (size_t group = 0; group < 8; group++) {
            uint64_t value = test_random(&seed) & ((1u << 4 * digits) - 1);
            if ((round >> group & 1) == 0) continue;
            address.bytes[2 * group] = (uint8_t)(value >> 8);
            address.bytes[2 * group + 1] = (uint8_t)value;
        }
        char wanted[INET6_ADDRSTRLEN];
        uint8_t room[ADDRESS_TEXT_MAX];
        expect(inet_ntop(AF_INET6, address.bytes, wanted, sizeof wanted) != NULL);
        struct view text = address_text(SPAN_OF(room), &address);
        struct view libc = view_from_string(wanted);
        bool is_mapped = view_starts_with(libc, VIEW("::ffff:"));
        if (is_mapped || view_find_byte(libc, '.') == libc.length_bytes) expect_view(text, libc);

        struct address again;
        expect_ok(address_parse(text, &again));
        expect(address_equal(&address, &again));
    }
}

/* Addresses with a few bytes changed: what libc takes and what we take is the same. */
TEST(address_takes_what_libc_takes)
{
    static const char *const seeds[] = { "1.2.3.4",   "192.168.100.255",    "::1",
                                         "1::",       "1:2:3:4:5:6:7:8",    "::ffff:1.2.3.4",
                                         "fe80::1:2", "a:b:c:d:e:f:1.2.3.4" };
    static const char alphabet[] = "0123456789abcdefABCF:::...g%";
    uint64_t seed = 3;
    unsigned taken = 0;
    for (unsigned round = 0; round < 200000; round++) {
        char text[64] = { 0 };
        struct view base = view_from_string(seeds[test_random(&seed) % LENGTH_OF(seeds)]);
        (void)span_copy(SPAN_OF(text), base);
        for (uint64_t changes = test_random(&seed) % 4; changes > 0; changes--)
            text[test_random(&seed) % (base.length_bytes + 1)] =
                alphabet[test_random(&seed) % (sizeof alphabet - 1)];

        uint8_t libc[16] = { 0 };
        struct address address = { 0 };
        bool is_ipv6 = view_find_byte(view_from_string(text), ':') < __builtin_strlen(text);
        bool wanted = inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, libc) == 1;
        bool got = address_parse(view_from_string(text), &address) == OK;
        if (got != wanted) test_fail(__FILE__, __LINE__, "\"%s\": got %d", text, got);
        if (!got) continue;
        expect_view(VIEW_OF(address.bytes), VIEW_OF(libc));
        taken++;
    }
    expect_that(taken, >, 10000);
}

TEST(address_knows_loopback)
{
    uint8_t room[ADDRESS_TEXT_MAX];
    struct address ipv4 = address_loopback(ADDRESS_IPV4), ipv6 = address_loopback(ADDRESS_IPV6);
    expect_view(address_text(SPAN_OF(room), &ipv4), VIEW("127.0.0.1"));
    expect_view(address_text(SPAN_OF(room), &ipv6), VIEW("::1"));
    expect(!address_equal(&ipv4, &ipv6));
}

static void loop_any(void)
{
    (void)address_loopback(ADDRESS_ANY);
}

static void write_unknown(void)
{
    uint8_t room[ADDRESS_TEXT_MAX];
    struct address address = { .family = 9 };
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_address(&writer, &address);
}

TEST(address_panics_without_a_family)
{
    expect_death(loop_any, "family == ADDRESS_IPV6");
    expect_death(write_unknown, "9 is not an address family");
}

/* The same bytes in another family, and any beside 0.0.0.0, are other addresses. */
TEST(address_compares_families)
{
    struct address any = { 0 }, ipv4 = address_ipv4(0, 0, 0, 0);
    struct address ipv6 = { .family = ADDRESS_IPV6 };
    expect(!address_equal(&any, &ipv4));
    expect(!address_equal(&ipv4, &ipv6));
    expect(address_equal(&ipv6, &ipv6));
}

TEST(address_is_written_whole_or_not_at_all)
{
    uint8_t room[9];
    struct address address = address_ipv4(192, 0, 2, 1);
    for (size_t length = 0; length < sizeof room; length++) {
        struct writer writer = writer_over(span_first(SPAN_OF(room), length));
        writer_put_address(&writer, &address);
        expect(writer.ran_short);
        expect_that(writer.length_bytes, ==, 0);
    }
    expect_view(address_text(SPAN_OF(room), &address), VIEW("192.0.2.1"));
}

static void expect_endpoint(struct view text, struct view wanted)
{
    uint8_t room[ENDPOINT_TEXT_MAX];
    struct endpoint endpoint, again;
    expect_ok(endpoint_parse(test_guarded(text), &endpoint));
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_endpoint(&writer, &endpoint);
    expect(!writer.ran_short);
    expect_view(writer_view(&writer), wanted);
    expect_ok(endpoint_parse(wanted, &again));
    expect(endpoint_equal(&endpoint, &again));
}

TEST(endpoint_reads_each_form)
{
    expect_endpoint(VIEW("192.0.2.1:80"), VIEW("192.0.2.1:80"));
    expect_endpoint(VIEW("[2001:db8::1]:80"), VIEW("[2001:db8::1]:80"));
    expect_endpoint(VIEW("[::ffff:255.255.255.255]:65535"), VIEW("[::ffff:255.255.255.255]:65535"));
    expect_endpoint(VIEW("[ABCD:EF01:2345:6789:ABCD:EF01:255.255.255.255]:65535"),
                    VIEW("[abcd:ef01:2345:6789:abcd:ef01:ffff:ffff]:65535"));
    expect_endpoint(VIEW(":8080"), VIEW("*:8080"));
    expect_endpoint(VIEW("8080"), VIEW("*:8080"));
    expect_endpoint(VIEW("*:8080"), VIEW("*:8080"));
    expect_endpoint(VIEW("0"), VIEW("*:0"));
}

TEST(endpoint_refuses_other_forms)
{
    static const char *const bad[] = {
        "",
        ":",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:080",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[1.2.3.4]:80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[:80",
        "]:80",
        "[[::1]]:80",
        "1.2.3.4:80:80",
        "a:80",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4: 80",
        "1.2.3.4:80 ",
        "**:80",
        "*",
        "1.2.3.4:0x50",
        "80a",
        "::",
        "18446744073709551696",
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct endpoint endpoint = { .port = 7 };
        if (endpoint_parse(test_guarded(view_from_string(bad[i])), &endpoint) != INVALID)
            test_fail(__FILE__, __LINE__, "\"%s\" was taken for an endpoint", bad[i]);
        expect_that(endpoint.port, ==, 7);
    }
}

TEST(endpoint_reads_every_port)
{
    for (uint64_t port = 0; port <= 66000; port++) {
        uint8_t room[16];
        struct endpoint endpoint = { 0 };
        struct writer writer = writer_over(SPAN_OF(room));
        writer_put_decimal(&writer, port);
        enum result result = endpoint_parse(writer_view(&writer), &endpoint);
        expect_that(result, ==, port <= 65535 ? OK : INVALID);
        if (result == OK) expect_that(endpoint.port, ==, port);
    }
}

/* ---- prefixes ---- */

TEST(address_prefix_is_read)
{
    struct address_prefix prefix;
    expect_ok(address_prefix_parse(VIEW("192.0.2.7/24"), &prefix));
    struct address wanted = address_ipv4(192, 0, 2, 7);
    expect(address_equal(&prefix.address, &wanted));
    expect_that(prefix.bits, ==, 24);
    expect_ok(address_prefix_parse(VIEW("0.0.0.0/0"), &prefix));
    expect_ok(address_prefix_parse(VIEW("2001:db8::1/128"), &prefix));
    expect_that(prefix.bits, ==, 128);
}

TEST(address_prefix_refuses_what_is_none)
{
    static const struct view wrong[] = {
        VIEW_ROW("192.0.2.7"),     VIEW_ROW("192.0.2.7/"),   VIEW_ROW("192.0.2.7/33"),
        VIEW_ROW("192.0.2.7/024"), VIEW_ROW("192.0.2.7/-1"), VIEW_ROW("192.0.2/24"),
        VIEW_ROW("/24"),           VIEW_ROW("::/129"),       VIEW_ROW("192.0.2.7/24/24"),
    };
    struct address_prefix prefix = { .bits = 99 };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        expect_result(address_prefix_parse(wrong[i], &prefix), INVALID);
    expect_that(prefix.bits, ==, 99);
}
