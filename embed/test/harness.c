/* harness.c - runs the tests of one program and counts them.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/test/harness.h"

#include <stdarg.h>

static struct test *first, **last = &first;
static struct test *running;
static unsigned passed;

void test_register(struct test *test)
{
    *last = test;
    last = &test->next;
}

void test_fail(const char *file, unsigned line, const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    printf("not ok  %s - %s:%u: ", running->name, file, line);
    vprintf(words, arguments);
    printf("\n%u passed, 1 failed, 0 skipped\n", passed);
    va_end(arguments);
    fflush(stdout);
    _Exit(1);
}

uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int is_wanted(const struct test *test, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (strstr(test->name, words[i]) != NULL) return 1;
    }
    return count == 1;
}

int main(int count, char **words)
{
    for (running = first; running != NULL; running = running->next) {
        if (!is_wanted(running, count, words)) continue;
        running->run();
        passed++;
        printf("ok      %s\n", running->name);
        fflush(stdout);
    }
    printf("%u passed, 0 failed, 0 skipped\n", passed);
    return 0;
}
