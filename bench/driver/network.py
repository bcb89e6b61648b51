"""network.py - what lies between server and client: two fresh network namespaces joined by a veth
pair for root, the host's loopback for anybody else.

Fresh for every run, so that no run inherits the TIME-WAIT connections of another.

SPDX-License-Identifier: ISC
"""
import atexit
import os
import random
import shutil
import socket
import subprocess

NAME = "loom-bench"
ADDRESSES = {"server": "10.77.0.1", "client": "10.77.0.2"}
PORT = 8080

opened = []


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def port_free():
    """Below the ports that the kernel gives to clients: one that tries to connect again and again
    would sooner or later be given the very port and connect to itself."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Loopback:
    words = "loopback"

    def __init__(self):
        self.address = "127.0.0.1"
        self.port = port_free()
        self.server_prefix = self.client_prefix = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Veth:
    """Both ends are named after this process; what a killed driver left is removed by the next."""
    words = "veth between two network namespaces"

    def __init__(self):
        self.address = ADDRESSES["server"]
        self.port = PORT
        self.names = {side: f"{NAME}-{os.getpid()}-{side}" for side in ADDRESSES}
        self.server_prefix = ("ip", "netns", "exec", self.names["server"])
        self.client_prefix = ("ip", "netns", "exec", self.names["client"])

    def __enter__(self):
        opened.append(self)
        for name in self.names.values():
            run("ip", "netns", "add", name)
        run("ip", "link", "add", "server", "netns", self.names["server"], "type", "veth", "peer",
            "name", "client", "netns", self.names["client"])
        for side, name in self.names.items():
            run("ip", "-n", name, "address", "add", f"{ADDRESSES[side]}/24", "dev", side)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", side, "up")
        return self

    def __exit__(self, *_):
        if self in opened:
            opened.remove(self)
        for name in self.names.values():
            namespace_remove(name)


def namespace_remove(name):
    subprocess.run(["ip", "netns", "delete", name], check=False, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def remove_left_behind():
    """Namespaces of drivers that are no longer there."""
    names = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    for name in names:
        parts = name.split("-")
        if name.startswith(f"{NAME}-") and len(parts) == 4 and not os.path.exists(
                f"/proc/{parts[2]}"):
            namespace_remove(name)


def close_all():
    for network in list(opened):
        network.__exit__()


def kind():
    """Veth where that works, else Loopback."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return Loopback
    remove_left_behind()
    atexit.register(close_all)
    try:
        with Veth():
            return Veth
    except subprocess.CalledProcessError:
        return Loopback
