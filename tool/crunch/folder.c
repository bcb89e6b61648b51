/* folder.c - the walk over a folder.
 *
 * SPDX-License-Identifier: ISC */
#include "crunch/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "kv/digest.h"

#define SKIPPED_SHOWN 5

/* A folder on the way down; the chain of them tells whether a link leads back up. */
struct level {
    const struct level *above;
    dev_t device;
    ino_t inode;
};

struct walk {
    struct crunch_folder *folder;
    const char *directory;
    char *real; /* the folder without links, and with a slash at its end */
    uint64_t newest_ns;
    size_t skipped_count;
    char *skipped[SKIPPED_SHOWN];
};

static void walk_folder(struct walk *walk, const char *path, const struct level *above);

bool crunch_file_read(const char *path, struct span *bytes, uint64_t *modified_ns)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        close(fd);
        return false;
    }
    size_t room_bytes = (size_t)status.st_size + 1, done_bytes = 0;
    uint8_t *memory = crunch_allocate(room_bytes);
    ssize_t got;
    while ((got = read(fd, &memory[done_bytes], room_bytes - done_bytes)) > 0) {
        done_bytes += (size_t)got;
        if (done_bytes < room_bytes) continue;
        room_bytes *= 2;
        memory = crunch_grow(memory, room_bytes);
    }
    int error = errno;
    close(fd);
    errno = error;
    if (got < 0) {
        free(memory);
        return false;
    }
    *bytes = span_from(memory, done_bytes);
    *modified_ns = (uint64_t)status.st_mtim.tv_sec * S_NS + (uint64_t)status.st_mtim.tv_nsec;
    return true;
}

/* https://reproducible-builds.org/specs/source-date-epoch/ */
static uint64_t newest_allowed_ns(void)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    if (text == NULL) return NEVER;
    if (!view_to_u64(view_from_string(text), &seconds) || seconds > NEVER / S_NS) {
        crunch_fail("SOURCE_DATE_EPOCH is \"%s\"; it must be a number of seconds since 1970", text);
    }
    return seconds * S_NS;
}

static void add_input(struct crunch_folder *folder, const char *path)
{
    size_t count = folder->input_count++;
    folder->inputs = crunch_grow(folder->inputs, (count + 1) * sizeof *folder->inputs);
    folder->inputs[count] = crunch_text("%s", path);
}

/* The path below the folder: its segments are the key. */
static struct view key_of(const struct walk *walk, const char *path)
{
    return view_from_offset(view_from_string(path), strlen(walk->directory) + 1);
}

/* A name with a line feed could not stand in a depfile, and nobody has one on purpose. */
static void check_name(const struct walk *walk, const char *path)
{
    for (const char *byte = path; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < ' ' || *byte == 0x7f) {
            crunch_fail("%s: the name has a control character in it; rename it", path);
        }
    }
    if (!kv_key_is_valid(key_of(walk, path))) {
        crunch_fail("%s: below %s its name would be longer than %d bytes; shorten it", path,
                    walk->directory, KV_KEY_MAX);
    }
}

static void add_page(struct walk *walk, const char *path)
{
    struct crunch_folder *folder = walk->folder;
    struct crunch_page page = { .path = crunch_text("%s", path) };
    struct span bytes;
    if (!crunch_file_read(path, &bytes, &page.modified_ns)) {
        crunch_fail("%s: cannot be read: %s; make it readable, or move it out", path,
                    strerror(errno));
    }
    page.key = key_of(walk, page.path);
    page.bytes = span_view(bytes);
    page.digest = digest_of(page.bytes);
    page.modified_ns = MIN(page.modified_ns, walk->newest_ns);
    add_input(folder, path);
    folder->pages = crunch_grow(folder->pages, (folder->count + 1) * sizeof *folder->pages);
    folder->pages[folder->count++] = page;
}

static char *real_path(const char *path, const char *remedy)
{
    char *real = realpath(path, NULL);
    if (real != NULL) return real;
    crunch_fail("%s: %s; %s", path, strerror(errno), remedy);
}

/* A link may lead to anything below the folder. */
static void check_link(const struct walk *walk, const char *path)
{
    char *real = real_path(path, "a symbolic link that leads nowhere; mend or remove it");
    if (strncmp(real, walk->real, strlen(walk->real)) != 0) {
        crunch_fail("%s: a symbolic link to %s, which is outside of %s; put a copy in its place",
                    path, real, walk->directory);
    }
    free(real);
}

static void skip_dot_file(struct walk *walk, const char *path)
{
    if (walk->skipped_count < SKIPPED_SHOWN) {
        walk->skipped[walk->skipped_count] = crunch_text("%s", path);
    }
    walk->skipped_count++;
}

static void walk_entry(struct walk *walk, const char *path, const char *name,
                       const struct level *above)
{
    struct stat status;
    if (name[0] == '.') {
        skip_dot_file(walk, path);
        return;
    }
    check_name(walk, path);
    if (lstat(path, &status) != 0) crunch_fail("%s: %s; try again", path, strerror(errno));
    if (S_ISLNK(status.st_mode)) {
        check_link(walk, path);
        if (stat(path, &status) != 0) crunch_fail("%s: %s; try again", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        walk_folder(walk, path, above);
    } else if (S_ISREG(status.st_mode)) {
        add_page(walk, path);
    } else {
        crunch_fail("%s: neither a file nor a folder; move it out", path);
    }
}

static void walk_names(struct walk *walk, DIR *stream, const char *path, const struct level *level)
{
    struct dirent *entry;
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *below = crunch_text("%s/%s", path, entry->d_name);
        walk_entry(walk, below, entry->d_name, level);
        free(below);
    }
    if (errno != 0) crunch_fail("%s: cannot be listed: %s", path, strerror(errno));
}

static void walk_folder(struct walk *walk, const char *path, const struct level *above)
{
    struct stat status;
    DIR *stream = opendir(path);
    if (stream == NULL || fstat(dirfd(stream), &status) != 0) {
        crunch_fail("%s: cannot be opened: %s; make it a readable folder", path, strerror(errno));
    }
    struct level level = { .above = above, .device = status.st_dev, .inode = status.st_ino };
    for (const struct level *other = above; other != NULL; other = other->above) {
        if (other->device != level.device || other->inode != level.inode) continue;
        crunch_fail("%s: a symbolic link to a folder that it stands in; remove it", path);
    }
    add_input(walk->folder, path);
    walk_names(walk, stream, path, &level);
    closedir(stream);
}

static void tell_skipped(struct walk *walk)
{
    if (walk->skipped_count == 0) return;
    fprintf(stderr, "loom-crunch: left out %zu hidden:", walk->skipped_count);
    for (size_t i = 0; i < MIN(walk->skipped_count, SKIPPED_SHOWN); i++) {
        fprintf(stderr, " %s", walk->skipped[i]);
        free(walk->skipped[i]);
    }
    fputs(walk->skipped_count > SKIPPED_SHOWN ? " ...\n" : "\n", stderr);
}

static int compare_pages(const void *left, const void *right)
{
    const struct crunch_page *a = left, *b = right;
    return view_compare(a->key, b->key);
}

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

void crunch_folder_read(struct crunch_folder *folder, const char *directory)
{
    *folder = (struct crunch_folder){ 0 };
    char *real = real_path(directory, "name a folder that is there");
    struct walk walk = {
        .folder = folder,
        .directory = directory,
        .real = crunch_text("%s/", strcmp(real, "/") == 0 ? "" : real),
        .newest_ns = newest_allowed_ns(),
    };
    walk_folder(&walk, directory, NULL);
    tell_skipped(&walk);
    free(walk.real);
    free(real);
    if (folder->count > 0)
        qsort(folder->pages, folder->count, sizeof *folder->pages, compare_pages);
    qsort(folder->inputs, folder->input_count, sizeof *folder->inputs, compare_texts);
}
