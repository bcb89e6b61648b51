/* block_file_host.h - what block_file asks of the host: to be opened, and to carry out one request.
 *
 * Private to block_file.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_BLOCK_FILE_HOST_H
#define LOOM_BLOCK_FILE_HOST_H

#include "target/unix/block_file.h"

/* Opens descriptor and lock, and fills in `block` but its operations. */
enum result block_file_host_open(struct block_file *file,
                                 const struct block_file_parameters *parameters) CHECKED;

/* Waits for the host's disk: for threads. Gives an errno, or 0. The host reads and writes what is
 * constant in `file` and nothing else. */
int block_file_host_carry_out(const struct block_file *file, const struct block_request *request);

/* A read of what lies in the host's cache. EAGAIN: it does not, or not all, or there are too many
 * parts for one call. EOPNOTSUPP: this file system cannot tell. */
int block_file_host_read_quickly(const struct block_file *file,
                                 const struct block_request *request);

#endif
