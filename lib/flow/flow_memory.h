/* flow_memory.h - two flows connected inside the process: what one end writes the other reads.
 *
 *      end 0                    pipes                    end 1
 *      write  ---->  [ bounded buffer | loan ]  ---->    read
 *      read   <----  [ bounded buffer | loan ]  <----    write
 *
 * A double for tests, and the connection of tcp_loop. It behaves as TCP does where a session can
 * tell: a full buffer makes the writer wait, each direction ends by itself, closing with unread
 * bytes resets. A loan is read from where it lies.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_FLOW_MEMORY_H
#define LOOM_FLOW_MEMORY_H

#include "base/ring.h"
#include "flow/flow.h"

/* One direction. Its loan comes behind the bytes in the buffer. */
struct flow_memory_pipe {
    struct span room;
    struct ring ring;
    struct loan *loan;
    size_t loan_read_bytes;
    bool shut;  /* the writer is done */
    bool gone;  /* the reader takes no more */
    bool reset; /* broken: what is in the buffer can still be read */
    struct waiters reader, writer;
};

struct flow_memory_end {
    struct flow flow;
    struct flow_memory *pair;
    size_t borrowed_bytes;
    bool closed;
};

struct flow_memory {
    struct flow_memory_end ends[2];
    struct flow_memory_pipe pipes[2];        /* pipes[i] carries what ends[i] writes */
    void (*ended)(struct flow_memory *pair); /* both ends are closed; NULL: nobody wants to know */
    struct span memory;
};

/* Connects the two ends, with a buffer of `buffer_bytes` (a power of two) each way. FULL: no
 * memory. */
enum result flow_memory_open(struct flow_memory *pair, size_t buffer_bytes) CHECKED;

/* Closes the ends that are still open, and gives the memory back. */
void flow_memory_close(struct flow_memory *pair);

/* The same in two buffers of the caller's (powers of two), which are in use until `ended`. */
void flow_memory_connect(struct flow_memory *pair, struct span forth, struct span back);

static inline struct flow *flow_memory_end(struct flow_memory *pair, size_t index)
{
    assert(index < 2);
    return &pair->ends[index].flow;
}

#endif
