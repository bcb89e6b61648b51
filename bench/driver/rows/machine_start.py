"""machine_start.py - a machine from fork on: to the exit of hello and to the home page's first
answer, from its first instruction to its own part, the size of both, and the least memory in which
they do what they are for.

SPDX-License-Identifier: ISC
"""
import re
from statistics import quantiles

from driver.compare import Ratios
from driver.images import (TENDER, ImageError, host_program, image_build, image_pages_bytes,
                           image_stripped_bytes)
from driver.network import Tap
from driver.process import output_of
from driver.results import Target, claim_of_values
from driver.servers import MachineImage, ServerError

PAIRS, STARTS = 101, 21
FIRST_ANSWER_NS, TO_MAIN_NS = 10_000_000, 300_000
SIZES = (("apps/hello", 48 << 10, False), ("apps/homepage", 200 << 10, True))
# Of the home page: bounds for a site with 32 connections at once.
SMALL = ("--packets=128", "--tcp-connections=64", "--tcp-half-open=16", "--tcp-time-wait=32",
         "--tcp-listeners=4", "--tcp-send-buffer=64KiB", "--tcp-receive-buffer=16KiB",
         "--tcp-receive-buffer-max=32KiB", "--udp-ports=4", "--udp-receive-bytes=128KiB",
         "--udp-receive-bytes-total=128KiB", "--arp-entries=32", "--arp-waiting=16",
         "--path-mtus=16", "--reassembly-bytes=128KiB", "--reassembly-datagrams=4",
         "--loopback-buffers=64", "--connections=32", "--sessions=4", "--buffers=8",
         "--header-fields=40", "--header-bytes=4KiB", "--fibers-small=12", "--fibers-medium=4",
         "--fibers-large=1")
STEP_BYTES, MOST_BYTES = 256 << 10, 256 << 20


# ---- from fork to exit ----

def pairs_of(said):
    """Lines of two numbers, as pairs of runs."""
    return [tuple({"ns": int(word)} for word in line.split()) for line in said.splitlines()]


def hello(bench):
    image = image_build("apps/hello", target="vm")
    bench.say("hello and /bin/true in alternation")
    status, said, complained, _ = output_of(
        [host_program("fork_exit"), PAIRS, TENDER, image, "--", "/bin/true"])
    if status != 0:
        raise ServerError(complained.strip())
    ratios = Ratios(pairs_of(said), "ns")
    # Among a hundred some are always disturbed: the quartiles say more than the extremes.
    low, _, high = quantiles(ratios.ratios, n=4)
    bench.claim("machine", "hello, fork to exit", "ns",
                {**ratios.as_claim(), "ratio_low": low, "ratio_high": high, "better": "less"},
                target=Target("at most", 4.5), peer="/bin/true",
                note=f"medians of {PAIRS} pairs, and the quartiles of their ratios")


# ---- within the machine ----

def main_of(complained):
    """What the tender tells of one start: nanoseconds, and how many pages of either size."""
    found = re.search(r"first instruction to main: (\d+), with (\d+) pages of 4 KiB and (\d+) of 2 MiB",
                      complained)
    if found is None:
        raise ServerError(f"the tender does not tell when main begins: {complained.strip()[-200:]}")
    microseconds, small, large = map(int, found.groups())
    return microseconds * 1000, small, large


def to_main(bench):
    image = image_build("apps/hello", target="vm")
    found = []
    for number in range(STARTS):
        bench.say(f"start {number + 1} of {STARTS}")
        found.append(main_of(output_of([TENDER, "--times", image], timeout=30)[2]))
    bench.claim("machine", "hello, first instruction to main", "ns",
                claim_of_values([took for took, _, _ in found], better="less"),
                target=Target("at most", TO_MAIN_NS, "value"))
    _, small, large = found[-1]
    bench.tell(f"{small} pages of 4 KiB and {large} of 2 MiB are touched on the way")


# ---- to the first answer ----

def neighbour_keep(network):
    """Who has the image's address: while nobody opens the tap Linux would ask for it in vain, and
    again a second later only. The machine's station follows from the interface's name."""
    _, said, *_ = output_of(["ip", "neigh", "show", network.address], network.client_prefix)
    words = said.split()
    if "lladdr" not in words:
        raise ServerError("Linux does not know the machine's station")
    status, _, complained, _ = output_of(
        ["ip", "neigh", "replace", network.address, "lladdr", words[words.index("lladdr") + 1],
         "dev", network.interface, "nud", "permanent"], network.client_prefix)
    if status != 0:
        raise ServerError(complained.strip())


def home_page(name="homepage-machine", parameters=(), tender_options=()):
    server = MachineImage(image_build("apps/homepage", target="vm"), name,
                          ["--access-log=off", "--log=warning", *parameters], tender_options)
    server.page = "/"
    return server


def first_answer(bench):
    bench.needs_taps()
    server = home_page()
    found = []
    with Tap() as network:
        process = server.start(network)
        neighbour_keep(network)
        process.stop()
        for number in range(STARTS):
            bench.say(f"start {number + 1} of {STARTS}")
            status, said, complained, _ = output_of(
                [host_program("first_answer"), network.address, network.port, server.page,
                 *server.words(network.address, network.port)], network.client_prefix)
            if status != 0:
                raise ServerError(complained.strip())
            found.append(int(said.split()[-1]))
    bench.claim("machine", "homepage, fork to first answered request", "ns",
                claim_of_values(found, better="less"),
                target=Target("at most", FIRST_ANSWER_NS, "value"))


# ---- sizes ----

def sizes(bench):
    bench.needs("strip", "binutils")
    for application, bound, without_pages in SIZES:
        try:
            image = image_build(application, target="vm", boot="tender", optimize="size")
            fast = image_build(application, target="vm", boot="tender")
            with_monitor = image_build(application, target="vm")
        except ImageError as error:
            bench.fail("machine", error)
            continue
        size = image_stripped_bytes(image)
        pages = image_pages_bytes(image) if without_pages else 0
        words = f"{application}, stripped" + (", without its pages" if without_pages else "")
        bench.claim("machine", words, "bytes", {"value": size - pages, "better": "less"},
                    target=Target("at most", bound, "value"))
        fast_size = image_stripped_bytes(fast)
        more = image_stripped_bytes(with_monitor) - fast_size
        bench.tell(f"for the tender (--boot=tender), for size (--optimize=size); for speed "
                   f"{(fast_size - pages) / 1024:.1f} KiB; {more / 1024:.1f} KiB more with the monitor and the "
                   f"drivers for others" + (f"; its pages {pages / 1024:.1f} KiB" if without_pages else ""))


# ---- the least memory ----

def least(works, step, most):
    """The least multiple of the step for which it works; None: not even for the most. Half of what
    is left is tried each time: what is enough once is enough for whoever has more."""
    low, high = 0, most // step
    if not works(high * step):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if works(middle * step):
            high = middle
        else:
            low = middle
    return high * step


def hello_works(image):
    def works(size):
        status, said, _, _ = output_of([TENDER, "--mem", size, image], timeout=30)
        return status == 0 and said.endswith("Hello from Loom.\n")
    return works


def home_page_works(parameters):
    def works(size):
        server = home_page("homepage-small", parameters, ["--mem", size])
        with Tap() as network:
            try:
                server.start(network).stop()
            except ServerError:
                return False
        return True
    return works


def memory(bench):
    hello_image = image_build("apps/hello", target="vm")
    claim_least(bench, "hello", hello_works(hello_image), 2 << 20)
    bench.needs_taps()
    claim_least(bench, "homepage for 32 connections", home_page_works(SMALL), 4 << 20)
    claim_least(bench, "homepage with its defaults", home_page_works(()), None)


def claim_least(bench, name, works, bound):
    bench.say(f"the least memory of {name}")
    found = least(works, STEP_BYTES, MOST_BYTES)
    if found is None:
        bench.fail("machine", f"{name} does not run in {MOST_BYTES >> 20} MiB")
        return
    bench.claim("machine", f"least memory of {name}", "bytes", {"value": found, "better": "less"},
                target=Target("at most", bound, "value") if bound else None)
