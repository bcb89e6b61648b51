/* print.c - formatted text for foreign archives, by the house's own formatter (base/writer.h): no
 * floating point, no locale, no %n. stderr is the console.
 *
 * Contracts: ISO C17 7.21.6.5 and 7.21.6.12; POSIX: a text longer than is possible is -1 with
 * EOVERFLOW, which here is PRINT_BYTES_MAX. The _chk twins: LSB 5, 13.
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "base/writer.h"
#include "target/console.h"
#include "target/vm/libc/libc.h"

#define PRINT_BYTES_MAX 2048
#define EOVERFLOW       75

/* Not on the stack, which may be a small one. Nothing that uses it waits. */
static uint8_t room[PRINT_BYTES_MAX + 1];

/* Only its address matters. */
struct libc_file {
    uint8_t unused;
};
static struct libc_file console_file;
struct libc_file *LIBC(stderr) = &console_file;

/* In `room`. False: it is too long. */
static bool print(const char *words, __builtin_va_list arguments, struct view *text)
{
    struct writer writer = writer_over(SPAN_OF(room));
    writer_format_list(&writer, words, arguments);
    *text = writer_view(&writer);
    if (!writer.ran_short && text->length_bytes <= PRINT_BYTES_MAX) return true;
    *LIBC(__errno_location)() = EOVERFLOW;
    return false;
}

int LIBC(vsnprintf)(char *to, size_t size, const char *words, __builtin_va_list arguments)
{
    struct view text;
    if (!print(words, arguments, &text)) return -1;
    if (size == 0) return (int)text.length_bytes;
    struct span string = span_from(to, size);
    struct view kept = view_first(text, MIN(text.length_bytes, size - 1));
    span_fill(span_first(span_copy(string, kept), 1), 0);
    return (int)text.length_bytes;
}

int LIBC(snprintf)(char *to, size_t size, const char *words, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    int length = LIBC(vsnprintf)(to, size, words, arguments);
    __builtin_va_end(arguments);
    return length;
}

int LIBC(__vsnprintf_chk)(char *to, size_t size, int flag, size_t room_bytes, const char *words,
                          __builtin_va_list arguments)
{
    (void)flag;
    assert_that(size, <=, room_bytes);
    return LIBC(vsnprintf)(to, size, words, arguments);
}

int LIBC(__snprintf_chk)(char *to, size_t size, int flag, size_t room_bytes, const char *words, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    int length = LIBC(__vsnprintf_chk)(to, size, flag, room_bytes, words, arguments);
    __builtin_va_end(arguments);
    return length;
}

int LIBC(__fprintf_chk)(struct libc_file *file, int flag, const char *words, ...)
{
    struct view text;
    __builtin_va_list arguments;
    (void)flag;
    assert(file == LIBC(stderr));
    __builtin_va_start(arguments, words);
    bool has_text = print(words, arguments, &text);
    __builtin_va_end(arguments);
    if (!has_text) return -1;
    console_write_diagnostic(text);
    return (int)text.length_bytes;
}
