"""boot.py - how an image starts: its help, its parameters, what it says when they are wrong, pages from the host.

SPDX-License-Identifier: ISC"""

import os
import re
import socket
import subprocess
import time

from harness.curl import curl
from harness.report import case, expect, expect_equal, expect_in
from harness.workshop import WORK


def ended(program, *parameters):
    return subprocess.run([program, *parameters], capture_output=True, text=True, timeout=20, check=False)


@case("boot/help")
def every_image_answers_help(workshop):
    for application in ("site", "homepage", "pairs"):
        done = ended(workshop.program(application, "debug"), "--help")
        expect_equal((done.returncode, done.stderr), (0, ""), f"{application} --help")
        expect_in(f"Usage: {application}", done.stdout, "its first line")
        for line in done.stdout.splitlines():
            expect(len(line) <= 80, f"a line of help that is {len(line)} wide: {line!r}")
        for name in ("--help", "--log", "--census", "--stop-timeout", "port="):
            expect_in(name, done.stdout, f"{application} --help")


@case("boot/version")
def the_version_names_the_build(workshop):
    first = ended(workshop.program("site", "debug"), "--version").stdout
    other = ended(workshop.program("site", "release"), "--version").stdout
    for line in (first, other):
        expect(re.fullmatch(r"site [0-9a-f]{40}\n", line), f"--version: {line!r}")
    expect(first != other, "two builds with one id")


@case("boot/parameters")
def a_wrong_parameter_is_one_clear_line(workshop):
    program = workshop.program("site", "debug")
    for parameters, words in (
            (["--prot=80"], ["--prot", "--port"]),
            (["--port=80000"], ["--port", "65535"]),
            (["--port=eighty"], ["--port", "eighty"]),
            (["--port"], ["--port"]),
            (["--port="], ["--port"]),
            (["--port=1", "--port=2"], ["--port"]),
            (["--header-bytes=10GiB"], ["--header-bytes"]),
            (["--header-timeout=10 parsecs"], ["--header-timeout", "parsecs"]),
            (["--access-log=maybe"], ["--access-log", "off", "console"]),
            (["--address=300.1.1.1"], ["--address", "300.1.1.1"]),
            (["--log=loud"], ["--log", "debug"]),
            (["port=80"], ["port=80"]),
            (["--census=perhaps"], ["--census"])):
        done = ended(program, *parameters)
        expect_equal((done.returncode, done.stdout), (2, ""), f"{parameters}, which says {done.stderr!r}")
        expect_equal(done.stderr.count("\n"), 1, f"lines for {parameters}: {done.stderr!r}")
        expect(done.stderr.startswith("site: "), f"who says so: {done.stderr!r}")
        for word in words:
            expect_in(word, done.stderr, f"{parameters}")


@case("boot/port-taken")
def a_port_that_is_taken_is_told(workshop):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = ended(workshop.program("site", "debug"), f"--port={port}", "--address=127.0.0.1")
    expect_equal(done.returncode, 1, "the status")
    expect_in(str(port), done.stderr + done.stdout, "the words")
    expect("Sanitizer" not in done.stderr, done.stderr)


@case("boot/address")
def it_listens_where_it_is_told(workshop):
    with workshop.started("site", "debug", "--address=127.0.0.2") as image:
        expect_equal(curl(image, "/hello/you", host="127.0.0.2").body, b"hello, you", "at its address")
        expect_equal(curl(image, "/hello/you", host="127.0.0.1", may_fail=True), None, "at another")
    with workshop.started("site", "debug") as image:
        expect_equal(curl(image, "/hello/six", host="[::1]").body, b"hello, six", "over IPv6")


@case("boot/pages-of-the-host")
def pages_of_the_host_change_while_the_image_runs(workshop):
    with workshop.started("homepage", "host") as image:
        folder = WORK / "apps" / "homepage-host" / "htdocs"
        for path in sorted(folder.glob("[a-z0-9]*.[a-z]*")):
            if path.name in ("image.html", "figures.html"):
                continue
            target = "/" if path.name == "index.html" else f"/{path.name}"
            wanted = path.read_bytes()
            answer = curl(image, target)
            expect_equal((answer.status, answer.body), (200, wanted), target)
        page = folder / "added.txt"
        page.unlink(missing_ok=True)
        expect_equal(curl(image, "/added.txt").status, 404, "a page that is not there yet")
        page.write_text("first\n", encoding="ascii")
        first = curl(image, "/added.txt")
        expect_equal(first.body, b"first\n", "the new page")
        time.sleep(0.05)
        page.write_text("second, and longer\n", encoding="ascii")
        second = curl(image, "/added.txt", "--header", f"If-None-Match: {first.field('etag')}")
        expect_equal((second.status, second.body), (200, b"second, and longer\n"), "the changed page")
        page.unlink()
        expect_equal(curl(image, "/added.txt").status, 404, "the page that is gone")


@case("boot/host-links", alone=True)
def a_link_does_not_lead_out_of_the_folder(workshop):
    with workshop.started("homepage", "host") as image:
        folder = WORK / "apps" / "homepage-host" / "htdocs"
        link = folder / "out.txt"
        link.unlink(missing_ok=True)
        os.symlink("/etc/passwd", link)
        try:
            answer = curl(image, "/out.txt")
            expect(b"root:" not in answer.body, f"a link out of the folder is followed: {answer.status}")
        finally:
            link.unlink()
