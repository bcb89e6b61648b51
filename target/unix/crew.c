/* crew.c - threads that wait for the host, and how they tell the loop.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/crew.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/units.h"

#define LOG_MODULE "crew"
#include "log/log.h"

/* ---- the threads ---- */

/* Waits for something to do; NULL: the crew ends. The lock is held. */
static struct list_node *take_waiting(struct crew *crew)
{
    while (!crew->is_stopping && list_is_empty(&crew->waiting))
        (void)pthread_cond_wait(&crew->changed, &crew->lock);
    return crew->is_stopping ? NULL : list_take(&crew->waiting);
}

/* The loop is told when there was nothing to be told before. The lock is held. */
static void put_done(struct crew *crew, struct list_node *node)
{
    static const uint64_t one = 1;
    bool is_first = list_is_empty(&crew->done);
    list_append(&crew->done, node);
    if (!is_first) return;
    /* An eventfd takes this unless its count is near 2^64, and then the loop is awake. */
    ssize_t written = write(crew->poll.descriptor, &one, sizeof one);
    (void)written;
}

static void *thread_run(void *argument)
{
    struct crew *crew = argument;
    struct list_node *node;
    (void)pthread_mutex_lock(&crew->lock);
    while ((node = take_waiting(crew)) != NULL) {
        (void)pthread_mutex_unlock(&crew->lock);
        crew->options.carry_out(crew, node);
        (void)pthread_mutex_lock(&crew->lock);
        put_done(crew, node);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* ---- the loop ---- */

static void event_ready(struct poll *poll, uint32_t events)
{
    struct crew *crew = CONTAINER_OF(poll, struct crew, poll);
    struct list done;
    struct list_node *node;
    uint64_t count;
    (void)events;
    list_init(&done);
    if (read(poll->descriptor, &count, sizeof count) < 0) assert_that(errno, ==, EAGAIN);
    (void)pthread_mutex_lock(&crew->lock);
    list_move_all(&done, &crew->done);
    (void)pthread_mutex_unlock(&crew->lock);
    while ((node = list_take(&done)) != NULL)
        crew->options.tell(crew, node);
}

void crew_give(struct crew *crew, struct list_node *node)
{
    (void)pthread_mutex_lock(&crew->lock);
    list_append(&crew->waiting, node);
    (void)pthread_cond_signal(&crew->changed);
    (void)pthread_mutex_unlock(&crew->lock);
}

/* ---- opening ---- */

static enum result make_event(struct crew *crew)
{
    crew->poll = (struct poll){ .descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                .ready = event_ready };
    return crew->poll.descriptor < 0 ? FULL : poll_add_input(&crew->poll);
}

/* Signals are for the loop. */
static enum result start_threads(struct crew *crew)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    assert_that(error, ==, 0);
    (void)pthread_attr_setstacksize(&attributes,
                                    MAX(crew->options.stack_bytes, (size_t)PTHREAD_STACK_MIN));
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (error == 0 && crew->thread_count < crew->options.thread_count) {
        error = pthread_create(&crew->threads[crew->thread_count], &attributes, thread_run, crew);
        if (error == 0) crew->thread_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (error != 0) log_error("cannot start a thread: the host's limit is reached (ulimit -u)");
    return error == 0 ? OK : FULL;
}

enum result crew_open(struct crew *crew, const struct crew_options *options)
{
    assert(options->thread_count > 0 && options->thread_count <= CREW_THREADS_MAX);
    *crew = (struct crew){ .options = *options };
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_cond_init(&crew->changed, NULL);
    list_init(&crew->waiting);
    list_init(&crew->done);
    enum result result = make_event(crew);
    if (result == OK) result = start_threads(crew);
    if (result != OK) (void)crew_close(crew, NEVER);
    return result;
}

/* ---- closing ---- */

static struct timespec join_deadline(uint64_t patience_ns)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    uint64_t fraction_ns = (uint64_t)end.tv_nsec + patience_ns % S_NS;
    end.tv_sec += (time_t)(patience_ns / S_NS + fraction_ns / S_NS);
    end.tv_nsec = (long)(fraction_ns % S_NS);
    return end;
}

/* NULL: whenever it ends. */
static bool join(pthread_t thread, const struct timespec *end)
{
    int error = end == NULL ? pthread_join(thread, NULL) : pthread_timedjoin_np(thread, NULL, end);
    if (error == 0) return true;
    (void)pthread_detach(thread);
    return false;
}

static void stop_threads(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->lock);
    crew->is_stopping = true;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->lock);
}

size_t crew_close(struct crew *crew, uint64_t patience_ns)
{
    struct timespec end = join_deadline(patience_ns);
    size_t left = 0;
    poll_remove(&crew->poll);
    stop_threads(crew);
    for (size_t i = 0; i < crew->thread_count; i++)
        left += !join(crew->threads[i], patience_ns == NEVER ? NULL : &end);
    if (left > 0) return left;
    if (crew->poll.descriptor >= 0) (void)close(crew->poll.descriptor);
    (void)pthread_cond_destroy(&crew->changed);
    (void)pthread_mutex_destroy(&crew->lock);
    return 0;
}
