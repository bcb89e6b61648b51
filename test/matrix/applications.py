"""applications.py - what each application is asked, wherever it runs.

SPDX-License-Identifier: ISC"""

import re
import signal
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

from harness.curl import curl
from harness.report import expect, expect_equal, expect_in
from harness.space import ask, need

from parts.apps import ECHO_PARAMETERS, ECHO_PORTS, expect_echoes

DISK_BYTES = 1 << 20
END_SECONDS = 30


# ---- without a network ----

def hello(place, workshop):
    status, said = place.run(workshop, "hello")
    expect_equal((status, said.splitlines()[-1:]), (0, ["Hello from Loom."]), "its status, and its last line")


def tick(place, workshop):
    began = time.monotonic()
    status, said = place.run(workshop, "tick", "--duration=500ms", "--beat=50ms")
    expect_equal(status, 0, f"its status, after {said}")
    expect(place.is_simulated or time.monotonic() - began > 0.4, "it ended before its time")
    expect_equal(re.findall(r"(\w+) +has ended", said), ["quick", "steady", "slow"], "who has ended")
    expect(len(re.findall(r"steady tick", said)) > 2, f"hardly a beat: {said}")


def disk(place, workshop):
    """Its first start finds nothing, its second the first, which ended when it was told to."""
    if place.is_simulated:
        status, said = place.run(workshop, "disk", options=["--for=3s"])
        expect_equal(status, 0, f"its status, after {said}")
        expect_in("it remembers nothing\nthis is start 1\n", said, "a disk in the simulator's memory")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "disk.img")
        with open(path, "wb") as image:
            image.truncate(DISK_BYTES)
        said = disk_start(place, workshop, path, "this is start 1")
        expect_in("it remembers nothing", said, "the first start")
        said = disk_start(place, workshop, path, "this is start 2")
        expect(re.search(r"^start 1: .* ended after", said, re.MULTILINE), f"the second start does not know the first: {said}")


def disk_start(place, workshop, path, words):
    """Starts it, waits for these words, and tells it to end."""
    with tempfile.TemporaryFile() as log:
        def said():
            log.seek(0)
            return log.read().decode("utf-8", "replace")
        process = subprocess.Popen([str(word) for word in place.disk_command(workshop, "disk", path)], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + END_SECONDS
            while words not in said() and process.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            expect_in(words, said(), "what it says")
            process.send_signal(signal.SIGTERM)
            expect_equal(process.wait(END_SECONDS), 0, f"its status, after {said()}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return said()


# ---- attached ----

def homepage(place, workshop):
    if place.is_simulated:
        status, page = place.fetched(workshop, "homepage", "/")
        expect_equal(status, 200, "the home page")
        expect_in("</html>", page, "the home page")
        status, manifest = place.fetched(workshop, "homepage", "/self/manifest.json")
        expect_in('"target": "sim"', manifest, "what it tells of itself")
        return
    need("curl", "curl")
    with place.serving(workshop, "homepage") as image:
        page = curl(image, "/")
        expect_equal(page.status, 200, "the home page")
        expect_in(b"</html>", page.body, "the home page")
        tag = dict(page.fields)["etag"]
        expect_equal(curl(image, "/", "-H", f"If-None-Match: {tag}").status, 304, "the page that one has already")
        expect_equal(curl(image, "/no-such-page").status, 404, "a page that there is not")
        expect_in(f'"target": "{place.target}"', curl(image, "/self/manifest.json").body.decode(), "what it tells of itself")
        expect_in("http_connections", curl(image, "/metrics").body.decode(), "its figures")
        for path in ("/", "/self/manifest.json", "/metrics"):
            expect_equal(curl(image, path, "--http1.0").status, 200, f"{path}, as HTTP/1.0 asks")
        ping(place, image, 56)


def echo(place, workshop):
    if place.is_simulated:
        status, figures = place.fetched(workshop, "echo", "/metrics")
        expect_equal(status, 200, "its figures")
        expect_in("udp_truncated_total", figures, "its figures")
        return
    with place.serving(workshop, "echo", *ECHO_PARAMETERS) as image:
        expect_echoes(image.address, ECHO_PORTS)
        expect_in("echo_datagrams_total", curl(image, "/metrics").body.decode(), "its figures")
        ping(place, image, 3000)


def ping(place, image, size):
    if place.has_ping:
        need("ping", "iputils-ping")
        ask("ping", "-n", "-c", 3, "-i", 0.05, "-W", 5, "-s", size, image.address)


Application = namedtuple("Application", "check is_attached")

APPLICATIONS = {
    "hello": Application(hello, False),
    "tick": Application(tick, False),
    "disk": Application(disk, False),
    "echo": Application(echo, True),
    "homepage": Application(homepage, True),
}
