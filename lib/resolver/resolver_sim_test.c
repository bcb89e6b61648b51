/* resolver_sim_test.c - the conformance suite on the resolvers that need no target, in virtual
 * time.
 *
 * SPDX-License-Identifier: ISC */
#include "resolver/resolver_faulty.h"
#include "resolver/resolver_static.h"
#include "resolver/resolver_suite.h"
#include "target/clock.h"

static const struct resolver_static_row rows[] = {
    { { (const uint8_t *)"loom.test", 9 }, { ADDRESS_IPV6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } },
    { { (const uint8_t *)"loom.test", 9 }, { ADDRESS_IPV4, { 192, 0, 2, 1 } } },
    { { (const uint8_t *)"old.test", 8 }, { ADDRESS_IPV4, { 192, 0, 2, 2 } } },
};
static struct resolver_static table;
static struct resolver_faulty faulty;

static struct resolver *static_open(struct resolver_fixture *fixture)
{
    (void)fixture;
    expect_ok(resolver_static_open(&table, rows, LENGTH_OF(rows)));
    return &table.resolver;
}

static void static_close(struct resolver_fixture *fixture)
{
    (void)fixture;
    resolver_static_close(&table);
}

/* Slow, but right. */
static struct resolver *slow_open(struct resolver_fixture *fixture)
{
    const struct resolver_faulty_plan plan = { .seed = 1, .delay_ns_max = S_NS };
    expect_ok(resolver_faulty_open(&faulty, static_open(fixture), &plan));
    return &faulty.resolver;
}

static void slow_close(struct resolver_fixture *fixture)
{
    resolver_faulty_close(&faulty);
    static_close(fixture);
}

static struct resolver_fixture static_fixture = {
    .open = static_open,
    .close = static_close,
    .name = { (const uint8_t *)"loom.test", 9 },
    .ipv4 = { ADDRESS_IPV4, { 192, 0, 2, 1 } },
    .ipv6 = { ADDRESS_IPV6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
    .unknown = { (const uint8_t *)"nobody.test", 11 },
};
static struct resolver_fixture slow_fixture = {
    .open = slow_open,
    .close = slow_close,
    .name = { (const uint8_t *)"loom.test", 9 },
    .ipv4 = { ADDRESS_IPV4, { 192, 0, 2, 1 } },
    .ipv6 = { ADDRESS_IPV6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
    .unknown = { (const uint8_t *)"nobody.test", 11 },
};

RESOLVER_SUITE(resolver_static, &static_fixture)
RESOLVER_SUITE(resolver_faulty, &slow_fixture)

TEST(resolver_static_keeps_the_order_of_its_rows)
{
    struct resolver *resolver = static_open(NULL);
    struct address addresses[4];
    size_t count;
    expect_ok(
        resolver_lookup(resolver, VIEW("loom.test"), ADDRESS_ANY, addresses, 4, &count, NO_WAIT));
    expect_that(count, ==, 2);
    expect(address_equal(&addresses[0], &rows[0].address));
    expect(address_equal(&addresses[1], &rows[1].address));
    expect_result(
        resolver_lookup(resolver, VIEW("old.test"), ADDRESS_IPV6, addresses, 4, &count, NO_WAIT),
        NOT_FOUND);
    static_close(NULL);
}

TEST(resolver_faulty_fails_as_planned)
{
    struct resolver *resolver = slow_open(NULL);
    struct address address;
    size_t count;
    unsigned counts[FAILED + 1] = { 0 };
    faulty.plan = (struct resolver_faulty_plan){ .fail_per_million = 250000,
                                                 .absent_per_million = 250000 };
    for (unsigned i = 0; i < 1000; i++) {
        enum result result = resolver_lookup(resolver, VIEW("old.test"), ADDRESS_ANY, &address, 1,
                                             &count, NO_WAIT);
        counts[result]++;
    }
    expect_that(counts[FAILED], ==, faulty.failed_count);
    expect_that(counts[NOT_FOUND], ==, faulty.absent_count);
    expect(counts[FAILED] > 150 && counts[FAILED] < 350);
    expect(counts[NOT_FOUND] > 100 && counts[NOT_FOUND] < 300);
    expect_that(counts[OK], ==, 1000 - counts[FAILED] - counts[NOT_FOUND]);
    slow_close(NULL);
}

TEST(resolver_faulty_keeps_deadlines)
{
    struct resolver *resolver = slow_open(NULL);
    struct address address;
    size_t count;
    unsigned late = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t deadline_ns = clock_monotonic_ns() + S_NS / 2;
        enum result result = resolver_lookup(resolver, VIEW("old.test"), ADDRESS_ANY, &address, 1,
                                             &count, deadline_ns);
        expect(result == OK || result == TIMED_OUT);
        expect_that(clock_monotonic_ns(), <=, deadline_ns + MS_NS);
        late += result == TIMED_OUT;
    }
    expect(late > 20 && late < 80);
    slow_close(NULL);
}
