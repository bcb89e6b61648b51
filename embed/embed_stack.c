/* embed_stack.c - one embedded stack: opened, stepped, closed.
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"
#include "target/memory.h"

/* How often in one step what has happened may make more happen at once, before it is left to the
 * next one. */
#define ROUNDS_MAX 8

/* ---- whose it is ---- */

/* Its address is this thread's, as long as the thread lives. */
static _Thread_local const char thread_mark;

bool stack_is_mine(const struct loom_stack *stack)
{
    return atomic_load_explicit(&stack->owner, memory_order_acquire) == &thread_mark;
}

void loom_stack_release(struct loom_stack *stack)
{
    assert(stack_is_mine(stack) && !stack->is_inside);
    atomic_store_explicit(&stack->owner, NULL, memory_order_release);
}

/* A thread that hands a stack over has synchronised with the other one in a way of its own, or by
 * the release of `owner`. */
static void make_mine(struct loom_stack *stack)
{
    if (stack_is_mine(stack)) return;
    (void)atomic_load_explicit(&stack->owner, memory_order_acquire);
    atomic_store_explicit(&stack->owner, &thread_mark, memory_order_release);
}

struct loom_host *stack_enter(struct loom_stack *stack)
{
    struct loom_host *before = embed_set_host(stack->host);
    assert(!stack->is_inside);
    stack->is_inside = true;
    return before;
}

void stack_leave(struct loom_stack *stack, struct loom_host *before)
{
    stack->is_inside = false;
    (void)embed_set_host(before);
}

/* ---- stepping ---- */

/* Those who wait for something that may have happened try again; and the core sends what comes of
 * it. */
static void run_calls(struct loom_stack *stack, struct list *told)
{
    call_take_queued(stack);
    bool any = !list_is_empty(&stack->stirred);
    for (struct list_node *node = list_take(&stack->stirred); node != NULL;
         node = list_take(&stack->stirred)) {
        struct loom_socket *socket = CONTAINER_OF(node, struct loom_socket, stirred);
        option_prepare(socket);
        option_watch_silence(socket);
        call_retry(&socket->waiting);
        if (socket->watch != NULL && !list_holds(&socket->told)) list_append(told, &socket->told);
    }
    if (any) call_retry(&stack->polls);
    call_expire(stack);
    stack->next_ns = stack_core_leave(&stack->core);
}

/* Outside of the core: whoever is told may call. A socket closed meanwhile is in no list. */
static void tell_watches(struct list *told)
{
    for (struct list_node *node = list_take(told); node != NULL; node = list_take(told)) {
        struct loom_socket *socket = CONTAINER_OF(node, struct loom_socket, told);
        unsigned ready = socket_readiness(socket);
        if (ready != 0) socket->watch->ready(socket->watch, socket, ready);
    }
}

static void tell_loans(struct loom_stack *stack)
{
    for (struct list_node *node = list_take(&stack->loans); node != NULL;
         node = list_take(&stack->loans)) {
        struct loom_loan *loan = tcp_loan_of(node);
        loan->done(loan);
    }
}

static bool has_more(const struct loom_stack *stack)
{
    return !list_is_empty(&stack->stirred) || !list_is_empty(&stack->loans) ||
           stack->net.received.count > 0;
}

uint64_t loom_stack_next_ns(const struct loom_stack *stack)
{
    assert(stack_is_mine(stack));
    return has_more(stack) ? stack->core.agenda.now_ns : stack->next_ns;
}

uint64_t loom_stack_now_ns(const struct loom_stack *stack)
{
    return atomic_load_explicit(&stack->now_ns, memory_order_relaxed);
}

uint64_t loom_stack_step(struct loom_stack *stack, uint64_t now_ns)
{
    make_mine(stack);
    struct list told;
    list_init(&told);
    struct loom_host *before = stack_enter(stack);
    stack->next_ns = stack_core_step(&stack->core, now_ns);
    atomic_store_explicit(&stack->now_ns, stack->core.agenda.now_ns, memory_order_relaxed);
    run_calls(stack, &told);
    for (unsigned round = 1; round < ROUNDS_MAX && !list_is_empty(&stack->stirred); round++)
        run_calls(stack, &told);
    stack_leave(stack, before);
    tell_watches(&told);
    tell_loans(stack);
    return loom_stack_next_ns(stack);
}

/* ---- frames ---- */

struct input_call {
    struct call call;
    const struct loom_frame *frame;
};

static enum loom_result input_attempt(struct call *call)
{
    struct input_call *input = CONTAINER_OF(call, struct input_call, call);
    return embed_net_input(&call->stack->net, input->frame);
}

enum loom_result loom_stack_input_frame(struct loom_stack *stack, const struct loom_frame *frame)
{
    if (stack_is_mine(stack)) {
        assert(!stack->is_inside);
        return embed_net_input(&stack->net, frame);
    }
    struct input_call input = { .call = CALL(stack, NULL, input_attempt, LOOM_NO_WAIT),
                                .frame = frame };
    return call_run(&input.call);
}

enum loom_result loom_stack_input(struct loom_stack *stack, const void *bytes, size_t length_bytes)
{
    const struct loom_part part = { bytes, length_bytes };
    const struct loom_frame frame = { .parts = &part,
                                      .part_count = 1,
                                      .length_bytes = length_bytes };
    return loom_stack_input_frame(stack, &frame);
}

/* ---- opening ---- */

/* Nobody is waiting for the net: who brings a frame steps the stack. */
static void net_ready(struct net_user *user)
{
    (void)user;
}

static void groups_of(struct loom_stack *stack, struct parameter_group groups[2])
{
    groups[0] = (struct parameter_group){ .device = "host",
                                          .prefix = "",
                                          .table = embed_parameters,
                                          .values = SPAN_OF(stack->own_parameters) };
    groups[1] = (struct parameter_group){ .device = "stack",
                                          .prefix = "",
                                          .table = stack_core_parameters,
                                          .values = SPAN_OF(stack->parameters) };
}

static void refuse(struct span message, struct view words)
{
    if (message.length_bytes == 0) return;
    struct view shown = view_first(words, MIN(words.length_bytes, message.length_bytes - 1));
    struct span rest = span_copy(message, shown);
    span_fill(span_first(rest, 1), 0);
}

/* "--name=value" for each, as the reader of command lines wants them. */
static bool write_options(struct loom_stack *stack, const struct loom_option options[],
                          size_t count)
{
    struct span rest = SPAN_OF(stack->option_text);
    for (size_t i = 0; i < count; i++) {
        struct writer writer = writer_over(rest);
        writer_put(&writer, VIEW("--"));
        writer_put(&writer, view_from_string(options[i].name));
        writer_put(&writer, VIEW("="));
        writer_put(&writer, view_from_string(options[i].value));
        if (writer.ran_short) return false;
        stack->option_views[i] = writer_view(&writer);
        rest = span_from_offset(rest, stack->option_views[i].length_bytes);
    }
    return true;
}

static enum loom_result read_options(struct loom_stack *stack, const struct loom_option options[],
                                     size_t count, struct span message)
{
    uint8_t room[PARAMETER_MESSAGE_MAX];
    size_t length_bytes = 0;
    struct parameter_group groups[2];
    groups_of(stack, groups);
    if (count > LOOM_OPTIONS_MAX || !write_options(stack, options, count)) {
        refuse(message, VIEW("too many options, or too long ones"));
        return LOOM_INVALID;
    }
    enum result result = parameter_read(groups, LENGTH_OF(groups), stack->option_views, count,
                                        SPAN_OF(room), &length_bytes);
    if (result == OK) return LOOM_OK;
    refuse(message, view_first(span_view(SPAN_OF(room)), length_bytes));
    return LOOM_INVALID;
}

static enum loom_result open_sockets(struct loom_stack *stack)
{
    stack->socket_count = stack->parameters.tcp.connection_count +
                          stack->parameters.tcp.acceptor_count +
                          stack->parameters.udp.binding_count;
    list_init(&stack->free_sockets);
    list_init(&stack->stirred);
    list_init(&stack->polls);
    list_init(&stack->expired);
    list_init(&stack->loans);
    list_init(&stack->queue);
    if (memory_take(stack->socket_count * sizeof(struct loom_socket), &stack->socket_memory) != OK)
        return LOOM_NO_MEMORY;
    stack->sockets = (void *)stack->socket_memory.bytes;
    return LOOM_OK;
}

static enum loom_result open_core(struct loom_stack *stack, uint64_t now_ns, struct span message)
{
    struct siphash_key key;
    stack->host->entropy(stack->host, &key, sizeof key);
    stack->net_user = (struct net_user){ .ready = net_ready };
    enum result result = stack_core_open(&stack->core, &stack->net.net, &stack->net_user,
                                         &stack->parameters, key, now_ns);
    if (result == OK) return LOOM_OK;
    if (result == FULL) return LOOM_NO_MEMORY;
    refuse(message, VIEW("\"ipv4\" or \"ipv4-gateway\" is no address that a host can have there"));
    return LOOM_INVALID;
}

static enum loom_result open_parts(struct loom_stack *stack, uint64_t now_ns, struct span message)
{
    enum loom_result result = open_sockets(stack);
    if (result != LOOM_OK) return result;
    embed_net_open(&stack->net, stack->host, &stack->own_parameters);
    result = open_core(stack, now_ns, message);
    if (result != LOOM_OK) memory_give_back(stack->socket_memory);
    return result;
}

static void open_lock(struct loom_stack *stack)
{
    int made = pthread_mutex_init(&stack->lock, NULL);
    made |= pthread_cond_init(&stack->emptied, NULL);
    assert(made == 0);
    atomic_init(&stack->owner, &thread_mark);
}

enum loom_result loom_stack_open(struct loom_host *host, const struct loom_option options[],
                                 size_t option_count, uint64_t now_ns, char *message,
                                 size_t message_bytes, struct loom_stack **stack)
{
    struct span memory;
    struct span words = span_from(message, message == NULL ? 0 : message_bytes);
    refuse(words, VIEW(""));
    if (memory_take(sizeof(struct loom_stack), &memory) != OK) return LOOM_NO_MEMORY;
    struct loom_stack *made = (void *)memory.bytes;
    made->host = host;
    made->memory = memory;
    struct loom_host *before = embed_set_host(host);
    enum loom_result result = read_options(made, options, option_count, words);
    if (result == LOOM_OK) result = open_parts(made, now_ns, words);
    (void)embed_set_host(before);
    if (result != LOOM_OK) {
        memory_give_back(memory);
        return result;
    }
    open_lock(made);
    atomic_init(&made->now_ns, now_ns);
    made->next_ns = now_ns;
    *stack = made;
    return LOOM_OK;
}

/* ---- closing ---- */

static void close_sockets(struct loom_stack *stack)
{
    for (size_t i = 0; i < stack->socket_touched_count; i++) {
        struct loom_socket *socket = &stack->sockets[i];
        if (socket->role != ROLE_FREE) socket_close(socket, true);
    }
}

/* Whoever waits is answered, and has left before the memory goes. */
static void await_callers(struct loom_stack *stack)
{
    call_end_all(&stack->polls, LOOM_CLOSED);
    embed_lock(stack);
    while (stack->waiting_count > 0) {
        struct list_node *node = list_take(&stack->queue);
        if (node == NULL) {
            (void)pthread_cond_wait(&stack->emptied, &stack->lock);
            continue;
        }
        embed_unlock(stack);
        list_append(&stack->polls, node);
        call_end_all(&stack->polls, LOOM_CLOSED);
        embed_lock(stack);
    }
    embed_unlock(stack);
}

void loom_stack_close(struct loom_stack *stack)
{
    make_mine(stack);
    struct loom_host *before = stack_enter(stack);
    close_sockets(stack);
    await_callers(stack);
    stack_core_close(&stack->core);
    stack_leave(stack, before);
    tell_loans(stack);
    (void)pthread_cond_destroy(&stack->emptied);
    (void)pthread_mutex_destroy(&stack->lock);
    memory_give_back(stack->socket_memory);
    memory_give_back(stack->memory);
}

/* ---- addresses and routes ---- */

struct route_call {
    struct call call;
    struct address prefix, gateway;
    unsigned prefix_bits;
    uint32_t metric;
};

static enum loom_result add_address_attempt(struct call *call)
{
    struct route_call *route = CONTAINER_OF(call, struct route_call, call);
    return result_to_public(
        ipv4_add_address(&call->stack->core.ipv4, &route->prefix, route->prefix_bits));
}

static enum loom_result remove_address_attempt(struct call *call)
{
    struct route_call *route = CONTAINER_OF(call, struct route_call, call);
    return result_to_public(ipv4_remove_address(&call->stack->core.ipv4, &route->prefix));
}

static enum loom_result add_route_attempt(struct call *call)
{
    struct route_call *route = CONTAINER_OF(call, struct route_call, call);
    return result_to_public(ipv4_add_route(&call->stack->core.ipv4, &route->prefix,
                                           route->prefix_bits, &route->gateway, route->metric));
}

static enum loom_result remove_route_attempt(struct call *call)
{
    struct route_call *route = CONTAINER_OF(call, struct route_call, call);
    return result_to_public(ipv4_remove_route(&call->stack->core.ipv4, &route->prefix,
                                              route->prefix_bits, route->metric));
}

static enum loom_result run_route(struct loom_stack *stack, struct route_call route,
                                  enum loom_result (*attempt)(struct call *call))
{
    if (route.prefix_bits > 32) return LOOM_INVALID;
    route.call = (struct call)CALL(stack, NULL, attempt, LOOM_NO_WAIT);
    return call_run(&route.call);
}

enum loom_result loom_stack_add_address(struct loom_stack *stack,
                                        const struct loom_address *address, unsigned prefix_bits)
{
    if (!address_is_usable(address, false)) return LOOM_UNREACHABLE;
    struct route_call route = { .prefix = address_from_public(address),
                                .prefix_bits = prefix_bits };
    return run_route(stack, route, add_address_attempt);
}

enum loom_result loom_stack_remove_address(struct loom_stack *stack,
                                           const struct loom_address *address)
{
    if (!address_is_usable(address, false)) return LOOM_UNREACHABLE;
    struct route_call route = { .prefix = address_from_public(address) };
    return run_route(stack, route, remove_address_attempt);
}

enum loom_result loom_stack_add_route(struct loom_stack *stack, const struct loom_address *prefix,
                                      unsigned prefix_bits, const struct loom_address *gateway,
                                      uint32_t metric)
{
    if (!address_is_usable(prefix, false) || !address_is_usable(gateway, true))
        return LOOM_UNREACHABLE;
    struct route_call route = { .prefix = address_from_public(prefix),
                                .gateway = address_from_public(gateway),
                                .prefix_bits = prefix_bits,
                                .metric = metric };
    return run_route(stack, route, add_route_attempt);
}

enum loom_result loom_stack_remove_route(struct loom_stack *stack,
                                         const struct loom_address *prefix, unsigned prefix_bits,
                                         uint32_t metric)
{
    if (!address_is_usable(prefix, false)) return LOOM_UNREACHABLE;
    struct route_call route = { .prefix = address_from_public(prefix),
                                .prefix_bits = prefix_bits,
                                .metric = metric };
    return run_route(stack, route, remove_route_attempt);
}
