/* node_image.c - loads an image's shared object, again and again.
 *
 * The loader knows a file by its inode and gives a file that is loaded already the same memory, so
 * each copy is loaded from a file of its own, which exists in memory alone. Its name goes through
 * this process's number, so that debuggers and the sanitizers' symboliser can open it too.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/node_image.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

static bool refuse(struct span why, const char *path, const char *words)
{
    (void)snprintf((char *)why.bytes, why.length_bytes, "%s: %s", path, words);
    return false;
}

/* Up to the end of what is loaded: symbols and debug information, most of a file, lie behind it. */
static off_t bytes_to_copy(int file, off_t size_bytes)
{
    Elf64_Ehdr header;
    off_t end = 0;
    if (pread(file, &header, sizeof header, 0) != sizeof header) return size_bytes;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        off_t at = (off_t)(header.e_phoff + i * sizeof segment);
        if (pread(file, &segment, sizeof segment, at) != sizeof segment) return size_bytes;
        off_t segment_end = (off_t)(segment.p_offset + segment.p_filesz);
        if (segment.p_type == PT_LOAD && segment_end > end) end = segment_end;
    }
    return end > 0 && end < size_bytes ? end : size_bytes;
}

static bool copy_whole(int to, int from, off_t length_bytes)
{
    off_t offset = 0;
    while (offset < length_bytes) {
        if (sendfile(to, from, &offset, (size_t)(length_bytes - offset)) <= 0) return false;
    }
    return true;
}

static int private_copy(const char *path, bool whole)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    struct stat status;
    int copy = memfd_create("node", MFD_CLOEXEC);
    if (copy >= 0 &&
        (fstat(file, &status) != 0 ||
         !copy_whole(copy, file, whole ? status.st_size : bytes_to_copy(file, status.st_size)))) {
        (void)close(copy);
        copy = -1;
    }
    (void)close(file);
    return copy;
}

static bool find_entries(struct node_image *image, const char *path, struct span why)
{
    const uint32_t *version = dlsym(image->library, "sim_node_version");
    void *entry = dlsym(image->library, "sim_node_run");
    if (version == NULL || entry == NULL)
        return refuse(why, path, "it is no image of a node; build it with: loom build -t sim");
    if (*version != SIM_NODE_VERSION)
        return refuse(why, path, "it was built for another version of the simulator");
    /* dlsym gives functions as pointers to objects (POSIX.1-2017, dlsym). */
    static_assert(sizeof entry == sizeof image->run, "a function's address is one");
    memcpy(&image->run, &entry, sizeof entry);
    return true;
}

bool node_image_load(struct node_image *image, const char *path, bool whole, struct span why)
{
    char name[64];
    *image = (struct node_image){ .descriptor = private_copy(path, whole) };
    if (image->descriptor < 0) return refuse(why, path, strerror(errno));
    (void)snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)getpid(), image->descriptor);
    image->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (image->library == NULL) {
        (void)refuse(why, path, dlerror());
    } else if (find_entries(image, path, why)) {
        return true;
    }
    node_image_drop(image);
    return false;
}

void node_image_drop(struct node_image *image)
{
    if (image->library != NULL) (void)dlclose(image->library);
    if (image->descriptor >= 0) (void)close(image->descriptor);
    *image = (struct node_image){ .descriptor = -1 };
}
