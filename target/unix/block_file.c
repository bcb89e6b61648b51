/* block_file.c - a disk in a file of the host: the loop's side, and the threads.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/block_file.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
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
                     BLOCK_FILE_THREADS_MAX, "requests that the host works on at once"),
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

/* What a request is at, in its `handle`: guarded by the lock until it is finished. */
enum { WAITING, BEGUN, FINISHED };

/* ---- the threads ---- */

/* Waits for a request; NULL: the file is being closed. The lock is held. */
static struct block_request *take_request(struct block_file *file)
{
    while (!file->stopping && list_is_empty(&file->waiting))
        (void)pthread_cond_wait(&file->changed, &file->lock);
    struct list_node *node = list_take(&file->waiting);
    if (node == NULL) return NULL;
    struct block_request *request = CONTAINER_OF(node, struct block_request, node);
    request->handle = BEGUN;
    return request;
}

/* The loop is told when there was nothing to be told before. The lock is held. */
static void put_finished(struct block_file *file, struct block_request *request, int error)
{
    static const uint64_t one = 1;
    bool is_first = list_is_empty(&file->finished);
    request->handle = FINISHED + (uint64_t)error;
    list_append(&file->finished, &request->node);
    if (!is_first) return;
    /* An eventfd takes this unless its count is near 2^64, and then the loop is awake. */
    ssize_t written = write(file->event, &one, sizeof one);
    (void)written;
}

static void *thread_run(void *argument)
{
    struct block_file *file = argument;
    struct block_request *request;
    (void)pthread_mutex_lock(&file->lock);
    while ((request = take_request(file)) != NULL) {
        (void)pthread_mutex_unlock(&file->lock);
        int error = block_file_host_carry_out(file, request);
        (void)pthread_mutex_lock(&file->lock);
        put_finished(file, request, error);
    }
    (void)pthread_mutex_unlock(&file->lock);
    return NULL;
}

/* ---- telling ---- */

static enum result result_of(int error)
{
    if (error == 0) return OK;
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? FULL : FAILED;
}

static void tell(struct block_file *file, struct block_request *request)
{
    static const char *const words[] = { [BLOCK_READ] = "read",
                                         [BLOCK_WRITE] = "write",
                                         [BLOCK_FLUSH] = "flush",
                                         [BLOCK_DISCARD] = "discard" };
    int error = (int)(request->handle - FINISHED);
    if (error != 0)
        log_error("cannot %s %llu blocks from %llu on: %s", words[request->kind],
                  (unsigned long long)request->block_count,
                  (unsigned long long)request->device_block, strerror(error));
    block_tell(&file->block, request, result_of(error));
}

static void tell_all(struct block_file *file, struct list *finished)
{
    struct list_node *node;
    while ((node = list_take(finished)) != NULL)
        tell(file, CONTAINER_OF(node, struct block_request, node));
}

static void file_ready(struct poll *poll, uint32_t events)
{
    struct block_file *file = CONTAINER_OF(poll, struct block_file, poll);
    struct list finished;
    uint64_t count;
    (void)events;
    list_init(&finished);
    if (read(file->event, &count, sizeof count) < 0) assert_that(errno, ==, EAGAIN);
    (void)pthread_mutex_lock(&file->lock);
    list_move_all(&finished, &file->finished);
    (void)pthread_mutex_unlock(&file->lock);
    tell_all(file, &finished);
}

static void take_turn(struct deferred *turn)
{
    struct block_file *file = CONTAINER_OF(turn, struct block_file, turn);
    struct list finished;
    list_init(&finished);
    list_move_all(&finished, &file->at_hand);
    tell_all(file, &finished);
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
    (void)pthread_mutex_lock(&file->lock);
    list_append(&file->waiting, &request->node);
    (void)pthread_cond_signal(&file->changed);
    (void)pthread_mutex_unlock(&file->lock);
}

static bool block_file_withdraw(struct block *block, struct block_request *request)
{
    struct block_file *file = CONTAINER_OF(block, struct block_file, block);
    (void)pthread_mutex_lock(&file->lock);
    bool is_waiting = request->handle == WAITING;
    if (is_waiting) list_remove(&request->node);
    (void)pthread_mutex_unlock(&file->lock);
    return is_waiting;
}

static const struct block_ops block_file_ops = BLOCK_OPS(block_file);

/* ---- opening and closing ---- */

/* Signals are for the loop. */
static enum result start_threads(struct block_file *file, size_t count)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    assert_that(error, ==, 0);
    (void)pthread_attr_setstacksize(&attributes,
                                    MAX(THREAD_STACK_BYTES, (size_t)PTHREAD_STACK_MIN));
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (error == 0 && file->thread_count < count) {
        error = pthread_create(&file->threads[file->thread_count], &attributes, thread_run, file);
        if (error == 0) file->thread_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (error != 0) log_error("cannot start a thread: the host's limit is reached (ulimit -u)");
    return error == 0 ? OK : FULL;
}

static void end_threads(struct block_file *file)
{
    (void)pthread_mutex_lock(&file->lock);
    file->stopping = true;
    (void)pthread_cond_broadcast(&file->changed);
    (void)pthread_mutex_unlock(&file->lock);
    while (file->thread_count > 0)
        (void)pthread_join(file->threads[--file->thread_count], NULL);
}

static enum result make_event(struct block_file *file)
{
    file->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (file->event < 0) return FULL;
    file->poll = (struct poll){ .descriptor = file->event, .ready = file_ready };
    return poll_add_input(&file->poll);
}

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
    *file = (struct block_file){ .block.ops = &block_file_ops, .turn = { .run = take_turn } };
    file->descriptor = file->event = -1;
    enum result result = check(parameters);
    if (result == OK) result = block_file_host_open(file, parameters);
    if (result != OK) return result;
    (void)pthread_mutex_init(&file->lock, NULL);
    (void)pthread_cond_init(&file->changed, NULL);
    list_init(&file->waiting);
    list_init(&file->finished);
    list_init(&file->at_hand);
    metrics_register(&file->metrics, "block", block_file_metrics, SPAN_OF(*file));
    result = make_event(file);
    if (result == OK) result = start_threads(file, parameters->thread_count);
    if (result != OK) block_file_close(file);
    return result;
}

void block_file_close(struct block_file *file)
{
    assert(list_is_empty(&file->waiting) && list_is_empty(&file->at_hand));
    end_threads(file);
    assert(list_is_empty(&file->finished));
    metrics_withdraw(&file->metrics);
    loop_withdraw(&file->turn);
    poll_remove(&file->poll);
    if (file->event >= 0) (void)close(file->event);
    (void)pthread_cond_destroy(&file->changed);
    (void)pthread_mutex_destroy(&file->lock);
    (void)close(file->descriptor);
}
