/* resolver_name.h - which names a resolver looks up at all: for implementations.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_NAME_H
#define LOOM_RESOLVER_NAME_H

#include "resolver/resolver.h"

/* OK: the name is an address, put into *address. NOT_FOUND: it is one of another family than
 * `family`. UNSUPPORTED: it is a host name, which has to be looked up. INVALID: it is neither
 * (RFC 1123 2.1, with "_" besides, which real zones have; and never a name whose last label is a
 * number, which some would take for an address). */
enum result resolver_name_read(struct view name, enum address_family family,
                               struct address *address) CHECKED;

#endif
