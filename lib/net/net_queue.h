/* net_queue.h - frames in a row, first come first served, linked by their own `next`.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_NET_QUEUE_H
#define LOOM_NET_QUEUE_H

#include "net/net.h"

/* Zeroed it is empty. It has no bound of its own: who puts frames in looks at `count` first. */
struct net_queue {
    struct packet *first, *last;
    size_t count;
};

/* Takes the reference over. */
static inline void net_queue_put(struct net_queue *queue, struct packet *packet)
{
    packet->next = NULL;
    if (queue->first == NULL) {
        queue->first = packet;
    } else {
        queue->last->next = packet;
    }
    queue->last = packet;
    queue->count++;
}

/* Gives the reference on; NULL: it is empty. */
static inline struct packet *net_queue_take(struct net_queue *queue)
{
    struct packet *packet = queue->first;
    if (packet == NULL) return NULL;
    queue->first = packet->next;
    packet->next = NULL;
    queue->count--;
    return packet;
}

/* Sends from the front as much as `net` takes, a burst at most; gives how many. */
static inline size_t net_queue_send(struct net_queue *queue, struct net *net)
{
    struct packet *burst[NET_BURST_MAX], *behind = queue->first;
    size_t count = 0;
    for (; behind != NULL && count < NET_BURST_MAX; behind = behind->next)
        burst[count++] = behind;
    if (count == 0) return 0;
    size_t sent = net_send(net, burst, count);
    queue->first = sent < count ? burst[sent] : behind;
    queue->count -= sent;
    return sent;
}

static inline void net_queue_drop_all(struct net_queue *queue)
{
    for (struct packet *packet = net_queue_take(queue); packet != NULL;
         packet = net_queue_take(queue))
        packet_drop(packet);
}

#endif
