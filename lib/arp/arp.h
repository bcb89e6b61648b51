/* arp.h - which station has an IPv4 address (RFC 826), and whether ours is ours alone (RFC 5227).
 *
 * Nothing is learnt from strangers. An entry comes about when we ask for an address, or when a
 * neighbour on one of our prefixes asks for ours; and it changes by an answer to our own question.
 * Who asks for ours from elsewhere is answered all the same: his netmask may be another.
 * A claim that contradicts an entry makes us ask the station that we know, and only if that stays
 * silent everybody.
 *
 *              we send                    answer                     REACHABLE_NS later, we send
 *     (none) ----------> INCOMPLETE ------------------> REACHABLE <---------------.--------+
 *        ^                   |  3 questions               |  (what it looks like)  answer   |
 *        +-------------------+  unanswered                +-----------> STALE ---------> PROBE
 *        ^                                                    we send                      |
 *        +---------------------------------------------------------------------------------+
 *                                                          3 questions unanswered
 *
 * When the cache is full, what has not been used for longest gives way, but never a gateway; an
 * entry that a neighbour's question made gives way first until we use it, and never displaces one
 * in use; and questions without an answer fill at most a quarter of the cache.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ARP_H
#define LOOM_ARP_H

#include "base/agenda.h"
#include "base/list.h"
#include "base/table.h"
#include "ethernet/ethernet.h"
#include "ip/secret.h"
#include "parameter/parameter.h"

#define ARP_ADDRESSES_MAX 8
#define ARP_PINS_MAX      16

/* Packets for one neighbour, as many as the longest datagram has; then the oldest gives way. */
#define ARP_WAITING_MAX 48

struct arp_parameters {
    uint64_t entry_count;
    uint64_t waiting_count; /* packets for all neighbours; the oldest question's give way */
    bool probe;             /* ask before an address is used (RFC 5227 2.1.1): 4 to 7 s */
};
extern const struct parameter arp_parameters[];

/* Above: told what became of an address of ours, and of packets. IPv4 addresses are numbers here,
 * 192.0.2.1 being 0xc0000201. None of these waits. */
struct arp_user {
    /* The address may be used from now on: it was probed, and nobody has it. */
    void (*claimed)(struct arp_user *user, uint32_t address);
    /* Another station has it. `lost`: it is not ours, and was taken out; otherwise it was in use
     * already and is defended (RFC 5227 2.4 c). */
    void (*conflict)(struct arp_user *user, uint32_t address, const struct mac *station, bool lost);
    /* Nobody answered for `neighbour`. Takes ownership of the datagram that was to go there. */
    void (*unresolved)(struct arp_user *user, struct packet *packet, uint32_t neighbour);
};

struct arp_statistics {
    uint64_t requests_sent, replies_sent, requests_received, replies_received;
    uint64_t malformed, ignored;  /* received; ignored: nothing we would learn from */
    uint64_t conflicts, defences; /* about our own addresses */
    uint64_t contradictions;      /* about a neighbour's */
    uint64_t failures;            /* neighbours that did not answer */
    uint64_t waiting_dropped, evicted, entries_full;
};

enum arp_state { ARP_INCOMPLETE, ARP_REACHABLE, ARP_PROBE };

struct arp;

struct arp_entry {
    struct table_node node;
    struct list_node place; /* in the list that its kind is evicted from, or that of free ones */
    struct agenda_entry timer;
    struct arp *arp;
    uint32_t address;
    uint8_t state; /* enum arp_state; STALE is REACHABLE that was confirmed long ago */
    uint8_t tries; /* questions since INCOMPLETE or PROBE began */
    bool used;     /* we have sent to it */
    struct mac mac;
    uint64_t confirmed_ns, used_ns;
    struct packet *waiting; /* oldest first, by `next` */
    size_t waiting_count;
};

enum arp_claim { ARP_CLAIM_NONE, ARP_CLAIM_PROBING, ARP_CLAIM_ANNOUNCING, ARP_CLAIM_HELD };

/* One of our own. */
struct arp_address {
    struct agenda_entry timer;
    struct arp *arp;
    uint32_t address, mask;
    uint8_t claim; /* enum arp_claim */
    uint8_t sent;  /* probes or announcements */
    bool was_defended;
    uint64_t defended_ns;
};

struct arp {
    struct ethernet_protocol protocol;
    struct ethernet *ethernet;
    struct agenda *agenda;
    struct arp_user *user;
    struct arp_parameters parameters;
    struct secret_numbers random;
    struct span memory;
    struct table table;
    struct list free, incomplete, unused, used; /* the first of each gives way first */
    size_t incomplete_count, waiting_count;
    struct arp_entry *last; /* the one sent to last: bursts go to one neighbour */
    struct arp_address addresses[ARP_ADDRESSES_MAX];
    uint32_t pins[ARP_PINS_MAX];
    size_t pin_count;
    struct arp_statistics statistics;
};

/* Takes memory for the cache, and attaches to `ethernet`, whose net must carry Ethernet. FULL:
 * there is not so much memory. */
enum result arp_open(struct arp *arp, struct ethernet *ethernet, struct agenda *agenda,
                     struct arp_user *user, const struct arp_parameters *parameters,
                     struct siphash_key key) CHECKED;

/* Drops what waits, telling nobody. */
void arp_close(struct arp *arp);

/* Makes an address ours, of a prefix with this mask. Without `probe` it may be used at once, and is
 * announced (RFC 5227 2.3); with it `claimed` or `conflict` follows. FULL: no more. */
enum result arp_add_address(struct arp *arp, uint32_t address, uint32_t mask) CHECKED;
void arp_remove_address(struct arp *arp, uint32_t address);

/* Announces those that are in use anew: the link has come up, and whoever is there now may know of
 * another station that had them. What is being probed goes on. */
void arp_announce(struct arp *arp);

/* Never to be evicted: a gateway. It may lie outside our prefixes. FULL: no more. */
enum result arp_pin(struct arp *arp, uint32_t address) CHECKED;

/* Sends a datagram to a neighbour, or keeps it until its station is known. Takes ownership,
 * whatever the result. FULL as ethernet_send. */
enum result arp_send(struct arp *arp, struct packet *packet, uint32_t neighbour) CHECKED;

/* Somebody hears nothing through this neighbour: it is asked at once whether it is still there, and
 * forgotten when it does not answer. Nothing, where it is not known or being asked already. */
void arp_doubt(struct arp *arp, uint32_t neighbour);

/* What is known of a neighbour, for tests and figures; NULL: nothing. */
const struct arp_entry *arp_find(const struct arp *arp, uint32_t address);

#endif
