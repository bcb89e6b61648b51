/* wire.c - a bad wire between two nets.
 *
 * SPDX-License-Identifier: ISC */
#include "bench/wire/line/wire.h"

#include "base/units.h"

#define UNDER_WAY 16384 /* frames: 100 Mbit/s fill 833 in a tenth of a second */
#define PASSING   1024
#define ETHERNET  14
#define MILLION   1000000
#define RATE_MAX  ((uint64_t)100 * 1000 * 1000 * 1000)
#define QUEUE_MAX ((uint64_t)64 * 1024 * 1024)
#define BURST     (NET_BURST_MAX / 2)

const struct parameter wire_faulty_parameters[] = {
    PARAMETER_NUMBER(struct wire_faulty_parameters, seed, "seed", "1", 0, UINT64_MAX / 2,
                     "which frames have bad luck"),
    PARAMETER_NUMBER(struct wire_faulty_parameters, loss_per_million, "loss", "0", 0, MILLION,
                     "frames of a million that are lost"),
    PARAMETER_NUMBER(struct wire_faulty_parameters, reorder_per_million, "reorder", "0", 0, MILLION,
                     "frames of a million that come late"),
    PARAMETER_DURATION(struct wire_faulty_parameters, reorder_ns, "reorder-by", "1ms",
                       "how late they come"),
    PARAMETER_DURATION(struct wire_faulty_parameters, round_trip_ns, "round-trip", "0ns",
                       "delay of both ways together"),
    PARAMETER_NUMBER(struct wire_faulty_parameters, rate_bits, "rate", "0", 0, RATE_MAX,
                     "bits a second each way; 0 is no limit"),
    PARAMETER_BYTES(struct wire_faulty_parameters, queue_bytes, "queue", "0", 0, QUEUE_MAX,
                    "that wait for the rate; what comes then is lost. 0 is no limit"),
    PARAMETER_END,
};

/* What the net does not take is lost, as on a wire. */
static void pass(struct wire_faulty *wire, struct net *to, struct packet *burst[], size_t count)
{
    size_t fitting = 0;
    for (size_t i = 0; i < count; i++) {
        if (packet_total_bytes(burst[i]) <= (size_t)to->mtu_bytes + ETHERNET) {
            burst[fitting++] = burst[i];
        } else {
            packet_drop(burst[i]);
        }
    }
    wire->dropped_frames += count - fitting;
    if (fitting == 0) return;
    size_t sent = net_send(to, burst, fitting);
    wire->dropped_frames += fitting - sent;
    for (size_t i = sent; i < fitting; i++)
        packet_drop(burst[i]);
}

static void left_ready(struct net_user *user)
{
    struct wire_faulty *wire = CONTAINER_OF(user, struct wire_faulty, left_user);
    struct packet *burst[BURST];
    size_t count;
    while ((count = net_receive(&wire->faulty.net, burst, LENGTH_OF(burst))) > 0)
        pass(wire, wire->right, burst, count);
}

static void right_ready(struct net_user *user)
{
    struct wire_faulty *wire = CONTAINER_OF(user, struct wire_faulty, right_user);
    struct packet *burst[BURST];
    size_t count = net_receive(wire->right, burst, LENGTH_OF(burst));
    if (count > 0) pass(wire, &wire->faulty.net, burst, count);
}

enum result wire_faulty_open(struct wire_faulty *wire, struct net *left, struct net *right,
                             const struct wire_faulty_parameters *parameters)
{
    const struct net_faulty_plan plan = {
        .loss_per_million = (uint32_t)parameters->loss_per_million,
        .reorder_per_million = (uint32_t)parameters->reorder_per_million,
        .reorder_ns = parameters->reorder_ns,
        .delay_ns = parameters->round_trip_ns / 2,
        .rate_bits = parameters->rate_bits,
        .queue_bytes_max = (uint32_t)parameters->queue_bytes,
    };
    const struct net_faulty_options options = {
        .seed = parameters->seed, .packet_count = UNDER_WAY, .send = plan, .receive = plan
    };
    *wire = (struct wire_faulty){ .wire = { .to_left = &wire->faulty.send.statistics,
                                            .to_right = &wire->faulty.receive.statistics },
                                  .right = right,
                                  .left_user.ready = left_ready,
                                  .right_user.ready = right_ready };
    enum result result = packet_pool_open(&wire->pool, PASSING);
    if (result != OK) return result;
    result = net_faulty_open(&wire->faulty, left, &options);
    if (result != OK) {
        packet_pool_close(&wire->pool);
        return result;
    }
    net_attach(&wire->faulty.net, &wire->left_user, &wire->pool);
    net_attach(right, &wire->right_user, &wire->pool);
    return OK;
}

void wire_faulty_close(struct wire_faulty *wire)
{
    net_detach(wire->right);
    net_detach(&wire->faulty.net);
    net_faulty_close(&wire->faulty);
    packet_pool_close(&wire->pool);
}
