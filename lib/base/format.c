/* format.c - numbers and printf's conversions, without libc.
 *
 * What does not fit is left out: a number whole, of other text what is behind the end.
 *
 * SPDX-License-Identifier: ISC */
#include "base/writer.h"

#include "base/result.h"
#include "base/units.h"

#define DIGITS_MAX 24 /* of 64 bits in octal: 22 */

/* Here, because it is called from so many places: in each of them it would be longer than the
 * call. */
__attribute__((noinline)) void writer_put(struct writer *writer, struct view bytes)
{
    writer_put_inline(writer, bytes);
}

/* In a structure, va_list has an address of one type whether or not it is an array. */
struct arguments {
    __builtin_va_list list;
};

struct conversion {
    bool left, zeros, plus, space;
    bool has_precision;
    size_t width, precision;
    unsigned longs;  /* 0: int, 1: long, 2: long long; all above int are 64 bits here */
    unsigned shorts; /* 1: short, 2: char */
};

static struct view digits_of(uint64_t value, unsigned base, bool capital, uint8_t room[DIGITS_MAX])
{
    size_t at = DIGITS_MAX;
    do {
        room[--at] = (uint8_t)((capital ? "0123456789ABCDEF" : "0123456789abcdef")[value % base]);
        value /= base;
    } while (value != 0);
    return view_from(&room[at], DIGITS_MAX - at);
}

static void put_repeated(struct writer *writer, uint8_t byte, size_t count)
{
    span_fill(writer_take(writer, count), byte);
}

/* As much as fits. */
static void put_text(struct writer *writer, struct view text)
{
    bool is_cut = writer->ran_short || text.length_bytes > writer_left(writer);
    if (!writer->ran_short)
        writer_put(writer, is_cut ? view_first(text, writer_left(writer)) : text);
    writer->ran_short = is_cut;
}

static void put_padded_number(struct writer *writer, const struct conversion *c, struct view sign,
                              size_t zeros, struct view digits)
{
    size_t length = sign.length_bytes + zeros + digits.length_bytes;
    size_t padding = c->width > length ? c->width - length : 0;
    struct span room = writer_take(writer, length + padding);
    if (writer->ran_short) return;
    struct writer number = writer_over(room);
    if (c->zeros && !c->left) {
        zeros += padding;
        padding = 0;
    }
    if (!c->left) put_repeated(&number, ' ', padding);
    writer_put(&number, sign);
    put_repeated(&number, '0', zeros);
    writer_put(&number, digits);
    if (c->left) put_repeated(&number, ' ', padding);
}

static void put_padded_text(struct writer *writer, const struct conversion *c, struct view text)
{
    size_t padding = c->width > text.length_bytes ? c->width - text.length_bytes : 0;
    if (!c->left) put_repeated(writer, ' ', padding);
    put_text(writer, text);
    if (c->left) put_repeated(writer, ' ', padding);
}

static void put_number(struct writer *writer, struct conversion *c, struct view sign,
                       struct view digits)
{
    size_t zeros = 0;
    if (c->has_precision) {
        c->zeros = false;
        if (c->precision == 0 && view_equal(digits, VIEW("0"))) digits = VIEW("");
        if (c->precision > digits.length_bytes) zeros = c->precision - digits.length_bytes;
    }
    put_padded_number(writer, c, sign, zeros, digits);
}

static void put_signed(struct writer *writer, struct conversion *c, int64_t value)
{
    uint8_t room[DIGITS_MAX];
    uint64_t magnitude = value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
    struct view sign = value < 0  ? VIEW("-")
                       : c->plus  ? VIEW("+")
                       : c->space ? VIEW(" ")
                                  : VIEW("");
    put_number(writer, c, sign, digits_of(magnitude, 10, false, room));
}

static void put_unsigned(struct writer *writer, struct conversion *c, uint64_t value, unsigned base,
                         bool capital)
{
    uint8_t room[DIGITS_MAX];
    put_number(writer, c, VIEW(""), digits_of(value, base, capital, room));
}

static void put_string(struct writer *writer, struct conversion *c, const char *string)
{
    size_t length = 0;
    size_t most = c->has_precision ? c->precision : SIZE_MAX;
    if (string == NULL) string = "(null)";
    while (length < most && string[length] != '\0')
        length++;
    put_padded_text(writer, c, view_from(string, length));
}

static int64_t signed_argument(const struct conversion *c, struct arguments *arguments)
{
    if (c->longs > 0) return __builtin_va_arg(arguments->list, long long);
    int value = __builtin_va_arg(arguments->list, int);
    return c->shorts == 0 ? value : c->shorts == 1 ? (short)value : (signed char)value;
}

static uint64_t unsigned_argument(const struct conversion *c, struct arguments *arguments)
{
    if (c->longs > 0) return __builtin_va_arg(arguments->list, unsigned long long);
    unsigned value = __builtin_va_arg(arguments->list, unsigned);
    return c->shorts == 0 ? value : c->shorts == 1 ? (unsigned short)value : (unsigned char)value;
}

static const char *read_flags(const char *at, struct conversion *c)
{
    for (;; at++) {
        switch (*at) {
        case '-': c->left = true; break;
        case '0': c->zeros = true; break;
        case '+': c->plus = true; break;
        case ' ': c->space = true; break;
        default: return at;
        }
    }
}

static const char *read_digits(const char *at, size_t *count)
{
    for (*count = 0; *at >= '0' && *at <= '9'; at++)
        *count = *count * 10 + (size_t)(*at - '0');
    return at;
}

/* A negative one is a width to the left. */
static const char *read_width(const char *at, struct conversion *c, struct arguments *arguments)
{
    if (*at != '*') return read_digits(at, &c->width);
    int value = __builtin_va_arg(arguments->list, int);
    if (value < 0) c->left = true;
    c->width = value < 0 ? (size_t) - (int64_t)value : (size_t)value;
    return at + 1;
}

/* A negative one counts as 0 here, not as none as with printf: it is what becomes of the length of
 * a view that is too long for an int, and nothing says where that view's bytes end. */
static const char *read_precision(const char *at, struct conversion *c, struct arguments *arguments)
{
    if (*at != '.') return at;
    c->has_precision = true;
    if (at[1] != '*') return read_digits(at + 1, &c->precision);
    int value = __builtin_va_arg(arguments->list, int);
    c->precision = value > 0 ? (size_t)value : 0;
    return at + 2;
}

static const char *read_length(const char *at, struct conversion *c)
{
    for (;; at++) {
        switch (*at) {
        case 'h': c->shorts++; break;
        case 'l':
        case 'z':
        case 'j':
        case 't': c->longs++; break;
        default: return at;
        }
    }
}

static void put_conversion(struct writer *writer, char kind, struct conversion *c,
                           struct arguments *arguments)
{
    switch (kind) {
    case 'd':
    case 'i': put_signed(writer, c, signed_argument(c, arguments)); return;
    case 'u': put_unsigned(writer, c, unsigned_argument(c, arguments), 10, false); return;
    case 'o': put_unsigned(writer, c, unsigned_argument(c, arguments), 8, false); return;
    case 'x': put_unsigned(writer, c, unsigned_argument(c, arguments), 16, false); return;
    case 'X': put_unsigned(writer, c, unsigned_argument(c, arguments), 16, true); return;
    case 'c': {
        uint8_t byte = (uint8_t) __builtin_va_arg(arguments->list, int);
        put_padded_text(writer, c, VIEW_OF(byte));
        return;
    }
    case 's': put_string(writer, c, __builtin_va_arg(arguments->list, const char *)); return;
    case 'p':
        writer_put(writer, VIEW("0x"));
        writer_put_hex(writer, (uint64_t)(uintptr_t) __builtin_va_arg(arguments->list, void *), 1);
        return;
    default: panic("%%%c is not a conversion", kind);
    }
}

COLD void writer_format_list(struct writer *writer, const char *words, __builtin_va_list list)
{
    struct arguments arguments;
    __builtin_va_copy(arguments.list, list);
    const char *at = words;
    while (*at != '\0') {
        const char *start = at;
        while (*at != '\0' && *at != '%')
            at++;
        put_text(writer, view_from(start, (size_t)(at - start)));
        if (*at == '\0') break;
        at++;
        if (*at == '%') {
            writer_put_u8(writer, (uint8_t)*at++);
            continue;
        }
        struct conversion c = { 0 };
        at = read_flags(at, &c);
        at = read_width(at, &c, &arguments);
        at = read_precision(at, &c, &arguments);
        at = read_length(at, &c);
        put_conversion(writer, *at++, &c, &arguments);
    }
    __builtin_va_end(arguments.list);
}

COLD void writer_format(struct writer *writer, const char *words, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(writer, words, arguments);
    __builtin_va_end(arguments);
}

COLD struct view format(struct span room, const char *words, ...)
{
    struct writer writer = writer_over(room);
    __builtin_va_list arguments;
    __builtin_va_start(arguments, words);
    writer_format_list(&writer, words, arguments);
    __builtin_va_end(arguments);
    return writer_view(&writer);
}

void writer_put_decimal(struct writer *writer, uint64_t value)
{
    uint8_t room[DIGITS_MAX];
    writer_put(writer, digits_of(value, 10, false, room));
}

void writer_put_hex(struct writer *writer, uint64_t value, unsigned digits)
{
    uint8_t room[DIGITS_MAX];
    struct view text = digits_of(value, 16, false, room);
    if (digits > text.length_bytes) put_repeated(writer, '0', digits - text.length_bytes);
    writer_put(writer, text);
}

COLD void writer_put_hex_bytes(struct writer *writer, struct view bytes)
{
    for (size_t i = 0; i < bytes.length_bytes; i++)
        writer_put_hex(writer, bytes.bytes[i], 2);
}
