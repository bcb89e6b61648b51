/* assert.h - what the programmer does wrong stops the image, in release too.
 *
 *     assert(length_bytes > 0);
 *     assert_that(offset, <=, length);      prints both values as well
 *     panic("state %u is not one of ours", state);
 *
 * The report has the place, the values and a symbolised backtrace; the target prints it.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ASSERT_H
#define LOOM_ASSERT_H

#include <stdint.h>

struct source_place {
    const char *file;
    const char *function;
    unsigned line;
};

#define SOURCE_PLACE (&(const struct source_place){ __FILE__, __func__, __LINE__ })

__attribute__((noreturn, cold, format(printf, 2, 3))) void panic_at(
    const struct source_place *place, const char *words, ...);

__attribute__((noreturn, cold)) void panic_values(const struct source_place *place,
                                                  const char *condition, uint64_t left,
                                                  uint64_t right);

#define panic(...) panic_at(SOURCE_PLACE, __VA_ARGS__)

#undef static_assert
#define static_assert _Static_assert

#undef assert
#define assert(condition) \
    (__builtin_expect(!(condition), 0) \
         ? panic_at(SOURCE_PLACE, "%s", "assertion failed: " #condition) \
         : (void)0)

#define assert_that(left, operator, right) \
    (__builtin_expect(!((left) operator(right)), 0) \
         ? panic_values(SOURCE_PLACE, #left " " #operator" " #right, (uint64_t)(left), \
                        (uint64_t)(right)) \
         : (void)0)

#endif
