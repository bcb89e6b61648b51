/* libc.h - the few functions of a C library that compilers and foreign archives take for granted.
 *
 * In an image (-ffreestanding) they have the names that everybody asks for; in a hosted build,
 * which has a C library of its own, they are libc_NAME, so that tests can hold one against the
 * other.
 *
 * Contracts: ISO C17 7.24; memrchr, memmem as in glibc; the _chk twins as in LSB 5, chapter 13: the
 * last argument is the room that the compiler knows of, and running over it ends the image.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_LIBC_H
#define LOOM_LIBC_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#define LIBC(name) libc_##name
#else
#define LIBC(name) name
#endif

void *LIBC(memcpy)(void *restrict to, const void *restrict from, size_t length);
void *LIBC(memmove)(void *to, const void *from, size_t length);
void *LIBC(memset)(void *to, int byte, size_t length);
int LIBC(memcmp)(const void *a, const void *b, size_t length);
void *LIBC(memchr)(const void *bytes, int byte, size_t length);
void *LIBC(memrchr)(const void *bytes, int byte, size_t length);
void *LIBC(memmem)(const void *bytes, size_t length, const void *part, size_t part_length);

size_t LIBC(strlen)(const char *string);
int LIBC(strcmp)(const char *a, const char *b);
int LIBC(strncmp)(const char *a, const char *b, size_t length);

void *LIBC(__memcpy_chk)(void *restrict to, const void *restrict from, size_t length, size_t room);
void *LIBC(__memmove_chk)(void *to, const void *from, size_t length, size_t room);
void *LIBC(__memset_chk)(void *to, int byte, size_t length, size_t room);

/* ---- for foreign archives: see malloc.c, sort.c, print.c, files.c ---- */

void *LIBC(malloc)(size_t length);
void *LIBC(calloc)(size_t count, size_t each);
void *LIBC(realloc)(void *object, size_t length);
void LIBC(free)(void *object);

void LIBC(qsort)(void *bytes, size_t count, size_t each_bytes,
                 int (*compare)(const void *, const void *));

struct libc_file;
extern struct libc_file *LIBC(stderr);

__attribute__((format(printf, 3, 4))) int LIBC(snprintf)(char *to, size_t size, const char *words,
                                                         ...);
int LIBC(vsnprintf)(char *to, size_t size, const char *words, __builtin_va_list arguments);
__attribute__((format(printf, 5, 6))) int LIBC(__snprintf_chk)(char *to, size_t size, int flag,
                                                               size_t room_bytes, const char *words,
                                                               ...);
int LIBC(__vsnprintf_chk)(char *to, size_t size, int flag, size_t room_bytes, const char *words,
                          __builtin_va_list arguments);
__attribute__((format(printf, 3, 4))) int LIBC(__fprintf_chk)(struct libc_file *file, int flag,
                                                              const char *words, ...);

struct libc_time {
    int64_t seconds, nanoseconds;
};

int *LIBC(__errno_location)(void);
int LIBC(open)(const char *path, int flags, ...);
ptrdiff_t LIBC(read)(int file, void *room, size_t length);
ptrdiff_t LIBC(write)(int file, const void *bytes, size_t length);
int64_t LIBC(lseek64)(int file, int64_t offset, int from);
int LIBC(close)(int file);
char *LIBC(strerror)(int error);
int64_t LIBC(time)(int64_t *seconds);
int LIBC(clock_gettime)(int clock, struct libc_time *time);

#endif
