/* ipv4_input_test.c - datagrams that come: what is delivered, and all that must not be.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static void expect_dropped(const uint64_t *counter, uint64_t count)
{
    expect_that(world.transport.count, ==, 0);
    expect_that(*counter, ==, count);
    world_expect_silence(&world);
}

TEST(ipv4_delivers_to_the_protocol)
{
    world_open(&world);
    struct ipv4_header header = world_header(5);
    header.traffic_class = 0x2e << 2 | IP_ECN_ECT_0;
    header.time_to_live = 3;
    world_give_datagram(&world, header, VIEW("hello"));
    const struct world_transport *transport = &world.transport;
    expect_that(transport->count, ==, 1);
    expect_view(view_from(transport->bytes, transport->length_bytes), VIEW("hello"));
    expect_that(address_to_number(&transport->incoming.source), ==, WORLD_NEIGHBOUR);
    expect_that(address_to_number(&transport->incoming.destination), ==, WORLD_HOST);
    expect_that(transport->incoming.protocol, ==, WORLD_PROTOCOL);
    expect_that(transport->incoming.hop_limit, ==, 3);
    expect_that(transport->incoming.traffic_class, ==, 0x2e << 2 | IP_ECN_ECT_0);
    expect(!transport->incoming.to_many);
    world_close(&world);
}

/* RFC 1122 3.2.1.7: a datagram is not discarded because its time to live is short. */
TEST(ipv4_takes_any_time_to_live)
{
    world_open(&world);
    for (uint8_t hops = 0; hops < 2; hops++) {
        struct ipv4_header header = world_header(5);
        header.time_to_live = hops;
        world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_that(world.transport.count, ==, 2);
    world_close(&world);
}

/* Ethernet pads to 60 bytes (RFC 894): what is behind the total length is not the datagram's. */
TEST(ipv4_cuts_padding_off)
{
    world_open(&world);
    world_give_datagram(&world, world_header(5), VIEW("hello and what pads the frame"));
    expect_view(view_from(world.transport.bytes, world.transport.length_bytes), VIEW("hello"));
    world_close(&world);
}

/* ---- the header ---- */

TEST(ipv4_drops_what_is_truncated_at_every_length)
{
    static uint8_t frame[14 + 20 + 8];
    world_open(&world);
    struct writer writer = writer_over(SPAN_OF(frame));
    struct ipv4_header header = world_header(8);
    header.checksum = ipv4_header_checksum(&header);
    world_put_frame(&writer, &world_mac, &world_neighbour_mac, ETHERTYPE_IPV4);
    writer_put(&writer, VIEW_OF(header));
    writer_put(&writer, VIEW("8 bytes."));
    for (size_t length = 14; length < sizeof frame; length++)
        world_give(&world, view_first(VIEW_OF(frame), length));
    expect_dropped(&world.ipv4.statistics.bad_header, sizeof frame - 14);
    world_give(&world, VIEW_OF(frame));
    expect_that(world.transport.count, ==, 1);
    world_close(&world);
}

/* RFC 1122 3.2.1.1: silently. */
TEST(ipv4_drops_other_versions)
{
    world_open(&world);
    for (unsigned version = 0; version < 16; version++) {
        struct ipv4_header header = world_header(5);
        header.version_and_length = (uint8_t)(version << 4 | 5);
        if (version != 4) world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_dropped(&world.ipv4.statistics.bad_header, 15);
    world_close(&world);
}

TEST(ipv4_drops_lengths_that_disagree)
{
    world_open(&world);
    for (uint8_t words = 0; words < 5; words++) { /* of the header: at least five (RFC 791 3.1) */
        struct ipv4_header header = world_header(5);
        header.version_and_length = (uint8_t)(0x40 | words);
        world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_dropped(&world.ipv4.statistics.bad_header, 5);
    for (uint16_t total = 0; total < 20; total++) { /* shorter than its header */
        struct ipv4_header header = world_header(5);
        header.total_length = __builtin_bswap16(total);
        world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_dropped(&world.ipv4.statistics.bad_header, 25);
    struct ipv4_header header = world_header(6); /* longer than the frame */
    world_give_datagram(&world, header, VIEW("hello"));
    header = world_header(5); /* a header longer than the datagram */
    header.version_and_length = 0x4f;
    world_give_datagram(&world, header, VIEW("hello"));
    expect_dropped(&world.ipv4.statistics.bad_header, 27);
    world_close(&world);
}

/* RFC 1122 3.2.1.2: each bit of the header is covered. */
TEST(ipv4_verifies_the_header_checksum)
{
    uint8_t frame[14 + 20 + 5];
    world_open(&world);
    for (size_t bit = 0; bit < 160; bit++) {
        struct writer writer = writer_over(SPAN_OF(frame));
        struct ipv4_header header = world_header(5);
        header.checksum = ipv4_header_checksum(&header);
        world_put_frame(&writer, &world_mac, &world_neighbour_mac, ETHERTYPE_IPV4);
        writer_put(&writer, VIEW_OF(header));
        writer_put(&writer, VIEW("hello"));
        frame[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
        world_give(&world, VIEW_OF(frame));
    }
    expect_that(world.transport.count, ==, 0);
    expect_that(world.ipv4.statistics.bad_header + world.ipv4.statistics.bad_checksum, ==, 160);
    world_expect_silence(&world);
    world_close(&world);
}

/* ---- options ---- */

static size_t give_options(struct view options)
{
    size_t before = world.transport.count;
    struct ipv4_header header = world_header(5 + options.length_bytes);
    header.version_and_length = (uint8_t)(0x40 | (5 + options.length_bytes / 4));
    world_give_datagram_to(&world, &world_mac, header, options, VIEW("hello"));
    return world.transport.count - before;
}

TEST(ipv4_takes_sound_options)
{
    static const struct view sound[] = {
        VIEW_ROW("\x01\x01\x01\x01"),                 /* nothing, four times */
        VIEW_ROW("\x00\xff\xff\xff"),                 /* the end, and rubbish behind it */
        VIEW_ROW("\x94\x04\x00\x00"),                 /* router alert (RFC 2113) */
        VIEW_ROW("\x07\x07\x04\x00\x00\x00\x00\x00"), /* record route */
        VIEW_ROW("\x44\x08\x05\x00\x00\x00\x00\x00"), /* timestamp */
        VIEW_ROW("\x5e\x02\x01\x00"),                 /* unknown, of two bytes */
    };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(sound); i++) {
        expect_that(give_options(sound[i]), ==, 1);
        expect_view(view_from(world.transport.bytes, world.transport.length_bytes), VIEW("hello"));
    }
    world_close(&world);
}

/* Lengths of 0, 1 and past the end. */
TEST(ipv4_drops_malformed_options)
{
    static const struct view malformed[] = {
        VIEW_ROW("\x44\x00\x00\x00"),
        VIEW_ROW("\x44\x01\x00\x00"),
        VIEW_ROW("\x44\x05\x00\x00"),
        VIEW_ROW("\x44\xff\x00\x00"),
        VIEW_ROW("\x01\x01\x01\x44"),
        VIEW_ROW("\x01\x01\x44\x03"),
        VIEW_ROW("\x94\x04\x00\x00\x01\x01\x07\x00"),
    };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(malformed); i++)
        expect_that(give_options(malformed[i]), ==, 0);
    expect_dropped(&world.ipv4.statistics.bad_option, LENGTH_OF(malformed));
    world_close(&world);
}

/* RFC 7126 4.3, 4.4: no source routes, wherever they stand among the options. */
TEST(ipv4_drops_source_routes)
{
    static const struct view routes[] = {
        VIEW_ROW("\x83\x07\x04\xc0\x00\x02\x03\x00"),
        VIEW_ROW("\x89\x07\x04\xc0\x00\x02\x03\x00"),
        VIEW_ROW("\x01\x83\x03\x04"),
        VIEW_ROW("\x94\x04\x00\x00\x89\x03\x04\x00"),
    };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(routes); i++)
        expect_that(give_options(routes[i]), ==, 0);
    expect_dropped(&world.ipv4.statistics.bad_option, LENGTH_OF(routes));
    world_close(&world);
}

/* ---- from where to where ---- */

/* RFC 1122 3.2.1.3; those of a link that are nobody's. */
TEST(ipv4_drops_impossible_sources)
{
    static const uint32_t sources[] = { 0x7f000001, 0x7fffffff, 0xe0000001, 0xefffffff,
                                        0xf0000001, UINT32_MAX, 0xc00002ff, 0xc0000200,
                                        WORLD_HOST, 0x00000000, 0x00000001 };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(sources); i++) {
        struct ipv4_header header = world_header(5);
        header.source = __builtin_bswap32(sources[i]);
        world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_dropped(&world.ipv4.statistics.bad_source, LENGTH_OF(sources));
    world_close(&world);
}

/* A host forwards nothing (RFC 1122 3.3.1), and 127/8 never comes from outside (3.2.1.3 g). */
TEST(ipv4_drops_what_is_not_for_us)
{
    static const uint32_t destinations[] = { 0xc0000202, 0x7f000001, 0xe0000002, 0xeffffffa,
                                             0xc0000200, WORLD_AFAR, 0x00000000, 0xf0000001 };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(destinations); i++) {
        struct ipv4_header header = world_header(5);
        header.destination = __builtin_bswap32(destinations[i]);
        world_give_datagram(&world, header, VIEW("hello"));
    }
    expect_dropped(&world.ipv4.statistics.not_for_us, LENGTH_OF(destinations));
    world_close(&world);
}

TEST(ipv4_takes_broadcasts_and_all_hosts)
{
    static const uint32_t destinations[] = { UINT32_MAX, 0xc00002ff, 0xe0000001 };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(destinations); i++) {
        struct ipv4_header header = world_header(5);
        header.destination = __builtin_bswap32(destinations[i]);
        world_give_datagram_to(&world, &mac_broadcast, header, VIEW(""), VIEW("hello"));
        expect_that(world.transport.count, ==, i + 1);
        expect(world.transport.incoming.to_many);
    }
    /* Who has no address yet speaks to all (RFC 951). */
    struct ipv4_header header = world_header(5);
    header.source = 0;
    header.destination = UINT32_MAX;
    world_give_datagram_to(&world, &mac_broadcast, header, VIEW(""), VIEW("hello"));
    expect_that(world.transport.count, ==, 4);
    world_close(&world);
}

/* RFC 1122 3.3.6: to all on the link, to one on the network: discarded. */
TEST(ipv4_drops_one_in_a_frame_to_all)
{
    world_open(&world);
    world_give_datagram_to(&world, &mac_broadcast, world_header(5), VIEW(""), VIEW("hello"));
    expect_dropped(&world.ipv4.statistics.not_for_us, 1);
    world_close(&world);
}

/* ---- protocols that we have not ---- */

/* RFC 1122 3.2.2.1: protocol unreachable; IP in IP (4) is one of them. */
TEST(ipv4_rejects_unknown_protocols)
{
    static const uint8_t protocols[] = { 4, 41, 47, 132, 0, 255 };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(protocols); i++) {
        struct ipv4_header header = world_header(32), answer;
        struct mac destination;
        header.protocol = protocols[i];
        world_give_datagram(&world, header, VIEW("a datagram within a datagram, or"));
        struct view message = world_take_datagram(&world, &answer, &destination);
        expect_that(answer.protocol, ==, IP_PROTOCOL_ICMP);
        expect_view(view_first(message, 2), VIEW("\x03\x02"));
        expect_that(view_byte(message, 8 + 9), ==, protocols[i]);
        expect_view(view_from_offset(message, 28), VIEW("a datagram within a datagram, or"));
    }
    expect_that(world.ipv4.statistics.no_protocol, ==, LENGTH_OF(protocols));
    world_close(&world);
}

/* RFC 1122 3.2.2: never about what went to many. */
TEST(ipv4_rejects_no_broadcast)
{
    world_open(&world);
    struct ipv4_header header = world_header(5);
    header.protocol = 4;
    header.destination = UINT32_MAX;
    world_give_datagram_to(&world, &mac_broadcast, header, VIEW(""), VIEW("hello"));
    expect_dropped(&world.ipv4.statistics.no_protocol, 1);
    world_close(&world);
}

/* ---- a net of bare IP ---- */

TEST(ipv4_works_without_ethernet)
{
    world_open_with(&world, &(const struct world_options){ .link = NET_IP });
    world_give_datagram(&world, world_header(5), VIEW("hello"));
    expect_that(world.transport.count, ==, 1);
    struct ipv4_header header;
    struct mac nobody;
    expect_ok(world_send(&world, WORLD_AFAR, VIEW("there")));
    expect_view(world_take_datagram(&world, &header, &nobody), VIEW("there"));
    expect_that(header.destination, ==, __builtin_bswap32(WORLD_AFAR));
    world_close(&world);
}

TEST(ipv4_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(ipv4_parameters));
}
