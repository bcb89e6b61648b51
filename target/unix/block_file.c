/* block_file.c - a disk in a file of the host: the loop's side.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/block_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "target/unix/block_file_host.h"

#define LOG_MODULE "block"
#include "log/log.h"

#define THREAD_STACK_BYTES ((size_t)64 * KIB)

/* A disk behind a network or a card does this much at once; a plain one queues it. */
#define THREADS "4"

const struct parameter block_file_parameters[] = {
    PARAMETER_TEXT(struct block_file_parameters, path, "block", "",
                   "the disk: a file of the host, or one of its block devices"),
    PARAMETER_BYTES(struct block_file_parameters, create_bytes, "block-create", "0", 0,
                    (uint64_t)1 << 50, "makes a file of this size where there is none; 0: do not"),
    PARAMETER_NUMBER(struct block_file_parameters, block_bytes, "block-bytes", "512",
                     BLOCK_BYTES_MIN, BLOCK_BYTES_MAX, "how long a block is: a power of two"),
    PARAMETER_NUMBER(struct block_file_parameters, thread_count, "block-threads", THREADS, 1,
                     CREW_THREADS_MAX, "requests that the host works on at once"),
    PARAMETER_FLAG(struct block_file_parameters, read_only, "block-read-only", "off",
                   "never write to it"),
    PARAMETER_FLAG(struct block_file_parameters, direct, "block-direct", "off",
                   "past the host's cache (O_DIRECT)"),
    PARAMETER_END,
};

static const struct metric block_file_metrics[] = {
    METRIC_COUNTER(struct block_file, block.statistics.reads, "block_reads_total",
                   "Reads submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.read_bytes, "block_read_bytes_total",
                   "Bytes of the reads submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.writes, "block_writes_total",
                   "Writes submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.written_bytes, "block_written_bytes_total",
                   "Bytes of the writes submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.flushes, "block_flushes_total",
                   "Flushes submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.discards, "block_discards_total",
                   "Discards submitted."),
    METRIC_COUNTER(struct block_file, block.statistics.failures, "block_failures_total",
                   "Requests that failed."),
    METRIC_END,
};

/* What a request is at, in its `handle`: the loop's, but the thread's that carries it out. */
enum { WAITING, FINISHED };

/* In a thread. */
static void carry_out(struct crew *crew, struct list_node *node)
{
    const struct block_file *file = CONTAINER_OF(crew, struct block_file, crew);
    struct block_request *request = CONTAINER_OF(node, struct block_request, node);
    request->handle = FINISHED + (uint64_t)block_file_host_carry_out(file, request);
}

/* ---- telling ---- */

static enum result result_of(int error)
{
    if (error == 0) return OK;
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? FULL : FAILED;
}

static void tell(struct crew *crew, struct list_node *node)
{
    static const char *const words[] = { [BLOCK_READ] = "read",
                                         [BLOCK_WRITE] = "write",
                                         [BLOCK_FLUSH] = "flush",
                                         [BLOCK_DISCARD] = "discard" };
    struct block_file *file = CONTAINER_OF(crew, struct block_file, crew);
    struct block_request *request = CONTAINER_OF(node, struct block_request, node);
    int error = (int)(request->handle - FINISHED);
    if (error != 0)
        log_error("cannot %s %llu blocks from %llu on: %s", words[request->kind],
                  (unsigned long long)request->block_count,
                  (unsigned long long)request->device_block, strerror(error));
    block_tell(&file->block, request, result_of(error));
}

static void take_turn(struct deferred *turn)
{
    struct block_file *file = CONTAINER_OF(turn, struct block_file, turn);
    struct list_node *node;
    struct list due;
    list_init(&due);
    list_move_all(&due, &file->at_hand);
    while ((node = list_take(&due)) != NULL)
        tell(&file->crew, node);
}

/* ---- the signature ---- */

/* Whether the cache had all of it. */
static bool read_quickly(struct block_file *file, struct block_request *request)
{
    if (request->kind != BLOCK_READ || !file->has_quick_reads) return false;
    int error = block_file_host_read_quickly(file, request);
    if (error == EOPNOTSUPP || error == ENOSYS) file->has_quick_reads = false;
    if (error != 0) return false;
    request->handle = FINISHED;
    list_append(&file->at_hand, &request->node);
    loop_defer(&file->turn);
    return true;
}

static void block_file_submit(struct block *block, struct block_request *request)
{
    struct block_file *file = CONTAINER_OF(block, struct block_file, block);
    if (read_quickly(file, request)) return;
    request->handle = WAITING;
    crew_give(&file->crew, &request->node);
}

static bool block_file_withdraw(struct block *block, struct block_request *request)
{
    struct block_file *file = CONTAINER_OF(block, struct block_file, block);
    (void)pthread_mutex_lock(&file->crew.lock);
    bool is_waiting = list_holds(&request->node) && request->handle == WAITING;
    if (is_waiting) list_remove(&request->node);
    (void)pthread_mutex_unlock(&file->crew.lock);
    return is_waiting;
}

static const struct block_ops block_file_ops = BLOCK_OPS(block_file);

/* ---- opening and closing ---- */

static enum result check(const struct block_file_parameters *parameters)
{
    if (view_is_empty(parameters->path)) {
        log_error("the image has a disk, and nobody said which: add --block=FILE, and "
                  "--block-create=64MiB for a new one");
        return INVALID;
    }
    if (block_bytes_are_valid(parameters->block_bytes)) return OK;
    log_error("--block-bytes=%zu: a block's size is a power of two",
              (size_t)parameters->block_bytes);
    return INVALID;
}

enum result block_file_open(struct block_file *file, const struct block_file_parameters *parameters)
{
    const struct crew_options options = { .carry_out = carry_out,
                                          .tell = tell,
                                          .thread_count = parameters->thread_count,
                                          .stack_bytes = THREAD_STACK_BYTES };
    *file = (struct block_file){ .block.ops = &block_file_ops, .turn = { .run = take_turn } };
    file->descriptor = -1;
    list_init(&file->at_hand);
    enum result result = check(parameters);
    if (result == OK) result = block_file_host_open(file, parameters);
    if (result != OK) return result;
    result = crew_open(&file->crew, &options);
    if (result != OK) {
        (void)close(file->descriptor);
        return result;
    }
    metrics_register(&file->metrics, "block", block_file_metrics, SPAN_OF(*file));
    return OK;
}

void block_file_close(struct block_file *file)
{
    assert(list_is_empty(&file->crew.waiting) && list_is_empty(&file->at_hand));
    (void)crew_close(&file->crew, NEVER);
    assert(list_is_empty(&file->crew.done));
    metrics_withdraw(&file->metrics);
    loop_withdraw(&file->turn);
    (void)close(file->descriptor);
}
