"""load.py - one run of wrk against one server, with all that is needed to judge it.

SPDX-License-Identifier: ISC
"""
import re
import shutil

from driver import under_load
from driver.servers import PAGE, ServerError

CONNECTIONS = 64
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def is_there():
    return shutil.which("wrk") is not None


def words(network, seconds, close):
    header = ["-H", "Connection: close"] if close else []
    return ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *header,
            f"http://{network.address}:{network.port}{PAGE}"]


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


def read(said):
    """What wrk printed, as numbers."""
    requests, = re.search(r"(\d+) requests in", said).groups()
    rate, = re.search(r"Requests/sec:\s*([\d.]+)", said).groups()
    slowest, = re.search(r"^\s+99%\s+(\S+)", said, re.MULTILINE).groups()
    errors = re.search(r"Socket errors: (.*)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return {
        "requests": int(requests),
        "requests_per_second": float(rate),
        "p99_ms": milliseconds(slowest),
        "socket_errors": errors.group(1) if errors else "",
        "refused": int(refused.group(1)) if refused else 0,
    }


def measure(server, network_kind, seconds, close=False):
    """Starts the server on a fresh network, puts load on it, and stops it."""
    with network_kind() as network:
        process = server.start(network)
        try:
            before = server.counted(network)
            found = measure_running(server.name, process, network, seconds, close)
            for name, count in server.counted(network).items():
                found[f"{name}_per_request"] = (count - before[name]) / max(found["requests"], 1)
            return found
        finally:
            process.stop()


def measure_running(name, process, network, seconds, close=False):
    said, found = under_load.run(process, words(network, seconds, close), network.client_prefix,
                                 seconds)
    try:
        found.update(read(said))
    except (AttributeError, ValueError) as error:
        raise ServerError(f"{name}: wrk's report is not understood:\n{said}") from error
    cpu = found["server_cpu_seconds"]
    found["requests_per_cpu_second"] = found["requests"] / cpu if cpu > 0 else 0.0
    return found
