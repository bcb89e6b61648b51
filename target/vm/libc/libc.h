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

#endif
