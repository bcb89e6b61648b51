/* command_debug.c - `loom debug`: gdb with the image, which for a machine is somebody else's child.
 *
 * gdb starts a process itself. A machine is started here, stands still at its first instruction,
 * and talks to gdb over a socket in a folder that nobody else may enter. It has a process group of
 * its own, because Ctrl-C is for gdb, and does not read the terminal, which is gdb's.
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <loom/module.h>

#include "command.h"
#include "disks.h"
#include "fail.h"
#include "launch.h"
#include "machine.h"
#include "network.h"
#include "options.h"
#include "process.h"

enum { WAIT_MS = 10000 };

static void add_gdb(struct command_line *line, const struct application *application)
{
    const char *script = text_of("%s/tool/gdb/loom.py", application->house.folder);
    command_line_add(line, "gdb", "-q");
    if (access(script, R_OK) == 0) command_line_add(line, "-x", script);
}

static int debug_process(const struct application *application, const struct options *options)
{
    struct command_line line = { .count = 0 };
    struct launch launch;
    launch_make(&launch, application, options);
    add_gdb(&line, application);
    command_line_add(&line, "--args");
    command_line_add_list(&line, launch.line.words);
    process_become(&line);
    fail("cannot run gdb: %s", strerror(errno));
}

/* ---- a machine ---- */

static pid_t start_machine(const struct command_line *line)
{
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return process_start_apart(line, &(struct process_apart){ .input = nothing,
                                                              .output = STDOUT_FILENO,
                                                              .errors = STDERR_FILENO });
}

/* It makes the socket when it is ready. False: it has ended, and has said why. */
static bool wait_for_socket(const char *path, pid_t machine)
{
    int status;
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += 5) {
        if (access(path, F_OK) == 0) return true;
        if (waitpid(machine, &status, WNOHANG) == machine) return false;
        usleep(5000);
    }
    return false;
}

static void ignore_interrupt(int number)
{
    (void)number;
}

/* gdb takes Ctrl-C. An empty handler and not SIG_IGN, which gdb would inherit. */
static int run_gdb(const struct application *application, const char *image, const char *socket)
{
    const struct sigaction action = { .sa_handler = ignore_interrupt, .sa_flags = SA_RESTART };
    struct command_line line = { .count = 0 };
    sigaction(SIGINT, &action, NULL);
    add_gdb(&line, application);
    command_line_add(&line, "-ex", text_of("target remote %s", socket), image);
    return process_run(&line, NULL, NULL);
}

/* Where gdb has killed it, it has ended; where gdb has let go of it, it is asked to. */
static void end_machine(pid_t machine)
{
    int status;
    kill(machine, SIGTERM);
    while (waitpid(machine, &status, 0) < 0 && errno == EINTR) {
    }
}

/* Also where the command ends in the middle: the image may not build. */
static const char *socket_folder, *socket_path;

static void remove_socket(void)
{
    unlink(socket_path);
    rmdir(socket_folder);
}

static void make_socket_path(void)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = strdup(text_of("%s/loom-debug-XXXXXX", temporary == NULL ? "/tmp" : temporary));
    if (folder == NULL || mkdtemp(folder) == NULL)
        fail("no folder for a socket, such as %s: %s", folder, strerror(errno));
    socket_folder = folder;
    socket_path = text_of("%s/socket", folder);
    atexit(remove_socket);
}

static int debug_machine(const struct application *application, struct options *options)
{
    struct launch launch;
    make_socket_path();
    options->values[MACHINE_DEBUGGER] = socket_path;
    launch_make(&launch, application, options);
    pid_t machine = start_machine(&launch.line);
    if (!wait_for_socket(socket_path, machine)) return 1;
    int status = run_gdb(application, launch.image, socket_path);
    end_machine(machine);
    return status;
}

int command_debug(int count, char *arguments[])
{
    static const struct argp_option own[] = {
        NETWORK_OPTIONS,
        DISKS_OPTIONS,
        MACHINE_OPTIONS,
        { 0 },
    };
    struct options options = {
        .name = "debug",
        .words = "Builds the image and starts gdb with it, which then knows `fibers`, `fiber "
                 "NUMBER`, and after Ctrl-C `resume`; a machine (-t vm) stands still at its first "
                 "instruction. With --build=debug it is easier to follow",
        .own = own,
    };
    struct application application = launch_read(&options, count, arguments);
    if (!process_exists("gdb")) fail("there is no gdb; install it: apt-get install gdb");
    return application.target->is_machine ? debug_machine(&application, &options)
                                          : debug_process(&application, &options);
}
