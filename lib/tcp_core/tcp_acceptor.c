/* tcp_acceptor.c - who listens, found by port; and the queue of complete connections.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_acceptor.h"

#include "target/memory.h"
#include "tcp_core/tcp_connection.h"
#include "tcp_core/tcp_core_state.h"

enum result tcp_acceptors_open(struct tcp_core *core)
{
    struct tcp_acceptors *acceptors = &core->acceptors;
    size_t count = core->parameters.acceptor_count;
    assert_that(count, <=, UINT16_MAX);
    *acceptors = (struct tcp_acceptors){ .count = count };
    if (count == 0) return OK;
    enum result result = memory_take(count * sizeof *acceptors->records, &acceptors->memory);
    if (result != OK) return result;
    void *records = acceptors->memory.bytes;
    acceptors->records = records;
    for (size_t i = count; i > 0; i--) {
        acceptors->records[i - 1].next = acceptors->free;
        acceptors->free = &acceptors->records[i - 1];
    }
    return OK;
}

void tcp_acceptors_close(struct tcp_core *core)
{
    memory_give_back(core->acceptors.memory);
    core->acceptors = (struct tcp_acceptors){ 0 };
}

struct tcp_acceptor *tcp_acceptor_at(const struct tcp_core *core, uint16_t index)
{
    assert_that(index, <, core->acceptors.count);
    return &core->acceptors.records[index];
}

uint16_t tcp_acceptor_index(const struct tcp_acceptor *acceptor)
{
    return (uint16_t)(acceptor - acceptor->core->acceptors.records);
}

/* ---- finding ---- */

static struct tcp_acceptor **bucket_of(struct tcp_acceptors *acceptors, uint16_t port)
{
    return &acceptors->buckets[port % TCP_ACCEPTOR_BUCKETS];
}

static struct tcp_acceptor *first_in_bucket(const struct tcp_core *core, uint16_t port)
{
    return core->acceptors.buckets[port % TCP_ACCEPTOR_BUCKETS];
}

static bool is_any(const struct endpoint *endpoint)
{
    return endpoint->address.family == ADDRESS_ANY;
}

struct tcp_acceptor *tcp_acceptor_find(const struct tcp_core *core, const struct endpoint *local)
{
    struct tcp_acceptor *of_any = NULL;
    for (struct tcp_acceptor *a = first_in_bucket(core, local->port); a != NULL; a = a->next) {
        if (a->local.port != local->port) continue;
        if (is_any(&a->local))
            of_any = a;
        else if (address_equal(&a->local.address, &local->address))
            return a;
    }
    return of_any;
}

bool tcp_acceptor_has_port(const struct tcp_core *core, uint16_t port)
{
    struct tcp_acceptor *a = first_in_bucket(core, port);
    while (a != NULL && a->local.port != port)
        a = a->next;
    return a != NULL;
}

/* ---- opening and closing ---- */

static bool is_taken(const struct tcp_core *core, const struct endpoint *local)
{
    struct tcp_acceptor *a = first_in_bucket(core, local->port);
    while (a != NULL && !endpoint_equal(&a->local, local))
        a = a->next;
    return a != NULL;
}

static void link_in(struct tcp_acceptor *acceptor)
{
    struct tcp_acceptor **bucket = bucket_of(&acceptor->core->acceptors, acceptor->local.port);
    acceptor->next = *bucket;
    *bucket = acceptor;
}

static void unlink_from(struct tcp_acceptor *acceptor)
{
    struct tcp_acceptor **link = bucket_of(&acceptor->core->acceptors, acceptor->local.port);
    while (*link != acceptor)
        link = &(*link)->next;
    *link = acceptor->next;
}

enum result tcp_acceptor_open(struct tcp_core *core, const struct endpoint *local, size_t backlog,
                              struct tcp_acceptor_user *user, struct tcp_acceptor **acceptor)
{
    assert(backlog > 0 && user->acceptable != NULL);
    struct endpoint wanted = *local;
    if (!is_any(&wanted) && !ip_is_ours(core->ip, &wanted.address)) return UNREACHABLE;
    if (wanted.port == 0) {
        enum result result = tcp_port_for_acceptor(core, &wanted.port);
        if (result != OK) return result;
    }
    if (is_taken(core, &wanted)) return EXISTS;
    struct tcp_acceptor *opened = core->acceptors.free;
    if (opened == NULL) return FULL;
    core->acceptors.free = opened->next;
    *opened = (struct tcp_acceptor){
        .core = core,
        .local = wanted,
        .user = user,
        .backlog = backlog,
        .open = true,
    };
    list_init(&opened->complete);
    link_in(opened);
    *acceptor = opened;
    return OK;
}

const struct endpoint *tcp_acceptor_local(const struct tcp_acceptor *acceptor)
{
    return &acceptor->local;
}

void tcp_acceptor_set_traffic_class(struct tcp_acceptor *acceptor, uint8_t traffic_class)
{
    acceptor->traffic_class = traffic_class & (uint8_t)~IP_ECN_MASK;
}

void tcp_acceptor_drain(struct tcp_acceptor *acceptor)
{
    acceptor->draining = true;
}

void tcp_acceptor_close(struct tcp_acceptor *acceptor)
{
    assert(acceptor->open);
    struct tcp_core *core = acceptor->core;
    tcp_syn_forget_acceptor(core, acceptor);
    for (struct tcp_connection *connection = tcp_acceptor_take(acceptor); connection != NULL;
         connection = tcp_acceptor_take(acceptor))
        tcp_connection_abort(connection);
    unlink_from(acceptor);
    acceptor->open = false;
    acceptor->next = core->acceptors.free;
    core->acceptors.free = acceptor;
}

/* ---- the queue ---- */

bool tcp_acceptor_holds(const struct tcp_acceptor *acceptor)
{
    return acceptor->complete_count > 0;
}

void tcp_acceptor_queue(struct tcp_acceptor *acceptor, struct tcp_connection *connection)
{
    assert(!tcp_acceptor_is_full(acceptor));
    connection->acceptor = acceptor;
    list_append(&acceptor->complete, &connection->queue);
    acceptor->complete_count++;
    acceptor->user->acceptable(acceptor->user);
}

void tcp_acceptor_forget(struct tcp_connection *connection)
{
    struct tcp_acceptor *acceptor = connection->acceptor;
    list_remove(&connection->queue);
    connection->acceptor = NULL;
    acceptor->complete_count--;
}

struct tcp_connection *tcp_acceptor_take(struct tcp_acceptor *acceptor)
{
    struct list_node *node = list_first(&acceptor->complete);
    if (node == NULL) return NULL;
    struct tcp_connection *connection = CONTAINER_OF(node, struct tcp_connection, queue);
    tcp_acceptor_forget(connection);
    return connection;
}
