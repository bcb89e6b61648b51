/* http_url_test.c - the parts of URLs, and RFC 3986's own examples of references.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http_url.h"

#include "test/test.h"

struct example {
    const char *reference, *meaning;
};

/* RFC 3986 5.4.1 and 5.4.2, from http://a/b/c/d;p?q */
static const struct example examples[] = {
    { "g:h", "g:h" },
    { "g", "http://a/b/c/g" },
    { "./g", "http://a/b/c/g" },
    { "g/", "http://a/b/c/g/" },
    { "/g", "http://a/g" },
    { "//g", "http://g" },
    { "?y", "http://a/b/c/d;p?y" },
    { "g?y", "http://a/b/c/g?y" },
    { "#s", "http://a/b/c/d;p?q#s" },
    { "g#s", "http://a/b/c/g#s" },
    { "g?y#s", "http://a/b/c/g?y#s" },
    { ";x", "http://a/b/c/;x" },
    { "g;x", "http://a/b/c/g;x" },
    { "g;x?y#s", "http://a/b/c/g;x?y#s" },
    { "", "http://a/b/c/d;p?q" },
    { ".", "http://a/b/c/" },
    { "./", "http://a/b/c/" },
    { "..", "http://a/b/" },
    { "../", "http://a/b/" },
    { "../g", "http://a/b/g" },
    { "../..", "http://a/" },
    { "../../", "http://a/" },
    { "../../g", "http://a/g" },
    { "../../../g", "http://a/g" },
    { "../../../../g", "http://a/g" },
    { "/./g", "http://a/g" },
    { "/../g", "http://a/g" },
    { "g.", "http://a/b/c/g." },
    { ".g", "http://a/b/c/.g" },
    { "g..", "http://a/b/c/g.." },
    { "..g", "http://a/b/c/..g" },
    { "./../g", "http://a/b/g" },
    { "./g/.", "http://a/b/c/g/" },
    { "g/./h", "http://a/b/c/g/h" },
    { "g/../h", "http://a/b/c/h" },
    { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
    { "g;x=1/../y", "http://a/b/c/y" },
    { "g?y/./x", "http://a/b/c/g?y/./x" },
    { "g?y/../x", "http://a/b/c/g?y/../x" },
    { "g#s/./x", "http://a/b/c/g#s/./x" },
    { "g#s/../x", "http://a/b/c/g#s/../x" },
    { "http:g", "http:g" },
    { "http://b:81/x", "http://b:81/x" },
};

TEST(http_url_resolves_the_examples_of_rfc_3986)
{
    struct http_url base, reference;
    expect_ok(http_url_parse(VIEW("http://a/b/c/d;p?q"), &base));
    for (size_t i = 0; i < LENGTH_OF(examples); i++) {
        uint8_t room[64];
        struct writer writer = writer_over(SPAN_OF(room));
        struct view text = test_guarded(view_from_string(examples[i].reference));
        expect_ok(http_url_parse(text, &reference));
        http_url_resolve(&base, &reference, &writer);
        expect(!writer.ran_short);
        expect_view(writer_view(&writer), view_from_string(examples[i].meaning));
    }
}

TEST(http_url_without_a_path_is_a_folder_for_references)
{
    struct http_url base, reference;
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    expect_ok(http_url_parse(VIEW("http://a"), &base));
    expect_ok(http_url_parse(VIEW("b"), &reference));
    http_url_resolve(&base, &reference, &writer);
    expect_view(writer_view(&writer), VIEW("http://a/b"));
}

TEST(http_url_gives_every_part)
{
    struct http_url url;
    expect_ok(http_url_parse(VIEW("http://me:secret@example.org:8080/a%20b/c?d=e&f#g"), &url));
    expect_view(url.scheme, VIEW("http"));
    expect_view(url.user, VIEW("me:secret"));
    expect_view(url.host, VIEW("example.org"));
    expect_that(url.port, ==, 8080);
    expect_view(url.path, VIEW("/a%20b/c"));
    expect_view(url.query, VIEW("d=e&f"));
    expect_view(url.fragment, VIEW("g"));
    expect_result(http_url_check(&url), INVALID); /* a user name */
}

TEST(http_url_reads_ipv6_addresses)
{
    struct http_url url;
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    expect_ok(http_url_parse(VIEW("http://[2001:db8::1]:81"), &url));
    expect_ok(http_url_check(&url));
    expect_view(url.host, VIEW("2001:db8::1"));
    expect_that(url.port, ==, 81);
    http_url_write_authority(&url, &writer);
    expect_view(writer_view(&writer), VIEW("[2001:db8::1]:81"));
}

TEST(http_url_writes_a_target_and_leaves_the_fragment)
{
    struct http_url url;
    uint8_t room[64];
    struct writer writer = writer_over(SPAN_OF(room));
    expect_ok(http_url_parse(VIEW("HTTP://Example.org:80?x#y"), &url));
    expect_ok(http_url_check(&url));
    http_url_write_target(&url, &writer);
    expect_view(writer_view(&writer), VIEW("/?x"));
    writer = writer_over(SPAN_OF(room));
    http_url_write(&url, &writer);
    expect_view(writer_view(&writer), VIEW("HTTP://Example.org?x"));
}

TEST(http_url_refuses_what_rfc_3986_does)
{
    static const char *const bad[] = {
        "http://a/b c",       "http://a/\r\nHost: b",
        "http://a/%",         "http://a/%2",
        "http://a/%gg",       "http://a:0/",
        "http://a:65536/",    "http://a:b/",
        "http://a:80:80/",    "http://[::1/",
        "http://[::1]x/",     "http://[1.2.3.4]/",
        "http://[v1.x]/",     "http://a@b@c/",
        "http://a\\b/",       "http://a/\x80",
        "1http://a/",         "://a/",
        "http://a/<b>",       "http://a/#b#c",
        "http://a/\"quote\"", "http://[fe80::1%25eth0]/",
        "http://a/{b}",       "http://a b/",
    };
    struct http_url url;
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        if (http_url_parse(test_guarded(view_from_string(bad[i])), &url) != INVALID)
            test_fail(__FILE__, __LINE__, "expected %s to be refused", bad[i]);
}

TEST(http_url_check_tells_what_this_client_can_fetch)
{
    struct http_url url;
    expect_ok(http_url_parse(VIEW("https://a/"), &url));
    expect_result(http_url_check(&url), UNSUPPORTED);
    expect_ok(http_url_parse(VIEW("/only/a/path"), &url));
    expect_result(http_url_check(&url), INVALID);
    expect_ok(http_url_parse(VIEW("http:///path"), &url));
    expect_result(http_url_check(&url), INVALID);
}

TEST(http_url_origins_ignore_case_and_the_default_port)
{
    struct http_url a, b, c;
    expect_ok(http_url_parse(VIEW("http://Example.ORG/x"), &a));
    expect_ok(http_url_parse(VIEW("HTTP://example.org:80/y"), &b));
    expect_ok(http_url_parse(VIEW("http://example.org:81/x"), &c));
    expect(http_url_same_origin(&a, &b));
    expect(!http_url_same_origin(&a, &c));
}

TEST(http_url_that_does_not_fit_says_so)
{
    struct http_url base, reference;
    expect_ok(http_url_parse(VIEW("http://a/b/c"), &base));
    expect_ok(http_url_parse(VIEW("../dd/ee"), &reference));
    uint8_t room[24];
    for (size_t length = 0; length <= sizeof room; length++) {
        struct writer writer = writer_over(span_first(SPAN_OF(room), length));
        http_url_resolve(&base, &reference, &writer);
        expect(writer.ran_short == (length < 19)); /* before "../" is taken out */
    }
}
