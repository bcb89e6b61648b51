/* flow.c - what every flow needs and no implementation should write again: watches, reading a whole
 * room, closing without a reset.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow.h"

static void watch_end(struct watch *watch)
{
    alarm_stop(&watch->alarm);
    watch->flow->watch = NULL;
    watch->flow = NULL;
    watch->armed = false;
}

static void watch_due(struct alarm *alarm)
{
    struct watch *watch = CONTAINER_OF(alarm, struct watch, alarm);
    if (watch->armed) flow_notify(watch->flow, TIMED_OUT);
}

void watch_arm(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    assert(flow->watch == NULL);
    flow->watch = watch;
    watch->flow = flow;
    watch->armed = true;
    watch->alarm.due = watch_due;
    alarm_set(&watch->alarm, deadline_ns);
}

void flow_notify(struct flow *flow, enum result result)
{
    struct watch *watch = flow->watch;
    if (watch == NULL) return;
    watch_end(watch);
    watch->result = result;
    mailbox_put(watch->mailbox, &watch->letter);
}

void flow_unwatch(struct flow *flow, struct watch *watch)
{
    /* A wrapping flow arms the watch at the flow inside, so the watch knows better where it is. */
    (void)flow;
    if (watch->armed) watch_end(watch);
    letter_withdraw(&watch->letter);
}

enum result flow_read_whole(struct flow *flow, struct span room, size_t *length_bytes,
                            uint64_t deadline_ns)
{
    *length_bytes = 0;
    while (*length_bytes < room.length_bytes) {
        size_t read_bytes;
        enum result result = flow_read(flow, span_from_offset(room, *length_bytes), &read_bytes,
                                       deadline_ns);
        if (result != OK) return result;
        *length_bytes += read_bytes;
    }
    return OK;
}

void flow_close_gently(struct flow *flow, uint64_t deadline_ns)
{
    /* Small, because it stands on the caller's stack; what comes here is dropped anyway. */
    uint8_t dropped[512];
    size_t length_bytes;
    if (flow_shut(flow) == OK) {
        /* A peer that never stops sending must not keep it open: the read alone would not tell. */
        while (loop_now_ns() < deadline_ns &&
               flow_read(flow, SPAN_OF(dropped), &length_bytes, deadline_ns) == OK)
            continue;
    }
    flow_close(flow);
}
