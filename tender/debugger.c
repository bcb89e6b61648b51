/* debugger.c - the machine of a debugger's session: its registers are KVM's, its memory is what the
 * page tables show.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/debugger.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/units.h"
#include "tender/fail.h"

#define FLAG_TRAP ((uint64_t)1 << 8)

/* ---- registers ---- */

static void copy_general(struct gdb_registers *to, const struct kvm_regs *from)
{
    const uint64_t general[GDB_GENERAL_COUNT] = {
        from->rax, from->rbx, from->rcx, from->rdx, from->rsi, from->rdi, from->rbp, from->rsp,
        from->r8,  from->r9,  from->r10, from->r11, from->r12, from->r13, from->r14, from->r15,
    };
    (void)span_copy(SPAN_OF(to->general), VIEW_OF(general));
    to->rip = from->rip;
    to->rflags = (uint32_t)from->rflags;
    to->orig_rax = UINT64_MAX;
}

static void copy_system(struct gdb_registers *to, const struct kvm_sregs *from)
{
    const struct kvm_segment *segments[GDB_SEGMENT_COUNT] = { &from->cs, &from->ss, &from->ds,
                                                              &from->es, &from->fs, &from->gs };
    for (size_t i = 0; i < GDB_SEGMENT_COUNT; i++)
        to->segments[i] = segments[i]->selector;
    to->fs_base = from->fs.base;
    to->gs_base = from->gs.base;
}

/* KVM keeps one bit a register of the x87 (in use), the debugger wants two (3: empty). */
static uint32_t tags_of(uint8_t in_use)
{
    uint32_t tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (in_use >> i & 1) != 0 ? 0 : 3u << 2 * i;
    return tags;
}

static void copy_vectors(struct gdb_registers *to, const struct kvm_fpu *from)
{
    for (size_t i = 0; i < LENGTH_OF(to->st); i++)
        (void)span_copy(SPAN_OF(to->st[i]), view_from(from->fpr[i], sizeof to->st[i]));
    (void)span_copy(SPAN_OF(to->xmm), VIEW_OF(from->xmm));
    to->control = from->fcw;
    to->status = from->fsw;
    to->tags = tags_of(from->ftwx);
    to->opcode = from->last_opcode;
    to->mxcsr = from->mxcsr;
}

static struct debugger *debugger_of(struct gdb_machine *machine)
{
    return (struct debugger *)machine;
}

static int processor_of(struct gdb_machine *machine)
{
    return debugger_of(machine)->vcpu->processor;
}

static void debugger_read_registers(struct gdb_machine *machine, struct gdb_registers *registers)
{
    struct kvm_regs general;
    struct kvm_sregs system;
    struct kvm_fpu vectors;
    *registers = (struct gdb_registers){ 0 };
    if (ioctl(processor_of(machine), KVM_GET_REGS, &general) != 0 ||
        ioctl(processor_of(machine), KVM_GET_SREGS, &system) != 0 ||
        ioctl(processor_of(machine), KVM_GET_FPU, &vectors) != 0)
        return;
    copy_general(registers, &general);
    copy_system(registers, &system);
    copy_vectors(registers, &vectors);
}

static void write_general(int processor, const struct gdb_registers *from)
{
    const struct kvm_regs general = {
        .rax = from->general[0],
        .rbx = from->general[1],
        .rcx = from->general[2],
        .rdx = from->general[3],
        .rsi = from->general[4],
        .rdi = from->general[5],
        .rbp = from->general[6],
        .rsp = from->general[7],
        .r8 = from->general[8],
        .r9 = from->general[9],
        .r10 = from->general[10],
        .r11 = from->general[11],
        .r12 = from->general[12],
        .r13 = from->general[13],
        .r14 = from->general[14],
        .r15 = from->general[15],
        .rip = from->rip,
        .rflags = from->rflags,
    };
    (void)ioctl(processor, KVM_SET_REGS, &general);
}

static void write_vectors(int processor, const struct gdb_registers *from)
{
    struct kvm_fpu vectors;
    if (ioctl(processor, KVM_GET_FPU, &vectors) != 0) return;
    for (size_t i = 0; i < LENGTH_OF(from->st); i++)
        (void)span_copy(SPAN_OF(vectors.fpr[i]), VIEW_OF(from->st[i]));
    (void)span_copy(SPAN_OF(vectors.xmm), VIEW_OF(from->xmm));
    vectors.mxcsr = from->mxcsr;
    (void)ioctl(processor, KVM_SET_FPU, &vectors);
}

static void write_bases(int processor, const struct gdb_registers *from)
{
    struct kvm_sregs system;
    if (ioctl(processor, KVM_GET_SREGS, &system) != 0) return;
    if (system.fs.base == from->fs_base && system.gs.base == from->gs_base) return;
    system.fs.base = from->fs_base;
    system.gs.base = from->gs_base;
    (void)ioctl(processor, KVM_SET_SREGS, &system);
}

/* Segments, and the x87 but for its numbers, stay as they are: rings and modes have no meaning
 * here. */
static void debugger_write_registers(struct gdb_machine *machine,
                                     const struct gdb_registers *registers)
{
    write_general(processor_of(machine), registers);
    write_vectors(processor_of(machine), registers);
    write_bases(processor_of(machine), registers);
}

/* ---- memory ---- */

static size_t debugger_read_memory(struct gdb_machine *machine, uint64_t address, struct span room)
{
    return guest_pages_read(&debugger_of(machine)->traps.pages, address, room);
}

static bool debugger_write_memory(struct gdb_machine *machine, uint64_t address, struct view bytes)
{
    return guest_pages_write(&debugger_of(machine)->traps.pages, address, bytes);
}

static bool debugger_set_breakpoint(struct gdb_machine *machine, uint64_t address)
{
    return debug_breakpoint_add(&debugger_of(machine)->traps, address);
}

static bool debugger_clear_breakpoint(struct gdb_machine *machine, uint64_t address)
{
    return debug_breakpoint_remove(&debugger_of(machine)->traps, address);
}

static const struct gdb_machine_ops debugger_ops = {
    .read_registers = debugger_read_registers,
    .write_registers = debugger_write_registers,
    .read_memory = debugger_read_memory,
    .write_memory = debugger_write_memory,
    .set_breakpoint = debugger_set_breakpoint,
    .clear_breakpoint = debugger_clear_breakpoint,
};

void debugger_open(struct debugger *debugger, struct vcpu *vcpu, const struct guest_pages *pages,
                   const struct machine_layout *layout, const struct machine_image *image,
                   int connection, int stop)
{
    const uint64_t base = layout->boot->image.base;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    *debugger = (struct debugger){
        .machine = { .ops = &debugger_ops, .entry = base + image->file_entry },
        .session = { .machine = &debugger->machine, .signal = GDB_SIGTRAP },
        .vcpu = vcpu,
        .connection = connection,
        .signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
        .stop = stop,
    };
    if (debugger->signals < 0) tender_fail("the host gives no descriptor: %s", strerror(errno));
    debug_traps_init(&debugger->traps, pages, layout, base + image->faults);
}

/* ---- standing and going ---- */

/* KVM ends an instruction that has left the machine, such as the `out` of a crossing, only when it
 * runs again. This makes it do so, and run nothing more, so that registers are what they seem. */
static void end_instruction(const struct debugger *debugger)
{
    debugger->vcpu->run->immediate_exit = 1;
    (void)ioctl(debugger->vcpu->processor, KVM_RUN, 0);
    debugger->vcpu->run->immediate_exit = 0;
}

static void set_registers(const struct debugger *debugger, const struct kvm_regs *registers)
{
    (void)ioctl(debugger->vcpu->processor, KVM_SET_REGS, registers);
}

static void get_registers(const struct debugger *debugger, struct kvm_regs *registers)
{
    (void)ioctl(debugger->vcpu->processor, KVM_GET_REGS, registers);
}

/* Of single steps the processor's flag is the sign, which the debugger does not see. */
static void set_stepping(struct debugger *debugger, bool is_stepping)
{
    struct kvm_regs registers;
    get_registers(debugger, &registers);
    registers.rflags = is_stepping ? registers.rflags | FLAG_TRAP : registers.rflags & ~FLAG_TRAP;
    set_registers(debugger, &registers);
    debugger->is_stepping = is_stepping;
}

static void leave_alone(struct debugger *debugger, enum debugger_state state)
{
    debug_breakpoints_take_out(&debugger->traps);
    debug_traps_unset(&debugger->traps);
    debugger->state = state;
}

static void go(struct debugger *debugger, bool is_stepping)
{
    debugger->is_exception = false;
    set_stepping(debugger, is_stepping);
    debug_traps_set(&debugger->traps);
    debug_breakpoints_insert(&debugger->traps);
    debugger->state = DEBUGGER_RUNNING;
}

static void pass(struct debugger *debugger)
{
    if (!debugger->is_exception) {
        go(debugger, false);
        return;
    }
    set_registers(debugger, &debugger->stub);
    leave_alone(debugger, DEBUGGER_PASSED);
}

static void act(struct debugger *debugger, enum gdb_action action)
{
    switch (action) {
    case GDB_STAY:
    case GDB_STOP: return;
    case GDB_CONTINUE: go(debugger, false); return;
    case GDB_STEP: go(debugger, true); return;
    case GDB_PASS: pass(debugger); return;
    case GDB_DETACH: leave_alone(debugger, DEBUGGER_DETACHED); return;
    case GDB_KILL: leave_alone(debugger, DEBUGGER_KILLED); return;
    }
}

/* ---- talking ---- */

/* A debugger that does not take its answers is none any more. */
static void send_all(const struct debugger *debugger, struct view bytes)
{
    struct pollfd poll_room = { .fd = debugger->connection, .events = POLLOUT };
    while (bytes.length_bytes > 0) {
        ssize_t sent = send(debugger->connection, bytes.bytes, bytes.length_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent < 0 && poll(&poll_room, 1, 5000) <= 0) return;
        if (sent > 0) bytes = view_from_offset(bytes, (size_t)sent);
    }
}

static enum gdb_action feed(struct debugger *debugger, uint8_t byte)
{
    struct writer writer = writer_over(SPAN_OF(debugger->frame));
    enum gdb_action action = gdb_session_feed(&debugger->session, byte, &writer);
    send_all(debugger, writer_view(&writer));
    return action;
}

/* One byte: what comes behind it may be meant for a machine that runs. False: there is none. */
static bool receive(struct debugger *debugger, enum gdb_action *action)
{
    uint8_t byte;
    *action = GDB_STAY;
    ssize_t count = recv(debugger->connection, &byte, 1, 0);
    if (count < 0) return false;
    *action = count == 0 ? GDB_DETACH : feed(debugger, byte);
    return true;
}

static void stand(struct debugger *debugger, enum gdb_signal signal, bool is_breakpoint)
{
    struct writer writer = writer_over(SPAN_OF(debugger->frame));
    debug_breakpoints_take_out(&debugger->traps);
    set_stepping(debugger, false);
    debugger->state = DEBUGGER_STANDING;
    gdb_session_stopped(&debugger->session, signal, is_breakpoint, &writer);
    send_all(debugger, writer_view(&writer));
}

/* False: a signal waits. */
static bool wait_for_bytes(const struct debugger *debugger)
{
    struct pollfd polls[] = { { .fd = debugger->connection, .events = POLLIN },
                              { .fd = debugger->stop, .events = POLLIN } };
    (void)poll(polls, 2, -1);
    return polls[1].revents == 0;
}

/* Until the machine is to go on. False: a signal waits. */
static bool converse(struct debugger *debugger)
{
    enum gdb_action action;
    while (debugger->state == DEBUGGER_STANDING) {
        if (receive(debugger, &action)) {
            act(debugger, action);
        } else if (!wait_for_bytes(debugger)) {
            return false;
        }
    }
    return true;
}

/* SIGIO, which has done what it is for when the processor stands. */
static void forget_signals(const struct debugger *debugger)
{
    struct signalfd_siginfo information;
    while (read(debugger->signals, &information, sizeof information) > 0) {
    }
}

/* What a debugger says while the machine runs: that it shall stand still, or nothing any more. */
static void listen_while_running(struct debugger *debugger)
{
    enum gdb_action action;
    while (debugger->state == DEBUGGER_RUNNING && receive(debugger, &action)) {
        if (action == GDB_STOP) {
            end_instruction(debugger);
            stand(debugger, GDB_SIGINT, false);
        } else if (action == GDB_DETACH || action == GDB_KILL) {
            set_stepping(debugger, false);
            act(debugger, action);
        }
    }
}

/* ---- running ---- */

static void take_exception(struct debugger *debugger, struct debug_exception *exception)
{
    const uint64_t before = exception->at.rip - 1;
    enum gdb_signal signal = debug_signal(exception->vector);
    bool is_breakpoint = exception->vector == 3 && debug_breakpoint_is_at(&debugger->traps, before);
    if (is_breakpoint) exception->at.rip = before;
    set_registers(debugger, &exception->at);
    /* A step's trap that comes when the step has been told already: it goes on. */
    if (exception->vector == 1 && !debugger->is_stepping) return;
    debugger->is_exception = signal != GDB_SIGTRAP;
    debugger->stub = exception->stub;
    stand(debugger, signal, is_breakpoint);
}

/* True: it was one, and the debugger has been told. */
static bool look_for_exception(struct debugger *debugger)
{
    struct debug_exception exception;
    struct kvm_regs registers;
    if (!debug_traps_took(&debugger->traps, debugger->vcpu->run)) return false;
    end_instruction(debugger);
    get_registers(debugger, &registers);
    if (!debug_traps_read(&debugger->traps, &registers, &exception)) return false;
    take_exception(debugger, &exception);
    return true;
}

enum vcpu_exit debugger_run(struct debugger *debugger)
{
    for (;;) {
        if (debugger->state == DEBUGGER_RUNNING) listen_while_running(debugger);
        if (!converse(debugger)) return VCPU_INTERRUPTED;
        if (debugger->state == DEBUGGER_KILLED) return VCPU_BROKEN;
        enum vcpu_exit left = vcpu_run(debugger->vcpu);
        if (left == VCPU_CROSSED) {
            if (debugger->state == DEBUGGER_RUNNING) end_instruction(debugger);
            return left;
        }
        if (left == VCPU_BROKEN && !look_for_exception(debugger)) return left;
        if (left == VCPU_INTERRUPTED) {
            forget_signals(debugger);
            return left;
        }
    }
}

int debugger_descriptor(const struct debugger *debugger)
{
    return debugger->state == DEBUGGER_RUNNING ? debugger->connection : -1;
}

bool debugger_has_killed(const struct debugger *debugger)
{
    return debugger->state == DEBUGGER_KILLED;
}

void debugger_show(struct debugger *debugger, enum gdb_signal signal)
{
    if (debugger->state != DEBUGGER_RUNNING) return;
    stand(debugger, signal, false);
    (void)converse(debugger);
}

void debugger_end(struct debugger *debugger, int status)
{
    struct writer writer = writer_over(SPAN_OF(debugger->frame));
    if (debugger->state == DEBUGGER_DETACHED || debugger->state == DEBUGGER_KILLED) return;
    gdb_session_ended(&debugger->session, (uint8_t)(status & 0xff), &writer);
    send_all(debugger, writer_view(&writer));
}
