/* test.h - a small harness: each test runs on a fiber of its own, in the real target or in virtual
 * time.
 *
 *     TEST(ring_wraps)
 *     {
 *         expect(ring_room(&ring) == 8);
 *         expect_that(ring_used(&ring), ==, 0);
 *     }
 *
 * A test program is one or more *_test.c files and lib/test/test_main.c. It prints one line a test
 * and ends with "N passed, N failed, N skipped". A failed expectation ends its test (as a panic
 * does the whole program) and is printed with place and values. `program NAME...` runs only the
 * tests whose names contain one of the words.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TEST_H
#define LOOM_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "base/units.h"
#include "base/view.h"
#include "fiber/fiber.h"

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
    bool registered;
};

void test_register(struct test *test);

/* Tests register before main; the order is that of the file. */
#define TEST(name) \
    static void test_##name(void); \
    __attribute__((constructor)) static void register_##name(void) \
    { \
        static struct test test = { #name, test_##name, NULL, false }; \
        test_register(&test); \
    } \
    static void test_##name(void)

__attribute__((noreturn, format(printf, 3, 4))) void test_fail(const char *file, unsigned line,
                                                               const char *words, ...);
__attribute__((noreturn)) void test_skip(const char *reason);

#define expect(condition) \
    ((condition) ? (void)0 : test_fail(__FILE__, __LINE__, "expected %s", #condition))

#define expect_that(left, operator, right) \
    __extension__({ \
        uint64_t left_ = (uint64_t)(left), right_ = (uint64_t)(right); \
        if (!(left_ operator right_)) \
            test_fail(__FILE__, __LINE__, "expected %s, got %llu and %llu", \
                      #left " " #operator" " #right, (unsigned long long)left_, \
                      (unsigned long long)right_); \
    })

#define expect_result(call, wanted) \
    __extension__({ \
        enum result got_ = (call); \
        if (got_ != (wanted)) \
            test_fail(__FILE__, __LINE__, "expected %s to be %s, got %s", #call, #wanted, \
                      result_text(got_)); \
    })

#define expect_ok(call) expect_result(call, OK)

#define expect_view(got, wanted) \
    __extension__({ \
        struct view got_ = (got), wanted_ = (wanted); \
        if (!view_equal(got_, wanted_)) \
            test_fail(__FILE__, __LINE__, "expected %s to be \"%.*s\", got \"%.*s\"", #got, \
                      VIEW_FORMAT(wanted_), VIEW_FORMAT(got_)); \
    })

/* A copy of `bytes` that ends at an unmapped page, so that a read past its end is a fault. At
 * most 64 KiB; it lives until the test ends. */
struct view test_guarded(struct view bytes);

/* A generator of reproducible pseudo-random numbers for a test's own use (SplitMix64). */
uint64_t test_random(uint64_t *state);

#endif
