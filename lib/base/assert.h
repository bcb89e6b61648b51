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

/* The place is told in registers. A structure of it would be a local whose address is taken, in
 * each function that asserts, and each would pay for a canary. The backtrace names the function. */
__attribute__((noreturn, cold, format(printf, 3, 4))) void panic_at(const char *file, unsigned line,
                                                                    const char *words, ...);

__attribute__((noreturn, cold)) void panic_condition(const char *file, unsigned line,
                                                     const char *condition);

__attribute__((noreturn, cold)) void panic_values(const char *file, unsigned line,
                                                  const char *condition, uint64_t left,
                                                  uint64_t right);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

#undef static_assert
#define static_assert _Static_assert

#undef assert
#define assert(condition) \
    (__builtin_expect(!(condition), 0) ? panic_condition(__FILE__, __LINE__, #condition) : (void)0)

#define assert_that(left, operator, right) \
    (__builtin_expect(!((left) operator(right)), 0) \
         ? panic_values(__FILE__, __LINE__, #left " " #operator" " #right, (uint64_t)(left), \
                        (uint64_t)(right)) \
         : (void)0)

#endif
