/* http_target_test.c - targets, authorities and paths.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_target.h"
#include "test/test.h"

static uint8_t room[256];

static void decodes_to(struct view encoded, struct view wanted)
{
    struct view path;
    struct view guarded = test_guarded(encoded);
    expect_that(http_path_decode(guarded, SPAN_OF(room), &path).status, ==, 0);
    expect_view(path, wanted);
}

static void path_refused(struct view encoded)
{
    struct view path;
    expect_that(http_path_decode(encoded, SPAN_OF(room), &path).status, ==, 400);
}

TEST(http_path_decodes)
{
    decodes_to(VIEW("/"), VIEW("/"));
    decodes_to(VIEW(""), VIEW("/"));
    decodes_to(VIEW("/a/b.html"), VIEW("/a/b.html"));
    decodes_to(VIEW("/a%20b%2e%C3%a4"), VIEW("/a b.\xc3\xa4"));
    decodes_to(VIEW("/a//b/"), VIEW("/a//b/"));
    decodes_to(VIEW("/100%25"), VIEW("/100%"));
    decodes_to(VIEW("/%2525"), VIEW("/%25"));
    decodes_to(VIEW("/.hidden/..x/x../..."), VIEW("/.hidden/..x/x../..."));
}

TEST(http_path_removes_dots)
{
    decodes_to(VIEW("/."), VIEW("/"));
    decodes_to(VIEW("/./"), VIEW("/"));
    decodes_to(VIEW("/a/."), VIEW("/a/"));
    decodes_to(VIEW("/a/./b"), VIEW("/a/b"));
    decodes_to(VIEW("/a/../b"), VIEW("/b"));
    decodes_to(VIEW("/a/.."), VIEW("/"));
    decodes_to(VIEW("/a/b/../"), VIEW("/a/"));
    decodes_to(VIEW("/a/b/c/./../../g"), VIEW("/a/g"));
    decodes_to(VIEW("/a/%2E%2e/b"), VIEW("/b"));
    decodes_to(VIEW("/a//../b"), VIEW("/a/b"));
}

TEST(http_path_refuses)
{
    path_refused(VIEW("/.."));
    path_refused(VIEW("/../"));
    path_refused(VIEW("/../etc/passwd"));
    path_refused(VIEW("/a/../../b"));
    path_refused(VIEW("/%2e%2e/b"));
    path_refused(VIEW("/.%2e/b"));
    path_refused(VIEW("/a/%2e./.%2e/b"));
    path_refused(VIEW("/a%2fb"));
    path_refused(VIEW("/a%2Fb"));
    path_refused(VIEW("/a%00b"));
    path_refused(VIEW("/a%"));
    path_refused(VIEW("/a%2"));
    path_refused(VIEW("/a%2g"));
    path_refused(VIEW("/a%%20"));
    path_refused(VIEW("/a% 2"));
}

static struct http_target target;

static unsigned split(struct view text, enum http_method method)
{
    return http_target_split(text, method, &target).status;
}

TEST(http_target_splits)
{
    expect_that(split(VIEW("/a/b?c=d?e"), HTTP_GET), ==, 0);
    expect_view(target.path, VIEW("/a/b"));
    expect_view(target.query, VIEW("c=d?e"));
    expect_that(split(VIEW("/?"), HTTP_GET), ==, 0);
    expect_that(target.query.length_bytes, ==, 0);
    expect_that(split(VIEW("//a/b"), HTTP_GET), ==, 0);
    expect_view(target.path, VIEW("//a/b"));
    expect_that(split(VIEW("HTTP://Example.org:80/a?b"), HTTP_GET), ==, 0);
    expect_view(target.authority, VIEW("Example.org:80"));
    expect_view(target.path, VIEW("/a"));
    expect_view(target.query, VIEW("b"));
    expect_that(split(VIEW("http://a?b"), HTTP_GET), ==, 0);
    expect_that(target.path.length_bytes, ==, 0);
    expect_view(target.query, VIEW("b"));
    expect_that(split(VIEW("*"), HTTP_OPTIONS), ==, 0);
    expect(target.is_asterisk);
}

TEST(http_target_refuses)
{
    const struct view bad[] = {
        VIEW("*"),           VIEW("a:80"),          VIEW("index.html"), VIEW("http:/a"),
        VIEW("http://"),     VIEW("http:///a"),     VIEW("https://a/"), VIEW("http://u@a/"),
        VIEW("http://a:x/"), VIEW("http://[::1/x"), VIEW("?a"),         VIEW("/a#b"),
        VIEW("**"),          VIEW("ftp://a/"),      VIEW("/a b"),
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_that(split(bad[i], HTTP_GET), ==, 400);
}

TEST(http_authority_splits)
{
    struct view host;
    uint16_t port;
    expect(http_authority_split(VIEW("a.example:8080"), &host, &port));
    expect_view(host, VIEW("a.example"));
    expect_that(port, ==, 8080);
    expect(http_authority_split(VIEW("[::ffff:192.0.2.1]"), &host, &port));
    expect_view(host, VIEW("[::ffff:192.0.2.1]"));
    expect_that(port, ==, 0);
    expect(http_authority_split(VIEW("a:"), &host, &port));
    expect(!http_authority_split(VIEW("[]"), &host, &port));
    expect(!http_authority_split(VIEW("[::1]x"), &host, &port));
    expect(!http_authority_split(VIEW("a:123456"), &host, &port));
    expect(!http_authority_split(VIEW("a:b:c"), &host, &port));
    expect(!http_authority_split(VIEW("a%20b"), &host, &port));
}
