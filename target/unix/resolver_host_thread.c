/* resolver_host_thread.c - the host's look-up, which waits: what the threads do.
 *
 * SPDX-License-Identifier: ISC */
#include <netdb.h>

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
void resolver_host_look_up(struct crew *crew, struct list_node *node)
{
    struct resolver_host_query *query = CONTAINER_OF(node, struct resolver_host_query, node);
    const struct addrinfo hints = { .ai_family = query->family, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    (void)crew;
    query->count = 0;
    query->result = result_of(getaddrinfo(query->name, NULL, &hints, &list));
    if (query->result == OK) take_answers(query, list);
    if (query->result == OK && query->count == 0) query->result = NOT_FOUND;
    if (list != NULL) freeaddrinfo(list);
}
