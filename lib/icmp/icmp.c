/* icmp.c - messages in, and echoes both ways (RFC 792, RFC 1122 3.2.2).
 *
 * What a host need not heed is ignored: redirects, which let a neighbour bend our routes; source
 * quench (RFC 6633); and the queries for time, mask and information, which tell a stranger more
 * than they are of use (RFC 6918).
 *
 * SPDX-License-Identifier: ISC */
#include "base/units.h"
#include "icmp/icmp_private.h"

const struct parameter icmp_parameters[] = {
    PARAMETER_NUMBER(struct icmp_parameters, errors_per_second, "icmp-errors", "1000", 20, 1000000,
                     "ICMP errors sent in a second to all"),
    PARAMETER_NUMBER(struct icmp_parameters, group_errors_per_second, "icmp-errors-each", "10", 1,
                     1000000, "ICMP errors sent in a second to one destination"),
    PARAMETER_END,
};

enum { KEY_GROUPS, KEY_RANDOM };

/* ---- out ---- */

enum result icmp_send(struct icmp *icmp, struct packet *packet, const struct ip_outgoing *outgoing)
{
    struct checksum sum = { 0 };
    struct icmp_header header;
    (void)span_copy(SPAN_OF(header), view_first(packet_view(packet), sizeof header));
    header.checksum = 0;
    (void)span_copy(packet_span(packet), VIEW_OF(header));
    checksum_add_packet(&sum, packet, 0);
    header.checksum = checksum_finish(&sum);
    (void)span_copy(packet_span(packet), VIEW_OF(header));
    return ip_send(&icmp->ipv4->ip, packet, outgoing);
}

/* ---- echoes to us ---- */

/* What was received is sent back as it is, from where it was sent to (RFC 1122 3.2.2.6). Others may
 * hold its buffers, who must not see them change. */
static struct packet *own_copy(struct icmp *icmp, struct packet *packet)
{
    if (packet->payload.references == 1) return packet;
    struct packet *copy = packet_copy(packet, icmp->pool, PACKET_FOR_CONTROL);
    packet_drop(packet);
    return copy;
}

static void answer_echo(struct icmp *icmp, struct packet *packet,
                        const struct ip_incoming *incoming)
{
    const struct ip_outgoing outgoing = {
        .source = incoming->destination,
        .destination = incoming->source,
        .protocol = IP_PROTOCOL_ICMP,
        .traffic_class = incoming->traffic_class & (uint8_t)~IP_ECN_MASK,
    };
    packet = own_copy(icmp, packet);
    if (packet == NULL) return;
    /* What the device said of the question is not true of the answer. */
    packet->checksum = PACKET_CHECKSUM_UNKNOWN;
    packet->segmentation = PACKET_SEGMENT_NONE;
    packet->segment_bytes = 0;
    packet_span(packet).bytes[0] = ICMP_ECHO_REPLY;
    icmp->statistics.echo_replies_sent++;
    /* An answer that finds no way or no room is lost, as on the way. */
    result_ignore(icmp_send(icmp, packet, &outgoing));
}

/* Not to an echo that went to all: a hundred hosts would answer one question (RFC 1122 3.2.2.6). */
static void input_echo(struct icmp *icmp, struct packet *packet, const struct ip_incoming *incoming)
{
    icmp->statistics.echoes_received++;
    if (incoming->to_many) {
        packet_drop(packet);
        return;
    }
    answer_echo(icmp, packet, incoming);
}

/* ---- echoes from us ---- */

static struct icmp_user *find_user(struct icmp *icmp, uint16_t identifier)
{
    struct icmp_user *user = icmp->users;
    while (user != NULL && user->identifier != identifier)
        user = user->next;
    return user;
}

static void input_echo_reply(struct icmp *icmp, struct packet *packet,
                             const struct ip_incoming *incoming, const struct icmp_header *header)
{
    struct icmp_user *user = find_user(icmp, __builtin_bswap16(header->identifier));
    icmp->statistics.echo_replies_received++;
    if (user != NULL) {
        const struct icmp_reply reply = {
            .source = incoming->source,
            .identifier = user->identifier,
            .sequence = __builtin_bswap16(header->sequence),
            .hop_limit = incoming->hop_limit,
            .data = view_from_offset(packet_view(packet), sizeof *header),
        };
        user->replied(user, &reply);
    }
    packet_drop(packet);
}

void icmp_attach_user(struct icmp *icmp, struct icmp_user *user)
{
    assert(user->replied != NULL);
    do {
        user->identifier = (uint16_t)secret_number(&icmp->random);
    } while (find_user(icmp, user->identifier) != NULL);
    user->next = icmp->users;
    icmp->users = user;
}

void icmp_detach_user(struct icmp *icmp, struct icmp_user *user)
{
    struct icmp_user **link = &icmp->users;
    while (*link != user) {
        assert(*link != NULL);
        link = &(*link)->next;
    }
    *link = user->next;
}

enum result icmp_send_echo(struct icmp *icmp, const struct icmp_user *user,
                           const struct address *destination, uint16_t sequence, struct view data)
{
    assert_that(data.length_bytes, <=, ICMP_ECHO_DATA_MAX);
    const struct icmp_header header = { .type = ICMP_ECHO,
                                        .identifier = __builtin_bswap16(user->identifier),
                                        .sequence = __builtin_bswap16(sequence) };
    const struct ip_outgoing outgoing = { .destination = *destination,
                                          .protocol = IP_PROTOCOL_ICMP };
    struct packet *packet = packet_take(icmp->pool, PACKET_FOR_DATA);
    if (packet == NULL) return FULL;
    struct span message = packet_put(packet, sizeof header + data.length_bytes);
    (void)span_copy(span_copy(message, VIEW_OF(header)), data);
    icmp->statistics.echoes_sent++;
    return icmp_send(icmp, packet, &outgoing);
}

/* ---- in ---- */

/* Its own checksum, over the message alone: no device verifies it. */
static bool checksum_is_right(const struct packet *packet)
{
    struct checksum sum = { 0 };
    checksum_add_packet(&sum, packet, 0);
    return checksum_finish(&sum) == 0;
}

static void dispatch(struct icmp *icmp, struct packet *packet, const struct ip_incoming *incoming,
                     const struct icmp_header *header)
{
    switch (header->type) {
    case ICMP_ECHO: input_echo(icmp, packet, incoming); return;
    case ICMP_ECHO_REPLY: input_echo_reply(icmp, packet, incoming, header); return;
    case ICMP_UNREACHABLE:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM: icmp_input_error(icmp, packet, incoming, header); break;
    default: icmp->statistics.ignored++; break;
    }
    packet_drop(packet);
}

static void icmp_input(struct ip_protocol *protocol, struct packet *packet,
                       const struct ip_incoming *incoming)
{
    struct icmp *icmp = CONTAINER_OF(protocol, struct icmp, protocol);
    struct icmp_header header;
    icmp->statistics.received++;
    if (!packet_pull_up(packet, sizeof header)) {
        icmp->statistics.malformed++;
        packet_drop(packet);
        return;
    }
    if (!checksum_is_right(packet)) {
        icmp->statistics.bad_checksum++;
        packet_drop(packet);
        return;
    }
    (void)span_copy(SPAN_OF(header), view_first(packet_view(packet), sizeof header));
    dispatch(icmp, packet, incoming, &header);
}

/* An echo that cannot be delivered is one that is not answered. */
static void icmp_error(struct ip_protocol *protocol, const struct ip_error *error)
{
    (void)protocol;
    (void)error;
}

void icmp_open(struct icmp *icmp, struct ipv4 *ipv4, struct agenda *agenda,
               struct packet_pool *pool, const struct icmp_parameters *parameters,
               struct siphash_key key)
{
    *icmp = (struct icmp){
        .protocol = { .number = IP_PROTOCOL_ICMP, .input = icmp_input, .error = icmp_error },
        .reporter.report = icmp_report,
        .ipv4 = ipv4,
        .agenda = agenda,
        .pool = pool,
        .parameters = *parameters,
        .group_key = siphash_derive(key, KEY_GROUPS),
        .random.key = siphash_derive(key, KEY_RANDOM),
    };
    icmp_limit_open(icmp);
    ip_attach(&ipv4->ip, &icmp->protocol);
    ipv4->reporter = &icmp->reporter;
}
