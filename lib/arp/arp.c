/* arp.c - messages in and out: who asks for us is answered, who answers us is heard.
 *
 * SPDX-License-Identifier: ISC */
#include "arp/arp_private.h"

#include "base/cursor.h"
#include "base/units.h"
#include "base/writer.h"

#define HARDWARE_ETHERNET 1

enum { KEY_CACHE, KEY_RANDOM };

const struct parameter arp_parameters[] = {
    PARAMETER_NUMBER(struct arp_parameters, entry_count, "arp-entries", "256", 32, 65536,
                     "neighbours whose stations are remembered; then the least used gives way"),
    PARAMETER_NUMBER(struct arp_parameters, waiting_count, "arp-waiting", "128", 1, 4096,
                     "packets that wait for a neighbour's station; then the oldest give way"),
    PARAMETER_FLAG(struct arp_parameters, probe, "arp-probe", "off",
                   "ask whether somebody has our address before it is used, for some 7 s"),
    PARAMETER_END,
};

static void arp_input(struct ethernet_protocol *protocol, struct packet *packet,
                      const struct ethernet_incoming *incoming);

enum result arp_open(struct arp *arp, struct ethernet *ethernet, struct agenda *agenda,
                     struct arp_user *user, const struct arp_parameters *parameters,
                     struct siphash_key key)
{
    assert(ethernet->net->link == NET_ETHERNET);
    *arp = (struct arp){
        .protocol = { .type = ETHERTYPE_ARP, .input = arp_input },
        .ethernet = ethernet,
        .agenda = agenda,
        .user = user,
        .parameters = *parameters,
        .random.key = siphash_derive(key, KEY_RANDOM),
    };
    enum result result = arp_cache_open(arp, parameters->entry_count,
                                        siphash_derive(key, KEY_CACHE));
    if (result == OK) ethernet_attach(ethernet, &arp->protocol);
    return result;
}

void arp_close(struct arp *arp)
{
    arp_claim_close(arp);
    arp_cache_close(arp);
}

/* ---- out ---- */

static void put_message(struct writer *writer, const struct arp_message *message)
{
    writer_put_u16_be(writer, HARDWARE_ETHERNET);
    writer_put_u16_be(writer, ETHERTYPE_IPV4);
    writer_put_u8(writer, sizeof message->sender_mac);
    writer_put_u8(writer, sizeof message->sender);
    writer_put_u16_be(writer, message->operation);
    writer_put(writer, VIEW_OF(message->sender_mac));
    writer_put_u32_be(writer, message->sender);
    writer_put(writer, VIEW_OF(message->target_mac));
    writer_put_u32_be(writer, message->target);
    assert(!writer->ran_short && writer->length_bytes == ARP_MESSAGE_BYTES);
}

void arp_send_message(struct arp *arp, uint16_t operation, uint32_t sender, uint32_t target,
                      const struct mac *target_mac, const struct mac *destination)
{
    const struct arp_message message = { .operation = operation,
                                         .sender_mac = arp->ethernet->net->mac,
                                         .target_mac = *target_mac,
                                         .sender = sender,
                                         .target = target };
    struct packet *packet = packet_take(arp->ethernet->pool, PACKET_FOR_CONTROL);
    if (packet == NULL) return;
    struct writer writer = writer_over(packet_put(packet, ARP_MESSAGE_BYTES));
    put_message(&writer, &message);
    if (operation == ARP_REQUEST)
        arp->statistics.requests_sent++;
    else
        arp->statistics.replies_sent++;
    result_ignore(ethernet_send(arp->ethernet, packet, destination, ETHERTYPE_ARP));
}

/* ---- in ---- */

static struct mac take_mac(struct cursor *cursor)
{
    struct mac mac = { 0 };
    struct view bytes = cursor_take(cursor, sizeof mac);
    (void)span_copy(SPAN_OF(mac), bytes);
    return mac;
}

/* RFC 826, "Packet Reception": everything before the operation must be ours. Padding may follow. */
static bool read_message(struct view bytes, struct arp_message *message)
{
    struct cursor cursor = cursor_over(bytes);
    uint16_t hardware = cursor_u16_be(&cursor);
    uint16_t protocol = cursor_u16_be(&cursor);
    uint8_t hardware_bytes = cursor_u8(&cursor);
    uint8_t protocol_bytes = cursor_u8(&cursor);
    message->operation = cursor_u16_be(&cursor);
    message->sender_mac = take_mac(&cursor);
    message->sender = cursor_u32_be(&cursor);
    message->target_mac = take_mac(&cursor);
    message->target = cursor_u32_be(&cursor);
    if (cursor.ran_short || hardware != HARDWARE_ETHERNET || protocol != ETHERTYPE_IPV4)
        return false;
    if (hardware_bytes != sizeof message->sender_mac || protocol_bytes != sizeof message->sender)
        return false;
    if (message->operation != ARP_REQUEST && message->operation != ARP_REPLY) return false;
    return !mac_is_to_many(&message->sender_mac) && !mac_is_zero(&message->sender_mac);
}

/* RFC 1122 3.2.1.3: neither this host, nor a loopback, nor a group, nor everybody. */
static bool may_be_host(uint32_t address)
{
    uint32_t first = address >> 24;
    return first != 0 && first != 127 && first < 224;
}

/* Whoever may be a host is answered (RFC 826), also one on none of our prefixes: to a neighbour
 * with a wider netmask we are on its link, as for Linux, which answers too. Learnt are only those
 * to whom we would send directly, and what we send to the others goes by a route. A probe (RFC 5227
 * 1.1) has no address of its own yet: it is answered, and nothing learnt. */
static void hear_request(struct arp *arp, const struct arp_message *message)
{
    struct arp_address *own = arp_claim_find(arp, message->target);
    bool to_us = own != NULL && own->claim != ARP_CLAIM_PROBING;
    arp->statistics.requests_received++;
    bool is_probe = message->sender == 0;
    bool is_neighbour = !is_probe && arp_claim_is_neighbour(arp, message->sender);
    if (!is_probe && !is_neighbour) arp->statistics.ignored++;
    if (!is_probe && !is_neighbour && !may_be_host(message->sender)) return;
    if (is_neighbour) arp_cache_hear_claim(arp, message->sender, &message->sender_mac, to_us);
    if (to_us)
        arp_send_message(arp, ARP_REPLY, message->target, message->sender, &message->sender_mac,
                         &message->sender_mac);
}

/* One that is not to us is a claim at most: some announce themselves so. */
static void hear_reply(struct arp *arp, const struct arp_message *message)
{
    bool to_us = arp_claim_find(arp, message->target) != NULL &&
                 mac_equal(&message->target_mac, &arp->ethernet->net->mac);
    arp->statistics.replies_received++;
    if (to_us) {
        arp_cache_hear_reply(arp, message->sender, &message->sender_mac);
        return;
    }
    arp->statistics.ignored++;
    arp_cache_hear_claim(arp, message->sender, &message->sender_mac, false);
}

static void hear(struct arp *arp, const struct arp_message *message)
{
    if (mac_equal(&message->sender_mac, &arp->ethernet->net->mac)) return; /* an echo of ours */
    if (arp_claim_hear(arp, message)) return;
    if (message->operation == ARP_REQUEST)
        hear_request(arp, message);
    else
        hear_reply(arp, message);
}

static void arp_input(struct ethernet_protocol *protocol, struct packet *packet,
                      const struct ethernet_incoming *incoming)
{
    (void)incoming; /* the message names its stations itself (RFC 826) */
    struct arp *arp = CONTAINER_OF(protocol, struct arp, protocol);
    struct arp_message message;
    bool is_whole = packet_pull_up(packet, ARP_MESSAGE_BYTES) &&
                    read_message(packet_view(packet), &message);
    packet_drop(packet);
    if (!is_whole) {
        arp->statistics.malformed++;
        return;
    }
    hear(arp, &message);
}
