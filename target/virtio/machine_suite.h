/* machine_suite.h - a machine around the drivers under test: what the target gives them, and the
 * other side of their queues, in the same process.
 *
 * Its devices are served, and its pollers polled, every MACHINE_TURN_NS of the test's time; and the
 * devices at each machine_serve. Physical addresses differ from virtual ones, so that one that was
 * forgotten to be translated is found out.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_MACHINE_SUITE_H
#define LOOM_MACHINE_SUITE_H

#include "base/units.h"
#include "base/view.h"
#include "target/machine/machine.h"
#include "target/machine/virtqueue.h"
#include "target/virtio/machine_poller.h"

#define MACHINE_TURN_NS     (20 * US_NS)
#define MACHINE_SUITE_SLIDE ((uint64_t)7 << 21)

struct machine_device_suite {
    struct machine_device said;
    /* Serves the queues that the driver has set up. */
    void (*serve)(struct machine_device_suite *device);
    /* The driver has reset it. */
    void (*stop)(struct machine_device_suite *device);
    bool keeps; /* a device that does not let go of its queues */
};

/* One machine at a time. */
void machine_suite_open(struct machine_device_suite *const devices[], size_t count);
void machine_suite_close(void);

/* From now on it is served and polled only when the test does. */
void machine_suite_stop_turns(void);

/* Polls once, as target_wait does: whether a poller had something. And arms. */
bool machine_suite_poll(void);
bool machine_suite_arm(void);

/* ---- the device's side of a queue, for devices that behave ---- */

#define QUEUE_SUITE_PARTS 128

struct queue_suite {
    uint16_t taken, given;
};

/* A chain's parts as the test can reach them; a driver that breaks a rule fails the test. */
struct chain_suite {
    uint16_t head;
    size_t readable_count, writable_count;
    struct view readable[QUEUE_SUITE_PARTS];
    struct span writable[QUEUE_SUITE_PARTS];
};

/* The next chain that the driver has made available. False: there is none. */
bool queue_suite_take(struct queue_suite *queue, const struct machine_queue *place,
                      struct chain_suite *chain);
size_t queue_suite_waiting(const struct queue_suite *queue, const struct machine_queue *place);

/* Puts it into the used ring; the driver sees it when it is shown. */
void queue_suite_give(struct queue_suite *queue, const struct machine_queue *place, uint32_t head,
                      uint32_t written_bytes);
void queue_suite_show(const struct queue_suite *queue, const struct machine_queue *place);

/* The rings as they lie in the driver's memory, for devices that do not behave. */
struct rings_suite {
    struct virtq_desc *descriptors;
    struct virtq_ring *available, *used;
    uint16_t *available_heads, *used_event;
    struct virtq_used_element *used_elements;
    uint16_t *available_event;
};
struct rings_suite rings_suite_of(const struct machine_queue *place);

#endif
