/* main.c - where an image begins that is a process.
 *
 * SPDX-License-Identifier: ISC */
#include "image/image.h"
#include "target/console.h"
#include "target/hosted/arguments.h"
#include "target/hosted/crash.h"
#include "target/hosted/process.h"

int main(int count, char *words[])
{
    crash_handlers_install();
    arguments_set(count, words);
    if (process_open() != OK) {
        console_write_diagnostic(VIEW("the host gives no more descriptors (ulimit -n)\n"));
        return 1;
    }
    int status = image_run();
    process_close();
    return status;
}
