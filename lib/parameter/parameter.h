/* parameter.h - boot parameters: what an image reads from its command line.
 *
 * Each module declares a table of its own parameters, typed and documented, and a structure for
 * their values:
 *
 *     struct http_server_parameters { uint64_t port; uint64_t idle_timeout_ns; };
 *     const struct parameter http_server_parameters[] = {
 *         PARAMETER_NUMBER(struct http_server_parameters, port, "port", "8080", 1, 65535,
 *                          "TCP port to listen on"),
 *         PARAMETER_DURATION(struct http_server_parameters, idle_timeout_ns, "idle-timeout", "60s",
 *                            "how long a connection may wait between two requests"),
 *         PARAMETER_END,
 *     };
 *
 * An instance may have a prefix ("admin" makes `--port` `--admin-port`). One that is unknown or
 * malformed stops the image with one clear line. Defaults are text that goes through the same
 * parser.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_PARAMETER_H
#define LOOM_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"
#include "base/view.h"

enum parameter_type {
    PARAMETER_TYPE_END,
    PARAMETER_TYPE_FLAG,     /* bool: --name, --name=on, --name=off */
    PARAMETER_TYPE_NUMBER,   /* uint64_t: decimal */
    PARAMETER_TYPE_BYTES,    /* uint64_t: decimal with an optional KiB, MiB or GiB */
    PARAMETER_TYPE_DURATION, /* uint64_t nanoseconds: decimal with ns, us, ms, s, m or h */
    PARAMETER_TYPE_TEXT,     /* struct view: the argument itself */
    PARAMETER_TYPE_CHOICE,   /* uint32_t: an index into `choices` */
    PARAMETER_TYPE_PARSED,   /* what `parse` makes of it */
    PARAMETER_TYPE_TABLE,    /* the rows of `table`: those of a module inside */
};

struct parameter {
    const char *name;     /* without the dashes and without the instance's prefix */
    const char *fallback; /* the default, as a user would write it */
    const char *help;     /* one line, lower case, no full stop */
    union {
        struct { /* NUMBER, BYTES, DURATION */
            uint64_t minimum, maximum;
        };
        struct {              /* PARSED */
            const char *kind; /* what to call its argument in --help: "ADDRESS:PORT" */
            enum result (*parse)(struct view text, struct span value);
        };
        const char *const *choices;    /* CHOICE: ends with NULL */
        const struct parameter *table; /* TABLE */
    };
    enum parameter_type type;
    bool is_pool; /* NUMBER: of things that memory is taken for when the image begins */
    uint32_t offset, size_bytes; /* of the value in the structure of values */
};

/* Yields offsetof, and refuses to compile when the member is not of the given type. */
#define PARAMETER_OFFSET(structure, member, type) \
    (offsetof(structure, member) + \
     0 * sizeof( \
             char[__builtin_types_compatible_p(type, __typeof__(((structure *)0)->member)) ? 1 \
                                                                                           : -1]))

#define PARAMETER_OF(structure, member, ctype, ptype, ...) \
    { \
        .type = (ptype), .offset = PARAMETER_OFFSET(structure, member, ctype), \
        .size_bytes = sizeof(ctype), __VA_ARGS__ \
    }

#define PARAMETER_FLAG(structure, member, n, def, text) \
    PARAMETER_OF(structure, member, bool, PARAMETER_TYPE_FLAG, .name = (n), .fallback = (def), \
                 .help = (text))
#define PARAMETER_NUMBER(structure, member, n, def, low, high, text) \
    PARAMETER_OF(structure, member, uint64_t, PARAMETER_TYPE_NUMBER, .name = (n), \
                 .fallback = (def), .help = (text), .minimum = (low), .maximum = (high))
/* The default is for a machine of PARAMETER_POOL_MEMORY_BYTES or more; one with less memory has as
 * many fewer, but at least `low`. (Processes take from their host what they touch: they have all.)
 * A number that is given is taken as it is. */
#define PARAMETER_POOL(structure, member, n, def, low, high, text) \
    PARAMETER_OF(structure, member, uint64_t, PARAMETER_TYPE_NUMBER, .name = (n), \
                 .fallback = (def), .help = (text), .minimum = (low), .maximum = (high), \
                 .is_pool = true)
#define PARAMETER_POOL_MEMORY_BYTES ((uint64_t)256 << 20)
#define PARAMETER_BYTES(structure, member, n, def, low, high, text) \
    PARAMETER_OF(structure, member, uint64_t, PARAMETER_TYPE_BYTES, .name = (n), \
                 .fallback = (def), .help = (text), .minimum = (low), .maximum = (high))
#define PARAMETER_DURATION(structure, member, n, def, text) \
    PARAMETER_OF(structure, member, uint64_t, PARAMETER_TYPE_DURATION, .name = (n), \
                 .fallback = (def), .help = (text), .maximum = UINT64_MAX)
#define PARAMETER_TEXT(structure, member, n, def, text) \
    PARAMETER_OF(structure, member, struct view, PARAMETER_TYPE_TEXT, .name = (n), \
                 .fallback = (def), .help = (text))
#define PARAMETER_CHOICE(structure, member, n, def, list, text) \
    PARAMETER_OF(structure, member, uint32_t, PARAMETER_TYPE_CHOICE, .name = (n), \
                 .fallback = (def), .help = (text), .choices = (list))
#define PARAMETER_PARSED(structure, member, ctype, n, def, what, function, text) \
    PARAMETER_OF(structure, member, ctype, PARAMETER_TYPE_PARSED, .name = (n), .fallback = (def), \
                 .help = (text), .kind = (what), .parse = (function))
/* All the rows of the table of a module inside, whose values are this member. Such tables may hold
 * tables again, PARAMETER_DEPTH_MAX deep. */
#define PARAMETER_DEPTH_MAX 4
#define PARAMETER_TABLE(structure, member, rows) \
    { \
        .type = PARAMETER_TYPE_TABLE, .table = (rows), .offset = offsetof(structure, member), \
        .size_bytes = sizeof(((structure *)0)->member) \
    }
#define PARAMETER_END \
    { \
        .type = PARAMETER_TYPE_END \
    }

/* The parameters of one instance, and where their values go. */
struct parameter_group {
    const char *device;            /* the instance, as it stands in the wiring: "http0" */
    const char *prefix;            /* "" or the name given with named() */
    const struct parameter *table; /* ends with PARAMETER_END */
    struct span values;
};

/* No image has more parameters than this. */
#define PARAMETERS_MAX 512

/* An error line fits: longer names and values are shown cut. */
#define PARAMETER_MESSAGE_MAX 512

/* Sets every value to its default, then reads `arguments` ("--name=value", "--name value",
 * "--flag"). On INVALID, `message` holds one line, without a newline, that names the argument and
 * what would be right; *message_bytes is its length. NOT_FOUND: --help was asked for. Views among
 * the values point into the arguments or the defaults. Two parameters of one name, and a default
 * that its own parameter refuses, are mistakes of the programmer and panic. */
COLD enum result parameter_read(const struct parameter_group groups[], size_t group_count,
                                const struct view arguments[], size_t argument_count,
                                struct span message, size_t *message_bytes)
    __attribute__((warn_unused_result));

/* For the tests of a module that has a table: whether each row has a name in lower case with single
 * dashes, a help text of one line in lower case without a full stop, and a default that the row
 * itself accepts. */
COLD bool parameter_defaults_are_valid(const struct parameter table[]);

/* Gives the text of --help to `put`, line by line, each with its newline and none longer than 80
 * columns unless a single word is. */
struct parameter_sink {
    void (*put)(struct parameter_sink *sink, struct view line);
};
COLD void parameter_help(const char *image, const struct parameter_group groups[],
                         size_t group_count, struct parameter_sink *sink);

#endif
