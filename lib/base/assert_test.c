/* assert_test.c - how an image ends that breaks a rule: with the place and the values.
 *
 * SPDX-License-Identifier: ISC */
#include "base/assert.h"

#include "base/result.h"
#include "test/death.h"
#include "test/test.h"

static size_t evaluated;

static size_t count(size_t value)
{
    evaluated++;
    return value;
}

/* Read at run time, so that no compiler sees what comes. */
static volatile size_t three = 3;

static void fail_assert(void)
{
    assert(three == 4);
}

static void fail_values(void)
{
    assert_that(three * 5, <=, three + 11);
}

static void fail_panic(void)
{
    panic("state %zu is not one of %s", three, "ours");
}

static void fail_long(void)
{
    static char words[2000];
    __builtin_memset(words, 'x', sizeof words - 1);
    panic("%s", words);
}

static void name_no_result(void)
{
    (void)result_text((enum result)(99 + three - 3));
}

TEST(assert_lets_what_holds_pass)
{
    assert(three == 3);
    assert_that(three, ==, 3);
}

TEST(assert_evaluates_once_when_it_holds)
{
    evaluated = 0;
    assert_that(count(1), <, count(2));
    expect_that(evaluated, ==, 2);
}

TEST(assert_tells_the_place_and_the_condition)
{
    expect_death(fail_assert, "lib/base/assert_test.c:");
    expect_death(fail_assert, ": assertion failed: three == 4");
}

TEST(assert_tells_the_values)
{
    expect_death(fail_values, ": assertion failed: three * 5 <= three + 11 "
                              "(left 15 = 0xf, right 14 = 0xe)");
}

TEST(panic_tells_its_words)
{
    expect_death(fail_panic, ": state 3 is not one of ours");
}

/* The report is cut, and what fits of it is there. */
TEST(panic_cuts_long_words)
{
    expect_death(fail_long, ": xxxxxxxx");
}

TEST(panic_shows_who_called)
{
    expect_death(fail_panic, "#1");
}

TEST(result_has_words_for_each)
{
    for (unsigned i = OK; i <= FAILED; i++)
        expect(view_from_string(result_text((enum result)i)).length_bytes > 0);
    for (unsigned i = OK; i <= FAILED; i++) {
        for (unsigned j = OK; j < i; j++)
            expect(!view_equal(view_from_string(result_text((enum result)i)),
                               view_from_string(result_text((enum result)j))));
    }
    expect_death(name_no_result, "99 is not a result");
}
