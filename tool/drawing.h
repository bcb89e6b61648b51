/* drawing.h - the graph as a drawing, made by graphviz and given a style that follows the reader's.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_TOOL_DRAWING_H
#define LOOM_TOOL_DRAWING_H

#include <stdbool.h>
#include <stdio.h>

/* Whether there is graphviz to draw with. */
bool drawing_is_possible(void);

/* Draws a .dot file as SVG into `file`. False: graphviz failed, and said why. */
bool drawing_write(FILE *file, const char *dot);

#endif
