"""What this process has used so far: read at boundaries; nothing runs between two samples."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from attrs import frozen

_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@frozen
class Sample:
    """A reading at one moment.

    Attributes:
        wall_s: a monotonic clock.
        cpu_s: CPU time of the process, all threads.
        rss_bytes: resident size now; 0 where the system does not tell.
        peak_rss_bytes: the highest resident size so far.
        bytes_read, bytes_written: what reached storage so far; 0 where the system does not tell.
    """

    wall_s: float
    cpu_s: float
    rss_bytes: int
    peak_rss_bytes: int
    bytes_read: int
    bytes_written: int


def take_sample() -> Sample:
    """Read the clocks and counters of this process."""
    read, written = _storage_bytes()
    return Sample(
        wall_s=time.perf_counter(),
        cpu_s=time.process_time(),
        rss_bytes=_resident_bytes(),
        peak_rss_bytes=_peak_resident_bytes(),
        bytes_read=read,
        bytes_written=written,
    )


def _resident_bytes() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # half the cost of Path.open
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0  # not Linux


def _peak_resident_bytes() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _storage_bytes() -> tuple[int, int]:
    try:
        with open("/proc/self/io", encoding="ascii") as file:  # noqa: PTH123  # as above
            fields = dict(line.split(": ", 1) for line in file)
        return int(fields["read_bytes"]), int(fields["write_bytes"])
    except (OSError, ValueError, KeyError):
        return 0, 0  # not Linux, or not permitted
