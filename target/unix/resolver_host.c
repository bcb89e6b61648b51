/* resolver_host.c - names to addresses as the host has them: the fibers' side.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/resolver_host.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static void deliver(struct resolver_host_work *work, struct resolver_host_query *query)
{
    query->answered = true;
    if (query->abandoned) {
        release(work, query);
        return;
    }
    waiters_wake_one(&query->asker);
}

static struct resolver_host_query *take_answered(struct resolver_host_work *work)
{
    (void)pthread_mutex_lock(&work->lock);
    struct list_node *node = list_take(&work->answered);
    (void)pthread_mutex_unlock(&work->lock);
    return node == NULL ? NULL : CONTAINER_OF(node, struct resolver_host_query, node);
}

static void work_ready(struct poll *poll, uint32_t events)
{
    struct resolver_host_work *work = CONTAINER_OF(poll, struct resolver_host_work, poll);
    struct resolver_host_query *query;
    uint64_t count;
    (void)events;
    if (read(work->event, &count, sizeof count) < 0) assert_that(errno, ==, EAGAIN);
    while ((query = take_answered(work)) != NULL)
        deliver(work, query);
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

static void submit(struct resolver_host_work *work, struct resolver_host_query *query)
{
    (void)pthread_mutex_lock(&work->lock);
    list_append(&work->waiting, &query->node);
    (void)pthread_cond_signal(&work->changed);
    (void)pthread_mutex_unlock(&work->lock);
}

/* The asker leaves before the answer. A query that no thread has taken yet is free at once. */
static void abandon(struct resolver_host_work *work, struct resolver_host_query *query)
{
    bool was_waiting = false;
    query->abandoned = true;
    (void)pthread_mutex_lock(&work->lock);
    list_for_each (node, &work->waiting)
        was_waiting = was_waiting || node == &query->node;
    if (was_waiting) list_remove(&query->node);
    (void)pthread_mutex_unlock(&work->lock);
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
    submit(work, query);
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

/* Signals are for the loop. */
static enum result start_threads(struct resolver_host_work *work, size_t count)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    assert_that(error, ==, 0);
    (void)pthread_attr_setstacksize(&attributes,
                                    MAX(THREAD_STACK_BYTES, (size_t)PTHREAD_STACK_MIN));
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (error == 0 && work->thread_count < count) {
        error = pthread_create(&work->threads[work->thread_count], &attributes,
                               resolver_host_thread, work);
        if (error == 0) work->thread_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (error != 0) log_error("cannot start a thread: the host's limit is reached (ulimit -u)");
    return error == 0 ? OK : FULL;
}

static enum result make_event(struct resolver_host_work *work)
{
    work->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (work->event < 0) return FULL;
    work->poll = (struct poll){ .descriptor = work->event, .ready = work_ready };
    return poll_add(&work->poll);
}

static void lay_out_work(struct resolver_host_work *work, size_t query_count)
{
    (void)pthread_mutex_init(&work->lock, NULL);
    (void)pthread_cond_init(&work->changed, NULL);
    list_init(&work->waiting);
    list_init(&work->answered);
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
    struct span memory;
    size_t queries_bytes = parameters->query_count * sizeof(struct resolver_host_query);
    *host = (struct resolver_host){ .resolver.ops = &resolver_host_ops };
    enum result result = memory_take(sizeof(struct resolver_host_work) + queries_bytes, &memory);
    if (result != OK) return result;
    host->work = (void *)memory.bytes;
    host->work->memory = memory;
    lay_out_work(host->work, parameters->query_count);
    result = make_event(host->work);
    if (result == OK) result = start_threads(host->work, parameters->thread_count);
    if (result != OK) resolver_host_close(host);
    return result;
}

/* ---- closing ---- */

static struct timespec join_deadline(void)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += (time_t)(RESOLVER_HOST_CLOSE_NS / S_NS);
    return end;
}

/* How many threads are still inside the host's look-up. */
static size_t end_threads(struct resolver_host_work *work)
{
    struct timespec end = join_deadline();
    size_t left = 0;
    (void)pthread_mutex_lock(&work->lock);
    work->stopping = true;
    (void)pthread_cond_broadcast(&work->changed);
    (void)pthread_mutex_unlock(&work->lock);
    for (size_t i = 0; i < work->thread_count; i++) {
        if (pthread_timedjoin_np(work->threads[i], NULL, &end) == 0) continue;
        (void)pthread_detach(work->threads[i]);
        left++;
    }
    return left;
}

void resolver_host_close(struct resolver_host *host)
{
    struct resolver_host_work *work = host->work;
    poll_remove(&work->poll);
    for (size_t i = 0; i < work->query_count; i++)
        assert(waiters_is_empty(&work->queries[i].asker));
    host->work = NULL;
    size_t left = end_threads(work);
    if (left > 0) {
        log_warning("%zu look-ups of the host are still under way and are left behind", left);
        return;
    }
    if (work->event >= 0) (void)close(work->event);
    (void)pthread_cond_destroy(&work->changed);
    (void)pthread_mutex_destroy(&work->lock);
    memory_give_back(work->memory);
}
