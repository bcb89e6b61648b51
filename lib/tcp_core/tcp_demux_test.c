/* tcp_demux_test.c - every record is found by its pair and no other, however many come and go.
 *
 * SPDX-License-Identifier: ISC */
#include "tcp_core/tcp_demux.h"

#include "target/clock.h"
#include "target/memory.h"
#include "tcp_core/tcp_limit.h"
#include "test/test.h"

#define KEY ((struct siphash_key){ 0x0123456789abcdef, 0xfedcba9876543210 })

static struct tcp_demux demux;
static struct span memory;
static struct tcp_pair *pairs;

static const struct tcp_pair *pair_of(struct tcp_demux *of, uint32_t reference)
{
    expect(of == &demux);
    return &pairs[tcp_reference_index(reference)];
}

static void open_with(size_t count)
{
    expect_ok(memory_take(count * sizeof *pairs, &memory));
    void *bytes = memory.bytes;
    pairs = bytes;
    expect_ok(tcp_demux_open(&demux, count, KEY, pair_of));
}

static void close_it(void)
{
    expect_that(demux.used, ==, 0);
    tcp_demux_close(&demux);
    memory_give_back(memory);
}

static struct tcp_pair ipv4_pair(uint32_t number)
{
    return (struct tcp_pair){
        .local = { address_ipv4(192, 0, 2, 1), 80 },
        .peer = { address_ipv4(10, (uint8_t)(number >> 24), (uint8_t)(number >> 16), 1),
                  (uint16_t)number },
    };
}

static void insert(uint32_t index, struct tcp_pair pair)
{
    pairs[index] = pair;
    tcp_demux_insert(&demux, tcp_demux_hash(&demux, &pair),
                     tcp_reference(TCP_DEMUX_CONNECTION, index));
}

static void take_out(uint32_t index)
{
    tcp_demux_remove(&demux, tcp_demux_hash(&demux, &pairs[index]),
                     tcp_reference(TCP_DEMUX_CONNECTION, index));
}

TEST(a_reference_tells_its_kind_and_index)
{
    for (uint32_t index = 0; index < 100000; index += 999) {
        for (unsigned kind = TCP_DEMUX_CONNECTION; kind <= TCP_DEMUX_TIME_WAIT; kind++) {
            uint32_t reference = tcp_reference((enum tcp_demux_kind)kind, index);
            expect(reference != TCP_DEMUX_NONE);
            expect_that(tcp_reference_kind(reference), ==, kind);
            expect_that(tcp_reference_index(reference), ==, index);
        }
    }
}

TEST(pairs_that_differ_in_anything_are_different)
{
    struct tcp_pair pair = ipv4_pair(7);
    struct tcp_pair others[] = { pair, pair, pair, pair, pair, pair };
    others[0].local.port++;
    others[1].peer.port++;
    others[2].local.address.bytes[3]++;
    others[3].peer.address.bytes[0]++;
    others[4].local.address.family = others[4].peer.address.family = ADDRESS_IPV6;
    others[5] = (struct tcp_pair){ pair.peer, pair.local };
    expect(tcp_pair_equal(&pair, &pair));
    uint64_t hash = tcp_pair_hash(KEY, &pair, NULL);
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        expect(!tcp_pair_equal(&pair, &others[i]));
        expect(tcp_pair_hash(KEY, &others[i], NULL) != hash);
    }
}

TEST(a_hash_depends_on_the_key_and_on_the_salt)
{
    struct tcp_pair pair = ipv4_pair(7);
    struct siphash_key other = KEY;
    other.k1++;
    uint64_t salts[] = { 0, 1, (uint64_t)1 << 63 };
    uint64_t hash = tcp_pair_hash(KEY, &pair, NULL);
    expect(tcp_pair_hash(other, &pair, NULL) != hash);
    for (size_t i = 0; i < LENGTH_OF(salts); i++)
        expect(tcp_pair_hash(KEY, &pair, &salts[i]) != hash);
    expect(tcp_pair_hash(KEY, &pair, &salts[0]) != tcp_pair_hash(KEY, &pair, &salts[2]));
}

TEST(every_record_is_found_while_it_is_there_and_not_afterwards)
{
    enum { COUNT = 5000, ROUNDS = 60000 };
    static bool present[COUNT];
    open_with(COUNT);
    uint64_t state = 3;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t index = (uint32_t)(test_random(&state) % COUNT);
        if (present[index])
            take_out(index);
        else
            insert(index, ipv4_pair(index));
        present[index] = !present[index];
        uint32_t probe = (uint32_t)(test_random(&state) % COUNT);
        struct tcp_pair pair = ipv4_pair(probe);
        uint32_t wanted = present[probe] ? tcp_reference(TCP_DEMUX_CONNECTION, probe)
                                         : TCP_DEMUX_NONE;
        expect_that(tcp_demux_find(&demux, &pair), ==, wanted);
    }
    for (uint32_t index = 0; index < COUNT; index++) {
        struct tcp_pair pair = ipv4_pair(index);
        expect_that(tcp_demux_find(&demux, &pair) != TCP_DEMUX_NONE, ==, present[index]);
        if (present[index]) take_out(index);
        present[index] = false;
    }
    close_it();
}

TEST(records_of_one_hash_are_told_apart)
{
    open_with(8);
    for (uint32_t index = 0; index < 8; index++) {
        pairs[index] = ipv4_pair(index);
        tcp_demux_insert(&demux, 12345, tcp_reference(TCP_DEMUX_SYN, index));
    }
    for (uint32_t index = 0; index < 8; index++)
        expect_that(tcp_demux_find_hashed(&demux, &pairs[index], 12345), ==,
                    tcp_reference(TCP_DEMUX_SYN, index));
    for (uint32_t index = 0; index < 8; index += 2)
        tcp_demux_remove(&demux, 12345, tcp_reference(TCP_DEMUX_SYN, index));
    for (uint32_t index = 0; index < 8; index++)
        expect_that(tcp_demux_find_hashed(&demux, &pairs[index], 12345), ==,
                    index % 2 == 0 ? TCP_DEMUX_NONE : tcp_reference(TCP_DEMUX_SYN, index));
    for (uint32_t index = 1; index < 8; index += 2)
        tcp_demux_remove(&demux, 12345, tcp_reference(TCP_DEMUX_SYN, index));
    close_it();
}

TEST(entries_that_wrap_round_the_tables_end_are_closed_up)
{
    open_with(8);
    uint32_t last = demux.mask;
    for (uint32_t index = 0; index < 8; index++) {
        pairs[index] = ipv4_pair(index);
        tcp_demux_insert(&demux, last - 1 + index % 2, tcp_reference(TCP_DEMUX_SYN, index));
    }
    for (uint32_t removed = 0; removed < 8; removed++) {
        tcp_demux_remove(&demux, last - 1 + removed % 2, tcp_reference(TCP_DEMUX_SYN, removed));
        for (uint32_t index = removed + 1; index < 8; index++)
            expect_that(tcp_demux_find_hashed(&demux, &pairs[index], last - 1 + index % 2), ==,
                        tcp_reference(TCP_DEMUX_SYN, index));
    }
    close_it();
}

TEST(the_record_found_last_is_forgotten_when_it_goes)
{
    open_with(2);
    struct tcp_pair pair = ipv4_pair(9);
    insert(0, pair);
    expect(tcp_demux_find(&demux, &pair) != TCP_DEMUX_NONE);
    take_out(0);
    expect_that(tcp_demux_find(&demux, &pair), ==, TCP_DEMUX_NONE);
    insert(1, pair);
    expect_that(tcp_demux_find(&demux, &pair), ==, tcp_reference(TCP_DEMUX_CONNECTION, 1));
    take_out(1);
    close_it();
}

/* 100,000 connections: no probe is long, in the table as full as it ever gets. */
TEST(probes_stay_short_with_a_hundred_thousand_records)
{
    enum { COUNT = 100000 };
    open_with(COUNT);
    for (uint32_t index = 0; index < COUNT; index++)
        insert(index, ipv4_pair(index * 7));
    uint32_t longest = 0, run = 0;
    for (uint32_t i = 0; i <= demux.mask; i++) {
        run = demux.entries[i].reference == TCP_DEMUX_NONE ? 0 : run + 1;
        longest = MAX(longest, run);
    }
    expect_that(longest, <, 64);

    uint64_t state = 5, before_ns = clock_monotonic_ns();
    for (int i = 0; i < 200000; i++) {
        uint32_t index = (uint32_t)(test_random(&state) % COUNT);
        expect_that(tcp_demux_find(&demux, &pairs[index]), ==,
                    tcp_reference(TCP_DEMUX_CONNECTION, index));
    }
    /* Generous, for a busy machine and sanitizers: a walk over all of them would take minutes. */
    expect_that(clock_monotonic_ns() - before_ns, <, 5 * S_NS);
    for (uint32_t index = 0; index < COUNT; index++)
        take_out(index);
    close_it();
}

TEST(a_limit_gives_its_burst_and_then_its_rate)
{
    struct tcp_limit limit = { 0 };
    uint64_t now_ns = 100 * S_NS;
    for (int i = 0; i < 5; i++)
        expect(tcp_limit_take(&limit, now_ns, MS_NS, 5));
    expect(!tcp_limit_take(&limit, now_ns, MS_NS, 5));
    expect(tcp_limit_take(&limit, now_ns + MS_NS, MS_NS, 5));
    expect(!tcp_limit_take(&limit, now_ns + MS_NS, MS_NS, 5));

    unsigned taken = 0;
    for (uint64_t i = 0; i < 100000; i++)
        taken += tcp_limit_take(&limit, now_ns + S_NS + i * (10 * US_NS), MS_NS, 5);
    expect(taken >= 1000 && taken <= 1006);
}
