/* kv_suite.h - what every kv must do: the cases that run against each implementation.
 *
 *     static struct kv_fixture memory = { .open = memory_open, .close = memory_close };
 *     KV_SUITE(kv_memory, &memory)
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_SUITE_H
#define LOOM_KV_SUITE_H

#include "kv/kv.h"
#include "test/test.h"

struct kv_suite_page {
    struct view key, value;
};

struct kv_fixture {
    /* Gives a store that holds these pages and nothing else. */
    struct kv *(*open)(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                       size_t count);
    void (*close)(struct kv_fixture *fixture); /* no value of the store is open */
    bool is_read_only;
    bool has_paths;        /* a key cannot be a value and a prefix of others */
    bool has_printed_keys; /* no control characters in them */
};

#define KV_READ_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, malformed_keys_are_invalid) \
    CASE(implementation, fixture, long_keys_are_valid) \
    CASE(implementation, fixture, missing_keys_are_not_found) \
    CASE(implementation, fixture, a_prefix_is_no_value) \
    CASE(implementation, fixture, get_gives_the_whole) \
    CASE(implementation, fixture, get_needs_room) \
    CASE(implementation, fixture, get_part_by_offset) \
    CASE(implementation, fixture, empty_values) \
    CASE(implementation, fixture, open_tells_what_is_known) \
    CASE(implementation, fixture, many_values_open) \
    CASE(implementation, fixture, large_values) \
    CASE(implementation, fixture, digest_is_sha256) \
    CASE(implementation, fixture, digests_equal_as_values_do) \
    CASE(implementation, fixture, binary_keys_and_values) \
    CASE(implementation, fixture, list_is_in_byte_order) \
    CASE(implementation, fixture, list_of_a_prefix) \
    CASE(implementation, fixture, list_ends_when_told) \
    CASE(implementation, fixture, list_of_nothing) \
    CASE(implementation, fixture, list_of_many) \
    CASE(implementation, fixture, list_in_a_list) \
    CASE(implementation, fixture, read_only_denies)

#define KV_CHANGE_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, set_and_replace) \
    CASE(implementation, fixture, remove_forgets) \
    CASE(implementation, fixture, rename_moves) \
    CASE(implementation, fixture, rename_replaces) \
    CASE(implementation, fixture, rename_to_itself) \
    CASE(implementation, fixture, rename_from_nothing) \
    CASE(implementation, fixture, open_value_survives) \
    CASE(implementation, fixture, modified_grows) \
    CASE(implementation, fixture, batch_in_order) \
    CASE(implementation, fixture, batch_swaps) \
    CASE(implementation, fixture, batch_all_or_none) \
    CASE(implementation, fixture, batch_limits) \
    CASE(implementation, fixture, value_and_prefix) \
    CASE(implementation, fixture, value_becomes_prefix) \
    CASE(implementation, fixture, list_while_removing)

#define KV_CASE_DECLARE(implementation, fixture, name) \
    void kv_case_##name(struct kv_fixture *fixture);
KV_READ_CASES(KV_CASE_DECLARE, , fixture)
KV_CHANGE_CASES(KV_CASE_DECLARE, , fixture)

#define KV_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        kv_case_##name(fixture); \
    }

/* Of a store that can be changed, and of one that is read-only by its nature. */
#define KV_SUITE(implementation, fixture) \
    KV_READ_SUITE(implementation, fixture) \
    KV_CHANGE_CASES(KV_CASE_TEST, implementation, fixture)
#define KV_READ_SUITE(implementation, fixture) KV_READ_CASES(KV_CASE_TEST, implementation, fixture)

/* ---- for the cases, and for tests of one implementation ---- */

/* Expects the keys below `prefix` to be these, each followed by a space. */
void kv_suite_expect_keys(struct kv *kv, struct view prefix, struct view keys);
void kv_suite_expect_value(struct kv *kv, struct view key, struct view value);

#endif
