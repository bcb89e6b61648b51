/* main.c - loom-tender: runs an image as a machine of its own, under KVM.
 *
 * The steps are in this order: everything that can be wrong with what was typed or with the file is
 * said first; then the machine is made, its devices are opened, privileges are given up, and it
 * runs.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "target/machine/layout.h"
#include "tender/attach.h"
#include "tender/fail.h"
#include "tender/gdb_socket.h"
#include "tender/manifest.h"
#include "tender/options.h"
#include "tender/run.h"
#include "tender/sandbox.h"
#include "tender/times.h"

#define LARGE_PAGE (2 * MIB)

static struct tender {
    struct tender_options options;
    struct times times;
    struct machine_image image;
    struct manifest manifest;
    struct machine_layout layout;
    struct vcpu vcpu;
    struct span all_memory; /* the tables behind it included */
    struct debugger debugger;
    struct core core;
    struct attached attached;
    struct stop stop;
} tender;

static void choose_processor(int number)
{
    cpu_set_t set;
    if (number < 0) return;
    CPU_ZERO(&set);
    CPU_SET((unsigned)number, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        tender_fail("--cpu %d: %s", number, strerror(errno));
}

/* A private mapping: its text is the page cache's own. What is read of it is checked as it is
 * read, so that somebody who changes the file meanwhile harms only the machine. */
static struct view map_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0) tender_fail("%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size <= 0)
        tender_fail("%s is no image: it is empty, or no file", path);
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) tender_fail("%s: %s", path, strerror(errno));
    (void)close(file);
    return view_from(bytes, (size_t)status.st_size);
}

static void read_image(const char *path)
{
    if (machine_image_read(&tender.image, map_file(path)) != OK)
        tender_fail("%s cannot be run as a machine: %s", path, tender.image.problem);
    if (!view_is_empty(tender.image.manifest) &&
        !manifest_read(&tender.manifest, tender.image.manifest))
        tender_fail("%s has a manifest that is malformed; build it again", path);
}

/* Memory that begins at a multiple of `alignment`, zeroed, taken from the host as it is touched. */
static struct span take_memory(uint64_t length_bytes, uint64_t alignment)
{
    struct span all = { .length_bytes = length_bytes + alignment };
    void *bytes = mmap(NULL, all.length_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        tender_fail("the host does not give %llu MiB of memory: %s; give the machine less: --mem",
                    (unsigned long long)(length_bytes / MIB), strerror(errno));
    all.bytes = bytes;
    uint64_t skipped = -(uintptr_t)bytes % alignment;
    return span_first(span_from_offset(all, skipped), length_bytes);
}

static uint64_t random_number(void)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        tender_fail("the host gives no entropy: %s", strerror(errno));
    return number;
}

static void lay_out(const struct tender_options *options, struct span memory, struct span tables,
                    uint64_t tables_physical)
{
    const struct machine_layout_parameters parameters = {
        .memory = memory,
        .tables = tables,
        .tables_physical = tables_physical,
        .arguments = view_from(options->arguments, options->arguments_bytes),
        .slide_seed = random_number(),
        .crossing = MACHINE_BY_PORT,
    };
    enum result result = machine_lay_out(&tender.layout, &tender.image, &parameters);
    if (result == FULL)
        tender_fail("%s needs at least %llu KiB of memory for its code, data and stacks: give it "
                    "more with --mem, or fewer stacks",
                    options->image,
                    (unsigned long long)tender.layout.memory_needed_bytes / KIB + 1);
    if (result != OK)
        tender_fail_usage("%.*s: that is no number of stacks", VIEW_FORMAT(tender.layout.problem));
}

/* What the image's tables never let it write to: all that is ahead of its data. */
static void seal(struct guest_memory *memory, const struct machine_image *image,
                 const struct machine_boot *boot)
{
    uint64_t end = image->length_bytes;
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct machine_segment *segment = &image->segments[i];
        bool is_relro = segment->address >= image->relro_start &&
                        segment->address < image->relro_end;
        uint64_t written_from = is_relro ? image->relro_end : segment->address;
        if (segment->is_writable)
            end = MIN(end, written_from / MACHINE_PAGE_BYTES * MACHINE_PAGE_BYTES);
    }
    memory->sealed_from = boot->image.base - boot->slide;
    memory->sealed_end = memory->sealed_from + end;
}

/* For what the image maps in such pages, its free memory. Its code, data and stacks are mapped in
 * small ones, and a large one behind them would be cleared whole for the few that are touched. */
static void ask_for_large_pages(struct span memory, const struct machine_boot *boot)
{
    const uint64_t start = boot->memory.base - boot->slide;
    const uint64_t from = (start + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    if (from >= memory.length_bytes) return;
    struct span free = span_from_offset(memory, from);
    (void)madvise(free.bytes, free.length_bytes, MADV_HUGEPAGE);
}

/* The tables lie behind the memory, where no queue may reach, in the same slot: each slot costs KVM
 * a grace period of its readers. */
static void make_machine(const struct tender_options *options)
{
    const uint64_t memory_bytes = options->memory_bytes;
    struct span all = take_memory(memory_bytes + machine_tables_bytes(memory_bytes), LARGE_PAGE);
    struct span memory = span_first(all, memory_bytes);
    (void)madvise(all.bytes, all.length_bytes, MADV_DONTDUMP); /* it may hold keys */
    times_mark(&tender.times, "memory");
    lay_out(options, memory, span_from_offset(all, memory_bytes), memory_bytes);
    ask_for_large_pages(memory, tender.layout.boot);
    times_mark(&tender.times, "layout");
    vcpu_open(&tender.vcpu);
    times_mark(&tender.times, "machine");
    vcpu_set_memory(&tender.vcpu, all);
    times_mark(&tender.times, "slot");
    tender.attached.devices.memory.bytes = memory;
    seal(&tender.attached.devices.memory, &tender.image, tender.layout.boot);
    tender.all_memory = all;
}

static void fill_entropy(struct machine_boot *boot)
{
    if (getrandom(boot->entropy, sizeof boot->entropy, 0) != sizeof boot->entropy)
        tender_fail("the host gives no entropy: %s", strerror(errno));
}

static void wait_for_debugger(const struct tender_options *options)
{
    const struct guest_pages pages = { .all = tender.all_memory, .root = tender.layout.cr3 };
    int connection = gdb_socket_wait(options->debugger, options->image, &tender.stop);
    debugger_open(&tender.debugger, &tender.vcpu, &pages, &tender.layout, &tender.image, connection,
                  tender.stop.descriptor);
}

static bool is_file(int descriptor)
{
    struct stat status;
    return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

/* How long the files may become that are written to. */
static uint64_t file_bytes_max(const struct tender_options *options)
{
    bool may_grow = options->core != NULL || tender.attached.captures || is_file(STDOUT_FILENO) ||
                    is_file(STDERR_FILENO);
    return may_grow ? UINT64_MAX : tender.attached.disk_bytes_max;
}

static int run(const struct tender_options *options)
{
    if (options->debugger != NULL) wait_for_debugger(options);
    if (options->core != NULL)
        core_set_machine(&tender.core, tender.attached.devices.memory.bytes, &tender.image,
                         &tender.layout);
    struct run run = { .vcpu = &tender.vcpu,
                       .devices = &tender.attached.devices,
                       .stop = &tender.stop,
                       .boot = tender.layout.boot,
                       .debugger = options->debugger == NULL ? NULL : &tender.debugger,
                       .core = options->core == NULL ? NULL : &tender.core,
                       .times = options->times ? &tender.times : NULL,
                       .pages = { .all = tender.all_memory, .root = tender.layout.cr3 },
                       .image = tender.layout.boot->image };
    run_set_clock(&run);
    fill_entropy(run.boot);
    (void)close(tender.vcpu.machine);
    (void)close(tender.vcpu.kvm);
    struct sandbox sandbox = { .processor = tender.vcpu.processor,
                               .is_debugged = options->debugger != NULL,
                               .leaves_core = options->core != NULL,
                               .file_bytes_max = file_bytes_max(options) };
    sandbox.child_count = attached_children(&tender.attached, sandbox.children);
    sandbox_enter(&sandbox);
    times_mark(&tender.times, "sandbox");
    int status = run_machine(&run);
    times_mark(&tender.times, "run");
    attached_end_children(&tender.attached);
    if (options->core != NULL) core_discard(&tender.core);
    if (options->times) times_tell(&tender.times, run.crossings);
    return status;
}

static void close_inherited(const struct tender_options *options)
{
    int numbers[MACHINE_DEVICES_MAX];
    size_t count = attach_inherited(options, numbers);
    sandbox_close_inherited(numbers, count);
}

int main(int count, char *words[])
{
    struct tender_options *options = &tender.options;
    times_begin(&tender.times);
    tender_options_read(options, count, words);
    close_inherited(options);
    choose_processor(options->processor);
    stop_listen(&tender.stop);
    read_image(options->image);
    times_mark(&tender.times, "image");
    if (options->core != NULL) core_open(&tender.core, options->core, options->image);
    make_machine(options);
    attach_all(&tender.attached, &tender.manifest, options, tender.layout.boot);
    times_mark(&tender.times, "devices");
    vcpu_start(&tender.vcpu, &tender.layout);
    times_mark(&tender.times, "processor");
    _exit(run(options));
}
