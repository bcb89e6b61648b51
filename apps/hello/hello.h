/* hello.h - the entry of hello.
 *
 * SPDX-License-Identifier: ISC */
#ifndef HELLO_H
#define HELLO_H

#include "base/result.h"

/* Says hello on the console. */
enum result hello_start(void) CHECKED;

#endif
