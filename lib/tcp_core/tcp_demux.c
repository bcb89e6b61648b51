/* tcp_demux.c - an open table with linear probing, whose holes are closed at once.
 *
 * Nothing marks where an entry was: what stood behind it moves up, so that a probe ends at the
 * first free entry however many connections have come and gone.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_demux.h"

#include "base/units.h"
#include "target/memory.h"

#define ENTRIES_MIN 64

/* ---- pairs ---- */

static bool same_address(const struct address *a, const struct address *b)
{
    return a->family == b->family && __builtin_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && same_address(&a->address, &b->address);
}

bool tcp_pair_equal(const struct tcp_pair *a, const struct tcp_pair *b)
{
    return same_endpoint(&a->peer, &b->peer) && same_endpoint(&a->local, &b->local);
}

/* What is hashed: a family's and the other's differ in length, and so do those with and without a
 * salt. */
struct ipv4_words {
    uint8_t local[4], peer[4];
    uint16_t local_port, peer_port;
    uint32_t salt[2];
};
static_assert(sizeof(struct ipv4_words) == 20, "without padding");

struct ipv6_words {
    uint8_t local[16], peer[16];
    uint16_t local_port, peer_port;
    uint32_t salt[2];
};
static_assert(sizeof(struct ipv6_words) == 44, "without padding");

static uint64_t hash_ipv4(struct siphash_key key, const struct tcp_pair *pair, const uint64_t *salt)
{
    struct ipv4_words words = { .local_port = pair->local.port, .peer_port = pair->peer.port };
    __builtin_memcpy(words.local, pair->local.address.bytes, sizeof words.local);
    __builtin_memcpy(words.peer, pair->peer.address.bytes, sizeof words.peer);
    if (salt == NULL) return siphash(key, view_from(&words, offsetof(struct ipv4_words, salt)));
    __builtin_memcpy(words.salt, salt, sizeof words.salt);
    return siphash(key, VIEW_OF(words));
}

static uint64_t hash_ipv6(struct siphash_key key, const struct tcp_pair *pair, const uint64_t *salt)
{
    struct ipv6_words words = { .local_port = pair->local.port, .peer_port = pair->peer.port };
    __builtin_memcpy(words.local, pair->local.address.bytes, sizeof words.local);
    __builtin_memcpy(words.peer, pair->peer.address.bytes, sizeof words.peer);
    if (salt == NULL) return siphash(key, view_from(&words, offsetof(struct ipv6_words, salt)));
    __builtin_memcpy(words.salt, salt, sizeof words.salt);
    return siphash(key, VIEW_OF(words));
}

uint64_t tcp_pair_hash(struct siphash_key key, const struct tcp_pair *pair, const uint64_t *salt)
{
    return pair->local.address.family == ADDRESS_IPV4 ? hash_ipv4(key, pair, salt)
                                                      : hash_ipv6(key, pair, salt);
}

/* ---- the table ---- */

enum result tcp_demux_open(struct tcp_demux *demux, size_t record_count, struct siphash_key key,
                           const struct tcp_pair *(*pair_of)(struct tcp_demux *demux,
                                                             uint32_t reference))
{
    assert_that(record_count, <=, TCP_DEMUX_INDEX_MAX);
    size_t entry_count = ENTRIES_MIN;
    while (entry_count < record_count * 2)
        entry_count *= 2;
    struct span memory;
    enum result result = memory_take(entry_count * sizeof(struct tcp_demux_entry), &memory);
    if (result != OK) return result;
    void *entries = memory.bytes;
    *demux = (struct tcp_demux){
        .memory = memory,
        .entries = entries,
        .mask = (uint32_t)(entry_count - 1),
        .key = key,
        .pair_of = pair_of,
    };
    return OK;
}

void tcp_demux_close(struct tcp_demux *demux)
{
    memory_give_back(demux->memory);
    demux->memory = (struct span){ 0 };
}

uint32_t tcp_demux_hash(const struct tcp_demux *demux, const struct tcp_pair *pair)
{
    return (uint32_t)tcp_pair_hash(demux->key, pair, NULL);
}

uint32_t tcp_demux_find_hashed(struct tcp_demux *demux, const struct tcp_pair *pair, uint32_t hash)
{
    for (uint32_t i = hash & demux->mask;; i = (i + 1) & demux->mask) {
        struct tcp_demux_entry entry = demux->entries[i];
        if (entry.reference == TCP_DEMUX_NONE) return TCP_DEMUX_NONE;
        if (entry.hash == hash && tcp_pair_equal(demux->pair_of(demux, entry.reference), pair))
            return entry.reference;
    }
}

uint32_t tcp_demux_find(struct tcp_demux *demux, const struct tcp_pair *pair)
{
    if (demux->last_reference != TCP_DEMUX_NONE && tcp_pair_equal(&demux->last_pair, pair))
        return demux->last_reference;
    uint32_t reference = tcp_demux_find_hashed(demux, pair, tcp_demux_hash(demux, pair));
    if (reference == TCP_DEMUX_NONE) return TCP_DEMUX_NONE;
    demux->last_pair = *pair;
    demux->last_reference = reference;
    return reference;
}

void tcp_demux_insert(struct tcp_demux *demux, uint32_t hash, uint32_t reference)
{
    assert(reference != TCP_DEMUX_NONE);
    assert_that(demux->used, <, demux->mask);
    uint32_t i = hash & demux->mask;
    while (demux->entries[i].reference != TCP_DEMUX_NONE)
        i = (i + 1) & demux->mask;
    demux->entries[i] = (struct tcp_demux_entry){ .hash = hash, .reference = reference };
    demux->used++;
}

/* Moves up what stands behind `hole` and was meant to be at it or before. */
static void close_hole(struct tcp_demux *demux, uint32_t hole)
{
    for (uint32_t i = (hole + 1) & demux->mask;; i = (i + 1) & demux->mask) {
        struct tcp_demux_entry entry = demux->entries[i];
        if (entry.reference == TCP_DEMUX_NONE) break;
        uint32_t from_home = (i - entry.hash) & demux->mask;
        if (from_home < ((i - hole) & demux->mask)) continue;
        demux->entries[hole] = entry;
        hole = i;
    }
    demux->entries[hole] = (struct tcp_demux_entry){ 0 };
}

void tcp_demux_remove(struct tcp_demux *demux, uint32_t hash, uint32_t reference)
{
    uint32_t i = hash & demux->mask;
    while (demux->entries[i].reference != reference) {
        assert(demux->entries[i].reference != TCP_DEMUX_NONE);
        i = (i + 1) & demux->mask;
    }
    close_hole(demux, i);
    demux->used--;
    if (demux->last_reference == reference) demux->last_reference = TCP_DEMUX_NONE;
}
