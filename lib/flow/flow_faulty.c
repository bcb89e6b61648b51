/* flow_faulty.c - a flow that makes another one short-breathed, slow and unreliable.
 *
 * SPDX-License-Identifier: ISC */
#include "flow/flow_faulty.h"

#include "flow/fault.h"

/* A flow must not be aborted while another fiber waits on it; so where there may be a cut, waits
 * are short, and whoever comes out last cuts. */
#define SLICE_NS MS_NS

static struct flow_faulty *faulty_of(struct flow *flow)
{
    return CONTAINER_OF(flow, struct flow_faulty, flow);
}

/* ---- cutting ---- */

static void abort_below(struct flow_faulty *faulty)
{
    struct flow *below = faulty->below;
    if (!faulty->cut || faulty->inside > 0 || below == NULL) return;
    faulty->below = NULL;
    flow_notify(below, OK);
    flow_abort(below);
}

/* OK: go into `below`. */
static enum result enter(struct flow_faulty *faulty)
{
    if (!faulty->cut && fault_strikes(&faulty->random, faulty->plan.cut_per_million))
        faulty->cut = true;
    abort_below(faulty);
    if (faulty->cut) return FAILED;
    faulty->inside++;
    return OK;
}

static void leave(struct flow_faulty *faulty, size_t carried_bytes)
{
    faulty->inside--;
    faulty->carried_bytes += carried_bytes;
    if (faulty->plan.cut_at_bytes > 0 && faulty->carried_bytes >= faulty->plan.cut_at_bytes)
        faulty->cut = true;
    abort_below(faulty);
}

static bool may_cut(const struct flow_faulty *faulty)
{
    return faulty->plan.cut_at_bytes > 0 || faulty->plan.cut_per_million > 0;
}

static uint64_t slice_end(const struct flow_faulty *faulty, uint64_t deadline_ns)
{
    if (!may_cut(faulty) || deadline_ns <= loop_now_ns()) return deadline_ns;
    uint64_t end_ns = clock_monotonic_ns() + SLICE_NS;
    return MIN(deadline_ns, end_ns);
}

/* Whether a wait that ended with `result` has only come to the end of its slice. */
static bool goes_on(const struct flow_faulty *faulty, enum result result, uint64_t slice_ns,
                    uint64_t deadline_ns)
{
    return result == TIMED_OUT && slice_ns < deadline_ns && !faulty->cut;
}

static enum result result_of(const struct flow_faulty *faulty, enum result result)
{
    return result == TIMED_OUT && faulty->cut ? FAILED : result;
}

static size_t piece(struct flow_faulty *faulty, size_t length_bytes)
{
    size_t maximum = faulty->plan.piece_bytes_max;
    if (maximum == 0 || length_bytes == 0) return length_bytes;
    size_t chosen_bytes = 1 + (size_t)fault_below(&faulty->random, maximum);
    return MIN(length_bytes, chosen_bytes);
}

/* ---- reading ---- */

static enum result read_below(struct flow_faulty *faulty, struct span room, size_t *length_bytes,
                              uint64_t deadline_ns)
{
    uint64_t slice_ns;
    enum result result;
    do {
        slice_ns = slice_end(faulty, deadline_ns);
        result = flow_read(faulty->below, room, length_bytes, slice_ns);
    } while (goes_on(faulty, result, slice_ns, deadline_ns));
    return result_of(faulty, result);
}

static enum result flow_faulty_read(struct flow *flow, struct span room, size_t *length_bytes,
                                    uint64_t deadline_ns)
{
    struct flow_faulty *faulty = faulty_of(flow);
    enum result result = fault_delay(&faulty->random, faulty->plan.delay_ns_max, deadline_ns);
    if (result == OK) result = enter(faulty);
    if (result != OK) return result;
    room = span_first(room, piece(faulty, room.length_bytes));
    result = read_below(faulty, room, length_bytes, deadline_ns);
    leave(faulty, *length_bytes);
    return result;
}

static enum result borrow_below(struct flow_faulty *faulty, struct view *bytes,
                                uint64_t deadline_ns)
{
    uint64_t slice_ns;
    enum result result;
    do {
        slice_ns = slice_end(faulty, deadline_ns);
        result = flow_borrow(faulty->below, bytes, slice_ns);
    } while (goes_on(faulty, result, slice_ns, deadline_ns));
    return result_of(faulty, result);
}

/* The caller stays inside until it gives the view back, so that no cut takes the bytes away. */
static enum result flow_faulty_borrow(struct flow *flow, struct view *bytes, uint64_t deadline_ns)
{
    struct flow_faulty *faulty = faulty_of(flow);
    enum result result = fault_delay(&faulty->random, faulty->plan.delay_ns_max, deadline_ns);
    if (result == OK) result = enter(faulty);
    if (result != OK) return result;
    result = borrow_below(faulty, bytes, deadline_ns);
    if (result != OK) leave(faulty, 0);
    *bytes = view_first(*bytes, piece(faulty, bytes->length_bytes));
    return result;
}

static void flow_faulty_give_back(struct flow *flow, size_t consumed_bytes)
{
    struct flow_faulty *faulty = faulty_of(flow);
    flow_give_back(faulty->below, consumed_bytes);
    leave(faulty, consumed_bytes);
}

static void flow_faulty_watch(struct flow *flow, struct watch *watch, uint64_t deadline_ns)
{
    struct flow_faulty *faulty = faulty_of(flow);
    abort_below(faulty);
    if (!faulty->cut) {
        flow_watch(faulty->below, watch, deadline_ns);
        return;
    }
    watch_arm(flow, watch, deadline_ns);
    flow_notify(flow, OK);
}

/* ---- writing ---- */

static enum result write_below(struct flow_faulty *faulty, struct view view, size_t *written_bytes,
                               uint64_t deadline_ns)
{
    uint64_t slice_ns;
    enum result result;
    do {
        size_t slice_bytes;
        struct view rest = view_from_offset(view, *written_bytes);
        slice_ns = slice_end(faulty, deadline_ns);
        result = flow_write_counted(faulty->below, &rest, 1, &slice_bytes, slice_ns);
        *written_bytes += slice_bytes;
    } while (goes_on(faulty, result, slice_ns, deadline_ns));
    return result_of(faulty, result);
}

static enum result write_piece(struct flow_faulty *faulty, struct view view, size_t *written_bytes,
                               uint64_t deadline_ns)
{
    enum result result = fault_delay(&faulty->random, faulty->plan.delay_ns_max, deadline_ns);
    *written_bytes = 0;
    if (result == OK) result = enter(faulty);
    if (result != OK) return result;
    view = view_first(view, piece(faulty, view.length_bytes));
    result = write_below(faulty, view, written_bytes, deadline_ns);
    leave(faulty, *written_bytes);
    return result;
}

static enum result flow_faulty_write(struct flow *flow, const struct view views[], size_t count,
                                     size_t *written_bytes, uint64_t deadline_ns)
{
    enum result result = OK;
    for (size_t i = 0; i < count && result == OK; i++) {
        struct view left = views[i];
        while (left.length_bytes > 0 && result == OK) {
            size_t piece_bytes;
            result = write_piece(faulty_of(flow), left, &piece_bytes, deadline_ns);
            *written_bytes += piece_bytes;
            left = view_from_offset(left, piece_bytes);
        }
    }
    return result;
}

static enum result flow_faulty_lend(struct flow *flow, struct loan *loan, uint64_t deadline_ns)
{
    struct flow_faulty *faulty = faulty_of(flow);
    /* When the call returns the loan may be done, and not to be looked at. */
    size_t length_bytes = loan->bytes.length_bytes;
    uint64_t slice_ns;
    enum result result = fault_delay(&faulty->random, faulty->plan.delay_ns_max, deadline_ns);
    if (result == OK) result = enter(faulty);
    if (result != OK) return result;
    do {
        slice_ns = slice_end(faulty, deadline_ns);
        result = flow_lend(faulty->below, loan, slice_ns);
    } while (goes_on(faulty, result, slice_ns, deadline_ns));
    result = result_of(faulty, result);
    leave(faulty, result == OK ? length_bytes : 0);
    return result;
}

static enum result flow_faulty_shut(struct flow *flow)
{
    struct flow_faulty *faulty = faulty_of(flow);
    return faulty->cut ? FAILED : flow_shut(faulty->below);
}

/* ---- ending ---- */

static void end_flow(struct flow_faulty *faulty)
{
    assert_that(faulty->inside, ==, 0);
    faulty->below = NULL;
    faulty->cut = true;
    if (faulty->ended != NULL) faulty->ended(faulty);
}

static void flow_faulty_close(struct flow *flow)
{
    struct flow_faulty *faulty = faulty_of(flow);
    if (faulty->below != NULL) flow_close(faulty->below);
    end_flow(faulty);
}

static void flow_faulty_abort(struct flow *flow)
{
    struct flow_faulty *faulty = faulty_of(flow);
    if (faulty->below != NULL) flow_abort(faulty->below);
    end_flow(faulty);
}

static const struct flow_ops flow_faulty_ops = FLOW_OPS(flow_faulty);

void flow_faulty_open(struct flow_faulty *faulty, struct flow *below,
                      const struct flow_faulty_plan *plan)
{
    *faulty = (struct flow_faulty){
        .flow = { .ops = &flow_faulty_ops, .local = below->local, .peer = below->peer },
        .below = below,
        .plan = *plan,
        .random = plan->seed,
    };
}
