/* build_id.c - finds the build id among the notes that the linker maps with the image.
 *
 * Sources: System V ABI, "Object Files": notes; the owner "GNU" and the type 3 are of the GNU
 * linker's `--build-id`.
 *
 * SPDX-License-Identifier: ISC */
#include "image/build_id.h"

#include "base/cursor.h"
#include "image/segments.h"

#define NOTE_BUILD_ID 3

static struct view take_padded(struct cursor *notes, size_t length_bytes)
{
    struct view taken = cursor_take(notes, length_bytes);
    cursor_skip(notes, -length_bytes & 3);
    return taken;
}

static struct view find_in_notes(struct view notes)
{
    struct cursor cursor = cursor_over(notes);
    while (!cursor.ran_short) {
        size_t owner_bytes = cursor_u32_le(&cursor);
        size_t content_bytes = cursor_u32_le(&cursor);
        uint32_t type = cursor_u32_le(&cursor);
        struct view owner = take_padded(&cursor, owner_bytes);
        struct view content = take_padded(&cursor, content_bytes);
        if (type == NOTE_BUILD_ID && view_equal(owner, VIEW("GNU\0"))) return content;
    }
    return VIEW("");
}

struct view build_id(void)
{
    struct view notes, found = VIEW("");
    for (size_t i = 0; view_is_empty(found); i++) {
        notes = segment_notes(i);
        if (view_is_empty(notes)) break;
        found = find_in_notes(notes);
    }
    return found;
}
