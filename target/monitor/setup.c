/* setup.c - from the first instruction in ring 3 to the image's own: reads what PVH tells, lays the
 * image out with the tender's code (target/machine/layout.h), finds the devices and the time, and
 * has ring 0 let the image begin.
 *
 *     1 MiB                next 2 MiB                             end of memory
 *     | monitor | image    | the machine: layout.h              | tables |
 *
 * The image lies where whoever loaded its file has put it, the monitor's own part left out
 * (target/vm/image.ld): from there it is read as if from its file.
 *
 * All of it is below the devices, that is, below 3 GiB: of a larger machine that much is used.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "target/monitor/devices.h"
#include "target/monitor/monitor.h"
#include "target/monitor/start_info.h"

#define LARGE         (2 * MIB)
#define MEMORY_MAX    (3 * GIB)
#define DEVICES_START 0xfec00000 /* what firmware leaves in memory lies below */
#define ENTRIES       512
#define LARGE_ENTRY   0xe7u /* present, writable, for ring 3, used, 2 MiB */
#define TABLE_ENTRY   0x67u

#define CR4_FSGSBASE ((uint64_t)1 << 16)
#define CR4_XSAVE    ((uint64_t)1 << 18)
#define XCR0_SSE     3
#define XCR0_AVX     7

/* layout.c: where the task state has the stack of ring 0. */
#define TASK_STACK_0 4

struct monitor_entry_state monitor_entry_state;
struct machine_control *monitor_control;
uint64_t monitor_tsc_base, monitor_tsc_scale;
uint64_t monitor_slide;
struct acpi monitor_acpi;
uint32_t monitor_device_registers[MACHINE_DEVICES_MAX];
uint32_t monitor_wait_max = 0x7fffffff, monitor_wait_forever = 0;

__attribute__((noreturn)) void monitor_set_up(uint64_t start_info);

static uint8_t arguments_room[MACHINE_ARGUMENTS_MAX];
static struct machine_image image;
static struct machine_layout layout;
static struct devices devices;

/* ---- first tables and gates ---- */

static void show_all_memory(void)
{
    uint64_t *directory = physical_pointer(PLACE_TABLES + MACHINE_PAGE_BYTES);
    uint64_t *entries = physical_pointer(PLACE_TABLES + 2 * MACHINE_PAGE_BYTES);
    for (uint64_t i = 0; i < (uint64_t)4 * ENTRIES; i++)
        entries[i] = (i * LARGE) | LARGE_ENTRY;
    for (uint64_t i = 0; i < 4; i++)
        directory[i] = (PLACE_TABLES + (2 + i) * MACHINE_PAGE_BYTES) | TABLE_ENTRY;
}

/* A gate to ring 0 that keeps interrupts off. */
static void set_gate(uint64_t (*gates)[2], unsigned vector, uintptr_t handler, bool is_for_ring_3)
{
    const uint64_t code = 0x10, rights = is_for_ring_3 ? 0xee : 0x8e;
    gates[vector][0] = (handler & 0xffff) | code << 16 | rights << 40 |
                       (uint64_t)(handler >> 16 & 0xffff) << 48;
    gates[vector][1] = handler >> 32;
}

/* Ports are all allowed: their bits, and what is behind them, are 0. */
static void set_first_gates(void)
{
    uint64_t(*gates)[2] = physical_pointer(PLACE_GATES);
    span_fill(physical_span(PLACE_GATES, MACHINE_PAGE_BYTES), 0);
    set_gate(gates, 3, (uintptr_t)monitor_serve_setup, true);
    struct span task = physical_span(PLACE_TASK, PLACE_GATES - PLACE_TASK);
    span_fill(span_from_offset(task, 12), 0);
    task.bytes[0x66] = 0x68;
}

/* ---- the processor ---- */

static void switch_on_extensions(void)
{
    uint32_t a = 7, b, c = 0, d, basic_c;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    bool has_fsgsbase = (b & 1) != 0;
    a = 1;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(basic_c), "=d"(d));
    bool has_xsave = (basic_c >> 26 & 1) != 0, has_avx = (basic_c >> 28 & 1) != 0;
    if (!has_fsgsbase) refuse_to_run("its processor has no wrfsbase; with QEMU: -cpu max");
    ring0(RING0_SET_CR4, CR4_FSGSBASE | (has_xsave ? CR4_XSAVE : 0), 0);
    if (has_xsave) ring0(RING0_SET_XCR0, has_avx ? XCR0_AVX : XCR0_SSE, 0);
}

/* ---- randomness ---- */

/* Of RDRAND where there is one, and of the counter's jitter against it: the image mixes it with
 * what it can find itself. */
static uint64_t random_number(void)
{
    uint32_t a = 1, b, c, d;
    uint64_t value = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if ((c >> 30 & 1) != 0) __asm__ volatile("rdrand %0" : "=r"(value) : : "cc");
    return value ^ (tsc_now() * 0x9e3779b97f4a7c15);
}

static void fill_entropy(struct machine_boot *boot)
{
    for (size_t i = 0; i < sizeof boot->entropy; i += sizeof(uint64_t)) {
        uint64_t number = random_number();
        (void)span_copy(span_from_offset(SPAN_OF(boot->entropy), i), VIEW_OF(number));
    }
}

/* ---- laying out ---- */

static void read_image(const struct start_info *info)
{
    const uint64_t memory_end = MIN(info->memory_end, MEMORY_MAX);
    if (memory_end <= PLACE_IMAGE) refuse_to_run("it has too little memory");
    struct view file = span_view(physical_span(PLACE_IMAGE, memory_end - PLACE_IMAGE));
    if (machine_image_read(&image, file) != OK) refuse_to_run(image.problem);
}

/* Behind the last byte of the image that was loaded. */
static uint64_t image_end(void)
{
    uint64_t end = PLACE_IMAGE;
    for (size_t i = 0; i < image.segment_count; i++) {
        const struct view bytes = image.segments[i].bytes;
        end = MAX(end, (uintptr_t)bytes.bytes + bytes.length_bytes);
    }
    return end;
}

static void lay_out(const struct start_info *info, const struct words *words)
{
    const uint64_t start = (image_end() + LARGE - 1) / LARGE * LARGE;
    const uint64_t end = MIN(info->memory_end, MEMORY_MAX) & ~(uint64_t)(MACHINE_PAGE_BYTES - 1);
    const uint64_t tables_bytes = machine_tables_bytes(end) + MACHINE_FIXED_TABLES_BYTES;
    if (end < start + tables_bytes + LARGE) refuse_to_run("it has too little memory");
    const uint64_t tables = end - tables_bytes;
    const struct machine_layout_parameters parameters = {
        .memory = physical_span(start, tables - start),
        .memory_physical = start,
        .fixed = devices.fixed,
        .fixed_count = devices.fixed_count,
        .tables = physical_span(tables, tables_bytes),
        .tables_physical = tables,
        .arguments = view_first(span_view(words->room), words->length_bytes),
        /* The upper half, which would move the image, is 0: what it takes is cleared below. */
        .slide_seed = random_number() >> 33,
        .crossing = MACHINE_BY_INT3,
    };
    span_fill(parameters.tables, 0);
    span_fill(span_first(parameters.memory,
                         MIN(parameters.memory.length_bytes, image.length_bytes + MIB)),
              0);
    enum result result = machine_lay_out(&layout, &image, &parameters);
    if (result == FULL) refuse_to_run("it has too little memory for its code, data and stacks");
    if (result != OK) refuse_to_run("what its command line says is no number of stacks");
    monitor_slide = layout.boot->slide;
}

/* ---- the last steps ---- */

static void set_gates(void)
{
    uint64_t(*gates)[2] = physical_pointer(layout.idt_address - monitor_slide);
    set_gate(gates, 3, (uintptr_t)monitor_cross, true);
    set_gate(gates, VECTOR_TIMER, (uintptr_t)monitor_timer, false);
    set_gate(gates, VECTOR_BUTTON, (uintptr_t)monitor_button, false);
    set_gate(gates, VECTOR_SPURIOUS, (uintptr_t)monitor_spurious, false);
    for (unsigned i = 0; i < MACHINE_DEVICES_MAX; i++) {
        /* An MSI-X entry wants no more than the end of its interrupt, as the timer does. */
        bool is_pci = devices.list[i].transport == MACHINE_PCI;
        uintptr_t handler = is_pci ? (uintptr_t)monitor_timer : (uintptr_t)monitor_devices[i];
        set_gate(gates, VECTOR_DEVICE + i, handler, false);
    }
    struct span task = physical_span(layout.tss_address - monitor_slide, 12);
    const uint64_t stack = PLACE_STACK_TOP;
    (void)span_copy(span_from_offset(task, TASK_STACK_0), VIEW_OF(stack));
    /* `ltr` takes a task state that is not busy. */
    uint8_t *gdt = physical_pointer(layout.gdt_address - monitor_slide);
    gdt[MACHINE_TSS_SELECTOR + 5] = 0x89;
}

static void fill_entry_state(void)
{
    struct monitor_entry_state *state = &monitor_entry_state;
    *state = (struct monitor_entry_state){ .cr3 = layout.cr3,
                                           .gdt.limit = layout.gdt_limit,
                                           .idt.limit = VECTORS * 16 - 1,
                                           .rip = layout.entry,
                                           .rsp = layout.stack_top,
                                           .rdi = layout.boot_address };
    (void)span_copy(SPAN_OF(state->gdt.address), VIEW_OF(layout.gdt_address));
    (void)span_copy(SPAN_OF(state->idt.address), VIEW_OF(layout.idt_address));
    uint64_t control = layout.boot_address + offsetof(struct machine_boot, control);
    monitor_control = physical_pointer(control);
}

static void read_words(struct words *words, struct view command_line)
{
    enum result result = words_read(words, command_line);
    if (result == FULL) refuse_to_run("its command line is too long");
    if (result != OK)
        refuse_to_run("its command line has a quote without another, or a device "
                      "that cannot be");
}

/* Devices that are told of are all that a machine has in memory, and those of a PC are on its bus.
 */
static void find_devices(const struct start_info *info, const struct words *words)
{
    devices_open(&devices);
    slots_find_told(&devices, words);
    const bool has_ports = pci_has_ports();
    pci_add_all(&devices, monitor_acpi.ecam, has_ports, info->memory_end);
    if (words->device_count == 0 && !has_ports) slots_find(&devices);
    devices_name(&devices, image.manifest);
}

static void tell_devices(struct machine_boot *boot)
{
    boot->device_count = devices.count;
    (void)span_copy(SPAN_OF(boot->devices), VIEW_OF(devices.list));
}

void monitor_set_up(uint64_t start_info)
{
    static struct told_device told[MACHINE_DEVICES_MAX];
    struct words words = { .room = SPAN_OF(arguments_room),
                           .devices = told,
                           .device_max = LENGTH_OF(told) };
    struct start_info info;
    show_all_memory();
    set_first_gates();
    if (start_info_read(&info, view_from(NULL, MEMORY_MAX), start_info, PLACE_START) != OK)
        refuse_to_run(info.problem);
    acpi_read(&monitor_acpi, view_from(NULL, DEVICES_START), info.rsdp);
    read_words(&words, info.command_line);
    read_image(&info);
    switch_on_extensions();
    interrupts_open();
    interrupts_listen_to_button();
    find_devices(&info, &words);
    lay_out(&info, &words);
    clock_fill(layout.boot);
    fill_entropy(layout.boot);
    tell_devices(layout.boot);
    set_gates();
    fill_entry_state();
    ring0(RING0_ENTER, 0, 0);
    __builtin_unreachable();
}
