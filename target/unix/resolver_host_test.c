/* resolver_host_test.c - the conformance suite of resolvers on what this host really knows; the
 * rest is in resolver_host_scripted_test.c.
 *
 * SPDX-License-Identifier: ISC */
#include <netdb.h>

#include "resolver/resolver_suite.h"
#include "target/clock.h"
#include "target/unix/resolver_host.h"

static const struct resolver_host_parameters parameters = { .thread_count = 2, .query_count = 16 };
static struct resolver_host host;

static struct resolver *host_open(struct resolver_fixture *fixture)
{
    (void)fixture;
    expect_ok(resolver_host_open(&host, &parameters));
    return &host.resolver;
}

static void host_close(struct resolver_fixture *fixture)
{
    (void)fixture;
    resolver_host_close(&host);
}

static struct resolver_fixture fixture = {
    .open = host_open,
    .close = host_close,
    .name = { (const uint8_t *)"localhost", 9 },
    .ipv4 = { ADDRESS_IPV4, { 127, 0, 0, 1 } },
    .ipv6 = { ADDRESS_IPV6, { [15] = 1 } },
    .no_unknown = "a host without a DNS server cannot tell",
};

/* Before any test runs: what this host's localhost has. */
__attribute__((constructor)) static void look_for_ipv6(void)
{
    const struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    if (getaddrinfo("localhost", NULL, &hints, &list) == 0) {
        freeaddrinfo(list);
        return;
    }
    fixture.no_ipv6 = "this host's localhost has no IPv6 address";
}

RESOLVER_SUITE(resolver_host, &fixture)

/* RFC 6761 6.4 keeps this name from ever existing. */
TEST(resolver_host_finds_no_invalid_name)
{
    struct resolver *resolver = host_open(NULL);
    struct address address;
    size_t count;
    enum result result = resolver_lookup(resolver, VIEW("no-such-name.invalid"), ADDRESS_ANY,
                                         &address, 1, &count, clock_monotonic_ns() + 20 * S_NS);
    expect(result == NOT_FOUND || result == FAILED);
    host_close(NULL);
}
