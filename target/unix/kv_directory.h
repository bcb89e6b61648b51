/* kv_directory.h - a kv over a folder of the host: a key is the path of a regular file below it.
 *
 * What a key can reach: only what lies below the folder, whatever symbolic links say. Names that
 * begin with a dot are hidden: they cannot be read, listed or set. A link to a file is a value; a
 * folder behind a link can be read through, but is not listed. A segment is at most 255 bytes long.
 *
 * Files may change behind its back: a file that is edited is seen by the next kv_open. Whoever has
 * a value open while its file is written in place (not replaced, as kv_set and most editors do)
 * reads what is there then.
 *
 * Changes are durable when kv_apply returns. One change is one rename or one unlink. A batch of
 * several goes into a journal, `.loom-kv/journal` in the folder, before anything is changed; if the
 * process or the machine stops in the middle, the next one who opens the folder to write finishes
 * it. Several images may write to one folder: each batch holds a lock on it. Other processes that
 * read meanwhile may see a part of a batch.
 *
 * FAILED from kv_apply means that the host refused something after the journal was written (the log
 * says what): then the batch will be finished by a later kv_apply or kv_directory_open, as a whole.
 *
 * Reading and writing files are calls of the host that block the image while they last, and so does
 * waiting for the lock. That is accepted on this target.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_KV_DIRECTORY_H
#define LOOM_KV_DIRECTORY_H

#include "kv/kv.h"
#include "parameter/parameter.h"
#include "target/unix/kv_directory_digest.h"
#include "target/unix/kv_directory_host.h"
#include "target/unix/kv_directory_list.h"

/* A count of 0 stands for its default. The name of the folder is kept. */
struct kv_directory_parameters {
    struct view directory;
    bool read_only;
    uint64_t open_values;
    uint64_t digests;
};
extern const struct parameter kv_directory_parameters[];

/* The rows of such a table, for one whose folder has another default. */
#define KV_DIRECTORY_ROWS(default_directory) \
    PARAMETER_TEXT(struct kv_directory_parameters, directory, "directory", default_directory, \
                   "folder of the host that holds the files"), \
        PARAMETER_FLAG(struct kv_directory_parameters, read_only, "read-only", "off", \
                       "never write to the folder"), \
        PARAMETER_NUMBER(struct kv_directory_parameters, open_values, "open-values", "256", 1, \
                         1 << 20, "files open at once"), \
        PARAMETER_NUMBER(struct kv_directory_parameters, digests, "digests", "1024", 1, 1 << 24, \
                         "files whose SHA-256 is remembered")

struct kv_directory_plan;
struct kv_directory_open_file;

struct kv_directory {
    struct kv kv;
    struct kv_host host;
    struct kv_directory_digests digests;
    struct kv_directory_listings listings;

    struct span memory; /* of what follows */
    struct kv_directory_open_file *files;
    struct kv_directory_open_file *free_files;
    size_t file_count, touched_count, open_count;

    struct span plan_memory;
    struct kv_directory_plan *plan; /* of the batch that is being applied */
    struct span journal;
};

/* INVALID: no folder was named. NOT_FOUND: it is not there, or no folder. DENIED: no permission.
 * FULL: no memory. FAILED: an unfinished batch could not be finished. The log names the folder and
 * the remedy. */
enum result kv_directory_open(struct kv_directory *directory,
                              const struct kv_directory_parameters *parameters) CHECKED;

/* No value may be open. */
void kv_directory_close(struct kv_directory *directory);

#endif
