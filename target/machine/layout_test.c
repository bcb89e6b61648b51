/* layout_test.c - walks the tables that were made, as a processor would, and looks at every page.
 *
 * SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "target/machine/image_fixture.h"
#include "target/machine/layout.h"
#include "test/test.h"

#define PAGE ((uint64_t)MACHINE_PAGE_BYTES)

/* What ring 3 may do with a page. */
enum { NOTHING, READ, WRITE, EXECUTE, SYSTEM };

static struct fixture fixture;

struct machine {
    struct machine_image image;
    struct machine_layout_parameters parameters;
    struct machine_layout layout;
    uint64_t slide;
};

static struct span pages_take(uint64_t length_bytes)
{
    void *bytes = aligned_alloc(MACHINE_PAGE_BYTES, length_bytes);
    expect(bytes != NULL);
    span_fill(span_from(bytes, length_bytes), 0);
    return span_from(bytes, length_bytes);
}

static enum result lay_out_fixture(struct machine *machine, uint64_t memory_bytes,
                                   struct view arguments, uint64_t seed)
{
    expect_ok(machine_image_read(&machine->image, VIEW_OF(fixture.bytes)));
    machine->parameters = (struct machine_layout_parameters){
        .memory = pages_take(memory_bytes),
        .tables = pages_take(machine_tables_bytes(memory_bytes)),
        .tables_physical = (memory_bytes + 2 * MIB - 1) / (2 * MIB) * (2 * MIB),
        .arguments = arguments,
        .slide_seed = seed,
        .crossing = MACHINE_BY_PORT,
    };
    enum result result = machine_lay_out(&machine->layout, &machine->image, &machine->parameters);
    if (result == OK) machine->slide = machine->layout.boot->slide;
    return result;
}

static enum result lay_out(struct machine *machine, uint64_t memory_bytes, struct view arguments,
                           uint64_t seed)
{
    fixture_fill(&fixture);
    return lay_out_fixture(machine, memory_bytes, arguments, seed);
}

static void give_back(struct machine *machine)
{
    free(machine->parameters.memory.bytes);
    free(machine->parameters.tables.bytes);
}

/* ---- a processor's walk (AMD64, volume 2, 5.3) ---- */

static uint64_t entry_at(const struct machine *machine, uint64_t table, uint64_t index)
{
    uint64_t entry, offset = table - machine->parameters.tables_physical + index * sizeof entry;
    memcpy(&entry, view_slice(span_view(machine->parameters.tables), offset, 8).bytes, 8);
    return entry;
}

/* The rights of all levels together; *physical is where the page is. */
static int rights_at(const struct machine *machine, uint64_t address, uint64_t *physical)
{
    bool write = true, user = true, execute = true;
    uint64_t table = machine->layout.cr3;
    for (int level = 3; level >= 0; level--) {
        int shift = 12 + 9 * level;
        uint64_t entry = entry_at(machine, table, address >> shift & 511);
        if ((entry & 1) == 0) return NOTHING;
        write = write && (entry & 2) != 0;
        user = user && (entry & 4) != 0;
        execute = execute && entry >> 63 == 0;
        table = entry & 0xffffffffff000;
        bool is_large = level == 1 && (entry & 0x80) != 0;
        if (level > 0 && !is_large) continue;
        *physical = table + (address & (((uint64_t)1 << shift) - 1));
        break;
    }
    expect(!(write && execute));
    if (!user) return SYSTEM;
    return execute ? EXECUTE : write ? WRITE : READ;
}

static bool is_in(uint64_t address, uint64_t base, uint64_t length_bytes)
{
    return address >= base && address - base < length_bytes;
}

/* What machine.h promises of an address. */
static int wanted_rights(const struct machine *machine, uint64_t address)
{
    const struct machine_boot *boot = machine->layout.boot;
    if (is_in(address, machine->layout.boot_address, sizeof *boot + MACHINE_ARGUMENTS_MAX))
        return WRITE;
    if (is_in(address, boot->image.base, boot->image.length_bytes)) {
        uint64_t at = address - boot->image.base;
        if (at < 0x1000 || is_in(at, 0x2000, 0x2000)) return READ;
        if (at < 0x2000) return EXECUTE;
        return is_in(at, FIXTURE_FAULT_TOP - 2 * PAGE, PAGE) ? NOTHING : WRITE;
    }
    for (size_t i = 0; i < MACHINE_STACK_CLASSES; i++) {
        uint64_t stride = boot->stacks[i].stack_bytes + PAGE;
        if (is_in(address, boot->stacks[i].base, boot->stacks[i].count * stride))
            return (address - boot->stacks[i].base) % stride < PAGE ? NOTHING : WRITE;
    }
    if (is_in(address, boot->boot_stack.base, boot->boot_stack.length_bytes)) return WRITE;
    return is_in(address, boot->memory.base, boot->memory.length_bytes) ? WRITE : NOTHING;
}

/* Every page of the memory, and of what lies behind it. */
static void check_pages(const struct machine *machine)
{
    uint64_t memory_bytes = machine->parameters.memory.length_bytes;
    uint64_t tables = machine->parameters.tables_physical;
    uint64_t end = tables + machine->parameters.tables.length_bytes;
    for (uint64_t at = 0; at < end; at += PAGE) {
        uint64_t physical = at;
        int got = rights_at(machine, at + machine->slide, &physical);
        if (at < memory_bytes) {
            expect_that(got, ==, wanted_rights(machine, at + machine->slide));
        } else {
            /* GDT, IDT and TSS are there for ring 0; the tables themselves for nobody. */
            expect_that(got, ==, is_in(at, tables, 4 * PAGE) ? SYSTEM : NOTHING);
        }
        expect_that(physical, ==, at);
    }
}

static size_t count_entries(const struct machine *machine, uint64_t table)
{
    size_t count = 0;
    for (uint64_t i = 0; i < 512; i++)
        count += entry_at(machine, table, i) != 0;
    return count;
}

/* ---- pages ---- */

TEST(layout_gives_every_page_its_rights)
{
    static const uint64_t sizes[] = { 2 * MIB, 3 * MIB + PAGE, 64 * MIB, 128 * MIB };
    uint64_t seed = 1;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct machine machine;
        expect_ok(lay_out(&machine, sizes[i], VIEW(""), test_random(&seed)));
        check_pages(&machine);
        give_back(&machine);
    }
}

TEST(layout_maps_nothing_else)
{
    struct machine machine;
    expect_ok(lay_out(&machine, 4 * MIB, VIEW(""), 0x123456789abcdef));
    expect_that(count_entries(&machine, machine.layout.cr3), ==, 1);
    uint64_t physical;
    expect_that(rights_at(&machine, 0, &physical), ==, NOTHING);
    expect_that(rights_at(&machine, machine.slide - PAGE, &physical), ==, NOTHING);
    give_back(&machine);
}

TEST(layout_moves_with_its_seed)
{
    uint64_t seed = 7, slides = 0, places = 0;
    for (int i = 0; i < 16; i++) {
        struct machine machine;
        expect_ok(lay_out(&machine, 8 * MIB, VIEW(""), test_random(&seed)));
        const struct machine_boot *boot = machine.layout.boot;
        expect(machine.slide % (2 * MIB) == 0 && machine.slide >= 2 * MIB);
        expect(machine.slide + machine.parameters.tables_physical < (uint64_t)1 << 47);
        slides |= machine.slide;
        places |= boot->image.base - machine.slide;
        give_back(&machine);
    }
    expect(__builtin_popcountll(slides) > 15);
    expect(__builtin_popcountll(places) > 4);
}

TEST(layout_of_any_seed_fits_its_tables)
{
    static const uint64_t seeds[] = { 0, UINT64_MAX, (1 << 25) - 2, 511, 510, 262143, 262142 };
    for (size_t i = 0; i < LENGTH_OF(seeds); i++) {
        struct machine machine;
        expect_ok(lay_out(&machine, 6 * MIB, VIEW("--fibers-small=100\0"), seeds[i]));
        check_pages(&machine);
        give_back(&machine);
    }
}

/* ---- a machine whose memory begins elsewhere, with pages that are seen where they lie ---- */

static const struct machine_fixed_pages fixed[] = {
    { 0x100000, 0x3000, 0, MACHINE_FIXED_MONITOR },
    { 0xfee00000, 0x1000, 0, MACHINE_FIXED_SYSTEM },
    { 0xfeb00000, 0x1000, 0, MACHINE_FIXED_REGISTERS }, /* in any order */
    { 0x3ffff06000, 0x2000, (uint64_t)0x100000000 - 0x3fffe00000, MACHINE_FIXED_REGISTERS },
};

static void lay_out_behind(struct machine *machine, uint64_t start, uint64_t seed)
{
    const uint64_t memory_bytes = 4 * MIB, tables_bytes = machine_tables_bytes(memory_bytes);
    fixture_fill(&fixture);
    expect_ok(machine_image_read(&machine->image, VIEW_OF(fixture.bytes)));
    machine->parameters = (struct machine_layout_parameters){
        .memory = pages_take(memory_bytes),
        .memory_physical = start,
        .fixed = fixed,
        .fixed_count = LENGTH_OF(fixed),
        .tables = pages_take(tables_bytes + MACHINE_FIXED_TABLES_BYTES),
        .tables_physical = start + memory_bytes,
        .slide_seed = seed,
        .crossing = MACHINE_BY_INT3,
    };
    expect_ok(machine_lay_out(&machine->layout, &machine->image, &machine->parameters));
    machine->slide = machine->layout.boot->slide;
}

/* The walk of rights_at as far as the last entry, which it does not give. */
static uint64_t last_entry(const struct machine *machine, uint64_t address)
{
    uint64_t entry = machine->layout.cr3;
    for (int level = 3; level >= 0; level--)
        entry = entry_at(machine, entry & 0xffffffffff000, address >> (12 + 9 * level) & 511);
    return entry;
}

TEST(layout_of_memory_that_begins_elsewhere)
{
    static const uint64_t starts[] = { 2 * MIB, 64 * MIB, 3 * GIB - 8 * MIB };
    for (size_t i = 0; i < LENGTH_OF(starts); i++) {
        struct machine machine;
        lay_out_behind(&machine, starts[i], 77 + i);
        for (uint64_t at = 0; at < 4 * MIB; at += PAGE) {
            uint64_t physical = starts[i] + at, address = physical + machine.slide;
            expect_that(rights_at(&machine, address, &physical), ==,
                        wanted_rights(&machine, address));
            expect_that(physical, ==, starts[i] + at);
        }
        const struct machine_boot *boot = machine.layout.boot;
        expect((const uint8_t *)boot == &machine.parameters.memory.bytes[PAGE]);
        expect_that(machine.layout.boot_address, ==, starts[i] + PAGE + machine.slide);
        expect_that(boot->memory.base + boot->memory.length_bytes, ==,
                    starts[i] + 4 * MIB + machine.slide);
        give_back(&machine);
    }
}

/* The slide is so large that nothing else is seen below 4 GiB. */
TEST(layout_shows_fixed_pages_where_they_lie)
{
    static const uint64_t seeds[] = { 0, 1, UINT64_MAX, (1 << 24) - 1 };
    for (size_t i = 0; i < LENGTH_OF(seeds); i++) {
        struct machine machine;
        lay_out_behind(&machine, 4 * MIB, seeds[i]);
        expect_that(machine.slide, >, 32 * 1024 * GIB);
        uint64_t monitor = last_entry(&machine, 0x102000);
        uint64_t registers = last_entry(&machine, 0xfeb00000);
        uint64_t system = last_entry(&machine, 0xfee00000);
        /* AMD64, volume 2, 5.4.1: present 0, writable 1, user 2, uncached 4, no-execute 63. */
        expect_that(monitor & ((uint64_t)1 << 63 | 0x17), ==, 3);
        expect_that(registers & ((uint64_t)1 << 63 | 0x17), ==, (uint64_t)1 << 63 | 0x17);
        expect_that(system & ((uint64_t)1 << 63 | 7), ==, (uint64_t)1 << 63 | 3);
        expect_that(monitor & 0xffffffffff000, ==, 0x102000);
        uint64_t far = last_entry(&machine, 0x100107000); /* at its own distance */
        expect_that(far & 0xffffffffff000, ==, 0x3ffff07000);
        expect_that(far & ((uint64_t)1 << 63 | 0x17), ==, (uint64_t)1 << 63 | 0x17);
        uint64_t physical;
        expect_that(rights_at(&machine, 0, &physical), ==, NOTHING);
        expect_that(rights_at(&machine, 0x103000, &physical), ==, NOTHING);
        expect_that(rights_at(&machine, 0xfeb01000, &physical), ==, NOTHING);
        give_back(&machine);
    }
}

/* ---- the image ---- */

static uint64_t word_at(const struct machine *machine, uint64_t offset)
{
    uint64_t word, base = machine->layout.boot->image.base - machine->slide;
    memcpy(&word, span_from_offset(machine->parameters.memory, base + offset).bytes, 8);
    return word;
}

TEST(layout_loads_and_relocates)
{
    struct machine machine;
    expect_ok(lay_out(&machine, 4 * MIB, VIEW(""), 99));
    const uint64_t base = machine.layout.boot->image.base;
    expect_that(word_at(&machine, 0x3000), ==, base + 0x1234);
    expect_that(word_at(&machine, 0x4008), ==, base + 0x8fff);
    expect_that(word_at(&machine, 0x8ff8), ==, base);
    expect_that(word_at(&machine, 0x8ff0), ==, 0);
    struct span image = span_from_offset(machine.parameters.memory, base - machine.slide);
    expect(memcmp(image.bytes, fixture.bytes, 0x800) == 0);
    expect(memcmp(&image.bytes[0x1000], &fixture.bytes[0x1000], 0x400) == 0);
    expect(image.bytes[0x1400] == 0); /* behind the segment's end in the file */
    expect(memcmp(&image.bytes[0x3008], &fixture.bytes[0x3008], 0x1000) == 0);
    expect_that(machine.layout.entry, ==, base + FIXTURE_ENTRY);
    give_back(&machine);
}

TEST(layout_leaves_what_is_no_relocation)
{
    const uint64_t before = 0x1122334455667788;
    struct machine machine;
    fixture_fill(&fixture);
    memcpy(&fixture.bytes[0x4008], &before, sizeof before);
    fixture.relocations[1].r_info = 0;
    expect_ok(lay_out_fixture(&machine, 4 * MIB, VIEW(""), 99));
    expect_that(word_at(&machine, 0x4008), ==, before);
    give_back(&machine);
}

/* What is added to stands in the place itself; behind the end of the file that is 0. */
TEST(layout_relocates_what_is_packed)
{
    const uint64_t addend = 0x4321;
    struct machine machine;
    fixture_fill(&fixture);
    memcpy(&fixture.bytes[0x4008], &addend, sizeof addend);
    fixture_pack(&fixture, 0x4000, 3, 0x8ff8);
    expect_ok(lay_out_fixture(&machine, 4 * MIB, VIEW(""), 99));
    const uint64_t base = machine.layout.boot->image.base;
    uint64_t before;
    memcpy(&before, &fixture.bytes[0x4000], sizeof before);
    expect_that(word_at(&machine, 0x4000), ==, base + before);
    expect_that(word_at(&machine, 0x4008), ==, base + addend);
    memcpy(&before, &fixture.bytes[0x4010], sizeof before);
    expect_that(word_at(&machine, 0x4010), ==, before);
    expect_that(word_at(&machine, 0x8ff8), ==, base);
    give_back(&machine);
}

/* ---- what the image and the processor are told ---- */

TEST(layout_fills_the_boot_page)
{
    const struct view arguments = VIEW("--log=debug\0x\0");
    struct machine machine;
    expect_ok(lay_out(&machine, 4 * MIB, arguments, 99));
    const struct machine_boot *boot = machine.layout.boot;
    expect_that(boot->magic, ==, MACHINE_MAGIC);
    expect_that(boot->abi, ==, MACHINE_ABI);
    expect_that(boot->crossing, ==, MACHINE_BY_PORT);
    expect_that((uintptr_t)boot, ==,
                (uintptr_t)machine.parameters.memory.bytes + machine.layout.boot_address -
                    machine.slide);
    expect_view(view_slice(view_from(boot, sizeof *boot + MACHINE_ARGUMENTS_MAX),
                           boot->arguments_offset, boot->arguments_bytes),
                arguments);
    expect_that(machine.layout.stack_top, ==,
                boot->boot_stack.base + boot->boot_stack.length_bytes);
    expect_that(boot->memory.base + boot->memory.length_bytes, ==, machine.slide + 4 * MIB);
    give_back(&machine);
}

static const uint8_t *system_at(const struct machine *machine, uint64_t address)
{
    uint64_t at = address - machine->slide - machine->parameters.tables_physical;
    return view_from_offset(span_view(machine->parameters.tables), at).bytes;
}

/* AMD64, volume 2, 4.8.4 (gates), 12.2.5 (the TSS) and 12.2.4 (its ports). */
TEST(layout_leads_faults_to_the_image)
{
    struct machine machine;
    expect_ok(lay_out(&machine, 4 * MIB, VIEW(""), 99));
    const uint64_t base = machine.layout.boot->image.base;
    expect_that(machine.layout.idt_limit, ==, 32 * 16 - 1);
    for (uint64_t vector = 0; vector < 32; vector++) {
        uint64_t gate[2];
        memcpy(gate, system_at(&machine, machine.layout.idt_address + vector * 16), 16);
        uint64_t target = (gate[0] & 0xffff) | (gate[0] >> 48 & 0xffff) << 16 | gate[1] << 32;
        expect_that(target, ==, base + 0x1000 + vector * 16);
        expect_that(gate[0] >> 16 & 0xffff, ==, MACHINE_CODE_SELECTOR);
        expect_that(gate[0] >> 32 & 7, ==, 1); /* IST 1 */
        expect_that(gate[0] >> 40 & 0xff, ==, vector == 3 || vector == 4 ? 0xee : 0x8e);
    }
    uint64_t top;
    memcpy(&top, system_at(&machine, machine.layout.tss_address + 0x24), 8);
    expect_that(top, ==, base + FIXTURE_FAULT_TOP);
    give_back(&machine);
}

TEST(layout_permits_one_port)
{
    struct machine machine;
    expect_ok(lay_out(&machine, 4 * MIB, VIEW(""), 99));
    const uint8_t *tss = system_at(&machine, machine.layout.tss_address);
    uint16_t at;
    memcpy(&at, &tss[0x66], 2);
    expect_that(machine.layout.tss_limit, ==, at + 8192);
    for (unsigned port = 0; port < 65536; port++) {
        bool is_free = (tss[at + port / 8] >> port % 8 & 1) == 0;
        expect(is_free == (port >= MACHINE_PORT && port < MACHINE_PORT + 4));
    }
    expect_that(tss[at + 8192], ==, 0xff);
    give_back(&machine);
}

/* ---- stacks ---- */

static void expect_stacks(uint64_t memory_bytes, struct view arguments, uint64_t small,
                          uint64_t medium, uint64_t large)
{
    struct machine machine;
    expect_ok(lay_out(&machine, memory_bytes, arguments, 5));
    const struct machine_boot *boot = machine.layout.boot;
    expect_that(boot->stacks[0].count, ==, small);
    expect_that(boot->stacks[1].count, ==, medium);
    expect_that(boot->stacks[2].count, ==, large);
    expect_that(boot->stacks[0].stack_bytes, ==, 16384);
    check_pages(&machine);
    give_back(&machine);
}

TEST(layout_gives_the_stacks_that_are_asked_for)
{
    expect_stacks(128 * MIB, VIEW(""), 1024, 64, 8);
    expect_stacks(128 * MIB, VIEW("--fibers-small=7\0--other=1\0--fibers-large\0002\0"), 7, 64, 2);
    expect_stacks(128 * MIB, VIEW("--fibers-smaller=7\0--fibers-smal=9\0fibers-small=3\0"), 1024,
                  64, 8);
    expect_stacks(128 * MIB, VIEW("--fibers-small=7\0--fibers-small=0\0"), 0, 64, 8);
    /* Asked for by name they may take more than a quarter of the memory. */
    expect_stacks(4 * MIB, VIEW("--fibers-small=100\0--fibers-medium=1\0--fibers-large=0\0"), 100,
                  1, 0);
}

TEST(layout_makes_stacks_fewer_where_memory_is_short)
{
    static const uint64_t sizes[] = { 2 * MIB, 4 * MIB, 16 * MIB, 64 * MIB };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct machine machine;
        expect_ok(lay_out(&machine, sizes[i], VIEW("--fibers-medium=2\0"), 5));
        const struct machine_stacks *stacks = machine.layout.boot->stacks;
        uint64_t bytes = 0;
        for (size_t j = 0; j < MACHINE_STACK_CLASSES; j++)
            bytes += stacks[j].count * (stacks[j].stack_bytes + PAGE);
        expect_that(stacks[0].count, >=, 1);
        expect_that(stacks[1].count, ==, 2);
        expect_that(stacks[2].count, >=, 1);
        expect_that(bytes, <=, sizes[i] / 4);
        expect_that(bytes, >, sizes[i] / 4 - 300 * KIB); /* and no fewer than that takes */
        give_back(&machine);
    }
}

TEST(layout_tells_how_much_memory_is_needed)
{
    const struct view arguments = VIEW("--fibers-small=500\0");
    struct machine machine;
    expect_result(lay_out(&machine, 2 * MIB, arguments, 5), FULL);
    uint64_t needed = machine.layout.memory_needed_bytes;
    expect_that(needed, >, 10000 * KIB);
    give_back(&machine);
    expect_result(lay_out(&machine, needed - PAGE, arguments, 5), FULL);
    expect_that(machine.layout.memory_needed_bytes, ==, needed);
    give_back(&machine);
    expect_ok(lay_out(&machine, needed, arguments, 5));
    check_pages(&machine);
    give_back(&machine);
    expect_result(lay_out(&machine, 2 * MIB, VIEW("--fibers-small=4294967295\0"), 5), FULL);
    give_back(&machine);
}

TEST(layout_refuses_a_number_of_stacks_that_is_none)
{
    static const struct view words[] = { VIEW_ROW("--fibers-small=many\0"),
                                         VIEW_ROW("--fibers-small=\0"),
                                         VIEW_ROW("--fibers-small\0"),
                                         VIEW_ROW("--fibers-small=-1\0"),
                                         VIEW_ROW("--fibers-small=4294967296\0") };
    for (size_t i = 0; i < LENGTH_OF(words); i++) {
        struct machine machine;
        expect_result(lay_out(&machine, 4 * MIB, words[i], 5), INVALID);
        expect_view(machine.layout.problem, view_first(words[i], words[i].length_bytes - 1));
        give_back(&machine);
    }
}
