/* resolver_suite.c - cases for every resolver.
 *
 * SPDX-License-Identifier: ISC */
#include "resolver/resolver_suite.h"

#include "target/clock.h"

static uint64_t soon(void)
{
    return clock_monotonic_ns() + 10 * S_NS;
}

struct found {
    struct address addresses[RESOLVER_ADDRESSES_MAX];
    size_t count;
};

static bool has(const struct found *found, const struct address *address)
{
    for (size_t i = 0; i < found->count; i++) {
        if (address_equal(&found->addresses[i], address)) return true;
    }
    return false;
}

static bool has_only(const struct found *found, enum address_family family)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->addresses[i].family != family) return false;
    }
    return true;
}

static enum result look_up(struct resolver *resolver, struct view name, enum address_family family,
                           struct found *found)
{
    return resolver_lookup(resolver, name, family, found->addresses, LENGTH_OF(found->addresses),
                           &found->count, soon());
}

void resolver_case_finds_ipv4(struct resolver_fixture *fixture)
{
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    expect_ok(look_up(resolver, fixture->name, ADDRESS_IPV4, &found));
    expect(has(&found, &fixture->ipv4) && has_only(&found, ADDRESS_IPV4));
    fixture->close(fixture);
}

void resolver_case_finds_ipv6(struct resolver_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    expect_ok(look_up(resolver, fixture->name, ADDRESS_IPV6, &found));
    expect(has(&found, &fixture->ipv6) && has_only(&found, ADDRESS_IPV6));
    fixture->close(fixture);
}

void resolver_case_finds_both_families(struct resolver_fixture *fixture)
{
    if (fixture->no_ipv6 != NULL) test_skip(fixture->no_ipv6);
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    expect_ok(look_up(resolver, fixture->name, ADDRESS_ANY, &found));
    expect(has(&found, &fixture->ipv4) && has(&found, &fixture->ipv6));
    expect_ok(resolver_lookup(resolver, fixture->name, ADDRESS_ANY, found.addresses, 1,
                              &found.count, soon()));
    expect_that(found.count, ==, 1);
    fixture->close(fixture);
}

/* RFC 4343; and a dot at the end says that the name is whole. */
void resolver_case_finds_in_any_case(struct resolver_fixture *fixture)
{
    struct resolver *resolver = fixture->open(fixture);
    uint8_t bytes[RESOLVER_NAME_MAX + 1];
    struct found found;
    struct writer writer = writer_over(SPAN_OF(bytes));
    for (size_t i = 0; i < fixture->name.length_bytes; i++) {
        uint8_t byte = view_byte(fixture->name, i);
        bool is_lower = byte >= 'a' && byte <= 'z';
        writer_put_u8(&writer, is_lower && i % 2 == 0 ? (uint8_t)(byte - 32) : byte);
    }
    expect_ok(look_up(resolver, writer_view(&writer), ADDRESS_IPV4, &found));
    expect(has(&found, &fixture->ipv4));
    writer_put_u8(&writer, '.');
    expect_ok(look_up(resolver, writer_view(&writer), ADDRESS_IPV4, &found));
    expect(has(&found, &fixture->ipv4));
    fixture->close(fixture);
}

void resolver_case_address_is_its_own(struct resolver_fixture *fixture)
{
    struct resolver *resolver = fixture->open(fixture);
    struct address wanted = address_ipv4(192, 0, 2, 7);
    struct found found;
    expect_ok(look_up(resolver, VIEW("192.0.2.7"), ADDRESS_ANY, &found));
    expect(found.count == 1 && has(&found, &wanted));
    expect_ok(look_up(resolver, VIEW("192.0.2.7"), ADDRESS_IPV4, &found));
    expect(found.count == 1 && has(&found, &wanted));
    expect_ok(address_parse(VIEW("2001:db8::7"), &wanted));
    expect_ok(look_up(resolver, VIEW("2001:db8::7"), ADDRESS_ANY, &found));
    expect(found.count == 1 && has(&found, &wanted));
    fixture->close(fixture);
}

void resolver_case_address_of_the_other_family(struct resolver_fixture *fixture)
{
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    expect_result(look_up(resolver, VIEW("192.0.2.7"), ADDRESS_IPV6, &found), NOT_FOUND);
    expect_result(look_up(resolver, VIEW("2001:db8::7"), ADDRESS_IPV4, &found), NOT_FOUND);
    fixture->close(fixture);
}

void resolver_case_refuses_nonsense(struct resolver_fixture *fixture)
{
    static const struct view nonsense[] = {
        { (const uint8_t *)"", 0 },
        { (const uint8_t *)".", 1 },
        { (const uint8_t *)"two words", 9 },
        { (const uint8_t *)"empty..label", 12 },
        { (const uint8_t *)".first", 6 },
        { (const uint8_t *)"-dash.test", 10 },
        { (const uint8_t *)"dash-.test", 10 },
        { (const uint8_t *)"nul\0.test", 9 },
        { (const uint8_t *)"slash/test", 10 },
        { (const uint8_t *)"percent%25", 10 },
        { (const uint8_t *)"\xc3\xa4.test", 7 },
        { (const uint8_t *)"127.1", 5 },
        { (const uint8_t *)"1.2.3.4.5", 9 },
        { (const uint8_t *)"0x7f000001", 10 },
        { (const uint8_t *)"2130706433", 10 },
        { (const uint8_t *)"[::1]", 5 },
        { (const uint8_t *)"a23456789012345678901234567890123456789012345678901234567890"
                           "1234.test",
          69 },
    };
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    uint8_t long_name[RESOLVER_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof long_name; i++)
        long_name[i] = i % 50 == 49 ? '.' : 'a';
    for (size_t i = 0; i < LENGTH_OF(nonsense); i++)
        expect_result(look_up(resolver, nonsense[i], ADDRESS_ANY, &found), INVALID);
    expect_result(look_up(resolver, VIEW_OF(long_name), ADDRESS_ANY, &found), INVALID);
    fixture->close(fixture);
}

void resolver_case_unknown_name(struct resolver_fixture *fixture)
{
    if (fixture->no_unknown != NULL) test_skip(fixture->no_unknown);
    struct resolver *resolver = fixture->open(fixture);
    struct found found;
    expect_result(look_up(resolver, fixture->unknown, ADDRESS_ANY, &found), NOT_FOUND);
    expect_that(found.count, ==, 0);
    fixture->close(fixture);
}

struct asker {
    struct task task;
    struct resolver *resolver;
    struct view name;
    struct address address;
    enum result result;
};

static void asker_run(struct task *task)
{
    struct asker *asker = CONTAINER_OF(task, struct asker, task);
    size_t count;
    asker->result = resolver_lookup(asker->resolver, asker->name, ADDRESS_IPV4, &asker->address, 1,
                                    &count, soon());
}

void resolver_case_many_at_once(struct resolver_fixture *fixture)
{
    struct resolver *resolver = fixture->open(fixture);
    struct asker askers[8];
    struct scope scope;
    scope_open(&scope, "suite");
    for (size_t i = 0; i < LENGTH_OF(askers); i++) {
        askers[i] = (struct asker){ .task.run = asker_run,
                                    .resolver = resolver,
                                    .name = fixture->name };
        expect_ok(fiber_start(&scope, &askers[i].task, "asker", STACK_MEDIUM));
    }
    expect_ok(scope_wait(&scope, soon()));
    for (size_t i = 0; i < LENGTH_OF(askers); i++) {
        expect_ok(askers[i].result);
        expect_that(askers[i].address.family, ==, ADDRESS_IPV4);
    }
    fixture->close(fixture);
}
