/* kv_counted_test.c - a fixture, with which `loom test` runs the suite of every kv against ours;
 * and what only ours can.
 *
 * SPDX-License-Identifier: ISC */
#include "kv_counted.h"

#include "kv/kv_memory.h"
#include "kv/kv_suite.h"

static const struct kv_memory_parameters parameters = { .bytes = 16 * MIB, .entries = 4096 };

static struct kv_memory below;
static struct kv_counted counted;

static struct kv *counted_open(struct kv_fixture *fixture, const struct kv_suite_page pages[],
                               size_t count)
{
    (void)fixture;
    expect_ok(kv_memory_open(&below, &parameters));
    for (size_t i = 0; i < count; i++)
        expect_ok(kv_set(&below.kv, pages[i].key, pages[i].value));
    expect_ok(kv_counted_open(&counted, &below.kv));
    return &counted.kv;
}

static void counted_close(struct kv_fixture *fixture)
{
    (void)fixture;
    kv_counted_close(&counted);
    kv_memory_close(&below);
}

extern struct kv_fixture kv_counted_fixture;
struct kv_fixture kv_counted_fixture = { .open = counted_open, .close = counted_close };

TEST(catalogue_counts_what_is_opened)
{
    struct kv_suite_page page = { VIEW("key"), VIEW("value") };
    struct kv *kv = counted_open(NULL, &page, 1);
    struct kv_value value;
    expect_ok(kv_open(kv, VIEW("key"), &value));
    kv_release(kv, &value);
    expect_result(kv_open(kv, VIEW("nothing"), &value), NOT_FOUND);
    expect_that(counted.opened_count, ==, 1);
    counted_close(NULL);
}
