/* resolver_host.c - names to addresses as the host has them: the fibers' side.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/resolver_host.h"

#include <sys/socket.h>

#include "resolver/resolver_name.h"
#include "target/memory.h"
#include "target/unix/resolver_host_work.h"

#define LOG_MODULE "resolver"
#include "log/log.h"

#define THREAD_STACK_BYTES ((size_t)256 * KIB)

const struct parameter resolver_host_parameters[] = {
    PARAMETER_NUMBER(struct resolver_host_parameters, thread_count, "resolver-threads", "2", 1,
                     RESOLVER_HOST_THREADS_MAX, "names that the host looks up at once"),
    PARAMETER_NUMBER(struct resolver_host_parameters, query_count, "resolver-queries", "64", 1,
                     65536, "look-ups that may be under way or waiting"),
    PARAMETER_END,
};

/* ---- queries ---- */

static void release(struct resolver_host_work *work, struct resolver_host_query *query)
{
    list_prepend(&work->free, &query->node);
}

static void deliver(struct crew *crew, struct list_node *node)
{
    struct resolver_host_work *work = CONTAINER_OF(crew, struct resolver_host_work, crew);
    struct resolver_host_query *query = CONTAINER_OF(node, struct resolver_host_query, node);
    query->answered = true;
    if (query->abandoned) {
        release(work, query);
        return;
    }
    waiters_wake_one(&query->asker);
}

/* A last dot keeps the host from trying its search domains, but its hosts file knows no such names;
 * localhost is to be found all the same (RFC 6761 6.3). */
static struct view name_for_host(struct view name)
{
    return view_equal_ignoring_case(name, VIEW("localhost.")) ? VIEW("localhost") : name;
}

static struct resolver_host_query *make_query(struct resolver_host_work *work, struct view name,
                                              enum address_family family)
{
    static const int families[] = {
        [ADDRESS_ANY] = AF_UNSPEC, [ADDRESS_IPV4] = AF_INET, [ADDRESS_IPV6] = AF_INET6
    };
    struct list_node *node = list_take(&work->free);
    if (node == NULL) return NULL;
    struct resolver_host_query *query = CONTAINER_OF(node, struct resolver_host_query, node);
    *query = (struct resolver_host_query){ .family = families[family] };
    (void)span_copy(span_from(query->name, sizeof query->name), name_for_host(name));
    waiters_init(&query->asker);
    return query;
}

/* The asker leaves before the answer. A query that no thread has taken yet is free at once. */
static void abandon(struct resolver_host_work *work, struct resolver_host_query *query)
{
    bool was_waiting = false;
    query->abandoned = true;
    (void)pthread_mutex_lock(&work->crew.lock);
    list_for_each (node, &work->crew.waiting)
        was_waiting = was_waiting || node == &query->node;
    if (was_waiting) list_remove(&query->node);
    (void)pthread_mutex_unlock(&work->crew.lock);
    if (was_waiting) release(work, query);
}

static enum result take_answer(struct resolver_host_query *query, struct address addresses[],
                               size_t room, size_t *count)
{
    if (query->result != OK) return query->result;
    *count = MIN(query->count, room);
    for (size_t i = 0; i < *count; i++)
        addresses[i] = query->addresses[i];
    return OK;
}

static enum result resolver_host_lookup(struct resolver *resolver, struct view name,
                                        enum address_family family, struct address addresses[],
                                        size_t room, size_t *count, uint64_t deadline_ns)
{
    struct resolver_host_work *work = CONTAINER_OF(resolver, struct resolver_host, resolver)->work;
    enum result result = resolver_name_read(name, family, &addresses[0]);
    if (result == OK) *count = 1;
    if (result != UNSUPPORTED) return result;
    struct resolver_host_query *query = make_query(work, name, family);
    if (query == NULL) return FULL;
    crew_give(&work->crew, &query->node);
    while (!query->answered) {
        result = waiters_wait(&query->asker, "resolver_lookup", deadline_ns);
        if (result != OK && !query->answered) {
            abandon(work, query);
            return result;
        }
    }
    result = take_answer(query, addresses, room, count);
    release(work, query);
    return result;
}

static const struct resolver_ops resolver_host_ops = RESOLVER_OPS(resolver_host);

/* ---- opening ---- */

static void lay_out_work(struct resolver_host_work *work, size_t query_count)
{
    list_init(&work->free);
    work->query_count = query_count;
    for (size_t i = 0; i < query_count; i++) {
        waiters_init(&work->queries[i].asker);
        list_append(&work->free, &work->queries[i].node);
    }
}

enum result resolver_host_open(struct resolver_host *host,
                               const struct resolver_host_parameters *parameters)
{
    const struct crew_options options = { .carry_out = resolver_host_look_up,
                                          .tell = deliver,
                                          .thread_count = parameters->thread_count,
                                          .stack_bytes = THREAD_STACK_BYTES };
    struct span memory;
    size_t queries_bytes = parameters->query_count * sizeof(struct resolver_host_query);
    *host = (struct resolver_host){ .resolver.ops = &resolver_host_ops };
    enum result result = memory_take(sizeof(struct resolver_host_work) + queries_bytes, &memory);
    if (result != OK) return result;
    host->work = (void *)memory.bytes;
    host->work->memory = memory;
    lay_out_work(host->work, parameters->query_count);
    result = crew_open(&host->work->crew, &options);
    if (result != OK) memory_give_back(memory);
    return result;
}

/* ---- closing ---- */

void resolver_host_close(struct resolver_host *host)
{
    struct resolver_host_work *work = host->work;
    for (size_t i = 0; i < work->query_count; i++)
        assert(waiters_is_empty(&work->queries[i].asker));
    host->work = NULL;
    size_t left = crew_close(&work->crew, RESOLVER_HOST_CLOSE_NS);
    if (left > 0) {
        log_warning("%zu look-ups of the host are still under way and are left behind", left);
        return;
    }
    memory_give_back(work->memory);
}
