/* arp_claim_test.c - our own address: probed, announced, defended (RFC 5227).
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static const struct mac mac_none = { { 0 } };
static const struct mac other_mac = { { 2, 0, 0, 0, 0, 0x66 } };

static struct user {
    struct ipv4_user user;
    size_t claimed_count, conflict_count;
    bool lost;
    struct mac station;
} user;

static void claimed(struct ipv4_user *base, const struct address *address)
{
    expect(base == &user.user);
    expect_that(address_to_number(address), ==, WORLD_HOST);
    user.claimed_count++;
}

static void conflict(struct ipv4_user *base, const struct address *address,
                     const struct mac *station, bool lost)
{
    expect(base == &user.user);
    expect_that(address_to_number(address), ==, WORLD_HOST);
    user.conflict_count++;
    user.lost = lost;
    user.station = *station;
}

static void open_world(bool probe)
{
    const struct address host = address_from_number(WORLD_HOST);
    user = (struct user){ .user = { .claimed = claimed, .conflict = conflict } };
    world_open_layers(&world,
                      &(const struct world_options){ .link = NET_ETHERNET, .probe = probe });
    world.ipv4.user = &user.user;
    expect_ok(ipv4_add_address(&world.ipv4, &host, 24));
}

static void expect_message(uint32_t sender)
{
    struct mac destination;
    struct world_arp message = world_take_arp(&world, &destination);
    expect(mac_equal(&destination, &mac_broadcast));
    expect_that(message.operation, ==, 1);
    expect_that(message.sender, ==, sender);
    expect_that(message.target, ==, WORLD_HOST);
    expect(mac_equal(&message.sender_mac, &world_mac));
    expect(mac_equal(&message.target_mac, &mac_none)); /* RFC 5227 2.1.1: SHOULD be all zero */
}

static void claim_of_another(void)
{
    const struct world_arp claim = { 1, other_mac, WORLD_HOST, mac_none, WORLD_HOST };
    world_give_arp(&world, &mac_broadcast, &claim);
}

/* RFC 5227 2.3: two seconds apart, and no third. */
static void expect_two_announcements(void)
{
    expect_message(WORLD_HOST);
    world_pass(&world, 1900 * MS_NS);
    world_expect_silence(&world);
    world_pass(&world, 200 * MS_NS);
    expect_message(WORLD_HOST);
    world_pass(&world, 60 * S_NS);
    world_expect_silence(&world);
}

/* RFC 5227 2.3: and no wait before the address is used. */
TEST(arp_announces_at_once_without_a_probe)
{
    open_world(false);
    const struct address host = address_from_number(WORLD_HOST);
    expect(ip_is_ours(&world.ipv4.ip, &host));
    expect_two_announcements();
    expect_that(agenda_next_ns(&world.agenda), ==, NEVER);
    world_close(&world);
}

/* RFC 5227 2.3: as at first, be it in the middle of that; but what is being probed is nobody's. */
TEST(arp_announces_anew)
{
    open_world(false);
    expect_message(WORLD_HOST);
    world_pass(&world, S_NS);
    arp_announce(&world.arp);
    for (unsigned round = 0; round < 2; round++) {
        expect_two_announcements();
        if (round == 0) arp_announce(&world.arp);
    }
    world_close(&world);
    open_world(true);
    arp_announce(&world.arp);
    world_expect_silence(&world);
    world_close(&world);
}

static uint64_t expect_probe_within(uint64_t least_ns, uint64_t most_ns)
{
    uint64_t start_ns = world.agenda.now_ns;
    while (world.record.sent == NULL && world.agenda.now_ns - start_ns <= most_ns)
        world_pass(&world, MS_NS);
    expect_that(world.agenda.now_ns - start_ns, >=, least_ns);
    expect_message(0);
    return world.agenda.now_ns;
}

/* RFC 5227 2.1.1: up to a second, three probes one to two seconds apart, two seconds more. */
TEST(arp_probes_before_it_claims)
{
    open_world(true);
    const struct address host = address_from_number(WORLD_HOST);
    (void)expect_probe_within(0, S_NS + MS_NS);
    (void)expect_probe_within(S_NS - 2 * MS_NS, 2 * S_NS + MS_NS);
    (void)expect_probe_within(S_NS - 2 * MS_NS, 2 * S_NS + MS_NS);
    expect(!ip_is_ours(&world.ipv4.ip, &host));
    expect_result(world_send(&world, WORLD_NEIGHBOUR, VIEW("early")), UNREACHABLE);
    world_pass(&world, 1990 * MS_NS);
    expect_that(user.claimed_count, ==, 0);
    world_expect_silence(&world);
    world_pass(&world, 20 * MS_NS);
    expect_that(user.claimed_count, ==, 1);
    expect(ip_is_ours(&world.ipv4.ip, &host));
    expect_message(WORLD_HOST);
    expect_that(user.conflict_count, ==, 0);
    world_close(&world);
}

/* RFC 5227 2.1.1: any message whose sender has it, or another's probe for it. */
TEST(arp_gives_up_what_somebody_has)
{
    for (unsigned kind = 0; kind < 3; kind++) {
        const struct world_arp messages[] = {
            { 1, other_mac, WORLD_HOST, mac_none, 0xc0000242 },
            { 2, other_mac, WORLD_HOST, world_mac, 0 },
            { 1, other_mac, 0, mac_none, WORLD_HOST },
        };
        open_world(true);
        (void)expect_probe_within(0, S_NS + MS_NS);
        world_give_arp(&world, &mac_broadcast, &messages[kind]);
        expect_that(user.conflict_count, ==, 1);
        expect(user.lost && mac_equal(&user.station, &other_mac));
        world_pass(&world, 60 * S_NS);
        world_expect_silence(&world); /* RFC 5227 2.1.1: it must not be used */
        expect_that(user.claimed_count, ==, 0);
        const struct address host = address_from_number(WORLD_HOST);
        expect(!ip_is_ours(&world.ipv4.ip, &host));
        expect(ipv4_routes_find(&world.ipv4.routes, WORLD_NEIGHBOUR) == NULL);
        world_close(&world);
    }
}

/* While it probes, it is not the one to answer for the address (RFC 5227 2.1). */
TEST(arp_does_not_answer_while_it_probes)
{
    open_world(true);
    (void)expect_probe_within(0, S_NS + MS_NS);
    const struct world_arp request = { 1, other_mac, 0xc0000242, mac_none, WORLD_HOST };
    world_give_arp(&world, &mac_broadcast, &request);
    world_expect_silence(&world);
    world_close(&world);
}

/* RFC 5227 2.4 (c): it says so, at most every ten seconds. */
TEST(arp_defends_its_address)
{
    open_world(false);
    world_pass(&world, 5 * S_NS);
    world_forget_sent(&world);
    claim_of_another();
    expect_that(user.conflict_count, ==, 1);
    expect(!user.lost && mac_equal(&user.station, &other_mac));
    expect_message(WORLD_HOST);
    for (unsigned i = 0; i < 50; i++) {
        claim_of_another();
        world_pass(&world, 100 * MS_NS);
    }
    world_expect_silence(&world);
    expect_that(user.conflict_count, ==, 1);
    world_pass(&world, 5 * S_NS);
    claim_of_another();
    expect_message(WORLD_HOST);
    expect_that(user.conflict_count, ==, 2);
    expect_that(world.arp.statistics.conflicts, ==, 52);
    expect_that(world.arp.statistics.defences, ==, 2);
    world_close(&world);
}

/* A net that gives us our own frames is not another station. */
TEST(arp_ignores_its_own_messages)
{
    open_world(false);
    struct view announcement = world_take(&world);
    uint8_t copy[42];
    (void)span_copy(SPAN_OF(copy), announcement);
    world_give(&world, VIEW_OF(copy));
    expect_that(user.conflict_count, ==, 0);
    expect_that(world.arp.statistics.conflicts, ==, 0);
    world_close(&world);
}

TEST(arp_forgets_an_address_that_is_removed)
{
    open_world(false);
    const struct address host = address_from_number(WORLD_HOST);
    world_forget_sent(&world);
    expect_ok(ipv4_remove_address(&world.ipv4, &host));
    expect_result(ipv4_remove_address(&world.ipv4, &host), NOT_FOUND);
    const struct world_arp request = { 1, other_mac, 0xc0000242, mac_none, WORLD_HOST };
    world_give_arp(&world, &mac_broadcast, &request);
    world_pass(&world, 10 * S_NS);
    world_expect_silence(&world);
    expect_ok(ipv4_add_address(&world.ipv4, &host, 24));
    expect_message(WORLD_HOST);
    world_close(&world);
}
