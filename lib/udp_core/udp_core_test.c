/* udp_core_test.c - UDP over an IP that records what is sent: both families, and every binding.
 *
 * SPDX-License-Identifier: ISC */
#include "udp_core/udp_core.h"

#include "base/units.h"
#include "packet/checksum.h"
#include "test/test.h"
#include "udp_core/udp_core_private.h"

/* A test that calls it often would hold a copy of its frame for each call. */
#define NOT_INLINED __attribute__((noinline))

/* ---- an IP of one address, 192.0.2.1 or 2001:db8::1, to which everything is reachable ---- */

struct record_ip {
    struct ip ip;
    struct address own;
    struct ip_outgoing outgoing;
    struct packet *sent; /* the last one */
    size_t sent_count, rejected_count;
    enum result send_result;
};

static struct record_ip *record_of(struct ip *ip)
{
    return CONTAINER_OF(ip, struct record_ip, ip);
}

static enum result record_ip_send(struct ip *ip, struct packet *packet,
                                  const struct ip_outgoing *outgoing)
{
    struct record_ip *record = record_of(ip);
    if (record->sent != NULL) packet_drop(record->sent);
    record->sent = NULL;
    if (record->send_result != OK) {
        packet_drop(packet);
        return record->send_result;
    }
    record->sent = packet;
    record->outgoing = *outgoing;
    record->sent_count++;
    return OK;
}

static enum result record_ip_find_path(struct ip *ip, const struct address *destination,
                                       const struct address *source, struct ip_path *path)
{
    struct record_ip *record = record_of(ip);
    expect_that(destination->family, ==, record->own.family);
    if (source->family != ADDRESS_ANY && !address_equal(source, &record->own)) return UNREACHABLE;
    *path = (struct ip_path){ .source = record->own, .mtu_bytes = 1500 };
    return OK;
}

static bool record_ip_is_ours(struct ip *ip, const struct address *address)
{
    return address_equal(address, &record_of(ip)->own);
}

static void record_ip_doubt(struct ip *ip, const struct address *destination)
{
    (void)ip, (void)destination;
    test_fail(__FILE__, __LINE__, "UDP knows of nothing that does not arrive");
}

static void record_ip_reject(struct ip *ip, const struct packet *packet,
                             const struct ip_incoming *incoming, enum ip_reject reason)
{
    expect_that(packet->length_bytes, >=, 8);
    expect(!incoming->to_many);
    expect_that(reason, ==, IP_REJECT_PORT);
    record_of(ip)->rejected_count++;
}

static const struct ip_ops record_ip_ops = IP_OPS(record_ip);

/* ---- the world ---- */

static struct {
    struct packet_pool pool;
    struct record_ip ipv4, ipv6;
    struct udp_core core;
} world;

struct user {
    struct udp_binding_user user;
    struct udp_binding *binding;
    size_t told_count;
};

static void readable(struct udp_binding_user *base)
{
    CONTAINER_OF(base, struct user, user)->told_count++;
}

static struct address ipv6_address(uint8_t last)
{
    return (struct address){ .family = ADDRESS_IPV6,
                             .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = last } };
}

static struct endpoint near_end(uint16_t port)
{
    return (struct endpoint){ .address = address_ipv4(192, 0, 2, 1), .port = port };
}

static struct endpoint far_end(uint16_t port)
{
    return (struct endpoint){ .address = address_ipv4(198, 51, 100, 7), .port = port };
}

static void world_open_with(size_t binding_count)
{
    const struct udp_core_parameters parameters = { .binding_count = binding_count,
                                                    .receive_bytes = (uint64_t)40 * PACKET_BYTES,
                                                    .receive_bytes_total = (uint64_t)60 *
                                                                           PACKET_BYTES };
    const struct siphash_key key = { 3, 4 };
    world.ipv4 = (struct record_ip){ .ip.ops = &record_ip_ops, .own = address_ipv4(192, 0, 2, 1) };
    world.ipv6 = (struct record_ip){ .ip.ops = &record_ip_ops, .own = ipv6_address(1) };
    expect_ok(packet_pool_open(&world.pool, 256));
    expect_ok(udp_core_open(&world.core, &world.pool, &parameters, key));
    udp_core_attach(&world.core, &world.ipv4.ip, ADDRESS_IPV4);
    udp_core_attach(&world.core, &world.ipv6.ip, ADDRESS_IPV6);
}

static void world_open(void)
{
    world_open_with(16);
}

static void world_close(void)
{
    if (world.ipv4.sent != NULL) packet_drop(world.ipv4.sent);
    if (world.ipv6.sent != NULL) packet_drop(world.ipv6.sent);
    udp_core_close(&world.core);
    packet_pool_close(&world.pool); /* every packet is back */
}

static void bind_to(struct user *user, struct endpoint local)
{
    *user = (struct user){ .user.readable = readable };
    expect_ok(udp_core_bind(&world.core, &local, &user->user, &user->binding));
}

static NOT_INLINED void send_to(struct user *user, struct endpoint peer, struct view bytes)
{
    const struct udp_outgoing outgoing = { .peer = peer, .bytes = bytes };
    expect_ok(udp_core_send(user->binding, &outgoing));
}

/* ---- what comes ---- */

static struct packet *packet_of(struct view bytes)
{
    struct packet *first = packet_take(&world.pool, PACKET_FOR_RECEIVE), *packet = first;
    for (;;) {
        size_t part_bytes = MIN(bytes.length_bytes, packet_room_behind(packet));
        (void)span_copy(packet_put(packet, part_bytes), view_first(bytes, part_bytes));
        bytes = view_from_offset(bytes, part_bytes);
        if (view_is_empty(bytes)) return first;
        packet->rest = packet_take(&world.pool, PACKET_FOR_RECEIVE);
        packet = packet->rest;
        packet->offset = 0;
    }
}

struct arriving {
    struct endpoint source, destination;
    uint16_t length;   /* 0: the right one */
    uint16_t checksum; /* with `forged`; otherwise the right one */
    bool forged, to_many;
    struct view bytes;
};

static NOT_INLINED void arrive(const struct arriving *arriving)
{
    static uint8_t room[66000];
    struct ip *ip = arriving->source.address.family == ADDRESS_IPV4 ? &world.ipv4.ip
                                                                    : &world.ipv6.ip;
    const struct ip_incoming incoming = { .source = arriving->source.address,
                                          .destination = arriving->destination.address,
                                          .protocol = IP_PROTOCOL_UDP,
                                          .to_many = arriving->to_many };
    size_t total = arriving->bytes.length_bytes + 8;
    uint16_t length = (uint16_t)(arriving->length != 0 ? arriving->length : total);
    struct udp_header header = { .source_port = __builtin_bswap16(arriving->source.port),
                                 .destination_port = __builtin_bswap16(arriving->destination.port),
                                 .length = __builtin_bswap16(length) };
    struct checksum sum = { 0 };
    checksum_add_pseudo_header(&sum, &incoming.source, &incoming.destination, IP_PROTOCOL_UDP,
                               length);
    checksum_add(&sum, VIEW_OF(header));
    checksum_add(&sum, view_first(arriving->bytes, MIN(arriving->bytes.length_bytes,
                                                       (size_t)(length < 8 ? 0 : length - 8))));
    header.checksum = arriving->forged ? arriving->checksum : checksum_finish(&sum);
    if (header.checksum == 0 && !arriving->forged) header.checksum = 0xffff;
    struct span behind = span_copy(SPAN_OF(room), VIEW_OF(header));
    (void)span_copy(behind, arriving->bytes);
    struct ip_protocol *protocol = ip_find_protocol(ip, IP_PROTOCOL_UDP);
    protocol->input(protocol, packet_of(view_first(VIEW_OF(room), total)), &incoming);
}

static NOT_INLINED void arrive_from(struct endpoint source, struct endpoint destination,
                                    struct view bytes)
{
    arrive(
        &(const struct arriving){ .source = source, .destination = destination, .bytes = bytes });
}

static NOT_INLINED void expect_received(struct user *user, struct endpoint peer, struct view bytes)
{
    static uint8_t room[66000];
    struct udp_incoming incoming;
    expect_ok(udp_core_receive(user->binding, &incoming));
    expect(endpoint_equal(&incoming.peer, &peer));
    struct span got = span_first(SPAN_OF(room), packet_total_bytes(incoming.packet));
    packet_copy_out(incoming.packet, 0, got);
    expect_view(span_view(got), bytes);
    packet_drop(incoming.packet);
}

/* From a port of the host afar to our port 53, and received there. */
static NOT_INLINED void arrive_at_53(uint16_t source, struct view bytes)
{
    arrive_from(far_end(source), near_end(53), bytes);
}

static NOT_INLINED void expect_from(struct user *user, uint16_t source, struct view bytes)
{
    expect_received(user, far_end(source), bytes);
}

static void expect_nothing(struct user *user)
{
    struct udp_incoming incoming;
    expect(!udp_binding_is_readable(user->binding));
    expect_result(udp_core_receive(user->binding, &incoming), TIMED_OUT);
}

/* ---- sending ---- */

/* RFC 768; the pseudo-header's sum stands where the device completes it. */
TEST(udp_writes_the_header)
{
    world_open();
    struct user user;
    bind_to(&user, near_end(5353));
    send_to(&user, far_end(53), VIEW("question"));
    struct packet *packet = world.ipv4.sent;
    struct udp_header header;
    packet_copy_out(packet, 0, SPAN_OF(header));
    expect_that(__builtin_bswap16(header.source_port), ==, 5353);
    expect_that(__builtin_bswap16(header.destination_port), ==, 53);
    expect_that(__builtin_bswap16(header.length), ==, 16);
    expect_that(packet->checksum, ==, PACKET_CHECKSUM_PARTIAL);
    checksum_complete(packet);
    expect(checksum_is_good(packet, &world.ipv4.outgoing.source, &world.ipv4.outgoing.destination,
                            IP_PROTOCOL_UDP));
    expect_that(world.ipv4.outgoing.protocol, ==, IP_PROTOCOL_UDP);
    expect(!world.ipv4.outgoing.dont_fragment && !world.ipv4.outgoing.may_broadcast);
    udp_core_unbind(user.binding);
    world_close();
}

/* RFC 768: a sum of zero is sent as all ones. */
TEST(udp_never_sends_a_checksum_of_zero)
{
    world_open();
    struct user user;
    bind_to(&user, near_end(5353));
    size_t ones = 0;
    for (unsigned word = 0; word <= UINT16_MAX; word++) {
        const uint16_t bytes = (uint16_t)word;
        struct udp_header header;
        send_to(&user, far_end(53), VIEW_OF(bytes));
        checksum_complete(world.ipv4.sent);
        packet_copy_out(world.ipv4.sent, 0, SPAN_OF(header));
        expect(header.checksum != 0);
        ones += header.checksum == 0xffff;
    }
    expect_that(ones, >, 0);
    udp_core_unbind(user.binding);
    world_close();
}

TEST(udp_sends_every_length)
{
    static uint8_t bytes[UDP_CORE_PAYLOAD_MAX + 1];
    static const size_t lengths[] = { 0,    1,    1471, 1472,  1473,  1847, 1848,
                                      1849, 3832, 3833, 16000, 65506, 65507 };
    world_open();
    struct user user;
    bind_to(&user, near_end(0));
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 11 + i / 256);
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        static uint8_t sent[UDP_CORE_PAYLOAD_MAX + 8];
        send_to(&user, far_end(53), view_first(VIEW_OF(bytes), lengths[i]));
        expect_that(packet_total_bytes(world.ipv4.sent), ==, lengths[i] + 8);
        packet_copy_out(world.ipv4.sent, 0, span_first(SPAN_OF(sent), lengths[i] + 8));
        expect(view_equal(view_slice(VIEW_OF(sent), 8, lengths[i]),
                          view_first(VIEW_OF(bytes), lengths[i])));
    }
    const struct udp_outgoing outgoing = { .peer = far_end(53), .bytes = VIEW_OF(bytes) };
    expect_result(udp_core_send(user.binding, &outgoing), TOO_LARGE);
    udp_core_unbind(user.binding);
    world_close();
}

TEST(udp_refuses_what_cannot_be_sent)
{
    world_open();
    struct user user;
    bind_to(&user, near_end(5353));
    struct udp_outgoing outgoing = { .bytes = VIEW("nowhere") };
    expect_result(udp_core_send(user.binding, &outgoing), INVALID); /* no peer */
    outgoing.peer = far_end(0);
    expect_result(udp_core_send(user.binding, &outgoing), INVALID);
    outgoing.peer = far_end(53);
    outgoing.source = ipv6_address(1);
    expect_result(udp_core_send(user.binding, &outgoing), INVALID);
    outgoing.source = (struct address){ 0 };
    outgoing.peer.address = ipv6_address(2); /* bound to the other family */
    expect_result(udp_core_send(user.binding, &outgoing), UNREACHABLE);
    expect_that(world.ipv4.sent_count + world.ipv6.sent_count, ==, 0);
    static const enum result results[] = { FULL, TOO_LARGE, UNREACHABLE, DENIED };
    outgoing.peer = far_end(53);
    for (size_t i = 0; i < LENGTH_OF(results); i++) {
        world.ipv4.send_result = results[i];
        expect_result(udp_core_send(user.binding, &outgoing), results[i]);
    }
    expect_that(world.core.statistics.sent, ==, 0);
    udp_core_unbind(user.binding);
    world_close();
}

TEST(udp_sends_nothing_without_buffers)
{
    world_open();
    struct user user;
    struct packet *held = NULL;
    bind_to(&user, near_end(5353));
    const struct udp_outgoing outgoing = { .peer = far_end(53), .bytes = VIEW("later") };
    while (packet_pool_left(&world.pool, PACKET_FOR_DATA) > 0) {
        struct packet *packet = packet_take(&world.pool, PACKET_FOR_DATA);
        packet->next = held;
        held = packet;
    }
    expect_result(udp_core_send(user.binding, &outgoing), FULL);
    while (held != NULL) {
        struct packet *packet = held;
        held = packet->next;
        packet_drop(packet);
    }
    expect_ok(udp_core_send(user.binding, &outgoing));
    udp_core_unbind(user.binding);
    world_close();
}

/* One of any address speaks both families, and from where it is told to. */
TEST(udp_sends_by_the_peers_family)
{
    world_open();
    struct user user;
    bind_to(&user, (struct endpoint){ 0 });
    send_to(&user, far_end(53), VIEW("four"));
    expect(address_equal(&world.ipv4.outgoing.source, &world.ipv4.own));
    const struct endpoint peer = { .address = ipv6_address(2), .port = 53 };
    send_to(&user, peer, VIEW("six"));
    expect(address_equal(&world.ipv6.outgoing.source, &world.ipv6.own));
    checksum_complete(world.ipv6.sent);
    expect(checksum_is_good(world.ipv6.sent, &world.ipv6.own, &peer.address, IP_PROTOCOL_UDP));
    const struct udp_outgoing outgoing = { .peer = far_end(53),
                                           .source = address_ipv4(192, 0, 2, 77),
                                           .dont_fragment = true,
                                           .may_broadcast = true,
                                           .hop_limit = 1,
                                           .traffic_class = 8,
                                           .bytes = VIEW("as told") };
    expect_ok(udp_core_send(user.binding, &outgoing));
    expect(address_equal(&world.ipv4.outgoing.source, &outgoing.source)); /* IP will judge */
    expect(world.ipv4.outgoing.dont_fragment && world.ipv4.outgoing.may_broadcast);
    expect_that(world.ipv4.outgoing.hop_limit, ==, 1);
    expect_that(world.ipv4.outgoing.traffic_class, ==, 8);
    udp_core_unbind(user.binding);
    world_close();
}

/* ---- receiving ---- */

TEST(udp_receives_in_order_and_tells_once)
{
    world_open();
    struct user user;
    bind_to(&user, near_end(53));
    expect_nothing(&user);
    arrive_from(far_end(1000), near_end(53), VIEW("one"));
    arrive_from(far_end(1001), near_end(53), VIEW(""));
    arrive_from(far_end(1000), near_end(53), VIEW("three"));
    expect_that(user.told_count, ==, 1);
    expect_received(&user, far_end(1000), VIEW("one"));
    expect_received(&user, far_end(1001), VIEW(""));
    expect_received(&user, far_end(1000), VIEW("three"));
    expect_nothing(&user);
    arrive_from(far_end(1000), near_end(53), VIEW("four"));
    expect_that(user.told_count, ==, 2);
    udp_core_unbind(user.binding); /* what waits is lost */
    world_close();
}

TEST(udp_receives_the_largest)
{
    static uint8_t bytes[UDP_CORE_PAYLOAD_MAX];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 3 + i / 256);
    world_open();
    struct user user;
    bind_to(&user, near_end(53));
    arrive_from(far_end(1000), near_end(53), VIEW_OF(bytes));
    expect_received(&user, far_end(1000), VIEW_OF(bytes));
    udp_core_unbind(user.binding);
    world_close();
}

/* RFC 768: the length is the header's and the data's; what IP carries behind it is not theirs. */
TEST(udp_checks_the_length)
{
    world_open();
    struct user user;
    bind_to(&user, near_end(53));
    struct arriving arriving = { .source = far_end(1000),
                                 .destination = near_end(53),
                                 .bytes = VIEW("12345678") };
    for (uint16_t length = 1; length < 8; length++) {
        arriving.length = length;
        arrive(&arriving);
    }
    arriving.length = 17; /* longer than what came */
    arrive(&arriving);
    arriving.length = UINT16_MAX;
    arrive(&arriving);
    expect_that(world.core.statistics.malformed, ==, 9);
    expect_nothing(&user);
    arriving.length = 12;
    arrive(&arriving);
    expect_received(&user, far_end(1000), VIEW("1234"));
    arriving.length = 8;
    arrive(&arriving);
    expect_received(&user, far_end(1000), VIEW(""));
    expect_that(world.ipv4.rejected_count, ==, 0);
    udp_core_unbind(user.binding);
    world_close();
}

TEST(udp_survives_truncated_headers)
{
    world_open();
    struct ip_protocol *protocol = ip_find_protocol(&world.ipv4.ip, IP_PROTOCOL_UDP);
    const struct ip_incoming incoming = { .source = far_end(1).address,
                                          .destination = near_end(1).address,
                                          .protocol = IP_PROTOCOL_UDP };
    for (size_t length = 0; length < 8; length++)
        protocol->input(protocol, packet_of(view_first(VIEW("\0\1\0\1\0\x08\0\0"), length)),
                        &incoming);
    expect_that(world.core.statistics.malformed, ==, 8);
    world_close();
}

/* RFC 1122 4.1.3.4: a wrong one is dropped in silence; none is allowed over IPv4, but not over IPv6
 * (RFC 8200 8.1). */
TEST(udp_verifies_the_checksum)
{
    world_open();
    struct user user;
    bind_to(&user, (struct endpoint){ .port = 53 });
    struct arriving arriving = { .source = far_end(1000),
                                 .destination = near_end(53),
                                 .bytes = VIEW("words"),
                                 .forged = true,
                                 .checksum = 0x1234 };
    arrive(&arriving);
    expect_that(world.core.statistics.bad_checksum, ==, 1);
    expect_that(world.ipv4.rejected_count, ==, 0);
    arriving.checksum = 0;
    arrive(&arriving);
    expect_received(&user, far_end(1000), VIEW("words"));
    arriving.source.address = ipv6_address(2);
    arriving.destination.address = ipv6_address(1);
    arrive(&arriving);
    expect_that(world.core.statistics.bad_checksum, ==, 2);
    expect_nothing(&user);
    udp_core_unbind(user.binding);
    world_close();
}

/* RFC 1122 4.1.3.1: port unreachable where nobody is; nothing about what went to many. */
TEST(udp_rejects_where_nobody_is)
{
    world_open();
    arrive_from(far_end(1000), near_end(53), VIEW("anybody"));
    expect_that(world.ipv4.rejected_count, ==, 1);
    arrive(&(const struct arriving){ .source = far_end(1000),
                                     .destination = { address_ipv4(255, 255, 255, 255), 53 },
                                     .bytes = VIEW("all"),
                                     .to_many = true });
    expect_that(world.ipv4.rejected_count, ==, 1);
    arrive_from(far_end(1000), near_end(0), VIEW("no port"));
    expect_that(world.ipv4.rejected_count, ==, 1);
    expect_that(world.core.statistics.no_port, ==, 2);
    world_close();
}

/* Buffers are charged at what they occupy; what comes when all is full is lost, and counted. */
TEST(udp_bounds_what_waits)
{
    world_open();
    struct user first, second;
    bind_to(&first, near_end(1));
    bind_to(&second, near_end(2));
    for (unsigned i = 0; i < 50; i++)
        arrive_from(far_end(1000), near_end(1), VIEW("x"));
    expect_that(first.binding->datagram_count, ==, 40);
    expect_that(first.binding->dropped_count, ==, 10);
    for (unsigned i = 0; i < 50; i++)
        arrive_from(far_end(1000), near_end(2), VIEW("x"));
    expect_that(second.binding->datagram_count, ==, 20); /* of 60 for both */
    expect_that(world.core.statistics.dropped_full, ==, 40);
    expect_received(&first, far_end(1000), VIEW("x"));
    arrive_from(far_end(1000), near_end(2), VIEW("x"));
    expect_that(second.binding->datagram_count, ==, 21);
    udp_core_unbind(first.binding);
    expect_that(world.core.packet_count, ==, 21);
    udp_core_unbind(second.binding);
    expect_that(world.core.packet_count, ==, 0);
    world_close();
}

/* ---- bindings ---- */

TEST(udp_binds_what_is_free_and_ours)
{
    world_open_with(3);
    struct user users[3];
    struct udp_binding *more;
    bind_to(&users[0], near_end(53));
    struct endpoint local = near_end(53);
    expect_result(udp_core_bind(&world.core, &local, &users[0].user, &more), EXISTS);
    local = far_end(53);
    expect_result(udp_core_bind(&world.core, &local, &users[0].user, &more), UNREACHABLE);
    bind_to(&users[1], (struct endpoint){ .port = 53 });
    local = (struct endpoint){ .port = 53 };
    expect_result(udp_core_bind(&world.core, &local, &users[0].user, &more), EXISTS);
    bind_to(&users[2], (struct endpoint){ .address = ipv6_address(1), .port = 53 });
    local = near_end(54);
    expect_result(udp_core_bind(&world.core, &local, &users[0].user, &more), FULL);
    udp_core_unbind(users[0].binding);
    bind_to(&users[0], near_end(53));
    for (size_t i = 0; i < 3; i++)
        udp_core_unbind(users[i].binding);
    world_close();
}

/* The one connected to the sender, else the one of the address, else the one of any. */
TEST(udp_finds_the_binding_that_fits_best)
{
    world_open();
    struct user any, addressed, connected;
    struct endpoint peer = far_end(1000);
    bind_to(&any, (struct endpoint){ .port = 53 });
    arrive_at_53(1000, VIEW("first"));
    expect_from(&any, 1000, VIEW("first"));
    bind_to(&connected, near_end(53));
    expect_ok(udp_core_connect(connected.binding, &peer));
    bind_to(&addressed, near_end(53));
    arrive_at_53(1000, VIEW("from the peer"));
    arrive_at_53(1001, VIEW("from another"));
    arrive(&(const struct arriving){ .source = far_end(1000),
                                     .destination = { address_ipv4(192, 0, 2, 255), 53 },
                                     .bytes = VIEW("to all"),
                                     .to_many = true });
    expect_from(&connected, 1000, VIEW("from the peer"));
    expect_from(&addressed, 1001, VIEW("from another"));
    expect_from(&any, 1000, VIEW("to all"));
    expect_nothing(&connected);
    expect_nothing(&addressed);
    expect_nothing(&any);
    udp_core_unbind(connected.binding);
    arrive_at_53(1000, VIEW("again"));
    expect_from(&addressed, 1000, VIEW("again"));
    udp_core_unbind(addressed.binding);
    arrive_at_53(1000, VIEW("at last"));
    expect_from(&any, 1000, VIEW("at last"));
    udp_core_unbind(any.binding);
    expect_that(world.core.connected_count + world.core.addressed_count, ==, 0);
    world_close();
}

TEST(udp_connects)
{
    world_open();
    struct user one, other;
    struct endpoint peer = far_end(1000), nobody = { .port = 53 }, six = { ipv6_address(2), 53 };
    bind_to(&one, (struct endpoint){ .port = 53 });
    bind_to(&other, near_end(53));
    expect_result(udp_core_connect(one.binding, &nobody), INVALID);
    expect_result(udp_core_connect(other.binding, &six), INVALID);
    expect_ok(udp_core_connect(one.binding, &peer));
    expect(address_equal(&one.binding->local.address, &world.ipv4.own));
    expect_result(udp_core_connect(other.binding, &peer), EXISTS);
    send_to(&one, (struct endpoint){ 0 }, VIEW("to the peer"));
    expect(address_equal(&world.ipv4.outgoing.destination, &peer.address));
    arrive_from(far_end(1001), near_end(53), VIEW("not for it"));
    expect_nothing(&one);
    expect_received(&other, far_end(1001), VIEW("not for it"));
    peer.port = 1002; /* and anew */
    expect_ok(udp_core_connect(one.binding, &peer));
    arrive_from(far_end(1002), near_end(53), VIEW("for it"));
    expect_received(&one, far_end(1002), VIEW("for it"));
    udp_core_unbind(one.binding);
    udp_core_unbind(other.binding);
    world_close();
}

/* RFC 6056 3.1: no order, and a wide range. */
TEST(udp_ports_cannot_be_predicted)
{
    world_open_with(512);
    static struct user users[512];
    size_t near_count = 0, high = 0;
    for (size_t i = 0; i < 512; i++) {
        bind_to(&users[i], (struct endpoint){ 0 });
        uint16_t port = users[i].binding->local.port;
        expect_that(port, >=, 32768);
        for (size_t j = 0; j < i; j++)
            expect(users[j].binding->local.port != port);
        high += port >= 49152;
        if (i == 0) continue;
        uint16_t last = users[i - 1].binding->local.port;
        near_count += (uint16_t)(port - last + 64) < 128;
    }
    expect(high > 180 && high < 332);
    expect_that(near_count, <, 16); /* by chance two */
    for (size_t i = 0; i < 512; i++)
        udp_core_unbind(users[i].binding);
    world_close();
}

/* The table stays right whatever is bound, connected and let go of. */
TEST(udp_bindings_agree_with_a_list)
{
    uint64_t random = 5;
    static struct user users[64];
    world_open_with(64);
    for (size_t i = 0; i < 64; i++)
        users[i].binding = NULL;
    for (size_t round = 0; round < 20000; round++) {
        struct user *user = &users[test_random(&random) % 64];
        uint16_t port = (uint16_t)(1 + test_random(&random) % 8);
        struct endpoint peer = far_end((uint16_t)(1 + test_random(&random) % 4));
        struct endpoint local = test_random(&random) % 2 ? near_end(port)
                                                         : (struct endpoint){ .port = port };
        if (user->binding == NULL) {
            *user = (struct user){ .user.readable = readable };
            enum result result = udp_core_bind(&world.core, &local, &user->user, &user->binding);
            expect(result == OK || result == EXISTS);
            if (result == EXISTS) user->binding = NULL;
        } else if (test_random(&random) % 3 == 0) {
            enum result result = udp_core_connect(user->binding, &peer);
            expect(result == OK || result == EXISTS);
        } else {
            udp_core_unbind(user->binding);
            user->binding = NULL;
        }
        struct udp_binding *wanted[3] = { NULL };
        local = near_end(port);
        for (size_t i = 0; i < 64; i++) {
            struct udp_binding *binding = users[i].binding;
            if (binding == NULL || binding->local.port != port) continue;
            bool is_any = binding->local.address.family == ADDRESS_ANY;
            bool is_connected = binding->peer.address.family != ADDRESS_ANY;
            if (is_connected && !endpoint_equal(&binding->peer, &peer)) continue;
            wanted[is_connected ? 0 : is_any ? 2 : 1] = binding;
        }
        struct udp_binding *best = wanted[0] != NULL ? wanted[0] : wanted[1];
        expect(udp_core_find(&world.core, &local, &peer) == (best != NULL ? best : wanted[2]));
    }
    for (size_t i = 0; i < 64; i++)
        if (users[i].binding != NULL) udp_core_unbind(users[i].binding);
    world_close();
}

/* ---- errors ---- */

static NOT_INLINED bool error_about(struct endpoint source, struct endpoint destination,
                                    enum ip_error_kind kind)
{
    struct ip_protocol *protocol = ip_find_protocol(&world.ipv4.ip, IP_PROTOCOL_UDP);
    const struct udp_header header = { .source_port = __builtin_bswap16(source.port),
                                       .destination_port = __builtin_bswap16(destination.port),
                                       .length = __builtin_bswap16(8) };
    const struct ip_error error = { .kind = kind,
                                    .source = source.address,
                                    .destination = destination.address,
                                    .transport = VIEW_OF(header) };
    if (!protocol->has_sent(protocol, &error)) return false;
    protocol->error(protocol, &error);
    return true;
}

/* About a datagram from our port to that of the host afar. */
static NOT_INLINED bool error_about_ports(uint16_t source, uint16_t destination,
                                          enum ip_error_kind kind)
{
    return error_about(near_end(source), far_end(destination), kind);
}

/* RFC 1122 4.1.3.3: told once, and the port goes on. */
TEST(udp_tells_of_a_closed_port_once)
{
    world_open();
    struct user user;
    struct udp_incoming incoming;
    bind_to(&user, (struct endpoint){ .port = 53 });
    send_to(&user, far_end(1000), VIEW("anybody"));
    expect(error_about_ports(53, 1000, IP_ERROR_PORT_UNREACHABLE));
    expect_that(user.told_count, ==, 1);
    arrive_from(far_end(1001), near_end(53), VIEW("words"));
    expect(error_about_ports(53, 1000, IP_ERROR_PORT_UNREACHABLE));
    expect_that(user.told_count, ==, 1);
    expect_result(udp_core_receive(user.binding, &incoming), REFUSED);
    expect_received(&user, far_end(1001), VIEW("words"));
    expect_nothing(&user);
    expect(error_about_ports(53, 1000, IP_ERROR_HOST_UNREACHABLE));
    expect(error_about_ports(53, 1000, IP_ERROR_TIME_EXCEEDED));
    expect_nothing(&user); /* what may pass by itself */
    udp_core_unbind(user.binding);
    world_close();
}

/* Errors about what was not sent are a stranger's words. */
TEST(udp_believes_only_errors_about_what_it_sent)
{
    world_open();
    struct user user;
    struct endpoint peer = far_end(7);
    bind_to(&user, near_end(53));
    expect(!error_about_ports(53, 1000, IP_ERROR_PORT_UNREACHABLE));
    for (uint16_t port = 1000; port < 1000 + UDP_RECENT_PEERS; port++)
        send_to(&user, far_end(port), VIEW("anybody"));
    for (uint16_t port = 1000; port < 1000 + UDP_RECENT_PEERS; port++)
        expect(error_about_ports(53, port, IP_ERROR_TOO_LARGE));
    expect(!error_about_ports(53, 999, IP_ERROR_TOO_LARGE));
    expect(!error_about_ports(54, 1000, IP_ERROR_TOO_LARGE));
    send_to(&user, far_end(2000), VIEW("one more"));
    expect(!error_about_ports(53, 1000, IP_ERROR_TOO_LARGE)); /* too long ago */
    expect(error_about_ports(53, 1001, IP_ERROR_TOO_LARGE));
    expect_ok(udp_core_connect(user.binding, &peer));
    expect(error_about_ports(53, 7, IP_ERROR_PORT_UNREACHABLE));
    udp_core_unbind(user.binding);
    world_close();
}

TEST(udp_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(udp_core_parameters));
}
