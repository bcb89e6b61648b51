/* qemu_run.c - what is open beside QEMU while it runs a machine.
 *
 *     its standard input   the machine's console, of which it never sees the terminal: it would
 *                          change how that works
 *     control              QMP (QEMU, docs/interop/qmp-spec), by which the power button is pressed
 *     status               the byte with which the machine says how it has ended
 *     passt                a stream for each card that is attached to it
 *
 * SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <loom/module.h>

#include "fail.h"
#include "qemu.h"
#include "qemu_net.h"
#include "target/unix/net_passt_process.h"

enum { PASST_MTU = 1500 }; /* as long as a card's is where nobody says another */

static int keep(struct qemu_run *run, int descriptor)
{
    run->kept[run->kept_count++] = descriptor;
    return descriptor;
}

__attribute__((noreturn)) static void no_descriptors(void)
{
    fail("the host gives no more descriptors: %s (ulimit -n)", strerror(errno));
}

static int start_passt(const struct qemu_net *net)
{
    struct net_passt_process passt;
    struct net_passt_process_options options = { .mtu_bytes = PASST_MTU, .mac = net->mac };
    int descriptor;
    if (net->publish != NULL) options.publish = view_from_string(net->publish);
    if (net_passt_process_start(&passt, &options, &descriptor) != OK) _exit(STATUS_FAILED);
    (void)close(passt.complaints); /* it ends when QEMU does, whose the stream is now */
    return descriptor;
}

static void add_nets(struct qemu_run *run, const struct qemu *qemu, struct command_line *line)
{
    for (size_t i = 0; i < qemu->count; i++) {
        const struct qemu_net *net = &qemu->nets[i];
        int stream = keep(run, start_passt(net));
        command_line_add(
            line, "-netdev",
            text_of("stream,id=net%zu,server=off,addr.type=fd,addr.str=%d", net->number, stream));
    }
}

void qemu_open(struct qemu_run *run, const struct qemu *qemu, struct command_line *line)
{
    int control[2], status[2], input[2];
    *run = (struct qemu_run){ .kept_count = 0 };
    add_nets(run, qemu, line);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, control) != 0 ||
        pipe2(status, O_CLOEXEC | O_NONBLOCK) != 0 || pipe2(input, O_CLOEXEC) != 0 ||
        fcntl(input[1], F_SETFL, O_NONBLOCK) != 0)
        no_descriptors();
    run->control = control[0];
    run->status = status[0];
    run->input = input[1];
    run->standard_input = input[0];
    command_line_add(line, "-chardev",
                     text_of("file,id=status,path=/dev/fd/%d", keep(run, status[1])), "-chardev",
                     text_of("socket,id=control,fd=%d", keep(run, control[1])), "-mon",
                     "chardev=control,mode=control");
}

void qemu_started(struct qemu_run *run)
{
    (void)close(run->standard_input);
    for (size_t i = 0; i < run->kept_count; i++)
        (void)close(run->kept[i]);
}

void qemu_ask(const struct qemu_run *run)
{
    static const char words[] = "{\"execute\":\"qmp_capabilities\"}"
                                "{\"execute\":\"system_powerdown\"}";
    (void)send(run->control, words, sizeof words - 1, MSG_NOSIGNAL);
}

int qemu_ended(struct qemu_run *run, int status)
{
    unsigned char said;
    if (read(run->status, &said, 1) == 1) return said;
    if (status == 0) notice("the machine has ended, and does not say how");
    return status != 0 ? status : STATUS_FAILED;
}
