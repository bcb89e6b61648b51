/* source.c - the C file: a row a page, as a person would write it.
 *
 * SPDX-License-Identifier: ISC */
#include "crunch/source.h"

#include <inttypes.h>

#include "kv/media_type.h"

size_t crunch_source_blob_bytes(const struct crunch_folder *folder)
{
    size_t offset_bytes = 0;
    for (size_t i = 0; i < folder->count; i++) {
        const struct crunch_page *page = &folder->pages[i];
        offset_bytes = crunch_blob_next(offset_bytes, page->bytes);
        for (size_t coding = KV_GZIP; coding < KV_CODINGS; coding++)
            offset_bytes = crunch_blob_next(offset_bytes, page->coded[coding]);
    }
    return offset_bytes + 1;
}

/* A string literal; in an assembler's, too, octal escapes mean the same. */
static void write_literal(FILE *stream, struct view text, const char *quote)
{
    fputs(quote, stream);
    for (size_t i = 0; i < text.length_bytes; i++) {
        uint8_t byte = view_byte(text, i);
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\' || byte == '?') {
            fprintf(stream, "%s%03o", quote[0] == '\\' ? "\\\\" : "\\", byte);
        } else {
            fputc(byte, stream);
        }
    }
    fputs(quote, stream);
}

static void write_head(FILE *stream, const struct crunch_output *output,
                       const struct crunch_folder *folder)
{
    char digits[2 * KV_DIGEST_BYTES + 1];
    crunch_digest_text(&output->blob_digest, digits);
    fprintf(stream,
            "/* Written by loom-crunch, and written again when the folder changes: %zu pages.\n"
            " * The bytes stand in a file beside this one, whose SHA-256 is\n"
            " * %s. */\n"
            "#include \"kv/kv_crunch.h\"\n\n",
            folder->count, digits);
}

static void write_blob(FILE *stream, const struct crunch_output *output,
                       const struct crunch_folder *folder)
{
    fprintf(stream,
            "__asm__(\".pushsection .rodata.%s, \\\"a\\\"\\n\"\n"
            "        \".balign 64\\n\"\n"
            "        \".globl %s_bytes\\n\"\n"
            "        \".hidden %s_bytes\\n\"\n"
            "        \".type %s_bytes, @object\\n\"\n"
            "        \".size %s_bytes, %zu\\n\"\n"
            "        \"%s_bytes:\\n\"\n"
            "        \".incbin ",
            output->name, output->name, output->name, output->name, output->name,
            crunch_source_blob_bytes(folder), output->name);
    write_literal(stream, view_from_string(output->blob), "\\\"");
    fprintf(stream,
            "\\n\"\n"
            "        \".popsection\\n\");\n"
            "extern const uint8_t %s_bytes[%zu] __attribute__((visibility(\"hidden\")));\n\n"
            "#define BYTES(offset, length) { %s_bytes + (offset), (length) }\n\n",
            output->name, crunch_source_blob_bytes(folder), output->name);
}

static void write_text(FILE *stream, const char *member, struct view text)
{
    if (view_is_empty(text)) return;
    fprintf(stream, "        .%s = VIEW_ROW(", member);
    write_literal(stream, text, "\"");
    fputs("),\n", stream);
}

/* Gives the offset of what comes next. */
static size_t write_bytes(FILE *stream, const char *member, struct view bytes, size_t offset_bytes)
{
    if (!view_is_empty(bytes)) {
        fprintf(stream, "        .%s = BYTES(%zu, %zu),\n", member, offset_bytes,
                bytes.length_bytes);
    }
    return crunch_blob_next(offset_bytes, bytes);
}

static void write_digest(FILE *stream, const struct kv_digest *digest)
{
    fputs("        .digest = { {", stream);
    for (size_t i = 0; i < KV_DIGEST_BYTES; i++)
        fprintf(stream, "%s0x%02x,", i % 16 == 0 ? "\n            " : " ", digest->bytes[i]);
    fputs("\n        } },\n", stream);
}

static size_t write_page(FILE *stream, const struct crunch_page *page, size_t offset_bytes)
{
    fputs("    {\n", stream);
    write_text(stream, "key", page->key);
    offset_bytes = write_bytes(stream, "bytes", page->bytes, offset_bytes);
    write_text(stream, "media_type", media_type_of(page->key));
    offset_bytes = write_bytes(stream, "coded[KV_GZIP]", page->coded[KV_GZIP], offset_bytes);
    offset_bytes = write_bytes(stream, "coded[KV_BROTLI]", page->coded[KV_BROTLI], offset_bytes);
    fprintf(stream, "        .modified_ns = %" PRIu64 "u,\n", page->modified_ns);
    write_digest(stream, &page->digest);
    fputs("    },\n", stream);
    return offset_bytes;
}

static void write_pages(FILE *stream, const struct crunch_output *output,
                        const struct crunch_folder *folder)
{
    size_t offset_bytes = 0;
    fprintf(stream, "static const struct kv_crunch_page %s_table[] = {\n", output->name);
    for (size_t i = 0; i < folder->count; i++)
        offset_bytes = write_page(stream, &folder->pages[i], offset_bytes);
    fputs("};\n\n", stream);
}

void crunch_source_write(FILE *stream, const struct crunch_output *output,
                         const struct crunch_folder *folder)
{
    write_head(stream, output, folder);
    if (folder->count > 0) {
        write_blob(stream, output, folder);
        write_pages(stream, output, folder);
    }
    fprintf(stream, "extern const struct kv_crunch_pages %s;\n", output->name);
    fprintf(stream, "const struct kv_crunch_pages %s = {", output->name);
    if (folder->count > 0) fprintf(stream, " .pages = %s_table,", output->name);
    fprintf(stream, " .count = %zu };\n", folder->count);
}
