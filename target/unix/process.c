/* process.c - the unix target's part of a process: the loop's descriptors and signals.
 *
 * SPDX-License-Identifier: ISC */
#include "target/hosted/process.h"

#include <sys/resource.h>

#include "target/unix/poll.h"
#include "target/unix/signals.h"

/* A server wants as many descriptors as it may have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

enum result process_open(void)
{
    raise_descriptor_limit();
    enum result result = poll_open();
    return result == OK ? signals_open() : result;
}

void process_close(void)
{
    signals_close();
    poll_close();
}
