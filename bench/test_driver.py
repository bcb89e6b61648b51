#!/usr/bin/python3
"""test_driver.py - tests of the benchmark's driver: what it reads, how it compares, and that it
leaves nothing behind. Run by `make check-bench`.

SPDX-License-Identifier: ISC
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import xml.dom.minidom

from driver import compare, drawing, images, load, network, process, report, servers
from driver.results import Results, Target, claim_of_values
from driver.rows import machine_disk, machine_start, machines

WRK = """Running 2s test @ http://10.77.0.1:8080/1k.html
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.47ms    2.15ms  12.50ms   85.99%
    Req/Sec    77.83k    22.73k  163.73k    99.00%
  Latency Distribution
     50%  366.00us
     90%    4.48ms
     99%    9.47ms
  155090 requests in 2.01s, 194.35MB read
  Socket errors: connect 0, read 3, write 0, timeout 1
  Non-2xx or 3xx responses: 7
Requests/sec:  77317.11
Transfer/sec:     96.89MB
"""


class Skipped(Exception):
    """The test cannot run here."""


def run(others=0.0, value=1.0):
    return {"others_share": others, "value": value}


def results_of(claims):
    results = Results({"processor": "P <&> Q", "kernel": "Linux"}, {"version": "nginx"}, "loopback")
    for claim, target in claims:
        results.claim("row", "words <&>", "ns", claim, target=target, peer="nginx")
    return results


def test_wrk_is_read():
    found = load.read(WRK)
    assert found["requests"] == 155090
    assert found["requests_per_second"] == 77317.11
    assert found["p99_ms"] == 9.47
    assert found["refused"] == 7
    assert "read 3" in found["socket_errors"]


def test_wrk_units_are_milliseconds():
    assert load.milliseconds("366.00us") == 0.366
    assert load.milliseconds("1.50ms") == 1.5
    assert load.milliseconds("2.00s") == 2000
    assert load.milliseconds("1.00m") == 60000


def test_pairs_alternate():
    order = []
    pairs = compare.alternate(lambda: order.append("a") or run(), lambda: order.append("b") or run(),
                              pairs=3)
    assert "".join(order) == "ababab" and len(pairs) == 3


def test_disturbed_pairs_are_measured_again():
    shares = iter([0.9, 0.0, 0.9, 0.0, 0.0])
    pairs = compare.alternate(lambda: run(next(shares)), run, pairs=3)
    assert [one["others_share"] for one, _ in pairs] == [0.0, 0.0, 0.0]


def test_disturbance_does_not_go_on_for_ever():
    count = []
    pairs = compare.alternate(lambda: count.append(1) or run(0.9), run, pairs=3)
    assert len(count) == 6 and len(pairs) == 3


def test_ratios_are_of_neighbours():
    pairs = [(run(value=2), run(value=1)), (run(value=30), run(value=10)),
             (run(value=100), run(value=100))]
    claim = compare.Ratios(pairs, "value").as_claim()
    assert (claim["ratio"], claim["ratio_low"], claim["ratio_high"]) == (2, 1, 3)
    assert (claim["value"], claim["peer_value"]) == (30, 10)


def test_targets_are_judged():
    assert Target("at least", 1.0).is_met({"ratio": 1.0})
    assert not Target("at least", 1.0).is_met({"ratio": 0.99})
    assert Target("at most", 10, "value").is_met({"value": 10})
    assert not Target("at most", 10, "value").is_met({"value": 10.1})


def test_a_missed_target_is_said():
    results = results_of([(claim_of_values([11, 12, 13]), Target("at most", 10, "value"))])
    lines = "\n".join(report.claim_lines(results.claims[0]))
    assert "NOT met" in lines and "1 NOT met" in report.summary(results)


def test_quantities_have_fitting_units():
    assert report.quantity(64 << 20, "bytes") == "64.0 MiB"
    assert report.quantity(5.8, "ns") == "5.80 ns"
    assert report.quantity(2_500_000, "ns") == "2.5 ms"
    assert report.quantity(77317.11, "/s") == "77,317 /s"


def test_drawing_is_xml_whatever_the_figures():
    less = {"better": "less"}
    results = results_of([
        ({"value": 0, "values": [0], **less}, Target("at most", 1 << 20, "value")),
        ({"value": 1, "peer_value": 1000, "ratio": 0.001, "ratio_low": 0.001, "ratio_high": 0.001,
          **less}, None),
        (claim_of_values([1]), None),
    ])
    xml.dom.minidom.parseString(drawing.draw(results))


def test_less_is_drawn_as_better():
    ratio, low, high = drawing.ratios_of({"ratio": 0.5, "ratio_low": 0.25, "ratio_high": 1.0,
                                          "better": "less"})
    assert (ratio, low, high) == (2.0, 1.0, 4.0)


def test_copies_of_applications_keep_what_was_built():
    with tempfile.TemporaryDirectory() as folder:
        source, copy = os.path.join(folder, "source"), os.path.join(folder, "copy")
        os.makedirs(os.path.join(source, "build"))
        os.makedirs(os.path.join(copy, "build", "unix"))
        open(os.path.join(source, "config.c"), "w", encoding="utf-8").close()
        open(os.path.join(copy, "stale.c"), "w", encoding="utf-8").close()
        images.folder_copy(source, copy)
        assert sorted(os.listdir(copy)) == ["build", "config.c"]
        assert os.listdir(os.path.join(copy, "build")) == ["unix"]


def test_builds_of_each_kind_have_a_folder_of_their_own():
    kinds = [images.kind_of(*kind) for kind in (
        ("on", None, "unix"), ("off", None, "unix"), ("on", "direct", "unix"), ("on", None, "vm"),
        ("on", None, "vm", "tender"), ("on", None, "vm", "tender", "size"))]
    assert kinds[0] == "harden-on" and len(set(kinds)) == len(kinds)


def test_pages_are_found_in_the_table_of_sizes():
    said = ("module               text    rodata      data       bss     total\n"
            "htdocs0 (pages)         0     58205      1104         0     59309\n"
            "http_pages          20248      1375        24         0     21647\n"
            "self0 (pages)           1     24821       696         7     25517\n")
    assert images.pages_bytes(said) == 58205 + 1104 + 1 + 24821 + 696


def test_crossings_are_found_among_metrics():
    said = ("# TYPE loom_crossings_total counter\n"
            "loom_crossings_total{instance=\"machine\"} 1234\nloom_crossings_totals 5\n")
    assert servers.crossings(said) == 1234
    try:
        servers.crossings("loom_memory_bytes 7\n")
        raise AssertionError("a process has no crossings")
    except servers.ServerError:
        pass


def test_a_machine_is_started_with_its_parameters_behind_its_image():
    words = servers.MachineImage("image", parameters=["--one=1"],
                                 tender_options=["--mem", "2MiB"]).words("10.77.0.1", 80)
    before, after = words[:words.index("--")], words[words.index("--") + 1:]
    assert before[0] == images.TENDER and before[-1] == "image" and "2MiB" in before
    assert before[before.index("--net") + 1] == f"tap:{network.Tap.interface}"
    assert after == ["--ipv4=10.77.0.1/24", "--port=80", "--one=1"]


def test_the_least_memory_is_found():
    for enough in (1, 7, 8, 9, 63, 64):
        assert machine_start.least(lambda size, enough=enough: size >= enough * 10, 10, 640) == \
            enough * 10
    assert machine_start.least(lambda size: False, 10, 640) is None


def test_loads_of_a_disk_are_the_same_for_both():
    chosen = []
    for load in machine_disk.LOADS:
        words = machine_disk.image_words("image", "file", load, 2)
        chosen.append([word for word in ("--random", "--write") if word in words])
        assert f"--transfer={load[2]}" in words
        assert f"--depth={load[3]}" in words
        for engine, under_way in (("io_uring", load[3]), ("psync", 1)):
            beside = machine_disk.fio_words("file", load, 2, engine)
            assert {f"--bs={load[2]}", f"--iodepth={under_way}", f"--ioengine={engine}"} <= set(beside)
    assert chosen == [["--random"], ["--random", "--write"], [], ["--write"]]


def test_rates_of_a_disk_are_read():
    assert machine_disk.rate_of_image("requests 2\nbytes 8192\nns 500000000\n") == 16384
    assert machine_disk.rate_of_fio('fio: note\n{"jobs": [{"read": {"bw_bytes": 5}, '
                                    '"write": {"bw_bytes": 0}}]}') == 5


def test_pairs_of_starts_are_read():
    assert machine_start.pairs_of("30 10\n40 20\n") == [
        ({"ns": 30}, {"ns": 10}), ({"ns": 40}, {"ns": 20})]


def test_starts_are_timed_in_alternation():
    program = images.host_program("fork_exit")
    if not os.path.exists(program):
        raise Skipped("build/bench/fork_exit is not built: make bench")
    _, said, *_ = process.output_of([program, 3, "sleep", "0.05", "--", "true"])
    pairs = machine_start.pairs_of(said)
    assert len(pairs) == 3 and all(slow["ns"] > 50e6 for slow, _ in pairs)
    assert min(fast["ns"] for _, fast in pairs) < 50e6
    status, _, complained, _ = process.output_of([program, 1, "false", "--", "true"])
    assert status == 1 and "false ended" in complained


def test_many_machines_have_each_a_tap_and_an_address():
    bridge = network.TapBridge(machines.COUNT)
    assert len(set(bridge.taps)) == len(set(bridge.addresses)) == machines.COUNT
    first, *_ = machines.lines("image", bridge)
    assert first.split()[0] == bridge.addresses[0] and f"tap:{bridge.taps[0]}" in first


def test_a_bridge_is_laid_and_removed():
    if not network.taps_are_there():
        raise Skipped("network namespaces and taps need root and iproute2")
    with network.TapBridge(3) as bridge:
        _, said, *_ = process.output_of(["ip", "-br", "link"], bridge.client_prefix)
        assert all(f"{name} " in said for name in ("bridge0", "tap0", "tap1", "tap2"))
        name, = bridge.names.values()
    assert not os.path.exists(f"/run/netns/{name}")


def test_an_ended_driver_leaves_no_process():
    program = ("import sys,time; sys.path.insert(0, sys.argv[1]); from driver import process;"
               "process.guard(); print(process.Process(['sleep', '60']).number, flush=True);"
               "time.sleep(60)")
    folder = os.path.dirname(os.path.abspath(__file__))
    driver = subprocess.Popen([sys.executable, "-B", "-c", program, folder],
                              stdout=subprocess.PIPE, text=True)
    number = int(driver.stdout.readline())
    assert os.path.exists(f"/proc/{number}")
    driver.send_signal(signal.SIGTERM)
    driver.wait(10)
    driver.stdout.close()
    process.wait_for(lambda: not os.path.exists(f"/proc/{number}"), 5, "the process ends")


def test_a_stubborn_process_is_killed_with_its_children():
    stubborn = process.Process(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"])
    process.wait_for(lambda: len(process.tree(stubborn.number)) > 1, 5, "its child starts")
    numbers = process.tree(stubborn.number)
    stubborn.stop(seconds=0.2)
    time.sleep(0.1)
    assert not any(os.path.exists(f"/proc/{number}/exe") for number in numbers)


def test_memory_and_time_of_a_process_are_seen():
    began = process.cpu_seconds(os.getpid())
    while process.cpu_seconds(os.getpid()) - began < 0.02:
        pass
    found = process.memory_of(os.getpid())
    assert min(found["Rss"], process.resident_bytes(os.getpid())) > 1 << 20
    assert 0 < found["Pss"] <= found["Rss"] and {"Anonymous", "AnonHugePages"} <= set(found)
    assert process.resident_bytes(1 << 30) == 0


def test_the_time_to_main_is_read():
    said = ("loom-tender: microseconds: image 30, in all 1235; crossings: 2\n"
            "loom-tender: microseconds from the first instruction to main: 269, with 34 pages of 4 KiB "
            "and 1 of 2 MiB touched\n")
    assert machine_start.main_of(said) == (269000, 34, 1)
    try:
        machine_start.main_of("loom-tender: /dev/kvm: no such file\n")
        raise AssertionError("nothing was told")
    except servers.ServerError:
        pass


def test_namespaces_are_removed_after_a_failure():
    if network.kind() is not network.Veth:
        raise Skipped("network namespaces need root and iproute2")
    names = ()
    try:
        with network.Veth() as veth:
            names = tuple(veth.names.values())
            assert all(os.path.exists(f"/run/netns/{name}") for name in names)
            raise KeyError
    except KeyError:
        pass
    assert names and not any(os.path.exists(f"/run/netns/{name}") for name in names)


def main():
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            word, reason = "ok", ""
        except Skipped as why:
            word, reason = "skip", f" - {why}"
        except Exception:  # whatever it is, the test failed
            traceback.print_exc(file=sys.stdout)
            word, reason = "not ok", ""
        counts[word] += 1
        print(f"{word:<7} bench {name[5:]}{reason}")
    print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped")
    return 1 if counts["not ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
