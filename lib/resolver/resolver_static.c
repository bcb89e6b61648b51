/* resolver_static.c - a resolver that knows a table and nothing else.
 *
 * SPDX-License-Identifier: ISC */
#include "resolver/resolver_static.h"

#include "base/units.h"
#include "resolver/resolver_name.h"

static struct view without_dot(struct view name)
{
    return view_ends_with(name, VIEW(".")) ? view_first(name, name.length_bytes - 1) : name;
}

static bool is_wanted(const struct resolver_static_row *row, struct view name,
                      enum address_family family)
{
    return view_equal_ignoring_case(row->name, name) &&
           (family == ADDRESS_ANY || row->address.family == family);
}

static enum result resolver_static_lookup(struct resolver *resolver, struct view name,
                                          enum address_family family, struct address addresses[],
                                          size_t room, size_t *count, uint64_t deadline_ns)
{
    const struct resolver_static *table = CONTAINER_OF(resolver, struct resolver_static, resolver);
    (void)deadline_ns; /* nothing here waits */
    enum result result = resolver_name_read(name, family, &addresses[0]);
    if (result == OK) *count = 1;
    if (result != UNSUPPORTED) return result;
    name = without_dot(name);
    for (size_t i = 0; i < table->row_count && *count < room; i++) {
        if (is_wanted(&table->rows[i], name, family))
            addresses[(*count)++] = table->rows[i].address;
    }
    return *count > 0 ? OK : NOT_FOUND;
}

static const struct resolver_ops resolver_static_ops = RESOLVER_OPS(resolver_static);

enum result resolver_static_open(struct resolver_static *table,
                                 const struct resolver_static_row rows[], size_t row_count)
{
    *table = (struct resolver_static){ .resolver.ops = &resolver_static_ops,
                                       .rows = rows,
                                       .row_count = row_count };
    return OK;
}

void resolver_static_close(struct resolver_static *table)
{
    *table = (struct resolver_static){ 0 };
}
