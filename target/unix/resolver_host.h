/* resolver_host.h - names to addresses as the host has them: its hosts file, its DNS servers, its
 * order.
 *
 * The host's look-up (getaddrinfo) waits, so a crew of threads makes it.
 *
 * A fiber that has left (deadline, cancellation) leaves its query behind, and the loop frees it
 * when the thread is done with it. A query beyond `--resolver-queries` is FULL.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_HOST_H
#define LOOM_RESOLVER_HOST_H

#include "parameter/parameter.h"
#include "resolver/resolver.h"

struct resolver_host_parameters {
    uint64_t thread_count, query_count;
};
extern const struct parameter resolver_host_parameters[];

struct resolver_host_work;

struct resolver_host {
    struct resolver resolver;
    struct resolver_host_work *work; /* what the threads share, which may outlive this */
};

/* FULL: the host has no memory, descriptor or thread for it. */
enum result resolver_host_open(struct resolver_host *host,
                               const struct resolver_host_parameters *parameters) CHECKED;

/* No fiber may be waiting for it. Waits at most RESOLVER_HOST_CLOSE_NS for threads that are inside
 * the host's look-up; one that takes longer is left alone, and with it the memory it uses. */
void resolver_host_close(struct resolver_host *host);

#define RESOLVER_HOST_CLOSE_NS ((uint64_t)1000000000)

#endif
