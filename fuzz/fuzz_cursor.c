/* fuzz_cursor.c - cursors, writers and those that live on them, beside models that go byte by byte.
 *
 * The first half of the input is a list of reads, the second what is read.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/escape.h"
#include "base/siphash.h"
#include "base/units.h"
#include "base/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes);

/* What a cursor should be: an index, and whether it ran short. */
struct model {
    struct view bytes;
    size_t at;
    bool ran_short;
};

static bool model_has(struct model *model, size_t length)
{
    if (model->ran_short || length > model->bytes.length_bytes - model->at) model->ran_short = true;
    return !model->ran_short;
}

/* An integer of `length` bytes, the most significant first or last. */
static uint64_t model_read(struct model *model, size_t length, bool big_first)
{
    uint64_t value = 0;
    if (!model_has(model, length)) return 0;
    for (size_t i = 0; i < length; i++) {
        uint64_t byte = view_byte(model->bytes, model->at + i);
        value |= byte << 8 * (big_first ? length - 1 - i : i);
    }
    model->at += length;
    return value;
}

static void check_take(struct model *model, struct cursor *cursor, size_t length)
{
    struct view taken = cursor_take(cursor, length);
    if (!model_has(model, length)) {
        assert(view_is_empty(taken));
        return;
    }
    assert(view_equal(taken, view_slice(model->bytes, model->at, length)));
    model->at += length;
}

static void check_read(struct model *model, struct cursor *cursor, uint8_t read)
{
    switch (read % 10) {
    case 0: assert(cursor_u8(cursor) == model_read(model, 1, true)); break;
    case 1: assert(cursor_u16_be(cursor) == model_read(model, 2, true)); break;
    case 2: assert(cursor_u16_le(cursor) == model_read(model, 2, false)); break;
    case 3: assert(cursor_u32_be(cursor) == model_read(model, 4, true)); break;
    case 4: assert(cursor_u32_le(cursor) == model_read(model, 4, false)); break;
    case 5: assert(cursor_u64_be(cursor) == model_read(model, 8, true)); break;
    case 6: assert(cursor_u64_le(cursor) == model_read(model, 8, false)); break;
    case 7: check_take(model, cursor, read / 10); break;
    case 8: check_take(model, cursor, SIZE_MAX - read / 10); break;
    default: check_take(model, cursor, cursor_left(cursor) / 2); break;
    }
    assert(cursor->ran_short == model->ran_short);
    assert(cursor->offset_bytes == model->at);
    assert(cursor_left(cursor) == model->bytes.length_bytes - model->at);
}

static void check_reads(struct view reads, struct view bytes)
{
    struct cursor cursor = cursor_over(bytes);
    struct model model = { .bytes = bytes };
    for (size_t i = 0; i < reads.length_bytes; i++)
        check_read(&model, &cursor, reads.bytes[i]);
}

/* SipHash hashes what it is given and nothing beside it. */
static void check_hash(struct view bytes)
{
    static uint8_t copy[256];
    struct siphash_key key = { .k0 = 1, .k1 = 2 };
    if (bytes.length_bytes > sizeof copy) return;
    (void)span_copy(SPAN_OF(copy), bytes);
    assert(siphash(key, bytes) == siphash(key, view_first(VIEW_OF(copy), bytes.length_bytes)));
}

/* What is escaped can be shown, is cut to its room, and is not escaped again. */
static void check_escape(struct view bytes)
{
    static uint8_t room[300], second_room[300];
    struct writer writer = writer_over(SPAN_OF(room));
    writer_put_escaped(&writer, bytes);
    struct view shown = writer_view(&writer);
    for (size_t i = 0; i < shown.length_bytes; i++)
        assert(shown.bytes[i] >= ' ' && shown.bytes[i] != 0x7f);
    struct writer second = writer_over(SPAN_OF(second_room));
    writer_put_escaped(&second, shown);
    assert(view_equal(shown, writer_view(&second)));
}

/* Cut at any length, a text that is formatted is a beginning of the whole. */
static void check_format(struct view bytes)
{
    uint8_t whole_room[200], cut_room[200];
    struct view head = view_first(bytes, MIN(bytes.length_bytes, (size_t)64));
    int number = (int)head.length_bytes - 20;
    struct view whole = format(SPAN_OF(whole_room), "<%.*s|%08x|%-6d>", VIEW_FORMAT(head),
                               (unsigned)bytes.length_bytes, number);
    size_t length = bytes.length_bytes % (whole.length_bytes + 1);
    struct view cut = format(span_first(SPAN_OF(cut_room), length), "<%.*s|%08x|%-6d>",
                             VIEW_FORMAT(head), (unsigned)bytes.length_bytes, number);
    assert(view_starts_with(whole, cut));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length_bytes)
{
    struct view all = view_from(bytes, length_bytes);
    check_reads(view_first(all, length_bytes / 2), view_from_offset(all, length_bytes / 2));
    check_hash(all);
    check_escape(all);
    check_format(all);
    return 0;
}
