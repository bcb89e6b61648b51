"""service.py - sockets of this host that an image calls, or that come from many places.

SPDX-License-Identifier: ISC"""

import socket
import threading

from harness.report import Failure

PATIENCE_SECONDS = 60


class Service:
    """Takes one connection on a thread and does with it what it was told; `result()` is what that returned."""

    def __init__(self, address, conversation, receive_bytes=None):
        self.listener = socket.socket()
        if receive_bytes:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.listener.bind((address, 0))
        self.listener.listen()
        self.listener.settimeout(PATIENCE_SECONDS)
        self.port = self.listener.getsockname()[1]
        self.conversation = conversation
        self.outcome = None
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        try:
            flow, _ = self.listener.accept()
            with flow:
                flow.settimeout(PATIENCE_SECONDS)
                self.outcome = self.conversation(flow)
        except OSError as error:
            self.outcome = error
        finally:
            self.listener.close()

    def result(self):
        self.thread.join(PATIENCE_SECONDS)
        if isinstance(self.outcome, OSError) or self.thread.is_alive():
            raise Failure(f"the service that the image called ended with {self.outcome!r}")
        return self.outcome


def read_all(flow):
    pieces = []
    while piece := flow.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)
