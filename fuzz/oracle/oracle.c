/* oracle.c - our parser beside llhttp: every difference counted, and explained or an error.
 *
 * usage: oracle COUNT [FILE]      the cases go to FILE, for oracle_h11.py
 *
 * The dangerous differences are requests that both take and read differently; there must be none.
 *
 * SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "oracle.h"

/* A difference between the two, by the words of the one that refuses. */
struct difference {
    const char *why;
    const char *explained; /* NULL: it must not be */
    unsigned count;
};

/* We refuse, llhttp does not. */
static struct difference stricter[] = {
    { "a control byte, or a bare CR or LF", "it takes a bare LF before and after the first line",
      0 },
    { "a malformed method", "it skips any number of empty lines (RFC 9112 2.2 asks for one)", 0 },
    { "a malformed request target", "it takes several spaces, and fragments", 0 },
    { "the first line does not name a version of HTTP", "it takes several spaces, and no version",
      0 },
    { "a version of HTTP that is not 1.x", "it takes 0.9 and 2.0", 0 },
    { "a malformed field name", "it takes an empty name", 0 },
    { "a folded field, or a blank before a colon", "it takes folding, which RFC 9112 5.2 forbids",
      0 },
    { "HTTP/1.1 without Host", "it leaves Host to its user (RFC 9112 3.2)", 0 },
    { "more than one Host", "it leaves Host to its user (RFC 9112 3.2)", 0 },
    { "a malformed Host", "it leaves Host to its user (RFC 9110 7.2)", 0 },
    { "\"*\" for a method that is not OPTIONS", "it leaves that to its user (RFC 9112 3.2.4)", 0 },
    { "a request target that is neither a path nor an http URL", "it takes every scheme", 0 },
    { "a malformed authority in the request target", "it is laxer within authorities", 0 },
    { "a transfer coding that is not chunked",
      "it leaves other codings that end in chunked, and an empty list, to its user", 0 },
    { "Transfer-Encoding in HTTP/1.0", "it takes it; RFC 9112 6.1 calls it faulty framing", 0 },
    { "more than one Transfer-Encoding", "it joins them", 0 },
    { "malformed chunks", "it is laxer within trailers: empty names, bare LF, folding", 0 },
    { "an unknown method", "it knows more methods; we answer 501", 0 },
};

/* llhttp refuses, we do not. */
static struct difference laxer[] = {
    { "Invalid character in Content-Length",
      "it takes no tab behind the number, which RFC 9110 5.5 allows", 0 },
    { "Request has invalid `Transfer-Encoding`",
      "it takes no tab behind the coding, which RFC 9110 5.5 allows", 0 },
};

/* Not refused by us yet: we judge a head when it is whole. And "close" beside "keep-alive" in
 * HTTP/1.0, which llhttp takes for keep-alive; RFC 9112 9.3 does not. */
static unsigned waiting, closing;

static unsigned agreed, agreed_whole, read_differently, unexplained;

static void show(const char *what, struct view request, const struct oracle_verdict *ours,
                 const struct oracle_verdict *theirs)
{
    printf("%s: ours %d %s end %zu fields %zu, llhttp %d %s end %zu fields %zu\n  \"", what,
           ours->kind, ours->why == NULL ? "" : ours->why, ours->end_bytes, ours->field_count,
           theirs->kind, theirs->why == NULL ? "" : theirs->why, theirs->end_bytes,
           theirs->field_count);
    for (size_t i = 0; i < request.length_bytes; i++) {
        uint8_t byte = request.bytes[i];
        if (byte >= 0x20 && byte < 0x7f) {
            putchar(byte);
        } else {
            printf("\\x%02x", byte);
        }
    }
    printf("\"\n");
}

/* Counts it where it is explained; false when it is not. */
static bool explain(struct difference differences[], size_t count, const char *why)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(differences[i].why, why) != 0) continue;
        differences[i].count++;
        return true;
    }
    return false;
}

static void compare(struct view request, const struct oracle_verdict *ours,
                    const struct oracle_verdict *theirs)
{
    bool explained = true;
    if (ours->kind == ORACLE_WHOLE && theirs->kind == ORACLE_WHOLE) {
        if (ours->end_bytes == theirs->end_bytes && ours->field_count == theirs->field_count &&
            ours->body_sum == theirs->body_sum && ours->persistent == theirs->persistent) {
            agreed++;
            agreed_whole++;
            return;
        }
        if (ours->end_bytes == theirs->end_bytes && ours->field_count == theirs->field_count &&
            ours->body_sum == theirs->body_sum && !ours->persistent) {
            closing++;
            return;
        }
        show("read differently", request, ours, theirs);
        read_differently++;
    } else if (ours->kind == ORACLE_PARTIAL && theirs->kind == ORACLE_REFUSED) {
        waiting++;
    } else if (ours->kind == ORACLE_REFUSED && theirs->kind != ORACLE_REFUSED) {
        explained = explain(stricter, LENGTH_OF(stricter), ours->why);
    } else if (ours->kind == ORACLE_WHOLE && theirs->kind == ORACLE_REFUSED) {
        explained = explain(laxer, LENGTH_OF(laxer), theirs->why);
    } else if (ours->kind != theirs->kind) {
        show("ended differently", request, ours, theirs);
        read_differently++;
    } else {
        agreed++;
    }
    if (explained) return;
    unexplained++;
    show("unexplained", request, ours, theirs);
}

static void print_differences(const char *title, const struct difference differences[],
                              size_t count)
{
    printf("%s\n", title);
    for (size_t i = 0; i < count; i++)
        printf("%8u  %s: %s\n", differences[i].count, differences[i].why, differences[i].explained);
}

static void save(FILE *file, struct view request, const struct oracle_verdict *ours)
{
    const char *why = ours->why == NULL ? "" : ours->why;
    fprintf(file, "%d\t%zu\t%zu\t%s\t", (int)ours->kind, ours->end_bytes, ours->field_count, why);
    for (size_t i = 0; i < request.length_bytes; i++)
        fprintf(file, "%02x", request.bytes[i]);
    fputc('\n', file);
}

int main(int argument_count, char *arguments[])
{
    static uint8_t room[ORACLE_REQUEST_MAX];
    unsigned long count = argument_count > 1 ? strtoul(arguments[1], NULL, 10) : 100000;
    FILE *file = argument_count > 2 ? fopen(arguments[2], "w") : NULL;
    for (unsigned long seed = 1; seed <= count && unexplained + read_differently < 20; seed++) {
        struct view request = oracle_make(seed, SPAN_OF(room));
        struct oracle_verdict ours = oracle_ours(request), theirs = oracle_llhttp(request);
        compare(request, &ours, &theirs);
        if (file != NULL) save(file, request, &ours);
    }
    if (file != NULL && fclose(file) != 0) perror(arguments[2]);
    printf("%u of %lu decided alike, %u of them whole requests\n", agreed, count, agreed_whole);
    print_differences("we refuse, llhttp does not:", stricter, LENGTH_OF(stricter));
    print_differences("llhttp refuses, we do not:", laxer, LENGTH_OF(laxer));
    printf("%8u  refused by llhttp before the head is whole\n", waiting);
    printf("%8u  closed by us and kept by llhttp: \"keep-alive, close\"\n", closing);
    printf("%u read differently, %u unexplained\n", read_differently, unexplained);
    return read_differently + unexplained > 0;
}
