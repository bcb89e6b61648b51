/* resolver.h - the signature of finding the addresses that belong to a name.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESOLVER_H
#define LOOM_RESOLVER_H

#include "base/assert.h"
#include "base/result.h"
#include "base/view.h"
#include "ip/address.h"

#define RESOLVER_NAME_MAX      253
#define RESOLVER_ADDRESSES_MAX 16

struct resolver {
    const struct resolver_ops *ops;
};

struct resolver_ops {
    enum result (*lookup)(struct resolver *resolver, struct view name, enum address_family family,
                          struct address addresses[], size_t room, size_t *count,
                          uint64_t deadline_ns);
};

#define RESOLVER_OPS(impl) \
    { \
        .lookup = impl##_lookup \
    }

/* Waits. Finds up to `room` addresses of `name`, best first (RFC 6724), of one family or, with
 * ADDRESS_ANY, of both: what happy eyeballs (RFC 8305) races. A name that is an address is that
 * address, and NOT_FOUND when it is one of another family. OK: *count > 0. NOT_FOUND: there is no
 * such name or it has no such address. INVALID: not a host name; so are "127.1" and other ways to
 * write an address that only some understand. FULL: too many look-ups at once. FAILED: no server
 * answered. */
CHECKED static inline enum result resolver_lookup(struct resolver *resolver, struct view name,
                                                  enum address_family family,
                                                  struct address addresses[], size_t room,
                                                  size_t *count, uint64_t deadline_ns)
{
    assert(room > 0);
    *count = 0;
    enum result result = resolver->ops->lookup(resolver, name, family, addresses, room, count,
                                               deadline_ns);
    assert((result == OK) == (*count > 0) && *count <= room);
    return result;
}

#endif
