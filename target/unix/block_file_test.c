/* block_file_test.c - the suite over files of the host, through its cache and past it; how files
 * are made, found too short, locked, and what happens when the host fails.
 *
 * SPDX-License-Identifier: ISC */
#include "target/unix/block_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "block/block_suite.h"

static struct block_file file;
static char path[64];

/* In the test's own folder of the file system that is built in: a tmpfs knows no O_DIRECT. */
static void make_path(void)
{
    (void)snprintf(path, sizeof path, "build/block_file_test.%d", (int)getpid());
}

static struct block_file_parameters parameters_of(uint64_t block_count, uint64_t block_bytes)
{
    return (struct block_file_parameters){ .path = view_from_string(path),
                                           .create_bytes = block_count * block_bytes,
                                           .block_bytes = block_bytes,
                                           .thread_count = 4 };
}

static struct block_file_parameters used;

static struct block *open_used(void)
{
    enum result result = block_file_open(&file, &used);
    if (result == UNSUPPORTED) (void)unlink(path);
    if (result == UNSUPPORTED) test_skip("the file system here has no O_DIRECT");
    expect_ok(result);
    return &file.block;
}

static struct block *open_plain(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    make_path();
    used = parameters_of(block_count, 512);
    return open_used();
}

static struct block *open_one_thread(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    make_path();
    used = parameters_of(block_count, 512);
    used.thread_count = 1;
    struct block *block = open_used();
    file.has_quick_reads = false;
    return block;
}

static struct block *open_direct(struct block_fixture *fixture, uint64_t block_count)
{
    (void)fixture;
    make_path();
    used = parameters_of(block_count, 4096);
    used.direct = true;
    return open_used();
}

static struct block *reopen(struct block_fixture *fixture)
{
    (void)fixture;
    block_file_close(&file);
    return open_used();
}

static void close_file(struct block_fixture *fixture)
{
    (void)fixture;
    block_file_close(&file);
    expect(unlink(path) == 0);
}

static struct block_fixture plain = { open_plain, close_file, reopen };
static struct block_fixture one_thread = { open_one_thread, close_file, reopen };
static struct block_fixture direct = { open_direct, close_file, reopen };

BLOCK_SUITE(block_file, &plain)
BLOCK_LASTING_SUITE(block_file, &plain)
BLOCK_SUITE(block_file_one_thread, &one_thread)
BLOCK_SUITE(block_file_direct, &direct)
BLOCK_LASTING_SUITE(block_file_direct, &direct)

/* ---- opening ---- */

TEST(block_file_parameters_are_valid)
{
    expect(parameter_defaults_are_valid(block_file_parameters));
}

TEST(block_file_is_made_only_where_there_is_none)
{
    struct stat status;
    make_path();
    used = parameters_of(8, 512);
    used.create_bytes = 0;
    expect_result(block_file_open(&file, &used), NOT_FOUND);
    expect(access(path, F_OK) != 0);
    used.create_bytes = 4096;
    block_suite_write(open_used(), 0, 8, 1);
    block_file_close(&file);
    used.create_bytes = 8192;
    block_suite_expect(open_used(), 0, 8, 1);
    block_file_close(&file);
    expect(stat(path, &status) == 0 && status.st_size == 4096 && (status.st_mode & 0777) == 0600);
    /* One whose making was cut short. */
    expect(truncate(path, 0) == 0);
    expect_that(open_used()->block_count, ==, 16);
    close_file(NULL);
}

TEST(block_file_refuses_what_is_no_disk)
{
    make_path();
    used = parameters_of(0, 512);
    used.path = VIEW("");
    expect_result(block_file_open(&file, &used), INVALID);
    used.path = VIEW("/dev/null");
    expect_result(block_file_open(&file, &used), INVALID);
    used.path = VIEW("/");
    used.read_only = true;
    expect_result(block_file_open(&file, &used), INVALID);
    used.path = VIEW("/dev/null/x");
    expect_result(block_file_open(&file, &used), FAILED);
    used = parameters_of(1, 512);
    used.block_bytes = 1000;
    expect_result(block_file_open(&file, &used), INVALID);
    used.block_bytes = 4096;
    expect_result(block_file_open(&file, &used), INVALID);
    expect(unlink(path) == 0);
}

TEST(block_file_leaves_the_last_bytes_alone)
{
    struct stat status;
    make_path();
    used = parameters_of(1, 512);
    used.create_bytes = 3 * 512 + 100;
    expect_that(open_used()->block_count, ==, 3);
    block_suite_write(&file.block, 0, 3, 1);
    block_file_close(&file);
    expect(stat(path, &status) == 0 && status.st_size == 3 * 512 + 100);
    expect(unlink(path) == 0);
}

TEST(block_file_has_one_writer)
{
    static struct block_file second;
    make_path();
    used = parameters_of(8, 512);
    (void)open_used();
    expect_result(block_file_open(&second, &used), EXISTS);
    used.read_only = true;
    expect_result(block_file_open(&second, &used), EXISTS);
    block_file_close(&file);
    (void)open_used();
    expect_ok(block_file_open(&second, &used));
    block_file_close(&second);
    close_file(NULL);
}

TEST(block_file_read_only_asks_for_no_more)
{
    make_path();
    used = parameters_of(8, 512);
    block_suite_write(open_used(), 0, 8, 1);
    block_file_close(&file);
    used.read_only = true;
    struct block *block = open_used();
    expect(block->read_only);
    block_suite_expect(block, 0, 8, 1);
    expect_result(block_write(block, 0, view_from(block_suite_room(0).bytes, 512), NEVER), DENIED);
    expect_ok(block_flush(block, NEVER));
    close_file(NULL);
}

/* ---- the host ---- */

TEST(block_file_discard_gives_room_back)
{
    struct stat before, after;
    struct block *block = open_plain(&plain, 2048);
    block_suite_write(block, 0, 2048, 1);
    expect_ok(block_flush(block, NEVER));
    expect(stat(path, &before) == 0);
    expect_ok(block_discard(block, 0, 2048, NEVER));
    expect_ok(block_flush(block, NEVER));
    expect(stat(path, &after) == 0);
    expect(after.st_size == before.st_size);
    if (after.st_blocks == before.st_blocks) {
        close_file(&plain);
        test_skip("the file system here makes no holes");
    }
    expect_that(after.st_blocks, <, 100);
    close_file(&plain);
}

/* Somebody cuts the file short behind our back. */
TEST(block_file_survives_a_shorter_file)
{
    struct block *block = open_plain(&plain, 64);
    struct span room = span_first(block_suite_room(0), 512);
    block_suite_write(block, 0, 64, 1);
    expect(truncate(path, (off_t)16 * 512) == 0);
    block_suite_expect(block, 0, 16, 1);
    expect_result(block_read(block, 16, room, NEVER), FAILED);
    expect_result(block_read(block, 15, span_first(block_suite_room(0), 1024), NEVER), FAILED);
    expect_that(block->statistics.failures, ==, 2);
    block_suite_write(block, 16, 48, 2);
    block_suite_expect(block, 16, 48, 2);
    close_file(&plain);
}

/* No more room, as the host tells it: a limit of the process stands for a full disk. It is far
 * above what the test itself writes to its log. */
#define LIMIT_BLOCKS 32768

TEST(block_file_full_is_told)
{
    struct rlimit limit, before;
    struct view bytes = view_from(block_suite_room(0).bytes, 4096);
    struct block *block = open_plain(&plain, LIMIT_BLOCKS + 64);
    expect(truncate(path, 0) == 0);
    expect(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = (struct rlimit){ .rlim_cur = (rlim_t)LIMIT_BLOCKS * 512, .rlim_max = before.rlim_max };
    expect(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    enum result fits = block_write(block, LIMIT_BLOCKS - 8, bytes, NEVER);
    enum result fails = block_write(block, LIMIT_BLOCKS, bytes, NEVER);
    expect(setrlimit(RLIMIT_FSIZE, &before) == 0);
    expect_ok(fits);
    expect_result(fails, FULL);
    close_file(&plain);
}

TEST(block_file_leaks_no_descriptor)
{
    make_path();
    used = parameters_of(8, 512);
    struct block_file_parameters wrong = used;
    wrong.path = VIEW("/dev/null");
    int before = dup(0);
    for (unsigned i = 0; i < 20; i++) {
        (void)open_used();
        block_file_close(&file);
        expect_result(block_file_open(&file, &wrong), INVALID);
    }
    int after = dup(0);
    expect(unlink(path) == 0);
    expect_that(close(before) + close(after), ==, 0);
    expect_that(after, ==, before + 1);
}
