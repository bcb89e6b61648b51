"""under_load.py - runs a load generator beside a server, with all that is needed to judge what it
found.

SPDX-License-Identifier: ISC
"""
from driver import machine
from driver.process import output_of
from driver.servers import ServerError


def run(process, words, prefix, seconds):
    """Gives what the generator said, and the conditions: how busy the cores were, with whom, and
    what the server took of the processor."""
    _, client_core = machine.cores()
    interval = machine.Interval()
    before, user_before = process.cpu_seconds(), process.user_seconds()
    status, said, complained, client_cpu = output_of(words, prefix, client_core, seconds + 60)
    server_cpu = process.cpu_seconds() - before
    server_user = process.user_seconds() - user_before
    (server_busy, server_idle), (client_busy, client_idle) = interval.end()
    if status != 0:
        raise ServerError(f"{words[0]}: {(complained or said).strip() or f'status {status}'}")
    others = max(0.0, server_busy + client_busy - server_cpu - client_cpu)
    return said, {
        "server_cpu_seconds": server_cpu,
        "server_user_seconds": server_user,
        "server_busy_seconds": max(server_busy, 1e-3),
        "server_idle": server_idle,
        "client_idle": client_idle,
        "others_share": others / (server_busy + client_busy),
    }


def numbers(said):
    """Lines of a name and a number, as the programs of host/ print them."""
    return {words[0]: float(words[1]) for words in map(str.split, said.splitlines())
            if len(words) == 2}
