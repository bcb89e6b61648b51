/* image.c - reads an image's file, which may be anything: what it holds is checked before any of it
 * is used, and the rest of the machine sees numbers that are in range.
 *
 * ELF as in System V ABI, chapters 4 and 5, and the x86-64 supplement, 4.4.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "target/machine/layout.h"
#include "target/machine/packed.h"

#define PAGE ((uint64_t)MACHINE_PAGE_BYTES)

/* No image needs more; sums of what is below it do not overflow. */
#define IMAGE_BYTES_MAX ((uint64_t)1 << 31)

#define ELF_HEADER_BYTES  64
#define ELF_PROGRAM_BYTES 56
#define ELF_PROGRAMS_MAX  64
#define ELF_SHARED_OBJECT 3
#define ELF_X86_64        62

#define PROGRAM_LOAD        1
#define PROGRAM_DYNAMIC     2
#define PROGRAM_INTERPRETER 3
#define PROGRAM_NOTE        4
#define PROGRAM_RELRO       0x6474e552

#define PROGRAM_EXECUTABLE 1u
#define PROGRAM_WRITABLE   2u
#define PROGRAM_READABLE   4u

#define RELOCATION_BYTES    24
#define RELOCATION_RELATIVE 8

#define NOTE_MANIFEST 1

#define FAULT_STUBS_BYTES ((uint64_t)32 * 16)
#define STACK_BYTES_MAX   (16 * MIB)

struct program {
    uint32_t type, flags;
    uint64_t offset, address, file_bytes, memory_bytes;
};

static enum result refuse(struct machine_image *image, const char *problem)
{
    image->problem = problem;
    return INVALID;
}

static uint64_t page_floor(uint64_t address)
{
    return address & ~(PAGE - 1);
}

static uint64_t page_ceiling(uint64_t address)
{
    return page_floor(address + PAGE - 1);
}

/* The part of the file; empty where it is not all there. */
static struct view file_part(const struct machine_image *image, uint64_t offset, uint64_t length)
{
    size_t file_bytes = image->file.length_bytes;
    if (offset > file_bytes || length > file_bytes - offset) return (struct view){ 0 };
    return view_slice(image->file, offset, length);
}

/* ---- the tables of the file ---- */

static enum result read_head(struct machine_image *image, struct view *programs)
{
    struct cursor head = cursor_over(file_part(image, 0, ELF_HEADER_BYTES));
    /* 64 bits, least significant byte first, version 1, of System V or Linux. */
    if (!view_equal(cursor_take(&head, 7), VIEW("\x7f"
                                                "ELF\x02\x01\x01")))
        return refuse(image, "it is no ELF file of 64 bits");
    cursor_skip(&head, 9);
    uint16_t type = cursor_u16_le(&head), processor = cursor_u16_le(&head);
    cursor_skip(&head, 4);
    image->file_entry = cursor_u64_le(&head);
    uint64_t offset = cursor_u64_le(&head);
    cursor_skip(&head, 14);
    uint16_t entry_bytes = cursor_u16_le(&head), count = cursor_u16_le(&head);
    if (head.ran_short) return refuse(image, "it is no ELF file of 64 bits");
    if (processor != ELF_X86_64) return refuse(image, "it is for another processor than x86-64");
    if (type != ELF_SHARED_OBJECT)
        return refuse(image, "it is not position-independent: link it with -static-pie");
    if (entry_bytes != ELF_PROGRAM_BYTES || count == 0 || count > ELF_PROGRAMS_MAX)
        return refuse(image, "its table of segments is malformed");
    *programs = file_part(image, offset, (uint64_t)count * ELF_PROGRAM_BYTES);
    if (view_is_empty(*programs)) return refuse(image, "it is cut off: its table of segments");
    return OK;
}

static struct program program_next(struct cursor *programs)
{
    struct program program = { .type = cursor_u32_le(programs), .flags = cursor_u32_le(programs) };
    program.offset = cursor_u64_le(programs);
    program.address = cursor_u64_le(programs);
    cursor_skip(programs, 8);
    program.file_bytes = cursor_u64_le(programs);
    program.memory_bytes = cursor_u64_le(programs);
    cursor_skip(programs, 8);
    return program;
}

/* The next one of this type; false: there is no further. */
static bool program_find(struct cursor *programs, uint32_t type, struct program *program)
{
    while (cursor_left(programs) >= ELF_PROGRAM_BYTES) {
        *program = program_next(programs);
        if (program->type == type) return true;
    }
    return false;
}

/* ---- segments ---- */

static enum result check_segment(struct machine_image *image, const struct program *program)
{
    const uint32_t both = PROGRAM_WRITABLE | PROGRAM_EXECUTABLE;
    if (image->segment_count == MACHINE_SEGMENTS_MAX)
        return refuse(image, "it has too many segments");
    if (program->memory_bytes > IMAGE_BYTES_MAX ||
        program->address > IMAGE_BYTES_MAX - program->memory_bytes)
        return refuse(image, "a segment is too long");
    if (program->file_bytes > program->memory_bytes)
        return refuse(image, "a segment is longer in the file than in memory");
    if ((program->flags & both) == both)
        return refuse(image, "a segment is writable and executable");
    if ((program->flags & PROGRAM_READABLE) == 0) return refuse(image, "a segment is not readable");
    /* The first begins the image, and no two share a page. */
    if (image->segment_count == 0 ? program->address != 0 : program->address < image->length_bytes)
        return refuse(image, "its segments do not begin at address 0, overlap, or share a page: "
                             "link it with -z separate-code");
    if (program->file_bytes > 0 &&
        view_is_empty(file_part(image, program->offset, program->file_bytes)))
        return refuse(image, "it is cut off: a segment");
    return OK;
}

static enum result read_segments(struct machine_image *image, struct view programs)
{
    struct cursor cursor = cursor_over(programs);
    struct program program;
    while (program_find(&cursor, PROGRAM_LOAD, &program)) {
        if (program.memory_bytes == 0 || (program.flags & MACHINE_SEGMENT_OF_MONITOR) != 0)
            continue;
        enum result result = check_segment(image, &program);
        if (result != OK) return result;
        image->segments[image->segment_count++] = (struct machine_segment){
            .address = program.address,
            .length_bytes = program.memory_bytes,
            .bytes = file_part(image, program.offset, program.file_bytes),
            .is_writable = (program.flags & PROGRAM_WRITABLE) != 0,
            .is_executable = (program.flags & PROGRAM_EXECUTABLE) != 0,
        };
        image->length_bytes = page_ceiling(program.address + program.memory_bytes);
    }
    return image->segment_count > 0 ? OK : refuse(image, "it has no segment to load");
}

/* The one that holds all of these bytes, or NULL. */
static const struct machine_segment *segment_with(const struct machine_image *image,
                                                  uint64_t address, uint64_t length_bytes)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct machine_segment *segment = &image->segments[i];
        if (address >= segment->address && length_bytes <= segment->length_bytes &&
            address - segment->address <= segment->length_bytes - length_bytes)
            return segment;
    }
    return NULL;
}

static bool is_executable(const struct machine_image *image, uint64_t address, uint64_t length)
{
    const struct machine_segment *segment = segment_with(image, address, length);
    return segment != NULL && segment->is_executable;
}

static bool is_writable(const struct machine_image *image, uint64_t address, uint64_t length)
{
    const struct machine_segment *segment = segment_with(image, address, length);
    return segment != NULL && segment->is_writable;
}

/* What the linker has filled up to the end of a page, as dynamic loaders have it: a last page that
 * relocated and other data share stays writable. */
static enum result read_relro(struct machine_image *image, struct view programs)
{
    struct cursor cursor = cursor_over(programs);
    struct program program;
    if (!program_find(&cursor, PROGRAM_RELRO, &program)) return OK;
    if (!is_writable(image, program.address, program.memory_bytes))
        return refuse(image, "what is to be read-only once relocated lies in no writable segment");
    image->relro_start = page_floor(program.address);
    image->relro_end = page_floor(program.address + program.memory_bytes);
    return OK;
}

/* ---- relocations ---- */

/* What a loader of programs would have to do and nobody does here. */
static const char *tag_problem(uint64_t tag, uint64_t value)
{
    switch (tag) {
    case 1: return "it needs a shared library";
    case 2: return value == 0 ? NULL : "it has relocations of functions (IRELATIVE or a PLT)";
    case 9: return value == RELOCATION_BYTES ? NULL : "its relocations have another length";
    case 17: return "it has relocations without addends";
    case 37: return value == PACKED_WORD_BYTES ? NULL : "its relocations have another length";
    default: return NULL;
    }
}

struct table {
    uint64_t address, length_bytes;
};

static enum result read_dynamic(struct machine_image *image, struct view programs,
                                struct table *relocations, struct table *packed)
{
    struct cursor cursor = cursor_over(programs);
    struct program program;
    if (!program_find(&cursor, PROGRAM_DYNAMIC, &program)) return OK;
    struct cursor dynamic = cursor_over(file_part(image, program.offset, program.file_bytes));
    while (cursor_left(&dynamic) >= 16) {
        uint64_t tag = cursor_u64_le(&dynamic), value = cursor_u64_le(&dynamic);
        const char *problem = tag_problem(tag, value);
        if (problem != NULL) return refuse(image, problem);
        if (tag == 0) return OK;
        if (tag == 7) relocations->address = value;
        if (tag == 8) relocations->length_bytes = value;
        if (tag == 36) packed->address = value;
        if (tag == 35) packed->length_bytes = value;
    }
    return refuse(image, "its dynamic section is cut off");
}

/* Where a relocation writes is checked; what it writes is the image's own business. Constants may
 * hold addresses: all of this is done before anybody runs. *segment is that of the last one. */
static bool may_be_relocated(const struct machine_image *image, uint64_t place,
                             const struct machine_segment **segment)
{
    if (*segment == NULL || place < (*segment)->address ||
        place - (*segment)->address > (*segment)->length_bytes ||
        (*segment)->length_bytes - (place - (*segment)->address) < 8)
        *segment = segment_with(image, place, 8);
    return *segment != NULL && !(*segment)->is_executable;
}

static enum result check_relocations(struct machine_image *image)
{
    struct cursor cursor = cursor_over(image->relocations);
    const struct machine_segment *segment = NULL;
    while (cursor_left(&cursor) > 0) {
        uint64_t place = cursor_u64_le(&cursor), information = cursor_u64_le(&cursor);
        cursor_skip(&cursor, 8);
        if (information == MACHINE_RELOCATION_NONE) continue;
        if (information != RELOCATION_RELATIVE)
            return refuse(image, "it has relocations that are not relative: link it with "
                                 "-static-pie, and all of what it uses");
        if (!may_be_relocated(image, place, &segment))
            return refuse(image, "a relocation would write outside of the image's data");
    }
    return OK;
}

static enum result check_packed(struct machine_image *image)
{
    struct packed_walk walk = packed_walk_over(image->packed);
    const struct machine_segment *segment = NULL;
    uint64_t place;
    while (packed_walk_next(&walk, &place))
        if (!may_be_relocated(image, place, &segment))
            return refuse(image, "a relocation would write outside of the image's data");
    return OK;
}

/* Whole entries of the file, in one segment. */
static enum result take_table(struct machine_image *image, const struct table *table,
                              uint64_t entry_bytes, struct view *taken)
{
    uint64_t length_bytes = table->length_bytes;
    if (length_bytes == 0) return OK;
    const struct machine_segment *segment = segment_with(image, table->address, length_bytes);
    if (segment == NULL || length_bytes % entry_bytes != 0 ||
        table->address - segment->address > segment->bytes.length_bytes ||
        length_bytes > segment->bytes.length_bytes - (table->address - segment->address))
        return refuse(image, "its table of relocations lies outside of the file");
    *taken = view_slice(segment->bytes, table->address - segment->address, length_bytes);
    return OK;
}

static enum result read_relocations(struct machine_image *image, struct view programs)
{
    struct table relocations = { 0 }, packed = { 0 };
    enum result result = read_dynamic(image, programs, &relocations, &packed);
    if (result == OK)
        result = take_table(image, &relocations, RELOCATION_BYTES, &image->relocations);
    if (result == OK) result = take_table(image, &packed, PACKED_WORD_BYTES, &image->packed);
    if (result == OK) result = check_relocations(image);
    if (result == OK) result = check_packed(image);
    return result;
}

/* ---- notes ---- */

static bool ends_in_nul(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] == 0) return true;
    return false;
}

static enum result check_wishes(struct machine_image *image)
{
    for (size_t i = 0; i < MACHINE_STACK_CLASSES; i++) {
        const struct machine_stack_wish *wish = &image->header.stacks[i];
        if (wish->stack_bytes % MACHINE_PAGE_BYTES != 0 || wish->stack_bytes > STACK_BYTES_MAX ||
            (wish->stack_bytes == 0 && wish->count != 0) ||
            !ends_in_nul(wish->parameter, sizeof wish->parameter))
            return refuse(image, "its header asks for stacks that cannot be");
    }
    return OK;
}

/* `address` is that of the header in the linked image. */
static enum result take_header(struct machine_image *image, struct view bytes, uint64_t address)
{
    if (bytes.length_bytes < sizeof image->header)
        return refuse(image, "its header is of another version; build it again");
    (void)span_copy(SPAN_OF(image->header), view_first(bytes, sizeof image->header));
    if (image->header.abi != MACHINE_ABI)
        return refuse(image, "its header is of another version; build it again");
    /* Sums that wrap round are refused below, as every number that is not in the image. */
    image->entry = address + offsetof(struct machine_header, entry) + (uint64_t)image->header.entry;
    image->faults = address + offsetof(struct machine_header, faults) +
                    (uint64_t)image->header.faults;
    image->fault_stack_top = address + offsetof(struct machine_header, fault_stack_top) +
                             (uint64_t)image->header.fault_stack_top;
    return check_wishes(image);
}

static struct view take_padded(struct cursor *notes, uint32_t length)
{
    struct view taken = cursor_take(notes, length);
    cursor_skip(notes, MIN((4 - length % 4) % 4, cursor_left(notes)));
    return taken;
}

static enum result read_notes_of(struct machine_image *image, const struct program *program,
                                 bool *has_header)
{
    struct cursor notes = cursor_over(file_part(image, program->offset, program->file_bytes));
    while (cursor_left(&notes) >= 12) {
        uint32_t name_bytes = cursor_u32_le(&notes), bytes = cursor_u32_le(&notes);
        uint32_t type = cursor_u32_le(&notes);
        struct view name = take_padded(&notes, name_bytes);
        uint64_t address = program->address + notes.offset_bytes;
        struct view note = take_padded(&notes, bytes);
        if (notes.ran_short) return refuse(image, "its notes are cut off");
        if (!view_equal(name, VIEW("Loom\0"))) continue;
        if (type == NOTE_MANIFEST) image->manifest = note;
        if (type != MACHINE_NOTE_HEADER) continue;
        enum result result = take_header(image, note, address);
        if (result != OK) return result;
        *has_header = true;
    }
    return OK;
}

static enum result read_notes(struct machine_image *image, struct view programs)
{
    struct cursor cursor = cursor_over(programs);
    struct program program;
    bool has_header = false;
    while (program_find(&cursor, PROGRAM_NOTE, &program)) {
        enum result result = read_notes_of(image, &program, &has_header);
        if (result != OK) return result;
    }
    if (!has_header)
        return refuse(image, "it is no image for a machine: build it with `loom build -t vm`");
    return OK;
}

/* ---- places ---- */

/* The fault stack's page and the one below it are pages of data that nothing else shares. */
static bool fault_stack_is_sound(const struct machine_image *image)
{
    uint64_t top = image->fault_stack_top;
    return top % PAGE == 0 && top >= 2 * PAGE && is_writable(image, top - 2 * PAGE, 2 * PAGE) &&
           (top - 2 * PAGE >= image->relro_end || top <= image->relro_start);
}

static enum result check_places(struct machine_image *image)
{
    if (!is_executable(image, image->entry, 1))
        return refuse(image, "its entry point is not in its code");
    if (!is_executable(image, image->faults, FAULT_STUBS_BYTES))
        return refuse(image, "its handlers of faults are not in its code");
    if (!fault_stack_is_sound(image))
        return refuse(image, "its stack for faults is not in its data, or not whole pages");
    return OK;
}

enum result machine_image_read(struct machine_image *image, struct view file)
{
    struct view programs;
    *image = (struct machine_image){ .file = file };
    enum result result = read_head(image, &programs);
    if (result != OK) return result;
    struct cursor interpreters = cursor_over(programs);
    struct program interpreter;
    if (program_find(&interpreters, PROGRAM_INTERPRETER, &interpreter))
        return refuse(image, "it is a program for an operating system: it wants a dynamic loader");
    result = read_segments(image, programs);
    if (result == OK) result = read_relro(image, programs);
    if (result == OK) result = read_relocations(image, programs);
    if (result == OK) result = read_notes(image, programs);
    if (result == OK) result = check_places(image);
    return result;
}
