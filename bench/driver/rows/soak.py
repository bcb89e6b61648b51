"""soak.py - whether memory grows under load: resident memory after the first second and after the
last one.

SPDX-License-Identifier: ISC
"""
import subprocess
import time

from driver import load, machine
from driver.bench import IMAGE_PARAMETERS, SOAK_SECONDS
from driver.images import image_build
from driver.process import Process
from driver.results import Target
from driver.servers import Image

WORDS = "resident memory after a long run of load against that after its first second"
LIMIT_BYTES = 1 << 20


def resident_over_time(server, network_kind, seconds):
    """Resident bytes once a second, from the first on; the last is taken when the load is over."""
    _, core = machine.cores()
    found = []
    with network_kind() as network:
        process = server.start(network)
        try:
            client = Process(load.words(network, seconds, False), core, network.client_prefix,
                             stdout=subprocess.DEVNULL)
            try:
                while not client.has_ended():
                    time.sleep(1)
                    found.append(process.resident_bytes())
            finally:
                client.stop()
            found.append(process.resident_bytes())
        finally:
            process.stop()
    return found


def run(bench):
    bench.needs_wrk()
    image = Image(image_build("bench/page"), parameters=IMAGE_PARAMETERS)
    bench.say(f"{bench.soak_seconds} s of load")
    found = resident_over_time(image, bench.network_kind, bench.soak_seconds)
    note = "" if bench.soak_seconds >= SOAK_SECONDS else f"shortened: {SOAK_SECONDS} s are asked for"
    bench.claim("soak", f"growth in {bench.soak_seconds} s of load", "bytes",
                {"value": max(0, found[-1] - found[0]), "values": found, "better": "less"},
                target=Target("at most", LIMIT_BYTES, "value"), note=note)
    bench.tell(f"{found[0] / (1 << 20):.2f} MiB after the first second, "
               f"{found[-1] / (1 << 20):.2f} MiB at the end, at most {max(found) / (1 << 20):.2f}")
