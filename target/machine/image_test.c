/* image_test.c - an image's file in every broken form: refused in words, and never read past.
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "target/machine/image_fixture.h"
#include "target/machine/layout.h"
#include "test/test.h"

static struct fixture fixture;
static struct machine_image image;

static enum result read_fixture(void)
{
    return machine_image_read(&image, test_guarded(VIEW_OF(fixture.bytes)));
}

/* Refused, with words that hold these. */
static void expect_refused(const char *words)
{
    enum result result = read_fixture();
    if (result != INVALID) test_fail(__FILE__, __LINE__, "expected \"%s\", and it is taken", words);
    if (strstr(image.problem, words) == NULL)
        test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", words, image.problem);
    fixture_fill(&fixture);
}

static void set_tag(size_t index, int64_t tag)
{
    Elf64_Dyn *tags = fixture_tags(&fixture);
    tags[index].d_tag = tag;
}

static void set_tag_value(size_t index, uint64_t value)
{
    Elf64_Dyn *tags = fixture_tags(&fixture);
    tags[index].d_un.d_val = value;
}

TEST(image_is_read)
{
    fixture_fill(&fixture);
    expect_ok(read_fixture());
    expect_that(image.entry, ==, FIXTURE_ENTRY);
    expect_that(image.length_bytes, ==, FIXTURE_MEMORY_BYTES);
    expect_that(image.faults, ==, 0x1000);
    expect_that(image.fault_stack_top, ==, FIXTURE_FAULT_TOP);
    expect_that(image.segment_count, ==, 4);
    expect(image.segments[1].is_executable && !image.segments[1].is_writable);
    expect(image.segments[3].is_writable && !image.segments[3].is_executable);
    expect_that(image.relro_start, ==, 0x3000);
    expect_that(image.relro_end, ==, 0x4000);
    expect_that(image.relocations.length_bytes, ==, 3 * 24);
    expect_view(image.manifest, VIEW(FIXTURE_MANIFEST));
    expect_view(view_from_string((const char *)image.header.stacks[2].parameter),
                VIEW("fibers-large"));
}

/* Of its own length, so that the sanitizers see a read past its end. */
static enum result read_prefix(size_t length_bytes)
{
    if (length_bytes == 0) return machine_image_read(&image, VIEW(""));
    uint8_t *copy = malloc(length_bytes);
    expect(copy != NULL);
    (void)span_copy(span_from(copy, length_bytes), view_from(fixture.bytes, length_bytes));
    enum result result = machine_image_read(&image, view_from(copy, length_bytes));
    free(copy);
    return result;
}

TEST(image_that_is_cut_off_is_refused_at_every_length)
{
    fixture_fill(&fixture);
    for (size_t length = 0; length < sizeof fixture.bytes; length++)
        expect_result(read_prefix(length), INVALID);
}

/* System V ABI, "ELF Header". */
TEST(image_of_another_kind_is_refused)
{
    fixture_fill(&fixture);
    fixture.head.e_ident[0] = 'E';
    expect_refused("no ELF file");
    fixture.head.e_ident[EI_CLASS] = ELFCLASS32;
    expect_refused("no ELF file of 64 bits");
    fixture.head.e_ident[EI_DATA] = ELFDATA2MSB;
    expect_refused("no ELF file");
    fixture.head.e_machine = EM_AARCH64;
    expect_refused("another processor");
    fixture.head.e_type = ET_EXEC;
    expect_refused("position-independent");
    fixture.head.e_phentsize = 32;
    expect_refused("table of segments");
    fixture.head.e_phnum = 0;
    expect_refused("table of segments");
    fixture.head.e_phnum = 0xffff;
    expect_refused("table of segments");
    fixture.head.e_phoff = UINT64_MAX - 8;
    expect_refused("cut off");
    fixture.programs[FIXTURE_RELRO_PART].p_type = PT_INTERP;
    expect_refused("operating system");
}

TEST(image_with_unsound_segments_is_refused)
{
    fixture_fill(&fixture);
    fixture.programs[FIXTURE_CODE].p_flags |= PF_W;
    expect_refused("writable and executable");
    fixture.programs[FIXTURE_CONSTANTS].p_flags = 0;
    expect_refused("not readable");
    fixture.programs[FIXTURE_CODE].p_vaddr = 0x7f0; /* in the page of the one before */
    expect_refused("share a page");
    fixture.programs[FIXTURE_READ].p_vaddr = 0x1000;
    expect_refused("address 0");
    fixture.programs[FIXTURE_DATA].p_filesz = 0x6001;
    expect_refused("longer in the file");
    fixture.programs[FIXTURE_DATA].p_offset = UINT64_MAX - 0x100;
    expect_refused("cut off");
    fixture.programs[FIXTURE_DATA].p_memsz = (uint64_t)1 << 40;
    expect_refused("too long");
    fixture.programs[FIXTURE_DATA].p_vaddr = UINT64_MAX - 0xfff;
    expect_refused("too long");
    fixture.programs[FIXTURE_RELRO_PART].p_vaddr = 0x2000;
    expect_refused("no writable segment");
    fixture.programs[FIXTURE_RELRO_PART].p_memsz = UINT64_MAX;
    expect_refused("no writable segment");
}

TEST(image_with_unsound_relocations_is_refused)
{
    static const uint64_t places[] = { 0x1000, 0x1200, 0x13f8, 0x2ffc, 0x8ff9, 0x9000, UINT64_MAX };
    fixture_fill(&fixture);
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        fixture.relocations[1].r_offset = places[i];
        expect_refused("outside of the image's data");
    }
    fixture.relocations[2].r_info = R_X86_64_64;
    expect_refused("not relative");
    fixture.relocations[0].r_info = R_X86_64_IRELATIVE;
    expect_refused("not relative");
    fixture.relocations[0].r_info = ELF64_R_INFO(1, R_X86_64_RELATIVE);
    expect_refused("not relative");
    set_tag_value(1, 25);
    expect_refused("outside of the file");
    set_tag_value(1, 24000);
    expect_refused("outside of the file");
    set_tag_value(0, 0x5000); /* zeroed memory, not in the file */
    expect_refused("outside of the file");
    set_tag_value(0, UINT64_MAX - 8);
    expect_refused("outside of the file");
    set_tag_value(2, 16);
    expect_refused("another length");
    set_tag(3, DT_NEEDED);
    expect_refused("shared library");
    set_tag(3, 99);
    expect_refused("dynamic section is cut off");
}

/* Nobody runs before everything is relocated, so that what is read-only may hold addresses. */
TEST(image_with_addresses_among_its_constants_is_read)
{
    fixture_fill(&fixture);
    fixture.relocations[1].r_offset = 0x2000;
    expect_ok(read_fixture());
}

/* System V ABI, "Relocation": SHT_RELR. */
TEST(image_with_packed_relocations_is_read)
{
    fixture_fill(&fixture);
    fixture_pack(&fixture, 0x3000, 1 | (uint64_t)1 << 63, 0x8ff8);
    expect_ok(read_fixture());
    expect_that(image.packed.length_bytes, ==, 24);
    expect_that(image.relocations.length_bytes, ==, 0);
}

TEST(image_with_unsound_packed_relocations_is_refused)
{
    static const uint64_t places[] = { 0x1000, 0x13f8, 0x8ffa, 0x9000, UINT64_MAX - 1 };
    fixture_fill(&fixture);
    for (size_t i = 0; i < LENGTH_OF(places); i++) {
        fixture_pack(&fixture, 0x3000, 1, places[i]);
        expect_refused("outside of the image's data");
    }
    fixture_pack(&fixture, 0x8ff0, 3, 1); /* 0x8ff8, and nothing of the 63 words behind it */
    expect_ok(read_fixture());
    fixture_pack(&fixture, 0x8ff0, 5, 1); /* 0x9000 */
    expect_refused("outside of the image's data");
    fixture_pack(&fixture, 0x8ff0, 1, 3); /* 63 words later */
    expect_refused("outside of the image's data");
    fixture_pack(&fixture, 3, 1, 1); /* the words before any address: from 0 on, which is no code */
    expect_ok(read_fixture());
    fixture_pack(&fixture, 0x3000, 1, 1);
    set_tag_value(1, 20);
    expect_refused("outside of the file");
    fixture_pack(&fixture, 0x3000, 1, 1);
    set_tag_value(1, 8000);
    expect_refused("outside of the file");
    fixture_pack(&fixture, 0x3000, 1, 1);
    set_tag_value(2, 16);
    expect_refused("another length");
}

TEST(image_with_an_unsound_note_is_refused)
{
    fixture_fill(&fixture);
    fixture.note.owner[0] = 'l';
    expect_refused("build it with");
    fixture.note.head.n_type = 7;
    expect_refused("build it with");
    fixture.note.head.n_descsz -= 4;
    expect_refused("another version");
    fixture.note.header.abi++;
    expect_refused("another version");
    fixture.note.head.n_namesz = UINT32_MAX;
    expect_refused("cut off");
    fixture.note.head.n_descsz = UINT32_MAX - 2;
    expect_refused("cut off");
    fixture.note.header.stacks[0].stack_bytes = 1;
    expect_refused("stacks");
    fixture.note.header.stacks[0].stack_bytes = 1 << 30;
    expect_refused("stacks");
    memset(fixture.note.header.stacks[0].parameter, 'a', 24);
    expect_refused("stacks");
}

/* It begins elsewhere than all others, may be written and run, and is in the file. */
TEST(image_leaves_a_monitor_alone_that_starts_it_elsewhere)
{
    fixture_fill(&fixture);
    fixture.head.e_entry = 0x10c000;
    fixture.programs[FIXTURE_CONSTANTS].p_flags |= PF_W | PF_X | MACHINE_SEGMENT_OF_MONITOR;
    fixture.programs[FIXTURE_CONSTANTS].p_vaddr = 0x7f000000;
    expect_ok(read_fixture());
    expect_that(image.segment_count, ==, 3);
    expect_that(image.entry, ==, FIXTURE_ENTRY);
    expect_that(image.length_bytes, ==, FIXTURE_MEMORY_BYTES);
}

TEST(image_with_places_outside_of_it_is_refused)
{
    static const int64_t tops[] = { -1, 0x800, 0x10000, 0x2000, -0x3000 };
    fixture_fill(&fixture);
    fixture.note.header.entry += 0x1e00;
    expect_refused("entry point");
    fixture.note.header.entry = INT64_MAX;
    expect_refused("entry point");
    fixture.note.header.faults += 0x201; /* the last stub would end behind the code */
    expect_refused("handlers of faults");
    fixture.note.header.faults = INT64_MIN;
    expect_refused("handlers of faults");
    for (size_t i = 0; i < LENGTH_OF(tops); i++) {
        fixture.note.header.fault_stack_top += tops[i];
        expect_refused("stack for faults");
    }
    fixture.note.header.fault_stack_top = INT64_MIN;
    expect_refused("stack for faults");
    /* Its guard would be a page of relro. */
    fixture.note.header.fault_stack_top -= 0x8000 - 0x5000;
    expect_refused("stack for faults");
}
