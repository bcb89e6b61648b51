/* resolver_suite.h - what every resolver must do: the cases that run against each implementation.
 *
 *     RESOLVER_SUITE(resolver_static, &table)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_SUITE_H
#define LOOM_RESOLVER_SUITE_H

#include "resolver/resolver.h"
#include "test/test.h"

struct resolver_fixture {
    struct resolver *(*open)(struct resolver_fixture *fixture);
    void (*close)(struct resolver_fixture *fixture);
    struct view name; /* has these two addresses, and maybe others; in lower case */
    struct address ipv4, ipv6;
    const char *no_ipv6; /* why the name has none; NULL: it has */
    struct view unknown;
    const char *no_unknown; /* why it cannot tell that a name is unknown; NULL: it can */
};

#define RESOLVER_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, finds_ipv4) \
    CASE(implementation, fixture, finds_ipv6) \
    CASE(implementation, fixture, finds_both_families) \
    CASE(implementation, fixture, finds_in_any_case) \
    CASE(implementation, fixture, address_is_its_own) \
    CASE(implementation, fixture, address_of_the_other_family) \
    CASE(implementation, fixture, refuses_nonsense) \
    CASE(implementation, fixture, unknown_name) \
    CASE(implementation, fixture, many_at_once)

#define RESOLVER_CASE_DECLARE(implementation, fixture, name) \
    void resolver_case_##name(struct resolver_fixture *fixture);
RESOLVER_CASES(RESOLVER_CASE_DECLARE, , fixture)

#define RESOLVER_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        resolver_case_##name(fixture); \
    }
#define RESOLVER_SUITE(implementation, fixture) \
    RESOLVER_CASES(RESOLVER_CASE_TEST, implementation, fixture)

#endif
