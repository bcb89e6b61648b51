/* build_id.c - finds the build id among the notes that the linker maps with the image.
 *
 * Sources: System V ABI, "Object Files": ELF header, program header, notes; the owner "GNU" and the
 * type 3 are of the GNU linker's `--build-id`.
 *
 * SPDX-License-Identifier: ISC */
#include "image/build_id.h"

#include "base/cursor.h"

#define ELF_HEADER_BYTES     64
#define PROGRAM_HEADER_BYTES 56
#define PROGRAM_NOTE         4
#define PROGRAM_LOAD         1
#define NOTE_BUILD_ID        3

/* Where the linker has mapped the ELF header; it defines the name itself. */
extern const uint8_t __ehdr_start[] __attribute__((weak, visibility("hidden")));

/* A segment, of which only these matter here. */
struct segment {
    uint32_t type;
    uint64_t address, length_bytes;
};

static struct segment read_segment(struct cursor *headers)
{
    struct segment segment = { .type = cursor_u32_le(headers) };
    cursor_skip(headers, 12); /* flags, offset in the file */
    segment.address = cursor_u64_le(headers);
    cursor_skip(headers, 16); /* physical address, bytes in the file */
    segment.length_bytes = cursor_u64_le(headers);
    cursor_skip(headers, 8);
    return segment;
}

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

struct view build_id_of(const uint8_t *start)
{
    struct cursor header = cursor_over(view_from(start, ELF_HEADER_BYTES));
    cursor_skip(&header, 32);
    uint64_t headers_offset = cursor_u64_le(&header);
    cursor_skip(&header, 16);
    size_t count = cursor_u16_le(&header);
    struct view table = view_from_offset(
        view_from(start, headers_offset + count * PROGRAM_HEADER_BYTES), headers_offset);

    /* Addresses are those that the linker chose; the first segment is the one that the header is
     * in, so its address is what `start` was meant to be. */
    bool has_base = false;
    uint64_t base = 0;
    struct cursor headers = cursor_over(table);
    while (cursor_left(&headers) > 0) {
        struct segment segment = read_segment(&headers);
        if (segment.type == PROGRAM_LOAD && !has_base) base = segment.address;
        has_base = has_base || segment.type == PROGRAM_LOAD;
    }
    headers = cursor_over(table);
    while (cursor_left(&headers) > 0) {
        struct segment segment = read_segment(&headers);
        if (segment.type != PROGRAM_NOTE) continue;
        size_t offset = segment.address - base;
        struct view notes = view_from_offset(view_from(start, offset + segment.length_bytes),
                                             offset);
        struct view found = find_in_notes(notes);
        if (!view_is_empty(found)) return found;
    }
    return VIEW("");
}

struct view build_id(void)
{
    return __ehdr_start == NULL ? VIEW("") : build_id_of(__ehdr_start);
}
