/* frames.c - an image for the simulator's own tests: it sends Ethernet frames to everybody,
 * numbered and filled with chance, and says how many it has heard, and what they add up to.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/writer.h"
#include "fiber/fiber.h"
#include "fiber/stop.h"
#include "image/image.h"
#include "target/console.h"
#include "target/entropy.h"
#include "target/sim/image/say.h"
#include "target/sim/node/net_sim.h"

#define HEADER_BYTES  14
#define ETHERTYPE     0x88b5 /* IEEE 802: for local experiments */
#define PAYLOAD_BYTES 200
#define PACKETS       64

struct frames_parameters {
    uint64_t every_ns, send_count, burst;
};

static struct frames_parameters parameters;

static const struct parameter frames_parameters[] = {
    PARAMETER_DURATION(struct frames_parameters, every_ns, "every", "10ms", "between two bursts"),
    PARAMETER_NUMBER(struct frames_parameters, send_count, "send", "0", 0, 1000000,
                     "frames to send"),
    PARAMETER_NUMBER(struct frames_parameters, burst, "burst", "1", 1, 1000, "frames at a time"),
    PARAMETER_END,
};

static const struct parameter_group groups[] = {
    { "frames", "", frames_parameters, { (uint8_t *)&parameters, sizeof parameters } }
};

const struct image image = { .name = "frames", .parameters = groups, .parameter_count = 1 };

static struct station {
    struct net_sim net_sim;
    struct net_user user;
    struct packet_pool pool;
    uint64_t sent, refused, heard, sum;
} station;

static void hear(const struct packet *packet)
{
    struct cursor cursor = cursor_over(packet_view(packet));
    cursor_skip(&cursor, HEADER_BYTES);
    station.heard++;
    station.sum = station.sum * 31 + cursor_u64_be(&cursor);
}

static void station_ready(struct net_user *user)
{
    struct packet *burst[NET_BURST_MAX];
    size_t count;
    (void)user;
    while ((count = net_receive(&station.net_sim.net, burst, NET_BURST_MAX)) > 0) {
        for (size_t i = 0; i < count; i++) {
            hear(burst[i]);
            packet_drop(burst[i]);
        }
    }
}

static struct packet *make_frame(void)
{
    struct packet *packet = packet_take(&station.pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return NULL;
    entropy_fill(packet_put(packet, PAYLOAD_BYTES));
    struct writer header = writer_over(packet_push(packet, HEADER_BYTES));
    writer_put(&header, VIEW("\xff\xff\xff\xff\xff\xff"));
    writer_put(&header, VIEW_OF(station.net_sim.net.mac));
    writer_put_u16_be(&header, ETHERTYPE);
    return packet;
}

static void send_burst(void)
{
    for (uint64_t i = 0; i < parameters.burst && station.sent < parameters.send_count; i++) {
        struct packet *burst[] = { make_frame() };
        if (burst[0] != NULL && net_send(&station.net_sim.net, burst, 1) == 1) {
            station.sent++;
            continue;
        }
        station.refused++;
        if (burst[0] != NULL) packet_drop(burst[0]);
        return;
    }
}

static void talk(void)
{
    while (station.sent < parameters.send_count && !stop_is_requested()) {
        send_burst();
        result_ignore(stop_wait(deadline_after(loop_now_ns(), parameters.every_ns)));
    }
    say("sent %llu\n", (unsigned long long)station.sent);
    result_ignore(stop_wait(NEVER));
}

enum result image_start(void)
{
    static const struct net_sim_parameters card = { 0 };
    enum result result = packet_pool_open(&station.pool, PACKETS);
    if (result == OK) result = net_sim_open(&station.net_sim, &card);
    if (result != OK) return result;
    station.user.ready = station_ready;
    net_attach(&station.net_sim.net, &station.user, &station.pool);
    talk();
    say("heard %llu, sum %llx, refused %llu\n", (unsigned long long)station.heard,
        (unsigned long long)station.sum, (unsigned long long)station.refused);
    net_detach(&station.net_sim.net);
    net_sim_close(&station.net_sim);
    packet_pool_close(&station.pool);
    return OK;
}
