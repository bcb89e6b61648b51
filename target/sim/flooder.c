/* flooder.c - frames by hand.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/flooder.h"

#include "arp/arp.h"
#include "base/assert.h"
#include "base/cursor.h"
#include "base/writer.h"
#include "ethernet/ethernet.h"
#include "packet/checksum.h"
#include "tcp_core/tcp_segment.h"

#define PACKETS         4096
#define IPV4_BYTES      20
#define PROTOCOL_TCP    6
#define ARP_REQUEST     1
#define ARP_REPLY       2
#define QUESTION_BYTES  8     /* what the victim wants to hear */
#define ATTACK_PORTS    32768 /* attackers' ports begin here; spoofed ones are below */
#define ATTACKERS_BURST 4

static const struct mac everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static struct net *net_of(const struct flooder *flooder)
{
    return wire_net(flooder->wire);
}

/* ---- sending ---- */

static struct packet *take_packet(struct flooder *flooder)
{
    struct packet *packet = packet_take(&flooder->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) flooder->no_packet++;
    return packet;
}

static void send_frame(struct flooder *flooder, struct packet *packet, struct mac to, uint16_t type)
{
    struct writer header = writer_over(packet_push(packet, ETHERNET_HEADER_BYTES));
    writer_put(&header, VIEW_OF(to));
    writer_put(&header, VIEW_OF(net_of(flooder)->mac));
    writer_put_u16_be(&header, type);
    if (net_send(net_of(flooder), &packet, 1) == 1) return;
    flooder->no_room++;
    packet_drop(packet);
}

static struct view ipv4_bytes(const struct address *address)
{
    return view_first(view_from(address->bytes, sizeof address->bytes), 4);
}

/* RFC 826. */
static void send_arp(struct flooder *flooder, uint16_t operation, struct mac to,
                     const struct address *target)
{
    struct packet *packet = take_packet(flooder);
    if (packet == NULL) return;
    struct writer writer = writer_over(packet_put(packet, 28));
    writer_put_u16_be(&writer, 1);
    writer_put_u16_be(&writer, ETHERTYPE_IPV4);
    writer_put_u8(&writer, 6);
    writer_put_u8(&writer, 4);
    writer_put_u16_be(&writer, operation);
    writer_put(&writer, VIEW_OF(net_of(flooder)->mac));
    writer_put(&writer, ipv4_bytes(&flooder->parameters.router));
    writer_put(&writer, VIEW_OF(to));
    writer_put(&writer, ipv4_bytes(target));
    send_frame(flooder, packet, to, ETHERTYPE_ARP);
}

/* RFC 791 3.1. */
static void push_ipv4(struct packet *packet, const struct address *source,
                      const struct address *destination)
{
    size_t total_bytes = packet_total_bytes(packet) + IPV4_BYTES;
    struct span room = packet_push(packet, IPV4_BYTES);
    struct writer writer = writer_over(room);
    writer_put_u16_be(&writer, 0x4500);
    writer_put_u16_be(&writer, (uint16_t)total_bytes);
    writer_put_u32_be(&writer, 0x4000); /* no identification; it must not be fragmented */
    writer_put_u8(&writer, 64);
    writer_put_u8(&writer, PROTOCOL_TCP);
    writer_put_u16_be(&writer, 0);
    writer_put(&writer, ipv4_bytes(source));
    writer_put(&writer, ipv4_bytes(destination));
    struct checksum checksum = { 0 };
    checksum_add(&checksum, span_view(room));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(room, 10), VIEW_OF(sum));
}

static void send_segment(struct flooder *flooder, const struct address *from,
                         const struct tcp_segment *segment, struct view payload)
{
    const struct endpoint *victim = &flooder->parameters.victim;
    struct packet *packet = take_packet(flooder);
    if (packet == NULL) return;
    if (payload.length_bytes > 0)
        (void)span_copy(packet_put(packet, payload.length_bytes), payload);
    tcp_segment_push(packet, segment, from, &victim->address);
    push_ipv4(packet, from, &victim->address);
    send_frame(flooder, packet, flooder->victim, ETHERTYPE_IPV4);
}

/* ---- SYNs ---- */

static bool chance(struct flooder *flooder, uint32_t percent)
{
    return percent > 0 && world_random(flooder->world) % 100 < percent;
}

/* Anywhere, or among the victim's neighbours, but not where other hosts of the world are, at .0.x;
 * but for the one that is to be framed. */
static struct address spoofed_address(struct flooder *flooder, uint64_t random)
{
    const struct address *victim = &flooder->parameters.victim.address;
    if (chance(flooder, flooder->parameters.framed_percent)) return flooder->parameters.framed;
    if (chance(flooder, flooder->parameters.neighbour_percent))
        return address_ipv4(victim->bytes[0], victim->bytes[1], (uint8_t)(1 + random % 250),
                            (uint8_t)(1 + (random >> 8) % 250));
    return address_ipv4((uint8_t)(11 + random % 100), (uint8_t)(random >> 8),
                        (uint8_t)(random >> 16), (uint8_t)(1 + (random >> 24) % 250));
}

/* Half of them as Linux sends them, half bare. */
static void send_syn(struct flooder *flooder, const struct address *from, uint16_t port)
{
    uint64_t random = world_random(flooder->world);
    struct tcp_segment syn = { .source_port = port,
                               .destination_port = flooder->parameters.victim.port,
                               .seq = (uint32_t)random,
                               .flags = TCP_SYN,
                               .window = 64240 };
    if ((random >> 32 & 1) != 0) {
        syn.options = TCP_OPTION_MSS | TCP_OPTION_WINDOW_SCALE | TCP_OPTION_SACK_PERMITTED |
                      TCP_OPTION_TIMESTAMPS;
        syn.mss = 1460;
        syn.wind_shift = 7;
        syn.ts_value = (uint32_t)(random >> 16);
    }
    send_segment(flooder, from, &syn, (struct view){ 0 });
}

static void syns_due(struct alarm *alarm)
{
    struct flooder *flooder = CONTAINER_OF(alarm, struct flooder, syn_alarm);
    const struct flooder_parameters *own = &flooder->parameters;
    for (uint64_t i = 0; i < own->burst; i++) {
        uint64_t random = world_random(flooder->world);
        struct address from = spoofed_address(flooder, random);
        send_syn(flooder, &from, (uint16_t)(1024 + (random >> 32) % (ATTACK_PORTS - 1024)));
        flooder->syns++;
    }
    alarm_set(alarm, alarm->timer.deadline_ns + own->burst * S_NS / own->syns_per_second);
}

static void attackers_due(struct alarm *alarm)
{
    struct flooder *flooder = CONTAINER_OF(alarm, struct flooder, attacker_alarm);
    for (unsigned i = 0; i < ATTACKERS_BURST; i++) {
        uint64_t random = world_random(flooder->world);
        struct address from = spoofed_address(flooder, random);
        uint16_t port = (uint16_t)(ATTACK_PORTS + (random >> 32) % (65536 - ATTACK_PORTS));
        /* Bare, so that no later segment needs a timestamp. */
        const struct tcp_segment syn = { .source_port = port,
                                         .destination_port = flooder->parameters.victim.port,
                                         .seq = (uint32_t)(random >> 16),
                                         .flags = TCP_SYN,
                                         .window = 64240 };
        send_segment(flooder, &from, &syn, (struct view){ 0 });
        flooder->attackers++;
    }
    alarm_set(alarm, alarm->timer.deadline_ns +
                         ATTACKERS_BURST * S_NS / flooder->parameters.attackers_per_second);
}

/* ---- what comes back ---- */

/* The next segment of who has heard this one. */
static struct tcp_segment reply_to(const struct tcp_segment *heard, uint8_t flags)
{
    return (struct tcp_segment){ .source_port = heard->destination_port,
                                 .destination_port = heard->source_port,
                                 .seq = heard->ack,
                                 .ack = heard->seq + segment_length(heard),
                                 .flags = flags,
                                 .window = 64240 };
}

enum manner { SILENT, SLOW_READER, DRIBBLER, MANNERS };

static void attack(struct flooder *flooder, const struct address *from,
                   const struct tcp_segment *heard)
{
    static const uint8_t question[QUESTION_BYTES] = { 'q' };
    enum manner manner = heard->destination_port % MANNERS;
    bool is_new = (heard->flags & TCP_SYN) != 0;
    struct tcp_segment reply = reply_to(heard, TCP_ACK);
    struct view payload = { 0 };
    if ((heard->flags & TCP_RST) != 0) return;
    if (is_new) flooder->completed++;
    if (manner == SLOW_READER) {
        reply.ack = is_new ? reply.ack : heard->seq;
        reply.window = 0;
    }
    if (manner == SLOW_READER && is_new) payload = VIEW_OF(question);
    if (manner == DRIBBLER && segment_length(heard) <= (is_new ? 1 : 0))
        payload = view_first(VIEW_OF(question), 1);
    if (is_new || payload.length_bytes > 0 || segment_length(heard) > 0)
        send_segment(flooder, from, &reply, payload);
}

static void take_segment(struct flooder *flooder, const struct address *to,
                         const struct tcp_segment *heard)
{
    if (heard->destination_port >= ATTACK_PORTS) {
        attack(flooder, to, heard);
        return;
    }
    flooder->answers++;
    if (!chance(flooder, flooder->parameters.reset_percent)) return;
    struct tcp_segment reset = reply_to(heard, TCP_RST);
    reset.ack = 0;
    send_segment(flooder, to, &reset, (struct view){ 0 });
}

static void take_ipv4(struct flooder *flooder, struct packet *packet)
{
    if (!packet_pull_up(packet, IPV4_BYTES + TCP_HEADER_BYTES)) return;
    struct cursor cursor = cursor_over(packet_view(packet));
    cursor_skip(&cursor, 2);
    uint16_t total_bytes = cursor_u16_be(&cursor);
    cursor_skip(&cursor, 5);
    bool is_tcp = cursor_u8(&cursor) == PROTOCOL_TCP;
    cursor_skip(&cursor, 6);
    struct address to = { .family = ADDRESS_IPV4 };
    (void)span_copy(SPAN_OF(to.bytes), cursor_take(&cursor, 4));
    struct tcp_segment segment = { 0 };
    if (!is_tcp) return;
    packet_trim(packet, total_bytes); /* the frame's padding */
    packet_pull(packet, IPV4_BYTES);
    if (tcp_segment_take(packet, &segment) == OK) take_segment(flooder, &to, &segment);
}

static void take_arp(struct flooder *flooder, struct packet *packet, struct mac from)
{
    struct cursor cursor = cursor_over(packet_view(packet));
    cursor_skip(&cursor, 6);
    uint16_t operation = cursor_u16_be(&cursor);
    cursor_skip(&cursor, 6);
    struct address sender = { .family = ADDRESS_IPV4 };
    (void)span_copy(SPAN_OF(sender.bytes), cursor_take(&cursor, 4));
    cursor_skip(&cursor, 6);
    struct view target = cursor_take(&cursor, 4);
    if (address_equal(&sender, &flooder->parameters.victim.address)) flooder->victim = from;
    if (operation == ARP_REQUEST && view_equal(target, ipv4_bytes(&flooder->parameters.router)))
        send_arp(flooder, ARP_REPLY, from, &sender);
}

static void take_frame(struct flooder *flooder, struct packet *packet)
{
    struct cursor cursor = cursor_over(packet_view(packet));
    struct mac from = { { 0 } };
    struct view to = cursor_take(&cursor, sizeof from);
    bool is_ours = view_equal(to, VIEW_OF(net_of(flooder)->mac)) ||
                   view_equal(to, VIEW_OF(everybody));
    (void)span_copy(SPAN_OF(from), cursor_take(&cursor, sizeof from));
    uint16_t type = cursor_u16_be(&cursor);
    if (cursor.ran_short || !is_ours) return;
    packet_pull(packet, ETHERNET_HEADER_BYTES);
    if (type == ETHERTYPE_ARP) take_arp(flooder, packet, from);
    if (type == ETHERTYPE_IPV4) take_ipv4(flooder, packet);
}

static void flooder_ready(struct net_user *user)
{
    struct flooder *flooder = CONTAINER_OF(user, struct flooder, user);
    struct packet *burst[NET_BURST_MAX];
    size_t count;
    while ((count = net_receive(net_of(flooder), burst, NET_BURST_MAX)) > 0) {
        for (size_t i = 0; i < count; i++) {
            take_frame(flooder, burst[i]);
            packet_drop(burst[i]);
        }
    }
}

/* ---- its life ---- */

void flooder_open(struct flooder *flooder, struct world *world,
                  const struct flooder_parameters *parameters)
{
    *flooder = (struct flooder){ .world = world,
                                 .parameters = *parameters,
                                 .user = { .ready = flooder_ready },
                                 .syn_alarm = { .due = syns_due },
                                 .attacker_alarm = { .due = attackers_due } };
    flooder->wire = world_add_guest(world, "flooder", 0);
    if (packet_pool_open(&flooder->pool, PACKETS) != OK) panic("no memory for a flooder");
    net_attach(net_of(flooder), &flooder->user, &flooder->pool);
}

void flooder_start(struct flooder *flooder)
{
    uint64_t now_ns = loop_now_ns();
    send_arp(flooder, ARP_REQUEST, everybody, &flooder->parameters.victim.address);
    /* The answer has come by then. */
    if (flooder->parameters.syns_per_second > 0) alarm_set(&flooder->syn_alarm, now_ns + MS_NS);
    if (flooder->parameters.attackers_per_second > 0)
        alarm_set(&flooder->attacker_alarm, now_ns + MS_NS);
}

void flooder_stop(struct flooder *flooder)
{
    alarm_stop(&flooder->syn_alarm);
    alarm_stop(&flooder->attacker_alarm);
}

void flooder_close(struct flooder *flooder)
{
    flooder_stop(flooder);
    net_detach(net_of(flooder));
    packet_pool_close(&flooder->pool);
}
