/* files.c - the system calls that foreign archives make, where there is no system: one file can be
 * opened, /dev/urandom, and nothing else is there.
 *
 * zlib asks for files in its gz functions, and BearSSL for randomness, where the processor has no
 * RDRAND.
 *
 * Contracts: POSIX.1-2017, open, read, write, lseek, close, errno, strerror, time, clock_gettime.
 * The numbers are Linux's, for which the archives are built.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "base/view.h"
#include "target/clock.h"
#include "target/entropy.h"
#include "target/vm/libc/libc.h"

#define ENOENT 2
#define EBADF  9
#define EINVAL 22
#define ESPIPE 29

#define RANDOM_FILE 3

#define CLOCK_REALTIME  0
#define CLOCK_MONOTONIC 1

static int last_error;

int *LIBC(__errno_location)(void)
{
    return &last_error;
}

static int fail(int error)
{
    last_error = error;
    return -1;
}

int LIBC(open)(const char *path, int flags, ...)
{
    (void)flags;
    return view_equal(view_from_string(path), VIEW("/dev/urandom")) ? RANDOM_FILE : fail(ENOENT);
}

ptrdiff_t LIBC(read)(int file, void *room, size_t length)
{
    if (file != RANDOM_FILE) return fail(EBADF);
    entropy_fill(span_from(room, length));
    return (ptrdiff_t)length;
}

ptrdiff_t LIBC(write)(int file, const void *bytes, size_t length)
{
    (void)file, (void)bytes, (void)length;
    return fail(EBADF);
}

int64_t LIBC(lseek64)(int file, int64_t offset, int from)
{
    (void)offset, (void)from;
    return fail(file == RANDOM_FILE ? ESPIPE : EBADF);
}

int LIBC(close)(int file)
{
    return file == RANDOM_FILE ? 0 : fail(EBADF);
}

char *LIBC(strerror)(int error)
{
    static char words[] = "there are no files in a machine";
    (void)error;
    return words;
}

int64_t LIBC(time)(int64_t *seconds)
{
    int64_t now = (int64_t)(clock_wall_ns() / S_NS);
    if (seconds != NULL) *seconds = now;
    return now;
}

int LIBC(clock_gettime)(int clock, struct libc_time *time)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return fail(EINVAL);
    uint64_t now_ns = clock == CLOCK_REALTIME ? clock_wall_ns() : clock_monotonic_ns();
    *time = (struct libc_time){ (int64_t)(now_ns / S_NS), (int64_t)(now_ns % S_NS) };
    return 0;
}
