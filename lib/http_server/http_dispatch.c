/* http_dispatch.c - the two fibers of a server: one takes the notices of all connections, the other
 * accepts new ones.
 *
 * Draining, after a stop was requested: the listener takes no new attempts; what is complete is
 * accepted and answered with `Connection: close`; idle connections are shut and linger; and what is
 * left at `drain-timeout` is ended.
 *
 * SPDX-License-Identifier: ISC */
#include "http_server/http_private.h"

#define LOG_MODULE "http"
#include "log/log.h"

#define ACCEPT_RETRY_NS (50 * MS_NS)

/* Letters that are taken before others have their turn: where there is always one more, the
 * dispatcher would never wait. */
#define LETTERS_IN_A_ROW 32

/* ---- the acceptor ---- */

/* False: the acceptor is done. */
static bool accept_one(struct http_server *server)
{
    struct flow *flow;
    if (list_is_empty(&server->free_connections))
        return waiters_wait(&server->slots, "http connection", NEVER) != CANCELLED;
    enum result result = listener_accept(server->listener, &flow, NEVER);
    if (result == OK) {
        http_connection_open(server, flow);
        return true;
    }
    if (result == CLOSED || result == CANCELLED) return false;
    log_warning("accepting failed: %s", result_text(result));
    uint64_t retry_ns = deadline_after(loop_now_ns(), ACCEPT_RETRY_NS);
    return waiters_wait(&server->slots, "http accept retry", retry_ns) != CANCELLED;
}

void http_acceptor_run(struct task *task)
{
    struct http_server *server = CONTAINER_OF(task, struct http_server, acceptor);
    while (accept_one(server))
        continue;
    server->acceptor_done = true;
    http_server_wake(server);
}

/* ---- draining ---- */

static void begin_drain(struct http_server *server)
{
    uint64_t now_ns = loop_now_ns();
    log_info("stopping; connections open: %llu",
             (unsigned long long)server->figures.connections_open);
    server->draining = true;
    server->grace_ns = deadline_after(now_ns, HTTP_GRACE_NS);
    server->drain_ns = deadline_after(now_ns, server->parameters.drain_timeout_ns);
    listener_drain(server->listener);
    struct list_node *node = list_first(&server->open);
    while (node != NULL) {
        struct list_node *next = list_next(&server->open, node);
        http_connection_drain(CONTAINER_OF(node, struct http_connection, node));
        node = next;
    }
}

static void stop_listening(struct http_server *server)
{
    scope_close(&server->acceptor_scope);
    listener_close(server->listener);
    server->listener = NULL;
}

/* What did not end in time is cut. */
static void end_all(struct http_server *server)
{
    struct list_node *node;
    scope_close(&server->session_scope);
    alarm_stop(&server->queue_alarm);
    while ((node = list_first(&server->ready)) != NULL)
        list_remove(node);
    while ((node = list_first(&server->starved)) != NULL)
        list_remove(node);
    if (!list_is_empty(&server->open))
        log_warning("%llu connections did not end within drain-timeout",
                    (unsigned long long)server->figures.connections_open);
    while ((node = list_first(&server->open)) != NULL)
        http_connection_abort(CONTAINER_OF(node, struct http_connection, node));
}

/* True: everything has ended, or has been ended. */
static bool drain(struct http_server *server)
{
    uint64_t now_ns = loop_now_ns();
    bool late = now_ns >= server->drain_ns;
    if (server->listener != NULL && (server->acceptor_done || now_ns >= server->grace_ns || late))
        stop_listening(server);
    if (server->listener != NULL) return false;
    if (!late && !list_is_empty(&server->open)) return false;
    end_all(server);
    return true;
}

/* ---- the dispatcher ---- */

static uint64_t next_deadline(const struct http_server *server)
{
    if (!server->draining) return NEVER;
    return server->listener != NULL ? MIN(server->grace_ns, server->drain_ns) : server->drain_ns;
}

static void take_letter(struct http_server *server, struct letter *letter)
{
    if (letter == &server->stop_letter) {
        begin_drain(server);
    } else if (letter == &server->wake_letter) {
        http_queue_expire(server);
    } else {
        struct watch *watch = CONTAINER_OF(letter, struct watch, letter);
        http_connection_notice(CONTAINER_OF(watch, struct http_connection, watch));
    }
}

void http_dispatcher_run(struct task *task)
{
    struct http_server *server = CONTAINER_OF(task, struct http_server, dispatcher);
    bool ended = false;
    for (unsigned n = 1; !ended; n++) {
        struct letter *letter;
        if (n % LETTERS_IN_A_ROW == 0) fiber_yield();
        enum result result = mailbox_take(&server->mailbox, &letter, next_deadline(server));
        if (result == OK) take_letter(server, letter);
        ended = server->draining && drain(server);
    }
    event_set(&server->done);
}
