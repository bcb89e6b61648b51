/* table_test.c - the hash of the paper, and the table beside a plain array.
 *
 * SPDX-License-Identifier: ISC */
#include "base/table.h"

#include "base/units.h"
#include "test/death.h"
#include "test/test.h"

/* The key 00 01 .. 0f of the paper's appendix A. */
static const struct siphash_key paper_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* Of the inputs "", 00, 00 01, and so on: that of 15 bytes is the paper's example, the others are
 * of the authors' reference implementation. */
TEST(siphash_gives_the_published_values)
{
    static const struct {
        size_t length;
        uint64_t hash;
    } published[] = {
        { 0, 0x726fdb47dd0e0e31 },  { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },
        { 3, 0x85676696d7fb7e2d },  { 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
        { 15, 0xa129ca6149be45e5 },
    };
    uint8_t input[64];
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)i;
    for (size_t i = 0; i < LENGTH_OF(published); i++) {
        struct view bytes = test_guarded(view_first(VIEW_OF(input), published[i].length));
        expect_that(siphash(paper_key, bytes), ==, published[i].hash);
    }
}

/* Any bit of the input, of its length or of the key changes about half of the hash. */
TEST(siphash_mixes_every_bit)
{
    uint8_t input[24] = { 0 };
    uint64_t before = siphash(paper_key, VIEW_OF(input));
    for (size_t bit = 0; bit < 8 * sizeof input; bit++) {
        input[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int changed = __builtin_popcountll(before ^ siphash(paper_key, VIEW_OF(input)));
        expect(changed > 10 && changed < 54);
        input[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        struct siphash_key key = paper_key;
        key.k1 ^= (uint64_t)1 << bit;
        int changed = __builtin_popcountll(before ^ siphash(key, VIEW_OF(input)));
        expect(changed > 10 && changed < 54);
    }
    for (size_t length = 0; length < sizeof input; length++)
        expect(siphash(paper_key, view_first(VIEW_OF(input), length)) != before);
}

/* ---- the table ---- */

#define SESSIONS 500
#define BUCKETS  64

struct session {
    uint64_t id;
    bool is_in;
    struct table_node node;
};

static struct session sessions[SESSIONS];
static struct table_node *buckets[BUCKETS];
static struct table table;

static void begin(void)
{
    for (size_t i = 0; i < BUCKETS; i++)
        buckets[i] = (struct table_node *)(void *)&table; /* table_init clears them */
    table_init(&table, buckets, BUCKETS, paper_key);
    for (uint64_t i = 0; i < SESSIONS; i++)
        sessions[i] = (struct session){ .id = i * 1000 };
}

static struct session *find(uint64_t id)
{
    uint64_t hash = table_hash(&table, VIEW_OF(id));
    for (struct table_node *node = table_find(&table, hash); node != NULL;
         node = table_find_next(node)) {
        struct session *session = CONTAINER_OF(node, struct session, node);
        if (session->id == id) return session;
    }
    return NULL;
}

TEST(table_finds_what_is_in_it)
{
    uint64_t seed = 9;
    size_t count = 0;
    begin();
    for (unsigned round = 0; round < 50000; round++) {
        struct session *session = &sessions[test_random(&seed) % SESSIONS];
        expect(find(session->id) == (session->is_in ? session : NULL));
        expect(find(session->id + 1) == NULL);
        if (session->is_in) {
            table_remove(&table, &session->node);
            count--;
        } else {
            table_insert(&table, &session->node, table_hash(&table, VIEW_OF(session->id)));
            count++;
        }
        session->is_in = !session->is_in;
        expect_that(table.node_count, ==, count);
    }
    for (size_t i = 0; i < SESSIONS; i++)
        expect(find(sessions[i].id) == (sessions[i].is_in ? &sessions[i] : NULL));
}

/* Nodes of one hash are all found, and those that only share the bucket are not. */
TEST(table_tells_equal_hashes_apart)
{
    begin();
    for (size_t i = 0; i < 10; i++)
        table_insert(&table, &sessions[i].node, i % 2 == 0 ? 5 : 5 + BUCKETS);
    size_t count = 0;
    for (struct table_node *node = table_find(&table, 5); node != NULL;
         node = table_find_next(node)) {
        expect(CONTAINER_OF(node, struct session, node)->id % 2000 == 0);
        count++;
    }
    expect_that(count, ==, 5);
    expect(table_find(&table, 5 + 2 * BUCKETS) == NULL);
    table_remove(&table, &sessions[4].node);
    table_remove(&table, &sessions[0].node);
    count = 0;
    for (struct table_node *node = table_find(&table, 5); node != NULL;
         node = table_find_next(node))
        count++;
    expect_that(count, ==, 3);
}

/* With a key that nobody knows, keys spread over the buckets however they are chosen. */
TEST(table_spreads)
{
    unsigned longest = 0;
    begin();
    for (size_t i = 0; i < SESSIONS; i++)
        table_insert(&table, &sessions[i].node, table_hash(&table, VIEW_OF(sessions[i].id)));
    for (size_t i = 0; i < BUCKETS; i++) {
        unsigned length = 0;
        for (const struct table_node *node = buckets[i]; node != NULL; node = node->next)
            length++;
        longest = MAX(longest, length);
    }
    expect_that(longest, <, 4 * SESSIONS / BUCKETS);
}

static void remove_what_is_not_in(void)
{
    begin();
    table_insert(&table, &sessions[0].node, 1);
    table_remove(&table, &sessions[1].node);
}

static void init_odd(void)
{
    table_init(&table, buckets, BUCKETS - 1, paper_key);
}

TEST(table_holds_its_contract)
{
    expect_death(remove_what_is_not_in, "*link != NULL");
    expect_death(init_odd, "bucket_count");
}
