/* udp_core_receive.c - datagrams that come, and what became of those that went.
 *
 * SPDX-License-Identifier: ISC */
#include "base/cursor.h"
#include "base/units.h"
#include "packet/checksum.h"
#include "udp_core/udp_core_private.h"

static void drop(struct packet *packet, uint64_t *counter)
{
    ++*counter;
    packet_drop(packet);
}

static size_t count_packets(const struct packet *packet)
{
    size_t count = 0;
    for (; packet != NULL; packet = packet->rest)
        count++;
    return count;
}

/* ---- the header ---- */

/* What IP carries behind the datagram's own length is none of its bytes. */
static bool read_header(struct packet *packet, struct udp_header *header)
{
    if (!packet_pull_up(packet, sizeof *header)) return false;
    (void)span_copy(SPAN_OF(*header), view_first(packet_view(packet), sizeof *header));
    size_t length_bytes = __builtin_bswap16(header->length);
    size_t total_bytes = packet_total_bytes(packet);
    if (length_bytes < sizeof *header || length_bytes > total_bytes) return false;
    if (length_bytes < total_bytes) packet_trim(packet, length_bytes);
    return header->destination_port != 0;
}

/* 0: the sender made none, which is allowed over IPv4 (RFC 768; RFC 1122 4.1.3.4). */
static bool checksum_is_right(const struct packet *packet, const struct ip_incoming *incoming,
                              const struct udp_header *header)
{
    if (header->checksum == 0) return incoming->source.family == ADDRESS_IPV4;
    return checksum_is_good(packet, &incoming->source, &incoming->destination, IP_PROTOCOL_UDP);
}

/* ---- waiting to be received ---- */

static bool has_room(const struct udp_binding *binding, size_t packet_count)
{
    const struct udp_core *core = binding->core;
    return (binding->packet_count + packet_count) * PACKET_BYTES <=
               core->parameters.receive_bytes &&
           (core->packet_count + packet_count) * PACKET_BYTES <=
               core->parameters.receive_bytes_total;
}

static void enqueue(struct udp_binding *binding, struct packet *packet,
                    const struct udp_record *record)
{
    struct udp_core *core = binding->core;
    size_t packet_count = count_packets(packet);
    if (!has_room(binding, packet_count)) {
        binding->dropped_count++;
        drop(packet, &core->statistics.dropped_full);
        return;
    }
    bool was_readable = udp_binding_is_readable(binding);
    packet_pull(packet, UDP_HEADER_BYTES);
    (void)span_copy(packet_push(packet, sizeof *record), VIEW_OF(*record));
    packet->next = NULL;
    if (binding->first == NULL)
        binding->first = packet;
    else
        binding->last->next = packet;
    binding->last = packet;
    binding->datagram_count++;
    binding->packet_count += packet_count;
    core->packet_count += packet_count;
    core->statistics.received++;
    if (!was_readable) binding->user->readable(binding->user);
}

static struct packet *dequeue(struct udp_binding *binding)
{
    struct packet *packet = binding->first;
    size_t packet_count = count_packets(packet);
    binding->first = packet->next;
    packet->next = NULL;
    binding->datagram_count--;
    binding->packet_count -= packet_count;
    binding->core->packet_count -= packet_count;
    return packet;
}

void udp_binding_drop_all(struct udp_binding *binding)
{
    while (binding->first != NULL)
        packet_drop(dequeue(binding));
}

enum result udp_core_receive(struct udp_binding *binding, struct udp_incoming *incoming)
{
    if (binding->is_refused) {
        binding->is_refused = false;
        return REFUSED;
    }
    if (binding->first == NULL) return TIMED_OUT;
    struct udp_record record;
    struct packet *packet = dequeue(binding);
    (void)span_copy(SPAN_OF(record), view_first(packet_view(packet), sizeof record));
    packet_pull(packet, sizeof record);
    *incoming = (struct udp_incoming){ .packet = packet,
                                       .peer = record.peer,
                                       .destination = record.destination };
    return OK;
}

/* ---- in ---- */

static struct udp_core *core_of(struct ip_protocol *protocol)
{
    return CONTAINER_OF(protocol, struct udp_core_family, protocol)->core;
}

/* RFC 1122 4.1.3.1: nobody there is told, except about what went to many. */
static void refuse(struct ip_protocol *protocol, struct packet *packet,
                   const struct ip_incoming *incoming)
{
    struct udp_core_family *family = CONTAINER_OF(protocol, struct udp_core_family, protocol);
    if (!incoming->to_many) ip_reject(family->ip, packet, incoming, IP_REJECT_PORT);
    drop(packet, &family->core->statistics.no_port);
}

void udp_core_input(struct ip_protocol *protocol, struct packet *packet,
                    const struct ip_incoming *incoming)
{
    struct udp_core *core = core_of(protocol);
    struct udp_header header;
    if (!read_header(packet, &header)) {
        drop(packet, &core->statistics.malformed);
        return;
    }
    if (!checksum_is_right(packet, incoming, &header)) {
        drop(packet, &core->statistics.bad_checksum);
        return;
    }
    const struct endpoint local = { .address = incoming->destination,
                                    .port = __builtin_bswap16(header.destination_port) };
    const struct udp_record record = {
        .peer = { .address = incoming->source, .port = __builtin_bswap16(header.source_port) },
        .destination = incoming->destination,
    };
    struct udp_binding *binding = udp_core_find(core, &local, &record.peer);
    if (binding == NULL)
        refuse(protocol, packet, incoming);
    else
        enqueue(binding, packet, &record);
}

/* ---- errors ---- */

/* Who sent the datagram that an error quotes: the header's four integers are all that is sure to be
 * there. NULL: nobody that we know of. */
static struct udp_binding *find_sender(struct udp_core *core, const struct ip_error *error)
{
    struct cursor cursor = cursor_over(error->transport);
    const struct endpoint local = { .address = error->source, .port = cursor_u16_be(&cursor) };
    const struct endpoint peer = { .address = error->destination, .port = cursor_u16_be(&cursor) };
    if (cursor.ran_short) return NULL;
    struct udp_binding *binding = udp_core_find(core, &local, &peer);
    if (binding == NULL || !udp_binding_has_sent_to(binding, &peer)) return NULL;
    return binding;
}

bool udp_core_has_sent(struct ip_protocol *protocol, const struct ip_error *error)
{
    return find_sender(core_of(protocol), error) != NULL;
}

/* RFC 1122 4.1.3.3: the application is told. What may pass by itself, such as a router that is
 * down, is as good as loss, and not told. */
void udp_core_error(struct ip_protocol *protocol, const struct ip_error *error)
{
    struct udp_core *core = core_of(protocol);
    struct udp_binding *binding = find_sender(core, error);
    bool is_refusal = error->kind == IP_ERROR_PORT_UNREACHABLE ||
                      error->kind == IP_ERROR_PROTOCOL_UNREACHABLE;
    core->statistics.errors_received++;
    if (binding == NULL || !is_refusal) return;
    bool was_readable = udp_binding_is_readable(binding);
    binding->is_refused = true;
    if (!was_readable) binding->user->readable(binding->user);
}
