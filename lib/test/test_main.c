/* test_main.c - runs the tests that registered, one after another, each on a fiber of its own in a
 * scope of its own.
 *
 * SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "fiber/stop.h"
#include "target/hosted/arguments.h"
#include "target/hosted/crash.h"
#include "target/hosted/process.h"
#include "test/test.h"

#define GUARDED_MAX       64
#define GUARDED_BYTES_MAX ((size_t)64 * 1024)
#define PAGE_BYTES        ((size_t)4096)

enum outcome { PASSED, BROKE, SKIPPED };

static struct {
    struct test *first, **last;
    unsigned counts[3];
    int word_count;
    char **words;

    jmp_buf end; /* of the running test */
    struct test *running;
    struct fiber *fiber; /* that the tests run on */
    enum outcome outcome;
    char why[1024];
    struct guarded {
        void *pages;
        size_t length_bytes;
    } guarded[GUARDED_MAX];
    size_t guarded_count;
} harness = { .last = &harness.first };

void test_register(struct test *test)
{
    assert(!test->registered);
    test->registered = true;
    *harness.last = test;
    harness.last = &test->next;
}

/* Counts and prints how the running test ended. */
static void conclude(void)
{
    const char *name = harness.running->name;
    harness.counts[harness.outcome]++;
    switch (harness.outcome) {
    case PASSED: printf("ok      %s\n", name); break;
    case BROKE: printf("not ok  %s - %s\n", name, harness.why); break;
    case SKIPPED: printf("skip    %s - %s\n", name, harness.why); break;
    }
    (void)fflush(stdout);
}

static bool is_wanted(const struct test *test)
{
    for (int i = 0; i < harness.word_count; i++) {
        if (strstr(test->name, harness.words[i]) != NULL) return true;
    }
    return harness.word_count == 0;
}

/* A word that no name holds is a slip of the pen, and nothing run is nothing passed. */
static bool words_fit(void)
{
    for (int i = 0; i < harness.word_count; i++) {
        const struct test *test = harness.first;
        while (test != NULL && strstr(test->name, harness.words[i]) == NULL)
            test = test->next;
        if (test != NULL) continue;
        (void)fprintf(stderr, "no test here has a name with \"%s\" in it; without words all run\n",
                      harness.words[i]);
        return false;
    }
    return true;
}

static unsigned left_behind(void)
{
    unsigned count = 0;
    for (struct test *test = harness.first; test != NULL; test = test->next)
        count += is_wanted(test);
    return count - harness.counts[PASSED] - harness.counts[BROKE] - harness.counts[SKIPPED];
}

static void print_counts(void)
{
    if (left_behind() > 0)
        printf("        %u tests behind the failed one did not run\n", left_behind());
    printf("%u passed, %u failed, %u skipped\n", harness.counts[PASSED],
           harness.counts[BROKE] + left_behind(), harness.counts[SKIPPED]);
    (void)fflush(stdout);
}

/* Without cleaning up: fibers of a failed test may still wait. */
__attribute__((noreturn)) static void end_program(void)
{
    print_counts();
    _Exit(1);
}

/* From another fiber there is no way back into the test, so that ends the program. */
__attribute__((noreturn)) static void end_test(enum outcome outcome)
{
    harness.outcome = outcome;
    if (fiber_current() == harness.fiber) longjmp(harness.end, 1);
    harness.outcome = BROKE;
    conclude();
    end_program();
}

void test_fail(const char *file, unsigned line, const char *words, ...)
{
    int length = snprintf(harness.why, sizeof harness.why, "%s:%u: ", file, line);
    va_list arguments;
    va_start(arguments, words);
    (void)vsnprintf(harness.why + length, sizeof harness.why - (size_t)length, words, arguments);
    va_end(arguments);
    end_test(BROKE);
}

void test_skip(const char *reason)
{
    (void)snprintf(harness.why, sizeof harness.why, "%s", reason);
    end_test(SKIPPED);
}

struct view test_guarded(struct view bytes)
{
    assert(bytes.length_bytes <= GUARDED_BYTES_MAX);
    assert(harness.guarded_count < GUARDED_MAX);
    size_t pages_bytes = (bytes.length_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    uint8_t *pages = mmap(NULL, pages_bytes + PAGE_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert(pages != MAP_FAILED);
    int protected = mprotect(pages + pages_bytes, PAGE_BYTES, PROT_NONE);
    assert(protected == 0);
    harness.guarded[harness.guarded_count++] = (struct guarded){ pages, pages_bytes + PAGE_BYTES };
    uint8_t *start = pages + pages_bytes - bytes.length_bytes;
    if (bytes.length_bytes > 0) memcpy(start, bytes.bytes, bytes.length_bytes);
    return view_from(start, bytes.length_bytes);
}

uint64_t test_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

static const struct stop_parameters stop_defaults = { 10 * S_NS };

static void run_one(struct test *test)
{
    harness.running = test;
    harness.outcome = PASSED;
    stop_open(&stop_defaults);
    if (setjmp(harness.end) == 0) test->run();
    stop_close();
    for (; harness.guarded_count > 0; harness.guarded_count--) {
        const struct guarded *guarded = &harness.guarded[harness.guarded_count - 1];
        (void)munmap(guarded->pages, guarded->length_bytes);
    }
    conclude();
}

/* A failed test leaves its fibers and devices as they were, so nothing can be said of those behind
 * it. */
static void run_all(struct task *task)
{
    (void)task;
    harness.fiber = fiber_current();
    for (struct test *test = harness.first; test != NULL; test = test->next) {
        if (!is_wanted(test)) continue;
        run_one(test);
        if (harness.outcome == BROKE) break;
    }
}

int main(int count, char *words[])
{
    crash_handlers_install();
    arguments_set(1, words);
    harness.word_count = count - 1;
    harness.words = words + 1;
    if (!words_fit()) return 2;

    static const struct fiber_parameters fibers = { 1024, 64, 16 };
    static struct task task = { run_all };
    if (process_open() != OK || fiber_open(&fibers) != OK) return 1;
    fiber_run(&task, "test");
    if (harness.counts[BROKE] > 0) end_program();
    fiber_close();
    process_close();
    print_counts();
    return 0;
}
