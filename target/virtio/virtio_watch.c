/* virtio_watch.c - notices that a device's configuration has changed.
 *
 * SPDX-License-Identifier: ISC */
#include "target/virtio/virtio_watch.h"

static bool look(struct virtio_watch *watch)
{
    alarm_stop(&watch->alarm);
    watch->is_owed = false;
    watch->next_ns = deadline_after(loop_now_ns(), VIRTIO_WATCH_NS);
    return virtio_device_config_changed(watch->device) && watch->changed(watch);
}

static void alarm_due(struct alarm *alarm)
{
    (void)look(CONTAINER_OF(alarm, struct virtio_watch, alarm));
}

void virtio_watch_start(struct virtio_watch *watch, struct virtio_device *device)
{
    watch->device = device;
    watch->alarm.due = alarm_due;
    watch->next_ns = NO_WAIT;
    watch->is_owed = true;
    watch->keeps_awake = false;
}

void virtio_watch_stop(struct virtio_watch *watch)
{
    if (watch->device == NULL) return;
    alarm_stop(&watch->alarm);
    watch->device = NULL;
}

bool virtio_watch_poll(struct virtio_watch *watch, bool had_something)
{
    if (watch->device == NULL) return had_something;
    if (had_something && !timer_is_running(&watch->alarm.timer))
        alarm_set(&watch->alarm, deadline_after(loop_now_ns(), VIRTIO_WATCH_NS));
    had_something |= watch->keeps_awake;
    watch->keeps_awake = false;
    return had_something;
}

/* An alarm that is set here, and what `changed` does, the loop knows of only after another turn. */
bool virtio_watch_arm(struct virtio_watch *watch)
{
    if (watch->device == NULL || timer_is_running(&watch->alarm.timer)) return false;
    bool is_owed = watch->is_owed, has_changed = true;
    watch->is_owed = true;
    if (!is_owed) return false;
    if (loop_now_ns() < watch->next_ns)
        alarm_set(&watch->alarm, watch->next_ns);
    else
        has_changed = look(watch);
    watch->is_owed = !has_changed;
    watch->keeps_awake = has_changed;
    return has_changed;
}
