"""Starts the process that looks at a plugin, listens to it, and ends it where it hangs."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from planwise.doctor.findings import Findings

_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1])['path']; "
    "from planwise.doctor.examination import main; main(*sys.argv[1:])"
)
_START_S: Final = 60.0
"""For a process to begin, on a machine that has other things to do."""
_LONGEST_LINE: Final = 1_000_000


def examine(found: Findings, options: dict[str, Any], limit_s: float) -> None:
    """Look at a plugin in a process of its own, and add what is found.

    Args:
        found: of the plugin, up to now.
        options: what the configuration gives as its options.
        limit_s: how long one call may take.
    """
    plugin = found.plugin
    request = {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "value": plugin.entry_point.value,
        "options": options,
        "path": [str(Path(each or ".").absolute()) for each in sys.path],
    }
    # A decimal of the configuration goes as text: an option reads it from there with every digit.
    asked = json.dumps(request, default=str)
    reading, writing = os.pipe()
    with (
        tempfile.TemporaryDirectory(prefix="planwise-doctor-", ignore_cleanup_errors=True) as name,
        Path(name, "output").open("wb") as output,
        Path(name, "errors").open("w+b") as errors,
    ):
        folder = Path(name, "work")
        folder.mkdir()
        process = subprocess.Popen(  # noqa: S603  # this Python, with our own program
            (sys.executable, "-c", _PROGRAM, asked, str(writing)),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        try:
            _listen(reading, found, limit_s, process)
        finally:
            os.close(reading)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
            process.wait()


def _listen(
    reading: int, found: Findings, limit_s: float, process: subprocess.Popen[bytes]
) -> None:
    hook, begun, buffer, wait_s = None, False, b"", max(_START_S, limit_s)
    until_s = time.monotonic() + wait_s
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, until_s - time.monotonic()))
        if not ready:
            where = "while it is loaded" if hook is None else "when it is called"
            found.problem(f"hangs {where}: no answer within {wait_s:g} s{_off(found)}", hook)
            return
        part = os.read(reading, 65536)
        buffer += part
        if not part or len(buffer) > _LONGEST_LINE:
            how = _ending(process.wait() if not part else None)
            where = "" if begun else " before it is loaded"
            found.problem(f"ends the process{where}, {how}{_off(found)}", hook)
            return
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            told = _told(line)
            if told.get("done"):
                return
            if "begins" in told:
                hook, begun = told["begins"], True
            _take(found, told)
        if lines:
            wait_s = limit_s
            until_s = time.monotonic() + wait_s


def _told(line: bytes) -> dict[str, Any]:
    """A line; the plugin may have written to the same descriptor."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _take(found: Findings, told: dict[str, Any]) -> None:
    hook = told.get("hook")
    if "problem" in told:
        found.problem(str(told["problem"]), hook)
    if "hint" in told:
        found.hint(str(told["hint"]), hook)
    if "hooks" in told:
        found.hooks = [str(each) for each in told["hooks"]]
        found.import_s = float(told["import_s"])
        found.api = told["api"]


def _ending(code: int | None) -> str:
    if code is None:
        return "with more to say than can be taken"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"with exit code {code}"


def _off(found: Findings) -> str:
    return f"; switch it off with --no-{found.plugin.name}"
