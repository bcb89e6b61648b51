/* arp_cache.c - the neighbours' stations: learnt, confirmed, forgotten, within bounds.
 *
 * An entry is in one of four lists: free; incomplete; unused, which a neighbour's question made and
 * we have not sent to; used. Who needs room takes it from the first of the list that may lose most.
 *
 * SPDX-License-Identifier: ISC */
#include "arp/arp_private.h"
#include "base/units.h"
#include "ip/buckets.h"

#define REACHABLE_NS (60 * S_NS)
#define RETRY_NS     S_NS /* RFC 1122 2.3.2.1: at most one question a second */
#define TRIES        3
#define USED_NS      S_NS /* how exactly the order of use is kept */

static const struct mac mac_unknown = { 0 };

/* ---- memory ---- */

static void entry_due(struct agenda_entry *timer);

enum result arp_cache_open(struct arp *arp, size_t count, struct siphash_key key)
{
    enum result result = buckets_take(&arp->memory, &arp->table, count, sizeof(struct arp_entry),
                                      key);
    if (result != OK) return result;
    list_init(&arp->free);
    list_init(&arp->incomplete);
    list_init(&arp->unused);
    list_init(&arp->used);
    struct arp_entry *entries = (void *)arp->memory.bytes;
    for (size_t i = 0; i < count; i++) {
        entries[i].arp = arp;
        entries[i].timer.due = entry_due;
        list_append(&arp->free, &entries[i].place);
    }
    return OK;
}

static struct arp_entry *entry_of(struct list_node *place)
{
    return CONTAINER_OF(place, struct arp_entry, place);
}

/* ---- packets that wait ---- */

static struct packet *take_waiting(struct arp_entry *entry)
{
    struct packet *packet = entry->waiting;
    if (packet == NULL) return NULL;
    entry->waiting = packet->next;
    packet->next = NULL;
    entry->waiting_count--;
    entry->arp->waiting_count--;
    return packet;
}

static void drop_oldest_waiting(struct arp_entry *entry)
{
    struct packet *packet = take_waiting(entry);
    if (packet == NULL) return;
    entry->arp->statistics.waiting_dropped++;
    packet_drop(packet);
}

/* Of the questions that have waited longest, the first that keeps a packet. Each round either finds
 * one or passes an entry whose packets were taken this way before. */
static void drop_somewhere(struct arp *arp)
{
    list_for_each (place, &arp->incomplete) {
        struct arp_entry *entry = entry_of(place);
        if (entry->waiting == NULL) continue;
        drop_oldest_waiting(entry);
        return;
    }
}

/* The newest packet is the one to keep (RFC 1122 2.3.2.2). */
static void keep_waiting(struct arp *arp, struct arp_entry *entry, struct packet *packet)
{
    if (entry->waiting_count == ARP_WAITING_MAX)
        drop_oldest_waiting(entry);
    else if (arp->waiting_count >= arp->parameters.waiting_count)
        drop_somewhere(arp);
    struct packet **end = &entry->waiting;
    while (*end != NULL)
        end = &(*end)->next;
    *end = packet;
    packet->next = NULL;
    entry->waiting_count++;
    arp->waiting_count++;
}

static void send_waiting(struct arp_entry *entry)
{
    struct arp *arp = entry->arp;
    for (struct packet *packet = take_waiting(entry); packet != NULL; packet = take_waiting(entry))
        if (ethernet_send(arp->ethernet, packet, &entry->mac, ETHERTYPE_IPV4) != OK)
            arp->statistics.waiting_dropped++;
}

/* ---- entries ---- */

static struct arp_entry *find(const struct arp *arp, uint32_t address)
{
    struct table_node *node = table_find(&arp->table, table_hash(&arp->table, VIEW_OF(address)));
    for (; node != NULL; node = table_find_next(node)) {
        struct arp_entry *entry = CONTAINER_OF(node, struct arp_entry, node);
        if (entry->address == address) return entry;
    }
    return NULL;
}

const struct arp_entry *arp_find(const struct arp *arp, uint32_t address)
{
    return find(arp, address);
}

static void place_in(struct arp_entry *entry, struct list *list)
{
    list_remove(&entry->place);
    list_append(list, &entry->place);
}

/* Frees the entry. What waits stays linked at it, for the caller to deal with. */
static void forget(struct arp_entry *entry)
{
    struct arp *arp = entry->arp;
    agenda_stop(arp->agenda, &entry->timer);
    table_remove(&arp->table, &entry->node);
    if (entry->state == ARP_INCOMPLETE) arp->incomplete_count--;
    if (arp->last == entry) arp->last = NULL;
    place_in(entry, &arp->free);
}

static void evict(struct arp_entry *entry)
{
    entry->arp->statistics.evicted++;
    while (entry->waiting != NULL)
        drop_oldest_waiting(entry);
    forget(entry);
}

void arp_cache_close(struct arp *arp)
{
    struct list *lists[] = { &arp->incomplete, &arp->unused, &arp->used };
    for (size_t i = 0; i < LENGTH_OF(lists); i++)
        while (!list_is_empty(lists[i]))
            evict(entry_of(list_first(lists[i])));
    memory_give_back(arp->memory);
    arp->memory = (struct span){ 0 };
}

static struct arp_entry *least_used(struct arp *arp)
{
    list_for_each (place, &arp->used) {
        struct arp_entry *entry = entry_of(place);
        if (!arp_is_pinned(arp, entry->address)) return entry;
    }
    return NULL;
}

/* Makes room: `for_us` when we want to send, not only when somebody asked. */
static bool make_room(struct arp *arp, bool for_us)
{
    struct arp_entry *victim = NULL;
    if (!list_is_empty(&arp->free)) return true;
    if (!list_is_empty(&arp->unused)) victim = entry_of(list_first(&arp->unused));
    if (victim == NULL && for_us) victim = least_used(arp);
    if (victim == NULL) return false;
    evict(victim);
    return true;
}

static struct arp_entry *create(struct arp *arp, uint32_t address, bool for_us)
{
    if (!make_room(arp, for_us)) {
        arp->statistics.entries_full++;
        return NULL;
    }
    struct arp_entry *entry = entry_of(list_first(&arp->free));
    *entry = (struct arp_entry){ .place = entry->place,
                                 .timer.due = entry_due,
                                 .arp = arp,
                                 .address = address,
                                 .used = for_us,
                                 .used_ns = arp->agenda->now_ns };
    table_insert(&arp->table, &entry->node, table_hash(&arp->table, VIEW_OF(address)));
    return entry;
}

/* ---- asking ---- */

/* A station that we know is asked by itself, twice; then everybody. */
static bool asks_everybody(const struct arp_entry *entry)
{
    return entry->state == ARP_INCOMPLETE || entry->tries == TRIES;
}

static void ask(struct arp_entry *entry)
{
    struct arp *arp = entry->arp;
    entry->tries++;
    const struct mac *destination = asks_everybody(entry) ? &mac_broadcast : &entry->mac;
    arp_send_message(arp, ARP_REQUEST, arp_claim_source_for(arp, entry->address), entry->address,
                     &mac_unknown, destination);
    agenda_set(arp->agenda, &entry->timer, deadline_after(arp->agenda->now_ns, RETRY_NS));
}

static void begin_probe(struct arp_entry *entry)
{
    entry->state = ARP_PROBE;
    entry->tries = 0;
    ask(entry);
}

static struct arp_entry *begin(struct arp *arp, uint32_t address)
{
    if (arp->incomplete_count >= arp->parameters.entry_count / 4)
        evict(entry_of(list_first(&arp->incomplete)));
    struct arp_entry *entry = create(arp, address, true);
    if (entry == NULL) return NULL;
    place_in(entry, &arp->incomplete);
    arp->incomplete_count++;
    ask(entry);
    return entry;
}

/* The user is told when the entry is gone already: it may send again at once. */
static void fail(struct arp_entry *entry)
{
    struct arp *arp = entry->arp;
    uint32_t address = entry->address;
    struct packet *waiting = entry->waiting;
    arp->waiting_count -= entry->waiting_count;
    arp->statistics.failures++;
    entry->waiting = NULL;
    entry->waiting_count = 0;
    forget(entry);
    while (waiting != NULL) {
        struct packet *packet = waiting;
        waiting = packet->next;
        packet->next = NULL;
        arp->user->unresolved(arp->user, packet, address);
    }
}

static void entry_due(struct agenda_entry *timer)
{
    struct arp_entry *entry = CONTAINER_OF(timer, struct arp_entry, timer);
    if (entry->tries == TRIES)
        fail(entry);
    else
        ask(entry);
}

/* ---- sending ---- */

static void note_use(struct arp *arp, struct arp_entry *entry)
{
    uint64_t now_ns = arp->agenda->now_ns;
    if (entry->used && now_ns - entry->used_ns < USED_NS) return;
    entry->used = true;
    entry->used_ns = now_ns;
    place_in(entry, &arp->used);
}

enum result arp_send(struct arp *arp, struct packet *packet, uint32_t neighbour)
{
    struct arp_entry *entry = arp->last;
    if (entry == NULL || entry->address != neighbour) {
        entry = find(arp, neighbour);
        if (entry == NULL) entry = begin(arp, neighbour);
        if (entry == NULL) {
            packet_drop(packet);
            return FULL;
        }
        if (entry->state == ARP_INCOMPLETE) {
            keep_waiting(arp, entry, packet);
            return OK;
        }
        arp->last = entry;
    }
    note_use(arp, entry);
    if (entry->state == ARP_REACHABLE && arp->agenda->now_ns - entry->confirmed_ns > REACHABLE_NS)
        begin_probe(entry);
    return ethernet_send(arp->ethernet, packet, &entry->mac, ETHERTYPE_IPV4);
}

void arp_doubt(struct arp *arp, uint32_t neighbour)
{
    struct arp_entry *entry = find(arp, neighbour);
    if (entry != NULL && entry->state == ARP_REACHABLE) begin_probe(entry);
}

/* ---- hearing ---- */

static void confirm(struct arp_entry *entry, const struct mac *station)
{
    struct arp *arp = entry->arp;
    agenda_stop(arp->agenda, &entry->timer);
    if (entry->state == ARP_INCOMPLETE) {
        arp->incomplete_count--;
        place_in(entry, &arp->used);
    }
    entry->state = ARP_REACHABLE;
    entry->mac = *station;
    entry->confirmed_ns = arp->agenda->now_ns;
    send_waiting(entry);
}

/* Somebody else says that it is the one. The station that we know is asked whether it still is; an
 * entry that nobody uses is not worth the question. */
static void contradict(struct arp_entry *entry)
{
    entry->arp->statistics.contradictions++;
    if (!entry->used)
        forget(entry);
    else if (entry->state == ARP_REACHABLE)
        begin_probe(entry);
}

static void learn(struct arp *arp, uint32_t address, const struct mac *station)
{
    struct arp_entry *entry = create(arp, address, false);
    if (entry == NULL) return;
    entry->state = ARP_REACHABLE;
    entry->mac = *station;
    entry->confirmed_ns = arp->agenda->now_ns;
    place_in(entry, &arp->unused);
}

void arp_cache_hear_claim(struct arp *arp, uint32_t address, const struct mac *station,
                          bool asks_us)
{
    struct arp_entry *entry = find(arp, address);
    if (entry == NULL) {
        if (asks_us) learn(arp, address, station);
        return;
    }
    if (entry->state != ARP_INCOMPLETE && !mac_equal(&entry->mac, station))
        contradict(entry);
    else if (asks_us)
        confirm(entry, station);
}

/* While one station is asked, only its own answer counts. */
void arp_cache_hear_reply(struct arp *arp, uint32_t address, const struct mac *station)
{
    struct arp_entry *entry = find(arp, address);
    bool is_asked = entry != NULL && entry->state != ARP_REACHABLE;
    if (is_asked && (asks_everybody(entry) || mac_equal(&entry->mac, station))) {
        confirm(entry, station);
        return;
    }
    arp->statistics.ignored++;
    arp_cache_hear_claim(arp, address, station, false);
}
