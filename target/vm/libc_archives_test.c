/* libc_archives_test.c - what foreign archives ask for, beside the host's own: text, sorting, files
 * that are not there, the time.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "target/entropy.h"
#include "target/vm/libc/libc.h"
#include "test/test.h"

/* ---- text ---- */

/* Both print into rooms of every size up to `size`, and agree on all that they leave there. */
__attribute__((format(printf, 2, 3))) static void expect_prints_alike(size_t size,
                                                                      const char *words, ...)
{
    for (size_t room = 0; room <= size; room++) {
        char ours[256], theirs[256];
        va_list arguments;
        memset(ours, '?', sizeof ours);
        memset(theirs, '?', sizeof theirs);
        va_start(arguments, words);
        int our_length = LIBC(vsnprintf)(ours, room, words, arguments);
        va_end(arguments);
        va_start(arguments, words);
        int their_length = vsnprintf(theirs, room, words, arguments);
        va_end(arguments);
        expect_that(our_length, ==, their_length);
        if (memcmp(ours, theirs, sizeof ours) != 0)
            test_fail(__FILE__, __LINE__, "\"%s\" in %zu bytes: %.40s", words, room, ours);
    }
}

TEST(text_is_formatted_as_the_host_does)
{
    expect_prints_alike(20, "nothing to put in");
    expect_prints_alike(40, "%s: %s%s", "inflate", "incorrect header check", "");
    expect_prints_alike(30, "%d %i %u %x %X", -17, 0, 4000000000u, 0xabcu, 0xabcu);
    expect_prints_alike(60, "%ld %lu %zu %lld", -1L, ~0UL, (size_t)9, (long long)1 << 62);
    expect_prints_alike(30, "[%5d|%-5d|%05d]", 42, 42, 42);
    expect_prints_alike(30, "[%.2s|%.*s|%6s]", "abcdef", 3, "abcdef", "abc");
    expect_prints_alike(10, "%c%c%%", 'a', 'z');
    expect_prints_alike(200, "%150s", "wide");
}

TEST(text_in_no_room_only_tells_its_length)
{
    char room[8];
    expect_that(LIBC(snprintf)(NULL, 0, "%d bytes", 12), ==, 8);
    expect_that(LIBC(__snprintf_chk)(room, 8, 1, 8, "%d bytes", 12), ==, 8);
    expect(strcmp(room, "12 byte") == 0);
    /* Longer than there is room for here: an error, as POSIX has one. */
    static char much[5000];
    memset(much, 'x', sizeof much - 1);
    *LIBC(__errno_location)() = 0;
    expect_that(LIBC(snprintf)(room, sizeof room, "%s", much) + 1, ==, 0);
    expect_that(*LIBC(__errno_location)(), ==, EOVERFLOW);
}

/* ---- sorting ---- */

struct record {
    uint16_t key;
    uint8_t rest[5];
};

static int compare_keys(const void *a, const void *b)
{
    const struct record *left = a, *right = b;
    return left->key - right->key;
}

/* What belongs to a key follows from it, so that a record that is torn shows. */
static void fill(struct record records[], size_t count, unsigned keys)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t key;
        entropy_fill(SPAN_OF(key));
        key = (uint16_t)(key % keys);
        records[i] = (struct record){ .key = key };
        memset(records[i].rest, key & 0xff, sizeof records[i].rest);
    }
}

TEST(qsort_sorts_as_the_host_does)
{
    static struct record ours[600], theirs[600];
    static const unsigned keys[] = { 1, 3, 50, 65535 };
    for (size_t count = 0; count <= 600; count += count < 20 ? 1 : 58) {
        for (size_t i = 0; i < LENGTH_OF(keys); i++) {
            fill(ours, count, keys[i]);
            memcpy(theirs, ours, sizeof ours);
            LIBC(qsort)(ours, count, sizeof *ours, compare_keys);
            qsort(theirs, count, sizeof *theirs, compare_keys);
            expect(memcmp(ours, theirs, count * sizeof *ours) == 0);
            LIBC(qsort)(ours, count, sizeof *ours, compare_keys); /* what is sorted already */
            expect(memcmp(ours, theirs, count * sizeof *ours) == 0);
        }
    }
}

/* ---- what would be a system's ---- */

TEST(the_only_file_is_random)
{
    static uint8_t room[64], zero[64];
    int file = LIBC(open)("/dev/urandom", O_RDONLY);
    expect(file >= 0);
    expect_that(LIBC(read)(file, room, sizeof room), ==, sizeof room);
    expect(memcmp(room, zero, sizeof room) != 0);
    expect_that(LIBC(close)(file), ==, 0);
    expect(LIBC(open)("/etc/passwd", O_RDONLY) < 0 && *LIBC(__errno_location)() == ENOENT);
    expect(LIBC(read)(file + 1, room, 1) < 0 && *LIBC(__errno_location)() == EBADF);
    expect(LIBC(write)(file, room, 1) < 0 && *LIBC(__errno_location)() == EBADF);
    expect(LIBC(lseek64)(file, 0, SEEK_SET) < 0 && *LIBC(__errno_location)() == ESPIPE);
    expect(LIBC(close)(file + 1) < 0 && *LIBC(__errno_location)() == EBADF);
    expect(strlen(LIBC(strerror)(ENOENT)) > 0);
}

TEST(the_time_is_the_hosts)
{
    struct timespec theirs;
    struct libc_time ours;
    static_assert(sizeof theirs == sizeof ours && CLOCK_REALTIME == 0 && CLOCK_MONOTONIC == 1,
                  "as archives know it");
    int64_t seconds, before = time(NULL);
    int64_t now = LIBC(time)(&seconds);
    expect(now == seconds && now >= before - 1 && now <= time(NULL) + 1);
    expect(LIBC(clock_gettime)(CLOCK_REALTIME, &ours) == 0);
    expect(ours.seconds >= now && ours.seconds <= now + 2 && ours.nanoseconds < 1000000000);
    expect(LIBC(clock_gettime)(CLOCK_MONOTONIC, &ours) == 0);
    struct libc_time later;
    expect(LIBC(clock_gettime)(CLOCK_MONOTONIC, &later) == 0);
    expect(later.seconds > ours.seconds ||
           (later.seconds == ours.seconds && later.nanoseconds >= ours.nanoseconds));
    expect(LIBC(clock_gettime)(99, &ours) < 0 && *LIBC(__errno_location)() == EINVAL);
}
