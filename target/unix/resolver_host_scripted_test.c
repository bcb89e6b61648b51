/* resolver_host_scripted_test.c - resolver_host over a host that does what the test says: the
 * conformance suite, errors, deadlines, cancellation, a full queue, and closing meanwhile.
 *
 * The test brings its own getaddrinfo: "gate.test" waits until the test opens the gate, some names
 * fail, and every other has the addresses 2001:db8::1 and 192.0.2.1.
 *
 * SPDX-License-Identifier: ISC */
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <strings.h>
#include <time.h>

#include "fiber/fiber.h"
#include "resolver/resolver_suite.h"
#include "target/clock.h"
#include "target/unix/resolver_host.h"
#include "test/test.h"

static atomic_bool gate_open;
static atomic_uint lookups_inside;

static struct sockaddr_in ipv4 = { .sin_family = AF_INET };
static struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };

/* As the host does, each address stands there once a socket type. */
static struct addrinfo rows[] = {
    { .ai_family = AF_INET6,
      .ai_addrlen = sizeof ipv6,
      .ai_addr = (void *)&ipv6,
      .ai_next = &rows[1] },
    { .ai_family = AF_INET6,
      .ai_addrlen = sizeof ipv6,
      .ai_addr = (void *)&ipv6,
      .ai_next = &rows[2] },
    { .ai_family = AF_INET,
      .ai_addrlen = sizeof ipv4,
      .ai_addr = (void *)&ipv4,
      .ai_next = &rows[3] },
    { .ai_family = AF_INET, .ai_addrlen = sizeof ipv4, .ai_addr = (void *)&ipv4 },
};
static struct addrinfo row_of_ipv6 = { .ai_family = AF_INET6,
                                       .ai_addrlen = sizeof ipv6,
                                       .ai_addr = (void *)&ipv6 };

__attribute__((constructor)) static void set_addresses(void)
{
    ipv4.sin_addr.s_addr = htonl(0xc0000201);
    ipv6.sin6_addr.s6_addr[0] = 0x20;
    ipv6.sin6_addr.s6_addr[1] = 0x01;
    ipv6.sin6_addr.s6_addr[2] = 0x0d;
    ipv6.sin6_addr.s6_addr[3] = 0xb8;
    ipv6.sin6_addr.s6_addr[15] = 1;
}

static const struct {
    const char *name;
    int error;
} failures[] = {
    { "nobody.test", EAI_NONAME }, { "nodata.test", EAI_NODATA }, { "again.test", EAI_AGAIN },
    { "fail.test", EAI_FAIL },     { "memory.test", EAI_MEMORY },
};

static void wait_at_gate(const char *name)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    atomic_fetch_add(&lookups_inside, 1);
    while (strcasecmp(name, "gate.test") == 0 && !atomic_load(&gate_open))
        (void)nanosleep(&pause, NULL);
    atomic_fetch_sub(&lookups_inside, 1);
}

/* They take the places of the host's calls when the program is linked. */
int scripted_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                         struct addrinfo **list) __asm__("getaddrinfo");
void scripted_freeaddrinfo(struct addrinfo *list) __asm__("freeaddrinfo");

int scripted_getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                         struct addrinfo **list)
{
    (void)service;
    wait_at_gate(name);
    for (size_t i = 0; i < LENGTH_OF(failures); i++) {
        if (strcasecmp(name, failures[i].name) == 0) return failures[i].error;
    }
    *list = hints->ai_family == AF_INET ? &rows[2] : &rows[0];
    if (hints->ai_family == AF_INET6) *list = &row_of_ipv6;
    return 0;
}

void scripted_freeaddrinfo(struct addrinfo *list)
{
    assert(list == &rows[0] || list == &rows[2] || list == &row_of_ipv6);
}

/* ---- the suite ---- */

static const struct resolver_host_parameters suite_parameters = { .thread_count = 3,
                                                                  .query_count = 16 };
static struct resolver_host suite_host;

static struct resolver *suite_open(struct resolver_fixture *fixture)
{
    (void)fixture;
    expect_ok(resolver_host_open(&suite_host, &suite_parameters));
    return &suite_host.resolver;
}

static void suite_close(struct resolver_fixture *fixture)
{
    (void)fixture;
    resolver_host_close(&suite_host);
}

static struct resolver_fixture fixture = {
    .open = suite_open,
    .close = suite_close,
    .name = { (const uint8_t *)"loom.test", 9 },
    .ipv4 = { ADDRESS_IPV4, { 192, 0, 2, 1 } },
    .ipv6 = { ADDRESS_IPV6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
    .unknown = { (const uint8_t *)"nobody.test", 11 },
};

RESOLVER_SUITE(resolver_host_scripted, &fixture)

TEST(resolver_host_keeps_the_order_without_doubles)
{
    struct resolver *resolver = suite_open(NULL);
    struct address addresses[4];
    size_t count;
    expect_ok(resolver_lookup(resolver, VIEW("loom.test"), ADDRESS_ANY, addresses, 4, &count,
                              clock_monotonic_ns() + 10 * S_NS));
    expect_that(count, ==, 2);
    expect(address_equal(&addresses[0], &fixture.ipv6));
    expect(address_equal(&addresses[1], &fixture.ipv4));
    suite_close(NULL);
}

static enum result suite_look_up(struct view name)
{
    struct address address;
    size_t count;
    return resolver_lookup(&suite_host.resolver, name, ADDRESS_ANY, &address, 1, &count,
                           clock_monotonic_ns() + 10 * S_NS);
}

TEST(resolver_host_tells_errors_apart)
{
    (void)suite_open(NULL);
    expect_result(suite_look_up(VIEW("nobody.test")), NOT_FOUND);
    expect_result(suite_look_up(VIEW("nodata.test")), NOT_FOUND);
    expect_result(suite_look_up(VIEW("again.test")), FAILED);
    expect_result(suite_look_up(VIEW("fail.test")), FAILED);
    expect_result(suite_look_up(VIEW("memory.test")), FULL);
    suite_close(NULL);
}

/* ---- slow look-ups ---- */

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
    enum result result = resolver_lookup(&host.resolver, name, ADDRESS_IPV4, &address, 1, &count,
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
