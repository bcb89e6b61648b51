"""machine_disk.py - a machine's disk beside fio on the same file: 4 KiB at random places and 1 MiB in
order, read and written. Both are served from the host's page cache: what is compared is the way
there, not the host's disk.

fio does each load twice: with as many requests under way as the machine has (io_uring), and one
after the other by pread and pwrite, which with a cache below is the quickest that it knows.

SPDX-License-Identifier: ISC
"""
import json
import os

from driver import machine
from driver.compare import Ratios, alternate
from driver.images import OUTPUT, TENDER, image_build
from driver.process import output_of
from driver.results import Target
from driver.servers import ServerError
from driver.under_load import numbers

FILE_BYTES = 256 << 20
# Words, fio's name, the bytes of a request, and how many are under way: one crossing serves all of
# them, and costs as much as some thirty of 4 KiB where KVM itself runs in a machine.
LOADS = (("4 KiB at random, read", "randread", 4 << 10, 256),
         ("4 KiB at random, written", "randwrite", 4 << 10, 256),
         ("1 MiB in order, read", "read", 1 << 20, 4),
         ("1 MiB in order, written", "write", 1 << 20, 4))


def file_make():
    """Its blocks are there, and known to the host: holes would be read for nothing."""
    path = os.path.join(OUTPUT, "disk.img")
    with open(path, "wb") as file:
        for _ in range(FILE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    return path


def measured(words, read):
    """Mebibytes a second, as `read` finds them in what these words say."""
    core, _ = machine.cores()
    interval = machine.Interval()
    status, said, complained, cpu = output_of(words, core=core, timeout=120)
    (busy, _), _ = interval.end()
    if status != 0:
        raise ServerError(f"{words[0]}: {(complained or said).strip()[-500:]}")
    return {"mib_per_second": read(said) / (1 << 20),
            "others_share": max(0.0, busy - cpu) / max(busy, 1e-3)}


def rate_of_image(said):
    counted = numbers(said)
    return counted["bytes"] * 1e9 / counted["ns"]


def rate_of_fio(said):
    job, = json.loads(said[said.index("{"):])["jobs"]
    return job["read"]["bw_bytes"] + job["write"]["bw_bytes"]


def image_words(image, path, load, seconds):
    _, name, size, depth = load
    chosen = [flag for flag, is_wanted in (("--random", name.startswith("rand")),
                                           ("--write", name.endswith("write"))) if is_wanted]
    return [TENDER, "--block", path, image, "--", f"--transfer={size}", f"--depth={depth}",
            f"--duration={seconds}s", "--log=warning", *chosen]


def fio_words(path, load, seconds, engine):
    _, name, size, depth = load
    under_way = depth if engine == "io_uring" else 1
    return ["fio", "--name=beside", f"--filename={path}", f"--ioengine={engine}", "--thread",
            f"--iodepth={under_way}", f"--rw={name}", f"--bs={size}", f"--size={FILE_BYTES}",
            "--time_based", f"--runtime={seconds}", "--invalidate=0", "--output-format=json"]


def beside(bench, image, path, load, engine):
    seconds = max(1, bench.seconds // 4)
    pairs = alternate(lambda: measured(image_words(image, path, load, seconds), rate_of_image),
                      lambda: measured(fio_words(path, load, seconds, engine), rate_of_fio),
                      bench.pairs, bench.say)
    words, _, _, depth = load
    peer = f"fio, {depth} as well" if engine == "io_uring" else "fio, one by one"
    bench.claim("machine", f"{words}, {depth} under way, from the host's cache", "MiB/s",
                {**Ratios(pairs, "mib_per_second").as_claim(), "better": "more"},
                target=Target("at least", 0.9), peer=peer)


def run(bench):
    bench.needs("fio", "fio")
    image = image_build("bench/disk", target="vm")
    path = file_make()
    try:
        for load in LOADS:
            for engine in ("io_uring", "psync"):
                beside(bench, image, path, load, engine)
    finally:
        os.remove(path)
