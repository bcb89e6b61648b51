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
#include <unistd.h>

#include "fail.h"
#include "symbols.h"

enum { READ_BYTES = 65536, HELD_BYTES = 512, OUTPUTS = 2 };

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

struct relay {
    struct output outputs[OUTPUTS];
    const char *image;
    struct symbols symbols;
    bool has_symbols; /* they have been read */
    pid_t process;
    int signals, status;
    bool has_ended;
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

static void signals_block(sigset_t *set)
{
    static const int passed[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD };
    sigemptyset(set);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(set, passed[i]);
    sigprocmask(SIG_BLOCK, set, NULL);
}

static void signal_take(struct relay *relay)
{
    struct signalfd_siginfo signal;
    int status;
    if (read(relay->signals, &signal, sizeof signal) != (ssize_t)sizeof signal) return;
    if (signal.ssi_signo == SIGUSR1) {
        notice(
            "a machine does not list its fibers when it is asked; it does when it ends, with the "
            "boot parameter --census");
        return;
    }
    if (signal.ssi_signo != SIGCHLD) {
        if (signal.ssi_code != SI_KERNEL) kill(relay->process, (int)signal.ssi_signo);
        return;
    }
    if (waitpid(relay->process, &status, WNOHANG) != relay->process) return;
    relay->has_ended = true;
    relay->status = process_status(status);
}

static void relay_loop(struct relay *relay)
{
    while (!relay->has_ended) {
        struct pollfd sources[] = { { .fd = relay->signals, .events = POLLIN },
                                    { .fd = relay->outputs[0].from, .events = POLLIN },
                                    { .fd = relay->outputs[1].from, .events = POLLIN } };
        if (poll(sources, sizeof sources / sizeof *sources, -1) < 0) continue;
        for (int i = 0; i < OUTPUTS; i++) {
            if (sources[i + 1].revents != 0) output_pass(relay, &relay->outputs[i]);
        }
        if (sources[0].revents != 0) signal_take(relay);
    }
    /* What it has left to say; a child of its own may hold the other ends for longer. */
    for (int i = 0; i < OUTPUTS; i++) {
        while (output_pass(relay, &relay->outputs[i])) {
        }
        held_write(&relay->outputs[i]);
        fflush(relay->outputs[i].file);
    }
}

int relay_run(const struct command_line *line, const char *image)
{
    struct relay relay = { .outputs = { { .from = -1, .file = stdout, .is_held = true },
                                        { .from = -1, .file = stderr, .is_held = true } },
                           .image = image };
    int ends[OUTPUTS];
    sigset_t set;
    for (int i = 0; i < OUTPUTS; i++) {
        int pair[2];
        if (pipe2(pair, O_CLOEXEC) != 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
            fail("pipe: %s", strerror(errno));
        relay.outputs[i].from = pair[0];
        ends[i] = pair[1];
    }
    signals_block(&set);
    relay.signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (relay.signals < 0) fail("signalfd: %s", strerror(errno));
    relay.process = process_start_into(line, ends[0], ends[1]);
    /* As to an image that is a process: it goes on when nobody listens any more. */
    (void)signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < OUTPUTS; i++)
        close(ends[i]);
    relay_loop(&relay);
    return relay.status;
}
