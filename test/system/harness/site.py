"""site.py - cases that ask one fresh image of the tests' site, in several builds of it.

    @site_case("pages/head", "--header-bytes=1KiB")
    def head_has_no_body(image):

registers pages/head, and clang/pages/head for the same with clang's sanitizers. With `host` it is asked of an image that
reads its pages from the host's folder as well: host/pages/head.

SPDX-License-Identifier: ISC"""

from functools import cache

from harness.report import case
from harness.workshop import application_folder


def site_case(name, *parameters, host=False):
    def register(function):
        for title, variant in [(name, "debug"), (f"clang/{name}", "clang")] + [(f"host/{name}", "host")] * host:
            def run_in(workshop, variant=variant):
                with workshop.started("site", variant, *parameters) as image:
                    function(image)
            case(title)(run_in)
        return function
    return register


@cache
def page(name):
    """What a file of the site holds."""
    return (application_folder("site", "debug") / "htdocs" / name).read_bytes()
