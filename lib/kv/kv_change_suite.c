/* kv_change_suite.c - cases for every kv: what changes, and that a batch is all or none.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_suite.h"

#include "base/writer.h"
#include "kv/digest.h"

/* Longer than the grain of any store's clock. */
#define GRAIN_NS (30 * MS_NS)

/* A store with x=1, y=2 and z/z=3 that can be changed. */
static struct kv *open_xyz(struct kv_fixture *fixture)
{
    const struct kv_suite_page xyz[] = {
        { VIEW("x"), VIEW("1") },
        { VIEW("y"), VIEW("2") },
        { VIEW("z/z"), VIEW("3") },
    };
    if (fixture->is_read_only) test_skip("it is read-only");
    return fixture->open(fixture, xyz, LENGTH_OF(xyz));
}

static void expect_xyz(struct kv *kv)
{
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x y z/z "));
    kv_suite_expect_value(kv, VIEW("x"), VIEW("1"));
    kv_suite_expect_value(kv, VIEW("y"), VIEW("2"));
    kv_suite_expect_value(kv, VIEW("z/z"), VIEW("3"));
}

static struct kv_change set(struct view key, struct view value)
{
    return (struct kv_change){ .kind = KV_SET, .key = key, .value = value };
}

static struct kv_change removal(struct view key)
{
    return (struct kv_change){ .kind = KV_REMOVE, .key = key };
}

static struct kv_change renaming(struct view key, struct view new_key)
{
    return (struct kv_change){ .kind = KV_RENAME, .key = key, .new_key = new_key };
}

void kv_case_read_only_denies(struct kv_fixture *fixture)
{
    const struct kv_suite_page page = { VIEW("x"), VIEW("1") };
    struct kv *kv = fixture->open(fixture, &page, 1);
    bool is_read_only = kv->read_only;
    expect(is_read_only || !fixture->is_read_only);
    kv->read_only = true;
    expect_result(kv_set(kv, VIEW("x"), VIEW("2")), DENIED);
    expect_result(kv_set(kv, VIEW("new"), VIEW("2")), DENIED);
    expect_result(kv_remove(kv, VIEW("x")), DENIED);
    expect_result(kv_rename(kv, VIEW("x"), VIEW("y")), DENIED);
    kv->read_only = is_read_only;
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x "));
    kv_suite_expect_value(kv, VIEW("x"), VIEW("1"));
    fixture->close(fixture);
}

void kv_case_set_and_replace(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    expect_ok(kv_set(kv, VIEW("new/deep/er"), VIEW("first")));
    kv_suite_expect_value(kv, VIEW("new/deep/er"), VIEW("first"));
    expect_ok(kv_set(kv, VIEW("new/deep/er"), VIEW("second, longer")));
    kv_suite_expect_value(kv, VIEW("new/deep/er"), VIEW("second, longer"));
    expect_ok(kv_set(kv, VIEW("new/deep/er"), VIEW("")));
    kv_suite_expect_value(kv, VIEW("new/deep/er"), VIEW(""));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("new/deep/er x y z/z "));
    fixture->close(fixture);
}

void kv_case_remove_forgets(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    expect_ok(kv_remove(kv, VIEW("z/z")));
    expect_result(kv_exists(kv, VIEW("z/z")), NOT_FOUND);
    expect_result(kv_remove(kv, VIEW("z/z")), NOT_FOUND);
    expect_result(kv_remove(kv, VIEW("z")), NOT_FOUND);
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x y "));
    expect_ok(kv_set(kv, VIEW("z"), VIEW("a value where a prefix was")));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x y z "));
    fixture->close(fixture);
}

void kv_case_rename_moves(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    uint64_t before_ns, after_ns;
    expect_ok(kv_modified(kv, VIEW("z/z"), &before_ns));
    expect_ok(kv_rename(kv, VIEW("z/z"), VIEW("a/b/c")));
    expect_ok(kv_modified(kv, VIEW("a/b/c"), &after_ns));
    expect_that(after_ns, ==, before_ns);
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a/b/c x y "));
    kv_suite_expect_value(kv, VIEW("a/b/c"), VIEW("3"));
    fixture->close(fixture);
}

void kv_case_rename_replaces(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    expect_ok(kv_rename(kv, VIEW("x"), VIEW("z/z")));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("y z/z "));
    kv_suite_expect_value(kv, VIEW("z/z"), VIEW("1"));
    fixture->close(fixture);
}

void kv_case_rename_to_itself(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    expect_ok(kv_rename(kv, VIEW("x"), VIEW("x")));
    expect_result(kv_rename(kv, VIEW("w"), VIEW("w")), NOT_FOUND);
    expect_xyz(kv);
    fixture->close(fixture);
}

void kv_case_rename_from_nothing(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    expect_result(kv_rename(kv, VIEW("w"), VIEW("x")), NOT_FOUND);
    expect_result(kv_rename(kv, VIEW("z"), VIEW("new/place")), NOT_FOUND);
    expect_xyz(kv);
    fixture->close(fixture);
}

static void expect_read(struct kv *kv, const struct kv_value *value, struct view wanted)
{
    uint8_t room[64];
    size_t length_bytes;
    struct kv_digest digest = digest_of(wanted);
    expect_that(value->size_bytes, ==, wanted.length_bytes);
    expect_ok(kv_read(kv, value, 0, SPAN_OF(room), &length_bytes));
    expect_view(view_from(room, length_bytes), wanted);
    if (!view_is_empty(value->bytes)) expect_view(value->bytes, wanted);
    expect(kv_digest_equal(&value->digest, &digest));
}

void kv_case_open_value_survives(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    struct kv_value x, y, z;
    expect_ok(kv_open(kv, VIEW("x"), &x));
    expect_ok(kv_open(kv, VIEW("y"), &y));
    expect_ok(kv_open(kv, VIEW("z/z"), &z));
    expect_ok(kv_set(kv, VIEW("x"), VIEW("replaced")));
    expect_ok(kv_rename(kv, VIEW("x"), VIEW("y")));
    expect_ok(kv_remove(kv, VIEW("z/z")));
    for (unsigned i = 0; i < 8; i++)
        expect_ok(kv_set(kv, VIEW("w"), VIEW("something in the memory that they had")));
    expect_read(kv, &x, VIEW("1"));
    expect_read(kv, &y, VIEW("2"));
    expect_read(kv, &z, VIEW("3"));
    kv_release(kv, &x);
    kv_release(kv, &y);
    kv_release(kv, &z);
    kv_suite_expect_value(kv, VIEW("y"), VIEW("replaced"));
    fixture->close(fixture);
}

void kv_case_modified_grows(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    uint64_t before_ns, after_ns;
    expect_ok(kv_modified(kv, VIEW("x"), &before_ns));
    expect_that(before_ns, >, 0);
    (void)fiber_sleep(GRAIN_NS);
    expect_ok(kv_modified(kv, VIEW("x"), &after_ns));
    expect_that(after_ns, ==, before_ns);
    expect_ok(kv_set(kv, VIEW("x"), VIEW("1")));
    expect_ok(kv_modified(kv, VIEW("x"), &after_ns));
    expect_that(after_ns, >, before_ns);
    fixture->close(fixture);
}

/* ---- batches ---- */

void kv_case_batch_in_order(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    const struct kv_change changes[] = {
        set(VIEW("a"), VIEW("set and renamed")),
        renaming(VIEW("a"), VIEW("b")),
        set(VIEW("a"), VIEW("set again")),
        set(VIEW("y"), VIEW("not this one")),
        set(VIEW("y"), VIEW("but this")),
        removal(VIEW("x")),
        set(VIEW("x"), VIEW("removed and set")),
        set(VIEW("t"), VIEW("set and removed")),
        removal(VIEW("t")),
        renaming(VIEW("z/z"), VIEW("b2")),
        renaming(VIEW("b2"), VIEW("z/y")),
    };
    expect_ok(kv_apply(kv, changes, LENGTH_OF(changes)));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a b x y z/y "));
    kv_suite_expect_value(kv, VIEW("a"), VIEW("set again"));
    kv_suite_expect_value(kv, VIEW("b"), VIEW("set and renamed"));
    kv_suite_expect_value(kv, VIEW("x"), VIEW("removed and set"));
    kv_suite_expect_value(kv, VIEW("y"), VIEW("but this"));
    kv_suite_expect_value(kv, VIEW("z/y"), VIEW("3"));
    fixture->close(fixture);
}

void kv_case_batch_swaps(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    const struct kv_change changes[] = {
        renaming(VIEW("x"), VIEW("aside")),
        renaming(VIEW("y"), VIEW("x")),
        renaming(VIEW("aside"), VIEW("y")),
    };
    expect_ok(kv_apply(kv, changes, LENGTH_OF(changes)));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x y z/z "));
    kv_suite_expect_value(kv, VIEW("x"), VIEW("2"));
    kv_suite_expect_value(kv, VIEW("y"), VIEW("1"));
    fixture->close(fixture);
}

/* A change that cannot be made, in every place of a batch that touches everything. */
void kv_case_batch_all_or_none(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    const struct kv_change good[] = {
        set(VIEW("x"), VIEW("changed")),
        set(VIEW("new/er"), VIEW("new")),
        removal(VIEW("y")),
        renaming(VIEW("z/z"), VIEW("x")),
        renaming(VIEW("new/er"), VIEW("y")),
        set(VIEW("z/z"), VIEW("again")),
        removal(VIEW("x")),
    };
    const struct kv_change bad[] = {
        removal(VIEW("missing")),
        renaming(VIEW("missing"), VIEW("x")),
        removal(VIEW("a/../b")),
        renaming(VIEW("x"), VIEW("/")),
    };
    static struct kv_change changes[LENGTH_OF(good) + 1];
    for (size_t at = 0; at <= LENGTH_OF(good); at++) {
        for (size_t i = 0; i < LENGTH_OF(good); i++)
            changes[i < at ? i : i + 1] = good[i];
        for (size_t i = 0; i < LENGTH_OF(bad); i++) {
            changes[at] = bad[i];
            expect_result(kv_apply(kv, changes, LENGTH_OF(changes)), i < 2 ? NOT_FOUND : INVALID);
            expect_xyz(kv);
        }
    }
    expect_ok(kv_apply(kv, good, LENGTH_OF(good)));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("y z/z "));
    fixture->close(fixture);
}

void kv_case_batch_limits(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    static uint8_t names[KV_BATCH_MAX + 1][8];
    static struct kv_change changes[KV_BATCH_MAX + 1];
    for (unsigned i = 0; i < LENGTH_OF(changes); i++)
        changes[i] = set(format(SPAN_OF(names[i]), "k%02u", i), VIEW("v"));
    expect_ok(kv_apply(kv, changes, 0));
    expect_result(kv_apply(kv, changes, LENGTH_OF(changes)), TOO_LARGE);
    expect_xyz(kv);
    expect_ok(kv_apply(kv, changes, KV_BATCH_MAX));
    for (unsigned i = 0; i < KV_BATCH_MAX; i++)
        kv_suite_expect_value(kv, changes[i].key, VIEW("v"));
    for (unsigned i = 0; i < KV_BATCH_MAX; i++)
        changes[i] = removal(changes[i].key);
    expect_ok(kv_apply(kv, changes, KV_BATCH_MAX));
    expect_xyz(kv);
    fixture->close(fixture);
}

/* ---- values that are prefixes ---- */

void kv_case_value_and_prefix(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    if (!fixture->has_paths) {
        expect_ok(kv_set(kv, VIEW("x/below"), VIEW("4")));
        expect_ok(kv_set(kv, VIEW("z"), VIEW("5")));
        kv_suite_expect_keys(kv, VIEW(""), VIEW("x x/below y z z/z "));
        kv_suite_expect_keys(kv, VIEW("z"), VIEW("z z/z "));
        fixture->close(fixture);
        return;
    }
    expect_result(kv_set(kv, VIEW("x/below"), VIEW("4")), EXISTS);
    expect_result(kv_set(kv, VIEW("x/far/below"), VIEW("4")), EXISTS);
    expect_result(kv_set(kv, VIEW("z"), VIEW("4")), EXISTS);
    expect_result(kv_rename(kv, VIEW("y"), VIEW("z")), EXISTS);
    expect_result(kv_rename(kv, VIEW("y"), VIEW("x/y")), EXISTS);
    const struct kv_change both[] = { set(VIEW("n"), VIEW("")), set(VIEW("n/n"), VIEW("")) };
    expect_result(kv_apply(kv, both, LENGTH_OF(both)), EXISTS);
    const struct kv_change late[] = { removal(VIEW("y")), set(VIEW("x/y"), VIEW("")) };
    expect_result(kv_apply(kv, late, LENGTH_OF(late)), EXISTS);
    expect_xyz(kv);
    fixture->close(fixture);
}

void kv_case_value_becomes_prefix(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    const struct kv_change there[] = { removal(VIEW("x")), set(VIEW("x/deep/x"), VIEW("1")),
                                       renaming(VIEW("z/z"), VIEW("z2")),
                                       renaming(VIEW("z2"), VIEW("z")) };
    expect_ok(kv_apply(kv, there, LENGTH_OF(there)));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("x/deep/x y z "));
    const struct kv_change back[] = { renaming(VIEW("x/deep/x"), VIEW("x1")),
                                      renaming(VIEW("x1"), VIEW("x")),
                                      renaming(VIEW("z"), VIEW("z1")),
                                      renaming(VIEW("z1"), VIEW("z/z")) };
    expect_ok(kv_apply(kv, back, LENGTH_OF(back)));
    expect_xyz(kv);
    fixture->close(fixture);
}

/* ---- changing what is being listed ---- */

struct remover {
    struct kv_visitor visitor;
    struct kv *kv;
    struct writer keys;
};

static bool remove_visited(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct remover *remover = CONTAINER_OF(visitor, struct remover, visitor);
    (void)size_bytes;
    writer_put(&remover->keys, key);
    writer_put(&remover->keys, VIEW(" "));
    expect_ok(kv_remove(remover->kv, key));
    return true;
}

void kv_case_list_while_removing(struct kv_fixture *fixture)
{
    struct kv *kv = open_xyz(fixture);
    uint8_t room[64];
    struct remover remover = { { remove_visited }, kv, writer_over(SPAN_OF(room)) };
    expect_ok(kv_list(kv, VIEW(""), &remover.visitor));
    expect_view(writer_view(&remover.keys), VIEW("x y z/z "));
    kv_suite_expect_keys(kv, VIEW(""), VIEW(""));
    fixture->close(fixture);
}
