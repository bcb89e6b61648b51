/* http_private.h - what the files of the server know of each other.
 *
 *     http_server.c       opens, closes, serves
 *     http_dispatch.c     the dispatcher and the acceptor: two fibers
 *     http_connection.c   a connection between its requests: watching, searching, lingering
 *     http_pool.c         buffers and sessions, and the queues for them
 *     http_session.c      answers requests, on a fiber from the pool
 *     http_body.c         a request's body, as handlers read it
 *     http_response.c     the response, as handlers write it
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_HTTP_PRIVATE_H
#define LOOM_HTTP_PRIVATE_H

#include "base/writer.h"
#include "http/http_chunked.h"
#include "http/http_head.h"
#include "http_server/http_server.h"

/* Connections that are accepted over the limit, only to be told so. */
#define HTTP_OVER_LIMIT_COUNT 64

/* Behind the largest head a buffer has this much room for a body that is read through it. */
#define HTTP_BUFFER_BODY_BYTES 4096

/* An unread body of which at most this much is left is dropped as it comes, to keep the connection.
 */
#define HTTP_UNREAD_BODY_MAX (64 * KIB)

/* How long a drained server still takes connections, and waits for their first bytes. */
#define HTTP_GRACE_NS (500 * MS_NS)

/* ---- connections ---- */

enum http_connection_state {
    HTTP_CONNECTION_IDLE,   /* watched; nothing of a request has come */
    HTTP_CONNECTION_HEAD,   /* watched; a part of a head is in the buffer */
    HTTP_CONNECTION_QUEUED, /* in server->ready or server->starved */
    HTTP_CONNECTION_BUSY,   /* a session has it */
    HTTP_CONNECTION_LINGER, /* watched; this side is shut, what comes is dropped */
};

/*      buffer   | head          | body, or further requests |  room  |
 *               start           start + head_bytes          used     server->buffer_bytes
 */
struct http_connection {
    struct list_node node;       /* in server->open or server->free_connections */
    struct list_node queue_node; /* in server->ready or server->starved */
    struct http_server *server;
    struct flow *flow;
    struct watch watch;
    struct http_buffer *buffer; /* NULL when it has none */
    uint64_t deadline_ns;       /* of the state it is in */
    struct http_head_search search;
    uint32_t start, used; /* bytes of the buffer */
    uint32_t head_bytes;  /* once the head is whole */
    uint32_t requests;    /* so far */
    uint32_t drop_bytes;  /* of an unread body, to be dropped before the next request */
    uint8_t state;        /* enum http_connection_state */
};

/* Takes over a flow that was accepted; there is a free connection. */
void http_connection_open(struct http_server *server, struct flow *flow);

/* Answers a notice of the connection's watch. */
void http_connection_notice(struct http_connection *connection);

/* Looks for a whole head at the front of what is buffered. True: it is there (head_bytes). False:
 * the connection has been given to its watch, or has been refused. */
bool http_connection_advance(struct http_connection *connection);

/* Ends it, without or with a reset; it is free afterwards. */
void http_connection_close(struct http_connection *connection);
void http_connection_abort(struct http_connection *connection);

/* Shuts this side, and waits without a stack until the peer is done or `linger-timeout`. */
void http_connection_linger(struct http_connection *connection);

/* Answers `status` without a session, and lingers. `why` is a literal for the log. */
void http_connection_refuse(struct http_connection *connection, unsigned status, const char *why);

/* What to do with a connection when the server begins to drain. */
void http_connection_drain(struct http_connection *connection);

/* The bytes of the request at the front, as far as they have come. */
struct view http_connection_bytes(const struct http_connection *connection);

/* ---- pools and queues ---- */

struct http_buffer {
    struct http_buffer *next; /* while it is free */
};

/* A free buffer goes to the connection; false when there is none. */
bool http_buffer_take(struct http_connection *connection);
/* Gives it back if the connection has one; who has waited longest for one is told. */
void http_buffer_give(struct http_connection *connection);

/* A whole head has come: a session takes the connection, now or when one is free. */
void http_queue_for_session(struct http_connection *connection);
/* The connection has bytes to read, and there is no buffer. */
void http_queue_for_buffer(struct http_connection *connection);
/* The next that waits for a session; NULL when there is none. */
struct http_connection *http_queue_take_ready(struct http_server *server);
/* Refuses those that have waited too long. */
void http_queue_expire(struct http_server *server);
void http_queue_open(struct http_server *server);

/* ---- sessions ---- */

/* How long so many bytes may take at the least rate a second; NEVER where none is asked. */
static inline uint64_t http_rate_ns(uint64_t bytes, uint64_t rate_bytes)
{
    if (rate_bytes == 0 || bytes / rate_bytes > NEVER / S_NS) return NEVER;
    return bytes / rate_bytes * S_NS;
}

enum http_frame {
    HTTP_FRAME_NONE, /* HEAD, 204, 304: the body is dropped */
    HTTP_FRAME_LENGTH,
    HTTP_FRAME_CHUNKED,
    HTTP_FRAME_TO_CLOSE, /* HTTP/1.0 and no length */
};

struct http_session {
    struct http_exchange exchange;
    struct task task;
    struct list_node node; /* among the free */
    struct http_server *server;
    struct http_connection *connection;
    struct http_request_head head;
    uint64_t started_ns;

    /* The request's body. */
    struct http_chunked chunked;
    enum result body_result;  /* OK: there is more. CLOSED: its end was read. Else what broke it. */
    uint64_t body_left_bytes; /* with Content-Length */
    uint64_t body_bytes;      /* read so far */
    uint64_t body_started_ns; /* when its first wait began; 0: not yet */
    uint32_t body_at;         /* in the buffer: the next byte that is not taken */
    bool owes_continue;       /* the client waits for 100 (Continue) */

    /* The response. */
    unsigned status;
    enum http_frame frame;
    uint64_t response_left_bytes; /* with HTTP_FRAME_LENGTH */
    uint64_t response_bytes;      /* of the body, sent */
    uint64_t send_waits_ns;       /* how long all waits for the client to take it were */
    uint64_t send_waits_bytes;    /* what it took since the first of them */
    bool keep;                    /* the connection goes on after it */
    bool replaced;                /* what the handler wanted to send could not be sent */
    bool broken;                  /* the connection is lost, or the response cut */
    struct writer held;           /* the head, until something goes with it */

    /* Room of its own, behind this structure. */
    struct span path_room, head_room;
};

/* A session for the connection, on a fiber of its own; false when none is free. */
bool http_session_start(struct http_connection *connection);

/* How large a session is with its room, and how to set up one of them. */
size_t http_session_bytes(const struct http_server_parameters *parameters);
void http_session_init(struct http_session *session, struct http_server *server);

/* Prepares the reading of the body that the head announces. */
void http_body_begin(struct http_session *session);
enum result http_body_read(struct http_session *session, struct span room,
                           size_t *length_bytes) CHECKED;
/* Whether the next request can be reached: the body is read, or small enough to be dropped. */
bool http_body_can_be_left(const struct http_session *session);
/* Leaves the rest to the connection, which drops it without a stack; false where it cannot. */
bool http_body_leave(struct http_session *session);

extern const struct http_exchange_ops http_session_ops;

/* Waits. Ends the response of a handler that returned `result`. */
void http_response_finish(struct http_session *session, enum result result);

/* Waits. An error page, sent on the server's own account. */
void http_response_error(struct http_session *session, unsigned status);

/* How a response is framed, as its head says it. */
struct http_head_plan {
    enum http_frame frame;
    uint64_t content_length; /* HTTP_LENGTH_UNKNOWN: not told */
    bool close;
    bool keep_alive; /* HTTP/1.0: said in words */
};
void http_response_write_head(struct writer *writer, struct http_server *server,
                              const struct http_response *response,
                              const struct http_head_plan *plan);

/* ---- the access log ---- */

struct http_log_entry {
    struct endpoint peer;
    struct view head; /* or what has come of it; its first line is shown */
    unsigned status;
    uint64_t body_bytes;
    uint64_t duration_ns;
};

/* Counts the response, and writes its line when the log is on. */
void http_log_response(struct http_server *server, const struct http_log_entry *entry);
void http_log_open(struct http_server *server);
/* Writes out what is gathered. */
void http_log_flush(struct http_server *server);

/* ---- fibers ---- */

void http_dispatcher_run(struct task *task);
void http_acceptor_run(struct task *task);

/* The dispatcher looks at the state of the server again. Safe in the loop. */
static inline void http_server_wake(struct http_server *server)
{
    if (!list_holds(&server->wake_letter.node)) mailbox_put(&server->mailbox, &server->wake_letter);
}

#endif
