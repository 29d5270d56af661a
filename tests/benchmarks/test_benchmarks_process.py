"""One process: what it is charged, how it fails, and that it does not outlive an interruption."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from planwise.bench.process import StepFailedError, run


def test_a_process_is_charged_its_own_time_and_memory(tmp_path: Path) -> None:
    code = "b = b'x' * 300_000_000\nfor _ in range(3_000_000): pass"
    cost = run(
        [sys.executable, "-c", code], cwd=tmp_path, environment=os.environ, log=tmp_path / "log"
    )
    assert cost.peak_rss_bytes > 300_000_000
    assert cost.cpu_s > 0
    assert cost.wall_s > 0


def test_a_process_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('what went wrong'); raise SystemExit(3)"]
    with pytest.raises(StepFailedError, match="exit code 3: what went wrong"):
        run(command, cwd=tmp_path, environment=os.environ, log=tmp_path / "log")


def test_an_interrupted_benchmark_leaves_no_process_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        f"import os, signal\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    )

    def interrupt(number: int, frame: FrameType | None) -> None:
        if pid_file.exists() and pid_file.read_text():
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            run(
                [sys.executable, "-c", code],
                cwd=tmp_path,
                environment=os.environ,
                log=tmp_path / "log",
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
