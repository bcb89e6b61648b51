/* death.h - tests that something panics, as a contract says it does.
 *
 *     static void read_past_the_end(void) { (void)view_byte(VIEW("ab"), 2); }
 *     TEST(view_byte_holds_its_bounds) { expect_death(read_past_the_end, "index < "); }
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_DEATH_H
#define LOOM_DEATH_H

/* A deed, and where and how the test names it. */
struct death {
    const char *file;
    unsigned line;
    const char *name;
    void (*deed)(void);
};

/* Does the deed in a child process. The test fails when that did not end as one that crashed, or
 * its diagnostics do not hold `words`. */
void death_expect(const struct death *death, const char *words);

#define expect_death(deed, words) \
    death_expect(&(const struct death){ __FILE__, __LINE__, #deed, (deed) }, (words))

#endif
