/* output.c - writing the files, each under another name first, so that nobody ever sees
 * half of one.
 *
 * SPDX-License-Identifier: ISC */
#include "crunch/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "crunch/folder.h"
#include "crunch/source.h"
#include "kv/digest.h"

#define BLOB_ALIGN ((size_t)16)

/* "pages.c" and ".bin" make "pages.bin". */
static char *beside(const char *source, const char *suffix)
{
    size_t length = strlen(source);
    if (length > 2 && strcmp(&source[length - 2], ".c") == 0) length -= 2;
    return crunch_text("%.*s%s", (int)length, source, suffix);
}

struct crunch_output crunch_output_at(const char *name, const char *directory, const char *source,
                                      const char *depfile)
{
    struct crunch_output output = {
        .name = name,
        .directory = crunch_text("%s", directory),
        .source = source,
        .depfile = depfile,
        .blob = beside(source, ".bin"),
        .index = beside(source, ".index"),
    };
    for (size_t length = strlen(directory); length > 1 && directory[length - 1] == '/'; length--)
        output.directory[length - 1] = '\0';
    return output;
}

size_t crunch_blob_next(size_t offset_bytes, struct view bytes)
{
    return (offset_bytes + bytes.length_bytes + BLOB_ALIGN - 1) / BLOB_ALIGN * BLOB_ALIGN;
}

void crunch_digest_text(const struct kv_digest *digest, char digits[])
{
    for (size_t i = 0; i < KV_DIGEST_BYTES; i++)
        snprintf(&digits[2 * i], 3, "%02x", digest->bytes[i]);
}

static bool file_holds(const char *path, struct view wanted)
{
    struct span held;
    uint64_t modified_ns;
    if (!crunch_file_read(path, &held, &modified_ns)) return false;
    bool is_equal = view_equal(span_view(held), wanted);
    free(held.bytes);
    return is_equal;
}

static bool write_all(int fd, struct view bytes)
{
    while (!view_is_empty(bytes)) {
        ssize_t written = write(fd, bytes.bytes, bytes.length_bytes);
        if (written < 0) return false;
        bytes = view_from_offset(bytes, (size_t)written);
    }
    return true;
}

static void replace_file(const char *path, struct view bytes)
{
    char *fresh = crunch_text("%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || !write_all(fd, bytes) || close(fd) != 0 || rename(fresh, path) != 0) {
        crunch_fail("%s: cannot be written: %s; make room, or its folder writable", path,
                    strerror(errno));
    }
    free(fresh);
}

static void update_file(const char *path, struct view bytes)
{
    if (!file_holds(path, bytes)) replace_file(path, bytes);
}

void crunch_file_open(struct crunch_file *file, const char *path)
{
    *file = (struct crunch_file){ .path = path };
    file->stream = open_memstream(&file->text, &file->length_bytes);
    if (file->stream == NULL) crunch_fail("%s: no memory for its text", path);
}

void crunch_file_close(struct crunch_file *file)
{
    if (fclose(file->stream) != 0) crunch_fail("%s: no memory for its text", file->path);
    update_file(file->path, view_from(file->text, file->length_bytes));
    free(file->text);
}

static void write_blob(struct crunch_output *output, const struct crunch_folder *folder)
{
    size_t length_bytes = crunch_source_blob_bytes(folder), offset_bytes = 0;
    struct span blob = span_from(crunch_allocate(length_bytes), length_bytes);
    span_fill(blob, 0);
    for (size_t i = 0; i < folder->count; i++) {
        const struct crunch_page *page = &folder->pages[i];
        const struct view parts[] = { page->bytes, page->coded[KV_GZIP], page->coded[KV_BROTLI] };
        for (size_t j = 0; j < LENGTH_OF(parts); j++) {
            (void)span_copy(span_from_offset(blob, offset_bytes), parts[j]);
            offset_bytes = crunch_blob_next(offset_bytes, parts[j]);
        }
    }
    output->blob_digest = digest_of(span_view(blob));
    update_file(output->blob, span_view(blob));
    free(blob.bytes);
}

/* Ninja ends a name at these, so it never finds such a file and crunches the folder at each build:
 * never wrong, but slower, and worth knowing. */
static void tell_odd_name(const char *path)
{
    if (strpbrk(path, "?*\"'&;<>|^`") == NULL) return;
    fprintf(stderr, "loom-crunch: %s: its name keeps ninja from knowing that it is unchanged; %s\n",
            path, "use letters, digits, - and _");
}

/* As make and ninja read it. */
static void write_depfile_path(FILE *stream, const char *path)
{
    for (; *path != '\0'; path++) {
        if (*path == '$') fputc('$', stream);
        if (*path == ' ' || *path == '#') fputc('\\', stream);
        fputc(*path, stream);
    }
}

static void write_depfile(const struct crunch_output *output, const struct crunch_folder *folder)
{
    struct crunch_file file;
    crunch_file_open(&file, output->depfile);
    write_depfile_path(file.stream, output->source);
    fputc(':', file.stream);
    for (size_t i = 0; i < folder->input_count; i++) {
        tell_odd_name(folder->inputs[i]);
        fputs(" \\\n  ", file.stream);
        write_depfile_path(file.stream, folder->inputs[i]);
    }
    fputc('\n', file.stream);
    crunch_file_close(&file);
}

void crunch_output_write(struct crunch_output *output, const struct crunch_folder *folder)
{
    write_blob(output, folder);
    struct crunch_file file;
    crunch_file_open(&file, output->source);
    crunch_source_write(file.stream, output, folder);
    crunch_file_close(&file);
    write_depfile(output, folder);
}
