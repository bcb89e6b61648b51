/* house.h - where Loom's own files are, found from where the command itself stands.
 *
 * In the tree that is build/loom, and the house is the tree. Installed it is PREFIX/bin/loom, and
 * the house is PREFIX/share/loom.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_HOUSE_H
#define LOOM_TOOL_HOUSE_H

struct house {
    const char *loom;    /* this very program */
    const char *folder;  /* holds lib/, target/ and tool/ */
    const char *library; /* what a config.c is linked with */
};

/* Ends the command with an error when the house is not there. */
struct house house_find(void);

/* The path of a program of Loom's: it stands beside this one. */
const char *house_program(const struct house *house, const char *name);

#endif
