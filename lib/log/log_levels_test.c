/* log_levels_test.c - the argument of --log.
 *
 * SPDX-License-Identifier: ISC */
#include "log/log_levels.h"

#include "base/writer.h"

#include "test/test.h"

static struct log_levels parsed(struct view text)
{
    struct log_levels levels = { 0 };
    const char *message = "";
    expect_ok(log_levels_parse(test_guarded(text), &levels, &message));
    expect(message == NULL);
    return levels;
}

static void expect_refused(struct view text, struct view begin)
{
    struct log_levels levels = { .everywhere = LOG_DEBUG };
    const char *message = NULL;
    expect_result(log_levels_parse(test_guarded(text), &levels, &message), INVALID);
    expect_view(view_first(view_from_string(message), begin.length_bytes), begin);
    expect_that(levels.everywhere, ==, LOG_DEBUG);
    expect_that(levels.module_count, ==, 0);
}

TEST(log_levels_of_all)
{
    struct log_levels levels = parsed(VIEW("warning"));
    expect(log_levels_show(&levels, "http", LOG_ERROR));
    expect(log_levels_show(&levels, "http", LOG_WARNING));
    expect(!log_levels_show(&levels, "http", LOG_INFO));
    levels = parsed(VIEW("debug"));
    expect(log_levels_show(&levels, "tcp", LOG_DEBUG));
    levels = parsed(VIEW("error"));
    expect(!log_levels_show(&levels, "tcp", LOG_WARNING));
}

TEST(log_levels_of_modules)
{
    struct log_levels levels = parsed(VIEW("warning,http=debug,tcp=error"));
    expect(log_levels_show(&levels, "http", LOG_DEBUG));
    expect(!log_levels_show(&levels, "https", LOG_INFO));
    expect(!log_levels_show(&levels, "htt", LOG_INFO));
    expect(!log_levels_show(&levels, "tcp", LOG_WARNING));
    expect(log_levels_show(&levels, "udp", LOG_WARNING));

    levels = parsed(VIEW("http=error"));
    expect(!log_levels_show(&levels, "http", LOG_WARNING));
    expect(log_levels_show(&levels, "udp", LOG_INFO));
    expect(!log_levels_show(&levels, "udp", LOG_DEBUG));
    levels = parsed(VIEW("http=error,debug"));
    expect(log_levels_show(&levels, "udp", LOG_DEBUG));
}

TEST(log_levels_refuse)
{
    struct view unknown = VIEW("--log has an unknown level: it takes error, warning,");
    struct view unknown_of_module = VIEW("--log has an unknown level behind a module's name");
    expect_refused(VIEW(""), unknown);
    expect_refused(VIEW("loud"), unknown);
    expect_refused(VIEW("INFO"), unknown);
    expect_refused(VIEW("warning,"), VIEW("--log has two levels for all modules"));
    expect_refused(VIEW(",warning"), unknown);
    expect_refused(VIEW("warning,info"), VIEW("--log has two levels for all modules"));
    expect_refused(VIEW("http="), unknown_of_module);
    expect_refused(VIEW("http=loud"), unknown_of_module);
    expect_refused(VIEW("http=debug=info"), unknown_of_module);
    expect_refused(VIEW("=debug"), VIEW("--log names no module"));
    expect_refused(VIEW("http=debug,http=info"), VIEW("--log names a module twice"));
}

TEST(log_levels_are_bounded)
{
    static const char *const most = "a=info,b=info,c=info,d=info,e=info,f=info,g=info,h=info,"
                                    "i=info,j=info,k=info,l=info,m=info,n=info,o=info,p=debug";
    struct log_levels levels = parsed(view_from_string(most));
    expect_that(levels.module_count, ==, LOG_MODULES_MAX);
    expect(log_levels_show(&levels, "p", LOG_DEBUG));

    uint8_t room[256];
    struct view more = format(SPAN_OF(room), "%s,q=info", most);
    expect_refused(more, VIEW("--log names more than 16 modules"));
}
