"""idle.py - resident memory with 10,000 connections that were each answered once and are idle.

The clients are four processes, each with a loopback address of its own: an address has 28,232
ports, and a process not always 10,000 descriptors.

SPDX-License-Identifier: ISC
"""
import os
import subprocess

from driver import idle_clients, machine
from driver.bench import IMAGE_PARAMETERS
from driver.images import image_build
from driver.network import Loopback
from driver.process import Process
from driver.results import Skip, Target
from driver.servers import PAGE, Image, Nginx, ServerError

WORDS = "10,000 connections, each answered once and then idle, on loopback"
COUNT, CLIENTS = 10_000, 4
LIMIT_BYTES = 64 << 20


def clients_start(network):
    program = os.path.abspath(idle_clients.__file__)
    _, core = machine.cores()
    return [Process(["/usr/bin/python3", program, network.address, network.port, PAGE,
                     COUNT // CLIENTS, f"127.77.0.{number + 1}"], core,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True) for number in range(CLIENTS)]


def resident_with_clients(server):
    """Resident bytes before the first connection, and with all of them."""
    with Loopback() as network:
        process = server.start(network)
        clients = []
        try:
            before = process.resident_bytes()
            clients = clients_start(network)
            for client in clients:
                if client.popen.stdout.readline().strip() != "ready":
                    raise ServerError(f"{server.name}: {client.popen.stderr.read().strip()}")
            return before, process.resident_bytes()
        finally:
            for client in clients:
                client.stop()
            process.stop(seconds=20)


def run(bench):
    if not machine.descriptors_raise(COUNT + 200):
        raise Skip(f"the limit of descriptors is too low: ulimit -n {COUNT + 200}")
    loom = Image(image_build("bench/page"),
                 parameters=[*IMAGE_PARAMETERS, f"--connections={COUNT + 100}",
                             f"--tcp-connections={COUNT + 300}"])
    bench.say("connecting to the image")
    before, resident = resident_with_clients(loom)
    found = {"value": resident, "values": [before, resident], "better": "less"}
    if bench.nginx is not None:
        bench.say("connecting to nginx")
        peer_before, peer = resident_with_clients(Nginx(connections=COUNT + 200))
        ratio = resident / peer
        found.update({"peer_value": peer, "peer_values": [peer_before, peer], "ratio": ratio,
                      "ratio_low": ratio, "ratio_high": ratio})
    bench.claim("idle", "resident with 10,000 idle connections", "bytes", found, peer="nginx",
                target=Target("at most", LIMIT_BYTES, "value"))
    bench.tell(f"{(resident - before) / COUNT:.0f} bytes a connection; {before / (1 << 20):.1f} "
               "MiB before the first")
