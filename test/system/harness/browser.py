"""browser.py - headless Chromium by its DevTools protocol, over a pair of pipes.

Messages are JSON, each ended by a NUL (--remote-debugging-pipe: descriptor 3 to the browser, 4 from it), so no port is
open and no websocket needed. https://chromedevtools.github.io/devtools-protocol/

SPDX-License-Identifier: ISC"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from harness.report import Failure, Skip

# Without its sandbox, which root and containers do not have: the pages are our own.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
         "--disable-dev-shm-usage", "--remote-debugging-pipe", "--password-store=basic", "--mute-audio",
         # No name is looked up, and nothing but this machine is reached.
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1")
PATIENCE_SECONDS = 40
QUIET_SECONDS = 0.3  # without a request or an event: the page is done


def pipe_of_high_numbers():
    """Neither end is 3 or 4, which the browser's side becomes."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high


class Browser:
    def __init__(self):
        self.program = shutil.which("chromium")
        if not self.program:
            raise Skip("there is no chromium (apt-get install chromium)")
        self.folder = tempfile.mkdtemp(prefix="loom-browser-")
        self.number = 0
        self.buffer = b""

    def __enter__(self):
        to_browser, self.to_browser = pipe_of_high_numbers()
        self.from_browser, from_browser = pipe_of_high_numbers()
        flags = [*FLAGS, f"--user-data-dir={self.folder}"]
        self.errors = tempfile.TemporaryFile()
        # The shell gives the pipes the numbers that Chromium wants.
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash", self.program, *flags],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        os.close(to_browser)
        os.close(from_browser)
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (Failure, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.folder, ignore_errors=True)

    def receive(self, seconds):
        """The next message, or None when none comes in time."""
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.from_browser], [], [], max(0, end - time.monotonic()))
            if not ready:
                return None
            data = os.read(self.from_browser, 1 << 20)
            if not data:
                self.errors.seek(0)
                raise Failure(f"chromium has ended: {self.errors.read()[-1500:].decode('utf-8', 'replace')}")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, events=None, **parameters):
        """Its result; events that come before it are put into `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            answer = self.receive(end - time.monotonic())
            if answer is None:
                break
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if events is not None and "method" in answer:
                events.append(answer)
        raise Failure(f"chromium did not answer {method} within {PATIENCE_SECONDS} s")


class Visit:
    """One page in a tab of its own, at a size, in a colour scheme, with or without scripts."""

    def __init__(self, browser, url, width=1280, height=900, scheme="light", scripts=True):
        self.browser, self.url = browser, url
        self.events = []
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self.context, self.session = context, browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=url)
        self.wait_until_quiet()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, self.events, **parameters)

    def wait_until_quiet(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            message = self.browser.receive(QUIET_SECONDS)
            if message is not None:
                self.events.append(message)
            elif self.seen("Page.loadEventFired") and not self.pending():
                return
        raise Failure(f"{self.url} did not load within {PATIENCE_SECONDS} s; pending: {self.pending()}")

    def seen(self, method):
        return [event["params"] for event in self.events
                if event.get("method") == method and event.get("sessionId") == self.session]

    def pending(self):
        ended = {event["requestId"] for name in ("Network.loadingFinished", "Network.loadingFailed") for event in self.seen(name)}
        return [event["request"]["url"] for event in self.seen("Network.requestWillBeSent") if event["requestId"] not in ended]

    def requested(self):
        return [event["request"]["url"] for event in self.seen("Network.requestWillBeSent")]

    def responses(self):
        """Status and media type by URL."""
        return {event["response"]["url"]: (event["response"]["status"], event["response"]["mimeType"])
                for event in self.seen("Network.responseReceived")}

    def complaints(self):
        """What a developer would see in red or yellow."""
        told = [f"{entry['entry']['level']}: {entry['entry']['text']} {entry['entry'].get('url', '')}"
                for entry in self.seen("Log.entryAdded") if entry["entry"]["level"] in ("error", "warning")]
        told += [event["exceptionDetails"]["text"] for event in self.seen("Runtime.exceptionThrown")]
        told += [f"console.{event['type']}: {event['args']}" for event in self.seen("Runtime.consoleAPICalled")
                 if event["type"] in ("error", "warning", "assert")]
        told += [f"failed: {event['errorText']}" for event in self.seen("Network.loadingFailed") if not event.get("canceled")]
        return told

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failure(f"{expression}: {result['exceptionDetails']['text']}")
        return result["result"].get("value")

    def screenshot(self, path):
        """The page from top to bottom."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
