/* arp_claim.c - our own addresses: probed, announced, and defended (RFC 5227).
 *
 * SPDX-License-Identifier: ISC */
#include "arp/arp_private.h"
#include "base/units.h"

/* RFC 5227 1.1. */
#define PROBE_WAIT_NS        S_NS
#define PROBE_COUNT          3
#define PROBE_MIN_NS         S_NS
#define PROBE_MAX_NS         (2 * S_NS)
#define ANNOUNCE_WAIT_NS     (2 * S_NS)
#define ANNOUNCE_COUNT       2
#define ANNOUNCE_INTERVAL_NS (2 * S_NS)
#define DEFEND_INTERVAL_NS   (10 * S_NS)

static const struct mac mac_unknown = { 0 };

struct arp_address *arp_claim_find(struct arp *arp, uint32_t address)
{
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++) {
        struct arp_address *own = &arp->addresses[i];
        if (own->claim != ARP_CLAIM_NONE && own->address == address) return own;
    }
    return NULL;
}

bool arp_is_pinned(const struct arp *arp, uint32_t address)
{
    for (size_t i = 0; i < arp->pin_count; i++)
        if (arp->pins[i] == address) return true;
    return false;
}

/* The first and the last address of a prefix are nobody's (RFC 1122 3.2.1.3), except where there
 * are only two (RFC 3021). */
static bool is_in_prefix(const struct arp_address *own, uint32_t address)
{
    if (own->claim == ARP_CLAIM_NONE || ((address ^ own->address) & own->mask) != 0) return false;
    uint32_t host = address & ~own->mask;
    return own->mask >= UINT32_MAX - 1 || (host != 0 && host != ~own->mask);
}

bool arp_claim_is_neighbour(const struct arp *arp, uint32_t address)
{
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++)
        if (is_in_prefix(&arp->addresses[i], address)) return true;
    return arp_is_pinned(arp, address);
}

uint32_t arp_claim_source_for(const struct arp *arp, uint32_t neighbour)
{
    uint32_t source = 0;
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++) {
        const struct arp_address *own = &arp->addresses[i];
        if (own->claim == ARP_CLAIM_NONE || own->claim == ARP_CLAIM_PROBING) continue;
        if (is_in_prefix(own, neighbour)) return own->address;
        if (source == 0) source = own->address;
    }
    return source;
}

/* ---- claiming ---- */

/* RFC 5227 2.3: a request whose sender and target are both the address. */
static void announce(struct arp *arp, const struct arp_address *own)
{
    arp_send_message(arp, ARP_REQUEST, own->address, own->address, &mac_unknown, &mac_broadcast);
}

static void later(struct arp_address *own, uint64_t duration_ns)
{
    struct agenda *agenda = own->arp->agenda;
    agenda_set(agenda, &own->timer, deadline_after(agenda->now_ns, duration_ns));
}

static void go_on_announcing(struct arp_address *own)
{
    announce(own->arp, own);
    own->claim = ++own->sent < ANNOUNCE_COUNT ? ARP_CLAIM_ANNOUNCING : ARP_CLAIM_HELD;
    if (own->claim == ARP_CLAIM_ANNOUNCING) later(own, ANNOUNCE_INTERVAL_NS);
}

/* RFC 5227 2.1.1: three probes, at random within one to two seconds, then a wait. */
static void go_on_probing(struct arp_address *own)
{
    struct arp *arp = own->arp;
    if (own->sent == PROBE_COUNT) {
        own->claim = ARP_CLAIM_ANNOUNCING;
        own->sent = 0;
        go_on_announcing(own);
        arp->user->claimed(arp->user, own->address);
        return;
    }
    arp_send_message(arp, ARP_REQUEST, 0, own->address, &mac_unknown, &mac_broadcast);
    own->sent++;
    uint64_t between_ns = PROBE_MIN_NS +
                          secret_number_below(&arp->random, PROBE_MAX_NS - PROBE_MIN_NS);
    later(own, own->sent < PROBE_COUNT ? between_ns : ANNOUNCE_WAIT_NS);
}

static void own_due(struct agenda_entry *entry)
{
    struct arp_address *own = CONTAINER_OF(entry, struct arp_address, timer);
    if (own->claim == ARP_CLAIM_PROBING)
        go_on_probing(own);
    else
        go_on_announcing(own);
}

void arp_announce(struct arp *arp)
{
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++) {
        struct arp_address *own = &arp->addresses[i];
        if (own->claim != ARP_CLAIM_ANNOUNCING && own->claim != ARP_CLAIM_HELD) continue;
        own->sent = 0;
        go_on_announcing(own);
    }
}

static struct arp_address *find_free(struct arp *arp)
{
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++)
        if (arp->addresses[i].claim == ARP_CLAIM_NONE) return &arp->addresses[i];
    return NULL;
}

enum result arp_add_address(struct arp *arp, uint32_t address, uint32_t mask)
{
    assert(address != 0 && arp_claim_find(arp, address) == NULL);
    struct arp_address *own = find_free(arp);
    if (own == NULL) return FULL;
    *own = (struct arp_address){ .arp = arp, .address = address, .mask = mask };
    own->timer.due = own_due;
    if (arp->parameters.probe) {
        own->claim = ARP_CLAIM_PROBING;
        later(own, secret_number_below(&arp->random, PROBE_WAIT_NS));
    } else {
        go_on_announcing(own);
    }
    return OK;
}

static void give_up(struct arp *arp, struct arp_address *own)
{
    agenda_stop(arp->agenda, &own->timer);
    own->claim = ARP_CLAIM_NONE;
}

void arp_remove_address(struct arp *arp, uint32_t address)
{
    struct arp_address *own = arp_claim_find(arp, address);
    if (own != NULL) give_up(arp, own);
}

void arp_claim_close(struct arp *arp)
{
    for (size_t i = 0; i < ARP_ADDRESSES_MAX; i++)
        give_up(arp, &arp->addresses[i]);
}

enum result arp_pin(struct arp *arp, uint32_t address)
{
    if (arp_is_pinned(arp, address)) return OK;
    if (arp->pin_count == ARP_PINS_MAX) return FULL;
    arp->pins[arp->pin_count++] = address;
    return OK;
}

/* ---- conflicts ---- */

/* RFC 5227 2.4 (c), for a host that must keep its address: it says so again, but not more often
 * than every ten seconds, so that two such hosts do not shout for ever. */
static void defend(struct arp *arp, struct arp_address *own, const struct mac *station)
{
    uint64_t now_ns = arp->agenda->now_ns;
    if (own->was_defended && now_ns - own->defended_ns < DEFEND_INTERVAL_NS) return;
    own->was_defended = true;
    own->defended_ns = now_ns;
    arp->statistics.defences++;
    announce(arp, own);
    arp->user->conflict(arp->user, own->address, station, false);
}

static void hear_conflict(struct arp *arp, struct arp_address *own, const struct mac *station)
{
    arp->statistics.conflicts++;
    if (own->claim != ARP_CLAIM_PROBING) {
        defend(arp, own, station);
        return;
    }
    uint32_t address = own->address;
    give_up(arp, own);
    arp->user->conflict(arp->user, address, station, true);
}

/* While we probe, another station's probe for the same address is a conflict too (2.1.1). */
bool arp_claim_hear(struct arp *arp, const struct arp_message *message)
{
    struct arp_address *own = NULL;
    if (message->sender != 0) {
        own = arp_claim_find(arp, message->sender);
    } else if (message->operation == ARP_REQUEST) {
        own = arp_claim_find(arp, message->target);
        if (own != NULL && own->claim != ARP_CLAIM_PROBING) own = NULL;
    }
    if (own == NULL) return false;
    hear_conflict(arp, own, &message->sender_mac);
    return true;
}
