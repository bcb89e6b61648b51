/* resolver_host_thread.c - the threads that wait for the host's look-up, so that no fiber must.
 *
 * SPDX-License-Identifier: ISC */
#include <netdb.h>
#include <unistd.h>

#include "target/unix/resolver_host_work.h"
#include "target/unix/stack_socket_address.h"

static enum result result_of(int error)
{
    switch (error) {
    case 0: return OK;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY: return NOT_FOUND;
    case EAI_MEMORY: return FULL;
    default: return FAILED;
    }
}

static bool is_known(const struct resolver_host_query *query, const struct address *address)
{
    for (size_t i = 0; i < query->count; i++) {
        if (address_equal(&query->addresses[i], address)) return true;
    }
    return false;
}

static void take_answers(struct resolver_host_query *query, const struct addrinfo *list)
{
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
        union socket_address from = { 0 };
        if (info->ai_addrlen > sizeof from || query->count == LENGTH_OF(query->addresses)) continue;
        (void)span_copy(SPAN_OF(from), view_from(info->ai_addr, info->ai_addrlen));
        struct address address = socket_address_endpoint(&from).address;
        if (address.family == ADDRESS_ANY || is_known(query, &address)) continue;
        query->addresses[query->count++] = address;
    }
}

/* The host's order is RFC 6724's already. */
static void look_up(struct resolver_host_query *query)
{
    const struct addrinfo hints = { .ai_family = query->family, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    query->count = 0;
    query->result = result_of(getaddrinfo(query->name, NULL, &hints, &list));
    if (query->result == OK) take_answers(query, list);
    if (query->result == OK && query->count == 0) query->result = NOT_FOUND;
    if (list != NULL) freeaddrinfo(list);
}

/* Waits for a query; NULL: the work ends. The lock is held. */
static struct resolver_host_query *take_query(struct resolver_host_work *work)
{
    while (!work->stopping && list_is_empty(&work->waiting))
        (void)pthread_cond_wait(&work->changed, &work->lock);
    if (work->stopping) return NULL;
    return CONTAINER_OF(list_take(&work->waiting), struct resolver_host_query, node);
}

void *resolver_host_thread(void *argument)
{
    struct resolver_host_work *work = argument;
    struct resolver_host_query *query;
    (void)pthread_mutex_lock(&work->lock);
    while ((query = take_query(work)) != NULL) {
        const uint64_t one = 1;
        (void)pthread_mutex_unlock(&work->lock);
        look_up(query);
        (void)pthread_mutex_lock(&work->lock);
        list_append(&work->answered, &query->node);
        /* An eventfd takes this unless its count is near 2^64, and then the loop is awake. */
        ssize_t written = write(work->event, &one, sizeof one);
        (void)written;
    }
    (void)pthread_mutex_unlock(&work->lock);
    return NULL;
}
