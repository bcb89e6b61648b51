"""site.py - cases that ask one fresh image of the tests' site, in a build of each compiler.

    @site_case("pages/head", "--header-bytes=1KiB")
    def head_has_no_body(image):

registers pages/head, and clang/pages/head for the same with clang's sanitizers.

SPDX-License-Identifier: ISC"""

from harness.report import case
from harness.workshop import WORK


def site_case(name, *parameters):
    def register(function):
        for title, variant in ((name, "debug"), (f"clang/{name}", "clang")):
            def run_in(workshop, variant=variant):
                with workshop.started("site", variant, *parameters) as image:
                    function(image)
            case(title)(run_in)
        return function
    return register


def page(name, application="site", variant="debug"):
    """What a file of the site holds."""
    return (WORK / "apps" / f"{application}-{variant}" / "htdocs" / name).read_bytes()
