/* media_type.c - extensions in alphabetical order, their media types, and a binary search.
 *
 * SPDX-License-Identifier: ISC */
#include "kv/media_type.h"

#include "base/units.h"

#define EXTENSION_MAX 16

struct media_type {
    struct view extension;
    struct view name;
    bool is_compressed;
};

#define ROW(suffix, media, packed) \
    { \
        .extension = VIEW_ROW(suffix), .name = VIEW_ROW(media), .is_compressed = (packed) \
    }
#define PLAIN(suffix, media)  ROW(suffix, media, false)
#define PACKED(suffix, media) ROW(suffix, media, true)

/* application/rss+xml is the one name here that is not registered; every reader of feeds expects
 * it. */
static const struct media_type media_types[] = {
    PACKED("aac", "audio/aac"),
    PACKED("apng", "image/apng"),
    PLAIN("atom", "application/atom+xml"),
    PACKED("avif", "image/avif"),
    PLAIN("bin", "application/octet-stream"),
    PLAIN("bmp", "image/bmp"),
    PLAIN("c", "text/plain; charset=utf-8"),
    PLAIN("conf", "text/plain; charset=utf-8"),
    PLAIN("css", "text/css; charset=utf-8"),
    PLAIN("csv", "text/csv; charset=utf-8"),
    PACKED("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    PLAIN("dot", "text/vnd.graphviz; charset=utf-8"),
    PLAIN("eot", "application/vnd.ms-fontobject"),
    PACKED("epub", "application/epub+zip"),
    PACKED("flac", "audio/flac"),
    PLAIN("geojson", "application/geo+json"),
    PACKED("gif", "image/gif"),
    PACKED("glb", "model/gltf-binary"),
    PLAIN("gltf", "model/gltf+json"),
    PLAIN("gv", "text/vnd.graphviz; charset=utf-8"),
    PACKED("gz", "application/gzip"),
    PLAIN("h", "text/plain; charset=utf-8"),
    PACKED("heic", "image/heic"),
    PLAIN("htm", "text/html; charset=utf-8"),
    PLAIN("html", "text/html; charset=utf-8"),
    PLAIN("ico", "image/vnd.microsoft.icon"),
    PLAIN("ics", "text/calendar; charset=utf-8"),
    PACKED("jar", "application/java-archive"),
    PACKED("jpeg", "image/jpeg"),
    PACKED("jpg", "image/jpeg"),
    PLAIN("js", "text/javascript; charset=utf-8"),
    PLAIN("json", "application/json"),
    PLAIN("jsonld", "application/ld+json"),
    PACKED("jxl", "image/jxl"),
    PLAIN("log", "text/plain; charset=utf-8"),
    PLAIN("m3u8", "application/vnd.apple.mpegurl"),
    PACKED("m4a", "audio/mp4"),
    PACKED("m4v", "video/mp4"),
    PLAIN("map", "application/json"),
    PLAIN("md", "text/markdown; charset=utf-8"),
    PLAIN("mid", "audio/midi"),
    PLAIN("mjs", "text/javascript; charset=utf-8"),
    PACKED("mkv", "video/matroska"),
    PACKED("mov", "video/quicktime"),
    PACKED("mp3", "audio/mpeg"),
    PACKED("mp4", "video/mp4"),
    PACKED("mpeg", "video/mpeg"),
    PACKED("mpg", "video/mpeg"),
    PLAIN("obj", "model/obj"),
    PACKED("odp", "application/vnd.oasis.opendocument.presentation"),
    PACKED("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    PACKED("odt", "application/vnd.oasis.opendocument.text"),
    PACKED("oga", "audio/ogg"),
    PACKED("ogg", "audio/ogg"),
    PACKED("ogv", "video/ogg"),
    PACKED("opus", "audio/ogg"),
    PLAIN("otf", "font/otf"),
    PACKED("pdf", "application/pdf"),
    PACKED("png", "image/png"),
    PACKED("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    PLAIN("ps", "application/postscript"),
    PLAIN("rss", "application/rss+xml"),
    PLAIN("rtf", "application/rtf"),
    PLAIN("sql", "application/sql"),
    PLAIN("stl", "model/stl"),
    PLAIN("svg", "image/svg+xml"),
    PLAIN("text", "text/plain; charset=utf-8"),
    PLAIN("tif", "image/tiff"),
    PLAIN("tiff", "image/tiff"),
    PLAIN("toml", "application/toml"),
    PLAIN("tsv", "text/tab-separated-values; charset=utf-8"),
    PLAIN("ttc", "font/collection"),
    PLAIN("ttf", "font/ttf"),
    PLAIN("txt", "text/plain; charset=utf-8"),
    PLAIN("vcf", "text/vcard; charset=utf-8"),
    PLAIN("vtt", "text/vtt; charset=utf-8"),
    PLAIN("wasm", "application/wasm"),
    PLAIN("wav", "audio/vnd.wave"),
    PACKED("weba", "audio/webm"),
    PACKED("webm", "video/webm"),
    PLAIN("webmanifest", "application/manifest+json"),
    PACKED("webp", "image/webp"),
    PACKED("woff", "font/woff"),
    PACKED("woff2", "font/woff2"),
    PLAIN("xhtml", "application/xhtml+xml"),
    PACKED("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    PLAIN("xml", "application/xml"),
    PLAIN("xsl", "application/xslt+xml"),
    PLAIN("yaml", "application/yaml"),
    PLAIN("yml", "application/yaml"),
    PACKED("zip", "application/zip"),
    PACKED("zst", "application/zstd"),
};

static struct view extension_of(struct view key)
{
    for (size_t i = key.length_bytes; i > 1; i--) {
        uint8_t byte = view_byte(key, i - 1);
        if (byte == '/') break;
        if (byte == '.' && view_byte(key, i - 2) != '/') return view_from_offset(key, i);
    }
    return VIEW("");
}

static struct view to_lower(struct view text, struct span room)
{
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = view_byte(text, i);
        room.bytes[i] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
    }
    return view_first(span_view(room), text.length_bytes);
}

static const struct media_type *find(struct view key)
{
    uint8_t lowered[EXTENSION_MAX];
    struct view extension = extension_of(key);
    if (extension.length_bytes > sizeof lowered) return NULL;
    extension = to_lower(extension, SPAN_OF(lowered));

    size_t low = 0, high = LENGTH_OF(media_types);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = view_compare(extension, media_types[middle].extension);
        if (order == 0) return &media_types[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

struct view media_type_of(struct view key)
{
    const struct media_type *type = find(key);
    return type != NULL ? type->name : VIEW("");
}

bool media_type_is_compressed(struct view key)
{
    const struct media_type *type = find(key);
    return type != NULL && type->is_compressed;
}
