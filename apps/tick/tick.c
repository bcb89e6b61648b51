/* tick.c - a lesson in fibers, deadlines, cancellation, scopes and mailboxes; README.md walks
 * through it.
 *
 * Three tickers tick at periods of their own and report to one mailbox. The first fiber reads it,
 * tells what happens, cancels the quick one half-way, and ends the others by closing their scope.
 *
 * SPDX-License-Identifier: ISC */
#include "tick.h"

#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "fiber/sync.h"
#include "target/clock.h"
#include "target/console.h"

const struct parameter tick_parameters[] = {
    PARAMETER_DURATION(struct tick_parameters, beat_ns, "beat", "250ms",
                       "period of the quick ticker; the others take two and three of it"),
    PARAMETER_DURATION(struct tick_parameters, duration_ns, "duration", "4s",
                       "how long the tickers run"),
    PARAMETER_END,
};

/* What a ticker has to say. It owns one letter, so no more than one can wait to be read. */
struct report {
    struct letter letter;
    struct ticker *from; /* NULL: a stop is requested */
};

struct ticker {
    struct task task;
    const char *name;
    uint64_t period_ns;
    struct mailbox *reports;
    struct report report;
    struct fiber *fiber; /* NULL before it starts and after it has ended */
    unsigned ticks, missed;
};

struct watchman {
    struct task task;
    struct mailbox *reports;
    struct report report;
};

struct tick {
    uint64_t start_ns;
    struct scope scope;
    struct mailbox reports;
    struct ticker quick, steady, slow;
    struct watchman watchman;
};

/* ---- a line on the console ---- */

__attribute__((format(printf, 2, 3))) static void say(uint64_t start_ns, const char *words, ...)
{
    uint8_t room[160];
    struct writer line = writer_over(SPAN_OF(room));
    uint64_t now_ms = (clock_monotonic_ns() - start_ns) / MS_NS;
    writer_format(&line, "%3u.%03u s  ", (unsigned)(now_ms / 1000), (unsigned)(now_ms % 1000));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&line, words, arguments);
    __builtin_va_end(arguments);
    writer_put(&line, VIEW("\n"));
    console_write(writer_view(&line));
}

/* ---- the tickers: a fiber each ---- */

static void ticker_tick(struct ticker *ticker)
{
    ticker->ticks++;
    if (list_holds(&ticker->report.letter.node))
        ticker->missed++; /* the last one has not been read: a bound, not a backlog */
    else
        mailbox_put(ticker->reports, &ticker->report.letter);
}

static void ticker_take_back(struct ticker *ticker)
{
    if (list_holds(&ticker->report.letter.node)) ticker->missed++;
    letter_withdraw(&ticker->report.letter);
}

/* Deadlines are absolute, so a tick that comes late does not delay those behind it. */
static void ticker_run(struct task *task)
{
    struct ticker *ticker = CONTAINER_OF(task, struct ticker, task);
    uint64_t deadline_ns = clock_monotonic_ns();
    ticker->fiber = fiber_current();
    do {
        deadline_ns += ticker->period_ns;
        if (fiber_sleep_until(deadline_ns) == CANCELLED) break;
        ticker_tick(ticker);
    } while (!fiber_is_cancelled());
    ticker->fiber = NULL;
    ticker_take_back(ticker);
}

/* Its next wait ends with CANCELLED, so it unwinds by itself. What it has not told stays untold. */
static void ticker_cancel(struct ticker *ticker)
{
    if (ticker->fiber != NULL) fiber_cancel(ticker->fiber);
    ticker_take_back(ticker);
}

/* To wait for two things, let both report to one mailbox. */
static void watchman_run(struct task *task)
{
    struct watchman *watchman = CONTAINER_OF(task, struct watchman, task);
    if (stop_wait(NEVER) == OK) mailbox_put(watchman->reports, &watchman->report.letter);
}

/* ---- the first fiber ---- */

/* Tells of every report until the deadline: TIMED_OUT is how that ends well, CLOSED that a stop is
 * requested. */
static enum result tell_until(struct tick *tick, uint64_t deadline_ns)
{
    struct letter *letter;
    enum result result;
    while ((result = mailbox_take(&tick->reports, &letter, deadline_ns)) == OK) {
        const struct report *report = CONTAINER_OF(letter, struct report, letter);
        if (report->from == NULL) return CLOSED;
        say(tick->start_ns, "%-6s tick %u", report->from->name, report->from->ticks);
    }
    return result;
}

static enum result play(struct tick *tick, const struct tick_parameters *parameters)
{
    uint64_t half_ns = deadline_after(tick->start_ns, parameters->duration_ns / 2);
    uint64_t end_ns = deadline_after(tick->start_ns, parameters->duration_ns);

    enum result result = tell_until(tick, half_ns);
    if (result != TIMED_OUT) return result;
    say(tick->start_ns, "half-time: the quick one is cancelled");
    ticker_cancel(&tick->quick);
    return tell_until(tick, end_ns);
}

static enum result start_all(struct tick *tick)
{
    struct ticker *tickers[] = { &tick->quick, &tick->steady, &tick->slow };
    for (size_t i = 0; i < LENGTH_OF(tickers); i++) {
        enum result result = fiber_start(&tick->scope, &tickers[i]->task, tickers[i]->name,
                                         STACK_SMALL);
        if (result != OK) return result;
    }
    return fiber_start(&tick->scope, &tick->watchman.task, "watchman", STACK_SMALL);
}

static struct ticker ticker_of(struct tick *tick, const char *name, struct ticker *self,
                               uint64_t period_ns)
{
    return (struct ticker){ .task = { ticker_run },
                            .name = name,
                            .period_ns = period_ns,
                            .reports = &tick->reports,
                            .report.from = self };
}

static const char *why_it_ends(enum result result)
{
    if (result == TIMED_OUT) return "time is up";
    return result == CLOSED ? "a stop is requested" : result_text(result);
}

static void tell_ending(const struct tick *tick)
{
    const struct ticker *tickers[] = { &tick->quick, &tick->steady, &tick->slow };
    for (size_t i = 0; i < LENGTH_OF(tickers); i++)
        say(tick->start_ns, "%-6s has ended: %u ticks, %u of them not told", tickers[i]->name,
            tickers[i]->ticks, tickers[i]->missed);
}

enum result tick_start(const struct tick_parameters *parameters)
{
    struct tick tick = { .start_ns = clock_monotonic_ns() };
    uint64_t beat_ns = MAX(parameters->beat_ns, MS_NS);
    mailbox_init(&tick.reports);
    tick.quick = ticker_of(&tick, "quick", &tick.quick, beat_ns);
    tick.steady = ticker_of(&tick, "steady", &tick.steady, 2 * beat_ns);
    tick.slow = ticker_of(&tick, "slow", &tick.slow, 3 * beat_ns);
    tick.watchman = (struct watchman){ .task = { watchman_run }, .reports = &tick.reports };

    say(tick.start_ns, "three tickers start");
    scope_open(&tick.scope, "tickers");
    enum result result = start_all(&tick);
    if (result == OK) result = play(&tick, parameters);
    say(tick.start_ns, "%s: the scope is closed", why_it_ends(result));
    scope_close(&tick.scope);
    tell_ending(&tick);
    return result == TIMED_OUT || result == CLOSED ? OK : result;
}
