"""machine.py - an image as a machine of its own, under the tender: how it starts, what it needs, and
what it does under load.

SPDX-License-Identifier: ISC
"""
from driver.images import ImageError
from driver.results import Skip
from driver.rows import machine_bulk, machine_disk, machine_http, machine_start
from driver.servers import ServerError

WORDS = "images that are machines of their own, under loom-tender"
PARTS = (machine_start.hello, machine_start.to_main, machine_start.first_answer,
         machine_start.sizes, machine_start.memory,
         machine_http.run, machine_bulk.run, machine_disk.run)


def run(bench):
    bench.needs_machines()
    for part in PARTS:
        try:
            part(bench)
        except Skip as reason:
            bench.skip("machine", reason)
        except (ImageError, ServerError) as reason:
            bench.fail("machine", reason)
