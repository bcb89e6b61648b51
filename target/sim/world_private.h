/* world_private.h - what a world is made of: for the files of this folder.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_SIM_WORLD_PRIVATE_H
#define LOOM_SIM_WORLD_PRIVATE_H

#include "fiber/fiber.h"
#include "net/net_offload.h"
#include "net/net_pcap.h"
#include "net/net_switch.h"
#include "target/sim/context.h"
#include "target/sim/node_image.h"
#include "target/sim/record.h"
#include "target/sim/world.h"

#define SEGMENTS_MAX   8
#define RING_FRAMES    256 /* of a card, each way; a frame has up to 64 KiB */
#define WIRE_PACKETS   2048
#define SPANS_MAX      128 /* that a node may have taken at a time */
#define LINE_BYTES_MAX 400 /* of an event */

/* ---- wires ---- */

struct ring {
    struct packet *frames[RING_FRAMES];
    size_t first, count;
};

struct wire_sink {
    struct net_pcap_sink sink;
    struct record record;
    uint8_t head[256]; /* the file's own blocks, before any frame */
    size_t head_bytes;
    bool has_frames;
};

struct wire {
    struct world *world;
    struct node *node; /* NULL: a guest's */
    unsigned number;   /* among all of the world */
    char name[WORLD_NAME_MAX];
    struct net *port; /* of the switch */
    struct net_faulty faulty;
    struct net_faulty_plan out, in; /* when it is not cut */
    bool is_cut;
    struct wire_sink capture;
    struct net_pcap pcap;
    struct net_offload offload;
    struct net *top;

    /* The node's end. */
    struct sim_nic nic;
    struct net_user user;
    struct packet_pool pool;
    struct ring sent, received;
    bool room_is_wanted, room_again;
};

void wire_open(struct wire *wire, struct world *world, struct node *node, const char *name,
               unsigned segment);
void wire_close(struct wire *wire);

/* Between two turns of the node: sends what its card has; true when the card is ready for it. */
bool wire_turn(struct wire *wire);

/* The node is gone: what its card holds is lost. */
void wire_reset(struct wire *wire);

/* ---- nodes ---- */

struct node {
    struct sim_host host;
    struct world *world;
    unsigned number;
    struct node_parameters parameters;
    struct view arguments[NODE_ARGUMENTS_MAX];
    size_t argument_count;
    char image_path[512];
    struct wire *wires[NODE_WIRES_MAX];

    enum node_state state;
    bool is_entered; /* it runs at this moment */
    int status;
    uint64_t boots;
    struct node_image image;
    struct context context;
    struct alarm wake;
    uint64_t booted_wall_ns;
    uint64_t busy_ns; /* what its turn has taken so far */
    uint64_t free_ns; /* the world's time before which it is busy with its last turn */
    struct node_clock clock;
    uint64_t random;
    bool stop_is_wanted;
    uint64_t calls_left; /* until it crashes in the middle; 0: it does not */
    bool crashes;        /* it has come to that call */

    struct span spans[SPANS_MAX];
    size_t memory_bytes, left_bytes;

    struct record console;
    char line[LINE_BYTES_MAX]; /* of the console, not ended yet */
    size_t line_bytes;
};

extern const struct sim_host_ops node_host_ops;

/* Every call that it makes begins with this: it may be the one at which it crashes. */
void node_called(struct node *node);

/* It is to run as soon as it may. */
void node_wake(struct node *node);

/* Drops the copy, its stacks and its memory. It is not entered. */
void node_drop(struct node *node);

/* What is left of a line on its console becomes an event. */
void node_end_line(struct node *node);

void node_give_back_all(struct node *node);

void node_open(struct node *node, struct world *world, const struct node_parameters *parameters);
void node_close(struct node *node);

/* The panic of a node as words, with its backtrace. */
void node_note_panic(struct node *node, struct view report, struct view fiber,
                     const uintptr_t *backtrace, size_t count);

/* ---- the world ---- */

struct world {
    struct world_parameters parameters;
    uint64_t start_ns;
    uint64_t random;
    struct net_switch segments[SEGMENTS_MAX];
    size_t segment_ports[SEGMENTS_MAX]; /* taken; 0: it is not open */
    struct wire *wires[WORLD_WIRES_MAX];
    unsigned wire_count;
    struct node *nodes[WORLD_WIRES_MAX];
    unsigned node_count;
    struct record events;
    struct waiters waiters; /* fibers that look again after each turn of a node */
    struct world_rule *rules;
    char failure[LINE_BYTES_MAX];
    bool checks_rules; /* they are being looked at */
};

/* The world there is; NULL: none. */
extern struct world *world_current;

/* A number of the seed's own for each purpose, so that one more draw here changes nothing there. */
uint64_t world_mix(const struct world *world, uint64_t purpose, uint64_t index);
uint64_t random_next(uint64_t *state);

__attribute__((format(printf, 3, 4))) void world_event(struct world *world, const char *source,
                                                       const char *words, ...);
void world_event_view(struct world *world, const char *source, struct view words);

/* After a node's turn and whatever else changed: looks at the rules and wakes who waits. */
void world_turned(struct world *world);

/* Memory for one of the world's own structures, zeroed; panics without. */
void *world_allocate(size_t length_bytes);

/* The next free port of the segment's switch, which is opened for the first. */
struct net *world_port(struct world *world, unsigned segment);

struct wire *world_add_wire(struct world *world, struct node *node, const char *name,
                            unsigned segment);

#endif
