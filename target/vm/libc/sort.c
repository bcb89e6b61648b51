/* sort.c - qsort, as a heapsort: in place, without recursion, and never slower than n log n,
 * whatever it is given.
 *
 * Contract: ISO C17 7.22.5.2.
 *
 * SPDX-License-Identifier: ISC */
#include "base/view.h"
#include "target/vm/libc/libc.h"

struct sorted {
    struct span bytes;
    size_t each_bytes;
    int (*compare)(const void *, const void *);
};

static struct span element(const struct sorted *sorted, size_t index)
{
    return span_first(span_from_offset(sorted->bytes, index * sorted->each_bytes),
                      sorted->each_bytes);
}

static bool is_less(const struct sorted *sorted, size_t a, size_t b)
{
    return sorted->compare(element(sorted, a).bytes, element(sorted, b).bytes) < 0;
}

static void exchange(const struct sorted *sorted, size_t a, size_t b)
{
    struct span left = element(sorted, a), right = element(sorted, b);
    for (size_t i = 0; i < sorted->each_bytes; i++) {
        uint8_t byte = left.bytes[i];
        left.bytes[i] = right.bytes[i];
        right.bytes[i] = byte;
    }
}

/* Among the first `count`, lets the element sink below all that are larger. */
static void sink(const struct sorted *sorted, size_t index, size_t count)
{
    for (size_t child = 2 * index + 1; child < count; child = 2 * index + 1) {
        if (child + 1 < count && is_less(sorted, child, child + 1)) child++;
        if (!is_less(sorted, index, child)) return;
        exchange(sorted, index, child);
        index = child;
    }
}

void LIBC(qsort)(void *bytes, size_t count, size_t each_bytes,
                 int (*compare)(const void *, const void *))
{
    struct sorted sorted = { span_from(bytes, count * each_bytes), each_bytes, compare };
    for (size_t i = count / 2; i > 0; i--)
        sink(&sorted, i - 1, count);
    for (size_t left = count; left > 1; left--) {
        exchange(&sorted, 0, left - 1);
        sink(&sorted, 0, left - 1);
    }
}
