/* resolver_name.c - telling addresses, host names and nonsense apart.
 *
 * SPDX-License-Identifier: ISC */
#include "resolver/resolver_name.h"

#define LABEL_BYTES_MAX 63

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_label(struct view label)
{
    if (label.length_bytes == 0 || label.length_bytes > LABEL_BYTES_MAX) return false;
    if (view_byte(label, 0) == '-' || view_byte(label, label.length_bytes - 1) == '-') return false;
    for (size_t i = 0; i < label.length_bytes; i++) {
        uint8_t byte = view_byte(label, i);
        if (!is_letter(byte) && !is_digit(byte) && byte != '-' && byte != '_') return false;
    }
    return true;
}

/* "127.1", "0x7f.1" and "2130706433" are addresses to inet_aton, and traps. */
static bool is_number(struct view label)
{
    if (view_starts_with(label, VIEW("0x")) || view_starts_with(label, VIEW("0X"))) return true;
    for (size_t i = 0; i < label.length_bytes; i++) {
        if (!is_digit(view_byte(label, i))) return false;
    }
    return true;
}

static bool is_host_name(struct view name)
{
    struct view label;
    if (name.length_bytes > 0 && view_ends_with(name, VIEW(".")))
        name = view_first(name, name.length_bytes - 1);
    if (name.length_bytes == 0 || name.length_bytes > RESOLVER_NAME_MAX) return false;
    bool more = true;
    while (more) {
        size_t before = name.length_bytes;
        label = view_cut(name, '.', &name);
        more = label.length_bytes < before;
        if (!is_label(label)) return false;
    }
    return !is_number(label);
}

enum result resolver_name_read(struct view name, enum address_family family,
                               struct address *address)
{
    if (address_parse(name, address) == OK)
        return family == ADDRESS_ANY || address->family == family ? OK : NOT_FOUND;
    return is_host_name(name) ? UNSUPPORTED : INVALID;
}
