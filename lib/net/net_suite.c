/* net_suite.c - what the cases for every net are made of: two ends, and frames to tell apart.
 *
 * SPDX-License-Identifier: ISC */
#include "net/net_suite.h"

#include "base/cursor.h"
#include "base/writer.h"
#include "net/net_check.h"
#include "packet/checksum.h"
#include "target/clock.h"

#define POOL_COUNT     4096
#define LOCAL_TYPE     0x88b5
#define PROTOCOL_LOCAL 253
#define STEP_NS        (100 * US_NS)

/* A host's, where the other end is no net. */
static const struct mac host_mac = { { 0x02, 'H', 'O', 'S', 'T', 0x01 } };

/* ---- stations ---- */

static void swap_addresses(struct packet *packet)
{
    uint8_t addresses[12];
    struct span frame = packet_span(packet);
    struct view view = span_view(frame);
    struct span to = span_copy(SPAN_OF(addresses), view_slice(view, 6, 6));
    (void)span_copy(to, view_first(view, 6));
    (void)span_copy(frame, VIEW_OF(addresses));
}

static void echo(struct net_station *station, struct packet *packet)
{
    if (station->net->link == NET_ETHERNET) swap_addresses(packet);
    size_t accepted = net_send(station->net, &packet, 1);
    expect_that(accepted, ==, 1);
}

static void station_ready(struct net_user *user)
{
    struct net_station *station = CONTAINER_OF(user, struct net_station, user);
    struct packet *burst[NET_BURST_MAX];
    station->ready_count++;
    if (station->holds_back) return;
    size_t count = net_receive(station->net, burst, NET_BURST_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        if (station->echoes) {
            echo(station, burst[i]);
        } else {
            net_queue_put(&station->received, burst[i]);
        }
    }
}

void net_station_open(struct net_station *station, struct net *net)
{
    *station = (struct net_station){ .user.ready = station_ready, .net = net };
    expect_ok(packet_pool_open(&station->pool, POOL_COUNT));
    net_attach(net, &station->user, &station->pool);
}

void net_station_close(struct net_station *station)
{
    net_queue_drop_all(&station->received);
    if (station->net->user != NULL) net_detach(station->net);
    packet_pool_close(&station->pool);
}

struct net_world *net_suite_open(struct net_fixture *fixture)
{
    static struct net_world world;
    struct net *far = NULL;
    world = (struct net_world){ .fixture = fixture };
    struct net *near = fixture->open(fixture, &far);
    expect_that(near->mtu_bytes, >=, 576);
    expect(near->user == NULL);
    net_station_open(&world.near, near);
    if (far == near) {
        world.other = &world.near;
    } else if (far != NULL) {
        net_station_open(&world.far, far);
        world.other = &world.far;
    }
    return &world;
}

void net_suite_close(struct net_world *world)
{
    if (world->far.net != NULL) net_station_close(&world->far);
    net_station_close(&world->near);
    world->fixture->close(world->fixture);
}

bool net_suite_wait(struct net_world *world, bool (*is_so)(struct net_world *world))
{
    uint64_t end_ns = clock_monotonic_ns() + NET_SUITE_SOON_NS;
    while (!is_so(world)) {
        if (clock_monotonic_ns() > end_ns) return false;
        (void)fiber_sleep(STEP_NS);
    }
    return true;
}

void net_suite_be_quiet(void)
{
    (void)fiber_sleep(NET_SUITE_QUIET_NS);
}

static void loan_released(struct payload *payload)
{
    (void)payload;
    test_fail(__FILE__, __LINE__, "a loan lost more references than were taken");
}

void net_suite_lend(struct net_loan *loan)
{
    loan->payload = (struct payload){ 1, loan_released };
    for (size_t i = 0; i < sizeof loan->bytes; i++)
        loan->bytes[i] = (uint8_t)(i * 13);
}

/* ---- frames ---- */

static void put_ethernet(const struct net_world *world, struct writer *writer, bool outward,
                         uint16_t type)
{
    if (world->near.net->link != NET_ETHERNET) return;
    const struct mac *near = &world->near.net->mac;
    const struct mac *far = world->other != NULL ? &world->other->net->mac : &host_mac;
    writer_put(writer, VIEW_OF(*(outward ? far : near)));
    writer_put(writer, VIEW_OF(*(outward ? near : far)));
    writer_put_u16_be(writer, type);
}

/* RFC 791 3.1, with DF. */
static void put_ipv4(struct writer *writer, bool outward, uint8_t protocol, size_t total_bytes,
                     uint16_t id)
{
    static const uint8_t near[4] = { 192, 0, 2, 1 }, far[4] = { 198, 51, 100, 1 };
    size_t start = writer->length_bytes;
    writer_put_u16_be(writer, 0x4500);
    writer_put_u16_be(writer, (uint16_t)total_bytes);
    writer_put_u16_be(writer, id);
    writer_put_u16_be(writer, 0x4000);
    writer_put_u8(writer, 64);
    writer_put_u8(writer, protocol);
    writer_put_u16_be(writer, 0);
    writer_put(writer, outward ? VIEW_OF(near) : VIEW_OF(far));
    writer_put(writer, outward ? VIEW_OF(far) : VIEW_OF(near));
    struct checksum checksum = { 0 };
    checksum_add(&checksum, view_from_offset(writer_view(writer), start));
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(writer->room, start + 10), VIEW_OF(sum));
}

struct view net_suite_frame(const struct net_world *world, bool outward, uint32_t number,
                            size_t datagram_bytes, struct span room)
{
    struct writer writer = writer_over(room);
    put_ethernet(world, &writer, outward, LOCAL_TYPE);
    size_t end = writer.length_bytes + datagram_bytes;
    if (world->near.net->link == NET_IP)
        put_ipv4(&writer, outward, PROTOCOL_LOCAL, datagram_bytes, (uint16_t)number);
    writer_put_u32_be(&writer, number);
    writer_put_u32_be(&writer, (uint32_t)datagram_bytes);
    for (size_t i = 0; writer.length_bytes < end; i++)
        writer_put_u8(&writer, (uint8_t)(number * (size_t)7 + i));
    expect(!writer.ran_short);
    return writer_view(&writer);
}

/* In as few buffers as hold them. */
static struct packet *packet_of(struct packet_pool *pool, struct view bytes)
{
    struct packet *packet = packet_take(pool, PACKET_FOR_CONTROL), *last = packet;
    for (;;) {
        expect(last != NULL);
        size_t room_bytes = packet_room_behind(last);
        size_t part_bytes = MIN(bytes.length_bytes, room_bytes);
        (void)span_copy(packet_put(last, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        if (bytes.length_bytes == 0) return packet;
        last = last->rest = packet_take(pool, PACKET_FOR_CONTROL);
    }
}

void net_station_send(struct net_station *station, struct view frame)
{
    struct packet *packet = packet_of(&station->pool, frame);
    size_t accepted = net_send(station->net, &packet, 1);
    expect_that(accepted, ==, 1);
}

struct packet *net_suite_packet(struct net_world *world, uint32_t number, size_t datagram_bytes)
{
    static uint8_t room[UINT16_MAX];
    struct view frame = net_suite_frame(world, true, number, datagram_bytes, SPAN_OF(room));
    return packet_of(&world->near.pool, frame);
}

void net_suite_send(struct net_world *world, uint32_t number, size_t datagram_bytes)
{
    struct packet *packet = net_suite_packet(world, number, datagram_bytes);
    size_t accepted = net_send(world->near.net, &packet, 1);
    expect_that(accepted, ==, 1);
}

void net_suite_inject(struct net_world *world, struct view frame)
{
    if (world->other != NULL) {
        net_station_send(world->other, frame);
    } else {
        world->fixture->inject(world->fixture, frame);
    }
}

static bool is_ours(const struct net_world *world, struct view frame)
{
    struct cursor cursor = cursor_over(frame);
    if (world->near.net->link == NET_ETHERNET) {
        cursor_skip(&cursor, 12);
        uint16_t type = cursor_u16_be(&cursor);
        if (type == LOCAL_TYPE) return true;
        if (type != 0x0800 && type != 0x86dd) return false;
    }
    uint8_t version = cursor_u8(&cursor) >> 4;
    cursor_skip(&cursor, version == 4 ? 8 : 5);
    uint8_t protocol = cursor_u8(&cursor);
    cursor_skip(&cursor, version == 4 ? 2 : 1);
    uint16_t source = cursor_u16_be(&cursor);
    if (version == 6) return protocol == 6 && source == 0x2001;
    return (protocol == PROTOCOL_LOCAL || protocol == 6) && (source == 0xc000 || source == 0xc633);
}

/* ---- taking frames ---- */

static struct checksum tcp_sum(struct view datagram, size_t ip_bytes)
{
    struct checksum checksum = { 0 };
    size_t addresses = ip_bytes == 20 ? 12 : 8;
    struct view tcp = view_from_offset(datagram, ip_bytes);
    checksum_add(&checksum, view_slice(datagram, addresses, ip_bytes - addresses));
    checksum_add(&checksum, tcp);
    checksum.sum += __builtin_bswap32((uint32_t)tcp.length_bytes);
    checksum.sum += 6u << 8;
    return checksum;
}

/* Of a frame of many segments each was verified, and none of their sums is that of the whole. */
static void mend_checksum(const struct net_world *world, struct span frame)
{
    struct span datagram = span_from_offset(frame, net_link_bytes(world->near.net));
    size_t ip_bytes = view_byte(span_view(datagram), 0) == 0x60 ? 40 : 20;
    struct span field = span_first(span_from_offset(datagram, ip_bytes + 16), 2);
    span_fill(field, 0);
    struct checksum checksum = tcp_sum(span_view(datagram), ip_bytes);
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(field, VIEW_OF(sum));
}

static size_t collect_now(struct net_world *world, struct span room)
{
    if (world->other == NULL) return world->fixture->collect(world->fixture, room);
    struct packet *packet = net_queue_take(&world->other->received);
    if (packet == NULL) return 0;
    if (packet->checksum == PACKET_CHECKSUM_PARTIAL) checksum_complete(packet);
    size_t length_bytes = packet_total_bytes(packet);
    room = span_first(room, length_bytes);
    packet_copy_out(packet, 0, room);
    if (packet->checksum == PACKET_CHECKSUM_GOOD && packet->segmentation != PACKET_SEGMENT_NONE)
        mend_checksum(world, room);
    packet_drop(packet);
    return length_bytes;
}

struct view net_suite_collect(struct net_world *world, struct span room)
{
    uint64_t end_ns = clock_monotonic_ns() + NET_SUITE_SOON_NS;
    for (;;) {
        size_t length_bytes = collect_now(world, room);
        struct view frame = view_first(span_view(room), length_bytes);
        if (length_bytes > 0 && is_ours(world, frame)) return frame;
        if (length_bytes > 0) continue;
        expect_that(clock_monotonic_ns(), <=, end_ns);
        (void)fiber_sleep(STEP_NS);
    }
}

void net_suite_expect_sent(struct net_world *world, uint32_t number, size_t datagram_bytes)
{
    static uint8_t came[PACKET_TOTAL_MAX], wanted[PACKET_TOTAL_MAX];
    struct view frame = net_suite_collect(world, SPAN_OF(came));
    struct view ours = net_suite_frame(world, true, number, datagram_bytes, SPAN_OF(wanted));
    expect_that(frame.length_bytes, ==, ours.length_bytes);
    expect(view_equal(frame, ours));
}

/* Drops the strangers' at the front of the queue. */
static bool has_received(struct net_world *world)
{
    uint8_t start[64];
    struct net_queue *received = &world->near.received;
    while (received->first != NULL) {
        size_t total_bytes = packet_total_bytes(received->first);
        size_t length_bytes = MIN(total_bytes, sizeof start);
        struct span room = span_first(SPAN_OF(start), length_bytes);
        packet_copy_out(received->first, 0, room);
        if (is_ours(world, span_view(room))) return true;
        packet_drop(net_queue_take(received));
    }
    return false;
}

struct packet *net_suite_receive(struct net_world *world)
{
    expect(net_suite_wait(world, has_received));
    return net_queue_take(&world->near.received);
}

void net_suite_expect_received(struct net_world *world, uint32_t number, size_t datagram_bytes)
{
    static uint8_t came[PACKET_TOTAL_MAX], wanted[PACKET_TOTAL_MAX];
    struct packet *packet = net_suite_receive(world);
    struct span room = span_first(SPAN_OF(came), packet_total_bytes(packet));
    /* Where frames come back those that were injected have gone outward too. */
    struct view ours = net_suite_frame(world, false, number, datagram_bytes, SPAN_OF(wanted));
    packet_copy_out(packet, 0, room);
    expect_that(room.length_bytes, ==, ours.length_bytes);
    expect(view_equal(span_view(room), ours));
    packet_drop(packet);
}

/* ---- TCP segments ---- */

uint8_t net_suite_byte(uint32_t sequence)
{
    return (uint8_t)(sequence * 7 + (sequence >> 8) * 31 + (sequence >> 16));
}

static void put_ipv6(struct writer *writer, bool outward, uint8_t protocol, size_t payload_bytes)
{
    static const uint8_t prefix[12] = { 0x20, 0x01, 0x0d, 0xb8 };
    writer_put_u32_be(writer, 0x60000000);
    writer_put_u16_be(writer, (uint16_t)payload_bytes);
    writer_put_u8(writer, protocol);
    writer_put_u8(writer, 64);
    for (unsigned i = 0; i < 2; i++) {
        writer_put(writer, VIEW_OF(prefix));
        writer_put_u32_be(writer, outward == (i == 0) ? 1 : 2);
    }
}

struct view net_suite_tcp_frame(const struct net_world *world, const struct net_suite_tcp *tcp,
                                struct span room)
{
    struct writer writer = writer_over(room);
    size_t tcp_bytes = 20 + tcp->payload_bytes, ip_bytes = tcp->is_ipv6 ? 40 : 20;
    put_ethernet(world, &writer, tcp->outward, tcp->is_ipv6 ? 0x86dd : 0x0800);
    size_t start = writer.length_bytes;
    if (tcp->is_ipv6) {
        put_ipv6(&writer, tcp->outward, 6, tcp_bytes);
    } else {
        put_ipv4(&writer, tcp->outward, 6, ip_bytes + tcp_bytes, 1);
    }
    writer_put_u16_be(&writer, tcp->outward ? 5000 : 80);
    writer_put_u16_be(&writer, tcp->outward ? 80 : 5000);
    writer_put_u32_be(&writer, tcp->sequence);
    writer_put_u32_be(&writer, 4711);
    writer_put_u8(&writer, 5 << 4);
    writer_put_u8(&writer, tcp->flags);
    writer_put_u16_be(&writer, 1000);
    writer_put_u32_be(&writer, 0);
    for (uint32_t i = 0; i < tcp->payload_bytes; i++)
        writer_put_u8(&writer, net_suite_byte(tcp->sequence + i));
    expect(!writer.ran_short);
    struct checksum checksum = tcp_sum(view_from_offset(writer_view(&writer), start), ip_bytes);
    uint16_t sum = checksum_finish(&checksum);
    (void)span_copy(span_from_offset(room, start + ip_bytes + 16), VIEW_OF(sum));
    return writer_view(&writer);
}

void net_suite_check_tcp(const struct net_world *world, struct view frame,
                         struct net_suite_tcp *found)
{
    struct cursor cursor = cursor_over(frame);
    cursor_skip(&cursor, net_link_bytes(world->near.net));
    struct view datagram = view_from_offset(frame, cursor.offset_bytes);
    found->is_ipv6 = view_byte(datagram, 0) == 0x60;
    size_t ip_bytes = found->is_ipv6 ? 40 : 20;
    cursor_skip(&cursor, found->is_ipv6 ? 4 : 2);
    uint16_t length_bytes = cursor_u16_be(&cursor);
    expect_that(length_bytes, ==, datagram.length_bytes - (found->is_ipv6 ? 40u : 0u));
    if (!found->is_ipv6) {
        struct checksum header = { 0 };
        checksum_add(&header, view_first(datagram, 20));
        expect_that(checksum_finish(&header), ==, 0);
    }
    struct checksum checksum = tcp_sum(datagram, ip_bytes);
    expect_that(checksum_finish(&checksum), ==, 0);
    cursor = cursor_over(view_from_offset(datagram, ip_bytes));
    cursor_skip(&cursor, 4);
    found->sequence = cursor_u32_be(&cursor);
    cursor_skip(&cursor, 4);
    uint8_t length_words = cursor_u8(&cursor) >> 4;
    found->flags = cursor_u8(&cursor);
    struct view payload = view_from_offset(datagram, ip_bytes + length_words * (size_t)4);
    found->payload_bytes = payload.length_bytes;
    for (uint32_t i = 0; i < payload.length_bytes; i++)
        expect_that(view_byte(payload, i), ==, net_suite_byte(found->sequence + i));
}
