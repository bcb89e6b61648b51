"""tap_udp.py - datagrams of 64 bytes to apps/echo over our own stack and a tap, and back, beside an
echo server with epoll and recvmmsg over veth.

SPDX-License-Identifier: ISC
"""
import os

from driver import machine, under_load
from driver.compare import Ratios, alternate
from driver.images import host_program, image_build
from driver.network import Tap, Veth
from driver.process import Process
from driver.results import Target
from driver.rows import http
from driver.servers import RUN, attachment

WORDS = "64 bytes by UDP and back, over our own stack on a tap, beside an epoll server over veth"
SOCKETS, OUTSTANDING, LENGTH = 16, 8, 64
PORT = 7007


def image_words(image):
    return lambda network: [image, *attachment(network.address), f"--left-port={PORT}",
                            "--right-port=7008", "--tcp-port=7009", "--metrics-port=8080"]


def peer_words(_network):
    return [host_program("udp_echo"), PORT]


def measure(words, network_kind, seconds):
    core, _ = machine.cores()
    os.makedirs(RUN, exist_ok=True)
    with network_kind() as network, open(os.path.join(RUN, "udp.log"), "wb") as log:
        process = Process(words(network), core, network.server_prefix, stdout=log, stderr=log)
        try:
            said, found = under_load.run(
                process, [host_program("udp_load"), network.address, PORT, SOCKETS, OUTSTANDING,
                          LENGTH, seconds], network.client_prefix, seconds)
        finally:
            process.stop()
    counted = under_load.numbers(said)
    found["echoes_per_second"] = counted["echoes"] * 1e9 / counted["ns"]
    found["echoes_per_cpu_second"] = counted["echoes"] / max(found["server_cpu_seconds"], 1e-3)
    found["lost"] = counted["lost"]
    found["p99_us"] = counted["p99_us"]
    return found


def run(bench):
    bench.needs_taps()
    words = image_words(image_build("apps/echo", stack="direct"))
    pairs = alternate(lambda: measure(words, Tap, bench.seconds),
                      lambda: measure(peer_words, Veth, bench.seconds), bench.pairs, bench.say)
    for key, what, unit, target, better in (
            ("echoes_per_second", "UDP echoes of 64 B, on a tap", "/s", Target("at least", 1.0),
             "more"),
            ("echoes_per_cpu_second", "echoes per server-CPU-second", "/s", None, "more"),
            ("p99_us", "p99 of an echo", "us", None, "less")):
        bench.claim("udp", what, unit, {**Ratios(pairs, key).as_claim(), "better": better},
                    target=target, peer="epoll")
    lost = [sum(run["lost"] for run in runs) for runs in zip(*pairs)]
    bench.tell(f"{http.conditions(pairs)}; lost: {lost[0]:.0f} and {lost[1]:.0f}")
