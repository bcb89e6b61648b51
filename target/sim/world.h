/* world.h - a small world under one seed: unikernels, the wires between them, and what goes wrong.
 *
 *     node a           node b           the test itself (guest.h)
 *        |                |                 |
 *     offloads         offloads         offloads     as a device does them
 *     capture          capture          capture      the last frames, kept in memory
 *     faults           faults           faults       loss, delay, ... both ways
 *        +------ a learning switch ---------+
 *
 * Everything runs in one process and in virtual time: time stands still while code runs, and jumps
 * to the next deadline when all wait. Randomness comes from the seed alone. So the same seed gives
 * the same bytes on every wire and the same events. worlds.h runs a world under many seeds.
 *
 * A node is an image built with `-t sim`, of which each boot loads a fresh copy: its variables are
 * its own, and new after a restart. What it took (memory, stacks, the copy) goes when it ends,
 * crashes or panics. A fault of the processor in a node ends the process, and the report names it.
 *
 * Functions that take a world are called on a fiber of the simulator's own, over today's
 * target/sim.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_WORLD_H
#define LOOM_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/units.h"
#include "base/view.h"
#include "net/net_faulty.h"
#include "target/sim/node_clock.h"

#define NODE_ARGUMENTS_MAX 24
#define NODE_WIRES_MAX     4
#define WORLD_WIRES_MAX    32
#define WORLD_NAME_MAX     32

struct world;
struct node;
struct wire;

/* ---- a world ---- */

struct world_event {
    uint64_t at_ns;     /* since the world began */
    const char *source; /* the node's or wire's name; "world" */
    struct view words;
};

/* Is told each event as it happens, in the loop or on a node's stack: it must not wait. */
struct world_listener {
    void (*heard)(struct world_listener *listener, const struct world_event *event);
};

struct world_parameters {
    uint64_t seed;
    const char *image_folder; /* where images are that are named without a slash; NULL: where
                                 this program is */
    bool keeps_symbols;       /* the copies of images are whole, for a debugger; it takes longer */
    size_t events_bytes_max;  /* what is kept of the events; 0: 1 MiB */
    size_t capture_bytes_max; /* what is kept of the frames on each wire; 0: 2 MiB */
    struct world_listener *listener; /* or NULL */
};

/* Panics where the host gives no memory for it. There is one world at a time. */
struct world *world_open(const struct world_parameters *parameters);

/* Crashes what still runs, and gives everything back. */
void world_close(struct world *world);

uint64_t world_seed(const struct world *world);

/* Since it began. */
uint64_t world_now_ns(const struct world *world);

/* For the test's own choices: a stream of the seed that nothing else draws from. */
uint64_t world_random(struct world *world);

/* A line in the log of events. */
__attribute__((format(printf, 2, 3))) void world_note(struct world *world, const char *words, ...);

/* ---- nodes ---- */

struct node_parameters {
    const char *name;  /* at most WORLD_NAME_MAX bytes */
    const char *image; /* a path; without a slash it is NAME or NAME.so in `image_folder` */
    const char *arguments[NODE_ARGUMENTS_MAX]; /* boot parameters */
    unsigned wires;                            /* network cards: 0 counts as 1 */
    unsigned segments[NODE_WIRES_MAX];         /* which switch each wire leads to, 0 to 7 */
    struct net_faulty_plan out, in;            /* of its wires at first: from the node, and to it */
    struct node_skew skew;
    bool has_bare_wires; /* without offloads: it does checksums and segments itself */
    bool may_fail;       /* a panic, or an exit status other than 0, is no failure of the world */
};

enum node_state {
    NODE_OFF,      /* not started, or crashed */
    NODE_RUNS,     /* booted and not ended */
    NODE_ENDED,    /* by itself: node_status */
    NODE_PANICKED, /* by a broken invariant */
};

/* The node stays off until it is started. Everything of `parameters` is copied but the strings,
 * which live as long as the world. */
struct node *world_add_node(struct world *world, const struct node_parameters *parameters);

/* Boots it, off or ended, at this moment. An image that cannot be loaded fails the world. */
void node_start(struct node *node);

/* Ends it at once, wherever it is; nothing of it is closed, and what it had to send is lost. */
void node_crash(struct node *node);

/* The same, in the middle of what it does: at the `calls`-th call that it makes to its surroundings
 * (clock, send, console, ...) from now on. */
void node_crash_after(struct node *node, uint64_t calls);

/* Crashes it if it runs, and boots it. */
void node_restart(struct node *node);

/* Asks it to end, as SIGTERM does. */
void node_stop(struct node *node);

/* Its clocks from now on. */
void node_change_skew(struct node *node, struct node_skew skew);

enum node_state node_state(const struct node *node);
int node_status(const struct node *node);
uint64_t node_boots(const struct node *node);
const char *node_name(const struct node *node);

/* Memory that it has taken and not given back: now, and when it last ended by itself. */
size_t node_memory_bytes(const struct node *node);
size_t node_left_bytes(const struct node *node);

/* Whether it has written this on its console in this boot (of its last 64 KiB). */
bool node_has_said(const struct node *node, struct view words);

/* ---- wires ---- */

/* The node's card of that number is at its one end, the switch at the other. */
struct wire *node_wire(const struct node *node, unsigned number);

/* A wire for the test itself: a stack of its own goes over wire_net, and is closed before the
 * world is. */
struct wire *world_add_guest(struct world *world, const char *name, unsigned segment);
struct net *wire_net(struct wire *wire);

/* Faults from now on, away from the node or guest, and to it. */
void wire_spoil(struct wire *wire, const struct net_faulty_plan *out,
                const struct net_faulty_plan *in);

/* Nothing comes through, or everything again as before. */
void wire_cut(struct wire *wire);
void wire_mend(struct wire *wire);

/* The frames that went over it, as a pcapng file: three views, one after the other. */
void wire_capture(const struct wire *wire, struct view views[3]);

/* ---- time, and what one waits for ---- */

struct world_condition {
    bool (*is_met)(struct world_condition *condition);
};

/* Each waits, at most `duration_ns` of virtual time. OK: it has come. TIMED_OUT. FAILED: the world
 * has failed, see below. */
enum result world_wait(struct world *world, struct world_condition *condition,
                       uint64_t duration_ns) CHECKED;
enum result node_wait_says(struct node *node, struct view words, uint64_t duration_ns) CHECKED;
enum result node_wait_end(struct node *node, uint64_t duration_ns) CHECKED;

/* Waits: lets the time pass. OK or FAILED. */
enum result world_run(struct world *world, uint64_t duration_ns) CHECKED;

/* ---- what must hold ---- */

/* Looked at after every event and at the end. In the loop: it must not wait. */
struct world_rule {
    const char *words; /* what holds: "the counter never goes back" */
    bool (*holds)(struct world_rule *rule);
    struct world_rule *next;
};
void world_add_rule(struct world *world, struct world_rule *rule);

/* The first thing that went wrong: a rule that did not hold, a node that panicked or ended with
 * another status than 0 unless it may. Later ones are in the log of events only. */
void world_fail(struct world *world, const char *words);
const char *world_failure(const struct world *world); /* NULL: none */

/* All events so far, as text: two views, one after the other. */
void world_events(const struct world *world, struct view views[2]);

/* Writes seed, time, failure and events to the console, and the captures of all wires to files,
 * which it names: NAME-SEED-WIRE.pcapng in the folder that SIM_CAPTURES names, if it is set. */
void world_report(struct world *world, const char *name);

#endif
