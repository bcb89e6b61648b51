/* flow_suite.h - what every flow must do: the cases that run against each implementation.
 *
 *     static struct flow_fixture memory = { .open = memory_open, .close = memory_close };
 *     FLOW_SUITE(flow_memory, &memory)
 *
 * A fixture opens two flows that are connected to each other; the cases close both.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_SUITE_H
#define LOOM_FLOW_SUITE_H

#include "flow/flow.h"
#include "test/test.h"

struct flow_fixture {
    void (*open)(struct flow_fixture *fixture, struct flow **near, struct flow **far);
    void (*close)(struct flow_fixture *fixture); /* both flows are closed; NULL: nothing to do */
    size_t held_bytes_max; /* what can be under way one way; a writer of more waits for a reader */
    const char *no_borrow; /* why it cannot; NULL: it can */
};

#define FLOW_CASES(CASE, implementation, fixture) \
    CASE(implementation, fixture, carries_views_in_order) \
    CASE(implementation, fixture, read_takes_what_fits) \
    CASE(implementation, fixture, read_without_waiting) \
    CASE(implementation, fixture, read_times_out) \
    CASE(implementation, fixture, read_is_cancelled) \
    CASE(implementation, fixture, write_is_cancelled) \
    CASE(implementation, fixture, write_times_out_and_counts) \
    CASE(implementation, fixture, slow_reader_gets_all) \
    CASE(implementation, fixture, both_ways_at_once) \
    CASE(implementation, fixture, read_whole) \
    CASE(implementation, fixture, watch_fires_at_once) \
    CASE(implementation, fixture, watch_fires_later) \
    CASE(implementation, fixture, watch_fires_at_the_end) \
    CASE(implementation, fixture, watch_fires_at_the_deadline) \
    CASE(implementation, fixture, watch_is_taken_back) \
    CASE(implementation, fixture, watch_is_taken_back_with_its_letter) \
    CASE(implementation, fixture, watch_ends_with_the_flow) \
    CASE(implementation, fixture, watch_again_and_again) \
    CASE(implementation, fixture, borrow_and_give_back_a_part) \
    CASE(implementation, fixture, borrow_ends_as_read_does) \
    CASE(implementation, fixture, lend_comes_in_order) \
    CASE(implementation, fixture, lend_more_than_fits) \
    CASE(implementation, fixture, lend_without_room) \
    CASE(implementation, fixture, lend_behind_what_waits) \
    CASE(implementation, fixture, lend_then_shut) \
    CASE(implementation, fixture, lend_then_abort) \
    CASE(implementation, fixture, shut_leaves_the_other_way) \
    CASE(implementation, fixture, close_delivers_what_was_written) \
    CASE(implementation, fixture, last_bytes_go_with_the_close) \
    CASE(implementation, fixture, last_bytes_go_with_the_shut) \
    CASE(implementation, fixture, last_bytes_may_be_many) \
    CASE(implementation, fixture, close_gently_resets_nobody) \
    CASE(implementation, fixture, close_gently_has_a_deadline) \
    CASE(implementation, fixture, write_to_a_closed_peer_ends) \
    CASE(implementation, fixture, abort_wakes_the_reader) \
    CASE(implementation, fixture, abort_wakes_the_writer)

#define FLOW_CASE_DECLARE(implementation, fixture, name) \
    void flow_case_##name(struct flow_fixture *fixture);
FLOW_CASES(FLOW_CASE_DECLARE, , fixture)

#define FLOW_CASE_TEST(implementation, fixture, name) \
    TEST(implementation##_##name) \
    { \
        flow_case_##name(fixture); \
    }
#define FLOW_SUITE(implementation, fixture) FLOW_CASES(FLOW_CASE_TEST, implementation, fixture)

/* ---- for the cases ---- */

/* A moment that no case should need, and one in which nothing may happen. */
#define SUITE_SOON_NS  (10 * S_NS)
#define SUITE_QUIET_NS (20 * MS_NS)

uint64_t suite_soon(void);
uint64_t suite_quiet(void);

/* The byte that a stream of the suite has at an offset. */
uint8_t suite_byte(size_t offset_bytes);

/* A fiber that writes `length_bytes` of the suite's stream in one view. */
struct suite_writer {
    struct task task;
    struct flow *flow;
    size_t length_bytes, written_bytes;
    uint64_t deadline_ns;
    bool writes_last; /* and shuts */
    enum result result;
    struct span memory;
};
void suite_writer_start(struct suite_writer *writer, struct scope *scope, struct flow *flow,
                        size_t length_bytes, uint64_t deadline_ns);
/* Gives its memory back; its fiber has ended. */
void suite_writer_finish(struct suite_writer *writer);

/* A fiber that reads, in rooms of `room_bytes` (at most 512), until an end or `length_bytes`. */
struct suite_reader {
    struct task task;
    struct flow *flow;
    size_t length_bytes, room_bytes, read_bytes;
    uint64_t pause_ns; /* before each read */
    uint64_t deadline_ns;
    bool differs; /* it was not the suite's stream */
    enum result result;
};
void suite_reader_start(struct suite_reader *reader, struct scope *scope, struct flow *flow,
                        size_t length_bytes);

/* Takes all that comes soon and expects it to be `wanted`, then nothing more for a moment. */
void suite_expect_read(struct flow *flow, struct view wanted);

/* Reads until an end, of the suite's stream from `offset_bytes`, and gives the result. */
enum result suite_read_to_end(struct flow *flow, size_t *offset_bytes);

#endif
