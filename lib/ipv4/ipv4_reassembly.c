/* ipv4_reassembly.c - puts fragments together, within bounds.
 *
 *     open -> datagram -> datagram      the oldest first, so one timer serves all
 *                |
 *                first -> packet -> packet      by offset, each with its own header in front
 *
 * SPDX-License-Identifier: ISC */
#include "ipv4/ipv4_reassembly.h"

#include "base/units.h"
#include "ip/buckets.h"
#include "ip/ip.h"
#include "ipv4/ipv4_header.h"
#include "packet/checksum.h"

#define DATAGRAM_BYTES_MAX 65535

static struct ipv4_datagram *datagram_of(struct list_node *place)
{
    return CONTAINER_OF(place, struct ipv4_datagram, place);
}

static void time_is_up(struct agenda_entry *entry);

enum result ipv4_reassembly_open(struct ipv4_reassembly *reassembly, struct agenda *agenda,
                                 struct ipv4_reassembly_user *user, size_t datagram_count,
                                 size_t packet_count_max, struct siphash_key key)
{
    *reassembly = (struct ipv4_reassembly){ .agenda = agenda,
                                            .user = user,
                                            .packet_count_max = packet_count_max,
                                            .timer.due = time_is_up };
    enum result result = buckets_take(&reassembly->memory, &reassembly->table, datagram_count,
                                      sizeof(struct ipv4_datagram), key);
    if (result != OK) return result;
    list_init(&reassembly->free);
    list_init(&reassembly->open);
    struct ipv4_datagram *datagrams = (void *)reassembly->memory.bytes;
    for (size_t i = 0; i < datagram_count; i++)
        list_append(&reassembly->free, &datagrams[i].place);
    return OK;
}

/* ---- datagrams ---- */

static size_t count_packets(const struct packet *packet)
{
    size_t count = 0;
    for (; packet != NULL; packet = packet->rest)
        count++;
    return count;
}

static void drop_fragments(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    while (datagram->first != NULL) {
        struct packet *packet = datagram->first;
        datagram->first = packet->next;
        packet->next = NULL;
        packet_drop(packet);
    }
    reassembly->packet_count -= datagram->packet_count;
    datagram->packet_count = 0;
    datagram->last = NULL;
}

static void close_datagram(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    drop_fragments(reassembly, datagram);
    table_remove(&reassembly->table, &datagram->node);
    list_remove(&datagram->place);
    list_append(&reassembly->free, &datagram->place);
}

static void set_timer(struct ipv4_reassembly *reassembly)
{
    struct list_node *oldest = list_first(&reassembly->open);
    agenda_set(reassembly->agenda, &reassembly->timer,
               oldest == NULL ? NEVER : datagram_of(oldest)->give_up_ns);
}

/* An unfinished datagram that is given up; one that was spoilt has been counted then. */
static void give_up(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    if (!datagram->is_spoilt) reassembly->user->failed(reassembly->user);
    close_datagram(reassembly, datagram);
}

void ipv4_reassembly_close(struct ipv4_reassembly *reassembly)
{
    while (!list_is_empty(&reassembly->open))
        close_datagram(reassembly, datagram_of(list_first(&reassembly->open)));
    agenda_stop(reassembly->agenda, &reassembly->timer);
    memory_give_back(reassembly->memory);
    reassembly->memory = (struct span){ 0 };
}

/* It stays known, without its buffers, so that what still comes of it is dropped too. */
static void spoil(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    drop_fragments(reassembly, datagram);
    datagram->is_spoilt = true;
    reassembly->user->failed(reassembly->user);
}

static struct ipv4_datagram *find(const struct ipv4_reassembly *reassembly,
                                  const struct ipv4_fragment_key *key, uint64_t hash)
{
    struct table_node *node = table_find(&reassembly->table, hash);
    for (; node != NULL; node = table_find_next(node)) {
        struct ipv4_datagram *datagram = CONTAINER_OF(node, struct ipv4_datagram, node);
        if (view_equal(VIEW_OF(datagram->key), VIEW_OF(*key))) return datagram;
    }
    return NULL;
}

static struct ipv4_datagram *find_or_open(struct ipv4_reassembly *reassembly,
                                          const struct ipv4_fragment_key *key)
{
    uint64_t hash = table_hash(&reassembly->table, VIEW_OF(*key));
    struct ipv4_datagram *datagram = find(reassembly, key, hash);
    if (datagram != NULL) return datagram;
    if (list_is_empty(&reassembly->free))
        give_up(reassembly, datagram_of(list_first(&reassembly->open)));
    datagram = datagram_of(list_take(&reassembly->free));
    *datagram = (struct ipv4_datagram){
        .key = *key,
        .give_up_ns = deadline_after(reassembly->agenda->now_ns, IPV4_REASSEMBLY_NS),
    };
    list_append(&reassembly->open, &datagram->place);
    table_insert(&reassembly->table, &datagram->node, hash);
    if (!agenda_holds(&reassembly->timer)) set_timer(reassembly);
    return datagram;
}

/* ---- fragments in their order ---- */

/* A fragment's own header, still in the room in front of it, says where it belongs. */
static uint32_t offset_of(const struct packet *packet)
{
    struct view room = view_from(packet->room, sizeof packet->room);
    struct ipv4_header header = ipv4_header_at(view_from_offset(room, packet->network_offset));
    return (uint32_t)(__builtin_bswap16(header.fragment) & IPV4_OFFSET_MASK) * 8;
}

static uint32_t end_of(const struct packet *packet)
{
    return offset_of(packet) + (uint32_t)packet_total_bytes(packet);
}

enum placing { PLACED, DUPLICATE, OVERLAPS };

/* Most fragments come in order; otherwise the walk is as long as a datagram has fragments. */
static enum placing place(struct ipv4_datagram *datagram, struct packet *packet)
{
    uint32_t offset = offset_of(packet), end = end_of(packet);
    struct packet *before = NULL, *behind = datagram->first;
    if (datagram->last != NULL && offset_of(datagram->last) < offset) {
        before = datagram->last;
        behind = NULL;
    }
    while (behind != NULL && offset_of(behind) < offset) {
        before = behind;
        behind = behind->next;
    }
    /* The network may repeat a fragment (RFC 8200 4.5, of the same rule). */
    if (behind != NULL && offset_of(behind) == offset && end_of(behind) == end) return DUPLICATE;
    if (before != NULL && end_of(before) > offset) return OVERLAPS;
    if (behind != NULL && end > offset_of(behind)) return OVERLAPS;
    packet->next = behind;
    if (before == NULL)
        datagram->first = packet;
    else
        before->next = packet;
    if (behind == NULL) datagram->last = packet;
    return PLACED;
}

/* What no honest sender makes: pieces that are no multiple of eight bytes, that lead past the
 * longest datagram or past the end that the last one told, and TCP's flags apart from its ports
 * (RFC 3128 4). */
static bool is_possible(const struct ipv4_datagram *datagram, const struct ipv4_fragment *fragment,
                        size_t length_bytes)
{
    size_t end = fragment->offset_bytes + length_bytes;
    if (end + fragment->header_bytes > DATAGRAM_BYTES_MAX) return false;
    if (fragment->key.protocol == IP_PROTOCOL_TCP && fragment->offset_bytes == 8) return false;
    if (!fragment->is_last)
        return length_bytes % 8 == 0 && (datagram->total_bytes == 0 || end < datagram->total_bytes);
    if (datagram->total_bytes != 0) return end == datagram->total_bytes;
    return datagram->last == NULL || end >= end_of(datagram->last);
}

static bool has_room(struct ipv4_reassembly *reassembly, const struct ipv4_datagram *datagram,
                     size_t packet_count)
{
    while (reassembly->packet_count + packet_count > reassembly->packet_count_max) {
        struct ipv4_datagram *oldest = datagram_of(list_first(&reassembly->open));
        if (oldest == datagram) return false;
        give_up(reassembly, oldest);
    }
    return true;
}

/* False: the datagram is spoilt. The packet is taken if it finds its place. */
static bool add(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram,
                struct packet *packet, const struct ipv4_fragment *fragment)
{
    size_t packet_count = count_packets(packet), length_bytes = packet_total_bytes(packet);
    if (!is_possible(datagram, fragment, length_bytes)) return false;
    if (datagram->fragment_count == IPV4_FRAGMENTS_MAX) return false;
    if (!has_room(reassembly, datagram, packet_count)) return false;
    enum placing placing = place(datagram, packet);
    if (placing == OVERLAPS) return false;
    if (placing == DUPLICATE) {
        packet_drop(packet);
        return true;
    }
    if (fragment->is_last) datagram->total_bytes = fragment->offset_bytes + (uint32_t)length_bytes;
    datagram->bytes += (uint32_t)length_bytes;
    datagram->fragment_count++;
    datagram->packet_count += packet_count;
    reassembly->packet_count += packet_count;
    datagram->ecn_seen |= (uint8_t)(1u << fragment->ecn);
    return true;
}

/* ---- the whole ---- */

/* RFC 3168 5.3: congestion that one fragment met, the datagram met; but no mark may come from where
 * nobody could be told of it. */
static bool merge_ecn(const struct ipv4_datagram *datagram, struct ipv4_header *header)
{
    if ((datagram->ecn_seen & 1u << IP_ECN_CE) == 0) return true;
    if ((datagram->ecn_seen & 1u << IP_ECN_NOT_ECT) != 0) return false;
    header->traffic_class |= IP_ECN_CE;
    return true;
}

/* The header as if the datagram had come in one piece, for who quotes it. */
static bool write_header(const struct ipv4_datagram *datagram, struct packet *packet)
{
    struct span at = span_from_offset(SPAN_OF(packet->room), packet->network_offset);
    struct ipv4_header header = ipv4_header_at(span_view(at));
    size_t total_bytes = datagram->total_bytes + ipv4_header_length(&header);
    if (total_bytes > DATAGRAM_BYTES_MAX || !merge_ecn(datagram, &header)) return false;
    header.total_length = __builtin_bswap16((uint16_t)total_bytes);
    header.fragment = 0;
    header.checksum = 0;
    (void)span_copy(at, VIEW_OF(header));
    struct view whole = view_first(span_view(at), ipv4_header_length(&header));
    struct checksum sum = { 0 };
    checksum_add(&sum, whole);
    header.checksum = checksum_finish(&sum);
    (void)span_copy(at, VIEW_OF(header));
    return true;
}

static struct packet *chain(struct packet *first)
{
    struct packet *end = first;
    for (struct packet *next = first->next; next != NULL;) {
        struct packet *packet = next;
        next = packet->next;
        packet->next = NULL;
        while (end->rest != NULL)
            end = end->rest;
        end->rest = packet;
    }
    first->next = NULL;
    return first;
}

static struct packet *complete(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    if (!write_header(datagram, datagram->first)) {
        give_up(reassembly, datagram);
        return NULL;
    }
    struct packet *whole = chain(datagram->first);
    datagram->first = datagram->last = NULL;
    close_datagram(reassembly, datagram);
    return whole;
}

struct packet *ipv4_reassembly_add(struct ipv4_reassembly *reassembly, struct packet *packet,
                                   const struct ipv4_fragment *fragment)
{
    /* An empty piece adds nothing and would occupy a buffer. */
    if (packet_total_bytes(packet) == 0) {
        packet_drop(packet);
        return NULL;
    }
    packet->checksum = PACKET_CHECKSUM_UNKNOWN;
    struct ipv4_datagram *datagram = find_or_open(reassembly, &fragment->key);
    if (datagram->is_spoilt || !add(reassembly, datagram, packet, fragment)) {
        packet_drop(packet);
        if (!datagram->is_spoilt) spoil(reassembly, datagram);
        return NULL;
    }
    bool is_complete = datagram->total_bytes != 0 && datagram->bytes == datagram->total_bytes;
    return is_complete ? complete(reassembly, datagram) : NULL;
}

/* ---- time ---- */

/* RFC 1122 3.3.2: without the first fragment there is nothing to quote. */
static void time_out(struct ipv4_reassembly *reassembly, struct ipv4_datagram *datagram)
{
    if (datagram->first != NULL && offset_of(datagram->first) == 0)
        reassembly->user->timed_out(reassembly->user, datagram->first);
    give_up(reassembly, datagram);
}

static void time_is_up(struct agenda_entry *entry)
{
    struct ipv4_reassembly *reassembly = CONTAINER_OF(entry, struct ipv4_reassembly, timer);
    while (!list_is_empty(&reassembly->open)) {
        struct ipv4_datagram *oldest = datagram_of(list_first(&reassembly->open));
        if (oldest->give_up_ns > reassembly->agenda->now_ns) break;
        time_out(reassembly, oldest);
    }
    set_timer(reassembly);
}
