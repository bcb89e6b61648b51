"""site.py - cases that ask one fresh image of the tests' site, in several builds of it.

    @site_case("pages/head", "--header-bytes=1KiB")
    def head_has_no_body(image):

registers pages/head, clang/pages/head for the same with clang's sanitizers, and direct/pages/head for an image with our
own stack behind a tap. With `host` it is asked of an image that reads its pages from the host's folder as well:
host/pages/head. `direct` is False for what the two stacks do differently, `machine` for what only a process has; else
machine/pages/head asks it of a machine of its own, behind a tap too: with --long, as the stack is the same.

SPDX-License-Identifier: ISC"""

from functools import cache

from harness.direct import linux_case
from harness.machine import machine_case
from harness.report import case
from harness.workshop import application_folder


def site_case(name, *parameters, host=False, direct=True, machine=True):
    def register(function):
        for title, variant in [(name, "debug"), (f"clang/{name}", "clang")] + [(f"host/{name}", "host")] * host:
            def run_in(workshop, variant=variant):
                with workshop.started("site", variant, *parameters) as image:
                    function(image)
            case(title)(run_in)

        def run_over_tap(link):
            with link.started("site", *parameters) as image:
                function(image)
        if direct:
            linux_case(f"direct/{name}")(run_over_tap)
        if direct and machine:
            machine_case(f"machine/{name}", long=True)(run_over_tap)
        return function
    return register


@cache
def page(name):
    """What a file of the site holds."""
    return (application_folder("site", "debug") / "htdocs" / name).read_bytes()
