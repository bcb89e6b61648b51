/* http_pool.c - buffers, and the two queues: for a buffer and for a session.
 *
 * Both queues are first come first served with one waiting time for all, so that who is in front
 * is also who gives up first, and one alarm serves them both.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_private.h"

/* ---- buffers ---- */

/* The one that was given back last, whose memory is still in a cache; otherwise a fresh one. */
static struct http_buffer *find_buffer(struct http_server *server)
{
    struct http_buffer *buffer = server->free_buffers;
    if (buffer != NULL) {
        server->free_buffers = buffer->next;
        return buffer;
    }
    if (server->buffers_touched == server->parameters.buffers_count) return NULL;
    size_t offset_bytes = server->buffers_touched++ * server->buffer_bytes;
    return (void *)span_from_offset(server->buffer_memory, offset_bytes).bytes;
}

bool http_buffer_take(struct http_connection *connection)
{
    struct http_buffer *buffer = find_buffer(connection->server);
    assert(connection->buffer == NULL);
    if (buffer == NULL) return false;
    connection->buffer = buffer;
    connection->start = connection->used = 0;
    connection->search = (struct http_head_search){ 0 };
    return true;
}

/* It gets the buffer at once, or one whose notice stands before its own in the mailbox would take
 * it. Its letter is put again: the dispatcher reads as if the bytes had come now. */
static void serve_starved(struct http_server *server)
{
    struct list_node *node = list_take(&server->starved);
    if (node == NULL) return;
    struct http_connection *connection = CONTAINER_OF(node, struct http_connection, queue_node);
    server->figures.queued_now--;
    bool taken = http_buffer_take(connection);
    assert(taken);
    connection->state = HTTP_CONNECTION_IDLE;
    /* In the queue it had another deadline, and the time there was not the client's. */
    connection->deadline_ns = deadline_after(loop_now_ns(), server->parameters.header_timeout_ns);
    connection->watch.result = OK;
    mailbox_put(&server->mailbox, &connection->watch.letter);
}

void http_buffer_give(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->buffer == NULL) return;
    connection->buffer->next = server->free_buffers;
    server->free_buffers = connection->buffer;
    connection->buffer = NULL;
    serve_starved(server);
}

/* ---- queues ---- */

static void queue_due(struct alarm *alarm)
{
    http_server_wake(CONTAINER_OF(alarm, struct http_server, queue_alarm));
}

void http_queue_open(struct http_server *server)
{
    list_init(&server->ready);
    list_init(&server->starved);
    server->queue_alarm.due = queue_due;
}

static void queue_append(struct http_connection *connection, struct list *queue)
{
    struct http_server *server = connection->server;
    connection->state = HTTP_CONNECTION_QUEUED;
    connection->deadline_ns = deadline_after(loop_now_ns(), server->parameters.queue_timeout_ns);
    if (list_is_empty(&server->ready) && list_is_empty(&server->starved))
        alarm_set(&server->queue_alarm, connection->deadline_ns);
    list_append(queue, &connection->queue_node);
    server->figures.queued_now++;
}

static struct http_connection *queue_first(struct list *queue)
{
    struct list_node *node = list_first(queue);
    return node == NULL ? NULL : CONTAINER_OF(node, struct http_connection, queue_node);
}

/* A session that could not be started when it was asked for (the stacks are shared with others) is
 * asked for again here, so that a queue never waits for an end that cannot come. */
static void start_ready(struct http_server *server)
{
    struct http_connection *connection;
    while ((connection = queue_first(&server->ready)) != NULL) {
        if (!http_session_start(connection)) return;
        list_remove(&connection->queue_node);
        server->figures.queued_now--;
    }
}

void http_queue_for_session(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (list_is_empty(&server->ready) && http_session_start(connection)) return;
    queue_append(connection, &server->ready);
    start_ready(server);
}

void http_queue_for_buffer(struct http_connection *connection)
{
    queue_append(connection, &connection->server->starved);
}

struct http_connection *http_queue_take_ready(struct http_server *server)
{
    struct http_connection *connection = queue_first(&server->ready);
    if (connection == NULL) return NULL;
    list_remove(&connection->queue_node);
    server->figures.queued_now--;
    return connection;
}

static void expire(struct http_server *server, struct list *queue)
{
    uint64_t now_ns = loop_now_ns();
    struct http_connection *connection;
    while ((connection = queue_first(queue)) != NULL && connection->deadline_ns <= now_ns) {
        list_remove(&connection->queue_node);
        server->figures.queued_now--;
        http_connection_refuse(connection, 503, "no session was free in time");
    }
}

void http_queue_expire(struct http_server *server)
{
    start_ready(server);
    expire(server, &server->ready);
    expire(server, &server->starved);
    struct http_connection *ready = queue_first(&server->ready);
    struct http_connection *starved = queue_first(&server->starved);
    uint64_t next_ns = ready == NULL ? NEVER : ready->deadline_ns;
    if (starved != NULL) next_ns = MIN(next_ns, starved->deadline_ns);
    alarm_set(&server->queue_alarm, next_ns);
}
