/* icmp_test.c - echoes both ways, errors out within their limits, errors in when they can be true.
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_world_suite.h"

static struct world world;

static const struct mac gateway_mac = { { 2, 0, 0, 0, 0, 0xfe } };

static void open_world(void)
{
    world_open(&world);
    world_introduce(&world, WORLD_GATEWAY, &gateway_mac);
}

static struct ipv4_header icmp_header_from(uint32_t source, size_t payload_bytes)
{
    struct ipv4_header header = world_header(payload_bytes);
    header.protocol = IP_PROTOCOL_ICMP;
    header.source = __builtin_bswap32(source);
    return header;
}

/* A message with its checksum set right. */
static void give_message_from(uint32_t source, struct view message)
{
    static uint8_t room[2048];
    struct writer writer = writer_over(SPAN_OF(room));
    struct checksum sum = { 0 };
    writer_put(&writer, message);
    room[2] = room[3] = 0;
    checksum_add(&sum, writer_view(&writer));
    uint16_t checksum = checksum_finish(&sum);
    (void)span_copy(span_from_offset(SPAN_OF(room), 2), VIEW_OF(checksum));
    world_give_datagram(&world, icmp_header_from(source, message.length_bytes),
                        writer_view(&writer));
}

static struct view take_message(struct ipv4_header *header)
{
    struct mac destination;
    struct checksum sum = { 0 };
    struct view message = world_take_datagram(&world, header, &destination);
    expect_that(header->protocol, ==, IP_PROTOCOL_ICMP);
    checksum_add(&sum, message);
    expect_that(checksum_finish(&sum), ==, 0);
    return message;
}

/* ---- echoes ---- */

/* RFC 1122 3.2.2.6: all the data, from the address that was asked. */
TEST(icmp_answers_echoes)
{
    open_world();
    struct ipv4_header header;
    give_message_from(WORLD_NEIGHBOUR, VIEW("\x08\x00..\x12\x34\x00\x07 and its data"));
    struct view answer = take_message(&header);
    expect_view(view_first(answer, 2), VIEW("\x00\x00"));
    expect_view(view_from_offset(answer, 4), VIEW("\x12\x34\x00\x07 and its data"));
    expect_that(header.source, ==, __builtin_bswap32(WORLD_HOST));
    expect_that(header.destination, ==, __builtin_bswap32(WORLD_NEIGHBOUR));
    give_message_from(WORLD_NEIGHBOUR, VIEW("\x08\x00..\x12\x34\x00\x07")); /* no data */
    expect_that(take_message(&header).length_bytes, ==, 8);
    world_close(&world);
}

/* RFC 1122 3.2.2.6: what had to be put together is answered whole. */
TEST(icmp_answers_large_echoes)
{
    static uint8_t message[6000];
    open_world();
    struct writer writer = writer_over(SPAN_OF(message));
    writer_put(&writer, VIEW("\x08\x00\x00\x00\x12\x34\x00\x07"));
    for (size_t i = 8; i < sizeof message; i++)
        message[i] = (uint8_t)(i * 13);
    struct checksum sum = { 0 };
    checksum_add(&sum, VIEW_OF(message));
    uint16_t checksum = checksum_finish(&sum);
    (void)span_copy(span_from_offset(SPAN_OF(message), 2), VIEW_OF(checksum));
    for (size_t offset = 0; offset < sizeof message; offset += 1480) {
        size_t length = MIN((size_t)1480, sizeof message - offset);
        struct ipv4_header header = icmp_header_from(WORLD_NEIGHBOUR, length);
        bool more = offset + length < sizeof message;
        header.fragment = __builtin_bswap16((uint16_t)(offset / 8 | (more ? 0x2000 : 0)));
        world_give_datagram(&world, header, view_slice(VIEW_OF(message), offset, length));
    }
    size_t length_bytes = 0;
    struct checksum answer_sum = { 0 };
    while (length_bytes < sizeof message) {
        struct ipv4_header header;
        struct mac destination;
        struct view piece = world_take_datagram(&world, &header, &destination);
        size_t skip = length_bytes == 0 ? 8 : 0;
        expect_view(view_from_offset(piece, skip),
                    view_slice(VIEW_OF(message), length_bytes + skip, piece.length_bytes - skip));
        checksum_add(&answer_sum, piece);
        length_bytes += piece.length_bytes;
    }
    expect_that(checksum_finish(&answer_sum), ==, 0);
    world_close(&world);
}

/* A neighbour on the same host may say of any frame that it is many TCP segments with a checksum to
 * be completed. The answer is a frame of its own, of which neither is true. */
TEST(icmp_answers_echoes_without_the_marks_of_the_question)
{
    static const uint8_t echo[] = { 8, 0, 0xe5, 0xcb, 0x12, 0x34, 0, 0 };
    open_world();
    struct ipv4_header header = icmp_header_from(WORLD_NEIGHBOUR, sizeof echo);
    header.checksum = ipv4_header_checksum(&header);
    struct packet *packet = packet_take(&world.pool, PACKET_FOR_RECEIVE);
    struct writer writer = writer_over(packet_put(packet, 14 + sizeof header + sizeof echo));
    world_put_frame(&writer, &world_mac, &world_neighbour_mac, ETHERTYPE_IPV4);
    writer_put(&writer, VIEW_OF(header));
    writer_put(&writer, VIEW_OF(echo));
    packet->checksum = PACKET_CHECKSUM_PARTIAL;
    packet->checksum_start = (uint16_t)(packet->offset + 34);
    packet->checksum_offset = (uint16_t)(packet->offset + 36);
    packet->segmentation = PACKET_SEGMENT_TCP_IPV4;
    packet->segment_bytes = 1000;
    ethernet_input(&world.ethernet, packet);
    world_flush(&world);
    struct packet *answer = net_record_take_packet(&world.record);
    expect_that(answer->checksum, ==, PACKET_CHECKSUM_UNKNOWN);
    expect_that(answer->segmentation, ==, PACKET_SEGMENT_NONE);
    expect_that(answer->segment_bytes, ==, 0);
    packet_drop(answer);
    world_close(&world);
}

TEST(icmp_does_not_answer_echoes_to_all)
{
    open_world();
    struct ipv4_header header = icmp_header_from(WORLD_NEIGHBOUR, 8);
    header.destination = __builtin_bswap32(0xc00002ff);
    world_give_datagram_to(&world, &mac_broadcast, header, VIEW(""),
                           VIEW("\x08\x00\xf7\xff\x00\x00\x00\x00"));
    expect_that(world.icmp.statistics.echoes_received, ==, 1);
    world_expect_silence(&world);
    world_close(&world);
}

static struct {
    struct icmp_user user;
    size_t count;
    struct icmp_reply reply;
    uint8_t data[64];
} pinger;

static void replied(struct icmp_user *user, const struct icmp_reply *reply)
{
    expect(user == &pinger.user);
    pinger.count++;
    pinger.reply = *reply;
    (void)span_copy(SPAN_OF(pinger.data), reply->data);
}

TEST(icmp_asks_and_hears_the_answer)
{
    open_world();
    const struct address neighbour = address_from_number(WORLD_NEIGHBOUR);
    struct ipv4_header header;
    uint8_t answer[64];
    pinger.user = (struct icmp_user){ .replied = replied };
    pinger.count = 0;
    icmp_attach_user(&world.icmp, &pinger.user);
    expect_ok(icmp_send_echo(&world.icmp, &pinger.user, &neighbour, 7, VIEW("are you there")));
    struct view echo = take_message(&header);
    expect_view(view_first(echo, 2), VIEW("\x08\x00"));
    expect_view(view_from_offset(echo, 8), VIEW("are you there"));
    (void)span_copy(SPAN_OF(answer), echo);
    answer[0] = 0;
    struct view answered = view_first(VIEW_OF(answer), echo.length_bytes);
    give_message_from(WORLD_NEIGHBOUR, answered);
    expect_that(pinger.count, ==, 1);
    expect_that(pinger.reply.sequence, ==, 7);
    expect_that(pinger.reply.hop_limit, ==, 64);
    expect(address_equal(&pinger.reply.source, &neighbour));
    expect_view(view_first(VIEW_OF(pinger.data), pinger.reply.data.length_bytes),
                VIEW("are you there"));
    answer[4] ^= 1; /* another's */
    give_message_from(WORLD_NEIGHBOUR, answered);
    expect_that(pinger.count, ==, 1);
    answer[4] ^= 1;
    icmp_detach_user(&world.icmp, &pinger.user);
    give_message_from(WORLD_NEIGHBOUR, answered);
    expect_that(pinger.count, ==, 1);
    world_close(&world);
}

TEST(icmp_pings_itself)
{
    open_world();
    const struct address loopback = address_loopback(ADDRESS_IPV4);
    pinger.user = (struct icmp_user){ .replied = replied };
    pinger.count = 0;
    icmp_attach_user(&world.icmp, &pinger.user);
    expect_ok(icmp_send_echo(&world.icmp, &pinger.user, &loopback, 1, VIEW("hello")));
    expect(ipv4_step(&world.ipv4));  /* the question */
    expect(!ipv4_step(&world.ipv4)); /* the answer */
    expect_that(pinger.count, ==, 1);
    expect(address_equal(&pinger.reply.source, &loopback));
    world_expect_silence(&world);
    world_close(&world);
}

/* ---- in ---- */

TEST(icmp_drops_what_is_malformed)
{
    static const uint8_t echo[] = { 8, 0, 0xe5, 0xcb, 0x12, 0x34, 0, 0 };
    open_world();
    for (size_t length = 0; length < sizeof echo; length++)
        world_give_datagram(&world, icmp_header_from(WORLD_NEIGHBOUR, length),
                            view_first(VIEW_OF(echo), length));
    expect_that(world.icmp.statistics.malformed, ==, sizeof echo);
    for (size_t bit = 0; bit < 8 * sizeof echo; bit++) {
        uint8_t wrong[sizeof echo];
        (void)span_copy(SPAN_OF(wrong), VIEW_OF(echo));
        wrong[bit / 8] ^= (uint8_t)(1u << bit % 8);
        world_give_datagram(&world, icmp_header_from(WORLD_NEIGHBOUR, sizeof echo), VIEW_OF(wrong));
    }
    expect_that(world.icmp.statistics.bad_checksum, ==, 8 * sizeof echo);
    world_expect_silence(&world);
    world_give_datagram(&world, icmp_header_from(WORLD_NEIGHBOUR, sizeof echo), VIEW_OF(echo));
    expect_that(world_forget_sent(&world), ==, 1);
    world_close(&world);
}

/* Redirects bend no route; quench (RFC 6633), timestamps, masks and information are ignored, and
 * so is what nobody knows (RFC 1122 3.2.2). */
TEST(icmp_ignores_what_it_need_not_heed)
{
    static const uint8_t types[] = { 4, 5, 9, 10, 13, 14, 15, 16, 17, 18, 40, 255 };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(types); i++) {
        uint8_t message[36] = { types[i], 1 };
        const struct ipv4_header quoted = world_header(8);
        (void)span_copy(span_from_offset(SPAN_OF(message), 8), VIEW_OF(quoted));
        give_message_from(WORLD_GATEWAY, VIEW_OF(message));
    }
    expect_that(world.icmp.statistics.ignored, ==, LENGTH_OF(types));
    expect_that(world.transport.error_count, ==, 0);
    world_expect_silence(&world);
    world_close(&world);
}

/* An error about a datagram of ours to a host afar, told by a router. */
static size_t put_error(struct span room, uint8_t type, uint8_t code, struct ipv4_header quoted,
                        struct view transport)
{
    struct writer writer = writer_over(room);
    writer_put_u8(&writer, type);
    writer_put_u8(&writer, code);
    writer_put(&writer, VIEW("\0\0\0\0\0\0"));
    writer_put(&writer, VIEW_OF(quoted));
    writer_put(&writer, transport);
    expect(!writer.ran_short);
    return writer.length_bytes;
}

static struct ipv4_header our_header(void)
{
    struct ipv4_header header = world_header(100);
    header.source = __builtin_bswap32(WORLD_HOST);
    header.destination = __builtin_bswap32(WORLD_AFAR);
    return header;
}

static size_t give_error(uint8_t type, uint8_t code, struct ipv4_header quoted,
                         struct view transport)
{
    uint8_t room[256];
    size_t before = world.transport.error_count;
    size_t length = put_error(SPAN_OF(room), type, code, quoted, transport);
    give_message_from(0xc6336401, view_first(VIEW_OF(room), length));
    return world.transport.error_count - before;
}

TEST(icmp_tells_transports_of_errors)
{
    static const struct {
        uint8_t type, code;
        enum ip_error_kind kind;
    } errors[] = {
        { 3, 0, IP_ERROR_HOST_UNREACHABLE },
        { 3, 1, IP_ERROR_HOST_UNREACHABLE },
        { 3, 2, IP_ERROR_PROTOCOL_UNREACHABLE },
        { 3, 3, IP_ERROR_PORT_UNREACHABLE },
        { 3, 5, IP_ERROR_HOST_UNREACHABLE },
        { 3, 9, IP_ERROR_DENIED },
        { 3, 10, IP_ERROR_DENIED },
        { 3, 13, IP_ERROR_DENIED },
        { 11, 0, IP_ERROR_TIME_EXCEEDED },
        { 11, 1, IP_ERROR_TIME_EXCEEDED },
        { 12, 0, IP_ERROR_PARAMETER },
    };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        expect_that(give_error(errors[i].type, errors[i].code, our_header(), VIEW("12345678 more")),
                    ==, 1);
        expect_that(world.transport.error.kind, ==, errors[i].kind);
        expect_that(address_to_number(&world.transport.error.source), ==, WORLD_HOST);
        expect_that(address_to_number(&world.transport.error.destination), ==, WORLD_AFAR);
        expect_view(view_from(world.transport.quoted, world.transport.quoted_bytes),
                    VIEW("12345678 more"));
    }
    expect_that(give_error(3, 16, our_header(), VIEW("12345678")), ==, 0); /* no such code */
    world_expect_silence(&world);
    world_close(&world);
}

/* RFC 792: the header and eight bytes. Each length and each field that is not ours. */
TEST(icmp_drops_quotations_that_are_not_ours)
{
    open_world();
    for (size_t length = 0; length < 8; length++)
        expect_that(give_error(3, 3, our_header(), view_first(VIEW("12345678"), length)), ==, 0);
    uint8_t room[256];
    size_t whole = put_error(SPAN_OF(room), 3, 3, our_header(), VIEW("12345678"));
    for (size_t length = 8; length < whole; length++)
        give_message_from(0xc6336401, view_first(VIEW_OF(room), length));
    expect_that(world.transport.error_count, ==, 0);

    struct ipv4_header quoted = our_header();
    quoted.version_and_length = 0x65;
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted.version_and_length = 0x44;
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted.version_and_length = 0x4f; /* options past the end */
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted = our_header();
    quoted.total_length = __builtin_bswap16(27); /* shorter than what is quoted of it */
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted = our_header();
    quoted.fragment = __builtin_bswap16(1); /* no transport header there */
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted = our_header();
    quoted.source = __builtin_bswap32(WORLD_NEIGHBOUR);
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    quoted = our_header();
    quoted.protocol = 99;
    expect_that(give_error(3, 3, quoted, VIEW("12345678")), ==, 0);
    world.transport.denies = true; /* the transport has not sent it */
    expect_that(give_error(3, 3, our_header(), VIEW("12345678")), ==, 0);
    world.transport.denies = false;
    expect_that(give_error(3, 3, our_header(), VIEW("12345678")), ==, 1);
    world_close(&world);
}

/* ---- out ---- */

static void give_unknown_protocol(uint32_t source, size_t payload_bytes)
{
    static const uint8_t payload[1400] = { [0] = 8, [7] = 7, [1399] = 1 };
    struct ipv4_header header = world_header(payload_bytes);
    header.protocol = 99;
    header.source = __builtin_bswap32(source);
    world_give_datagram(&world, header, view_first(VIEW_OF(payload), payload_bytes));
}

/* RFC 792: at least eight bytes; RFC 1812 4.3.2.3: as much as goes into 576. */
TEST(icmp_errors_quote_what_fits)
{
    static const size_t lengths[] = { 0, 1, 8, 527, 528, 529, 1400 };
    open_world();
    for (size_t i = 0; i < LENGTH_OF(lengths); i++) {
        struct ipv4_header header;
        give_unknown_protocol(WORLD_NEIGHBOUR, lengths[i]);
        struct view message = take_message(&header);
        expect_view(view_first(message, 2), VIEW("\x03\x02"));
        expect_view(view_slice(message, 4, 4), VIEW("\0\0\0\0"));
        expect_that(message.length_bytes, ==, 8 + 20 + MIN(lengths[i], (size_t)528));
        struct ipv4_header quoted = ipv4_header_at(view_from_offset(message, 8));
        expect_that(quoted.source, ==, __builtin_bswap32(WORLD_NEIGHBOUR));
        expect_that(quoted.protocol, ==, 99);
        expect_that(ipv4_header_checksum(&quoted), ==, 0);
        expect_that(header.destination, ==, quoted.source);
        expect_that(header.source, ==, quoted.destination);
        world_pass(&world, S_NS);
    }
    world_close(&world);
}

/* Options are a part of the header, and are quoted. */
TEST(icmp_errors_quote_options)
{
    open_world();
    struct ipv4_header header = world_header(4 + 8);
    header.protocol = 99;
    header.version_and_length = 0x46;
    world_give_datagram_to(&world, &world_mac, header, VIEW("\x94\x04\x00\x00"), VIEW("12345678"));
    struct view message = take_message(&header);
    expect_view(view_from_offset(message, 28), VIEW("\x94\x04\x00\x00"
                                                    "12345678"));
    world_close(&world);
}

static void report(const struct ip_incoming *incoming, struct view transport)
{
    struct packet *packet = packet_take(&world.pool, PACKET_FOR_RECEIVE);
    struct ipv4_header header = world_header(transport.length_bytes);
    (void)span_copy(packet_put(packet, sizeof header), VIEW_OF(header));
    (void)span_copy(packet_put(packet, transport.length_bytes), transport);
    packet->network_offset = packet->offset;
    packet_pull(packet, sizeof header);
    ip_reject(&world.ipv4.ip, packet, incoming, IP_REJECT_PORT);
    packet_drop(packet);
}

/* RFC 1122 3.2.2: none about an ICMP error, about what went to many, or from what is no single
 * host. */
TEST(icmp_errors_answer_no_errors)
{
    open_world();
    const struct ip_incoming good = { .source = address_from_number(WORLD_NEIGHBOUR),
                                      .destination = address_from_number(WORLD_HOST),
                                      .protocol = WORLD_PROTOCOL };
    static const uint8_t errors[] = { 0, 3, 4, 5, 11, 12 }, queries[] = { 8, 13, 15, 17 };
    struct ip_incoming incoming = good;
    incoming.protocol = IP_PROTOCOL_ICMP;
    for (size_t i = 0; i < LENGTH_OF(errors); i++)
        report(&incoming, view_first(VIEW_OF(errors[i]), 1));
    report(&incoming, VIEW(""));
    static const uint32_t sources[] = { 0, UINT32_MAX, 0xc00002ff, 0xe0000001, 0xf0000000 };
    for (size_t i = 0; i < LENGTH_OF(sources); i++) {
        incoming = good;
        incoming.source = address_from_number(sources[i]);
        report(&incoming, VIEW("12345678"));
    }
    incoming = good;
    incoming.to_many = true;
    report(&incoming, VIEW("12345678"));
    world_expect_silence(&world);
    expect_that(world.icmp.statistics.errors_suppressed, ==,
                LENGTH_OF(errors) + 1 + LENGTH_OF(sources) + 1);
    incoming = good;
    incoming.protocol = IP_PROTOCOL_ICMP;
    for (size_t i = 0; i < LENGTH_OF(queries); i++)
        report(&incoming, view_first(VIEW_OF(queries[i]), 1));
    report(&good, VIEW("12345678"));
    expect_that(world_forget_sent(&world), ==, LENGTH_OF(queries) + 1);
    world_close(&world);
}

/* ---- limits ---- */

/* RFC 1812 4.3.2.8: one stranger gets no more than his share. */
TEST(icmp_errors_are_limited_for_one_destination)
{
    open_world();
    for (unsigned i = 0; i < 100; i++)
        give_unknown_protocol(WORLD_NEIGHBOUR, 8);
    expect_that(world_forget_sent(&world), ==, 10);
    expect_that(world.icmp.statistics.errors_limited, ==, 90);
    give_unknown_protocol(WORLD_AFAR, 8); /* another gets his */
    expect_that(world_forget_sent(&world), ==, 1);
    world_pass(&world, S_NS / 2);
    for (unsigned i = 0; i < 100; i++)
        give_unknown_protocol(WORLD_NEIGHBOUR, 8);
    expect_that(world_forget_sent(&world), ==, 5);
    world_close(&world);
}

static size_t count_errors_of_a_flood(void)
{
    size_t sent = 0;
    for (uint32_t i = 0; i < 200; i++) {
        give_unknown_protocol(0x0b000000 + i * 0x10001, 8);
        sent += world_forget_sent(&world);
    }
    return sent;
}

/* The limit over all is not the same twice: who counts errors learns nothing of others (SAD DNS).
 */
TEST(icmp_errors_are_limited_for_all_at_random)
{
    size_t counts[30], distinct = 0;
    open_world();
    (void)count_errors_of_a_flood();
    for (size_t i = 0; i < LENGTH_OF(counts); i++) {
        world_pass(&world, 2 * S_NS);
        counts[i] = count_errors_of_a_flood();
        expect(counts[i] >= 25 && counts[i] <= 50);
        size_t j = 0;
        while (counts[j] != counts[i])
            j++;
        distinct += j == i;
    }
    expect_that(distinct, >, 6);
    world_close(&world);
}

/* What this host says to itself is not limited: no stranger is answered. */
TEST(icmp_errors_to_itself_are_not_limited)
{
    open_world();
    for (unsigned i = 0; i < 100; i++) {
        struct ip_outgoing outgoing = world_outgoing(WORLD_HOST);
        outgoing.protocol = 99;
        expect_ok(ip_send(&world.ipv4.ip, world_packet(&world, VIEW("12345678")), &outgoing));
        while (ipv4_step(&world.ipv4))
            continue;
    }
    expect_that(world.icmp.statistics.errors_sent, ==, 100);
    expect_that(world.icmp.statistics.errors_received, ==, 100);
    world_close(&world);
}

TEST(icmp_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(icmp_parameters));
}
