/* net_capture_file.c - a file of the host that a capture goes to.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/net_capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "target/memory.h"

#define LOG_MODULE "capture"
#include "log/log.h"

#define BUFFER_BYTES ((size_t)(256 * KIB))
#define FLUSH_NS     S_NS

/* The stack is a fiber's. */
#define PATH_BYTES_MAX 512

/* A block that went out in part is taken back; a FIFO cannot, and then its reader is told. */
static void stop(struct net_capture_file *file)
{
    log_error("the capture ends after %llu bytes: %s", (unsigned long long)file->written_bytes,
              strerror(errno));
    file->is_stopped = true;
    file->used_bytes = 0;
    if (ftruncate(file->descriptor, (off_t)file->written_bytes) != 0)
        log_debug("what came last stays in part: %s", strerror(errno));
}

static void flush(struct net_capture_file *file)
{
    struct view left = span_view(span_first(file->buffer, file->used_bytes));
    alarm_stop(&file->alarm);
    while (left.length_bytes > 0) {
        ssize_t written = write(file->descriptor, left.bytes, left.length_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            stop(file);
            return;
        }
        left = view_from_offset(left, (size_t)written);
    }
    file->written_bytes += file->used_bytes;
    file->used_bytes = 0;
}

static void capture_write(struct net_pcap_sink *sink, struct view bytes)
{
    struct net_capture_file *file = CONTAINER_OF(sink, struct net_capture_file, sink);
    if (file->is_stopped) return;
    if (bytes.length_bytes > BUFFER_BYTES - file->used_bytes) flush(file);
    if (file->is_stopped) return;
    if (file->used_bytes == 0) alarm_set(&file->alarm, deadline_after(loop_now_ns(), FLUSH_NS));
    (void)span_copy(span_from_offset(file->buffer, file->used_bytes), bytes);
    file->used_bytes += bytes.length_bytes;
}

static void file_due(struct alarm *alarm)
{
    flush(CONTAINER_OF(alarm, struct net_capture_file, alarm));
}

/* Does not wait for a reader of a FIFO. */
static int open_path(struct view path)
{
    char name[PATH_BYTES_MAX] = { 0 };
    if (path.length_bytes >= sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    (void)span_copy(SPAN_OF(name), path);
    return open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0600);
}

enum result net_capture_file_open(struct net_capture_file *file, struct view path)
{
    *file = (struct net_capture_file){ .sink.write = capture_write, .alarm.due = file_due };
    enum result result = memory_take(BUFFER_BYTES, &file->buffer);
    if (result != OK) return result;
    file->descriptor = open_path(path);
    if (file->descriptor >= 0) return OK;
    log_error("cannot capture to %.*s: %s", VIEW_FORMAT(path), strerror(errno));
    memory_give_back(file->buffer);
    return FAILED;
}

void net_capture_file_close(struct net_capture_file *file)
{
    flush(file);
    alarm_stop(&file->alarm);
    (void)close(file->descriptor);
    memory_give_back(file->buffer);
}
