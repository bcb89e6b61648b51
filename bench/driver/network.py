"""network.py - what lies between server and client: two fresh network namespaces joined by a veth
pair for root, the host's loopback for anybody else. And a tap, whose one end is the client's
namespace and whose other end is a descriptor of an image with a stack of its own.

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


class Spaces:
    """Namespaces named after this process; what a killed driver left is removed by the next."""

    def __init__(self, *sides):
        self.names = {side: f"{NAME}-{os.getpid()}-{side}" for side in sides}

    def prefix(self, side):
        """What makes a command run there."""
        return ("ip", "netns", "exec", self.names[side])

    def lay(self):
        """What lies between them; for those who inherit."""

    def link(self, side, *words):
        run("ip", "-n", self.names[side], "link", *words)

    def address_give(self, side, interface, address):
        run("ip", "-n", self.names[side], "address", "add", address, "dev", interface)
        self.link(side, "set", interface, "up")

    def tap_add(self, side, interface, mac=None):
        """It stays when the program that has it open ends."""
        run("ip", "-n", self.names[side], "tuntap", "add", "dev", interface, "mode", "tap")
        if mac is not None:
            self.link(side, "set", interface, "address", mac)

    def veth_add(self, side, interface, peer_side, peer_interface):
        self.link(side, "add", interface, "type", "veth", "peer", "name", peer_interface,
                  "netns", self.names[peer_side])

    def __enter__(self):
        opened.append(self)
        for side, name in self.names.items():
            run("ip", "netns", "add", name)
            self.link(side, "set", "lo", "up")
        self.lay()
        return self

    def __exit__(self, *_):
        if self in opened:
            opened.remove(self)
        for name in self.names.values():
            namespace_remove(name)


class Veth(Spaces):
    words = "veth between two network namespaces"

    def __init__(self):
        super().__init__(*ADDRESSES)
        self.address = ADDRESSES["server"]
        self.port = PORT
        self.server_prefix = self.prefix("server")
        self.client_prefix = self.prefix("client")

    def lay(self):
        self.veth_add("server", "server", "client", "client")
        for side, address in ADDRESSES.items():
            self.address_give(side, side, f"{address}/24")


class Tap(Spaces):
    """Linux is the client; the server opens the tap that is the client's interface."""
    words = "a tap"
    side = "client"
    interface = "tap0"
    prefix_bits = 24
    sources = (ADDRESSES["client"],)
    mac, image_mac = "02:00:00:00:00:02", "02:00:00:00:00:01"

    def __init__(self):
        super().__init__(self.side)
        self.address = ADDRESSES["server"]
        self.port = PORT
        self.server_prefix = self.client_prefix = self.prefix(self.side)

    def lay(self):
        self.tap_add(self.side, self.interface, self.mac)
        for source in self.sources:
            self.address_give(self.side, self.interface, f"{source}/{self.prefix_bits}")


class WideTap(Tap):
    """The client has six addresses more: an address has 28,232 ports."""
    words = "a tap with seven addresses"
    side = "crowd"
    prefix_bits = 16
    crowd = tuple(f"10.77.1.{number}" for number in range(1, 7))
    sources = (ADDRESSES["client"], *crowd)


class TapBridge(Spaces):
    """Many taps on one bridge, on which Linux is the client: a tap for each of `count` servers, which
    have the addresses from 10.78.0.1 on."""
    words = "a bridge with taps"
    side = "bridge"
    interface = "bridge0"
    prefix_bits = 16

    def __init__(self, count):
        super().__init__(self.side)
        self.server_prefix = self.client_prefix = self.prefix(self.side)
        self.taps = [f"tap{number}" for number in range(count)]
        self.addresses = [f"10.78.{number // 200}.{number % 200 + 1}" for number in range(count)]

    def lay(self):
        """One command for all of them: each of its own would take some milliseconds."""
        self.link(self.side, "add", self.interface, "type", "bridge")
        lines = [line for tap in self.taps for line in (
            f"tuntap add dev {tap} mode tap", f"link set {tap} master {self.interface} up")]
        subprocess.run(["ip", "-n", self.names[self.side], "-batch", "-"], check=True, text=True,
                       input="\n".join(lines) + "\n", stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)
        self.address_give(self.side, self.interface, f"10.78.255.1/{self.prefix_bits}")


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


def taps_are_there():
    """Whether this process may make namespaces and taps."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    remove_left_behind()
    try:
        with Tap():
            return True
    except subprocess.CalledProcessError:
        return False


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
