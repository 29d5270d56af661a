"""What a run has told, with moments; the clock that they are read from; what came of writing."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen

from planwise.api import Metric, RunSummary


@frozen
class Clock:
    """The kernel's monotonic clock, with one moment of the calendar for both.

    Spans of one run fit together whatever happens to the calendar meanwhile.

    Attributes:
        calendar_ns: nanoseconds since 1970 at that moment.
        monotonic_s: reading of ``time.perf_counter()`` at that moment.
    """

    calendar_ns: int = field(factory=time.time_ns)
    monotonic_s: float = field(factory=time.perf_counter)

    def now_s(self) -> float:
        """The monotonic clock now."""
        return time.perf_counter()

    def calendar(self, monotonic_s: float) -> int:
        """A reading of the monotonic clock as nanoseconds since 1970."""
        return self.calendar_ns + round((monotonic_s - self.monotonic_s) * 1e9)


@frozen
class Seen:
    """A metric, and when it came.

    Attributes:
        metric: the metric.
        noted_s: the monotonic clock when it came, which is at its end or later.
    """

    metric: Metric
    noted_s: float

    @property
    def start_is_known(self) -> bool:
        """Whether somebody measured when it began."""
        return self.metric.started_s is not None

    @property
    def wall_s(self) -> float:
        """How long it took; 0 for what is no time."""
        wall = self.metric.wall_s
        return wall if math.isfinite(wall) and wall > 0.0 else 0.0

    @property
    def start_s(self) -> float:
        """When it began; if nobody measured that, as if it had ended when it was told."""
        began = self.metric.started_s
        return self.noted_s - self.wall_s if began is None else began

    @property
    def end_s(self) -> float:
        """When it ended."""
        return self.start_s + self.wall_s


@frozen
class Told:
    """What came of writing.

    Attributes:
        lines: for the report.
        data: the same as JSON-ready data.
        warnings: what went wrong, with the mend, a line each.
    """

    lines: tuple[str, ...]
    data: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


class Writer(Protocol):
    """Tells somebody of a run, once it is over."""

    def write(self, seen: Sequence[Seen], summary: RunSummary) -> Told:
        """Write or send it; what fails is among the warnings.

        Args:
            seen: what the run has told, in order.
            summary: the run as a whole.
        """
        ...


def phase_of(metric: Metric) -> str:
    """The phase that a metric belongs to, by the name of the phase's own metric."""
    return "foundation" if metric.year is None else f"year {metric.year}"


def written(text: str) -> str:
    """A text without what UTF-8 has no bytes for."""
    return text.encode("utf-8", "replace").decode("utf-8")
