/* arp_private.h - what the files of this folder share: messages, the cache, our own addresses.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_ARP_PRIVATE_H
#define LOOM_ARP_PRIVATE_H

#include "arp/arp.h"

#define ARP_MESSAGE_BYTES 28 /* for Ethernet and IPv4 */

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_message {
    uint16_t operation;
    struct mac sender_mac, target_mac;
    uint32_t sender, target;
};

/* Sends a message from our station; the sender's address is ours, or 0 for a probe. A message that
 * finds no buffer or no room is lost like one on the way: whoever waits for an answer asks again.
 */
void arp_send_message(struct arp *arp, uint16_t operation, uint32_t sender, uint32_t target,
                      const struct mac *target_mac, const struct mac *destination);

/* ---- the cache (arp_cache.c) ---- */

enum result arp_cache_open(struct arp *arp, size_t count, struct siphash_key key) CHECKED;
void arp_cache_close(struct arp *arp);

/* A station says that it has `address`; `asks_us`: in a question for ours. */
void arp_cache_hear_claim(struct arp *arp, uint32_t address, const struct mac *station,
                          bool asks_us);

/* The same, in a reply to us: perhaps to a question of ours. */
void arp_cache_hear_reply(struct arp *arp, uint32_t address, const struct mac *station);

/* ---- our own addresses (arp_claim.c) ---- */

/* NULL: it is not ours. */
struct arp_address *arp_claim_find(struct arp *arp, uint32_t address);

/* Whether a neighbour can have the address: it lies in one of our prefixes, or is a gateway. */
bool arp_claim_is_neighbour(const struct arp *arp, uint32_t address);

bool arp_is_pinned(const struct arp *arp, uint32_t address);

/* The address that questions about `neighbour` come from: of its prefix, else the first. 0: none
 * is ours yet. */
uint32_t arp_claim_source_for(const struct arp *arp, uint32_t neighbour);

/* Looks whether the message is about an address of ours, from another station. True: it is, and has
 * been dealt with. */
bool arp_claim_hear(struct arp *arp, const struct arp_message *message);

void arp_claim_close(struct arp *arp);

#endif
