/* echo_udp.c - echo over UDP (RFC 862): what a datagram brings goes back to where it came from.
 *
 * No state a peer, one fiber, and memory for one burst. A peer's address may be forged, so
 * datagrams that come from a well-known port, or from the port that this service has, are dropped:
 * two services that answer everything would keep each other busy for ever.
 *
 * SPDX-License-Identifier: ISC */
#include "echo_udp.h"

#include "base/writer.h"
#include "fiber/stop.h"
#include "target/memory.h"

#define LOG_MODULE "echo"
#include "log/log.h"

#define WELL_KNOWN_PORTS 1024
#define PATIENCE_NS      (100 * MS_NS) /* with a send queue that is full */

const struct parameter echo_udp_parameters[] = { ECHO_UDP_PARAMETERS("7007"), PARAMETER_END };

static const struct metric echo_udp_metrics[] = {
    METRIC_COUNTER(struct echo_udp, datagrams_count, "echo_datagrams_total",
                   "Datagrams sent back."),
    METRIC_COUNTER(struct echo_udp, bytes_count, "echo_bytes_total", "Bytes sent back."),
    METRIC_COUNTER(struct echo_udp, dropped_count, "echo_dropped_total",
                   "Datagrams that were not sent back."),
    METRIC_END,
};

static bool is_answered(const struct echo_udp *udp_echo, const struct datagram_in *in)
{
    return !in->truncated && in->peer.port >= WELL_KNOWN_PORTS &&
           in->peer.port != udp_echo->port->local.port;
}

/* Turns the burst that came in into one that goes out; gives its length. */
static size_t burst_turn(struct echo_udp *udp_echo, size_t received)
{
    size_t count = 0;
    for (size_t i = 0; i < received; i++) {
        const struct datagram_in *in = &udp_echo->in[i];
        if (!is_answered(udp_echo, in)) {
            udp_echo->dropped_count++;
            continue;
        }
        udp_echo->out[count++] = (struct datagram_out){
            .peer = in->peer,
            .source = in->destination,
            .bytes = view_first(span_view(in->room), in->length_bytes),
        };
    }
    return count;
}

/* One that cannot be sent is dropped, and the rest goes on. */
static enum result burst_send(struct echo_udp *udp_echo, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t sent;
        enum result result = udp_send(udp_echo->port, &udp_echo->out[done], count - done, &sent,
                                      deadline_after(loop_now_ns(), PATIENCE_NS));
        for (size_t i = done; i < done + sent; i++)
            udp_echo->bytes_count += udp_echo->out[i].bytes.length_bytes;
        udp_echo->datagrams_count += sent;
        done += sent;
        if (result == CANCELLED) return result;
        if (result == OK) continue;
        udp_echo->dropped_count++;
        done++;
    }
    return OK;
}

static enum result echo_burst(struct echo_udp *udp_echo)
{
    size_t received;
    enum result result = udp_receive(udp_echo->port, udp_echo->in, ECHO_BURST, &received, NEVER);
    if (result == REFUSED) return OK; /* a peer that is gone already */
    if (result != OK) return result;
    return burst_send(udp_echo, burst_turn(udp_echo, received));
}

static void receiver_run(struct task *task)
{
    struct echo_udp *udp_echo = CONTAINER_OF(task, struct echo_udp, receiver);
    enum result result;
    do {
        result = echo_burst(udp_echo);
    } while (result == OK);
    if (result != CANCELLED) log_error("receiving ended: %s", result_text(result));
}

static enum result bind_to(struct echo_udp *udp_echo)
{
    const struct endpoint local = { .port = (uint16_t)udp_echo->parameters.port };
    enum result result = udp_bind(udp_echo->udp, &local, &udp_echo->port);
    if (result != OK) return result;
    uint16_t port = udp_echo->port->local.port;
    struct writer name = writer_over(
        span_first(SPAN_OF(udp_echo->instance), sizeof udp_echo->instance - 1));
    writer_format(&name, "udp-%u", port);
    metrics_register(&udp_echo->metrics, udp_echo->instance, echo_udp_metrics, SPAN_OF(*udp_echo));
    log_info("listening on UDP port %u", port);
    return OK;
}

static enum result echo_udp_serve(struct echo *echo)
{
    struct echo_udp *udp_echo = CONTAINER_OF(echo, struct echo_udp, echo);
    enum result result = bind_to(udp_echo);
    if (result != OK) return result;

    struct scope scope;
    scope_open(&scope, "echo datagrams");
    result = fiber_start(&scope, &udp_echo->receiver, "echo receiver", STACK_SMALL);
    if (result == OK) result = stop_wait(NEVER);
    scope_close(&scope);
    metrics_withdraw(&udp_echo->metrics);
    udp_port_close(udp_echo->port);
    return result;
}

static const struct echo_ops echo_udp_ops = ECHO_OPS(echo_udp);

enum result echo_udp_open(struct echo_udp *udp_echo, struct udp *udp,
                          const struct echo_udp_parameters *parameters)
{
    *udp_echo = (struct echo_udp){ .echo = { &echo_udp_ops },
                                   .udp = udp,
                                   .parameters = *parameters,
                                   .receiver = { receiver_run } };
    enum result result = memory_take(ECHO_BURST * (size_t)UDP_PAYLOAD_MAX, &udp_echo->memory);
    if (result != OK) return result;
    for (size_t i = 0; i < ECHO_BURST; i++) {
        struct span rest = span_from_offset(udp_echo->memory, i * UDP_PAYLOAD_MAX);
        udp_echo->in[i].room = span_first(rest, UDP_PAYLOAD_MAX);
    }
    return OK;
}

void echo_udp_close(struct echo_udp *udp_echo)
{
    memory_give_back(udp_echo->memory);
}
