/* http_condition_test.c - conditional requests, in the order of RFC 9110 13.2.2.
 *
 * SPDX-License-Identifier: ISC */
#include "http_pages/http_condition.h"

#include "test/test.h"

#define BEFORE VIEW("Sun, 06 Nov 1994 08:49:36 GMT")
#define SAME   VIEW("Sun, 06 Nov 1994 08:49:37 GMT")
#define AFTER  VIEW("Sun, 06 Nov 1994 08:49:38 GMT")

/* 0.5 s after the second that SAME names */
static const struct http_validators ours = {
    { (const uint8_t *)"\"xyz\"", 5 },
    784111777ull * 1000000000 + 500000000,
};

static enum http_condition check(enum http_method method, const struct http_field fields[],
                                 size_t count)
{
    struct http_request request = { .method = method, .fields = fields, .field_count = count };
    return http_condition_check(&request, &ours);
}

static enum http_condition check_one(enum http_method method, struct view name, struct view value)
{
    struct http_field field = { name, test_guarded(value) };
    return check(method, &field, 1);
}

TEST(http_condition_none_holds)
{
    expect_that(check(HTTP_GET, NULL, 0), ==, HTTP_CONDITION_HOLDS);
}

TEST(http_condition_if_none_match)
{
    struct view name = VIEW("If-None-Match");
    expect_that(check_one(HTTP_GET, name, VIEW("\"xyz\"")), ==, HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_HEAD, name, VIEW("W/\"xyz\"")), ==, HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_GET, name, VIEW("*")), ==, HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_GET, name, VIEW("\"a,b\", ,\"xyz\"")), ==,
                HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_GET, name, VIEW("\"xy\", \"xyz1\"")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("xyz")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("\"xyz")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("W/")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_PUT, name, VIEW("*")), ==, HTTP_CONDITION_FAILED);
}

TEST(http_condition_if_match_compares_strongly)
{
    struct view name = VIEW("If-Match");
    expect_that(check_one(HTTP_GET, name, VIEW("\"a\", \"xyz\"")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("*")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, name, VIEW("W/\"xyz\"")), ==, HTTP_CONDITION_FAILED);
    expect_that(check_one(HTTP_GET, name, VIEW("\"a\"")), ==, HTTP_CONDITION_FAILED);
}

TEST(http_condition_dates_count_in_whole_seconds)
{
    struct view modified = VIEW("If-Modified-Since"), unmodified = VIEW("If-Unmodified-Since");
    expect_that(check_one(HTTP_GET, modified, BEFORE), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, modified, SAME), ==, HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_GET, modified, AFTER), ==, HTTP_CONDITION_NOT_MODIFIED);
    expect_that(check_one(HTTP_POST, modified, SAME), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, modified, VIEW("yesterday")), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, unmodified, BEFORE), ==, HTTP_CONDITION_FAILED);
    expect_that(check_one(HTTP_GET, unmodified, SAME), ==, HTTP_CONDITION_HOLDS);
    expect_that(check_one(HTTP_GET, unmodified, VIEW("never")), ==, HTTP_CONDITION_HOLDS);
}

TEST(http_condition_date_that_stands_twice_is_ignored)
{
    struct http_field twice[] = { { VIEW("If-Modified-Since"), SAME },
                                  { VIEW("If-Modified-Since"), SAME } };
    expect_that(check(HTTP_GET, twice, 2), ==, HTTP_CONDITION_HOLDS);
}

TEST(http_condition_tags_come_before_dates)
{
    struct http_field reads[] = { { VIEW("If-Modified-Since"), SAME },
                                  { VIEW("If-None-Match"), VIEW("\"other\"") } };
    expect_that(check(HTTP_GET, reads, 2), ==, HTTP_CONDITION_HOLDS);
    struct http_field writes[] = { { VIEW("If-Unmodified-Since"), BEFORE },
                                   { VIEW("If-Match"), VIEW("\"xyz\"") } };
    expect_that(check(HTTP_GET, writes, 2), ==, HTTP_CONDITION_HOLDS);
    struct http_field both[] = { { VIEW("If-None-Match"), VIEW("\"xyz\"") },
                                 { VIEW("if-match"), VIEW("\"other\"") } };
    expect_that(check(HTTP_GET, both, 2), ==, HTTP_CONDITION_FAILED);
}

TEST(http_condition_a_list_may_be_spread_over_fields)
{
    struct http_field fields[] = { { VIEW("If-None-Match"), VIEW("\"other\"") },
                                   { VIEW("Accept"), VIEW("\"xyz\"") },
                                   { VIEW("IF-NONE-MATCH"), VIEW("\"xyz\"") } };
    expect_that(check(HTTP_GET, fields, 2), ==, HTTP_CONDITION_HOLDS);
    expect_that(check(HTTP_GET, fields, 3), ==, HTTP_CONDITION_NOT_MODIFIED);
}

static bool range_counts(struct view if_range, uint64_t wall_ns)
{
    struct http_field field = { VIEW("If-Range"), if_range };
    struct http_request request = { .fields = &field, .field_count = 1 };
    return http_condition_range_counts(&request, &ours, wall_ns);
}

TEST(http_condition_if_range_names_this_very_version)
{
    uint64_t later_ns = ours.modified_ns + 2 * S_NS;
    expect(http_condition_range_counts(&(struct http_request){ 0 }, &ours, later_ns));
    expect(range_counts(VIEW("\"xyz\""), later_ns));
    expect(!range_counts(VIEW("\"other\""), later_ns));
    expect(!range_counts(VIEW("W/\"xyz\""), later_ns));
    expect(!range_counts(VIEW("\"xyz\", \"other\""), later_ns));
    expect(range_counts(SAME, later_ns));
    expect(!range_counts(AFTER, later_ns)); /* an exact match, not a comparison */
    expect(!range_counts(BEFORE, later_ns));
    expect(!range_counts(SAME, ours.modified_ns)); /* it may yet change in that second */
    expect(!range_counts(VIEW("soon"), later_ns));
}
