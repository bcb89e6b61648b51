"""place.py - where the images are that this thread asks: on this host, or at an address of their own.

SPDX-License-Identifier: ISC"""

import threading
from contextlib import contextmanager

HOST = "127.0.0.1"
PLACE = threading.local()


def address():
    """Of the images that this thread asks."""
    return getattr(PLACE, "address", HOST)


@contextmanager
def images_at(where):
    PLACE.address = where
    try:
        yield
    finally:
        del PLACE.address
