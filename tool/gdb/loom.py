# loom.py - gdb commands for a Loom image: `fibers`, `fiber NUMBER`, and `resume` after Ctrl-C.
#
# Read by `loom debug`; by hand: (gdb) source tool/gdb/loom.py
#
# SPDX-License-Identifier: ISC
import gdb

STATES = {"FIBER_RUNNING": "running", "FIBER_RUNNABLE": "runnable"}


def text(pointer):
    return pointer.string() if int(pointer) else ""


def runtime():
    symbol = gdb.lookup_global_symbol("fiber_runtime")
    if symbol is None:
        raise gdb.GdbError("this program has no fibers: is it a Loom image, with its symbols?")
    return symbol.value()


def living():
    """Every fiber that has not ended, numbered as the census visits them."""
    number = 0
    for pool in [runtime()["pools"][size] for size in range(3)]:
        for index in range(int(pool["used_count"])):
            fiber = pool["fibers"][index]
            if str(fiber["state"]) != "FIBER_FREE":
                number += 1
                yield number, fiber


def deadline(fiber, now_ns):
    timer = fiber["alarm"]["timer"]
    if not int(timer["node"]["next"]):
        return "no deadline"
    return "in %.3f s" % ((int(timer["deadline_ns"]) - now_ns) / 1e9)


class Fibers(gdb.Command):
    """fibers: lists the living fibers: number, name, scope, what each waits for, until when, and the size of its stack."""

    def __init__(self):
        super().__init__("fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        now_ns = int(runtime()["now_ns"])
        current = int(runtime()["current"])
        for number, fiber in living():
            state = str(fiber["state"])
            doing = STATES.get(state) or text(fiber["reason"])
            until = deadline(fiber, now_ns) if state == "FIBER_WAITING" else ""
            mark = "*" if int(fiber.address) == current else " "
            print("%s %3d  %-20s in %-16s %-20s %-14s %d KiB" % (
                mark, number, text(fiber["name"]), text(fiber["scope"]["name"]), doing, until,
                int(fiber["stack"]["length_bytes"]) // 1024))


class Fiber(gdb.Command):
    """fiber NUMBER: the backtrace of one fiber, by its number in `fibers`.

The registers are those that it was switched away with; afterwards they are as before."""

    REGISTERS = ("r15", "r14", "r13", "r12", "rbx", "rbp", "rip")

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if not argument.isdigit():
            raise gdb.GdbError("fiber NUMBER; `fibers` lists them")
        wanted = int(argument)
        for number, fiber in living():
            if number == wanted:
                self.show(fiber)
                return
        raise gdb.GdbError("no fiber has this number; `fibers` lists them")

    def show(self, fiber):
        if int(fiber.address) == int(runtime()["current"]):
            gdb.execute("backtrace")
            return
        word = gdb.lookup_type("unsigned long")
        saved = fiber["stack_pointer"].cast(word.pointer())
        registers = {name: int(saved[i]) for i, name in enumerate(self.REGISTERS)}
        registers["rsp"] = int(saved) + 8 * len(self.REGISTERS)
        gdb.execute("select-frame 0")
        before = {name: int(gdb.parse_and_eval("(unsigned long)$" + name)) for name in registers}
        try:
            self.set_all(registers)
            gdb.execute("backtrace")
        finally:
            self.set_all(before)

    @staticmethod
    def set_all(registers):
        for name, value in registers.items():
            gdb.execute("set $%s = %d" % (name, value), to_string=True)


class Asked(gdb.Breakpoint):
    """Ctrl-C: an image takes SIGINT out of a file descriptor, so gdb, which waits for signals, never sees it. What gdb
can see is that the image then begins to stop."""

    WHERE = "stop_request"

    def __init__(self):
        super().__init__(self.WHERE, internal=True)
        self.silent = True

    def stop(self):
        print("The image was asked to stop. `fibers` lists its fibers; `continue` lets it stop, `resume` goes on.")
        return True


class Resume(gdb.Command):
    """resume: after Ctrl-C, goes on as if nobody had asked the image to stop."""

    def __init__(self):
        super().__init__("resume", gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        frame = gdb.selected_frame() if gdb.selected_inferior().pid else None
        if frame is None or frame.name() != Asked.WHERE:
            raise gdb.GdbError("the image does not stand where it was asked to stop; `continue` goes on from elsewhere")
        gdb.execute("set confirm off")
        gdb.execute("return", to_string=True)
        gdb.execute("continue")


Fibers()
Fiber()
Resume()
if gdb.lookup_global_symbol(Asked.WHERE) is not None:
    Asked()
