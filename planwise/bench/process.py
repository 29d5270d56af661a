"""One process, run to its end, with what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from planwise.errors import PlanwiseError


class StepFailedError(PlanwiseError):
    """A process of a benchmark failed."""


@frozen
class Cost:
    """What a process took.

    Attributes:
        wall_s: from its start to its end.
        cpu_s: user and system time, its own children included.
        peak_rss_bytes: its highest resident size. The system counts from the moment of the fork,
            so it is at least this process's own size: whoever measures must stay small.
    """

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> Cost:
    """Run a process to its end, and kill it if this one is interrupted.

    Args:
        command: program and arguments.
        cwd: its working directory.
        environment: all of its environment.
        log: where its output goes.

    Raises:
        StepFailedError: it ended with another exit code than 0; with the end of its output.
    """
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603  # the arms' own commands, and no shell
            command, cwd=cwd, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            # Not resource.getrusage(RUSAGE_CHILDREN): its peak is the highest of all children.
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        tail = " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-4:])
        raise StepFailedError(f"{' '.join(command)}: exit code {child.returncode}: {tail}")
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)
