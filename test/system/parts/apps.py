"""apps.py - the other applications, as images with the sanitizers in them: hello, tick and echo.

SPDX-License-Identifier: ISC"""

import re
import signal
import socket
import subprocess
import time

from harness.prometheus import scrape
from harness.report import case, expect, expect_equal, expect_in
from harness.wire import Wire

ECHO_PORTS = {"tcp": 7001, "left": 7002, "right": 7003, "metrics": 8080}
ECHO_PARAMETERS = [f"--{name}-port={port}" for name, port in ECHO_PORTS.items()]

@case("apps/hello")
def hello_says_so_and_ends(workshop):
    done = subprocess.run([workshop.program("hello", "debug")], capture_output=True, text=True, timeout=20, check=False)
    expect_equal((done.returncode, done.stdout, done.stderr), (0, "Hello from Loom.\n", ""), "hello")


@case("apps/tick")
def tick_ends_by_itself_and_when_it_is_told(workshop):
    expect_ticks([workshop.program("tick", "debug")])


@case("apps/echo")
def echo_sends_back_what_comes(workshop):
    parameters = [f"--{name}-port=0" for name in ECHO_PORTS]
    with workshop.started("echo", "debug", *parameters, ports=2) as image:
        tcp = int(image.wait_for_log(r"listening on TCP port (\d+)")[1])
        metrics = next(port for port in image.ports if port != tcp)
        udp = re.findall(r"listening on UDP port (\d+)", image.log())
        expect_equal(len(udp), 2, "UDP ports")
        with Wire(tcp) as gone:
            gone.send(b"never read")
            gone.reset()
        expect_echoes("127.0.0.1", {"tcp": tcp, "left": int(udp[0]), "right": int(udp[1])})
        names = {name for name, _ in scrape(metrics)}
        expect_in("echo_datagrams_total", names, "/metrics")


# ---- of apps/tick and apps/echo wherever they run ----

def expect_ticks(command):
    """The command that starts it, as far as its boot parameters."""
    command = [str(word) for word in command]
    start = time.monotonic()
    done = subprocess.run([*command, "--duration=500ms", "--beat=50ms"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, check=False)
    expect_equal(done.returncode, 0, f"its status, after {done.stdout + done.stderr}")
    expect(0.4 < time.monotonic() - start < 10, "it took another time than it was given")
    expect(done.stdout.count("\n") > 5, f"hardly a beat: {done.stdout!r}")
    for number in (signal.SIGTERM, signal.SIGINT):
        told = subprocess.Popen([*command, "--duration=60s"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
        time.sleep(0.7)
        told.send_signal(number)
        output, _ = told.communicate(timeout=20)
        expect_equal(told.returncode, 0, f"its status after {number.name}: {output[-800:]}")
        expect("Sanitizer" not in output, output[-2000:])


def through(flow, payload):
    """Sends and reads at once, shuts the sending side, and reads to the end."""
    back, sent, end = b"", 0, time.monotonic() + 20
    while time.monotonic() < end:
        if sent < len(payload):
            try:
                sent += flow.send(payload[sent:sent + 30000])
            except BlockingIOError:
                pass
            if sent == len(payload):
                flow.shutdown(socket.SHUT_WR)
        try:
            data = flow.recv(65536)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        if not data:
            return back
        back += data
    return back


def expect_echoes(address, ports):
    """Of apps/echo at this address: whatever comes by TCP and UDP is sent back."""
    payload = bytes(range(256)) * 2000
    with socket.create_connection((address, ports["tcp"]), 10) as wire:
        wire.setblocking(False)
        expect_equal(through(wire, payload), payload, "half a megabyte through TCP, half-closed behind it")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        for port in (ports["left"], ports["right"]):
            for size in (0, 1, 1472, 60000):
                client.sendto(payload[:size], (address, port))
                data, peer = client.recvfrom(65536)
                expect_equal((data == payload[:size], peer[1]), (True, port), f"{size} bytes through UDP")
