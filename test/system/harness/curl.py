"""curl.py - asks with Debian's curl, which reads HTTP as the world does.

SPDX-License-Identifier: ISC"""

import subprocess
import tempfile
from pathlib import Path

from harness import place
from harness.report import Failure, expect
from harness.wire import Answer


def curl(image, target, *options, host=None, may_fail=False):
    """One transfer: its last response, the statuses before it, and how many connections curl made."""
    with tempfile.TemporaryDirectory() as folder:
        heads, body = Path(folder, "heads"), Path(folder, "body")
        command = ["curl", "-q", "--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--dump-header", heads,
                   "--output", body, "--write-out", "%{num_connects} %{http_version}", *options,
                   f"http://{host or place.address()}:{image.port}{target}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 and not may_fail:
            raise Failure(f"curl {' '.join(map(str, options))} {target}: status {done.returncode}: {done.stderr}")
        answers = read_heads(heads.read_bytes().decode("latin-1")) if heads.exists() else []
        expect(answers or may_fail, f"curl got no response to {target}")
        if not answers:
            return None
        answer = answers[-1]
        answer.body = body.read_bytes() if body.exists() else b""
        answer.before = [one.status for one in answers[:-1]]
        answer.connections = int(done.stdout.split()[0])
        answer.curl_status = done.returncode
        return answer


def read_heads(text):
    answers = []
    for head in text.split("\r\n\r\n"):
        lines = head.split("\r\n")
        if not lines[0].startswith("HTTP/"):
            continue
        _, status, *reason = lines[0].split(" ", 2)
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        answers.append(Answer(int(status), "".join(reason), fields))
    return answers
