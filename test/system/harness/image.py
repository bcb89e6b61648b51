"""image.py - an image that runs for a while: started, asked, ended, and its end looked at.

    with workshop.started("site", "debug", "--connections=10") as image:
        wire = Wire(image.port)

SPDX-License-Identifier: ISC"""

import os
import re
import signal
import subprocess
import tempfile
import time

from harness.report import Failure, expect, expect_equal

START_SECONDS = 20
END_SECONDS = 15

LISTENING = "0A"  # a state in /proc/net/tcp

# What must never be in an image's log.
TROUBLE = re.compile(
    r"ERROR: \w+Sanitizer|runtime error:|LeakSanitizer|fibers are left|\bpanic\b|Assertion|crashed|is broken", re.I)


def listening_ports(pid):
    """The TCP ports on which the process listens, by what the kernel says of its sockets."""
    inodes = set()
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            inodes.add(os.readlink(f"/proc/{pid}/fd/{descriptor}").removeprefix("socket:[").removesuffix("]"))
    except OSError:  # it has ended, or a descriptor has
        return []
    ports = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:
            for words in (line.split() for line in lines):
                if words[3] == LISTENING and words[9] in inodes:
                    ports.append(int(words[1].rsplit(":", 1)[1], 16))
    return sorted(set(ports))


class Image:
    def __init__(self, program, parameters, ports=None, environment=None, trouble_expected=False, process_options=None):
        """`ports`: how many it listens on; it is told --port=0 unless it is told others. `process_options`: further
        ones of subprocess.Popen."""
        self.process_options = process_options or {}
        self.program = program
        self.parameters = list(parameters)
        self.trouble_expected = trouble_expected
        self.environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1",
                            **(environment or {})}
        if ports is None and not any(word.startswith("--port") for word in self.parameters):
            self.parameters.append("--port=0")
        self.listeners = ports or 1
        self.ports = []
        self.log_file = tempfile.TemporaryFile()
        self.process = None
        self.asked_to_end = False

    @property
    def port(self):
        return self.ports[0]

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=self.log_file,
                                        stderr=subprocess.STDOUT, env=self.environment, **self.process_options)
        try:
            self.ports = self.wait_for_ports()
        except Failure:
            self.kill()
            raise
        return self

    def command(self):
        return [str(self.program), *self.parameters]

    def wait_for_ports(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            ports = listening_ports(self.pid)
            if len(ports) >= self.listeners:
                return ports
            if self.process.poll() is not None:
                raise Failure(f"{self.program.name} ended with {self.process.returncode} at its start: {self.log()}")
            time.sleep(0.01)
        raise Failure(f"{self.program.name} does not listen after {START_SECONDS} s: {self.log()}")

    def __exit__(self, kind, error, trace):
        if kind is not None or self.trouble_expected:
            self.kill()
        if kind is not None:
            if not self.trouble_expected and self.trouble():
                raise Failure(f"{error}; and its log has: {self.trouble()}") from error
            return
        if not self.trouble_expected:
            self.end()

    def end(self):
        """Asks it to end, if nobody has, and looks at how it ended. The seconds that it took."""
        start = time.monotonic()
        self.ask_to_end()
        status = self.wait()
        expect_equal(status, 0, f"the status of {self.program.name} after SIGTERM, whose log ends {self.log()[-600:]!r}")
        expect_equal(self.trouble(), "", f"the trouble in the log of {self.program.name}")
        return time.monotonic() - start

    def ask_to_end(self, number=signal.SIGTERM):
        """Once: a second signal would end it at once."""
        if not self.asked_to_end and self.process.poll() is None:
            self.process.send_signal(number)
        self.asked_to_end = True

    def wait(self):
        try:
            return self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            census = self.log()[-2000:]
            self.kill()
            raise Failure(f"{self.program.name} did not end within {END_SECONDS} s: {census}") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def trouble(self):
        """What the log has from the first sign of it on; empty when there is none."""
        text = self.log()
        found = TROUBLE.search(text)
        return text[max(0, found.start() - 200):found.start() + 1500] if found else ""

    def log(self):
        size = os.fstat(self.log_file.fileno()).st_size
        return os.pread(self.log_file.fileno(), size, 0).decode("utf-8", "replace")

    def wait_for_log(self, pattern, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.log())
            if found:
                return found
            time.sleep(0.02)
        raise Failure(f"the log does not say {pattern!r} within {seconds} s; it ends {self.log()[-600:]!r}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def settled_descriptors(self):
        """How many it has when the connections of earlier questions are gone, too."""
        counts = []
        while len(counts) < 10 or len(set(counts[-10:])) > 1:
            counts.append(self.descriptors())
            expect(len(counts) < 500, f"the number of descriptors does not settle: {counts[-20:]}")
            time.sleep(0.02)
        return counts[-1]

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024
