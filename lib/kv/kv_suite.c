/* kv_suite.c - cases for every kv: what is there, and how it is read and listed.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/kv_suite.h"

#include "base/writer.h"
#include "kv/digest.h"

#define LARGE_BYTES ((size_t)100 * 1000)
#define MANY_KEYS   300

static const struct kv_suite_page few[] = {
    { VIEW_ROW("a/b.html"), VIEW_ROW("<p>hello") },
    { VIEW_ROW("abc"), VIEW_ROW("abc") },
    { VIEW_ROW("empty"), VIEW_ROW("") },
    { VIEW_ROW("same"), VIEW_ROW("abc") },
};

static struct kv *open_few(struct kv_fixture *fixture)
{
    return fixture->open(fixture, few, LENGTH_OF(few));
}

/* ---- helpers ---- */

struct key_writer {
    struct kv_visitor visitor;
    struct writer keys;
    size_t count, count_max;
    uint64_t sum_bytes;
};

static bool write_key(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct key_writer *writer = CONTAINER_OF(visitor, struct key_writer, visitor);
    writer_put(&writer->keys, key);
    writer_put(&writer->keys, VIEW(" "));
    writer->sum_bytes += size_bytes;
    return ++writer->count < writer->count_max;
}

static struct key_writer key_writer_over(struct span room)
{
    return (struct key_writer){
        .visitor = { write_key },
        .keys = writer_over(room),
        .count_max = SIZE_MAX,
    };
}

void kv_suite_expect_keys(struct kv *kv, struct view prefix, struct view keys)
{
    uint8_t room[512];
    struct key_writer writer = key_writer_over(SPAN_OF(room));
    expect_ok(kv_list(kv, prefix, &writer.visitor));
    expect(!writer.keys.ran_short);
    expect_view(writer_view(&writer.keys), keys);
}

void kv_suite_expect_value(struct kv *kv, struct view key, struct view value)
{
    uint8_t room[512];
    size_t length_bytes;
    expect_ok(kv_get(kv, key, SPAN_OF(room), &length_bytes));
    expect_view(view_from(room, length_bytes), value);
}

/* ---- keys ---- */

static void expect_invalid(struct kv *kv, struct view key)
{
    struct kv_value value;
    uint64_t number;
    uint8_t byte;
    size_t length_bytes;
    struct kv_digest digest;
    struct key_writer writer = key_writer_over(SPAN_OF(byte));
    expect(!kv_key_is_valid(key));
    expect_result(kv_open(kv, key, &value), INVALID);
    expect_result(kv_exists(kv, key), INVALID);
    expect_result(kv_size(kv, key, &number), INVALID);
    expect_result(kv_get(kv, key, SPAN_OF(byte), &length_bytes), INVALID);
    expect_result(kv_get_part(kv, key, 0, SPAN_OF(byte), &length_bytes), INVALID);
    expect_result(kv_digest_of(kv, key, &digest), INVALID);
    expect_result(kv_modified(kv, key, &number), INVALID);
    expect_result(kv_set(kv, key, VIEW("")), INVALID);
    expect_result(kv_remove(kv, key), INVALID);
    expect_result(kv_rename(kv, key, VIEW("x")), INVALID);
    expect_result(kv_rename(kv, VIEW("abc"), key), INVALID);
    if (!view_is_empty(key)) expect_result(kv_list(kv, key, &writer.visitor), INVALID);
}

void kv_case_malformed_keys_are_invalid(struct kv_fixture *fixture)
{
    static const char *const malformed[] = {
        "/",   "/a",    "a/",     "a//b",   "//",   ".",     "..",         "./a",
        "a/.", "a/./b", "a/../b", "../abc", "a/..", "../..", "a/b/../../", "abc/../../etc/passwd",
    };
    static uint8_t long_key[KV_KEY_MAX + 1];
    span_fill(SPAN_OF(long_key), 'k');
    struct kv *kv = open_few(fixture);
    for (size_t i = 0; i < LENGTH_OF(malformed); i++)
        expect_invalid(kv, view_from_string(malformed[i]));
    expect_invalid(kv, VIEW(""));
    expect_invalid(kv, VIEW("a\0b"));
    expect_invalid(kv, VIEW("abc\0"));
    expect_invalid(kv, VIEW_OF(long_key));
    kv_suite_expect_keys(kv, VIEW(""), VIEW("a/b.html abc empty same "));
    fixture->close(fixture);
}

/* KV_KEY_MAX bytes in segments of 127. */
void kv_case_long_keys_are_valid(struct kv_fixture *fixture)
{
    static uint8_t bytes[KV_KEY_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i % 128 == 127 && i + 1 < sizeof bytes ? '/' : 'k';
    const struct kv_suite_page page = { .key = VIEW_OF(bytes), .value = VIEW("long") };
    struct kv *kv = fixture->open(fixture, &page, 1);
    kv_suite_expect_value(kv, page.key, page.value);
    expect(kv_key_is_valid(VIEW("..a/.b./...")));
    fixture->close(fixture);
}

void kv_case_missing_keys_are_not_found(struct kv_fixture *fixture)
{
    static const char *const missing[] = { "ab",         "abcd",     "abc/d", "a/b",
                                           "a/b.html/c", "A/B.HTML", "b",     "zzz" };
    struct kv *kv = open_few(fixture);
    for (size_t i = 0; i < LENGTH_OF(missing); i++) {
        struct view key = view_from_string(missing[i]);
        struct kv_value value;
        uint64_t number;
        size_t length_bytes;
        struct kv_digest digest;
        expect_result(kv_open(kv, key, &value), NOT_FOUND);
        expect_result(kv_exists(kv, key), NOT_FOUND);
        expect_result(kv_size(kv, key, &number), NOT_FOUND);
        expect_result(kv_get(kv, key, SPAN_OF(number), &length_bytes), NOT_FOUND);
        expect_result(kv_get_part(kv, key, 0, SPAN_OF(number), &length_bytes), NOT_FOUND);
        expect_result(kv_digest_of(kv, key, &digest), NOT_FOUND);
        expect_result(kv_modified(kv, key, &number), NOT_FOUND);
    }
    fixture->close(fixture);
}

void kv_case_a_prefix_is_no_value(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    expect_result(kv_exists(kv, VIEW("a")), NOT_FOUND);
    expect_ok(kv_exists(kv, VIEW("a/b.html")));
    fixture->close(fixture);
}

/* ---- values ---- */

void kv_case_get_gives_the_whole(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    uint64_t size_bytes;
    for (size_t i = 0; i < LENGTH_OF(few); i++) {
        kv_suite_expect_value(kv, few[i].key, few[i].value);
        expect_ok(kv_size(kv, few[i].key, &size_bytes));
        expect_that(size_bytes, ==, few[i].value.length_bytes);
        expect_ok(kv_exists(kv, few[i].key));
    }
    fixture->close(fixture);
}

void kv_case_get_needs_room(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    uint8_t room[8];
    size_t length_bytes;
    struct span short_of_one = span_first(SPAN_OF(room), 7);
    expect_result(kv_get(kv, VIEW("a/b.html"), short_of_one, &length_bytes), TOO_LARGE);
    expect_that(length_bytes, ==, 8);
    expect_ok(kv_get(kv, VIEW("a/b.html"), SPAN_OF(room), &length_bytes));
    expect_that(length_bytes, ==, 8);
    fixture->close(fixture);
}

static void expect_part(struct kv *kv, uint64_t offset_bytes, size_t room_bytes, struct view wanted)
{
    uint8_t room[16];
    size_t length_bytes;
    expect_ok(kv_get_part(kv, VIEW("a/b.html"), offset_bytes, span_first(SPAN_OF(room), room_bytes),
                          &length_bytes));
    expect_view(view_from(room, length_bytes), wanted);
}

void kv_case_get_part_by_offset(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    uint8_t room[16];
    size_t length_bytes = 99;
    expect_part(kv, 0, 16, VIEW("<p>hello"));
    expect_part(kv, 0, 3, VIEW("<p>"));
    expect_part(kv, 3, 16, VIEW("hello"));
    expect_part(kv, 7, 1, VIEW("o"));
    expect_part(kv, 8, 16, VIEW(""));
    expect_part(kv, 4, 0, VIEW(""));
    expect_result(kv_get_part(kv, VIEW("a/b.html"), 9, SPAN_OF(room), &length_bytes), INVALID);
    expect_that(length_bytes, ==, 0);
    expect_result(kv_get_part(kv, VIEW("a/b.html"), UINT64_MAX, SPAN_OF(room), &length_bytes),
                  INVALID);
    fixture->close(fixture);
}

void kv_case_empty_values(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    struct kv_value value;
    size_t length_bytes = 99;
    expect_ok(kv_open(kv, VIEW("empty"), &value));
    expect_that(value.size_bytes, ==, 0);
    expect(view_is_empty(value.bytes));
    expect_ok(kv_read(kv, &value, 0, (struct span){ 0 }, &length_bytes));
    expect_that(length_bytes, ==, 0);
    expect_result(kv_read(kv, &value, 1, (struct span){ 0 }, &length_bytes), INVALID);
    kv_release(kv, &value);
    fixture->close(fixture);
}

void kv_case_open_tells_what_is_known(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    struct kv_value value;
    uint8_t room[8];
    size_t length_bytes;
    expect_ok(kv_open(kv, VIEW("a/b.html"), &value));
    expect_that(value.size_bytes, ==, 8);
    if (!view_is_empty(value.bytes)) expect_view(value.bytes, VIEW("<p>hello"));
    if (!view_is_empty(value.media_type))
        expect_view(value.media_type, VIEW("text/html; charset=utf-8"));
    expect(view_is_empty(value.coded[KV_IDENTITY]));
    expect_ok(kv_read(kv, &value, 3, SPAN_OF(room), &length_bytes));
    expect_view(view_from(room, length_bytes), VIEW("hello"));
    kv_release(kv, &value);
    fixture->close(fixture);
}

void kv_case_many_values_open(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    static struct kv_value values[4 * LENGTH_OF(few)];
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        expect_ok(kv_open(kv, few[i % LENGTH_OF(few)].key, &values[i]));
    for (size_t i = 0; i < LENGTH_OF(values); i++) {
        uint8_t room[16];
        size_t length_bytes;
        expect_ok(kv_read(kv, &values[i], 0, SPAN_OF(room), &length_bytes));
        expect_view(view_from(room, length_bytes), few[i % LENGTH_OF(few)].value);
        kv_release(kv, &values[i]);
    }
    fixture->close(fixture);
}

void kv_case_large_values(struct kv_fixture *fixture)
{
    static uint8_t large[LARGE_BYTES];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * i >> 7);
    const struct kv_suite_page page = { .key = VIEW("large.bin"), .value = VIEW_OF(large) };
    struct kv *kv = fixture->open(fixture, &page, 1);
    struct kv_value value;
    uint8_t room[333];
    size_t offset_bytes = 0, length_bytes;
    expect_ok(kv_open(kv, page.key, &value));
    while (offset_bytes < LARGE_BYTES) {
        expect_ok(kv_read(kv, &value, offset_bytes, SPAN_OF(room), &length_bytes));
        expect_that(length_bytes, ==, MIN(sizeof room, LARGE_BYTES - offset_bytes));
        expect(view_equal(view_from(room, length_bytes),
                          view_slice(page.value, offset_bytes, length_bytes)));
        offset_bytes += length_bytes;
    }
    struct kv_digest digest = digest_of(page.value);
    expect(kv_digest_equal(&value.digest, &digest));
    kv_release(kv, &value);
    fixture->close(fixture);
}

/* FIPS 180-2, appendix B.1. */
void kv_case_digest_is_sha256(struct kv_fixture *fixture)
{
    static const uint8_t abc[KV_DIGEST_BYTES] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
    };
    struct kv *kv = open_few(fixture);
    struct kv_digest digest;
    expect_ok(kv_digest_of(kv, VIEW("abc"), &digest));
    expect(view_equal(VIEW_OF(digest), VIEW_OF(abc)));
    fixture->close(fixture);
}

void kv_case_digests_equal_as_values_do(struct kv_fixture *fixture)
{
    struct kv *kv = open_few(fixture);
    struct kv_digest digests[LENGTH_OF(few)];
    for (size_t i = 0; i < LENGTH_OF(few); i++)
        expect_ok(kv_digest_of(kv, few[i].key, &digests[i]));
    for (size_t i = 0; i < LENGTH_OF(few); i++) {
        for (size_t j = 0; j < LENGTH_OF(few); j++)
            expect(kv_digest_equal(&digests[i], &digests[j]) ==
                   view_equal(few[i].value, few[j].value));
    }
    fixture->close(fixture);
}

/* Every byte that a key of this store can have. */
static struct view binary_key(bool printed)
{
    static uint8_t key[255];
    size_t length_bytes = 0;
    for (unsigned byte = printed ? ' ' : 1; byte <= UINT8_MAX; byte++) {
        if (byte != '/' && !(printed && byte == 0x7f)) key[length_bytes++] = (uint8_t)byte;
    }
    return view_from(key, length_bytes);
}

void kv_case_binary_keys_and_values(struct kv_fixture *fixture)
{
    static uint8_t value[256];
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(255 - i);
    const struct kv_suite_page pages[] = {
        { VIEW("\xff\xfe/\x80"), VIEW("z") },
        { binary_key(fixture->has_printed_keys), VIEW_OF(value) },
    };
    struct kv *kv = fixture->open(fixture, pages, LENGTH_OF(pages));
    for (size_t i = 0; i < LENGTH_OF(pages); i++)
        kv_suite_expect_value(kv, pages[i].key, pages[i].value);
    fixture->close(fixture);
}

/* ---- listing ---- */

static const struct kv_suite_page tree[] = {
    { VIEW_ROW("posts/z"), VIEW_ROW("1") },       { VIEW_ROW("posts2"), VIEW_ROW("22") },
    { VIEW_ROW("posts/a/y"), VIEW_ROW("333") },   { VIEW_ROW("posts-old"), VIEW_ROW("4444") },
    { VIEW_ROW("posts/a.b"), VIEW_ROW("55555") }, { VIEW_ROW("Z"), VIEW_ROW("666666") },
    { VIEW_ROW("posts/a-b/c"), VIEW_ROW("") },    { VIEW_ROW("post"), VIEW_ROW("7777777") },
};

/* '-' and '.' come before '/', and every letter behind it. */
void kv_case_list_is_in_byte_order(struct kv_fixture *fixture)
{
    struct kv *kv = fixture->open(fixture, tree, LENGTH_OF(tree));
    uint8_t room[256];
    struct key_writer writer = key_writer_over(SPAN_OF(room));
    expect_ok(kv_list(kv, VIEW(""), &writer.visitor));
    expect_view(writer_view(&writer.keys),
                VIEW("Z post posts-old posts/a-b/c posts/a.b posts/a/y posts/z posts2 "));
    expect_that(writer.sum_bytes, ==, 28);
    fixture->close(fixture);
}

void kv_case_list_of_a_prefix(struct kv_fixture *fixture)
{
    struct kv *kv = fixture->open(fixture, tree, LENGTH_OF(tree));
    kv_suite_expect_keys(kv, VIEW("posts"), VIEW("posts/a-b/c posts/a.b posts/a/y posts/z "));
    kv_suite_expect_keys(kv, VIEW("posts/a"), VIEW("posts/a/y "));
    kv_suite_expect_keys(kv, VIEW("posts/a-b"), VIEW("posts/a-b/c "));
    kv_suite_expect_keys(kv, VIEW("post"), VIEW("post "));
    kv_suite_expect_keys(kv, VIEW("posts/z"), VIEW("posts/z "));
    kv_suite_expect_keys(kv, VIEW("pos"), VIEW(""));
    kv_suite_expect_keys(kv, VIEW("posts/a/y/x"), VIEW(""));
    kv_suite_expect_keys(kv, VIEW("zebra"), VIEW(""));
    fixture->close(fixture);
}

void kv_case_list_ends_when_told(struct kv_fixture *fixture)
{
    struct kv *kv = fixture->open(fixture, tree, LENGTH_OF(tree));
    for (size_t count = 1; count <= LENGTH_OF(tree); count++) {
        uint8_t room[256];
        struct key_writer writer = key_writer_over(SPAN_OF(room));
        writer.count_max = count;
        expect_ok(kv_list(kv, VIEW(""), &writer.visitor));
        expect_that(writer.count, ==, count);
    }
    fixture->close(fixture);
}

void kv_case_list_of_nothing(struct kv_fixture *fixture)
{
    struct kv *kv = fixture->open(fixture, NULL, 0);
    kv_suite_expect_keys(kv, VIEW(""), VIEW(""));
    kv_suite_expect_keys(kv, VIEW("a"), VIEW(""));
    expect_result(kv_exists(kv, VIEW("a")), NOT_FOUND);
    fixture->close(fixture);
}

/* Expects "n000" to "n299", folders in between. */
struct counter {
    struct kv_visitor visitor;
    const struct kv_suite_page *pages;
    size_t count;
};

static bool expect_next(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct counter *counter = CONTAINER_OF(visitor, struct counter, visitor);
    expect_that(counter->count, <, MANY_KEYS);
    expect_view(key, counter->pages[counter->count].key);
    expect_that(size_bytes, ==, counter->pages[counter->count].value.length_bytes);
    counter->count++;
    return true;
}

void kv_case_list_of_many(struct kv_fixture *fixture)
{
    static uint8_t names[MANY_KEYS][16];
    static struct kv_suite_page pages[MANY_KEYS];
    for (size_t i = 0; i < MANY_KEYS; i++) {
        pages[i].key = format(SPAN_OF(names[i]), "n%03u%s", (unsigned)i,
                              i % 10 == 3 ? "/deep/er" : "");
        pages[i].value = view_first(pages[i].key, i % 5);
    }
    struct kv *kv = fixture->open(fixture, pages, MANY_KEYS);
    struct counter counter = { .visitor = { expect_next }, .pages = pages };
    expect_ok(kv_list(kv, VIEW(""), &counter.visitor));
    expect_that(counter.count, ==, MANY_KEYS);
    fixture->close(fixture);
}

struct nester {
    struct kv_visitor visitor;
    struct kv *kv;
    size_t count;
};

static bool list_again(struct kv_visitor *visitor, struct view key, uint64_t size_bytes)
{
    struct nester *nester = CONTAINER_OF(visitor, struct nester, visitor);
    (void)key, (void)size_bytes;
    kv_suite_expect_keys(nester->kv, VIEW("posts/a"), VIEW("posts/a/y "));
    nester->count++;
    return true;
}

void kv_case_list_in_a_list(struct kv_fixture *fixture)
{
    struct kv *kv = fixture->open(fixture, tree, LENGTH_OF(tree));
    struct nester nester = { .visitor = { list_again }, .kv = kv };
    expect_ok(kv_list(kv, VIEW(""), &nester.visitor));
    expect_that(nester.count, ==, LENGTH_OF(tree));
    fixture->close(fixture);
}
