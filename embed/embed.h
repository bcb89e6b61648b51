/* embed.h - what the embedded stack is made of. Within embed/.
 *
 *     embed_stack.c    opening, stepping, closing
 *     embed_net.c      the net between the core and the host's callbacks
 *     embed_call.c     calls: at once on the stepping thread, queued from others
 *     embed_socket.c   sockets of both kinds; readiness, watches, polls
 *     embed_tcp.c      connections and listeners
 *     embed_udp.c      datagrams
 *     embed_option.c   options of one socket, and the timers that two of them need
 *     embed_info.c     what is inside
 *     embed_address.c  addresses and results, to and from the public form
 *     embed_host.c     the ambient functions: memory, the end
 *
 * All but a stack's `queue`, `owner` and `now_ns` belongs to its stepping thread.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_EMBED_H
#define LOOM_EMBED_H

#include <pthread.h>
#include <stdatomic.h>

#include "embed/loom/stack.h"
#include "net/net_queue.h"
#include "stack_core/stack_core.h"
#include "tcp_core/tcp_connection.h"

/* ---- the net ---- */

struct embed_parameters {
    uint32_t link; /* enum net_link */
    uint64_t mtu_bytes;
    struct mac mac;    /* zero: one is drawn */
    uint32_t offloads; /* an index: none, checksums, segments */
    uint64_t input_frames;
};
extern const struct parameter embed_parameters[];

#define EMBED_PARTS_MAX 64

struct embed_net {
    struct net net;
    struct loom_host *host;
    struct net_queue received;
    size_t received_max;
    uint64_t dropped_count;
    struct loom_part parts[EMBED_PARTS_MAX];
    struct view views[EMBED_PARTS_MAX];
};

void embed_net_open(struct embed_net *net, struct loom_host *host,
                    const struct embed_parameters *parameters);
enum loom_result embed_net_input(struct embed_net *net, const struct loom_frame *frame);

/* ---- calls ---- */

/* A call of the interface. `attempt` runs on the stepping thread, within the core; LOOM_AGAIN means
 * that it is to be tried again when something has happened to the socket. The structure lives on
 * its caller's stack until it is answered. */
struct call {
    struct list_node node;  /* in the stack's queue, the socket's waiting calls, or the polls */
    struct list_node ended; /* in stack->expired */
    struct loom_stack *stack;
    struct loom_socket *socket; /* NULL: a poll, or nothing that ever waits */
    enum loom_result (*attempt)(struct call *call);
    uint64_t deadline_ns;
    struct agenda_entry timer;
    enum loom_result result;
    bool is_answered; /* under the stack's lock */
    pthread_cond_t answered;
};

/* Runs it, now or by the stepping thread, and gives its result. */
enum loom_result call_run(struct call *call);

#define CALL(on_stack, on_socket, function, until_ns) \
    { \
        .stack = (on_stack), .socket = (on_socket), .attempt = (function), \
        .deadline_ns = (until_ns) \
    }

/* For the stepping thread: takes what other threads have queued; tries again what waits for this
 * socket, or for any; ends those whose deadline has come, and all. */
void call_take_queued(struct loom_stack *stack);
void call_retry(struct list *waiting);
void call_expire(struct loom_stack *stack);
void call_end_all(struct list *waiting, enum loom_result result);

/* ---- sockets ---- */

enum role {
    ROLE_FREE,
    ROLE_TCP, /* no connection yet */
    ROLE_CONNECTION,
    ROLE_LISTENER,
    ROLE_UDP,
};

#define SOCKET_OPTIONS (LOOM_TRAFFIC_CLASS + 1)

struct loom_socket {
    struct loom_stack *stack; /* the first member, and set for good */
    struct list_node place;   /* among the free ones */
    struct list_node stirred; /* in stack->stirred: something has happened */
    struct list_node told;    /* its watch is to be told at the end of this step */
    struct list waiting;      /* calls */
    uint8_t role;             /* enum role */
    bool may_broadcast;
    bool is_prepared; /* the options have been applied to the connection */
    struct endpoint local;
    struct tcp_connection *connection;
    struct tcp_acceptor *acceptor;
    struct udp_binding *binding;
    struct tcp_user tcp_user;
    struct tcp_acceptor_user acceptor_user;
    struct udp_binding_user udp_user;
    struct loom_watch *watch;
    const struct tcp_congestion_ops *congestion; /* NULL: the stack's */
    uint64_t options[SOCKET_OPTIONS];            /* by enum loom_socket_option; 0: not set */
    struct agenda_entry silence;                 /* for keepalive and the user timeout */
    uint64_t probe_ns;                           /* the last keepalive probe went then */
    uint64_t probe_count;
};

struct loom_socket *socket_take(struct loom_stack *stack, enum role role);
void socket_stir(struct loom_socket *socket);

/* Lets go of what is below, and of the socket. */
void socket_close(struct loom_socket *socket, bool with_reset);
unsigned socket_readiness(struct loom_socket *socket);

/* Whether bytes would be taken; asks the core to tell when not. */
bool tcp_may_write(struct loom_socket *socket);
enum loom_result tcp_error(const struct loom_socket *socket);
struct loom_loan *tcp_loan_of(struct list_node *node); /* in stack->loans */
enum loom_result udp_bind_if_needed(struct loom_socket *socket);
enum loom_result udp_connect(struct loom_socket *socket, const struct endpoint *peer);

/* Applies all options to a connection that has been established. */
void option_prepare(struct loom_socket *socket);
/* Sets the timer for silence anew, after something that may have moved it. */
void option_watch_silence(struct loom_socket *socket);
void option_before_consume(struct loom_socket *socket);
/* "cubic"; empty before the handshake is complete. */
const char *option_congestion_name(const struct tcp_congestion_ops *ops);
uint8_t option_traffic_class(const struct loom_socket *socket);
uint64_t option_send_limit(const struct loom_socket *socket);

/* ---- the stack ---- */

struct loom_stack {
    struct loom_host *host;
    struct span memory; /* this very structure */
    struct stack_core core;
    struct stack_core_parameters parameters;
    struct embed_parameters own_parameters;
    struct embed_net net;
    struct net_user net_user;

    struct span socket_memory;
    struct loom_socket *sockets;
    size_t socket_count, socket_touched_count;
    struct list free_sockets;

    struct list stirred; /* sockets */
    struct list polls;   /* calls that wait for any socket */
    struct list expired; /* calls, by `ended` */
    struct list loans;   /* that are done, and not told yet */
    bool is_inside;      /* the core runs, and the host is not to call */
    uint64_t next_ns;

    pthread_mutex_t lock;
    struct list queue;    /* calls of other threads, under the lock */
    size_t waiting_count; /* calls of other threads that have not returned, under the lock */
    pthread_cond_t emptied;
    _Atomic(const char *) owner; /* the stepping thread; NULL: nobody */
    _Atomic(uint64_t) now_ns;

    uint8_t option_text[8192]; /* while it opens */
    struct view option_views[LOOM_OPTIONS_MAX];
};

/* Round whatever calls into the core: the stack's host is the thread's, and nobody calls in. */
struct loom_host *stack_enter(struct loom_stack *stack);
void stack_leave(struct loom_stack *stack, struct loom_host *before);

bool stack_is_mine(const struct loom_stack *stack);

void embed_lock(struct loom_stack *stack);
void embed_unlock(struct loom_stack *stack);

/* The host whose stack this thread is in: who hears of a panic. Gives the one before. */
struct loom_host *embed_set_host(struct loom_host *host);

/* ---- to and from the public form ---- */

struct address address_from_public(const struct loom_address *address);
struct endpoint endpoint_from_public(const struct loom_endpoint *endpoint);
struct loom_address address_to_public(const struct address *address);
struct loom_endpoint endpoint_to_public(const struct endpoint *endpoint);

/* IPv4, or any where `may_be_any`. */
bool address_is_usable(const struct loom_address *address, bool may_be_any);

/* A result of opening and the like; of a connection: tcp_error. */
enum loom_result result_to_public(enum result result);

#endif
