"""crowd.py - clients by the dozen, in a process of their own (test/system/client), while the test does other things.

SPDX-License-Identifier: ISC"""

import json
import subprocess

from harness.report import Failure

PATIENCE_SECONDS = 120


class Crowd:
    def __init__(self, command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)

    def outcome(self):
        """How its connections ended, by client.h's words."""
        try:
            output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"the clients did not end within {PATIENCE_SECONDS} s") from None
        if self.process.returncode != 0:
            raise Failure(f"the clients ended with {self.process.returncode}: {errors}")
        return json.loads(output)
