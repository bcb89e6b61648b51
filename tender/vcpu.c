/* vcpu.c - a processor of KVM, in long mode and ring 3 from its first instruction.
 *
 * No instruction of ring 0 is ever run: faults go through gates of the IDT to the image's own
 * handlers in ring 3, and everything else that would enter ring 0 is forbidden by the tables. That
 * keeps the machine fast where ring 0 is emulated, and small everywhere.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/vcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "base/writer.h"
#include "tender/fail.h"

/* AMD64 architecture, volume 2, 3.1 and 11.5.2. */
#define CR0_PROTECTED     ((uint64_t)1)
#define CR0_COPROCESSOR   ((uint64_t)1 << 1)
#define CR0_ERRORS        ((uint64_t)1 << 5)
#define CR0_WRITE_PROTECT ((uint64_t)1 << 16)
#define CR0_PAGING        ((uint64_t)1 << 31)

#define CR4_PAE        ((uint64_t)1 << 5)
#define CR4_FXSR       ((uint64_t)1 << 9)
#define CR4_EXCEPTIONS ((uint64_t)1 << 10)
#define CR4_FSGSBASE   ((uint64_t)1 << 16)
#define CR4_XSAVE      ((uint64_t)1 << 18)

#define EFER_LONG        ((uint64_t)1 << 8)
#define EFER_LONG_ACTIVE ((uint64_t)1 << 10)
#define EFER_NO_EXECUTE  ((uint64_t)1 << 11)

#define XCR0_SSE 3
#define XCR0_AVX 7

#define RFLAGS_RESERVED 2

static void no_kvm(int error)
{
    if (error == ENOENT)
        tender_fail("this host has no /dev/kvm: run the image as a process instead (loom run -t "
                    "unix), or load KVM as root: modprobe kvm_intel, or kvm_amd");
    if (error == EACCES || error == EPERM)
        tender_fail("/dev/kvm is not yours to open; as root: usermod -aG kvm USER, and log in "
                    "again; or for now: chmod 666 /dev/kvm");
    tender_fail("/dev/kvm cannot be opened: %s", strerror(error));
}

static int ask(int descriptor, unsigned long what, unsigned long argument, const char *words)
{
    int answer = ioctl(descriptor, what, argument);
    if (answer < 0) tender_fail("KVM does not %s: %s", words, strerror(errno));
    return answer;
}

void vcpu_open(struct vcpu *vcpu)
{
    vcpu->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (vcpu->kvm < 0) no_kvm(errno);
    vcpu->machine = ask(vcpu->kvm, KVM_CREATE_VM, 0, "make a machine");
    vcpu->processor = ask(vcpu->machine, KVM_CREATE_VCPU, 0, "make a processor");
    vcpu->run_bytes = (size_t)ask(vcpu->kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "tell its page's size");
    vcpu->run = mmap(NULL, vcpu->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->processor, 0);
    if (vcpu->run == MAP_FAILED) tender_fail("KVM does not show its page: %s", strerror(errno));
}

void vcpu_set_memory(struct vcpu *vcpu, struct span memory)
{
    const struct kvm_userspace_memory_region region = {
        .memory_size = memory.length_bytes,
        .userspace_addr = (uintptr_t)memory.bytes,
    };
    (void)ask(vcpu->machine, KVM_SET_USER_MEMORY_REGION, (uintptr_t)&region, "take memory");
}

uint64_t vcpu_tsc_khz(const struct vcpu *vcpu)
{
    int khz = ask(vcpu->processor, KVM_GET_TSC_KHZ, 0, "tell the rate of its clock");
    if (khz == 0) tender_fail("KVM does not know the rate of the time stamp counter");
    return (uint64_t)khz;
}

/* ---- registers ---- */

static void set_cpuid(struct vcpu *vcpu)
{
    struct cpuid_summary summary = cpuid_fill(&vcpu->cpuid);
    if (!summary.has_fsgsbase || !summary.has_xsave)
        tender_fail("this processor is too old: it has no %s",
                    summary.has_xsave ? "wrfsbase" : "xsave");
    vcpu->has_avx = summary.has_avx;
    (void)ask(vcpu->processor, KVM_SET_CPUID2, (uintptr_t)&vcpu->cpuid, "take what it can do");
}

static struct kvm_segment segment_of_ring_3(uint16_t selector, bool is_code)
{
    return (struct kvm_segment){ .limit = UINT32_MAX,
                                 .selector = selector,
                                 .type = is_code ? 11 : 3,
                                 .present = 1,
                                 .dpl = 3,
                                 .db = !is_code,
                                 .s = 1,
                                 .l = is_code,
                                 .g = 1 };
}

static void set_system_registers(struct vcpu *vcpu, const struct machine_layout *layout)
{
    struct kvm_sregs registers;
    (void)ask(vcpu->processor, KVM_GET_SREGS, (uintptr_t)&registers, "tell its registers");
    const struct kvm_segment data = segment_of_ring_3(MACHINE_DATA_SELECTOR, false);
    registers.cs = segment_of_ring_3(MACHINE_CODE_SELECTOR, true);
    registers.ds = registers.es = registers.fs = registers.gs = registers.ss = data;
    registers.tr = (struct kvm_segment){ .base = layout->tss_address,
                                         .limit = layout->tss_limit,
                                         .selector = MACHINE_TSS_SELECTOR,
                                         .type = 11,
                                         .present = 1 };
    registers.ldt = (struct kvm_segment){ .unusable = 1 };
    registers.gdt.base = layout->gdt_address;
    registers.gdt.limit = layout->gdt_limit;
    registers.idt.base = layout->idt_address;
    registers.idt.limit = layout->idt_limit;
    registers.cr3 = layout->cr3;
    registers.cr0 = CR0_PROTECTED | CR0_COPROCESSOR | CR0_ERRORS | CR0_WRITE_PROTECT | CR0_PAGING;
    registers.cr4 = CR4_PAE | CR4_FXSR | CR4_EXCEPTIONS | CR4_FSGSBASE | CR4_XSAVE;
    registers.efer = EFER_LONG | EFER_LONG_ACTIVE | EFER_NO_EXECUTE;
    (void)ask(vcpu->processor, KVM_SET_SREGS, (uintptr_t)&registers, "take its registers");
}

/* After the processor knows what it can do: KVM checks this against it. */
static void set_extended_registers(struct vcpu *vcpu)
{
    const struct kvm_xcrs registers = {
        .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = vcpu->has_avx ? XCR0_AVX : XCR0_SSE } }
    };
    (void)ask(vcpu->processor, KVM_SET_XCRS, (uintptr_t)&registers, "take its registers");
}

static void set_registers(struct vcpu *vcpu, const struct machine_layout *layout)
{
    const struct kvm_regs registers = { .rip = layout->entry,
                                        .rsp = layout->stack_top,
                                        .rdi = layout->boot_address,
                                        .rflags = RFLAGS_RESERVED };
    (void)ask(vcpu->processor, KVM_SET_REGS, (uintptr_t)&registers, "take its registers");
}

/* The machine sees the host's own time stamp counter: KVM would let a new one begin at 0. */
static void set_time(struct vcpu *vcpu)
{
    const uint64_t offset = 0;
    const struct kvm_device_attr attribute = { .group = KVM_VCPU_TSC_CTRL,
                                               .attr = KVM_VCPU_TSC_OFFSET,
                                               .addr = (uintptr_t)&offset };
    (void)ask(vcpu->processor, KVM_SET_DEVICE_ATTR, (uintptr_t)&attribute,
              "let the machine see the host's time stamp counter (Linux has that from 5.16 on)");
}

/* While the processor runs nothing is blocked, so that a signal that waits ends KVM_RUN at once. */
static void set_signals(struct vcpu *vcpu)
{
    const struct { /* struct kvm_signal_mask, with its set */
        uint32_t length_bytes;
        uint8_t none[8];
    } mask = { .length_bytes = sizeof mask.none };
    (void)ask(vcpu->processor, KVM_SET_SIGNAL_MASK, (uintptr_t)&mask, "take a mask of signals");
}

void vcpu_start(struct vcpu *vcpu, const struct machine_layout *layout)
{
    set_cpuid(vcpu);
    set_system_registers(vcpu, layout);
    set_extended_registers(vcpu);
    set_registers(vcpu, layout);
    set_time(vcpu);
    set_signals(vcpu);
}

/* ---- running ---- */

enum vcpu_exit vcpu_run(struct vcpu *vcpu)
{
    if (ioctl(vcpu->processor, KVM_RUN, 0) < 0) {
        if (errno == EINTR || errno == EAGAIN) return VCPU_INTERRUPTED;
        vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
        vcpu->run->hw.hardware_exit_reason = (unsigned)errno;
        return VCPU_BROKEN;
    }
    const struct kvm_run *run = vcpu->run;
    if (run->exit_reason == KVM_EXIT_INTR) return VCPU_INTERRUPTED;
    bool crossed = run->exit_reason == KVM_EXIT_IO && run->io.port == MACHINE_PORT &&
                   run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 4 && run->io.count == 1;
    return crossed ? VCPU_CROSSED : VCPU_BROKEN;
}

uint64_t vcpu_fault_address(const struct vcpu *vcpu)
{
    struct kvm_sregs registers;
    return ioctl(vcpu->processor, KVM_GET_SREGS, &registers) == 0 ? registers.cr2 : 0;
}

/* Not by strerror, which takes memory for a number that it does not know: the filter of system
 * calls would end the tender before it has said anything. */
static void put_error(struct writer *writer, uint64_t number)
{
    const char *words = number <= INT_MAX ? strerrordesc_np((int)number) : NULL;
    writer_format(writer, "KVM cannot run it: %s (%llu)",
                  words == NULL ? "no error of ours" : words, (unsigned long long)number);
}

static void put_reason(struct writer *writer, const struct kvm_run *run)
{
    switch (run->exit_reason) {
    case KVM_EXIT_SHUTDOWN:
        writer_format(writer, "a fault came for which there is no handler, or its stack is gone");
        break;
    case KVM_EXIT_IO:
        writer_format(writer, "it uses port 0x%x in a way that means nothing", run->io.port);
        break;
    case KVM_EXIT_MMIO:
        writer_format(writer, "it reaches for physical address 0x%llx, where there is no memory",
                      run->mmio.phys_addr);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        writer_format(writer, "KVM cannot emulate what it does (internal error %u)",
                      run->internal.suberror);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        writer_format(writer, "the processor refuses to run it (reason 0x%llx)",
                      run->fail_entry.hardware_entry_failure_reason);
        break;
    case KVM_EXIT_UNKNOWN: put_error(writer, run->hw.hardware_exit_reason); break;
    default: writer_format(writer, "KVM gives up with exit reason %u", run->exit_reason); break;
    }
}

struct view vcpu_describe(const struct vcpu *vcpu, const struct machine_range *image,
                          struct span room)
{
    struct writer writer = writer_over(room);
    struct kvm_regs registers;
    put_reason(&writer, vcpu->run);
    if (ioctl(vcpu->processor, KVM_GET_REGS, &registers) != 0) return writer_view(&writer);
    uint64_t place = registers.rip - image->base;
    if (place < image->length_bytes) {
        writer_format(&writer, ", at image+0x%llx", (unsigned long long)place);
    } else {
        writer_format(&writer, ", at 0x%llx, outside of the image", registers.rip);
    }
    writer_format(&writer, " (rsp 0x%llx, last fault at 0x%llx)", registers.rsp,
                  (unsigned long long)vcpu_fault_address(vcpu));
    return writer_view(&writer);
}
