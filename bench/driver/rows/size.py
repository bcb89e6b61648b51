"""size.py - how large the images are, stripped.

SPDX-License-Identifier: ISC
"""
from driver.images import ImageError, image_build, image_stripped_bytes

WORDS = "the size of stripped release images"
APPLICATIONS = ("apps/hello", "apps/homepage")


def run(bench):
    bench.needs("strip", "binutils")
    for application in APPLICATIONS:
        try:
            size = image_stripped_bytes(image_build(application))
        except ImageError as error:
            bench.fail("size", error)
            continue
        bench.claim("size", f"{application}, stripped", "bytes", {"value": size, "better": "less"})
