"""servers.py - the two that are compared: an image, and Debian's nginx with the settings that are
printed beside every claim.

SPDX-License-Identifier: ISC
"""
import os
import re
import shutil
import subprocess

from driver import machine, network
from driver.images import OUTPUT, ROOT, TENDER
from driver.process import Process, output_of, wait_for

PAGES = os.path.join(ROOT, "bench", "page", "htdocs")
PAGE = "/1k.html"
RUN = os.path.join(OUTPUT, "run")


class ServerError(Exception):
    """A server does not start or does not answer; the words tell why."""


class Server:
    """Something that can be started on a network, any number of times."""
    name = ""
    page = PAGE  # that it is asked for, to see whether it answers

    def words(self, address, port):
        raise NotImplementedError

    def start(self, between):
        os.makedirs(RUN, exist_ok=True)
        core, _ = machine.cores()
        with open(os.path.join(RUN, f"{self.name}.log"), "wb") as log:
            process = Process(self.words(between.address, between.port), core,
                              between.server_prefix, stdout=log, stderr=log)
        try:
            wait_for(lambda: process.has_ended() or answers(between, self.page), 10,
                     f"{self.name} answers")
        except RuntimeError as error:
            raise ServerError(f"{error}: {self.complaint()}") from error
        if process.has_ended():
            raise ServerError(f"{self.name} ended at its start: {self.complaint()}")
        return process

    def counted(self, _between):
        """What it has counted of itself since its start, by name."""
        return {}

    def complaint(self):
        lines = machine.text_of(os.path.join(RUN, f"{self.name}.log")).strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def answers(between, page=PAGE):
    """Whether a request from the client's side is answered with 200."""
    probe = ("import socket,sys; s=socket.create_connection((sys.argv[1],int(sys.argv[2])),1);"
             "s.settimeout(1);s.sendall(b'GET %b HTTP/1.0\\r\\nHost: bench\\r\\n\\r\\n' %"
             " sys.argv[3].encode()); sys.exit(b' 200 ' not in s.recv(64))")
    done = subprocess.run([*between.client_prefix, "/usr/bin/python3", "-c", probe,
                           between.address, str(between.port), page], check=False,
                          stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


class Image(Server):
    """An image with an HTTP server."""

    def __init__(self, path, name="loom", parameters=()):
        self.path = path
        self.name = name
        self.parameters = list(parameters)

    def words(self, address, port):
        return [self.path, f"--port={port}", *self.parameters]


class DirectImage(Image):
    """The same with our own stack, on the tap that is the client's interface."""
    prefix_bits = network.Tap.prefix_bits

    def words(self, address, port):
        return [*super().words(address, port), *attachment(address, prefix_bits=self.prefix_bits)]


class WideImage(DirectImage):
    prefix_bits = network.WideTap.prefix_bits


class MachineImage(DirectImage):
    """A machine of its own, on the same tap. It is its tender's process that is started, in which
    all that the machine does takes its time, and its memory is resident."""

    def __init__(self, path, name="loom-machine", parameters=(), tender_options=()):
        super().__init__(path, name, parameters)
        self.tender_options = list(tender_options)

    def words(self, address, port):
        return [*tender_words(self.path, network.Tap.interface, self.tender_options),
                *machine_address(address, self.prefix_bits), f"--port={port}", *self.parameters]

    def counted(self, between):
        return {"crossings": crossings(figures(between, between.port, "/metrics"))}


def tender_words(image, interface, options=()):
    """What runs the image as a machine on this tap; boot parameters follow."""
    return [TENDER, "--net", f"tap:{interface}", *options, image, "--"]


def machine_address(address, prefix_bits=network.Tap.prefix_bits):
    return [f"--ipv4={address}/{prefix_bits}"]


def figures(between, port, path=""):
    """The text of an image's metrics, asked for over HTTP; without a path of a port that tells
    nothing else."""
    ask = ("import socket,sys; s=socket.create_connection((sys.argv[1],int(sys.argv[2])),5);"
           "s.sendall(b'GET %b HTTP/1.0\\r\\nHost: bench\\r\\n\\r\\n' % sys.argv[3].encode()"
           " if sys.argv[3] else b''); sys.stdout.write(s.makefile('rb').read().decode())")
    status, said, complained, _ = output_of(
        ["/usr/bin/python3", "-c", ask, between.address, port, path], between.client_prefix)
    if status != 0:
        raise ServerError(f"the image's metrics cannot be read: {complained.strip()}")
    return said


def crossings(text):
    """How often a machine has crossed to its tender, by its metrics."""
    found = re.search(r"^loom_crossings_total(?:\{[^}]*\})? (\d+)", text, re.MULTILINE)
    if found is None:
        raise ServerError("the image does not tell how often it has crossed")
    return int(found.group(1))


def attachment(address, net=f"tap:{network.Tap.interface}", prefix_bits=network.Tap.prefix_bits):
    """The parameters of an image with a stack of its own."""
    return [f"--net={net}", f"--ipv4={address}/{prefix_bits}", f"--net-mac={network.Tap.image_mac}"]


NGINX_SETTINGS = ("worker_processes 1, access_log off, open_file_cache max=100, sendfile on, "
                  "tcp_nopush on, keepalive_requests 1000000000")

NGINX_CONFIGURATION = """daemon off;
worker_processes 1;
{user}pid {run}/nginx.pid;
error_log {run}/nginx.error;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile {sendfile};
    tcp_nopush {sendfile};
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    default_type text/html;
{temporary}    server {{ listen {address}:{port}; root {pages}; }}
}}
"""


class Nginx(Server):
    """`sendfile` with tcp_nopush is what Debian's configuration has; without both nginx needs one
    system call a response instead of three, which suits small pages."""

    def __init__(self, connections=1024, sendfile=True):
        self.name = "nginx" if sendfile else "nginx without sendfile"
        self.program = nginx_program()
        self.connections = connections
        self.sendfile = "on" if sendfile else "off"

    def words(self, address, port):
        configuration = os.path.join(RUN, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(NGINX_CONFIGURATION.format(
                run=RUN, address=address, port=port, pages=PAGES, connections=self.connections,
                sendfile=self.sendfile,
                user="user root;\n" if os.geteuid() == 0 else "",
                temporary=nginx_temporary_folders(self.program)))
        return [self.program, "-c", configuration]


def nginx_program():
    """Its path, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def nginx_says(program, flag):
    done = subprocess.run([program, flag], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def nginx_temporary_folders(program):
    """A folder for each module that wants one: Debian's own belong to root."""
    built = nginx_says(program, "-V")
    kinds = [kind for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
             if f"--without-http_{kind}_module" not in built]
    return "".join(f"    {kind}_temp_path {RUN}/{kind};\n" for kind in ["client_body", *kinds])


def dpkg(*words):
    if shutil.which("dpkg-query") is None:
        return ""
    return subprocess.run(["dpkg-query", *words], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def nginx_version(program):
    """What it says of itself, and Debian's package with its revision."""
    found = re.search(r"nginx/\S+", nginx_says(program, "-v"))
    version = found.group(0) if found else "nginx"
    package = dpkg("-S", program).partition(":")[0]
    return f"{version} ({package} {dpkg('-W', '-f', '${Version}', package)})" if package else version
