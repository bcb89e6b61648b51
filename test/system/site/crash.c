/* crash.c - breaks the image, so that its report can be read.
 *
 * SPDX-License-Identifier: ISC */
#include "http/http.h"
#include "site.h"

/* Not known to the compiler, which would otherwise take the broken paths out. */
static volatile unsigned three = 3;
static unsigned *volatile nowhere;

__attribute__((noinline)) static void crash_by_assertion(void)
{
    assert_that(three, ==, 4);
}

__attribute__((noinline)) static unsigned crash_by_pointer(void)
{
    return *nowhere;
}

__attribute__((noinline)) static unsigned crash_by_index(void)
{
    static const unsigned table[3] = { 1, 2, 3 };
    return table[three];
}

/* Uses up the stack and meets the guard page. */
/* NOLINTNEXTLINE(misc-no-recursion): that is the point. */
__attribute__((noinline)) static unsigned crash_by_depth(unsigned depth)
{
    volatile uint8_t room[512];
    room[depth % sizeof room] = (uint8_t)depth;
    return three == 3 ? crash_by_depth(depth + 1) + room[depth % sizeof room] : 0;
}

static enum result crash(struct http_handler *handler, struct http_exchange *exchange)
{
    (void)handler;
    struct view how = http_request_parameter(&exchange->request, VIEW("how"));
    unsigned sum = 0;
    if (view_equal(how, VIEW("assertion"))) crash_by_assertion();
    if (view_equal(how, VIEW("pointer"))) sum += crash_by_pointer();
    if (view_equal(how, VIEW("index"))) sum += crash_by_index();
    if (view_equal(how, VIEW("depth"))) sum += crash_by_depth(0);
    return sum == 0 ? NOT_FOUND : FAILED;
}

struct http_handler site_crash = { crash };
