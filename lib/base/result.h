/* result.h - what the world can do to a call: one small closed list, used by every module.
 *
 * What the programmer does wrong is not in it: that is an assert.
 *
 * SPDX-License-Identifier: ISC */
#ifndef LOOM_RESULT_H
#define LOOM_RESULT_H

enum result {
    OK,
    CLOSED,      /* the other side, or this one, is done */
    TIMED_OUT,   /* the deadline passed first; nothing was done that is not told */
    CANCELLED,   /* the fiber was told to end */
    FULL,        /* a bounded pool, queue or buffer has no room; later it may */
    TOO_LARGE,   /* it can never fit: over a stated limit */
    INVALID,     /* malformed input */
    NOT_FOUND,   /* no such name, key, route or address */
    EXISTS,      /* it is there already, or the address is in use */
    DENIED,      /* read-only, or no permission */
    REFUSED,     /* the peer said no */
    UNREACHABLE, /* no way there */
    UNSUPPORTED, /* this implementation cannot */
    FAILED,      /* a device, the host or the peer broke in a way that the log tells */
};

/* For every function whose result says what the world did. */
#define CHECKED __attribute__((warn_unused_result))

/* Of what runs when an image or a module begins or ends, or when somebody asks: it is compiled for
 * its size, and lies apart from what runs all the time. */
#define COLD __attribute__((cold))

/* Where nothing can or need be done about it; say why at the call. */
static inline void result_ignore(enum result result)
{
    (void)result;
}

/* A result in words: "timed out". Never NULL. */
const char *result_text(enum result result);

#endif
