/* configure.h - from config.c to build.ninja, when something of it changed.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_CONFIGURE_H
#define LOOM_TOOL_CONFIGURE_H

#include "application.h"

/* Configures with these keys and no others. Ends the command with an error at config.c's line when
 * it cannot. */
void configure(const struct application *application, struct keys keys);

/* Configures again with the keys that are remembered (unless it forgets them) and those given,
 * unless nothing changed since the last time. False: it failed, and said why. */
bool configure_if_changed(const struct application *application, const struct keys *given);

/* Keeps others from configuring or building the same application for the same target, until this
 * process ends or lets go. */
int build_lock(const struct application *application);
void build_unlock(int lock);

#endif
