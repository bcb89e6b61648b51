/* ipv4_path_test.c - the path's MTU: learnt from routers (RFC 1191), and not from liars.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 0xfe } };
static uint8_t large[4000];

static void open_world(void)
{
    world_open(&world);
    world_introduce(&world, WORLD_GATEWAY, &gateway_mac);
}

static uint16_t mtu_to(uint32_t number)
{
    const struct address destination = address_from_number(number), any = { 0 };
    struct ip_path path = { 0 };
    expect_ok(ip_find_path(&world.ipv4.ip, &destination, &any, &path));
    return path.mtu_bytes;
}

/* A router on the way says that a datagram of ours was too large. */
static void give_too_large(uint32_t source, uint32_t destination, uint16_t quoted_bytes,
                           uint16_t mtu_bytes)
{
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    struct ipv4_header quoted = world_header(0), header = world_header(36);
    quoted.source = __builtin_bswap32(source);
    quoted.destination = __builtin_bswap32(destination);
    quoted.total_length = __builtin_bswap16(quoted_bytes);
    header.protocol = IP_PROTOCOL_ICMP;
    header.source = __builtin_bswap32(0xc6336401);
    writer_put(&writer, VIEW("\x03\x04\x00\x00\x00\x00"));
    writer_put_u16_be(&writer, mtu_bytes);
    writer_put(&writer, VIEW_OF(quoted));
    writer_put(&writer, VIEW("8 bytes."));
    struct checksum sum = { 0 };
    checksum_add(&sum, writer_view(&writer));
    uint16_t checksum = checksum_finish(&sum);
    (void)span_copy(span_from_offset(SPAN_OF(room), 2), VIEW_OF(checksum));
    world_give_datagram(&world, header, writer_view(&writer));
}

TEST(path_mtu_is_learnt_from_a_router)
{
    open_world();
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1400);
    expect_that(mtu_to(WORLD_AFAR), ==, 1400);
    expect_that(mtu_to(WORLD_AFAR + 1), ==, 1500);
    expect_that(world.transport.error_count, ==, 1);
    expect_that(world.transport.error.kind, ==, IP_ERROR_TOO_LARGE);
    expect_that(world.transport.error.mtu_bytes, ==, 1400);
    expect_that(world.ipv4.statistics.path_mtu_lowered, ==, 1);

    struct ip_outgoing outgoing = world_outgoing(WORLD_AFAR);
    outgoing.dont_fragment = true;
    struct packet *packet = world_packet(&world, view_first(VIEW_OF(large), 1381));
    expect_result(ip_send(&world.ipv4.ip, packet, &outgoing), TOO_LARGE);
    packet = world_packet(&world, view_first(VIEW_OF(large), 1380));
    expect_ok(ip_send(&world.ipv4.ip, packet, &outgoing));
    expect_that(world_forget_sent(&world), ==, 1);
    expect_ok(world_send(&world, WORLD_AFAR, view_first(VIEW_OF(large), 1381))); /* cut */
    expect_that(world_forget_sent(&world), ==, 2);
    world_close(&world);
}

/* RFC 1191 3: a host MUST NOT raise its estimate for such a message. */
TEST(path_mtu_is_never_raised)
{
    open_world();
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1000);
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1400);
    expect_that(mtu_to(WORLD_AFAR), ==, 1000);
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 9000);
    expect_that(mtu_to(WORLD_AFAR), ==, 1000);
    world_close(&world);
}

/* Anybody can claim it: the transport has to have sent what is quoted. */
TEST(path_mtu_is_not_learnt_from_strangers)
{
    open_world();
    world.transport.denies = true;
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1400);
    expect_that(world.transport.asked_count, ==, 1);
    expect_that(world.transport.error_count, ==, 0);
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    world.transport.denies = false;
    give_too_large(WORLD_NEIGHBOUR, WORLD_AFAR, 1500, 1400); /* not even our address */
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    expect_that(world.transport.error_count, ==, 0);
    /* A claim that would have let the datagram pass (RFC 1191 7.2), and what our own link takes. */
    give_too_large(WORLD_HOST, WORLD_AFAR, 1000, 1000);
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1500);
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    expect_that(world.transport.error_count, ==, 0);
    expect_that(world.ipv4.statistics.path_mtu_refused, ==, 3);
    world_close(&world);
}

/* A transport that cannot tell is told nothing of sizes. */
TEST(path_mtu_is_not_learnt_unchecked)
{
    open_world();
    world.transport.protocol.has_sent = NULL;
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1400);
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    expect_that(world.transport.error_count, ==, 0);
    world_close(&world);
}

/* An MTU under 576 is a bound of ours; what the path may really not take, routers may cut. */
TEST(path_mtu_has_a_floor)
{
    static const uint16_t claims[] = { 575, 552, 68, 1 };
    for (size_t i = 0; i < LENGTH_OF(claims); i++) {
        open_world();
        give_too_large(WORLD_HOST, WORLD_AFAR, 1500, claims[i]);
        expect_that(mtu_to(WORLD_AFAR), ==, 576);
        struct ip_outgoing outgoing = world_outgoing(WORLD_AFAR);
        outgoing.dont_fragment = true;
        expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("hello")), &outgoing));
        struct ipv4_header header;
        struct mac destination;
        (void)world_take_datagram(&world, &header, &destination);
        expect_that(header.fragment, ==, 0);
        expect(header.identification != 0);
        world_close(&world);
    }
    open_world();
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 576);
    struct ip_outgoing outgoing = world_outgoing(WORLD_AFAR);
    outgoing.dont_fragment = true;
    expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("hello")), &outgoing));
    struct ipv4_header header;
    struct mac destination;
    (void)world_take_datagram(&world, &header, &destination);
    expect_that(header.fragment, ==, __builtin_bswap16(IPV4_DONT_FRAGMENT));
    world_close(&world);
}

/* RFC 1191 7.1: routers of before say nothing; the next lower of the MTUs that links have. */
TEST(path_mtu_is_guessed_for_old_routers)
{
    static const struct {
        uint16_t quoted, wanted;
    } cases[] = { { 1500, 1492 }, { 1492, 1006 }, { 1006, 576 }, { 1493, 1492 }, { 600, 576 } };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        open_world();
        give_too_large(WORLD_HOST, WORLD_AFAR, cases[i].quoted, 0);
        expect_that(mtu_to(WORLD_AFAR), ==, cases[i].wanted);
        world_close(&world);
    }
    expect_that(ipv4_path_plateau_below(65535), ==, 32000);
    expect_that(ipv4_path_plateau_below(296), ==, 68);
    expect_that(ipv4_path_plateau_below(0), ==, 68);
}

/* RFC 1191 6.3: after ten minutes a wider one is tried. */
TEST(path_mtu_is_forgotten)
{
    open_world();
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1400);
    world_pass(&world, 599 * S_NS);
    expect_that(mtu_to(WORLD_AFAR), ==, 1400);
    world_pass(&world, 2 * S_NS);
    expect_that(mtu_to(WORLD_AFAR), ==, 1500);
    give_too_large(WORLD_HOST, WORLD_AFAR, 1500, 1300);
    expect_that(mtu_to(WORLD_AFAR), ==, 1300);
    world_close(&world);
}

/* The oldest gives way. */
TEST(path_mtus_are_bounded)
{
    open_world();
    for (uint16_t i = 0; i < 6; i++)
        give_too_large(WORLD_HOST, WORLD_AFAR + i, 1500, (uint16_t)(1400 + i));
    for (uint16_t i = 0; i < 6; i++)
        expect_that(mtu_to(WORLD_AFAR + i), ==, i < 2 ? 1500 : 1400 + i);
    expect_that(world.ipv4.paths.table.node_count, ==, 4);
    world_close(&world);
}

/* A transport that found a black hole says so itself (RFC 4821). */
TEST(path_mtu_is_lowered_by_a_transport)
{
    open_world();
    const struct address afar = address_from_number(WORLD_AFAR);
    ipv4_lower_path_mtu(&world.ipv4, &afar, 1200);
    expect_that(mtu_to(WORLD_AFAR), ==, 1200);
    ipv4_lower_path_mtu(&world.ipv4, &afar, 1300);
    ipv4_lower_path_mtu(&world.ipv4, &afar, 9000);
    expect_that(mtu_to(WORLD_AFAR), ==, 1200);
    world_close(&world);
}
