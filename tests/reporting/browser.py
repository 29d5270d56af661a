"""A headless Chromium, told what to do over a pipe: no library, no port, no network."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE_S = 60


def find_chromium() -> str | None:
    """The browser to test with, if there is one."""
    named = os.environ.get("PLANWISE_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser.

    Attributes:
        complaints: errors and warnings of the console, exceptions, and what was asked of the
            network.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and wait for its answer."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + _PATIENCE_S
        while True:
            answer = self._next(until)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self._hear(answer)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = until - time.monotonic()
            assert left > 0, "the browser does not answer"
            assert select.select([self._from], [], [], left)[0], "the browser does not answer"
            read = os.read(self._from, 1 << 20)
            assert read, "the browser has ended"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _hear(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        method, found = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(found["exceptionDetails"])[:2000])
        elif method == "Runtime.consoleAPICalled" and found["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(found["args"])[:2000])
        elif method == "Log.entryAdded":
            self.complaints.append(json.dumps(found["entry"])[:2000])
        elif method == "Network.requestWillBeSent":
            url = found["request"]["url"]
            if not url.startswith(("file:", "data:", "about:")):
                self.complaints.append(f"asked for {url}")

    def open(self, file: Path, *, scripts: bool = True) -> None:
        """Open a file and wait until it is loaded."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._events.clear()
        self.call("Page.navigate", url=file.as_uri())
        until = time.monotonic() + _PATIENCE_S
        while not any(each.get("method") == "Page.loadEventFired" for each in self._events):
            self._hear(self._next(until))

    def look(self, *, width: int, height: int = 900, dark: bool = False, medium: str = "") -> None:
        """Set the size of the window, the preferred colours, and screen or print."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[scheme])
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what a change of size or colours asks for."""
        self.value(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => "
            "requestAnimationFrame(() => done(true)))))"
        )

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more
            )
        self.settle()

    def screenshot(self, file: Path) -> None:
        """Save a picture of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser_page(chromium: str, profile: Path) -> Iterator[Page]:
    """Start a browser of our own and end it.

    Args:
        chromium: the program.
        profile: a folder for what it keeps.
    """
    ours_in, theirs_out = os.pipe()
    theirs_in, ours_out = os.pipe()
    command = [
        *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars"),
        *("--disable-component-update", "--remote-debugging-pipe", f"--user-data-dir={profile}"),
        "about:blank",
    ]

    def at_3_and_4() -> None:
        # The browser reads commands at 3 and answers at 4; ours may be these numbers already.
        source, sink = (fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (theirs_in, theirs_out))
        os.dup2(source, 3)
        os.dup2(sink, 4)

    process = subprocess.Popen(
        command,
        preexec_fn=at_3_and_4,  # noqa: PLW1509  # no other thread is started by these tests
        close_fds=False,  # what is at 3 and 4 is for it
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        page = Page(ours_out, ours_in)
        yield page
        page._session = None
        with suppress(AssertionError, OSError):
            page.call("Browser.close")
    finally:
        os.close(ours_out)
        os.close(ours_in)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
