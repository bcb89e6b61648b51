/* harness.h - a small harness for tests that are ordinary programs around the library: no fibers,
 * no other part of the house.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_EMBED_HARNESS_H
#define LOOM_EMBED_HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/loom/stack.h"

#define MS_NS ((uint64_t)1000000)
#define S_NS  (1000 * MS_NS)

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

void test_register(struct test *test);

#define TEST(name) \
    static void test_##name(void); \
    __attribute__((constructor)) static void register_##name(void) \
    { \
        static struct test test = { #name, test_##name, NULL }; \
        test_register(&test); \
    } \
    static void test_##name(void)

/* A failed expectation ends the program: what stands around it is in no state to go on. */
__attribute__((noreturn, format(printf, 3, 4))) void test_fail(const char *file, unsigned line,
                                                               const char *words, ...);

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
        enum loom_result got_ = (call); \
        if (got_ != (wanted)) \
            test_fail(__FILE__, __LINE__, "expected %s to be %s, got \"%s\"", #call, #wanted, \
                      loom_result_text(got_)); \
    })

#define expect_ok(call) expect_result(call, LOOM_OK)

/* SplitMix64. */
uint64_t test_random(uint64_t *state);

#endif
