/* panic.c - the words of a failed assertion; the target prints them with a backtrace and ends the
 * image.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"

#include "base/writer.h"
#include "target/exit.h"

#define REPORT_BYTES_MAX 512

static void put_place(struct writer *writer, const char *file, unsigned line)
{
    writer_format(writer, "%s:%u: ", file, line);
}

void panic_at(const char *file, unsigned line, const char *words, ...)
{
    uint8_t room[REPORT_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    put_place(&writer, file, line);
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    target_panic(writer_view(&writer));
}

void panic_condition(const char *file, unsigned line, const char *condition)
{
    panic_at(file, line, "assertion failed: %s", condition);
}

void panic_values(const char *file, unsigned line, const char *condition, uint64_t left,
                  uint64_t right)
{
    uint8_t room[REPORT_BYTES_MAX];
    struct writer writer = writer_over(SPAN_OF(room));
    put_place(&writer, file, line);
    writer_format(&writer, "assertion failed: %s (left %llu = 0x%llx, right %llu = 0x%llx)",
                  condition, (unsigned long long)left, (unsigned long long)left,
                  (unsigned long long)right, (unsigned long long)right);
    target_panic(writer_view(&writer));
}
