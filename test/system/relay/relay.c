/* relay.c - joins connections, so that a program which speaks to its own server only (iperf3) has
 * our stack between the two: a receiver for its sender, and a sender for its receiver.
 *
 * Each joint has a fiber of its own, and one for each way. A way borrows what has come and writes
 * it; the far side's window is what holds the near side back.
 *
 * SPDX-License-Identifier: ISC */
#include "relay.h"

#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "http_pages/http_metrics.h"
#include "metrics/metrics.h"
#include "target/clock.h"
#include "tcp/tcp.h"

#define LOG_MODULE "relay"
#include "log/log.h"

#define VALUES           struct relay_parameters
#define JOINTS           32
#define CONNECT_LIMIT_NS (10 * S_NS)
#define FULL_PAUSE_NS    (10 * MS_NS)

static enum result parse_to(struct view text, struct span value)
{
    return endpoint_parse(text, (struct endpoint *)(void *)value.bytes);
}

const struct parameter relay_parameters[] = {
    PARAMETER_NUMBER(VALUES, port, "relay-port", "5201", 1, 65535, "TCP port to listen on"),
    PARAMETER_PARSED(VALUES, to, struct endpoint, "to", "127.0.0.1:5202", "ADDRESS:PORT", parse_to,
                     "where each connection is joined to"),
    PARAMETER_END,
};

struct way {
    struct task task;
    struct joint *joint;
    struct flow *from, *to;
    uint64_t *bytes_count;
    enum result result; /* when it has ended */
};

struct joint {
    struct list_node node;
    struct task task;
    struct flow *near, *far;
    struct way ways[2];
    unsigned ways_running;
    struct waiters for_end; /* of a way */
};

/* Too large for a stack, and an image has one. */
static struct relay {
    struct tcp *tcp;
    struct endpoint to;
    struct listener *listener;
    struct scope scope;
    struct task acceptor;
    struct joint joints[JOINTS];
    struct list free;
    struct waiters for_free;
    struct metrics metrics;
    uint64_t joints_count, broken_count, there_bytes, back_bytes;
} relay;

static const struct metric relay_metrics[] = {
    METRIC_COUNTER(struct relay, joints_count, "relay_joints_total", "Connections joined."),
    METRIC_COUNTER(struct relay, broken_count, "relay_broken_total", "Joints that broke."),
    METRIC_COUNTER_LABELLED(struct relay, there_bytes, "relay_bytes_total", "way=\"there\"",
                            "Bytes carried."),
    METRIC_COUNTER_LABELLED(struct relay, back_bytes, "relay_bytes_total", "way=\"back\"",
                            "Bytes carried."),
    METRIC_END,
};

/* ---- a joint ---- */

static enum result way_carry(struct way *way)
{
    for (;;) {
        struct view bytes;
        size_t written_bytes;
        enum result result = flow_borrow(way->from, &bytes, NEVER);
        if (result == CLOSED) return flow_shut(way->to);
        if (result != OK) return result;
        result = flow_write_counted(way->to, &bytes, 1, &written_bytes, NEVER);
        *way->bytes_count += result == OK ? bytes.length_bytes : written_bytes;
        flow_give_back(way->from, bytes.length_bytes);
        if (result != OK) return result;
    }
}

static void way_run(struct task *task)
{
    struct way *way = CONTAINER_OF(task, struct way, task);
    way->result = way_carry(way);
    way->joint->ways_running--;
    waiters_wake_all(&way->joint->for_end);
}

static bool has_broken(const struct joint *joint)
{
    return joint->ways[0].result != OK || joint->ways[1].result != OK;
}

/* Until both ways have ended; when one breaks, the other is cut short. */
static enum result joint_carry(struct joint *joint)
{
    struct scope scope;
    enum result result = OK;
    joint->ways[0] = (struct way){ .task = { way_run },
                                   .joint = joint,
                                   .from = joint->near,
                                   .to = joint->far,
                                   .bytes_count = &relay.there_bytes };
    joint->ways[1] = (struct way){ .task = { way_run },
                                   .joint = joint,
                                   .from = joint->far,
                                   .to = joint->near,
                                   .bytes_count = &relay.back_bytes };
    joint->ways_running = 0;
    scope_open(&scope, "ways");
    for (unsigned i = 0; i < LENGTH_OF(joint->ways) && result == OK; i++) {
        result = fiber_start(&scope, &joint->ways[i].task, "way", STACK_SMALL);
        joint->ways_running += result == OK;
    }
    while (result == OK && joint->ways_running > 0 && !has_broken(joint))
        result = waiters_wait(&joint->for_end, "a way's end", NEVER);
    scope_close(&scope);
    return result == OK && has_broken(joint) ? FAILED : result;
}

static void end_flow(struct flow *flow, enum result result)
{
    if (result == OK) flow_close(flow);
    if (result != OK) flow_abort(flow);
}

static enum result joint_join(struct joint *joint)
{
    enum result result = tcp_connect(relay.tcp, &relay.to, NULL, &joint->far,
                                     clock_monotonic_ns() + CONNECT_LIMIT_NS);
    if (result != OK) return result;
    relay.joints_count++;
    result = joint_carry(joint);
    end_flow(joint->far, result);
    return result;
}

static void joint_run(struct task *task)
{
    struct joint *joint = CONTAINER_OF(task, struct joint, task);
    enum result result = joint_join(joint);
    if (result != OK) log_info("a joint ended: %s", result_text(result));
    relay.broken_count += result != OK;
    end_flow(joint->near, result);
    list_prepend(&relay.free, &joint->node);
    waiters_wake_one(&relay.for_free);
}

/* ---- accepting ---- */

static enum result wait_for_joint(void)
{
    enum result result = OK;
    while (result == OK && list_is_empty(&relay.free))
        result = waiters_wait(&relay.for_free, "a joint", NEVER);
    return result;
}

static void joint_begin(struct flow *near)
{
    struct joint *joint = CONTAINER_OF(list_take(&relay.free), struct joint, node);
    *joint = (struct joint){ .task = { joint_run }, .near = near };
    waiters_init(&joint->for_end);
    if (fiber_start(&relay.scope, &joint->task, "joint", STACK_SMALL) == OK) return;
    flow_abort(near);
    list_prepend(&relay.free, &joint->node);
}

static void accept_run(struct task *task)
{
    (void)task;
    enum result result;
    do {
        struct flow *near;
        result = wait_for_joint();
        if (result == OK) result = listener_accept(relay.listener, &near, NEVER);
        if (result == OK) joint_begin(near);
        if (result == FULL) result = fiber_sleep(FULL_PAUSE_NS) == CANCELLED ? CANCELLED : OK;
    } while (result == OK);
}

/* ---- the relay ---- */

static enum result serve(struct http *metrics)
{
    struct http_metrics page;
    http_metrics_init(&page);
    const struct http_route route = { .method = HTTP_GET,
                                      .pattern = VIEW("/metrics"),
                                      .handler = &page.handler };
    enum result result = fiber_start(&relay.scope, &relay.acceptor, "acceptor", STACK_SMALL);
    return result == OK ? http_serve(metrics, &(struct http_site){ &route, 1 }) : result;
}

enum result relay_start(struct tcp *tcp, struct http *metrics,
                        const struct relay_parameters *parameters)
{
    const struct endpoint local = { .port = (uint16_t)parameters->port };
    relay = (struct relay){ .tcp = tcp, .to = parameters->to, .acceptor = { accept_run } };
    list_init(&relay.free);
    waiters_init(&relay.for_free);
    for (size_t i = 0; i < LENGTH_OF(relay.joints); i++)
        list_append(&relay.free, &relay.joints[i].node);
    enum result result = tcp_listen(tcp, &local, &(struct listen_options){ .backlog = 16 },
                                    &relay.listener);
    if (result != OK) return result;
    metrics_register(&relay.metrics, "relay", relay_metrics, SPAN_OF(relay));
    scope_open(&relay.scope, "joints");
    result = serve(metrics);
    scope_close(&relay.scope);
    metrics_withdraw(&relay.metrics);
    listener_close(relay.listener);
    return result;
}
