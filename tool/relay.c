/* relay.c - standing between a machine's monitor and whoever started it.
 *
 * An image that is a machine cannot read its own symbols: they are not loaded. So its crash report
 * has addresses, and whoever has its file puts the names in. Everything else passes untouched, and
 * a line that does not begin as one of a backtrace does is never held back.
 *
 * SPDX-License-Identifier: ISC */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "qemu.h"
#include "symbols.h"

enum { READ_BYTES = 65536, HELD_BYTES = 512, OUTPUTS = 2, INPUT_BYTES = 4096 };

/* As the tender has it (tender/stop.c): one request may come as several signals, and the image
 * gives itself --stop-timeout twice, 10 s each. */
enum { ONE_REQUEST_MS = 300, PATIENCE_MS = 25000 };

/* How the lines begin that may have a place in the image: those of a backtrace, and the monitor's.
 */
static const char *const beginnings[] = { "  #", "loom-tender: " };

/* One of the two that the program writes to. */
struct output {
    int from;   /* -1: it has ended */
    FILE *file; /* ours */
    bool is_held;
    char held[HELD_BYTES + 1]; /* what the line has so far, while it may be such a one */
    size_t held_bytes;
};

/* What is typed, on its way to QEMU. */
struct input {
    int to; /* -1: nobody reads, or all has been said */
    char held[INPUT_BYTES];
    ssize_t start, end;
};

struct relay {
    struct output outputs[OUTPUTS];
    struct input input;
    struct qemu_run *qemu; /* NULL: it is our tender */
    const char *image;
    struct symbols symbols;
    bool has_symbols; /* they have been read */
    pid_t process;
    int signals, status;
    bool has_ended, has_hung_up;
    int asked;         /* the signal that asked QEMU's machine to end, or 0 */
    uint64_t asked_ms; /* when */
};

/* ---- lines ---- */

static const struct symbol *symbol_at(struct relay *relay, uint64_t address)
{
    if (!relay->has_symbols) relay->symbols = symbols_read(relay->image);
    relay->has_symbols = true;
    return symbols_find(&relay->symbols, address);
}

static void held_write(struct output *output)
{
    fwrite(output->held, 1, output->held_bytes, output->file);
    output->held_bytes = 0;
    output->is_held = false;
}

/* "image+0x1234" becomes the function that is there. */
static void line_write(struct relay *relay, struct output *output)
{
    static const char image[] = "image+0x";
    output->held[output->held_bytes] = '\0';
    char *place = strstr(output->held, image), *rest;
    if (place != NULL && strlen(output->held) == output->held_bytes) {
        uint64_t address = strtoull(&place[sizeof image - 1], &rest, 16);
        const struct symbol *symbol = symbol_at(relay, address);
        if (symbol != NULL) {
            fprintf(output->file, "%.*s%s+0x%" PRIx64 "%s", (int)(place - output->held),
                    output->held, symbol->name, address - symbol->address, rest);
            output->held_bytes = 0;
        }
    }
    held_write(output);
}

/* Whether what is held may yet be a line that has a place in it. */
static bool may_have_place(const struct output *output)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        size_t common = length < output->held_bytes ? length : output->held_bytes;
        if (strncmp(output->held, beginnings[i], common) == 0) return true;
    }
    return false;
}

/* The beginning of a line is held as long as that is so. */
static void byte_take(struct relay *relay, struct output *output, char byte)
{
    if (!output->is_held) {
        fputc(byte, output->file);
    } else {
        output->held[output->held_bytes++] = byte;
        if (byte == '\n') {
            line_write(relay, output);
        } else if (output->held_bytes == HELD_BYTES || !may_have_place(output)) {
            held_write(output);
        }
    }
    if (byte == '\n') output->is_held = true;
}

/* ---- the program ---- */

/* All that there is; false: nothing now. */
static bool output_pass(struct relay *relay, struct output *output)
{
    static char room[READ_BYTES];
    if (output->from < 0) return false;
    ssize_t length = read(output->from, room, sizeof room);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    for (ssize_t i = 0; i < length; i++)
        byte_take(relay, output, room[i]);
    if (length <= 0) {
        held_write(output);
        close(output->from);
        output->from = -1;
    }
    fflush(output->file);
    return length > 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void machine_kill(struct relay *relay, const char *why)
{
    notice("%s: ended", why);
    kill(relay->process, SIGKILL);
    relay->status = 128 + relay->asked;
    relay->asked = 0;
}

/* A signal that asks us to end. */
static void end_ask(struct relay *relay, const struct signalfd_siginfo *signal)
{
    if (relay->qemu == NULL) {
        if (signal->ssi_code != SI_KERNEL) kill(relay->process, (int)signal->ssi_signo);
    } else if (relay->asked == 0) {
        relay->asked = (int)signal->ssi_signo;
        relay->asked_ms = now_ms();
        qemu_ask(relay->qemu);
    } else if (now_ms() - relay->asked_ms > ONE_REQUEST_MS) {
        machine_kill(relay, "asked to end twice");
    }
}

static void look_at_patience(struct relay *relay)
{
    if (relay->asked == 0 || now_ms() - relay->asked_ms < PATIENCE_MS) return;
    machine_kill(relay, "the machine did not end within 25 s after it was asked to");
}

static void census_ask(const struct relay *relay)
{
    if (relay->qemu == NULL)
        kill(relay->process, SIGUSR1);
    else
        notice("a machine under QEMU does not list its fibers when it is asked; it does when it "
               "ends, with the boot parameter --census");
}

static void signal_take(struct relay *relay)
{
    struct signalfd_siginfo signal;
    int status;
    if (read(relay->signals, &signal, sizeof signal) != (ssize_t)sizeof signal) return;
    if (signal.ssi_signo == SIGUSR1) {
        census_ask(relay);
        return;
    }
    if (signal.ssi_signo != SIGCHLD) {
        end_ask(relay, &signal);
        return;
    }
    if (waitpid(relay->process, &status, WNOHANG) != relay->process) return;
    relay->has_ended = true;
    if (relay->status == 0) relay->status = process_status(status);
    if (relay->qemu != NULL) relay->status = qemu_ended(relay->qemu, relay->status);
}

/* ---- what is typed ---- */

static void input_end(struct input *input)
{
    close(input->to);
    input->to = -1;
}

/* Of a terminal that is another's now nothing is read (SIGTTIN is ignored). */
static void input_pass(struct input *input)
{
    if (input->start == input->end) {
        input->start = 0;
        input->end = read(STDIN_FILENO, input->held, sizeof input->held);
        if (input->end <= 0) {
            input->end = 0;
            input_end(input);
        }
        return;
    }
    ssize_t length = write(input->to, input->held + input->start,
                           (size_t)(input->end - input->start));
    if (length > 0) input->start += length;
    if (length < 0 && errno != EAGAIN && errno != EINTR) input_end(input);
}

static struct pollfd input_source(const struct input *input)
{
    if (input->start == input->end)
        return (struct pollfd){ .fd = input->to < 0 ? -1 : STDIN_FILENO, .events = POLLIN };
    return (struct pollfd){ .fd = input->to, .events = POLLOUT };
}

/* QEMU's answers; nobody needs them. */
static void answers_drop(int control)
{
    char room[4096];
    while (read(control, room, sizeof room) > 0) {
    }
}

/* ---- the loop ---- */

static void sources_look(struct relay *relay)
{
    const int control = relay->qemu != NULL && !relay->has_hung_up ? relay->qemu->control : -1;
    struct pollfd sources[] = { { .fd = relay->signals, .events = POLLIN },
                                { .fd = relay->outputs[0].from, .events = POLLIN },
                                { .fd = relay->outputs[1].from, .events = POLLIN },
                                { .fd = control, .events = POLLIN },
                                input_source(&relay->input) };
    if (poll(sources, sizeof sources / sizeof *sources, relay->asked != 0 ? 100 : -1) < 0) return;
    for (int i = 0; i < OUTPUTS; i++) {
        if (sources[i + 1].revents != 0) output_pass(relay, &relay->outputs[i]);
    }
    if (sources[3].revents != 0) answers_drop(control);
    relay->has_hung_up = relay->has_hung_up || (sources[3].revents & POLLHUP) != 0;
    if (sources[4].revents != 0) input_pass(&relay->input);
    look_at_patience(relay); /* first: what has been waited for may be another process by now */
    if (sources[0].revents != 0) signal_take(relay);
}

static void relay_loop(struct relay *relay)
{
    while (!relay->has_ended)
        sources_look(relay);
    /* What it has left to say; a child of its own may hold the other ends for longer. */
    for (int i = 0; i < OUTPUTS; i++) {
        while (output_pass(relay, &relay->outputs[i])) {
        }
        held_write(&relay->outputs[i]);
        fflush(relay->outputs[i].file);
    }
}

static void start_tender(struct relay *relay, const struct launch *launch, const int ends[OUTPUTS])
{
    relay->process = process_start_into(&launch->line, ends[0], ends[1]);
}

static void start_qemu(struct relay *relay, const struct launch *launch, const int ends[OUTPUTS])
{
    struct command_line line = launch->line;
    struct qemu_run *run = relay->qemu;
    qemu_open(run, launch->qemu, &line);
    relay->process = process_start_apart(&line,
                                         &(struct process_apart){ .input = run->standard_input,
                                                                  .output = ends[0],
                                                                  .errors = ends[1],
                                                                  .kept = run->kept,
                                                                  .count = run->kept_count });
    qemu_started(run);
    relay->input.to = run->input;
    (void)signal(SIGTTIN, SIG_IGN);
}

int relay_run(const struct launch *launch)
{
    static struct qemu_run run;
    struct relay relay = { .outputs = { { .from = -1, .file = stdout, .is_held = true },
                                        { .from = -1, .file = stderr, .is_held = true } },
                           .input = { .to = -1 },
                           .qemu = launch->qemu != NULL ? &run : NULL,
                           .image = launch->image };
    int ends[OUTPUTS];
    for (int i = 0; i < OUTPUTS; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) != 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
            fail("pipe: %s", strerror(errno));
        relay.outputs[i].from = pair[0];
        ends[i] = pair[1];
    }
    relay.signals = process_signals(SIGUSR1);
    if (launch->qemu == NULL)
        start_tender(&relay, launch, ends);
    else
        start_qemu(&relay, launch, ends);
    /* As to an image that is a process: it goes on when nobody listens any more. */
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < OUTPUTS; i++)
        close(ends[i]);
    relay_loop(&relay);
    return relay.status;
}
