/* process.c - running other programs.
 *
 * SPDX-License-Identifier: ISC */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"

static const int STATUS_NO_PROGRAM = 127;
static const int STATUS_SIGNAL = 128;

static void add_word(struct command_line *line, const char *word)
{
    if (line->count == COMMAND_LINE_MAX) {
        fail("%s: a command line of more than %d words", line->words[0], COMMAND_LINE_MAX);
    }
    line->words[line->count++] = word;
}

void command_line_add_list(struct command_line *line, const char *const words[])
{
    for (size_t i = 0; words[i] != NULL; i++)
        add_word(line, words[i]);
}

void process_become(const struct command_line *line)
{
    char *words[COMMAND_LINE_MAX + 1];
    for (size_t i = 0; i < line->count; i++)
        words[i] = strdup(line->words[i]);
    words[line->count] = NULL;
    if (words[0] == NULL) return;
    execvp(words[0], words);
}

__attribute__((noreturn)) static void become_or_end(const struct command_line *line)
{
    process_become(line);
    fprintf(stderr, "loom: cannot run %s: %s\n", line->words[0], strerror(errno));
    _exit(STATUS_NO_PROGRAM);
}

int process_status(int status)
{
    return WIFSIGNALED(status) ? STATUS_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static int wait_for(pid_t process)
{
    int status;
    while (waitpid(process, &status, 0) < 0) {
        if (errno != EINTR) fail("waitpid: %s", strerror(errno));
    }
    return process_status(status);
}

static void read_lines(int from, struct line_reader *reader)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fdopen(from, "r");
    if (file == NULL) fail("fdopen: %s", strerror(errno));
    for (ssize_t length = getline(&line, &room, file); length >= 0;
         length = getline(&line, &room, file)) {
        if (length > 0 && line[length - 1] == '\n') line[length - 1] = '\0';
        reader->read(reader, line);
    }
    free(line);
    fclose(file);
}

/* Whoever runs us may have blocked some, to take them with signalfd; a child wants them all. */
static void signals_unblock(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int process_signals(int other)
{
    const int always[] = { SIGINT, SIGTERM, SIGCHLD };
    struct sigaction hangup;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        sigaddset(&set, always[i]);
    if (other != 0) sigaddset(&set, other);
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) fail("signalfd: %s", strerror(errno));
    return signals;
}

int process_run(const struct command_line *line, const char *folder, struct line_reader *reader)
{
    int ends[2] = { -1, -1 };
    if (reader != NULL && pipe(ends) != 0) fail("pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t process = fork();
    if (process < 0) fail("fork: %s", strerror(errno));
    if (process == 0) {
        signals_unblock();
        if (folder != NULL && chdir(folder) != 0) _exit(STATUS_NO_PROGRAM);
        if (reader != NULL) {
            dup2(ends[1], STDOUT_FILENO);
            dup2(ends[1], STDERR_FILENO);
            close(ends[0]);
            close(ends[1]);
        }
        become_or_end(line);
    }
    if (reader != NULL) {
        close(ends[1]);
        read_lines(ends[0], reader);
    }
    return wait_for(process);
}

pid_t process_start(const struct command_line *line)
{
    return process_start_into(line, STDOUT_FILENO, STDERR_FILENO);
}

static pid_t fork_or_end(void)
{
    fflush(NULL);
    pid_t process = fork();
    if (process < 0) fail("fork: %s", strerror(errno));
    if (process == 0) prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody is left when we are killed */
    return process;
}

pid_t process_start_into(const struct command_line *line, int output, int errors)
{
    pid_t process = fork_or_end();
    if (process == 0) {
        dup2(output, STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        signals_unblock();
        become_or_end(line);
    }
    return process;
}

pid_t process_start_apart(const struct command_line *line, const struct process_apart *apart)
{
    pid_t process = fork_or_end();
    if (process == 0) {
        setpgid(0, 0);
        dup2(apart->input, STDIN_FILENO);
        dup2(apart->output, STDOUT_FILENO);
        dup2(apart->errors, STDERR_FILENO);
        for (size_t i = 0; i < apart->count; i++)
            fcntl(apart->kept[i], F_SETFD, 0);
        signals_unblock();
        become_or_end(line);
    }
    return process;
}

bool process_exists(const char *name)
{
    if (strchr(name, '/') != NULL) return access(name, X_OK) == 0;
    const char *path = getenv("PATH");
    for (const char *part = path; part != NULL && *part != '\0';) {
        size_t length = strcspn(part, ":");
        if (access(text_of("%.*s/%s", (int)length, part, name), X_OK) == 0) return true;
        part += length + (part[length] == ':');
    }
    return false;
}
