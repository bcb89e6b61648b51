/* kv_directory_crash_test.c - the process ends between any two changes of the host's files, and
 * again between any two of the recovery: what is found afterwards is all of the batch or nothing.
 *
 * A child process runs the batch and ends itself at the N-th change; N counts up until it comes
 * through.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/kv_directory.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kv/kv_folder_suite.h"
#include "kv/kv_suite.h"

enum { CAME_THROUGH = 0, STOPPED = 42, BROKE = 43 };

struct stopper {
    struct kv_host_observer observer;
    unsigned changes_left;
};

static struct kv_folder folder;
static struct kv_directory directory;

static void stop_in_time(struct kv_host_observer *observer)
{
    struct stopper *stopper = CONTAINER_OF(observer, struct stopper, observer);
    if (stopper->changes_left-- == 0) _exit(STOPPED);
}

static struct kv_directory_parameters parameters_of(void)
{
    return (struct kv_directory_parameters){ .directory = view_from_string(folder.path) };
}

static void open_folder(void)
{
    struct kv_directory_parameters parameters = parameters_of();
    expect_ok(kv_directory_open(&directory, &parameters));
}

/* Opens the folder in a child that stops at the N-th change, with the changes of a recovery
 * counted, and applies the batch, if there is one. */
static int run_child(const struct kv_change changes[], size_t count, unsigned changes_left)
{
    pid_t child = fork();
    expect(child >= 0);
    if (child == 0) {
        struct stopper stopper = { { stop_in_time }, changes_left };
        struct kv_directory_parameters parameters = parameters_of();
        parameters.read_only = true;
        if (kv_directory_open(&directory, &parameters) != OK) _exit(BROKE);
        directory.kv.read_only = false;
        directory.host.observer = &stopper.observer;
        enum result result = count > 0 ? kv_apply(&directory.kv, changes, count)
                                       : kv_set(&directory.kv, VIEW("after"), VIEW(""));
        _exit(result == OK ? CAME_THROUGH : BROKE);
    }
    int status;
    expect(waitpid(child, &status, 0) == child && WIFEXITED(status));
    expect(WEXITSTATUS(status) != BROKE);
    return WEXITSTATUS(status);
}

static void set_up(void)
{
    kv_folder_make_in_memory(&folder);
    kv_folder_write(&folder, VIEW("x"), VIEW("1"));
    kv_folder_write(&folder, VIEW("y"), VIEW("2"));
    kv_folder_write(&folder, VIEW("z/z"), VIEW("3"));
    kv_folder_write(&folder, VIEW("d/e/f"), VIEW("4"));
}

static bool has(struct view key, struct view value)
{
    uint8_t room[32];
    size_t length_bytes;
    return kv_get(&directory.kv, key, SPAN_OF(room), &length_bytes) == OK &&
           view_equal(view_from(room, length_bytes), value);
}

static void expect_before(void)
{
    expect(has(VIEW("x"), VIEW("1")) && has(VIEW("y"), VIEW("2")));
    expect(has(VIEW("z/z"), VIEW("3")) && has(VIEW("d/e/f"), VIEW("4")));
    kv_suite_expect_keys(&directory.kv, VIEW(""), VIEW("d/e/f x y z/z "));
}

/* A value replaced, one in new folders, one removed, two exchanged round a corner, and a prefix
 * that becomes a value. */
static const struct kv_change *everything(size_t *count)
{
    static struct kv_change changes[6];
    changes[0] = (struct kv_change){ .kind = KV_SET, .key = VIEW("x"), .value = VIEW("one") };
    changes[1] = (struct kv_change){ .kind = KV_SET, .key = VIEW("n/e/w"), .value = VIEW("new") };
    changes[2] = (struct kv_change){ .kind = KV_REMOVE, .key = VIEW("y") };
    changes[3] = (struct kv_change){ .kind = KV_RENAME, .key = VIEW("z/z"), .new_key = VIEW("t") };
    changes[4] = (struct kv_change){ .kind = KV_RENAME,
                                     .key = VIEW("d/e/f"),
                                     .new_key = VIEW("z") };
    changes[5] = (struct kv_change){ .kind = KV_RENAME, .key = VIEW("t"), .new_key = VIEW("d/z") };
    *count = LENGTH_OF(changes);
    return changes;
}

static void expect_after(void)
{
    expect(has(VIEW("x"), VIEW("one")) && has(VIEW("n/e/w"), VIEW("new")));
    expect(has(VIEW("z"), VIEW("4")) && has(VIEW("d/z"), VIEW("3")));
    kv_suite_expect_keys(&directory.kv, VIEW(""), VIEW("d/z n/e/w x z "));
}

/* Nothing stays in the stage once the folder has been opened. */
static void expect_stage_is_empty(void)
{
    DIR *stage = opendir(kv_folder_path(&folder, VIEW(".loom-kv")));
    if (stage == NULL) return;
    for (struct dirent *entry; (entry = readdir(stage)) != NULL;)
        expect(entry->d_name[0] == '.');
    closedir(stage);
}

TEST(kv_directory_batch_stopped_at_each_change)
{
    size_t count;
    unsigned stops = 0, finished = 0, status;
    const struct kv_change *changes = everything(&count);
    do {
        set_up();
        status = (unsigned)run_child(changes, count, stops);
        open_folder();
        if (has(VIEW("x"), VIEW("1"))) {
            expect(finished == 0);
            expect_before();
        } else {
            expect_after();
            finished++;
        }
        expect_stage_is_empty();
        kv_directory_close(&directory);
        kv_folder_remove(&folder);
        stops++;
    } while (status == STOPPED);
    expect_that(stops, >, 30);
    expect_that(finished, >, 10);
}

static bool journal_is_there(void)
{
    return access(kv_folder_path(&folder, VIEW(".loom-kv/journal")), F_OK) == 0;
}

/* A smaller batch, with one change of each kind, because this goes through the square of its
 * steps. */
static const struct kv_change *one_of_each(size_t *count)
{
    static struct kv_change changes[3];
    changes[0] = (struct kv_change){ .kind = KV_SET, .key = VIEW("n/w"), .value = VIEW("new") };
    changes[1] = (struct kv_change){ .kind = KV_REMOVE, .key = VIEW("y") };
    changes[2] = (struct kv_change){ .kind = KV_RENAME, .key = VIEW("z/z"), .new_key = VIEW("z") };
    *count = LENGTH_OF(changes);
    return changes;
}

/* What the folder is after a batch was stopped and its recovery too, and a third one opened it. */
static int recover_twice(unsigned again)
{
    int recovery = run_child(NULL, 0, again);
    open_folder();
    expect(has(VIEW("n/w"), VIEW("new")) && has(VIEW("z"), VIEW("3")));
    if (kv_exists(&directory.kv, VIEW("after")) == OK) {
        kv_suite_expect_keys(&directory.kv, VIEW(""), VIEW("after d/e/f n/w x z "));
    } else {
        expect(recovery == STOPPED);
        kv_suite_expect_keys(&directory.kv, VIEW(""), VIEW("d/e/f n/w x z "));
    }
    expect_stage_is_empty();
    kv_directory_close(&directory);
    return recovery;
}

/* Stopped in the batch once its journal is there, and then at each change of the next one's
 * recovery. */
TEST(kv_directory_recovery_stopped_at_each_change)
{
    size_t count;
    const struct kv_change *changes = one_of_each(&count);
    unsigned tried = 0;
    for (int stop = 0, status = STOPPED; status == STOPPED; stop++) {
        int recovery = STOPPED;
        for (unsigned again = 0; recovery == STOPPED; again++) {
            set_up();
            status = run_child(changes, count, (unsigned)stop);
            recovery = journal_is_there() ? recover_twice(again) : CAME_THROUGH;
            tried += recovery == STOPPED;
            kv_folder_remove(&folder);
        }
    }
    expect_that(tried, >, 50);
}

/* One change at a time: the old state or the new one. */
static void stop_single(const struct kv_change *change, struct view before, struct view after)
{
    unsigned stops = 0;
    int status;
    do {
        set_up();
        status = run_child(change, 1, stops++);
        open_folder();
        bool is_old = has(VIEW("x"), VIEW("1")) && has(VIEW("z/z"), VIEW("3"));
        kv_suite_expect_keys(&directory.kv, VIEW(""), is_old ? before : after);
        expect(is_old || status == CAME_THROUGH || stops > 1);
        expect_stage_is_empty();
        kv_directory_close(&directory);
        kv_folder_remove(&folder);
    } while (status == STOPPED);
    expect_that(stops, >, 2);
}

TEST(kv_directory_single_changes_stopped)
{
    static const struct kv_change set = { .kind = KV_SET,
                                          .key = { (const uint8_t *)"x", 1 },
                                          .value = { (const uint8_t *)"new", 3 } };
    static const struct kv_change removal = { .kind = KV_REMOVE,
                                              .key = { (const uint8_t *)"z/z", 3 } };
    static const struct kv_change renaming = { .kind = KV_RENAME,
                                               .key = { (const uint8_t *)"z/z", 3 },
                                               .new_key = { (const uint8_t *)"a/b", 3 } };
    stop_single(&set, VIEW("d/e/f x y z/z "), VIEW("d/e/f x y z/z "));
    stop_single(&removal, VIEW("d/e/f x y z/z "), VIEW("d/e/f x y "));
    stop_single(&renaming, VIEW("d/e/f x y z/z "), VIEW("a/b d/e/f x y "));
}

/* A link that an interrupted batch has left in the stage is not written through. */
TEST(kv_directory_left_over_links_are_harmless)
{
    set_up();
    expect(kv_folder_run("cd %s && mkdir .loom-kv && ln x .loom-kv/new-0 && ln y .loom-kv/new-1 && "
                         "ln x .loom-kv/journal.new",
                         folder.path) == 0);
    const struct kv_change changes[] = {
        { .kind = KV_SET, .key = VIEW("p"), .value = VIEW("long enough to hurt") },
        { .kind = KV_RENAME, .key = VIEW("y"), .new_key = VIEW("q") },
    };
    expect(run_child(changes, 2, 1000) == CAME_THROUGH);
    open_folder();
    expect(has(VIEW("x"), VIEW("1")) && has(VIEW("q"), VIEW("2")));
    expect_stage_is_empty();
    kv_directory_close(&directory);
    kv_folder_remove(&folder);
}

TEST(kv_directory_refuses_a_damaged_journal)
{
    set_up();
    kv_folder_write(&folder, VIEW(".loom-kv/journal"), VIEW("LOOMKV1\nnonsense"));
    struct kv_directory_parameters parameters = parameters_of();
    expect_result(kv_directory_open(&directory, &parameters), FAILED);
    parameters.read_only = true;
    expect_ok(kv_directory_open(&directory, &parameters));
    expect_before();
    kv_directory_close(&directory);
    kv_folder_remove(&folder);
}
