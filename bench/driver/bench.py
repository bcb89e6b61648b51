"""bench.py - what every row is given: the settings of this run, the peers that are there, and where
results go.

SPDX-License-Identifier: ISC
"""
import os
import shutil
import sys

from driver import load, machine, network, report, servers
from driver.compare import PAIRS
from driver.results import Results, Skip

LOAD_SECONDS, SOAK_SECONDS = 8, 60
IMAGE_PARAMETERS = ("--access-log=off", "--requests-per-connection=1000000000", "--idle-timeout=1h")


class Bench:
    def __init__(self, seconds=None):
        self.seconds = seconds or LOAD_SECONDS
        self.soak_seconds = (SOAK_SECONDS if seconds is None
                             else max(5, SOAK_SECONDS * seconds // LOAD_SECONDS))
        self.pairs = PAIRS
        self.network_kind = network.kind()
        self.has_taps = network.taps_are_there()
        self.nginx = servers.nginx_program()
        self.results = Results(machine.description(), self.peer(), self.network_kind.words)

    def peer(self):
        if self.nginx is None:
            return {"name": "nginx", "version": "not installed", "settings": ""}
        return {"name": "nginx", "version": servers.nginx_version(self.nginx),
                "settings": servers.NGINX_SETTINGS, "load": f"wrk -t1 -c{load.CONNECTIONS}"}

    def needs_nginx(self):
        if self.nginx is None:
            raise Skip("the peer nginx is not installed: apt-get install nginx-light")

    def needs_wrk(self):
        if not load.is_there():
            raise Skip("the load generator wrk is not installed: apt-get install wrk")

    def needs_taps(self):
        if not self.has_taps:
            raise Skip("there are no network namespaces and taps here: root is needed, and iproute2")

    def needs_machines(self):
        if not os.path.exists("/dev/kvm"):
            raise Skip("no /dev/kvm")
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Skip("/dev/kvm is not ours to open")

    def needs(self, program, package):
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed: apt-get install {package}")

    def say(self, words):
        """What is going on now: on a terminal only, and not to stay."""
        if sys.stderr.isatty():
            print(f"\r\033[K  {words}", end="", file=sys.stderr, flush=True)

    def quiet(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def claim(self, row, words, unit, found, **more):
        self.quiet()
        claim = self.results.claim(row, words, unit, found, **more)
        for line in report.claim_lines(claim):
            print(line, flush=True)

    def tell(self, words):
        self.quiet()
        print(f"      {words}", flush=True)

    def skip(self, row, reason):
        self.quiet()
        self.results.skipped.append({"row": row, "reason": str(reason)})
        print(f"  skipped: {reason}", flush=True)

    def fail(self, row, reason):
        self.quiet()
        self.results.failed.append({"row": row, "reason": str(reason)})
        print(f"  failed: {reason}", flush=True)
