/* http_fetcher_pool.c - the bounded pool of a fetcher's connections: free, in use, idle.
 *
 *     free --take--> in use --keep--> idle --take--> in use
 *       ^              |               |
 *       +-----drop-----+---the notice--+
 *
 * SPDX-License-Identifier: ISC */
#include "http_client/http_fetcher_pool.h"

#include "target/memory.h"

/* ---- opening and closing ---- */

static void lay_out(struct http_fetcher *fetcher)
{
    size_t head_bytes = (size_t)fetcher->parameters.head_bytes;
    size_t each_bytes = head_bytes + HTTP_FETCHER_SEND_BYTES;
    struct http_fetcher_connection *connections = (void *)fetcher->connection_memory.bytes;
    for (size_t i = 0; i < fetcher->parameters.connection_count; i++) {
        struct http_fetcher_connection *connection = &connections[i];
        struct span room = span_from_offset(fetcher->buffer_memory, i * each_bytes);
        connection->receive = span_first(room, head_bytes);
        connection->send = span_first(span_from_offset(room, head_bytes), HTTP_FETCHER_SEND_BYTES);
        list_append(&fetcher->free, &connection->node);
    }
}

enum result http_fetcher_pool_open(struct http_fetcher *fetcher)
{
    size_t count = (size_t)fetcher->parameters.connection_count;
    size_t each_bytes = (size_t)fetcher->parameters.head_bytes + HTTP_FETCHER_SEND_BYTES;
    list_init(&fetcher->free);
    list_init(&fetcher->idle);
    waiters_init(&fetcher->waiters);
    mailbox_init(&fetcher->notices);
    enum result result = memory_take(count * sizeof(struct http_fetcher_connection),
                                     &fetcher->connection_memory);
    if (result != OK) return result;
    result = memory_take(count * each_bytes, &fetcher->buffer_memory);
    if (result == OK)
        lay_out(fetcher);
    else
        memory_give_back(fetcher->connection_memory);
    return result;
}

static void make_free(struct http_fetcher *fetcher, struct http_fetcher_connection *connection)
{
    connection->flow = NULL;
    fetcher->connections_open--;
    list_prepend(&fetcher->free, &connection->node);
    waiters_wake_one(&fetcher->waiters);
}

static void close_idle(struct http_fetcher *fetcher, struct http_fetcher_connection *connection)
{
    list_remove(&connection->node);
    flow_unwatch(connection->flow, &connection->watch);
    flow_close(connection->flow);
    make_free(fetcher, connection);
}

static struct http_fetcher_connection *oldest_idle(const struct http_fetcher *fetcher)
{
    struct list_node *node = list_first(&fetcher->idle);
    return node == NULL ? NULL : CONTAINER_OF(node, struct http_fetcher_connection, node);
}

/* Whatever the notice of an idle connection says, it is of no more use: it has ended, it has
 * received what nobody asked for, or it has been idle for too long. */
static void keeper_run(struct task *task)
{
    struct http_fetcher *fetcher = CONTAINER_OF(task, struct http_fetcher, keeper);
    struct letter *letter;
    while (mailbox_take(&fetcher->notices, &letter, NEVER) == OK) {
        struct watch *watch = CONTAINER_OF(letter, struct watch, letter);
        close_idle(fetcher, CONTAINER_OF(watch, struct http_fetcher_connection, watch));
    }
}

enum result http_fetcher_keeper_start(struct http_fetcher *fetcher)
{
    scope_open(&fetcher->scope, "http client");
    fetcher->keeper.run = keeper_run;
    return fiber_start(&fetcher->scope, &fetcher->keeper, "http client", STACK_SMALL);
}

void http_fetcher_pool_close(struct http_fetcher *fetcher)
{
    while (!list_is_empty(&fetcher->idle))
        close_idle(fetcher, oldest_idle(fetcher));
    assert_that(fetcher->connections_open, ==, 0);
    memory_give_back(fetcher->connection_memory);
    memory_give_back(fetcher->buffer_memory);
}

/* ---- taking ---- */

static bool is_for(const struct http_fetcher_connection *connection, const struct http_url *url)
{
    struct view host = view_first(VIEW_OF(connection->host), connection->host_bytes);
    return connection->port == http_url_port(url) && view_equal_ignoring_case(host, url->host);
}

/* The one used last is the least likely to have been ended by the server. */
static struct http_fetcher_connection *find_idle(const struct http_fetcher *fetcher,
                                                 const struct http_url *url)
{
    struct http_fetcher_connection *found = NULL;
    list_for_each (node, &fetcher->idle) {
        struct http_fetcher_connection *connection = CONTAINER_OF(
            node, struct http_fetcher_connection, node);
        if (connection->watch.armed && is_for(connection, url)) found = connection;
    }
    return found;
}

static struct http_fetcher_connection *take_idle(struct http_fetcher *fetcher,
                                                 struct http_fetcher_connection *connection)
{
    list_remove(&connection->node);
    flow_unwatch(connection->flow, &connection->watch);
    connection->is_reused = true;
    fetcher->reused_count++;
    return connection;
}

/* A place without a connection, for which an idle one may have to go. */
static enum result take_place(struct http_fetcher *fetcher, uint64_t deadline_ns,
                              struct http_fetcher_connection **connection)
{
    while (list_is_empty(&fetcher->free)) {
        if (!list_is_empty(&fetcher->idle)) {
            close_idle(fetcher, oldest_idle(fetcher));
            continue;
        }
        enum result result = waiters_wait(&fetcher->waiters, "http connection", deadline_ns);
        if (result != OK) return result;
    }
    struct list_node *node = list_take(&fetcher->free);
    assert(node != NULL);
    *connection = CONTAINER_OF(node, struct http_fetcher_connection, node);
    return OK;
}

/* The place is taken before the wait, so that connections being made count too. */
static enum result connect_place(struct http_fetcher *fetcher,
                                 struct http_fetcher_connection *connection,
                                 const struct http_url *url, uint64_t deadline_ns)
{
    connection->port = http_url_port(url);
    connection->host_bytes = url->host.length_bytes;
    connection->received_from = connection->received_to = 0;
    connection->is_reused = false;
    (void)span_copy(SPAN_OF(connection->host), url->host);
    fetcher->connections_open++;
    enum result result = http_race_run(&connection->race, fetcher->tcp, fetcher->resolver,
                                       url->host, connection->port, &connection->flow, deadline_ns);
    if (result == OK)
        fetcher->connected_count++;
    else
        make_free(fetcher, connection);
    return result;
}

enum result http_fetcher_take(struct http_fetcher *fetcher, const struct http_url *url, bool fresh,
                              uint64_t deadline_ns, struct http_fetcher_connection **connection)
{
    if (url->host.length_bytes > RESOLVER_NAME_MAX) return INVALID;
    struct http_fetcher_connection *idle = fresh ? NULL : find_idle(fetcher, url);
    if (idle != NULL) {
        *connection = take_idle(fetcher, idle);
        return OK;
    }
    enum result result = take_place(fetcher, deadline_ns, connection);
    return result == OK ? connect_place(fetcher, *connection, url, deadline_ns) : result;
}

/* ---- giving back ---- */

void http_fetcher_keep(struct http_fetcher *fetcher, struct http_fetcher_connection *connection)
{
    connection->watch.mailbox = &fetcher->notices;
    list_append(&fetcher->idle, &connection->node);
    flow_watch(connection->flow, &connection->watch,
               deadline_after(loop_now_ns(), fetcher->parameters.idle_timeout_ns));
    waiters_wake_one(&fetcher->waiters);
}

void http_fetcher_drop(struct http_fetcher *fetcher, struct http_fetcher_connection *connection)
{
    flow_close(connection->flow);
    make_free(fetcher, connection);
}

/* ---- receiving ---- */

struct view http_fetcher_unused(const struct http_fetcher_connection *connection)
{
    return view_slice(span_view(connection->receive), connection->received_from,
                      connection->received_to - connection->received_from);
}

void http_fetcher_use(struct http_fetcher_connection *connection, size_t used_bytes)
{
    assert_that(used_bytes, <=, connection->received_to - connection->received_from);
    connection->received_from += used_bytes;
}

enum result http_fetcher_receive(struct http_fetcher *fetcher,
                                 struct http_fetcher_connection *connection, uint64_t deadline_ns)
{
    struct view unused = http_fetcher_unused(connection);
    size_t length_bytes;
    if (unused.length_bytes == connection->receive.length_bytes) return TOO_LARGE;
    if (connection->received_from > 0)
        __builtin_memmove(connection->receive.bytes, unused.bytes, unused.length_bytes);
    connection->received_from = 0;
    connection->received_to = unused.length_bytes;
    struct span room = span_from_offset(connection->receive, connection->received_to);
    enum result result = flow_read(connection->flow, room, &length_bytes, deadline_ns);
    connection->received_to += length_bytes;
    fetcher->received_bytes += length_bytes;
    return result;
}
