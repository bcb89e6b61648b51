/* report.c - seed, virtual time, events and captures, when a world has failed; and which node it
 * was in which the processor found a fault.
 *
 * SPDX-License-Identifier: ISC */
#include "target/sim/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/writer.h"
#include "target/console.h"
#include "target/sim/report_sanitizer.h"
#include "target/sim/world_private.h"

__attribute__((format(printf, 1, 2))) static void say(const char *words, ...)
{
    uint8_t room[LINE_BYTES_MAX + 200];
    struct writer writer = writer_over(SPAN_OF(room));
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    console_write_diagnostic(writer_view(&writer));
}

static void say_moment(const struct world *world)
{
    uint64_t now_ns = world_now_ns(world);
    say("seed %llu, virtual time %llu.%09llu s\n", (unsigned long long)world_seed(world),
        (unsigned long long)(now_ns / S_NS), (unsigned long long)(now_ns % S_NS));
}

/* ---- the report ---- */

static void write_capture(const struct wire *wire, const char *name)
{
    char path[512];
    struct view views[3];
    const char *folder = getenv("SIM_CAPTURES");
    if (folder == NULL || wire->pcap.frames == 0) return;
    (void)snprintf(path, sizeof path, "%s/%s-%llu-%s-%u.pcapng", folder, name,
                   (unsigned long long)world_seed(wire->world), wire->name, wire->number);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) {
        say("%s: %s\n", path, strerror(errno));
        return;
    }
    wire_capture(wire, views);
    for (size_t i = 0; i < LENGTH_OF(views); i++) {
        if (write(file, views[i].bytes, views[i].length_bytes) < 0) say("%s: not whole\n", path);
    }
    (void)close(file);
    say("frames: %s\n", path);
}

static void say_line(const struct wire *wire, const char *direction,
                     const struct net_faulty_statistics *of)
{
    say("%s %u, %s: entered %llu, left %llu; lost %llu, twice %llu, corrupted %llu, reordered "
        "%llu, marked %llu; queue full %llu, too long %llu, no buffer %llu\n",
        wire->name, wire->number, direction, (unsigned long long)of->entered_frames,
        (unsigned long long)of->left_frames, (unsigned long long)of->lost_frames,
        (unsigned long long)of->duplicated_frames, (unsigned long long)of->corrupted_frames,
        (unsigned long long)of->reordered_frames, (unsigned long long)of->marked_frames,
        (unsigned long long)of->queue_full_frames, (unsigned long long)of->too_long_frames,
        (unsigned long long)of->no_buffer_frames);
}

static void say_wire(const struct wire *wire)
{
    if (wire->pcap.frames == 0) return;
    say_line(wire, "out", &wire->faulty.send.statistics);
    say_line(wire, "in", &wire->faulty.receive.statistics);
}

void world_report(struct world *world, const char *name)
{
    struct view views[2];
    world_events(world, views);
    say("\n%s: ", name);
    say_moment(world);
    if (world->events.lost_bytes > 0) say("... what happened before is no longer known\n");
    console_write_diagnostic(views[0]);
    console_write_diagnostic(views[1]);
    for (unsigned i = 0; i < world->wire_count; i++)
        say_wire(world->wires[i]);
    for (unsigned i = 0; i < world->wire_count; i++)
        write_capture(world->wires[i], name);
    if (getenv("SIM_CAPTURES") == NULL)
        say("SIM_CAPTURES=FOLDER in the environment keeps the frames of such a run\n");
    say("%s\n", world_failure(world) == NULL ? "" : world_failure(world));
}

static void program_folder(char folder[], size_t room_bytes)
{
    ssize_t length = readlink("/proc/self/exe", folder, room_bytes - 1);
    if (length <= 0) panic("this program does not know where it is");
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
}

void report_image_path(const struct world *world, const char *name, char path[], size_t room_bytes)
{
    static char beside[PATH_MAX];
    const char *folder = world->parameters.image_folder;
    if (strchr(name, '/') != NULL) {
        (void)snprintf(path, room_bytes, "%s", name);
        return;
    }
    if (folder == NULL) program_folder(beside, sizeof beside);
    (void)snprintf(path, room_bytes, "%s/%s", folder == NULL ? beside : folder, name);
    if (access(path, F_OK) != 0)
        (void)snprintf(path, room_bytes, "%s/%s.so", folder == NULL ? beside : folder, name);
}

/* ---- a panic ---- */

void node_note_panic(struct node *node, struct view report, struct view fiber,
                     const uintptr_t *backtrace, size_t count)
{
    const char *source = node->parameters.name;
    node_end_line(node);
    world_event(node->world, source, "! panic: %.*s", VIEW_FORMAT(report));
    world_event(node->world, source, "! in %s%.*s", view_is_empty(fiber) ? "the loop" : "fiber ",
                VIEW_FORMAT(fiber));
    for (size_t i = 0; i < count; i++) {
        struct view name;
        uintptr_t offset_bytes;
        /* The call, not what stands behind it. */
        if (!node_image_symbol(&node->image, node->image_path, backtrace[i] - 1, &name,
                               &offset_bytes))
            continue;
        world_event(node->world, source, "!   #%zu %.*s+0x%zx", i + 1, VIEW_FORMAT(name),
                    (size_t)offset_bytes);
    }
}

/* ---- faults of the processor ---- */

/* Once: what it does may break too. */
static void say_where(void)
{
    struct world *world = world_current;
    if (world == NULL) return;
    world_current = NULL;
    for (unsigned i = 0; i < world->node_count; i++) {
        if (world->nodes[i]->is_entered) say("\nin node '%s':", world->nodes[i]->parameters.name);
    }
    world_report(world, "broken");
}

static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };

static struct sigaction before[LENGTH_OF(numbers)];

/* The instruction is tried once more, under the handler that was there before. */
static void handle_fault(int number, siginfo_t *information, void *context)
{
    (void)information, (void)context;
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        (void)sigaction(numbers[i], &before[i], NULL);
    say_where();
    if (information->si_code <= 0) (void)raise(number);
}

void report_faults(struct world *world)
{
    static bool installed;
    (void)world;
    report_at_death(say_where);
    if (installed || SANITIZED_ADDRESS) return;
    installed = true;
    struct sigaction action = { .sa_sigaction = handle_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    for (size_t i = 0; i < LENGTH_OF(numbers); i++)
        (void)sigaction(numbers[i], &action, &before[i]);
}
