/* resolver_host_slow_test.c - resolver_host where the host's look-up is slow: deadlines,
 * cancellation, a full queue, and closing meanwhile.
 *
 * The test brings its own getaddrinfo: "gate.test" waits until the test opens the gate, and every
 * other name is 192.0.2.1 at once.
 *
 * SPDX-License-Identifier: ISC */
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fiber/fiber.h"
#include "target/clock.h"
#include "target/unix/resolver_host.h"
#include "test/test.h"

static atomic_bool gate_open;
static atomic_uint lookups_inside;

static struct sockaddr_in answer = { .sin_family = AF_INET };
static struct addrinfo answers = { .ai_family = AF_INET,
                                   .ai_addrlen = sizeof answer,
                                   .ai_addr = (void *)&answer };

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    (void)service;
    (void)hints;
    atomic_fetch_add(&lookups_inside, 1);
    while (strcmp(name, "gate.test") == 0 && !atomic_load(&gate_open))
        (void)nanosleep(&pause, NULL);
    atomic_fetch_sub(&lookups_inside, 1);
    answer.sin_addr.s_addr = htonl(0xc0000201);
    *list = &answers;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    expect(list == &answers);
}

static const struct resolver_host_parameters parameters = { .thread_count = 2, .query_count = 3 };
static struct resolver_host host;

static void host_open(void)
{
    atomic_store(&gate_open, false);
    expect_ok(resolver_host_open(&host, &parameters));
}

static enum result look_up(struct view name, uint64_t deadline_ns)
{
    struct address address, wanted = address_ipv4(192, 0, 2, 1);
    size_t count;
    enum result result = resolver_lookup(&host.resolver, name, ADDRESS_ANY, &address, 1, &count,
                                         deadline_ns);
    if (result == OK) expect(address_equal(&address, &wanted));
    return result;
}

static uint64_t after(uint64_t duration_ns)
{
    return clock_monotonic_ns() + duration_ns;
}

static void wait_until_outside(void)
{
    uint64_t end_ns = after(10 * S_NS);
    while (atomic_load(&lookups_inside) > 0 && clock_monotonic_ns() < end_ns)
        (void)fiber_sleep(MS_NS);
}

TEST(resolver_host_answers_while_another_waits)
{
    host_open();
    expect_result(look_up(VIEW("gate.test"), after(20 * MS_NS)), TIMED_OUT);
    expect_ok(look_up(VIEW("quick.test"), after(10 * S_NS)));
    atomic_store(&gate_open, true);
    expect_ok(look_up(VIEW("gate.test"), after(10 * S_NS)));
    resolver_host_close(&host);
}

TEST(resolver_host_queue_is_bounded)
{
    host_open();
    for (unsigned i = 0; i < 2; i++)
        expect_result(look_up(VIEW("gate.test"), after(20 * MS_NS)), TIMED_OUT);
    /* Both threads are held. What no thread has taken is free again when its asker leaves. */
    for (unsigned i = 0; i < 5; i++)
        expect_result(look_up(VIEW("quick.test"), after(MS_NS)), TIMED_OUT);
    atomic_store(&gate_open, true);
    expect_ok(look_up(VIEW("quick.test"), after(10 * S_NS)));
    resolver_host_close(&host);
}

struct asker {
    struct task task;
    enum result result;
};

static void asker_run(struct task *task)
{
    CONTAINER_OF(task, struct asker, task)->result = look_up(VIEW("gate.test"), NEVER);
}

TEST(resolver_host_is_full)
{
    struct asker askers[4];
    struct scope scope;
    host_open();
    scope_open(&scope, "askers");
    for (size_t i = 0; i < LENGTH_OF(askers); i++) {
        askers[i] = (struct asker){ .task.run = asker_run };
        expect_ok(fiber_start(&scope, &askers[i].task, "asker", STACK_SMALL));
    }
    (void)fiber_sleep(20 * MS_NS);
    atomic_store(&gate_open, true);
    expect_ok(scope_wait(&scope, after(10 * S_NS)));
    for (size_t i = 0; i < 3; i++)
        expect_ok(askers[i].result);
    expect_result(askers[3].result, FULL);
    resolver_host_close(&host);
}

TEST(resolver_host_asker_is_cancelled)
{
    struct asker asker = { .task.run = asker_run };
    struct scope scope;
    host_open();
    scope_open(&scope, "askers");
    expect_ok(fiber_start(&scope, &asker.task, "asker", STACK_SMALL));
    (void)fiber_sleep(20 * MS_NS);
    scope_close(&scope);
    expect_result(asker.result, CANCELLED);
    atomic_store(&gate_open, true);
    expect_ok(look_up(VIEW("quick.test"), after(10 * S_NS)));
    resolver_host_close(&host);
}

TEST(resolver_host_closes_while_a_lookup_is_inside)
{
    host_open();
    expect_result(look_up(VIEW("gate.test"), after(20 * MS_NS)), TIMED_OUT);
    uint64_t begin_ns = clock_monotonic_ns();
    resolver_host_close(&host);
    uint64_t took_ns = clock_monotonic_ns() - begin_ns;
    expect_that(took_ns, >=, RESOLVER_HOST_CLOSE_NS - 10 * MS_NS);
    expect_that(took_ns, <, 3 * RESOLVER_HOST_CLOSE_NS);
    expect_that(atomic_load(&lookups_inside), ==, 1);
    atomic_store(&gate_open, true);
    wait_until_outside();
    (void)fiber_sleep(20 * MS_NS);
}
