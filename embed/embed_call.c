/* embed_call.c - calls of the interface: at once on the stepping thread, queued from all others.
 *
 * The lock guards the queue and the answers and nothing else; the stack itself is never locked.
 * What a waiting caller's structure points to (buffers, its result) is the stepping thread's from
 * the moment the call is queued until it is answered.
 *
 *     caller: queue -> wake -> wait ........................... answered -> return
 *     stepping thread:  take -> attempt -> LOOM_AGAIN: park it -> attempt ... -> answer
 *                                          at its socket, with a timer
 *
 * SPDX-License-Identifier: ISC */
#include "embed/embed.h"

void embed_lock(struct loom_stack *stack)
{
    int locked = pthread_mutex_lock(&stack->lock);
    assert(locked == 0);
}

void embed_unlock(struct loom_stack *stack)
{
    int unlocked = pthread_mutex_unlock(&stack->lock);
    assert(unlocked == 0);
}

/* ---- on the stepping thread ---- */

static void answer(struct call *call, enum loom_result result)
{
    struct loom_stack *stack = call->stack;
    agenda_stop(&stack->core.agenda, &call->timer);
    if (list_holds(&call->ended)) list_remove(&call->ended);
    embed_lock(stack);
    call->result = result;
    call->is_answered = true;
    (void)pthread_cond_signal(&call->answered);
    embed_unlock(stack);
}

static void expire(struct agenda_entry *entry)
{
    struct call *call = CONTAINER_OF(entry, struct call, timer);
    if (!list_holds(&call->ended)) list_append(&call->stack->expired, &call->ended);
}

static void park(struct call *call)
{
    struct loom_stack *stack = call->stack;
    list_append(call->socket != NULL ? &call->socket->waiting : &stack->polls, &call->node);
    call->timer.due = expire;
    agenda_set(&stack->core.agenda, &call->timer, call->deadline_ns);
}

static enum loom_result attempt(struct call *call)
{
    bool is_closed = call->socket != NULL && call->socket->role == ROLE_FREE;
    return is_closed ? LOOM_CLOSED : call->attempt(call);
}

/* True: it is answered. */
static bool try(struct call *call)
{
    enum loom_result result = attempt(call);
    if (result == LOOM_AGAIN && call->deadline_ns > call->stack->core.agenda.now_ns) return false;
    answer(call, result);
    return true;
}

static struct call *first_queued(struct loom_stack *stack)
{
    embed_lock(stack);
    struct list_node *node = list_take(&stack->queue);
    embed_unlock(stack);
    return node == NULL ? NULL : CONTAINER_OF(node, struct call, node);
}

void call_take_queued(struct loom_stack *stack)
{
    for (struct call *call = first_queued(stack); call != NULL; call = first_queued(stack)) {
        if (!try(call)) park(call);
    }
}

/* Each once: a call that is answered may let the next one of its socket succeed or fail. */
void call_retry(struct list *waiting)
{
    struct list round;
    list_init(&round);
    list_move_all(&round, waiting);
    for (struct list_node *node = list_take(&round); node != NULL; node = list_take(&round)) {
        struct call *call = CONTAINER_OF(node, struct call, node);
        if (!try(call)) list_append(waiting, &call->node);
    }
}

void call_expire(struct loom_stack *stack)
{
    for (struct list_node *node = list_take(&stack->expired); node != NULL;
         node = list_take(&stack->expired)) {
        struct call *call = CONTAINER_OF(node, struct call, ended);
        list_remove(&call->node);
        answer(call, attempt(call));
    }
}

void call_end_all(struct list *waiting, enum loom_result result)
{
    for (struct list_node *node = list_take(waiting); node != NULL; node = list_take(waiting))
        answer(CONTAINER_OF(node, struct call, node), result);
}

static enum loom_result run_here(struct call *call)
{
    struct loom_stack *stack = call->stack;
    struct loom_host *before = stack_enter(stack);
    enum loom_result result = attempt(call);
    stack->next_ns = stack_core_leave(&stack->core);
    stack_leave(stack, before);
    return result;
}

/* ---- on any other ---- */

static enum loom_result run_there(struct call *call)
{
    struct loom_stack *stack = call->stack;
    assert(stack->host->wake != NULL);
    int made = pthread_cond_init(&call->answered, NULL);
    assert(made == 0);
    embed_lock(stack);
    bool is_first = list_is_empty(&stack->queue);
    list_append(&stack->queue, &call->node);
    stack->waiting_count++;
    embed_unlock(stack);
    if (is_first) stack->host->wake(stack->host);
    embed_lock(stack);
    while (!call->is_answered)
        (void)pthread_cond_wait(&call->answered, &stack->lock);
    (void)pthread_cond_destroy(&call->answered);
    if (--stack->waiting_count == 0) (void)pthread_cond_signal(&stack->emptied);
    embed_unlock(stack);
    return call->result;
}

enum loom_result call_run(struct call *call)
{
    if (stack_is_mine(call->stack)) return run_here(call);
    return run_there(call);
}
