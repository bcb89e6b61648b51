/* arp_test.c - neighbours: asked for, learnt, doubted and forgotten (RFC 826, RFC 1122 2.3.2).
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static const struct mac mac_none = { { 0 } };
static const struct mac other_mac = { { 2, 0, 0, 0, 0, 0x66 } };

static void reply_from(uint32_t address, const struct mac *station)
{
    const struct world_arp reply = { 2, *station, address, world_mac, WORLD_HOST };
    world_give_arp(&world, &world_mac, &reply);
}

static void expect_request_for(uint32_t address, const struct mac *to)
{
    struct mac destination;
    struct world_arp request = world_take_arp(&world, &destination);
    expect_that(request.operation, ==, 1);
    expect_that(request.target, ==, address);
    expect_that(request.sender, ==, WORLD_HOST);
    expect(mac_equal(&request.sender_mac, &world_mac));
    expect(mac_equal(&destination, to));
}

static void expect_datagram_to(const struct mac *station, struct view payload)
{
    struct ipv4_header header;
    struct mac destination;
    expect_view(world_take_datagram(&world, &header, &destination), payload);
    expect(mac_equal(&destination, station));
}

static bool knows(uint32_t address)
{
    return arp_find(&world.arp, address) != NULL;
}

/* ---- answering ---- */

/* RFC 826, "Packet Reception". */
TEST(arp_answers_who_asks_for_us)
{
    world_open(&world);
    const struct world_arp request = { 1, other_mac, 0xc0000242, mac_none, WORLD_HOST };
    world_give_arp(&world, &mac_broadcast, &request);
    struct mac destination;
    struct world_arp reply = world_take_arp(&world, &destination);
    expect_that(reply.operation, ==, 2);
    expect(mac_equal(&destination, &other_mac));
    expect(mac_equal(&reply.sender_mac, &world_mac));
    expect_that(reply.sender, ==, WORLD_HOST);
    expect(mac_equal(&reply.target_mac, &other_mac));
    expect_that(reply.target, ==, 0xc0000242);
    world_expect_silence(&world);
    world_close(&world);
}

TEST(arp_does_not_answer_for_others)
{
    world_open(&world);
    const struct world_arp request = { 1, other_mac, 0xc0000242, mac_none, 0xc0000203 };
    world_give_arp(&world, &mac_broadcast, &request);
    world_expect_silence(&world);
    expect(!knows(0xc0000242));
    world_close(&world);
}

/* RFC 5227 1.1, 2.1.1: a probe has no sender's address; it is answered, and nothing learnt. */
TEST(arp_answers_a_probe_for_our_address)
{
    world_open(&world);
    size_t known = world.arp.table.node_count;
    const struct world_arp probe = { 1, other_mac, 0, mac_none, WORLD_HOST };
    world_give_arp(&world, &mac_broadcast, &probe);
    struct mac destination;
    expect_that(world_take_arp(&world, &destination).operation, ==, 2);
    expect_that(world.arp.table.node_count, ==, known);
    world_close(&world);
}

/* Truncated at every length, and wrong in every field before the addresses. */
TEST(arp_survives_malformed_messages)
{
    static const uint8_t whole[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   0, 0, 0,    0,
                                     0x66, 8,    6,    0,    1,    8,    0,   6, 4, 0,    1,
                                     2,    0,    0,    0,    0,    0x66, 192, 0, 2, 0x42, 0,
                                     0,    0,    0,    0,    0,    192,  0,   2, 1 };
    world_open(&world);
    for (size_t length = 14; length < sizeof whole; length++)
        world_give(&world, view_first(VIEW_OF(whole), length));
    expect_that(world.arp.statistics.malformed, ==, sizeof whole - 14);
    for (size_t i = 14; i < 22; i++) {
        uint8_t wrong[sizeof whole];
        (void)span_copy(SPAN_OF(wrong), VIEW_OF(whole));
        wrong[i] ^= 0x40;
        world_give(&world, VIEW_OF(wrong));
    }
    expect_that(world.arp.statistics.malformed, ==, sizeof whole - 14 + 8);
    world_expect_silence(&world);
    expect(!knows(0xc0000242));
    world_give(&world, VIEW_OF(whole));
    expect_that(world_forget_sent(&world), ==, 1);
    world_close(&world);
}

/* ---- asking ---- */

TEST(arp_asks_once_and_sends_what_waited_in_order)
{
    world_open(&world);
    expect_ok(world_send(&world, 0xc0000205, VIEW("one")));
    expect_ok(world_send(&world, 0xc0000205, VIEW("two")));
    expect_request_for(0xc0000205, &mac_broadcast);
    world_expect_silence(&world);
    reply_from(0xc0000205, &other_mac);
    expect_datagram_to(&other_mac, VIEW("one"));
    expect_datagram_to(&other_mac, VIEW("two"));
    expect_ok(world_send(&world, 0xc0000205, VIEW("three")));
    expect_datagram_to(&other_mac, VIEW("three"));
    world_close(&world);
}

/* RFC 1122 2.3.2.1: at most one a second. RFC 1122 2.3.2.2: then the transport is told. */
TEST(arp_asks_three_times_then_tells_the_transport)
{
    world_open(&world);
    expect_ok(world_send(&world, 0xc0000205, VIEW("12345678 and more")));
    for (size_t i = 0; i < 3; i++) {
        expect_request_for(0xc0000205, &mac_broadcast);
        world_pass(&world, S_NS - 10 * MS_NS);
        world_expect_silence(&world);
        expect_that(world.transport.error_count, ==, 0);
        world_pass(&world, 11 * MS_NS);
    }
    world_expect_silence(&world);
    expect_that(world.transport.error_count, ==, 1);
    expect_that(world.transport.error.kind, ==, IP_ERROR_HOST_UNREACHABLE);
    expect_that(address_to_number(&world.transport.error.destination), ==, 0xc0000205);
    expect_that(address_to_number(&world.transport.error.source), ==, WORLD_HOST);
    expect_view(view_from(world.transport.quoted, world.transport.quoted_bytes),
                VIEW("12345678 and more"));
    expect_that(world.arp.statistics.failures, ==, 1);
    expect(!knows(0xc0000205));
    world_close(&world);
}

/* RFC 1122 2.3.2.2: the latest at least; here as many as the longest datagram has fragments, the
 * oldest giving way. */
TEST(arp_keeps_the_latest_of_each)
{
    world_open_with(&world,
                    &(const struct world_options){ .link = NET_ETHERNET, .arp_waiting = 100 });
    for (uint8_t i = 0; i < ARP_WAITING_MAX + 6; i++)
        expect_ok(world_send(&world, 0xc0000205, VIEW_OF(i)));
    expect_request_for(0xc0000205, &mac_broadcast);
    expect_that(world.arp.statistics.waiting_dropped, ==, 6);
    reply_from(0xc0000205, &other_mac);
    for (uint8_t i = 6; i < ARP_WAITING_MAX + 6; i++)
        expect_datagram_to(&other_mac, VIEW_OF(i));
    world_expect_silence(&world);
    world_close(&world);
}

/* Of all that waits, what waited longest gives way: nobody can lock a new neighbour out. */
TEST(arp_bounds_what_waits_for_all)
{
    world_open_with(&world,
                    &(const struct world_options){ .link = NET_ETHERNET, .arp_waiting = 5 });
    for (uint32_t i = 0; i < 20; i++) {
        expect_ok(world_send(&world, 0xc0000264 + i, VIEW("flood")));
        expect_that(world.arp.waiting_count, <=, 5);
    }
    expect_ok(world_send(&world, 0xc0000205, VIEW("honest")));
    expect_that(world.arp.waiting_count, ==, 5);
    world_forget_sent(&world);
    reply_from(0xc0000205, &other_mac);
    expect_datagram_to(&other_mac, VIEW("honest"));
    world_close(&world);
}

/* ---- learning ---- */

/* RFC 826: who asks for us will be sent to. */
TEST(arp_learns_from_a_question_for_us)
{
    world_open(&world);
    world_introduce(&world, 0xc0000205, &other_mac);
    expect_ok(world_send(&world, 0xc0000205, VIEW("hello")));
    expect_datagram_to(&other_mac, VIEW("hello"));
    world_close(&world);
}

TEST(arp_learns_nothing_unasked)
{
    world_open(&world);
    reply_from(0xc0000205, &other_mac);
    expect(!knows(0xc0000205));
    const struct world_arp gratuitous = { 1, other_mac, 0xc0000205, mac_none, 0xc0000205 };
    world_give_arp(&world, &mac_broadcast, &gratuitous);
    expect(!knows(0xc0000205));
    const struct world_arp announced = { 2, other_mac, 0xc0000205, mac_broadcast, 0xc0000205 };
    world_give_arp(&world, &mac_broadcast, &announced);
    expect(!knows(0xc0000205));
    world_expect_silence(&world);
    world_close(&world);
}

/* Neither a host of elsewhere nor the first and the last address of our prefix. */
static const uint32_t outside[] = { WORLD_AFAR, 0xc00002ff, 0xc0000200, 0x01000000, 0xdfffffff };

TEST(arp_learns_no_address_outside_the_prefix)
{
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(outside); i++) {
        const struct world_arp request = { 1, other_mac, outside[i], mac_none, WORLD_HOST };
        world_give_arp(&world, &mac_broadcast, &request);
        expect(!knows(outside[i]));
        expect_that(world.arp.statistics.ignored, ==, i + 1);
    }
    world_close(&world);
}

/* RFC 826 has no word of prefixes: a neighbour with another netmask reaches us. */
TEST(arp_answers_who_asks_from_outside_the_prefix)
{
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(outside); i++) {
        const struct world_arp request = { 1, other_mac, outside[i], mac_none, WORLD_HOST };
        struct mac destination;
        world_give_arp(&world, &mac_broadcast, &request);
        struct world_arp reply = world_take_arp(&world, &destination);
        expect_that(reply.operation, ==, 2);
        expect(mac_equal(&destination, &other_mac) && mac_equal(&reply.target_mac, &other_mac));
        expect_that(reply.sender, ==, WORLD_HOST);
        expect_that(reply.target, ==, outside[i]);
        const struct world_arp for_other = { 1, other_mac, outside[i], mac_none, 0xc0000203 };
        world_give_arp(&world, &mac_broadcast, &for_other);
        world_expect_silence(&world);
    }
    world_close(&world);
}

/* RFC 1122 3.2.1.3: no host sends from these. */
TEST(arp_answers_nobody_who_is_no_host)
{
    static const uint32_t nobody[] = { 0x00000001, 0x00ffffff, 0x7f000001, 0x7fffffff,
                                       0xe0000001, 0xf0000001, UINT32_MAX };
    world_open(&world);
    for (size_t i = 0; i < LENGTH_OF(nobody); i++) {
        const struct world_arp request = { 1, other_mac, nobody[i], mac_none, WORLD_HOST };
        world_give_arp(&world, &mac_broadcast, &request);
        expect(!knows(nobody[i]));
    }
    world_expect_silence(&world);
    world_close(&world);
}

TEST(arp_learns_no_group_as_a_station)
{
    world_open(&world);
    expect_ok(world_send(&world, 0xc0000205, VIEW("hello")));
    expect_request_for(0xc0000205, &mac_broadcast);
    static const uint8_t frame[] = { 2,   0, 0, 0, 0, 1, 2, 0, 0, 0, 0,    0x66, 8, 6,
                                     0,   1, 8, 0, 6, 4, 0, 2, 1, 0, 0x5e, 0,    0, 5,
                                     192, 0, 2, 5, 2, 0, 0, 0, 0, 1, 192,  0,    2, 1 };
    world_give(&world, VIEW_OF(frame));
    expect_that(arp_find(&world.arp, 0xc0000205)->state, ==, ARP_INCOMPLETE);
    world_expect_silence(&world);
    world_close(&world);
}

/* A reply must be to us, by its target and its station. */
TEST(arp_takes_no_reply_to_somebody_else)
{
    world_open(&world);
    expect_ok(world_send(&world, 0xc0000205, VIEW("hello")));
    expect_request_for(0xc0000205, &mac_broadcast);
    const struct world_arp to_other = { 2, other_mac, 0xc0000205, world_mac, 0xc0000203 };
    const struct world_arp other_station = { 2, other_mac, 0xc0000205, other_mac, WORLD_HOST };
    world_give_arp(&world, &world_mac, &to_other);
    world_give_arp(&world, &world_mac, &other_station);
    expect_that(arp_find(&world.arp, 0xc0000205)->state, ==, ARP_INCOMPLETE);
    world_close(&world);
}

/* ---- doubting ---- */

static void know_and_use(uint32_t address, const struct mac *station)
{
    world_introduce(&world, address, station);
    expect_ok(world_send(&world, address, VIEW("known")));
    expect_datagram_to(station, VIEW("known"));
}

/* Nobody takes over another's address by saying so: the one that we know is asked first. */
TEST(arp_asks_the_known_station_when_contradicted)
{
    world_open(&world);
    know_and_use(0xc0000205, &other_mac);
    static const struct mac thief = { { 2, 0, 0, 0, 0, 0x77 } };
    const struct world_arp claim = { 1, thief, 0xc0000205, mac_none, 0xc0000205 };
    world_give_arp(&world, &mac_broadcast, &claim);
    expect_request_for(0xc0000205, &other_mac);
    reply_from(0xc0000205, &thief); /* not the one asked */
    expect_ok(world_send(&world, 0xc0000205, VIEW("still")));
    expect_datagram_to(&other_mac, VIEW("still"));
    reply_from(0xc0000205, &other_mac);
    world_pass(&world, 10 * S_NS);
    world_expect_silence(&world);
    expect(mac_equal(&arp_find(&world.arp, 0xc0000205)->mac, &other_mac));
    world_close(&world);
}

/* When the known one is silent, everybody is asked: the address may have moved. */
TEST(arp_follows_an_address_that_moved)
{
    world_open(&world);
    know_and_use(0xc0000205, &other_mac);
    static const struct mac moved = { { 2, 0, 0, 0, 0, 0x77 } };
    const struct world_arp claim = { 1, moved, 0xc0000205, mac_none, 0xc0000205 };
    world_give_arp(&world, &mac_broadcast, &claim);
    expect_request_for(0xc0000205, &other_mac);
    world_pass(&world, S_NS + MS_NS);
    expect_request_for(0xc0000205, &other_mac);
    world_pass(&world, S_NS + MS_NS);
    expect_request_for(0xc0000205, &mac_broadcast);
    reply_from(0xc0000205, &moved);
    expect_ok(world_send(&world, 0xc0000205, VIEW("there")));
    expect_datagram_to(&moved, VIEW("there"));
    reply_from(0xc0000205, &other_mac); /* too late: a claim now */
    expect_request_for(0xc0000205, &moved);
    expect_ok(world_send(&world, 0xc0000205, VIEW("there")));
    expect_datagram_to(&moved, VIEW("there"));
    world_close(&world);
}

/* Some announce themselves by replies that nobody asked for: they make us ask, no more; and one
 * that agrees with what is known does not make it known anew. */
TEST(arp_doubts_but_does_not_believe_unasked_replies)
{
    world_open(&world);
    know_and_use(0xc0000205, &other_mac);
    static const struct mac thief = { { 2, 0, 0, 0, 0, 0x77 } };
    const struct world_arp to_all = { 2, thief, 0xc0000205, mac_broadcast, 0xc0000205 };
    world_give_arp(&world, &mac_broadcast, &to_all);
    expect_request_for(0xc0000205, &other_mac);
    reply_from(0xc0000205, &other_mac);
    expect(mac_equal(&arp_find(&world.arp, 0xc0000205)->mac, &other_mac));
    world_pass(&world, 50 * S_NS);
    reply_from(0xc0000205, &other_mac);
    world_pass(&world, 11 * S_NS);
    expect_ok(world_send(&world, 0xc0000205, VIEW("again")));
    expect_request_for(0xc0000205, &other_mac);
    world_close(&world);
}

TEST(arp_probes_what_was_confirmed_long_ago)
{
    world_open(&world);
    know_and_use(0xc0000205, &other_mac);
    world_pass(&world, 61 * S_NS);
    world_expect_silence(&world); /* not before it is needed */
    expect_ok(world_send(&world, 0xc0000205, VIEW("again")));
    expect_request_for(0xc0000205, &other_mac);
    expect_datagram_to(&other_mac, VIEW("again")); /* without waiting */
    reply_from(0xc0000205, &other_mac);
    expect_that(arp_find(&world.arp, 0xc0000205)->state, ==, ARP_REACHABLE);
    world_pass(&world, 5 * S_NS);
    world_expect_silence(&world);
    world_close(&world);
}

TEST(arp_forgets_a_station_that_stays_silent)
{
    world_open(&world);
    know_and_use(0xc0000205, &other_mac);
    world_pass(&world, 61 * S_NS);
    expect_ok(world_send(&world, 0xc0000205, VIEW("again")));
    world_pass(&world, 3 * S_NS + 10 * MS_NS);
    expect(!knows(0xc0000205));
    world_forget_sent(&world);
    expect_ok(world_send(&world, 0xc0000205, VIEW("anew")));
    expect_request_for(0xc0000205, &mac_broadcast);
    world_close(&world);
}

/* RFC 1122 3.3.1.4: who is told that nothing arrives asks at once; RFC 9293 MUST-20. */
TEST(arp_asks_again_where_somebody_doubts)
{
    world_open(&world);
    arp_doubt(&world.arp, 0xc0000205); /* of whom nothing is known */
    world_expect_silence(&world);
    know_and_use(0xc0000205, &other_mac);
    arp_doubt(&world.arp, 0xc0000205);
    expect_request_for(0xc0000205, &other_mac);
    arp_doubt(&world.arp, 0xc0000205); /* already asked */
    world_expect_silence(&world);
    reply_from(0xc0000205, &other_mac);
    expect_that(arp_find(&world.arp, 0xc0000205)->state, ==, ARP_REACHABLE);
    arp_doubt(&world.arp, 0xc0000205);
    world_pass(&world, 3 * S_NS + 10 * MS_NS);
    expect(!knows(0xc0000205));
    world_close(&world);
}

/* ---- bounds ---- */

/* A neighbour asks for us from two hundred addresses: none that we use is forgotten, whether some
 * room is left or none. */
TEST(arp_flood_of_questions_displaces_nothing_in_use)
{
    for (uint8_t used = 28; used <= 32; used += 4) {
        world_open_with(&world,
                        &(const struct world_options){ .link = NET_ETHERNET, .arp_entries = 32 });
        for (uint8_t i = 2; i < used + 2; i++) {
            const struct mac mac = { { 2, 1, 0, 0, 0, i } };
            know_and_use(0xc0000200u + i, &mac);
        }
        for (uint8_t i = 0; i < 200; i++) {
            const struct mac mac = { { 2, 2, 0, 0, 0, i } };
            const struct world_arp request = { 1, mac, 0xc0000228u + i, mac_none, WORLD_HOST };
            world_give_arp(&world, &mac_broadcast, &request);
            expect_that(world.arp.table.node_count, ==, 32 < used + i + 1 ? 32 : used + i + 1);
        }
        world_forget_sent(&world);
        for (uint8_t i = 2; i < used + 2; i++) {
            const struct mac mac = { { 2, 1, 0, 0, 0, i } };
            expect_ok(world_send(&world, 0xc0000200u + i, VIEW("known")));
            expect_datagram_to(&mac, VIEW("known"));
        }
        world_close(&world);
    }
}

/* A thousand destinations that nobody has (RFC 6583): questions fill a quarter at most. */
TEST(arp_flood_of_destinations_displaces_nothing_known)
{
    world_open_with(&world,
                    &(const struct world_options){ .link = NET_ETHERNET, .arp_entries = 32 });
    world_forget_sent(&world);
    for (uint8_t i = 2; i < 22; i++) {
        const struct mac mac = { { 2, 1, 0, 0, 0, i } };
        know_and_use(0xc0000200u + i, &mac);
    }
    for (uint32_t i = 0; i < 150; i++) {
        expect_ok(world_send(&world, 0xc0000250 + i, VIEW("nobody")));
        expect_that(world.arp.incomplete_count, <=, 8);
        world_forget_sent(&world);
    }
    for (uint8_t i = 2; i < 22; i++) {
        const struct mac mac = { { 2, 1, 0, 0, 0, i } };
        expect_ok(world_send(&world, 0xc0000200u + i, VIEW("known")));
        expect_datagram_to(&mac, VIEW("known"));
    }
    world_close(&world);
}

/* What has not been used for longest gives way, but never a gateway. */
TEST(arp_evicts_the_least_used_but_no_gateway)
{
    world_open_with(&world,
                    &(const struct world_options){ .link = NET_ETHERNET, .arp_entries = 32 });
    world_forget_sent(&world);
    know_and_use(WORLD_GATEWAY, &other_mac);
    for (uint8_t i = 2; i < 33; i++) {
        const struct mac mac = { { 2, 1, 0, 0, 0, i } };
        world_pass(&world, 10 * MS_NS);
        know_and_use(0xc0000200u + i, &mac);
    }
    world_pass(&world, 2 * S_NS);
    expect_ok(world_send(&world, 0xc0000202, VIEW("used"))); /* the next least used is .3 */
    world_forget_sent(&world);
    expect_ok(world_send(&world, 0xc0000250, VIEW("new")));
    expect(knows(WORLD_GATEWAY));
    expect(knows(0xc0000202));
    expect(!knows(0xc0000203));
    expect(knows(0xc0000204));
    world_close(&world);
}

/* ---- a random model: whatever comes, the bounds hold and every packet is somewhere ---- */

static void do_something(uint64_t *random)
{
    uint32_t address = 0xc0000202 + (uint32_t)(test_random(random) % 100);
    const struct mac station = { { 2, 3, 0, 0, 0, (uint8_t)(test_random(random) % 4) } };
    const struct world_arp message = { .operation = (uint16_t)(1 + test_random(random) % 2),
                                       .sender_mac = station,
                                       .sender = address,
                                       .target_mac = world_mac,
                                       .target = test_random(random) % 4 != 0 ? WORLD_HOST
                                                                              : address };
    switch (test_random(random) % 4) {
    case 0:
    case 1: result_ignore(world_send(&world, address, VIEW("some words"))); break;
    case 2: world_give_arp(&world, &mac_broadcast, &message); break;
    default: world_pass(&world, test_random(random) % (2 * S_NS)); break;
    }
    world_forget_sent(&world);
}

TEST(arp_holds_its_bounds_whatever_comes)
{
    uint64_t random = 7;
    world_open_with(&world, &(const struct world_options){
                                .link = NET_ETHERNET, .arp_entries = 32, .arp_waiting = 12 });
    for (size_t i = 0; i < 20000; i++) {
        do_something(&random);
        size_t waiting = 0, incomplete = 0;
        list_for_each (place, &world.arp.incomplete) {
            const struct arp_entry *entry = CONTAINER_OF(place, struct arp_entry, place);
            expect_that(entry->waiting_count, <=, ARP_WAITING_MAX);
            expect(agenda_holds(&entry->timer));
            waiting += entry->waiting_count;
            incomplete++;
        }
        expect_that(waiting, ==, world.arp.waiting_count);
        expect_that(waiting, <=, 12);
        expect_that(incomplete, ==, world.arp.incomplete_count);
        expect_that(incomplete, <=, 8);
    }
    expect_that(world.arp.statistics.failures, >, 0);
    expect_that(world.arp.statistics.contradictions, >, 0);
    world_close(&world);
}

TEST(arp_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(arp_parameters));
}
