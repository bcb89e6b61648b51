/* watch.c - an image that follows its sources.
 *
 * inotify tells of changes in the folders that sources come from; ninja decides whether they
 * matter. The image is restarted only when the build made another file of it.
 *
 * SPDX-License-Identifier: ISC */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <loom/module.h>

#include "build.h"
#include "fail.h"
#include "launch.h"
#include "process.h"

/* An editor's save is several changes within a moment. */
static const int SETTLE_MS = 50;

/* How long an image may take to finish what is in flight before it is killed. */
static const int STOP_MS = 10000;

struct watch {
    const struct application *application;
    const struct keys *keys;
    struct launch launch;
    int changes; /* inotify */
    int signals; /* signalfd */
    pid_t image; /* 0: none runs */
    bool asked;  /* a signal asked us and the image to end */
    struct stat built;
};

static void watch_folder(struct watch *watch, const char *path)
{
    const uint32_t mask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
                          IN_ONLYDIR;
    if (inotify_add_watch(watch->changes, path, mask) < 0 && errno == ENOSPC) {
        fail("too many folders are watched on this machine; raise the limit: sysctl "
             "fs.inotify.max_user_watches=65536");
    }
}

/* The folder and those in it, except what is built and what is hidden. */
static void watch_tree(struct watch *watch, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return;
    watch_folder(watch, path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
            strcmp(entry->d_name, "build") == 0)
            continue;
        watch_tree(watch, text_of("%s/%s", path, entry->d_name));
    }
    closedir(folder);
}

static void watch_list(struct watch *watch, const char *file)
{
    char *text = file_read(application_file(watch->application, file));
    char *rest = NULL;
    if (text == NULL) return;
    for (char *path = strtok_r(text, "\n", &rest); path != NULL;
         path = strtok_r(NULL, "\n", &rest)) {
        if (strcmp(path, watch->application->folder) != 0) watch_tree(watch, path);
    }
    free(text);
}

/* Adding a folder again changes nothing, so this is done after every build: there may be new ones.
 */
static void watch_sources(struct watch *watch)
{
    watch_tree(watch, watch->application->folder);
    watch_list(watch, "folders.txt");
    watch_list(watch, "pages.txt");
}

/* True when there is another image than the one that runs. */
static bool watch_build(struct watch *watch)
{
    struct stat built;
    bool made = build(watch->application, watch->keys, "");
    watch_sources(watch);
    if (!made || stat(watch->launch.image, &built) != 0) return false;
    bool other = built.st_ino != watch->built.st_ino ||
                 built.st_mtim.tv_sec != watch->built.st_mtim.tv_sec ||
                 built.st_mtim.tv_nsec != watch->built.st_mtim.tv_nsec;
    watch->built = built;
    return other;
}

/* Asks it to end, and waits for that. */
static void image_stop(struct watch *watch)
{
    int status;
    if (watch->image == 0) return;
    kill(watch->image, SIGTERM);
    for (int waited_ms = 0; waitpid(watch->image, &status, WNOHANG) == 0; waited_ms += 10) {
        if (waited_ms == STOP_MS) {
            notice("the image does not end within %d s, and is killed", STOP_MS / 1000);
            kill(watch->image, SIGKILL);
        }
        poll(NULL, 0, 10);
    }
    watch->image = 0;
}

static void changes_drain(struct watch *watch)
{
    char room[4096];
    struct pollfd more = { .fd = watch->changes, .events = POLLIN };
    do {
        if (read(watch->changes, room, sizeof room) < 0) break;
    } while (poll(&more, 1, SETTLE_MS) > 0);
}

/* A signal that asks to end is the image's to obey. One that a terminal sent has reached it
 * already. */
static void signal_pass(struct watch *watch, const struct signalfd_siginfo *signal)
{
    watch->asked = true;
    if (watch->image != 0 && signal->ssi_code != SI_KERNEL)
        kill(watch->image, (int)signal->ssi_signo);
}

/* Whether the image ended: then its status. One that broke is waited for no longer, but its sources
 * still are. */
static bool image_ended(struct watch *watch, int *status)
{
    int ended;
    if (watch->image == 0 || waitpid(watch->image, &ended, WNOHANG) != watch->image) return false;
    watch->image = 0;
    *status = process_status(ended);
    if (watch->asked || *status == 0) return true;
    notice("the image ended with status %d; it starts again when a source changes", *status);
    return false;
}

/* True when there is nothing left to do. */
static bool signal_take(struct watch *watch, int *status)
{
    struct signalfd_siginfo signal;
    if (read(watch->signals, &signal, sizeof signal) != (ssize_t)sizeof signal) return false;
    if (signal.ssi_signo == SIGCHLD) return image_ended(watch, status);
    signal_pass(watch, &signal);
    *status = 128 + (int)signal.ssi_signo;
    return watch->image == 0;
}

static int watch_loop(struct watch *watch)
{
    int status = 0;
    struct pollfd sources[] = { { .fd = watch->changes, .events = POLLIN },
                                { .fd = watch->signals, .events = POLLIN } };
    for (;;) {
        if (poll(sources, 2, -1) < 0) continue;
        if (sources[1].revents != 0 && signal_take(watch, &status)) return status;
        if (sources[0].revents == 0) continue;
        changes_drain(watch);
        if (watch_build(watch)) {
            image_stop(watch);
            notice("built again, and started");
            watch->image = launch_start(&watch->launch);
        }
    }
}

int watch_run(const struct application *application, const struct options *options)
{
    const struct keys *keys = &options->keys;
    struct watch watch = { .application = application, .keys = keys };
    watch.changes = inotify_init1(IN_CLOEXEC);
    if (watch.changes < 0) fail("inotify: %s", strerror(errno));
    watch_sources(&watch); /* before the first build, so that no change goes unseen meanwhile */
    launch_make(&watch.launch, application, options);
    watch.signals = process_signals(0);
    watch_build(&watch);
    watch.image = launch_start(&watch.launch);
    int status = watch_loop(&watch);
    close(watch.changes);
    return status;
}
