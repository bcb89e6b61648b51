/* layout.c - gives everything its place, and the processor what it wants to see there.
 *
 * SPDX-License-Identifier: ISC */
#include "target/machine/layout.h"

#include "base/cursor.h"
#include "base/units.h"
#include "target/machine/packed.h"
#include "target/machine/page_tables.h"
#include "target/machine/stacks.h"

#define PAGE  ((uint64_t)MACHINE_PAGE_BYTES)
#define LARGE (2 * MIB)

/* The first page stays empty, so that under the tender, where it is physical page 0, a queue that
 * was never set up is not served there. */
#define BOOT_OFFSET PAGE
#define BOOT_USED   (sizeof(struct machine_boot) + MACHINE_ARGUMENTS_MAX)
#define BOOT_BYTES  ((BOOT_USED + PAGE - 1) / PAGE * PAGE)

/* Virtual addresses end below this one, in the half that belongs to programs. */
#define SLIDE_BITS 46

/* ---- what ring 0 sees: the first pages of `tables` ---- */

#define GDT_OFFSET   ((uint64_t)0)
#define IDT_OFFSET   ((uint64_t)2048)
#define TSS_OFFSET   PAGE
#define SYSTEM_BYTES (4 * PAGE)

#define GDT_ENTRIES 10
#define IDT_GATES   32

/* The bit of every port, and a byte of ones behind them (AMD64, volume 2, 12.2.4). */
#define PORT_BYTES 8192

struct task_state {
    uint32_t reserved_0;
    uint32_t stacks[6]; /* of rings 0 to 2: nothing here ever gets there */
    uint64_t reserved_1;
    uint32_t interrupt_stacks[14]; /* each the low half first: IST 1 to 7 */
    uint64_t reserved_2;
    uint16_t reserved_3, ports_offset;
    uint8_t ports[PORT_BYTES + 1];
} __attribute__((packed));
static_assert(offsetof(struct task_state, interrupt_stacks) == 0x24, "AMD64, volume 2, 12.2.5");
static_assert(offsetof(struct task_state, ports) == 0x68, "AMD64, volume 2, 12.2.5");
static_assert(TSS_OFFSET + sizeof(struct task_state) <= SYSTEM_BYTES, "its pages hold it");

struct system_pages {
    uint64_t gdt[GDT_ENTRIES];
    uint8_t unused_0[IDT_OFFSET - GDT_ENTRIES * sizeof(uint64_t)];
    uint64_t idt[IDT_GATES][2];
    uint8_t unused_1[TSS_OFFSET - IDT_OFFSET - (uint64_t)16 * IDT_GATES];
    struct task_state tss;
};
static_assert(offsetof(struct system_pages, tss) == TSS_OFFSET, "as the offsets say");

/* ---- places ---- */

/* Physical addresses; `faults` and what follows it are virtual. */
struct plan {
    const struct machine_image *image;
    const struct machine_layout_parameters *parameters;
    struct page_tables tables;
    struct stack_counts stacks;
    uint64_t slide;
    uint64_t boot_base, image_base, boot_stack_base, stacks_base, free_base;
};

uint64_t machine_tables_bytes(uint64_t memory_bytes)
{
    /* At each level the memory may begin and end within a table, and so may what ring 0 sees. */
    uint64_t last = memory_bytes / LARGE + 4, directories = memory_bytes / GIB + 4;
    return SYSTEM_BYTES + (last + directories + memory_bytes / (512 * GIB) + 4 + 1) * PAGE;
}

static uint64_t tables_bytes_for(const struct machine_layout_parameters *parameters)
{
    uint64_t bytes = machine_tables_bytes(parameters->memory.length_bytes);
    return parameters->fixed_count == 0 ? bytes : bytes + MACHINE_FIXED_TABLES_BYTES;
}

/* What lies below the stacks' arena, without a gap. */
static uint64_t fixed_bytes(const struct machine_image *image)
{
    return BOOT_OFFSET + BOOT_BYTES + PAGE + image->length_bytes + PAGE + MACHINE_BOOT_STACK_BYTES;
}

/* The image begins some pages further up than it must, as far as memory is there to be left out. */
static uint64_t gap_bytes(uint64_t free_bytes, uint64_t seed)
{
    return seed % MIN(free_bytes / PAGE / 32 + 1, LARGE / PAGE) * PAGE;
}

static enum result plan_make(struct plan *plan, struct machine_layout *layout)
{
    const uint64_t seed = plan->parameters->slide_seed;
    const uint64_t memory_bytes = plan->parameters->memory.length_bytes;
    enum result result = stack_counts_read(&plan->stacks, &plan->image->header,
                                           plan->parameters->arguments, &layout->problem);
    if (result != OK) return result;
    struct stack_counts least = plan->stacks;
    stack_counts_fit(&least, 0);
    const uint64_t fixed = fixed_bytes(plan->image);
    layout->memory_needed_bytes = fixed + stack_counts_bytes(&least);
    if (layout->memory_needed_bytes > memory_bytes) return FULL;
    stack_counts_fit(&plan->stacks, MIN(memory_bytes / 4, memory_bytes - fixed));
    const uint64_t end = fixed + stack_counts_bytes(&plan->stacks);
    const uint64_t gap = gap_bytes(memory_bytes - end, seed >> 32);
    const uint64_t slides = (uint64_t)1 << (SLIDE_BITS - 21);
    uint64_t slide = seed % slides;
    if (plan->parameters->fixed_count > 0) slide |= slides / 2;
    plan->slide = (1 + slide) * LARGE;
    plan->boot_base = plan->parameters->memory_physical + BOOT_OFFSET;
    plan->image_base = plan->boot_base + BOOT_BYTES + gap + PAGE;
    plan->boot_stack_base = plan->image_base + plan->image->length_bytes + PAGE;
    plan->stacks_base = plan->boot_stack_base + MACHINE_BOOT_STACK_BYTES;
    plan->free_base = plan->parameters->memory_physical + end + gap;
    return OK;
}

/* ---- the image ---- */

static struct span memory_at(const struct plan *plan, uint64_t physical, uint64_t length_bytes)
{
    const struct machine_layout_parameters *parameters = plan->parameters;
    uint64_t offset = physical - parameters->memory_physical;
    return span_first(span_from_offset(parameters->memory, offset), length_bytes);
}

static void copy_segments(const struct plan *plan)
{
    for (size_t i = 0; i < plan->image->segment_count; i++) {
        const struct machine_segment *segment = &plan->image->segments[i];
        (void)span_copy(memory_at(plan, plan->image_base + segment->address, segment->length_bytes),
                        segment->bytes);
    }
}

/* What is added to stands in the place itself. */
static void relocate_packed(const struct plan *plan, struct span image)
{
    struct packed_walk walk = packed_walk_over(plan->image->packed);
    uint64_t place, value;
    while (packed_walk_next(&walk, &place)) {
        struct span word = span_from_offset(image, place);
        (void)span_copy(SPAN_OF(value), view_first(span_view(word), sizeof value));
        value += plan->image_base + plan->slide;
        (void)span_copy(word, VIEW_OF(value));
    }
}

static void relocate(const struct plan *plan)
{
    const uint64_t address = plan->image_base + plan->slide;
    struct span image = memory_at(plan, plan->image_base, plan->image->length_bytes);
    struct cursor cursor = cursor_over(plan->image->relocations);
    while (cursor_left(&cursor) > 0) {
        uint64_t place = cursor_u64_le(&cursor);
        uint64_t information = cursor_u64_le(&cursor);
        uint64_t value = address + cursor_u64_le(&cursor);
        if (information == MACHINE_RELOCATION_NONE) continue;
        (void)span_copy(span_from_offset(image, place), VIEW_OF(value));
    }
    relocate_packed(plan, image);
}

/* ---- pages ---- */

static void map(struct plan *plan, uint64_t start, uint64_t end, enum page_rights rights)
{
    if (start < end) page_tables_map(&plan->tables, start, end - start, rights, false);
}

/* Data that is writable, but for one page: that below the fault stack's. */
static void map_data(struct plan *plan, uint64_t start, uint64_t end)
{
    uint64_t guard = plan->image->fault_stack_top - 2 * PAGE + plan->image_base;
    if (guard < start || guard >= end) {
        map(plan, start, end, PAGES_WRITE);
        return;
    }
    map(plan, start, guard, PAGES_WRITE);
    map(plan, guard + PAGE, end, PAGES_WRITE);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return MIN(MAX(value, low), high);
}

static void map_segment(struct plan *plan, const struct machine_segment *segment)
{
    const uint64_t base = plan->image_base;
    uint64_t start = base + segment->address / PAGE * PAGE;
    uint64_t end = base + (segment->address + segment->length_bytes + PAGE - 1) / PAGE * PAGE;
    if (!segment->is_writable) {
        map(plan, start, end, segment->is_executable ? PAGES_EXECUTE : PAGES_READ);
        return;
    }
    uint64_t relro_start = clamp(base + plan->image->relro_start, start, end);
    uint64_t relro_end = clamp(base + plan->image->relro_end, relro_start, end);
    map_data(plan, start, relro_start);
    map(plan, relro_start, relro_end, PAGES_READ);
    map_data(plan, relro_end, end);
}

/* One class of stacks from `base` on; returns where it ends. */
static uint64_t map_stacks(struct plan *plan, size_t class, uint64_t base)
{
    const uint64_t stack_bytes = plan->stacks.stack_bytes[class];
    for (uint64_t i = 0; i < plan->stacks.count[class]; i++) {
        map(plan, base + PAGE, base + PAGE + stack_bytes, PAGES_WRITE);
        base += PAGE + stack_bytes;
    }
    return base;
}

static void map_all(struct plan *plan)
{
    const struct machine_layout_parameters *parameters = plan->parameters;
    const uint64_t memory_end = parameters->memory_physical + parameters->memory.length_bytes;
    map(plan, plan->boot_base, plan->boot_base + BOOT_BYTES, PAGES_WRITE);
    for (size_t i = 0; i < plan->image->segment_count; i++)
        map_segment(plan, &plan->image->segments[i]);
    map(plan, plan->boot_stack_base, plan->boot_stack_base + MACHINE_BOOT_STACK_BYTES, PAGES_WRITE);
    uint64_t base = plan->stacks_base;
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++)
        base = map_stacks(plan, class, base);
    assert_that(base, ==, plan->free_base);
    page_tables_map(&plan->tables, base, memory_end - base, PAGES_WRITE, true);
    map(plan, parameters->tables_physical, parameters->tables_physical + SYSTEM_BYTES,
        PAGES_SYSTEM);
}

static enum page_rights rights_of(enum machine_fixed_kind kind)
{
    switch (kind) {
    case MACHINE_FIXED_MONITOR: return PAGES_MONITOR;
    case MACHINE_FIXED_SYSTEM: return PAGES_SYSTEM;
    case MACHINE_FIXED_REGISTERS: return PAGES_REGISTERS;
    }
    panic("%u is no kind of fixed pages", kind);
}

static void map_fixed(struct plan *plan)
{
    const struct machine_layout_parameters *parameters = plan->parameters;
    for (size_t i = 0; i < parameters->fixed_count; i++) {
        plan->tables.slide = parameters->fixed[i].slide;
        page_tables_map(&plan->tables, parameters->fixed[i].physical,
                        parameters->fixed[i].length_bytes, rights_of(parameters->fixed[i].kind),
                        false);
    }
    plan->tables.slide = plan->slide;
}

/* ---- the processor's own tables ---- */

static void fill_gdt(uint64_t gdt[static GDT_ENTRIES], uint64_t tss)
{
    const uint64_t limit = sizeof(struct task_state) - 1;
    gdt[2] = 0x00af9b000000ffff; /* ring 0: code of 64 bits, and data: the monitor's */
    gdt[3] = 0x00cf93000000ffff;
    gdt[MACHINE_DATA_SELECTOR / 8] = 0x00cff3000000ffff; /* ring 3 */
    gdt[MACHINE_CODE_SELECTOR / 8] = 0x00affb000000ffff;
    gdt[MACHINE_TSS_SELECTOR / 8] = (limit & 0xffff) | (tss & 0xffffff) << 16 |
                                    (uint64_t)0x8b << 40 | (tss >> 24 & 0xff) << 56;
    gdt[MACHINE_TSS_SELECTOR / 8 + 1] = tss >> 32;
}

/* Present, a gate that keeps interrupts off, IST 1. From ring 3, with `int`, nobody gets through
 * but for the two that exist as instructions of their own, int3 and into. */
static void fill_idt(uint64_t idt[static IDT_GATES][2], uint64_t faults)
{
    for (size_t vector = 0; vector < IDT_GATES; vector++) {
        uint64_t stub = faults + vector * 16, rights = vector == 3 || vector == 4 ? 0xee : 0x8e;
        idt[vector][0] = (stub & 0xffff) | (uint64_t)MACHINE_CODE_SELECTOR << 16 |
                         (uint64_t)1 << 32 | rights << 40 | (stub >> 16 & 0xffff) << 48;
        idt[vector][1] = stub >> 32;
    }
}

/* A bit that is set forbids its port. An `out` of four bytes asks for four of them. */
static void fill_tss(struct task_state *tss, uint64_t fault_stack_top, bool may_use_port)
{
    tss->interrupt_stacks[0] = (uint32_t)fault_stack_top;
    tss->interrupt_stacks[1] = (uint32_t)(fault_stack_top >> 32);
    tss->ports_offset = offsetof(struct task_state, ports);
    span_fill(SPAN_OF(tss->ports), 0xff);
    for (unsigned port = MACHINE_PORT; port < MACHINE_PORT + 4 && may_use_port; port++)
        tss->ports[port / 8] &= (uint8_t) ~(1u << port % 8);
}

static void fill_system(const struct plan *plan, struct machine_layout *layout)
{
    const struct machine_layout_parameters *parameters = plan->parameters;
    const uint64_t base = parameters->tables_physical + plan->slide;
    const uint64_t image = plan->image_base + plan->slide;
    struct system_pages *system = (struct system_pages *)(void *)parameters->tables.bytes;
    fill_gdt(system->gdt, base + TSS_OFFSET);
    fill_idt(system->idt, image + plan->image->faults);
    fill_tss(&system->tss, image + plan->image->fault_stack_top,
             parameters->crossing == MACHINE_BY_PORT);
    layout->gdt_address = base + GDT_OFFSET;
    layout->gdt_limit = sizeof system->gdt - 1;
    layout->idt_address = base + IDT_OFFSET;
    layout->idt_limit = sizeof system->idt - 1;
    layout->tss_address = base + TSS_OFFSET;
    layout->tss_limit = sizeof system->tss - 1;
}

/* ---- the boot pages ---- */

static void fill_stacks(const struct plan *plan, struct machine_boot *boot)
{
    uint64_t base = plan->stacks_base + plan->slide;
    for (size_t class = 0; class < MACHINE_STACK_CLASSES; class ++) {
        uint32_t stack_bytes = plan->stacks.stack_bytes[class];
        boot->stacks[class] = (struct machine_stacks){
            .base = base,
            .stack_bytes = stack_bytes,
            .count = (uint32_t)plan->stacks.count[class],
        };
        base += plan->stacks.count[class] * (PAGE + stack_bytes);
    }
}

static void fill_boot(const struct plan *plan, struct machine_layout *layout)
{
    const struct machine_layout_parameters *parameters = plan->parameters;
    struct span page = memory_at(plan, plan->boot_base, BOOT_BYTES);
    struct machine_boot *boot = (struct machine_boot *)(void *)page.bytes;
    *boot = (struct machine_boot){
        .magic = MACHINE_MAGIC,
        .abi = MACHINE_ABI,
        .crossing = parameters->crossing,
        .slide = plan->slide,
        .memory = { plan->free_base + plan->slide, parameters->memory_physical +
                                                       parameters->memory.length_bytes -
                                                       plan->free_base },
        .image = { plan->image_base + plan->slide, plan->image->length_bytes },
        .boot_stack = { plan->boot_stack_base + plan->slide, MACHINE_BOOT_STACK_BYTES },
        .arguments_offset = sizeof *boot,
        .arguments_bytes = (uint32_t)parameters->arguments.length_bytes,
    };
    fill_stacks(plan, boot);
    (void)span_copy(span_from_offset(page, sizeof *boot), parameters->arguments);
    layout->boot = boot;
    layout->boot_address = plan->boot_base + plan->slide;
    layout->stack_top = boot->boot_stack.base + boot->boot_stack.length_bytes;
    layout->entry = boot->image.base + plan->image->entry;
}

enum result machine_lay_out(struct machine_layout *layout, const struct machine_image *image,
                            const struct machine_layout_parameters *parameters)
{
    struct plan plan = { .image = image, .parameters = parameters };
    const uint64_t memory_bytes = parameters->memory.length_bytes;
    assert(memory_bytes % PAGE == 0 && (uintptr_t)parameters->memory.bytes % PAGE == 0);
    assert_that(parameters->tables.length_bytes, >=, tables_bytes_for(parameters));
    assert(parameters->memory_physical % LARGE == 0);
    assert_that(parameters->tables_physical, >=, parameters->memory_physical + memory_bytes);
    assert_that(parameters->fixed_count, <=, MACHINE_FIXED_MAX);
    assert_that(parameters->arguments.length_bytes, <=, MACHINE_ARGUMENTS_MAX);
    *layout = (struct machine_layout){ 0 };
    enum result result = plan_make(&plan, layout);
    if (result != OK) return result;
    page_tables_init(&plan.tables, span_from_offset(parameters->tables, SYSTEM_BYTES),
                     parameters->tables_physical + SYSTEM_BYTES, plan.slide);
    layout->cr3 = plan.tables.physical;
    copy_segments(&plan);
    relocate(&plan);
    fill_boot(&plan, layout);
    fill_system(&plan, layout);
    map_all(&plan);
    map_fixed(&plan);
    return OK;
}
