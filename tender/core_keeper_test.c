/* core_keeper_test.c - where a machine's core is written: open(2), link(2).
 *
 * SPDX-License-Identifier: ISC */
#include "tender/core_keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/test.h"

static char folder[] = "/tmp/loom-core-XXXXXX", core[64], part[64], other[64];

static void open_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/loom-core-XXXXXX");
    expect(mkdtemp(folder) != NULL);
    (void)snprintf(core, sizeof core, "%s/core", folder);
    (void)snprintf(part, sizeof part, "%s/core.part", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
}

static void close_folder(int keeper, int file)
{
    (void)close(keeper);
    (void)close(file);
    (void)wait(NULL);
    (void)unlink(core);
    (void)unlink(other);
    expect(rmdir(folder) == 0); /* nothing else has been left there */
}

TEST(core_keeper_gives_a_core_its_name)
{
    int file;
    open_folder();
    int keeper = core_keeper_start(core, &file);
    expect(write(file, "core", 4) == 4 && access(core, F_OK) != 0);
    expect(core_keeper_keep(keeper));
    expect(access(core, F_OK) == 0 && access(part, F_OK) != 0);
    close_folder(keeper, file);
}

TEST(core_keeper_leaves_nothing_of_a_machine_that_did_not_crash)
{
    int file;
    open_folder();
    int keeper = core_keeper_start(core, &file);
    core_keeper_discard(keeper);
    expect(access(core, F_OK) != 0 && access(part, F_OK) != 0);
    close_folder(keeper, file);
}

/* What somebody has put there for it is neither written to nor read with what is in the core. */
TEST(core_keeper_writes_to_a_file_of_its_own)
{
    uint8_t byte;
    int file, theirs;
    open_folder();
    theirs = open(other, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    expect(theirs >= 0 && write(theirs, "x", 1) == 1 && link(other, part) == 0);
    int keeper = core_keeper_start(core, &file);
    expect(write(file, "core", 4) == 4);
    expect(lseek(theirs, 0, SEEK_END) == 1);
    expect(pread(theirs, &byte, 1, 0) == 1 && byte == 'x');
    core_keeper_discard(keeper);
    (void)close(theirs);
    close_folder(keeper, file);
}
