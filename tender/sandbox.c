/* sandbox.c - privileges dropped, and a filter of system calls (seccomp(2), with classic BPF).
 *
 * The filter is written out by hand: it is one list, it is loaded in some microseconds, and it
 * needs no library.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/units.h"
#include "tender/fail.h"

#define NOBODY          65534
#define INSTRUCTION_MAX 121 /* with a process for each device, and a debugger */

struct filter {
    struct sock_filter list[INSTRUCTION_MAX];
    unsigned short count;
};

/* What the machine is served with, whatever the arguments: reading, writing, waiting, the time; and
 * ending. Not recvmsg, with which descriptors come. */
static const int allowed[] = {
    SYS_ppoll,          SYS_poll,     SYS_read,       SYS_write,     SYS_readv,
    SYS_writev,         SYS_recvfrom, SYS_sendto,     SYS_sendmsg,   SYS_pread64,
    SYS_pwrite64,       SYS_preadv,   SYS_pwritev2,   SYS_fdatasync, SYS_clock_gettime,
    SYS_alarm,          SYS_close,    SYS_exit_group, SYS_exit,      SYS_restart_syscall,
    SYS_rt_sigprocmask, SYS_getpid,   SYS_gettid,     SYS_wait4,     SYS_clock_nanosleep,
};

static void add(struct filter *filter, uint16_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    assert_that(filter->count, <, LENGTH_OF(filter->list));
    filter->list[filter->count++] = (struct sock_filter){
        .code = code, .jt = yes, .jf = no, .k = value
    };
}

static void add_load(struct filter *filter, size_t offset)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void add_verdict(struct filter *filter, uint32_t verdict)
{
    add(filter, BPF_RET | BPF_K, verdict, 0, 0);
}

/* What has this value is allowed; for anything else the list goes on. */
static void add_allow(struct filter *filter, uint32_t value)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    add_verdict(filter, SECCOMP_RET_ALLOW);
}

/* The low half of an argument: descriptors, requests and processes are numbers of 32 bits. */
static size_t argument(unsigned index)
{
    return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

static void add_head(struct filter *filter)
{
    add_load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    add_verdict(filter, SECCOMP_RET_KILL_PROCESS);
    add_load(filter, offsetof(struct seccomp_data, nr));
}

/* What the processor is asked: it is run and looked at, more closely for a core, and its registers
 * are a debugger's to write. */
static const uint32_t of_processor[] = {
    KVM_RUN,       KVM_GET_REGS, (uint32_t)KVM_GET_SREGS, (uint32_t)KVM_GET_FPU, KVM_SET_REGS,
    KVM_SET_SREGS, KVM_SET_FPU
};
#define ALWAYS        3
#define WITH_CORE     4
#define WITH_DEBUGGER 7
static_assert(WITH_DEBUGGER == LENGTH_OF(of_processor), "all of them");

static size_t processor_count(const struct sandbox *sandbox)
{
    if (sandbox->is_debugged) return WITH_DEBUGGER;
    return sandbox->leaves_core ? WITH_CORE : ALWAYS;
}

/* Those, and a tap is told what the guest can take. */
static void add_ioctl(struct filter *filter, const struct sandbox *sandbox)
{
    const size_t count = processor_count(sandbox), processor_steps = 1 + 2 * count;
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, (uint8_t)(processor_steps + 6));
    add_load(filter, argument(1));
    add_allow(filter, TUNSETOFFLOAD);
    add_load(filter, argument(0));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)sandbox->processor, 0,
        (uint8_t)processor_steps);
    add_load(filter, argument(1));
    for (size_t i = 0; i < count; i++)
        add_allow(filter, of_processor[i]);
    add_verdict(filter, SECCOMP_RET_KILL_PROCESS);
}

/* Of a disk pages may be given back. That makes no file longer. */
static void add_discard(struct filter *filter)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 4);
    add_load(filter, argument(1));
    add_allow(filter, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    add_verdict(filter, SECCOMP_RET_KILL_PROCESS);
}

/* A process that does not end by itself once its socket is closed. */
static void add_kill(struct filter *filter, const struct sandbox *sandbox)
{
    if (sandbox->child_count == 0) return;
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 0, (uint8_t)(2 * sandbox->child_count + 2));
    add_load(filter, argument(0));
    for (size_t i = 0; i < sandbox->child_count; i++)
        add_allow(filter, (uint32_t)sandbox->children[i]);
    add_verdict(filter, SECCOMP_RET_KILL_PROCESS);
}

/* A broken invariant may end the process, and no other. */
static void add_abort(struct filter *filter)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3);
    add_load(filter, argument(0));
    add_allow(filter, (uint32_t)getpid());
    add_verdict(filter, SECCOMP_RET_KILL_PROCESS);
}

__attribute__((noinline)) static void enter_filter(const struct sandbox *sandbox)
{
    struct filter filter = { .count = 0 };
    add_head(&filter);
    add_ioctl(&filter, sandbox); /* first: each crossing comes through here */
    for (size_t i = 0; i < LENGTH_OF(allowed); i++)
        add_allow(&filter, (uint32_t)allowed[i]);
    add_discard(&filter);
    add_kill(&filter, sandbox);
    add_abort(&filter);
    const struct sock_fprog program = { .len = filter.count, .filter = filter.list };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        tender_fail("the host takes no filter of system calls: %s", strerror(errno));
}

/* The kernel forgets the wish to end with the parent when the user changes (PR_SET_PDEATHSIG). Who
 * has ended meanwhile is not told of any more. */
static void drop_root(void)
{
    int signal_number = 0;
    pid_t parent = getppid();
    if (geteuid() != 0) return;
    (void)prctl(PR_GET_PDEATHSIG, &signal_number, 0, 0, 0);
    if (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) != 0)
        tender_fail("root cannot become nobody here: %s", strerror(errno));
    if (signal_number == 0) return;
    (void)prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0);
    if (getppid() != parent) (void)raise(signal_number);
}

/* Also what a user was given without being root: by the file's capabilities, or a manager of
 * services. The ambient ones go with the others (capabilities(7)). */
static void drop_capabilities(void)
{
    const struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };
    if (syscall(SYS_capset, &header, none) != 0)
        tender_fail("the host does not take capabilities away: %s", strerror(errno));
}

/* What is opened next would get the number of one that is missing, and the console would read or
 * write there. */
static void fill_standard_descriptors(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
        if (fcntl(number, F_GETFD) >= 0) continue;
        if (open("/dev/null", O_RDWR) != number) _exit(TENDER_FAILED); /* nowhere to say it */
    }
}

/* The least of them from `from` on; UINT_MAX: there is none. */
static unsigned next_kept(const int kept[], size_t count, unsigned from)
{
    unsigned next = UINT_MAX;
    for (size_t i = 0; i < count; i++)
        if (kept[i] >= 0 && (unsigned)kept[i] >= from) next = MIN(next, (unsigned)kept[i]);
    return next;
}

void sandbox_close_inherited(const int kept[], size_t count)
{
    unsigned from = STDERR_FILENO + 1, next;
    fill_standard_descriptors();
    for (size_t i = 0; i < count; i++)
        if (kept[i] > STDERR_FILENO) (void)fcntl(kept[i], F_SETFD, FD_CLOEXEC);
    do {
        next = next_kept(kept, count, from);
        if (next > from) (void)close_range(from, next == UINT_MAX ? UINT_MAX : next - 1, 0);
        from = next + 1;
    } while (next != UINT_MAX);
}

static void bound_files(uint64_t bytes_max)
{
    const struct rlimit bound = { .rlim_cur = bytes_max, .rlim_max = bytes_max };
    if (bytes_max != UINT64_MAX && setrlimit(RLIMIT_FSIZE, &bound) != 0)
        tender_fail("the host does not bound the length of files: %s", strerror(errno));
}

void sandbox_enter(const struct sandbox *sandbox)
{
    bound_files(sandbox->file_bytes_max);
    drop_root();
    drop_capabilities();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        tender_fail("the host does not take new privileges away: %s", strerror(errno));
    enter_filter(sandbox);
}
