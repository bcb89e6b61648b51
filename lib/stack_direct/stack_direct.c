/* stack_direct.c - a stack of our own over any net, driven by the image's loop.
 *
 * SPDX-License-Identifier: ISC */
#include "stack_direct/stack_direct.h"

#include "target/clock.h"
#include "target/entropy.h"

#define LOG_MODULE "stack"
#include "log/log.h"

const struct parameter stack_direct_parameters[] = {
    PARAMETER_TABLE(struct stack_direct_parameters, core, stack_core_parameters),
    PARAMETER_END,
};

/* ---- driving the core ---- */

/* Whoever waits to send a datagram comes before the connections that the core feeds. */
static void run(struct stack_direct *stack)
{
    udp_direct_go_on(&stack->udp);
    alarm_set(&stack->alarm, stack_core_run(&stack->core, clock_monotonic_ns()));
    udp_direct_go_on(&stack->udp);
}

static void deadline_has_come(struct alarm *alarm)
{
    run(CONTAINER_OF(alarm, struct stack_direct, alarm));
}

/* By then acknowledgements go with what the fibers have sent, and tell of the room that their reads
 * have made. */
static void fibers_have_run(struct deferred *deferred)
{
    run(CONTAINER_OF(deferred, struct stack_direct, deferred));
}

static void tell_link(const struct stack_direct *stack)
{
    if (stack->core.link_up != 0)
        log_info("the net's link is up again");
    else
        log_warning("the net's link is down: nothing comes or goes until it is up");
}

/* In every turn of the loop as long as frames wait: one burst is enough. */
static void frames_wait(struct net_user *user)
{
    struct stack_direct *stack = CONTAINER_OF(user, struct stack_direct, user);
    (void)stack_core_receive(&stack->core, clock_monotonic_ns());
    if (stack->told_link_changes != stack->core.link_changes) {
        stack->told_link_changes = stack->core.link_changes;
        tell_link(stack);
    }
    loop_defer(&stack->deferred);
}

void stack_direct_enter(struct stack_direct *stack)
{
    stack_core_enter(&stack->core, loop_now_ns());
}

void stack_direct_leave(struct stack_direct *stack)
{
    stack_core_transmit(&stack->core);
    loop_defer(&stack->deferred);
}

/* ---- what becomes of our addresses ---- */

static void address_claimed(struct ipv4_user *user, const struct address *address)
{
    uint8_t room[ADDRESS_TEXT_MAX];
    struct writer text = writer_over(SPAN_OF(room));
    (void)user;
    writer_put_address(&text, address);
    log_info("%.*s is ours", VIEW_FORMAT(writer_view(&text)));
}

static void address_in_conflict(struct ipv4_user *user, const struct address *address,
                                const struct mac *station, bool lost)
{
    uint8_t room[ADDRESS_TEXT_MAX + 32];
    struct writer text = writer_over(SPAN_OF(room));
    (void)user;
    writer_put_address(&text, address);
    writer_put(&text, VIEW(" belongs to "));
    for (size_t i = 0; i < sizeof station->bytes; i++) {
        if (i > 0) writer_put_u8(&text, ':');
        writer_put_hex(&text, station->bytes[i], 2);
    }
    log_error("%.*s too: %s", VIEW_FORMAT(writer_view(&text)),
              lost ? "it is not used any more; give another with --ipv4"
                   : "defended; one of the two must change");
}

/* ---- opening ---- */

enum result stack_direct_open(struct stack_direct *stack, struct net *net,
                              const struct stack_direct_parameters *parameters)
{
    *stack = (struct stack_direct){
        .user.ready = frames_wait,
        .alarm.due = deadline_has_come,
        .deferred.run = fibers_have_run,
        .address_user = { .claimed = address_claimed, .conflict = address_in_conflict },
    };
    enum result result = stack_core_open(&stack->core, net, &stack->user, &parameters->core,
                                         entropy_hash_key(), clock_monotonic_ns());
    if (result == INVALID)
        log_error("no host can have these: --ipv4, --ipv4-gateway (192.0.2.7/24 and 192.0.2.1, "
                  "say; a gateway needs an address)");
    if (result != OK) return result;
    if (parameters->core.ipv4.address.family == ADDRESS_ANY)
        log_warning("no address but 127.0.0.1: nobody else reaches this image without --ipv4");
    if (stack->core.link_up == 0) tell_link(stack);
    stack->core.ipv4.user = &stack->address_user;
    result = tcp_direct_open(&stack->tcp, stack, parameters->core.tcp.connection_count,
                             parameters->core.tcp.acceptor_count);
    if (result == OK) {
        result = udp_direct_open(&stack->udp, stack, parameters->core.udp.binding_count);
        if (result != OK) tcp_direct_close(&stack->tcp);
    }
    if (result != OK) {
        stack_core_close(&stack->core);
        return result;
    }
    stack->stack = (struct stack){ .tcp = &stack->tcp.tcp, .udp = &stack->udp.udp };
    metrics_register(&stack->metrics, "stack", stack_direct_metrics, SPAN_OF(*stack));
    loop_defer(&stack->deferred);
    return OK;
}

void stack_direct_close(struct stack_direct *stack)
{
    metrics_withdraw(&stack->metrics);
    udp_direct_close(&stack->udp);
    tcp_direct_close(&stack->tcp);
    alarm_stop(&stack->alarm);
    loop_withdraw(&stack->deferred);
    stack_core_close(&stack->core);
}
