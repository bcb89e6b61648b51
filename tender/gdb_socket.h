/* gdb_socket.h - waits for the one debugger that will be talked to.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TENDER_GDB_SOCKET_H
#define LOOM_TENDER_GDB_SOCKET_H

#include "tender/stop.h"

/* Waits. `where`: the path of a socket that is made and taken away again, or a number: a port of
 * 127.0.0.1, where only this user and root are let in. Says on stderr what to type in gdb. The
 * descriptor does not block, and each byte that comes raises SIGIO, which is blocked. Ends the
 * process where it fails, and where it is asked to end first. */
int gdb_socket_wait(const char *where, const char *image, struct stop *stop);

#endif
