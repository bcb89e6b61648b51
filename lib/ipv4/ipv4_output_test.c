/* ipv4_output_test.c - datagrams that go: routes, sources, identifications, pieces, and ourselves.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 0xfe } };
static const struct address any = { 0 };

static struct view expect_datagram(struct ipv4_header *header, const struct mac *to)
{
    struct mac destination;
    struct view payload = world_take_datagram(&world, header, &destination);
    expect(mac_equal(&destination, to));
    return payload;
}

static void open_with_gateway(void)
{
    world_open(&world);
    world_introduce(&world, WORLD_GATEWAY, &gateway_mac);
}

static struct ip_path path_to(uint32_t number)
{
    const struct address destination = address_from_number(number);
    struct ip_path path = { 0 };
    expect_ok(ip_find_path(&world.ipv4.ip, &destination, &any, &path));
    return path;
}

/* ---- the header ---- */

TEST(ipv4_writes_the_header)
{
    open_with_gateway();
    struct ipv4_header header;
    struct ip_outgoing outgoing = world_outgoing(WORLD_NEIGHBOUR);
    outgoing.traffic_class = IP_ECN_ECT_0;
    outgoing.hop_limit = 7;
    outgoing.dont_fragment = true;
    expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("hello")), &outgoing));
    expect_view(expect_datagram(&header, &world_neighbour_mac), VIEW("hello"));
    expect_that(header.source, ==, __builtin_bswap32(WORLD_HOST));
    expect_that(header.destination, ==, __builtin_bswap32(WORLD_NEIGHBOUR));
    expect_that(header.protocol, ==, WORLD_PROTOCOL);
    expect_that(header.traffic_class, ==, IP_ECN_ECT_0);
    expect_that(header.time_to_live, ==, 7);
    expect_that(header.fragment, ==, __builtin_bswap16(IPV4_DONT_FRAGMENT));
    expect_ok(world_send(&world, WORLD_NEIGHBOUR, VIEW("hello")));
    (void)expect_datagram(&header, &world_neighbour_mac);
    expect_that(header.time_to_live, ==, 64);
    expect_that(header.fragment, ==, 0);
    world_close(&world);
}

/* RFC 9293 3.9.2, MUST-49; RFC 1112 6.1: a group is reached with one hop all the same. */
TEST(ipv4_hop_limit_is_configured)
{
    const struct world_options options = { .link = NET_ETHERNET, .hop_limit = 255 };
    struct mac destination;
    const uint32_t group = 0xe0000101; /* 224.0.1.1 */
    struct ipv4_header header;
    world_open_with(&world, &options);
    world_introduce(&world, WORLD_NEIGHBOUR, &world_neighbour_mac);
    expect_ok(world_send(&world, WORLD_NEIGHBOUR, VIEW("hello")));
    (void)expect_datagram(&header, &world_neighbour_mac);
    expect_that(header.time_to_live, ==, 255);
    expect_ok(world_send(&world, group, VIEW("hello")));
    (void)world_take_datagram(&world, &header, &destination);
    expect_that(header.time_to_live, ==, 1);
    world_close(&world);
}

/* RFC 1122 3.2.1.3, 4.2.3.10: TCP asks whether it would speak to everybody. */
TEST(ipv4_paths_tell_of_broadcasts)
{
    static const struct {
        uint32_t number;
        bool to_many;
    } cases[] = {
        { WORLD_NEIGHBOUR, false }, { WORLD_AFAR, false },       { WORLD_HOST, false },
        { 0x7f000001, false },      { WORLD_HOST | 0xff, true }, /* of a prefix of 24 bits */
        { UINT32_MAX, true },       { 0xe0000101, true },
    };
    open_with_gateway();
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        expect_that(path_to(cases[i].number).to_many, ==, cases[i].to_many);
    world_close(&world);
}

/* RFC 6864 4: of what cannot be cut the identification means nothing. Of what can it must not
 * repeat soon for a destination, and nobody learns from it how much others are sent (RFC 7739). */
TEST(ipv4_identifications_tell_nothing)
{
    open_with_gateway();
    uint16_t first[64], last = 0;
    for (uint32_t i = 0; i < 64; i++) {
        struct ipv4_header header;
        expect_ok(world_send(&world, WORLD_AFAR + i, VIEW("one")));
        (void)expect_datagram(&header, &gateway_mac);
        first[i] = __builtin_bswap16(header.identification);
        for (unsigned again = 0; again < 10; again++) {
            expect_ok(world_send(&world, WORLD_AFAR + i, VIEW("another")));
            (void)expect_datagram(&header, &gateway_mac);
            last = __builtin_bswap16(header.identification);
            expect_that((uint16_t)(last - first[i]), ==, again + 1);
        }
    }
    size_t close = 0;
    for (size_t i = 1; i < 64; i++)
        close += (uint16_t)(first[i] - first[i - 1] + 256) < 512;
    expect_that(close, <, 8); /* by chance one in 128 */
    world_close(&world);
}

/* ---- the way ---- */

TEST(ipv4_sends_on_the_link_or_by_the_gateway)
{
    open_with_gateway();
    struct ipv4_header header;
    expect_ok(world_send(&world, WORLD_NEIGHBOUR, VIEW("near")));
    expect_view(expect_datagram(&header, &world_neighbour_mac), VIEW("near"));
    expect_ok(world_send(&world, WORLD_AFAR, VIEW("far")));
    expect_view(expect_datagram(&header, &gateway_mac), VIEW("far"));
    expect_that(header.destination, ==, __builtin_bswap32(WORLD_AFAR));
    world_close(&world);
}

TEST(ipv4_takes_the_longest_prefix_then_the_least_metric)
{
    open_with_gateway();
    const struct address prefix = address_from_number(0xc6336400),
                         other = address_from_number(WORLD_NEIGHBOUR),
                         gateway = address_from_number(WORLD_GATEWAY);
    struct ipv4_header header;
    expect_ok(ipv4_add_route(&world.ipv4, &prefix, 24, &gateway, 20));
    expect_ok(ipv4_add_route(&world.ipv4, &prefix, 24, &other, 10));
    expect_result(ipv4_add_route(&world.ipv4, &prefix, 24, &other, 10), EXISTS);
    expect_ok(world_send(&world, WORLD_AFAR, VIEW("there")));
    (void)expect_datagram(&header, &world_neighbour_mac);
    expect_ok(ipv4_remove_route(&world.ipv4, &prefix, 24, 10));
    expect_result(ipv4_remove_route(&world.ipv4, &prefix, 24, 10), NOT_FOUND);
    expect_ok(world_send(&world, WORLD_AFAR, VIEW("there")));
    (void)expect_datagram(&header, &gateway_mac);
    expect_ok(ipv4_add_route(&world.ipv4, &prefix, 25, &other, 99));
    expect_ok(world_send(&world, WORLD_AFAR, VIEW("there")));
    (void)expect_datagram(&header, &world_neighbour_mac);
    world_close(&world);
}

TEST(ipv4_knows_no_way_without_a_route)
{
    const struct address host = address_from_number(WORLD_HOST);
    world_open_layers(&world, &(const struct world_options){ .link = NET_ETHERNET });
    expect_result(world_send(&world, WORLD_NEIGHBOUR, VIEW("hello")), UNREACHABLE);
    expect_ok(ipv4_add_address(&world.ipv4, &host, 24));
    expect_result(world_send(&world, WORLD_AFAR, VIEW("hello")), UNREACHABLE);
    expect_result(world_send(&world, 0, VIEW("hello")), UNREACHABLE);
    expect_result(world_send(&world, 0xf0000001, VIEW("hello")), UNREACHABLE);
    expect_that(world.ipv4.statistics.no_route, ==, 4);
    world_close(&world);
}

/* RFC 1122 3.3.4.3: an address of the network that the first hop is on. */
TEST(ipv4_selects_the_source)
{
    open_with_gateway();
    const struct address second = address_from_number(0x0a000001),
                         by_second = address_from_number(0x0a0000fe),
                         prefix = address_from_number(WORLD_AFAR);
    expect_ok(ipv4_add_address(&world.ipv4, &second, 8));
    struct ip_path path = path_to(0x0a123456);
    expect(address_equal(&path.source, &second));
    path = path_to(WORLD_AFAR);
    expect_that(address_to_number(&path.source), ==, WORLD_HOST);
    expect_ok(ipv4_add_route(&world.ipv4, &prefix, 32, &by_second, 0));
    path = path_to(WORLD_AFAR);
    expect(address_equal(&path.source, &second));
    expect_ok(ipv4_remove_address(&world.ipv4, &second));
    path = path_to(WORLD_AFAR);
    expect_that(address_to_number(&path.source), ==, WORLD_HOST);
    world_close(&world);
}

TEST(ipv4_sends_from_nobody_elses_address)
{
    open_with_gateway();
    static const uint32_t foreign[] = { WORLD_NEIGHBOUR, 0x7f000001, 0xe0000001, UINT32_MAX };
    for (size_t i = 0; i < LENGTH_OF(foreign); i++) {
        struct ip_outgoing outgoing = world_outgoing(WORLD_NEIGHBOUR);
        outgoing.source = address_from_number(foreign[i]);
        expect_result(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("hello")), &outgoing),
                      UNREACHABLE);
    }
    struct ip_outgoing outgoing = world_outgoing(WORLD_NEIGHBOUR);
    outgoing.source = (struct address){ .family = ADDRESS_IPV6 };
    expect_result(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("hello")), &outgoing),
                  UNREACHABLE);
    world_expect_silence(&world);
    world_close(&world);
}

/* RFC 1122 3.3.6; RFC 1112 6.4. */
TEST(ipv4_sends_to_many)
{
    open_with_gateway();
    struct ipv4_header header;
    static const uint32_t broadcasts[] = { UINT32_MAX, 0xc00002ff };
    for (size_t i = 0; i < LENGTH_OF(broadcasts); i++) {
        struct ip_outgoing outgoing = world_outgoing(broadcasts[i]);
        expect_result(world_send(&world, broadcasts[i], VIEW("all")), DENIED);
        outgoing.may_broadcast = true;
        expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("all")), &outgoing));
        expect_view(expect_datagram(&header, &mac_broadcast), VIEW("all"));
        expect_that(header.source, ==, __builtin_bswap32(WORLD_HOST));
    }
    static const struct mac group = { { 0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa } };
    expect_ok(world_send(&world, 0xeffffffa, VIEW("group")));
    expect_view(expect_datagram(&header, &group), VIEW("group"));
    expect_that(header.time_to_live, ==, 1); /* RFC 1112 6.1 */
    world_close(&world);
}

TEST(ipv4_refuses_addresses_that_no_host_has)
{
    open_with_gateway();
    static const struct {
        uint32_t address;
        unsigned bits;
    } wrong[] = { { 0x7f000001, 8 },  { 0xe0000001, 24 }, { 0xc0000300, 24 }, { 0xc00003ff, 24 },
                  { 0x00000001, 24 }, { UINT32_MAX, 32 }, { 0xf0000001, 24 } };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        const struct address address = address_from_number(wrong[i].address);
        expect_result(ipv4_add_address(&world.ipv4, &address, wrong[i].bits), INVALID);
    }
    const struct address host = address_from_number(WORLD_HOST);
    expect_result(ipv4_add_address(&world.ipv4, &host, 24), EXISTS);
    const struct address one = address_from_number(0xc0000300); /* RFC 3021: both are hosts' */
    expect_ok(ipv4_add_address(&world.ipv4, &one, 31));
    for (uint32_t i = 0; i < IPV4_ADDRESSES_MAX - 2; i++) {
        const struct address more = address_from_number(0x0a000001 + (i << 8));
        expect_ok(ipv4_add_address(&world.ipv4, &more, 24));
    }
    const struct address over = address_from_number(0x0b000001);
    expect_result(ipv4_add_address(&world.ipv4, &over, 24), FULL);
    world_close(&world);
}

/* ---- size ---- */

static uint8_t large[PACKET_TOTAL_MAX];

static void fill_large(void)
{
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 31 + i / 256);
}

/* RFC 791 3.2. */
TEST(ipv4_cuts_what_is_longer_than_the_link_takes)
{
    fill_large();
    open_with_gateway();
    static const size_t lengths[] = { 1481, 1488, 2960, 2961, 9000, 65515 };
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct view whole = view_first(VIEW_OF(large), lengths[i]);
        struct ipv4_header header;
        uint16_t identification = 0;
        expect_ok(world_send(&world, WORLD_NEIGHBOUR, whole));
        for (size_t offset = 0; offset < lengths[i];) {
            struct view piece = expect_datagram(&header, &world_neighbour_mac);
            uint16_t field = __builtin_bswap16(header.fragment);
            bool is_last = offset + piece.length_bytes == lengths[i];
            if (offset == 0) identification = header.identification;
            expect_that(header.identification, ==, identification);
            expect_that((field & IPV4_OFFSET_MASK) * 8u, ==, offset);
            expect_that((field & IPV4_MORE_FRAGMENTS) == 0, ==, is_last);
            expect_that(piece.length_bytes, ==, MIN((size_t)1480, lengths[i] - offset));
            expect_view(piece, view_slice(whole, offset, piece.length_bytes));
            offset += piece.length_bytes;
        }
        world_expect_silence(&world);
    }
    world_close(&world);
}

/* Whatever the link takes, pieces end at a multiple of eight, and fit a buffer. */
TEST(ipv4_cuts_at_multiples_of_eight)
{
    static const struct {
        uint16_t mtu_bytes, piece_bytes;
    } cases[] = { { 1500, 1480 }, { 1499, 1472 }, { 1493, 1472 }, { 577, 552 }, { 9000, 1856 } };
    fill_large();
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct ipv4_header header;
        open_with_gateway();
        world.record.net.mtu_bytes = cases[i].mtu_bytes;
        expect_ok(world_send(&world, WORLD_NEIGHBOUR, view_first(VIEW_OF(large), 10000)));
        struct view piece = expect_datagram(&header, &world_neighbour_mac);
        expect_that(piece.length_bytes, ==, cases[i].piece_bytes);
        piece = expect_datagram(&header, &world_neighbour_mac);
        expect_that((__builtin_bswap16(header.fragment) & IPV4_OFFSET_MASK) * 8u, ==,
                    cases[i].piece_bytes);
        expect_view(piece, view_slice(VIEW_OF(large), cases[i].piece_bytes, cases[i].piece_bytes));
        world_close(&world);
    }
}

TEST(ipv4_refuses_what_is_too_large)
{
    fill_large();
    open_with_gateway();
    struct ip_outgoing outgoing = world_outgoing(WORLD_NEIGHBOUR);
    outgoing.dont_fragment = true;
    struct packet *packet = world_packet(&world, view_first(VIEW_OF(large), 1481));
    expect_result(ip_send(&world.ipv4.ip, packet, &outgoing), TOO_LARGE);
    packet = world_packet(&world, view_first(VIEW_OF(large), 1480));
    expect_ok(ip_send(&world.ipv4.ip, packet, &outgoing));
    expect_that(world_forget_sent(&world), ==, 1);
    struct view over = view_first(VIEW_OF(large), 65516);
    expect_result(world_send(&world, WORLD_NEIGHBOUR, over), TOO_LARGE);
    expect_result(world_send(&world, WORLD_HOST, over), TOO_LARGE);
    world_expect_silence(&world);
    world_close(&world);
}

/* The sum goes over the whole: it is there before the datagram is cut. */
TEST(ipv4_completes_a_checksum_before_it_cuts)
{
    fill_large();
    world_open_with(
        &world, &(const struct world_options){ .link = NET_IP, .offloads = NET_SENDS_CHECKSUMS });
    struct packet *packet = world_packet(&world, view_first(VIEW_OF(large), 3000));
    struct checksum sum = { 0 };
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = packet->offset;
    packet->checksum_offset = (uint16_t)(packet->offset + 6);
    checksum_add_packet(&sum, packet, 0);
    uint16_t wanted = checksum_finish(&sum);
    const struct ip_outgoing outgoing = world_outgoing(WORLD_NEIGHBOUR);
    expect_ok(ip_send(&world.ipv4.ip, packet, &outgoing));
    struct ipv4_header header;
    struct mac nobody;
    struct view piece = world_take_datagram(&world, &header, &nobody);
    expect_view(view_slice(piece, 6, 2), VIEW_OF(wanted));
    world_close(&world);
}

/* All of it goes or nothing. */
TEST(ipv4_cuts_nothing_without_buffers)
{
    fill_large();
    world_open_with(&world, &(const struct world_options){ .link = NET_IP, .pool_packets = 64 });
    expect_result(world_send(&world, WORLD_NEIGHBOUR, view_first(VIEW_OF(large), 60000)), FULL);
    world_expect_silence(&world);
    expect_ok(world_send(&world, WORLD_NEIGHBOUR, view_first(VIEW_OF(large), 6000)));
    expect_that(world_forget_sent(&world), ==, 5);
    world_close(&world);
}

TEST(ipv4_tells_what_the_path_takes)
{
    open_with_gateway();
    struct ip_path path = path_to(WORLD_AFAR);
    expect_that(path.mtu_bytes, ==, 1500);
    expect_that(path.segments_bytes_max, ==, 0);
    path = path_to(WORLD_HOST);
    expect_that(path.mtu_bytes, ==, IPV4_LOOPBACK_MTU);
    expect_that(address_to_number(&path.source), ==, WORLD_HOST);
    world_close(&world);
    world_open_with(&world, &(const struct world_options){ .link = NET_IP,
                                                           .offloads = NET_SENDS_SEGMENTS_IPV4 });
    path = path_to(WORLD_AFAR);
    expect_that(path.segments_bytes_max, ==, 65535);
    world_close(&world);
}

/* ---- to ourselves ---- */

static void expect_looped(struct view bytes, uint32_t source, uint32_t destination)
{
    const struct world_transport *transport = &world.transport;
    expect_view(view_from(transport->bytes, transport->length_bytes), bytes);
    expect_that(address_to_number(&transport->incoming.source), ==, source);
    expect_that(address_to_number(&transport->incoming.destination), ==, destination);
    expect(!transport->incoming.to_many);
}

/* RFC 1122 3.2.1.3 (g). */
TEST(ipv4_speaks_to_itself_without_the_net)
{
    open_with_gateway();
    static const uint32_t ours[] = { WORLD_HOST, 0x7f000001, 0x7f123456 };
    for (size_t i = 0; i < LENGTH_OF(ours); i++) {
        expect_ok(world_send(&world, ours[i], VIEW("hello")));
        expect_that(world.transport.count, ==, i); /* not within the call */
        expect(ipv4_is_pending(&world.ipv4));
        expect(!ipv4_step(&world.ipv4));
        expect_that(world.transport.count, ==, i + 1);
        expect_looped(VIEW("hello"), ours[i], ours[i]);
    }
    struct ip_outgoing outgoing = world_outgoing(WORLD_HOST);
    outgoing.source = address_from_number(0x7f000001);
    expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("mixed")), &outgoing));
    (void)ipv4_step(&world.ipv4);
    expect_looped(VIEW("mixed"), 0x7f000001, WORLD_HOST);
    world_expect_silence(&world);
    world_close(&world);
}

TEST(ipv4_loops_the_largest_datagram_whole)
{
    fill_large();
    open_with_gateway();
    struct view whole = view_first(VIEW_OF(large), 65515);
    expect_ok(world_send(&world, WORLD_HOST, whole));
    (void)ipv4_step(&world.ipv4);
    expect_looped(whole, WORLD_HOST, WORLD_HOST);
    world_close(&world);
}

/* The queue is bounded in buffers; what finds no room is refused. */
TEST(ipv4_bounds_what_is_on_the_way_to_itself)
{
    open_with_gateway();
    size_t accepted = 0;
    while (world_send(&world, WORLD_HOST, VIEW("again")) == OK)
        accepted++;
    expect_that(accepted, ==, 128);
    expect_that(world.ipv4.statistics.loopback_full, ==, 1);
    expect(!ipv4_step(&world.ipv4));
    expect_that(world.transport.count, ==, 128);
    expect_ok(world_send(&world, WORLD_HOST, VIEW("again")));
    world_close(&world); /* what is on its way is given back */
}

static void answer_itself(struct ip_protocol *protocol, struct packet *packet,
                          const struct ip_incoming *incoming)
{
    (void)protocol;
    world.transport.count++;
    const struct ip_outgoing outgoing = world_outgoing(address_to_number(&incoming->source));
    expect_ok(ip_send(&world.ipv4.ip, packet, &outgoing));
}

/* A conversation with itself goes on in steps, and ends none of them late. */
TEST(ipv4_steps_do_not_run_away)
{
    open_with_gateway();
    world.transport.protocol.input = answer_itself;
    expect_ok(world_send(&world, WORLD_HOST, VIEW("one")));
    expect_ok(world_send(&world, WORLD_HOST, VIEW("two")));
    for (size_t i = 1; i < 10; i++) {
        expect(ipv4_step(&world.ipv4));
        expect_that(world.transport.count, ==, 2 * i);
    }
    world_close(&world);
}

static void released(struct payload *payload)
{
    (void)payload;
}

/* What the sender lends it may change later: the receiver gets buffers of its own. */
TEST(ipv4_loops_a_copy_of_what_is_borrowed)
{
    open_with_gateway();
    uint8_t lent[] = "lent by the sender";
    struct payload owner = { .references = 1, .released = released };
    struct packet *packet = world_packet(&world, VIEW("head: "));
    const struct ip_outgoing outgoing = world_outgoing(WORLD_HOST);
    packet_borrow(packet, view_from(lent, 18), &owner);
    expect_ok(ip_send(&world.ipv4.ip, packet, &outgoing));
    expect_that(owner.references, ==, 1);
    lent[0] = 'b';
    (void)ipv4_step(&world.ipv4);
    expect_looped(VIEW("head: lent by the sender"), WORLD_HOST, WORLD_HOST);
    world_close(&world);
}
