/* resolver_static.h - a resolver that knows a table and nothing else.
 *
 * For tests, and for an image whose peers are fixed. Names are compared without regard to case, and
 * a trailing dot makes no difference.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_STATIC_H
#define LOOM_RESOLVER_STATIC_H

#include "resolver/resolver.h"

/* A name with several addresses has several rows, the best first. */
struct resolver_static_row {
    struct view name;
    struct address address;
};

struct resolver_static {
    struct resolver resolver;
    const struct resolver_static_row *rows;
    size_t row_count;
};

/* Uses `rows` until it is closed. */
enum result resolver_static_open(struct resolver_static *table,
                                 const struct resolver_static_row rows[], size_t row_count) CHECKED;
void resolver_static_close(struct resolver_static *table);

#endif
