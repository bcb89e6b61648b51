/* echo_test.c - all services together: until a stop, and when one of them cannot serve.
 *
 * SPDX-License-Identifier: ISC */
#include "echo.h"

#include "echo_serving.h"
#include "http/http_memory.h"

/* A service that only says how it ends. */
struct echo_ending {
    struct echo echo;
    enum result result;
};

static enum result echo_ending_serve(struct echo *echo)
{
    struct echo_ending *ending = CONTAINER_OF(echo, struct echo_ending, echo);
    return ending->result == OK ? stop_wait(NEVER) : ending->result;
}

static const struct echo_ops echo_ending_ops = ECHO_OPS(echo_ending);

struct whole {
    struct task task;
    struct scope scope;
    struct http_memory http;
    struct echo_ending tcp, left, right;
    enum result result;
};

static struct whole whole;

static void whole_run(struct task *task)
{
    (void)task;
    whole.result = echo_start(&whole.tcp.echo, &whole.left.echo, &whole.right.echo,
                              &whole.http.http);
}

static void whole_begin(enum result right)
{
    whole = (struct whole){ .task = { whole_run },
                            .tcp = { { &echo_ending_ops }, OK },
                            .left = { { &echo_ending_ops }, OK },
                            .right = { { &echo_ending_ops }, right },
                            .result = FAILED };
    expect_ok(http_memory_open(&whole.http, &(struct http_memory_options){ 0 }));
    scope_open(&whole.scope, "whole");
    expect_ok(fiber_start(&whole.scope, &whole.task, "echo", STACK_MEDIUM));
    fiber_yield();
}

static void whole_end(enum result wanted)
{
    expect_ok(scope_wait(&whole.scope, soon()));
    scope_close(&whole.scope);
    http_memory_close(&whole.http);
    expect_that(whole.result, ==, wanted);
}

TEST(all_serve_until_a_stop)
{
    static uint8_t room[8192];
    struct http_field fields[16];
    whole_begin(OK);
    const struct http_fetch fetch = { .url = VIEW("http://echo.test/metrics"),
                                      .body_bytes_max = MIB,
                                      .deadline_ns = soon() };
    struct http_fetched fetched = { .room = SPAN_OF(room), .fields = fields, .field_room = 16 };
    expect_ok(http_fetch(&whole.http.http_client, &fetch, &fetched, NULL));
    expect_that(fetched.status, ==, 200);
    stop_request();
    whole_end(OK);
}

TEST(one_that_cannot_serve_ends_them_all)
{
    whole_begin(EXISTS);
    whole_end(EXISTS);
}
