/* ipv4_reassembly_test.c - fragments: put together whatever their order, and refused where they
 * lie.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;
static uint8_t content[65536];

static void open_world(void)
{
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i * 37 + i / 251);
    world_open(&world);
}

static void give_header(struct ipv4_header header, size_t offset, size_t length, bool more)
{
    header.total_length = __builtin_bswap16((uint16_t)(20 + length));
    header.fragment = __builtin_bswap16((uint16_t)(offset / 8 | (more ? IPV4_MORE_FRAGMENTS : 0)));
    world_give_datagram(&world, header, view_slice(VIEW_OF(content), offset % 65536, length));
}

/* Bytes of `content`, of the datagram with this identification. */
static void give(uint16_t identification, size_t offset, size_t length, bool more)
{
    struct ipv4_header header = world_header(0);
    header.identification = __builtin_bswap16(identification);
    give_header(header, offset, length, more);
}

static void expect_delivered(size_t count, size_t length)
{
    expect_that(world.transport.count, ==, count);
    expect_that(world.transport.length_bytes, ==, length);
    expect(view_equal(view_first(VIEW_OF(world.transport.bytes), length),
                      view_first(VIEW_OF(content), length)));
}

static void expect_whole(size_t count, size_t length)
{
    expect_delivered(count, length);
    expect_that(world.ipv4.reassembly.packet_count, ==, 0);
}

static void expect_failed(uint64_t count)
{
    expect_that(world.transport.count, ==, 0);
    expect_that(world.ipv4.statistics.reassembly_failed, ==, count);
    expect_that(world.ipv4.reassembly.packet_count, ==, 0);
}

/* ---- put together ---- */

TEST(reassembly_takes_any_order)
{
    static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                         { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(orders); i++) {
        for (size_t j = 0; j < 3; j++) {
            size_t part = orders[i][j];
            expect_that(world.transport.count, ==, i);
            give((uint16_t)i, part * 1000, part == 2 ? 77 : 1000, part != 2);
        }
        expect_whole(i + 1, 2077);
    }
    world_close(&world);
}

TEST(reassembly_makes_the_largest_datagram)
{
    open_world();
    for (size_t offset = 0; offset < 65515; offset += 1480)
        give(1, offset, MIN((size_t)1480, 65515 - offset), offset + 1480 < 65515);
    expect_whole(1, 65515);
    world_close(&world);
}

/* RFC 791 3.2: source, destination, protocol and identification together. */
TEST(reassembly_mixes_no_datagrams)
{
    open_world();
    struct ipv4_header header = world_header(0);
    give_header(header, 0, 64, true);
    header.source = __builtin_bswap32(0xc0000208);
    give_header(header, 64, 8, false);
    header = world_header(0);
    header.identification = 1;
    give_header(header, 64, 8, false);
    header = world_header(0);
    header.protocol = IP_PROTOCOL_ICMP;
    give_header(header, 64, 8, false);
    expect_that(world.transport.count, ==, 0);
    give_header(world_header(0), 64, 8, false);
    expect_that(world.transport.count, ==, 1);
    expect_that(world.transport.length_bytes, ==, 72);
    world_close(&world);
}

/* The network may repeat what it carried. */
TEST(reassembly_takes_exact_repetitions)
{
    open_world();
    for (unsigned twice = 0; twice < 2; twice++) {
        give(1, 64, 64, true);
        give(1, 128, 8, false);
    }
    give(1, 0, 64, true);
    expect_whole(1, 136);
    world_close(&world);
}

TEST(reassembly_passes_congestion_on)
{
    static const struct {
        uint8_t first, second, wanted;
        bool delivered;
    } cases[] = {
        /* RFC 3168 5.3 */
        { IP_ECN_ECT_0, IP_ECN_CE, IP_ECN_CE, true },
        { IP_ECN_CE, IP_ECN_CE, IP_ECN_CE, true },
        { IP_ECN_ECT_0, IP_ECN_ECT_0, IP_ECN_ECT_0, true },
        { IP_ECN_NOT_ECT, IP_ECN_NOT_ECT, IP_ECN_NOT_ECT, true },
        { IP_ECN_NOT_ECT, IP_ECN_CE, 0, false },
    };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        struct ipv4_header header = world_header(0);
        size_t before = world.transport.count;
        header.traffic_class = cases[i].first;
        give_header(header, 0, 64, true);
        header.traffic_class = cases[i].second;
        give_header(header, 64, 8, false);
        expect_that(world.transport.count - before, ==, cases[i].delivered ? 1 : 0);
        if (cases[i].delivered)
            expect_that(world.transport.incoming.traffic_class, ==, cases[i].wanted);
    }
    world_close(&world);
}

/* ---- refused ---- */

/* RFC 5722 4: the whole datagram, and what still comes of it. Nested, over the end, over the
 * start, and the same start or end. */
TEST(reassembly_discards_what_overlaps)
{
    static const struct {
        size_t offset, length;
    } overlaps[] = { { 72, 8 },  { 56, 16 }, { 120, 16 }, { 64, 8 },  { 64, 72 },
                     { 120, 8 }, { 0, 72 },  { 56, 80 },  { 0, 136 }, { 8, 200 } };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(overlaps); i++) {
        give((uint16_t)i, 64, 64, true);
        give((uint16_t)i, overlaps[i].offset, overlaps[i].length, true);
        give((uint16_t)i, 0, 64, true);
        give((uint16_t)i, 128, 8, false);
        expect_failed(i + 1);
    }
    world_close(&world);
}

/* Two ends, one before what came already, one that says that more follows. */
TEST(reassembly_discards_ends_that_disagree)
{
    open_world();
    give(1, 128, 8, false);
    give(1, 64, 8, false);
    expect_failed(1);
    give(2, 128, 64, true);
    give(2, 64, 8, false);
    expect_failed(2);
    give(3, 128, 8, false);
    give(3, 128, 8, true);
    expect_failed(3);
    give(4, 128, 8, false);
    give(4, 136, 8, true);
    expect_failed(4);
    give(5, 64, 16, false);
    give(5, 64, 24, false);
    expect_failed(5);
    world_close(&world);
}

/* RFC 791 3.1: all but the last are multiples of eight. */
TEST(reassembly_discards_odd_pieces)
{
    open_world();
    for (uint16_t odd = 1; odd < 8; odd++) {
        give(odd, 0, 64u + odd, true);
        expect_failed(odd);
    }
    world_close(&world);
}

/* "Ping of death": the end lies past 65,535 with the header. */
TEST(reassembly_discards_what_leads_past_the_end)
{
    open_world();
    give(1, 65528, 8, false);
    expect_failed(1);
    give(2, 65512, 8, true);
    expect_failed(2);
    give(3, 65512, 4, false);
    expect_failed(3);
    give(4, 65512, 3, false); /* just fits */
    expect_that(world.ipv4.statistics.reassembly_failed, ==, 3);
    world_close(&world);
}

/* The sum of the parts is not the measure: the first fragment's header may have options. */
TEST(reassembly_counts_the_first_header)
{
    open_world();
    give(1, 64, 65515 - 64, false);
    struct ipv4_header header = world_header(0);
    header.identification = __builtin_bswap16(1);
    header.version_and_length = 0x46;
    header.total_length = __builtin_bswap16(24 + 64);
    header.fragment = __builtin_bswap16(IPV4_MORE_FRAGMENTS);
    world_give_datagram_to(&world, &world_mac, header, VIEW("\x01\x01\x01\x01"),
                           view_first(VIEW_OF(content), 64));
    expect_failed(1);
    world_close(&world);
}

/* RFC 3128 4: TCP's flags apart from its ports. */
TEST(reassembly_discards_tiny_tcp_fragments)
{
    open_world();
    world.transport.protocol.number = IP_PROTOCOL_TCP;
    struct ipv4_header header = world_header(0);
    header.protocol = IP_PROTOCOL_TCP;
    give_header(header, 0, 8, true);
    give_header(header, 8, 32, false);
    expect_failed(1);
    world_close(&world);
}

TEST(reassembly_keeps_no_empty_pieces)
{
    open_world();
    give(1, 64, 0, true);
    give(1, 0, 0, true);
    give(1, 64, 0, false);
    expect_that(world.ipv4.reassembly.packet_count, ==, 0);
    expect(list_is_empty(&world.ipv4.reassembly.open));
    give(1, 0, 64, true);
    give(1, 64, 8, false);
    expect_whole(1, 72);
    world_close(&world);
}

/* ---- bounds ---- */

/* FragmentSmack: many tiny pieces, backwards, so that each one's place is far. */
TEST(reassembly_bounds_the_pieces_of_a_datagram)
{
    open_world();
    for (size_t i = 0; i < 1000; i++) {
        give(1, 8 * (2000 - 2 * i), 8, true);
        expect_that(world.ipv4.reassembly.packet_count, <=, 128);
    }
    expect_failed(1);
    world_close(&world);
}

/* Buffers are charged at what they occupy; the oldest datagram gives way. */
TEST(reassembly_bounds_its_memory)
{
    open_world();
    for (uint16_t id = 1; id < 7; id++)
        for (size_t i = 0; i < 40; i++) {
            give(id, 16 * i + 8, 8, true);
            expect_that(world.ipv4.reassembly.packet_count, <=, 160);
        }
    expect_that(world.ipv4.statistics.reassembly_failed, ==, 2);
    give(9, 0, 64, true);
    give(9, 64, 8, false);
    expect_that(world.transport.count, ==, 1);
    world_close(&world);
}

/* A flood of unfinished datagrams does not keep a whole one out. */
TEST(reassembly_bounds_the_datagrams)
{
    open_world();
    for (uint16_t id = 0; id < 1000; id++) {
        give((uint16_t)(id + 100), 0, 64, true);
        give(1, (size_t)8 * id, 8, true);
    }
    expect_that(world.ipv4.reassembly.table.node_count, ==, 8);
    give(2, 0, 64, true);
    give(2, 64, 8, false);
    expect_that(world.transport.count, ==, 1);
    world_close(&world);
}

/* ---- time ---- */

/* RFC 792; RFC 1122 3.3.2: the sender is told, if the first fragment came; after 30 seconds from
 * the first arrival, which later ones do not lengthen. */
TEST(reassembly_gives_up_and_tells)
{
    open_world();
    give(1, 0, 64, true);
    world_pass(&world, 20 * S_NS);
    give(1, 128, 8, false);
    world_pass(&world, 9900 * MS_NS);
    world_expect_silence(&world);
    world_pass(&world, 200 * MS_NS);
    struct ipv4_header header;
    struct mac destination;
    struct view message = world_take_datagram(&world, &header, &destination);
    expect_that(header.protocol, ==, IP_PROTOCOL_ICMP);
    expect_view(view_first(message, 2), VIEW("\x0b\x01"));
    expect_view(view_from_offset(message, 28), view_first(VIEW_OF(content), 64));
    expect_failed(1);
    give(1, 64, 64, true); /* too late: the beginning of another */
    expect_that(world.transport.count, ==, 0);
    world_close(&world);
}

TEST(reassembly_gives_up_in_silence_without_the_first)
{
    open_world();
    give(1, 64, 64, true);
    give(2, 0, 64, true);
    give(2, 32, 64, true); /* spoilt */
    world_pass(&world, 31 * S_NS);
    world_expect_silence(&world);
    expect_failed(2);
    expect(list_is_empty(&world.ipv4.reassembly.open));
    expect_that(agenda_next_ns(&world.agenda), ==, NEVER);
    world_close(&world);
}

/* ---- beside a model ---- */

/* The model goes byte by byte: which bytes have come, where the end is, and whether all is lost. */
struct model {
    bool has[2048 + 512];
    size_t starts[512], ends[512], count; /* pieces, to tell repetitions from overlaps */
    size_t total;
    bool spoilt;
};

static bool model_repeats(const struct model *model, size_t offset, size_t end)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->starts[i] == offset && model->ends[i] == end) return true;
    return false;
}

static void model_add(struct model *model, size_t offset, size_t length, bool more)
{
    size_t end = offset + length;
    if (model->spoilt) return;
    if (more && (length % 8 != 0 || (model->total != 0 && end >= model->total)))
        model->spoilt = true;
    for (size_t i = 0; i < model->count && !more; i++)
        if (model->ends[i] > end) model->spoilt = true;
    if (!more && model->total != 0 && end != model->total) model->spoilt = true;
    if (model->count == IPV4_FRAGMENTS_MAX) model->spoilt = true;
    if (model->spoilt || model_repeats(model, offset, end)) return;
    for (size_t i = offset; i < end; i++) {
        if (model->has[i]) model->spoilt = true;
        model->has[i] = true;
    }
    if (!more) model->total = end;
    model->starts[model->count] = offset;
    model->ends[model->count++] = end;
}

static bool model_is_whole(const struct model *model)
{
    if (model->spoilt || model->total == 0) return false;
    for (size_t i = 0; i < model->total; i++)
        if (!model->has[i]) return false;
    return true;
}

/* Cuts a datagram at random, deals its pieces at random with repetitions, and now and then one
 * that does not fit. */
static void deal(uint64_t *random, uint16_t identification, bool honest)
{
    static struct model model;
    size_t cuts[40], count = 0, total = 100 + test_random(random) % 1900;
    for (size_t offset = 0; offset < total && count < 39; count++) {
        cuts[count] = offset;
        offset += 8 * (1 + test_random(random) % 30);
    }
    cuts[count] = total;
    bool dealt[40] = { false };
    size_t before = world.transport.count, left = count;
    model = (struct model){ 0 };
    while (left > 0) {
        size_t i = test_random(random) % count;
        size_t offset = cuts[i], length = MIN(cuts[i + 1], total) - offset;
        bool more = i + 1 < count;
        left -= dealt[i] ? 0 : 1;
        dealt[i] = true;
        if (!honest && test_random(random) % 12 == 0) {
            offset = 8 * (test_random(random) % 240);
            length = 1 + test_random(random) % 100;
            more = offset == 0 || test_random(random) % 4 != 0; /* else it is whole */
        }
        model_add(&model, offset, length, more);
        give(identification, offset, length, more);
        if (!model_is_whole(&model)) {
            expect_that(world.transport.count, ==, before);
            continue;
        }
        expect_delivered(before + 1, model.total);
        return;
    }
    expect_that(world.transport.count, ==, before);
}

TEST(reassembly_agrees_with_a_model)
{
    uint64_t random = 11;
    size_t whole = 0;
    open_world();
    for (uint16_t id = 0; id < 4000; id++) {
        deal(&random, id, id % 2 == 0);
        if (id % 2 == 0) expect_that(world.transport.count, ==, ++whole);
        whole = world.transport.count;
    }
    expect_that(world.ipv4.statistics.reassembly_failed, >, 100);
    expect_that(whole, >, 2000);
    world_pass(&world, 31 * S_NS);
    expect_that(world.ipv4.reassembly.packet_count, ==, 0);
    world_close(&world);
}
