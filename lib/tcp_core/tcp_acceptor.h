/* tcp_acceptor.h - who listens, and the complete connections that nobody has taken yet.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TCP_ACCEPTOR_H
#define LOOM_TCP_ACCEPTOR_H

#include "base/list.h"
#include "tcp_core/tcp_core.h"

#define TCP_ACCEPTOR_BUCKETS 64 /* by port */

struct tcp_acceptor {
    struct tcp_core *core;
    struct endpoint local;
    struct tcp_acceptor_user *user;
    struct tcp_acceptor *next; /* in its bucket, or free */
    struct list
        complete; /* of connections by their `queue` node (struct list_node), oldest first */
    size_t complete_count, backlog;
    uint64_t cookies_until_ns; /* a cookie sent last is valid until then; 0: none was sent */
    bool open, draining;
    uint8_t traffic_class; /* its ECN bits are 0 */
};

struct tcp_acceptors {
    struct span memory;
    struct tcp_acceptor *records;
    size_t count;
    struct tcp_acceptor *free;
    struct tcp_acceptor *buckets[TCP_ACCEPTOR_BUCKETS];
};

enum result tcp_acceptors_open(struct tcp_core *core) CHECKED;
void tcp_acceptors_close(struct tcp_core *core);

/* Acceptors by number, for records that keep one for as long as it is open. */
struct tcp_acceptor *tcp_acceptor_at(const struct tcp_core *core, uint16_t index);
uint16_t tcp_acceptor_index(const struct tcp_acceptor *acceptor);

/* Who listens for `local`: on that very address before any; NULL: nobody. */
struct tcp_acceptor *tcp_acceptor_find(const struct tcp_core *core, const struct endpoint *local);

/* Whether anybody listens on the port, whatever the address. */
bool tcp_acceptor_has_port(const struct tcp_core *core, uint16_t port);

/* Whether its queue of complete connections is full. */
static inline bool tcp_acceptor_is_full(const struct tcp_acceptor *acceptor)
{
    return acceptor->complete_count >= acceptor->backlog;
}

/* A connection that is complete; the queue is not full. Sets connection->acceptor and links its
 * `queue` node. The user is told. */
void tcp_acceptor_queue(struct tcp_acceptor *acceptor, struct tcp_connection *connection);

/* A queued connection (connection->acceptor is not NULL) ended before anybody took it: it is the
 * engine's to free. */
void tcp_acceptor_forget(struct tcp_connection *connection);

#endif
