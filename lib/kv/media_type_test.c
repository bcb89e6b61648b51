/* media_type_test.c - extensions, and what has none.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/media_type.h"

#include "test/test.h"

TEST(media_type_by_extension)
{
    expect_view(media_type_of(VIEW("index.html")), VIEW("text/html; charset=utf-8"));
    expect_view(media_type_of(VIEW("a.b/c.d/PHOTO.JPeG")), VIEW("image/jpeg"));
    expect_view(media_type_of(VIEW("a.min.js")), VIEW("text/javascript; charset=utf-8"));
    expect_view(media_type_of(VIEW("logo.svg")), VIEW("image/svg+xml"));
    expect_view(media_type_of(VIEW("feed.atom")), VIEW("application/atom+xml"));
    expect_view(media_type_of(VIEW("first.aac")), VIEW("audio/aac"));
    expect_view(media_type_of(VIEW("last.zst")), VIEW("application/zstd"));
}

TEST(media_type_unknown)
{
    static const char *const unknown[] = {
        "",         "README", "html",      ".html",   "a/.html",
        "a.html/b", "a.",     "a.nothing", "a.html~", "a.averyveryverylongextension",
    };
    for (size_t i = 0; i < LENGTH_OF(unknown); i++)
        expect(view_is_empty(media_type_of(view_from_string(unknown[i]))));
}

TEST(media_type_compressed)
{
    expect(media_type_is_compressed(VIEW("a.png")));
    expect(media_type_is_compressed(VIEW("a.WOFF2")));
    expect(!media_type_is_compressed(VIEW("a.html")));
    expect(!media_type_is_compressed(VIEW("a.svg")));
    expect(!media_type_is_compressed(VIEW("a")));
}

/* A binary search needs them in order: each row must find itself. */
TEST(media_type_finds_every_row)
{
    static const char *const rows[] = {
        "aac",  "apng", "atom", "avif", "bin",  "bmp",   "c",    "conf", "css",  "csv",  "docx",
        "dot",  "eot",  "epub", "flac", "gif",  "glb",   "gv",   "gz",   "h",    "heic", "htm",
        "html", "ico",  "ics",  "jar",  "jpeg", "jpg",   "js",   "json", "jxl",  "log",  "m3u8",
        "m4a",  "m4v",  "map",  "md",   "mid",  "mjs",   "mkv",  "mov",  "mp3",  "mp4",  "mpeg",
        "obj",  "odt",  "oga",  "ogg",  "ogv",  "opus",  "otf",  "pdf",  "png",  "pptx", "ps",
        "rss",  "rtf",  "sql",  "stl",  "svg",  "text",  "tif",  "toml", "tsv",  "ttc",  "ttf",
        "txt",  "vcf",  "vtt",  "wasm", "wav",  "webp",  "weba", "webm", "woff", "xml",  "xlsx",
        "xsl",  "yaml", "yml",  "zip",  "zst",  "xhtml",
    };
    uint8_t name[16] = "a.";
    for (size_t i = 0; i < LENGTH_OF(rows); i++) {
        struct view row = view_from_string(rows[i]);
        (void)span_copy(span_from_offset(SPAN_OF(name), 2), row);
        expect(!view_is_empty(media_type_of(view_from(name, row.length_bytes + 2))));
    }
}
