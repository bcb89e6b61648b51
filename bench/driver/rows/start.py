"""start.py - from fork to the first answered request, on loopback.

SPDX-License-Identifier: ISC
"""
import os

from driver.bench import IMAGE_PARAMETERS
from driver.compare import Ratios, alternate
from driver.images import host_program, image_build
from driver.network import Loopback
from driver.process import output_of
from driver.servers import PAGE, RUN, Image, Nginx, ServerError

WORDS = "from fork to the first answered request, on loopback"
PAIRS = 21


def nanoseconds(server):
    os.makedirs(RUN, exist_ok=True)
    network = Loopback()
    status, said, complained, _ = output_of(
        [host_program("first_answer"), network.address, network.port, PAGE,
         *server.words(network.address, network.port)])
    if status != 0:
        raise ServerError(complained.strip())
    return {"ns": int(said.split()[-1])}


def run(bench):
    bench.needs_nginx()
    loom = Image(image_build("bench/page"), parameters=[*IMAGE_PARAMETERS, "--log=error"])
    nginx = Nginx()
    pairs = alternate(lambda: nanoseconds(loom), lambda: nanoseconds(nginx), PAIRS, bench.say)
    bench.claim("start", "fork to first answered request", "ns",
                {**Ratios(pairs, "ns").as_claim(), "better": "less"}, peer="nginx")
