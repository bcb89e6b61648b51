/* segments_test.c - the parts of this very program.
 *
 * SPDX-License-Identifier: ISC */
#include "image/segments.h"

#include "base/cursor.h"
#include "base/units.h"
#include "image/build_id.h"
#include "test/test.h"

static bool holds(struct view part, uintptr_t address)
{
    return address - (uintptr_t)part.bytes < part.length_bytes;
}

static uint8_t data;

TEST(code_is_where_functions_are_and_nothing_else)
{
    struct view code = segment_code();
    expect(holds(code, (uintptr_t)holds) && holds(code, (uintptr_t)segment_code));
    expect(!holds(code, (uintptr_t)&data) && !holds(code, (uintptr_t)&code));
    expect(!holds(code, (uintptr_t)VIEW("constant").bytes));
}

/* Each is whole: an owner and a content of the lengths that it tells. */
TEST(notes_are_whole_and_end)
{
    size_t count = 0;
    for (; !view_is_empty(segment_notes(count)); count++) {
        struct cursor note = cursor_over(segment_notes(count));
        size_t owner_bytes = cursor_u32_le(&note), content_bytes = cursor_u32_le(&note);
        cursor_skip(&note, 4);
        struct view owner = cursor_take(&note, owner_bytes);
        cursor_skip(&note, (-owner_bytes & 3) + content_bytes);
        expect(!note.ran_short && owner.length_bytes > 0 && count < 10);
    }
    expect(count > 0);
}

/* The linker was asked for one, or it was not: what there is has the length of a SHA-1. */
TEST(a_build_id_is_whole)
{
    struct view id = build_id();
    if (view_is_empty(id)) test_skip("this program is linked without a build id");
    expect_that(id.length_bytes, ==, 20);
}
