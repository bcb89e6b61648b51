/* sandbox_test.c - what is left of a process in its sandbox: seccomp(2), prctl(2).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/sandbox.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/test.h"

/* Not _exit, which sanitizers prepare for with a system call of their own. */
static void end(int status)
{
    (void)syscall(SYS_exit_group, status);
}

static int status_file;

/* Whether /proc/self/status, which was opened before, has this line. */
static bool has_line(struct view line)
{
    static uint8_t room[8192];
    ssize_t length = pread(status_file, room, sizeof room, 0);
    struct view text = view_from(room, length > 0 ? (size_t)length : 0);
    while (!view_is_empty(text))
        if (view_equal(view_cut(text, '\n', &text), line)) return true;
    return false;
}

static void (*before_sandbox)(void);
static bool is_debugged, leaves_core;
static size_t child_count = 1;
static uint64_t file_bytes_max = UINT64_MAX;

/* Runs it in the sandbox, in a process of its own; how that ended. */
static int in_sandbox(void (*act)(void))
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        const struct sandbox sandbox = { .processor = 77,
                                         .children = { 1 },
                                         .child_count = child_count,
                                         .is_debugged = is_debugged,
                                         .leaves_core = leaves_core,
                                         .file_bytes_max = file_bytes_max };
        status_file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        if (before_sandbox != NULL) before_sandbox();
        sandbox_enter(&sandbox);
        act();
        end(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void read_and_write(void)
{
    uint8_t byte = 0;
    struct timespec now;
    if (read(-1, &byte, 1) != -1 || write(-1, &byte, 1) != -1 ||
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0)
        end(1);
}

static void open_file(void)
{
    (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static void become_program(void)
{
    char *const words[] = { NULL };
    (void)execve("/bin/true", words, words);
}

static void map_code(void)
{
    (void)syscall(SYS_mmap, 0, 4096, 7, 0x22, -1, 0);
}

static void take_a_descriptor(void)
{
    struct msghdr message = { .msg_iovlen = 0 };
    (void)recvmsg(0, &message, 0);
}

static void kill_a_stranger(void)
{
    (void)kill(2, 0);
}

static void ask_another_device(void)
{
    (void)ioctl(0, 0xae80); /* KVM_RUN, of a descriptor that is not the processor's */
}

static void ask_the_processor_for_more(void)
{
    (void)ioctl(77, 0xae41); /* KVM_CREATE_VCPU */
}

static void lengthen_a_file(void)
{
    (void)fallocate(-1, 0, 0, 4096);
}

static void discard_of_a_file(void)
{
    if (fallocate(-1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != -1) end(1);
}

static int disk; /* of 4096 bytes, opened before */

static void write_to_the_disk(void)
{
    uint8_t bytes[512] = { 0 };
    if (pwrite(disk, bytes, sizeof bytes, 4096 - 512) != sizeof bytes) end(1);
    if (pwrite(disk, bytes, sizeof bytes, 4096 - 256) != 256) end(2); /* setrlimit(2): up to it */
    if (pwrite(disk, bytes, sizeof bytes, 4096) != -1) end(3);
    if (pwrite(disk, bytes, sizeof bytes, 1 << 20) != -1) end(4);
}

static void run_the_processor(void)
{
    if (ioctl(77, 0xae80) != -1) end(1); /* EBADF: it reached the kernel */
}

/* ---- who it is ---- */

static void have_nothing(void)
{
    if (!has_line(VIEW("CapPrm:\t0000000000000000")) ||
        !has_line(VIEW("CapEff:\t0000000000000000")) ||
        !has_line(VIEW("CapInh:\t0000000000000000")) || !has_line(VIEW("NoNewPrivs:\t1")))
        end(1);
}

static void be_nobody(void)
{
    have_nothing();
    if (!has_line(VIEW("Uid:\t65534\t65534\t65534\t65534")) ||
        !has_line(VIEW("Gid:\t65534\t65534\t65534\t65534")) || !has_line(VIEW("Groups:\t ")))
        end(1);
}

TEST(sandbox_leaves_no_capability)
{
    if (geteuid() == 0) expect_that(in_sandbox(be_nobody), ==, 0);
    expect_that(in_sandbox(have_nothing), ==, 0);
}

/* A user who is not root, and may still do what root can. */
static void become_able_user(void)
{
    if (geteuid() != 0) return;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setresuid(1000, 1000, 1000) != 0) _exit(2);
    if (has_line(VIEW("CapPrm:\t0000000000000000"))) _exit(3);
}

TEST(sandbox_leaves_no_capability_to_a_user)
{
    before_sandbox = become_able_user;
    int status = in_sandbox(have_nothing);
    before_sandbox = NULL;
    expect_that(status, ==, 0);
}

TEST(sandbox_lets_it_serve)
{
    expect_that(in_sandbox(read_and_write), ==, 0);
    expect_that(in_sandbox(run_the_processor), ==, 0);
    expect_that(in_sandbox(discard_of_a_file), ==, 0);
}

static void heed_no_signal_of_length(void)
{
    (void)signal(SIGXFSZ, SIG_IGN); /* as stop_listen does */
}

TEST(sandbox_bounds_the_length_of_files)
{
    FILE *file = tmpfile();
    expect(file != NULL);
    disk = fileno(file);
    expect(ftruncate(disk, 4096) == 0);
    file_bytes_max = 4096;
    before_sandbox = heed_no_signal_of_length;
    int status = in_sandbox(write_to_the_disk);
    before_sandbox = NULL;
    file_bytes_max = UINT64_MAX;
    expect_that(status, ==, 0);
    expect(lseek(disk, 0, SEEK_END) == 4096 && fclose(file) == 0);
}

TEST(sandbox_kills_what_does_more)
{
    static void (*const acts[])(void) = { open_file,          make_socket,
                                          become_program,     map_code,
                                          take_a_descriptor,  kill_a_stranger,
                                          ask_another_device, ask_the_processor_for_more,
                                          lengthen_a_file };
    for (size_t i = 0; i < LENGTH_OF(acts); i++) {
        int status = in_sandbox(acts[i]);
        expect(WIFSIGNALED(status));
        expect_that(WTERMSIG(status), ==, SIGSYS);
    }
}

static void close_all_but_two(void)
{
    const int kept[] = { 90, 40 };
    for (int number = 39; number < 92; number++)
        (void)dup2(0, number);
    sandbox_close_inherited(kept, 2);
    for (int number = 3; number < 92; number++)
        if ((fcntl(number, F_GETFD) >= 0) != (number == 90 || number == 40)) _exit(1);
    if (fcntl(2, F_GETFD) < 0) _exit(1);
}

/* What has no number among the first three gets one: nothing opened later is taken for it. */
static void close_standard_ones(void)
{
    const int kept[] = { 40 };
    for (int number = 0; number < 3; number++)
        (void)close(number);
    (void)dup2(status_file, 40);
    sandbox_close_inherited(kept, 1);
    for (int number = 0; number < 3; number++)
        if (fcntl(number, F_GETFD) < 0) _exit(1);
    if (write(1, "x", 1) != 1) _exit(2);
    if (fcntl(40, F_GETFD) != FD_CLOEXEC) _exit(3);
    _exit(0);
}

TEST(sandbox_fills_standard_descriptors)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        status_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close_standard_ones();
    }
    expect(child > 0 && waitpid(child, &status, 0) == child);
    expect_that(status, ==, 0);
}

TEST(sandbox_closes_what_was_inherited)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        close_all_but_two();
        _exit(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child);
    expect_that(status, ==, 0);
}

/* ---- registers: EBADF where the question has reached the kernel ---- */

static void read_vectors(void)
{
    if (ioctl(77, 0x81a0ae8c) != -1) end(1); /* KVM_GET_FPU */
}

static void write_registers(void)
{
    if (ioctl(77, 0x4090ae82) != -1) end(1); /* KVM_SET_REGS */
}

static bool is_killed(void (*act)(void))
{
    int status = in_sandbox(act);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

TEST(sandbox_opens_registers_to_a_debugger_only)
{
    expect(is_killed(read_vectors) && is_killed(write_registers));
    leaves_core = true;
    expect(in_sandbox(read_vectors) == 0 && is_killed(write_registers));
    is_debugged = true;
    expect(in_sandbox(read_vectors) == 0 && in_sandbox(write_registers) == 0);
    expect(in_sandbox(run_the_processor) == 0 && is_killed(ask_the_processor_for_more));
    is_debugged = leaves_core = false;
}

/* As many rules as there can be. */
TEST(sandbox_has_a_process_a_device)
{
    is_debugged = true;
    child_count = MACHINE_DEVICES_MAX;
    expect_that(in_sandbox(run_the_processor), ==, 0);
    expect(is_killed(kill_a_stranger) && is_killed(open_file));
    is_debugged = false;
    child_count = 1;
}
