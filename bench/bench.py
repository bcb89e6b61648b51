#!/usr/bin/python3
"""bench.py - measures Loom beside its peers in one run: prints ratios, and writes them as JSON and
SVG. Called by `make bench`.

SPDX-License-Identifier: ISC
"""
import argparse
import os
import sys
import traceback

from driver import drawing, process, report
from driver.bench import Bench
from driver.images import OUTPUT, ImageError
from driver.results import Skip
from driver.rows import ONLY_WHEN_NAMED, ROWS
from driver.rows.inside import InsideError
from driver.servers import ServerError


def rows_named(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names in ([], ["all"]):
        return [name for name in ROWS if name not in ONLY_WHEN_NAMED]
    for name in names:
        if name not in ROWS:
            raise SystemExit(f"bench: there is no row {name}; BENCH takes some of "
                             f"{','.join(ROWS)}, or all")
    return names


def seconds_of(text):
    if text == "":
        return None
    if not text.isdigit() or not 1 <= int(text) <= 3600:
        raise SystemExit(f"bench: BENCH_SECONDS={text}: give whole seconds, from 1 to 3600")
    return int(text)


def introduce(bench):
    about, peer = bench.results.machine, bench.results.peer
    print(f"Loom on {about['processor']}, {about['cores']} cores, {about['kernel']}")
    print(f"  server on core {about['server_core']}, client on core {about['client_core']}, "
          f"{bench.results.method}; {bench.pairs} alternating pairs, medians, lowest to highest")
    print(f"  peer: {peer['version']}" + (f": {peer['settings']}" if peer["settings"] else ""))
    if about["server_core"] == about["client_core"]:
        print("  one core for both: the client takes from the server what it needs")


def row_run(bench, name):
    print(f"\n{name}: {ROWS[name].WORDS}", flush=True)
    try:
        ROWS[name].run(bench)
    except Skip as reason:
        bench.skip(name, reason)
    except (ImageError, InsideError, ServerError) as reason:
        bench.fail(name, reason)
    except Exception as error:  # one row's mistake is not the others'
        traceback.print_exc()
        bench.fail(name, f"{type(error).__name__}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rows", default="all", help=f"some of {','.join(ROWS)}")
    parser.add_argument("--seconds", default="", help="of each run of load")
    arguments = parser.parse_args()
    names, seconds = rows_named(arguments.rows), seconds_of(arguments.seconds)

    process.guard()
    bench = Bench(seconds)
    introduce(bench)
    for name in names:
        row_run(bench, name)
    written = os.path.join(OUTPUT, "bench.json"), os.path.join(OUTPUT, "bench.svg")
    bench.results.write(written[0])
    drawing.write(bench.results, written[1])
    print(f"\n{report.summary(bench.results)}\n{os.path.relpath(written[0])}  "
          f"{os.path.relpath(written[1])}")
    return 1 if bench.results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
