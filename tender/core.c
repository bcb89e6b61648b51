/* core.c - the ELF core of a machine: which registers, which pages.
 *
 * Sources: System V ABI, chapter 4 and 5 (ELF); elf(5) and sys/procfs.h for the notes of Linux's
 * cores, which are what gdb knows.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "base/units.h"
#include "base/writer.h"
#include "tender/core_keeper.h"
#include "tender/debug_traps.h"
#include "tender/fail.h"

#define PAGE MACHINE_PAGE_BYTES

/* Bits of an entry of /proc/self/pagemap (Linux, admin-guide/mm/pagemap). */
#define PAGE_PRESENT ((uint64_t)1 << 63)
#define PAGE_SWAPPED ((uint64_t)1 << 62)

/* ---- before it runs ---- */

static void add_segment(struct core *core, uint64_t address, uint64_t length_bytes, bool writes,
                        bool executes)
{
    if (length_bytes == 0) return;
    core->segments[core->segment_count++] = (struct core_segment){
        .address = address,
        .length_bytes = (length_bytes + PAGE - 1) / PAGE * PAGE,
        .is_writable = writes,
        .is_executable = executes,
    };
}

static void add_image(struct core *core, const struct machine_image *image, uint64_t base)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct machine_segment *segment = &image->segments[i];
        uint64_t skipped = segment->address % PAGE;
        add_segment(core, base + segment->address - skipped, segment->length_bytes + skipped,
                    segment->is_writable, segment->is_executable);
    }
}

static void add_segments(struct core *core, const struct machine_image *image,
                         const struct machine_layout *layout)
{
    const struct machine_boot *boot = layout->boot;
    add_segment(core, layout->boot_address, sizeof *boot + MACHINE_ARGUMENTS_MAX, true, false);
    add_image(core, image, boot->image.base);
    add_segment(core, boot->boot_stack.base, boot->boot_stack.length_bytes, true, false);
    for (size_t i = 0; i < MACHINE_STACK_CLASSES; i++) {
        const struct machine_stacks *stacks = &boot->stacks[i];
        uint64_t each_bytes = (uint64_t)stacks->stack_bytes + PAGE;
        add_segment(core, stacks->base, stacks->count * each_bytes, true, false);
    }
    add_segment(core, boot->memory.base, boot->memory.length_bytes / PAGE * PAGE, true, false);
}

/* A file that becomes too long is to be an error, and no signal. */
void core_open(struct core *core, const char *path, const char *image_path)
{
    *core = (struct core){ .path = path, .image_path = image_path };
    (void)signal(SIGXFSZ, SIG_IGN);
    core->pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    core->keeper = core_keeper_start(path, &core->file);
}

void core_set_machine(struct core *core, struct span memory, const struct machine_image *image,
                      const struct machine_layout *layout)
{
    core->memory = memory;
    core->slide = layout->boot->slide;
    core->entry = layout->boot->image.base + image->file_entry;
    core->fault_stack_top = layout->boot->image.base + image->fault_stack_top;
    add_segments(core, image, layout);
}

/* ---- registers ---- */

/* The image is hostile: what lies there is taken for a frame only when it looks like one, and is
 * told as it is. */
static bool read_fault(const struct core *core, struct machine_fault_frame *frame)
{
    uint64_t offset_bytes = core->fault_stack_top - core->slide - sizeof *frame;
    struct view there = view_slice(span_view(core->memory), offset_bytes, sizeof *frame);
    (void)span_copy(span_from(frame, sizeof *frame), there);
    return frame->cs == MACHINE_CODE_SELECTOR && frame->vector < 32;
}

static void take_fault(struct kvm_regs *registers, const struct machine_fault_frame *frame)
{
    *registers = (struct kvm_regs){
        .rax = frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->rcx,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rbp = frame->rbp,
        .rsp = frame->rsp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r11 = frame->r11,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rip = frame->rip,
        .rflags = frame->rflags,
    };
}

/* Fields in the order of struct user_regs_struct. */
static void fill_registers(struct elf_prstatus *status, const struct kvm_regs *general,
                           const struct kvm_sregs *system)
{
    const uint64_t all[ELF_NGREG] = {
        general->r15,        general->r14,        general->r13,        general->r12,
        general->rbp,        general->rbx,        general->r11,        general->r10,
        general->r9,         general->r8,         general->rax,        general->rcx,
        general->rdx,        general->rsi,        general->rdi,        UINT64_MAX,
        general->rip,        system->cs.selector, general->rflags,     general->rsp,
        system->ss.selector, system->fs.base,     system->gs.base,     system->ds.selector,
        system->es.selector, system->fs.selector, system->gs.selector,
    };
    (void)span_copy(SPAN_OF(status->pr_reg), VIEW_OF(all));
}

__attribute__((noinline)) static bool fill_status(const struct core *core, const struct vcpu *vcpu,
                                                  bool has_reported, struct elf_prstatus *status)
{
    struct machine_fault_frame frame;
    struct kvm_regs general;
    struct kvm_sregs system;
    if (ioctl(vcpu->processor, KVM_GET_REGS, &general) != 0 ||
        ioctl(vcpu->processor, KVM_GET_SREGS, &system) != 0)
        return false;
    *status = (struct elf_prstatus){ .pr_pid = 1, .pr_cursig = has_reported ? SIGABRT : SIGSEGV };
    if (has_reported && read_fault(core, &frame)) {
        take_fault(&general, &frame);
        status->pr_cursig = (short)debug_signal((unsigned)frame.vector);
        if (status->pr_cursig == GDB_SIGBUS) status->pr_cursig = SIGBUS;
    }
    status->pr_info.si_signo = status->pr_cursig;
    fill_registers(status, &general, &system);
    return true;
}

/* ---- headers and notes ---- */

static void put_note(struct writer *writer, uint32_t type, struct view description)
{
    static const uint8_t zero[4];
    writer_put_u32_le(writer, 5); /* "CORE" and its NUL, in whole words */
    writer_put_u32_le(writer, (uint32_t)description.length_bytes);
    writer_put_u32_le(writer, type);
    writer_put(writer, VIEW("CORE\0\0\0\0"));
    writer_put(writer, description);
    writer_put(writer, view_from(zero, -description.length_bytes % 4));
}

/* As `fxsave` lays it out (AMD64 architecture, volume 5), which KVM's structure resembles. */
static void fill_vectors(const struct vcpu *vcpu, struct user_fpregs_struct *vectors)
{
    struct kvm_fpu from;
    *vectors = (struct user_fpregs_struct){ 0 };
    if (ioctl(vcpu->processor, KVM_GET_FPU, &from) != 0) return;
    vectors->cwd = from.fcw;
    vectors->swd = from.fsw;
    vectors->ftw = from.ftwx;
    vectors->fop = from.last_opcode;
    vectors->mxcsr = from.mxcsr;
    (void)span_copy(SPAN_OF(vectors->st_space), VIEW_OF(from.fpr));
    (void)span_copy(SPAN_OF(vectors->xmm_space), VIEW_OF(from.xmm));
}

__attribute__((noinline)) static void put_vectors(const struct vcpu *vcpu, struct writer *writer)
{
    struct user_fpregs_struct vectors;
    fill_vectors(vcpu, &vectors);
    put_note(writer, NT_FPREGSET, VIEW_OF(vectors));
}

static void put_notes(const struct core *core, const struct vcpu *vcpu,
                      const struct elf_prstatus *status, struct writer *writer)
{
    const char *slash = strrchr(core->image_path, '/');
    const uint64_t vector[][2] = { { AT_PAGESZ, PAGE }, { AT_ENTRY, core->entry }, { AT_NULL, 0 } };
    struct elf_prpsinfo program = { .pr_pid = 1 };
    (void)snprintf(program.pr_fname, sizeof program.pr_fname, "%s",
                   slash == NULL ? core->image_path : slash + 1);
    (void)snprintf(program.pr_psargs, sizeof program.pr_psargs, "%s", core->image_path);
    put_note(writer, NT_PRSTATUS, VIEW_OF(*status));
    put_vectors(vcpu, writer);
    put_note(writer, NT_PRPSINFO, VIEW_OF(program));
    put_note(writer, NT_AUXV, VIEW_OF(vector));
}

static Elf64_Phdr program_header(const struct core *core, const struct core_segment *segment)
{
    return (Elf64_Phdr){
        .p_type = PT_LOAD,
        .p_flags = PF_R | (segment->is_writable ? PF_W : 0u) | (segment->is_executable ? PF_X : 0u),
        .p_offset = CORE_HEADER_BYTES + segment->address - core->slide,
        .p_vaddr = segment->address,
        .p_filesz = segment->length_bytes,
        .p_memsz = segment->length_bytes,
        .p_align = PAGE,
    };
}

static void put_headers(const struct core *core, uint64_t notes_bytes, struct writer *writer)
{
    const size_t count = core->segment_count + 1;
    const Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof header,
        .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (uint16_t)count,
    };
    const Elf64_Phdr notes = { .p_type = PT_NOTE,
                               .p_offset = sizeof header + count * sizeof(Elf64_Phdr),
                               .p_filesz = notes_bytes,
                               .p_align = 4 };
    writer_put(writer, VIEW_OF(header));
    writer_put(writer, VIEW_OF(notes));
    for (size_t i = 0; i < core->segment_count; i++) {
        const Elf64_Phdr segment = program_header(core, &core->segments[i]);
        writer_put(writer, VIEW_OF(segment));
    }
}

/* ---- the file ---- */

static bool write_at(const struct core *core, uint64_t offset_bytes, struct view bytes)
{
    while (bytes.length_bytes > 0) {
        ssize_t count = pwrite(core->file, bytes.bytes, bytes.length_bytes, (off_t)offset_bytes);
        if (count <= 0) return false;
        offset_bytes += (uint64_t)count;
        bytes = view_from_offset(bytes, (size_t)count);
    }
    return true;
}

static bool write_head(struct core *core, const struct vcpu *vcpu,
                       const struct elf_prstatus *status)
{
    struct writer notes = writer_over(SPAN_OF(core->notes)),
                  head = writer_over(SPAN_OF(core->head));
    put_notes(core, vcpu, status, &notes);
    put_headers(core, notes.length_bytes, &head);
    writer_put(&head, writer_view(&notes));
    assert(!notes.ran_short && !head.ran_short);
    return write_at(core, 0, writer_view(&head));
}

static bool is_zero(struct view page)
{
    return view_byte(page, 0) == 0 && __builtin_memcmp(page.bytes, view_from_offset(page, 1).bytes,
                                                       page.length_bytes - 1) == 0;
}

/* What the host does not tell is taken for touched. */
static void read_page_map(struct core *core, uint64_t first)
{
    uint64_t page = (uintptr_t)core->memory.bytes / PAGE + first;
    ssize_t wanted = CORE_MAP_PAGES * (ssize_t)sizeof(uint64_t);
    if (pread(core->pages, core->map, (size_t)wanted, (off_t)(page * sizeof(uint64_t))) == wanted)
        return;
    for (size_t i = 0; i < CORE_MAP_PAGES; i++)
        core->map[i] = PAGE_PRESENT;
}

static bool write_pages(const struct core *core, uint64_t first)
{
    const uint64_t count = MIN((uint64_t)CORE_MAP_PAGES, core->memory.length_bytes / PAGE - first);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t offset_bytes = (first + i) * PAGE;
        if ((core->map[i] & (PAGE_PRESENT | PAGE_SWAPPED)) == 0) continue;
        struct view page = view_slice(span_view(core->memory), offset_bytes, PAGE);
        if (is_zero(page)) continue;
        if (!write_at(core, CORE_HEADER_BYTES + offset_bytes, page)) return false;
    }
    return true;
}

static bool write_memory(struct core *core)
{
    const uint64_t count = core->memory.length_bytes / PAGE;
    for (uint64_t first = 0; first < count; first += CORE_MAP_PAGES) {
        read_page_map(core, first);
        if (!write_pages(core, first)) return false;
    }
    /* The last page may be a hole, and the file goes to its end. */
    const struct view last = view_slice(span_view(core->memory), core->memory.length_bytes - 1, 1);
    return write_at(core, CORE_HEADER_BYTES + core->memory.length_bytes - 1, last);
}

void core_write(struct core *core, const struct vcpu *vcpu, bool has_reported)
{
    struct elf_prstatus status;
    if (!fill_status(core, vcpu, has_reported, &status) || !write_head(core, vcpu, &status) ||
        !write_memory(core)) {
        tender_say("no core is written to %s: %s", core->path, strerror(errno));
        core_discard(core);
    } else if (core_keeper_keep(core->keeper)) {
        tender_say("a core is in %s; look into it: gdb %s %s", core->path, core->image_path,
                   core->path);
    } else {
        tender_say("no core is at %s: it could not be given that name", core->path);
    }
}

void core_discard(struct core *core)
{
    core_keeper_discard(core->keeper);
}
