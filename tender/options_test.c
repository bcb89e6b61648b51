/* options_test.c - the tender's command line, and what it says of one that it does not understand.
 *
 * SPDX-License-Identifier: ISC */
#include "tender/options.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/fail.h"
#include "test/test.h"

static struct tender_options options;

#define READ(...)  read_words((char *[]){ (char[]){ "loom-tender" }, __VA_ARGS__, NULL })
#define WORD(text) ((char[]){ text })

static void read_words(char *words[])
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    tender_options_read(&options, count, words);
}

/* In a process of its own: what it ends with. */
static int status_of(char *words[])
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        read_words(words);
        _exit(0);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define expect_usage(...) \
    expect_that(status_of((char *[]){ WORD("loom-tender"), __VA_ARGS__, NULL }), ==, TENDER_USAGE)

TEST(options_have_defaults)
{
    READ(WORD("image"));
    expect_that(options.memory_bytes, ==, MEMORY_DEFAULT_BYTES);
    expect(options.processor == -1 && !options.times && !options.offers_nothing);
    expect(options.arguments_bytes == 0);
    expect(options.core == NULL && options.debugger == NULL);
    expect_view(view_from_string(options.image), VIEW("image"));
}

TEST(options_are_read)
{
    READ(WORD("--mem"), WORD("3MiB"), WORD("--net=tap:a"), WORD("--net"), WORD("b=fd:3"),
         WORD("--publish"), WORD("b=80:8080,81:8081"), WORD("--block"), WORD("./a=b"),
         WORD("--block-read-only=c=d"), WORD("--cpu=1"), WORD("--features=none"), WORD("--times"),
         WORD("--core=a/core"), WORD("--wait-for-debugger"), WORD("7000"), WORD("image"),
         WORD("--"), WORD("--log=debug"), WORD(""), WORD("x"));
    expect_that(options.memory_bytes, ==, 3 << 20);
    expect_that(options.nets.count, ==, 2);
    expect_view(options.nets.list[0].name, VIEW(""));
    expect_view(options.nets.list[0].what, VIEW("tap:a"));
    expect_view(options.nets.list[1].name, VIEW("b"));
    expect_view(options.nets.list[1].what, VIEW("fd:3"));
    expect_view(options.ports.list[0].what, VIEW("80:8080,81:8081"));
    expect_view(options.blocks.list[0].name, VIEW(""));
    expect_view(options.blocks.list[0].what, VIEW("./a=b"));
    expect_that(options.blocks.count, ==, 2);
    expect(!options.blocks.list[0].is_read_only && options.blocks.list[1].is_read_only);
    expect_view(options.blocks.list[1].name, VIEW("c"));
    expect(options.processor == 1 && options.times && options.offers_nothing);
    expect_view(view_from_string(options.core), VIEW("a/core"));
    expect_view(view_from_string(options.debugger), VIEW("7000"));
    expect_view(view_from(options.arguments, options.arguments_bytes), VIEW("--log=debug\0\0x\0"));
}

TEST(options_that_are_wrong_end_it)
{
    expect_that(status_of((char *[]){ WORD("loom-tender"), NULL }), ==, TENDER_USAGE);
    expect_usage(WORD("--mem"));
    expect_usage(WORD("--mem=1MiB"), WORD("image"));
    expect_usage(WORD("--mem=much"), WORD("image"));
    expect_usage(WORD("--mem="), WORD("image"));
    expect_usage(WORD("--mem=2TiB"), WORD("image"));
    expect_usage(WORD("--mem=1025GiB"), WORD("image"));
    expect_usage(WORD("--mem=18446744073709551615GiB"), WORD("image"));
    expect_usage(WORD("--cpu=one"), WORD("image"));
    expect_usage(WORD("--features=some"), WORD("image"));
    expect_usage(WORD("--nothing"), WORD("image"));
    expect_usage(WORD("--net="), WORD("image"));
    expect_usage(WORD("--core="), WORD("image"));
    expect_usage(WORD("--wait-for-debugger="), WORD("image"));
    expect_usage(WORD("image"), WORD("--log=debug"));
}

TEST(options_of_more_arguments_than_fit_end_it)
{
    static char longest[MACHINE_ARGUMENTS_MAX + 1];
    for (size_t i = 0; i < MACHINE_ARGUMENTS_MAX - 1; i++)
        longest[i] = 'a';
    READ(WORD("image"), WORD("--"), longest);
    expect_that(options.arguments_bytes, ==, MACHINE_ARGUMENTS_MAX);
    longest[MACHINE_ARGUMENTS_MAX - 1] = 'a';
    expect_usage(WORD("image"), WORD("--"), longest);
}

TEST(attachments_go_to_the_device_that_is_named)
{
    READ(WORD("--net=a=tap:x"), WORD("--net=tap:y"), WORD("--net=b=tap:z"), WORD("image"));
    expect_view(attachment_find(&options.nets, VIEW("b"), false)->what, VIEW("tap:z"));
    expect(attachment_find(&options.nets, VIEW("c"), false) == NULL);
    expect_view(attachment_find(&options.nets, VIEW("net0"), true)->what, VIEW("tap:y"));
    expect(attachment_find(&options.nets, VIEW("net0"), true) == NULL); /* once */
    expect(!options.nets.list[0].is_used);
}
