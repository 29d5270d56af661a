"""What a piece of work took: two samples of the process, and the metric between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

from planwise.measure import Sample, take_sample
from planwise.values import Metric, MetricKind


@define
class Span:
    """From one sample to another.

    Attributes:
        start: taken when it began.
        end: taken when it ended.
    """

    start: Sample
    end: Sample = field(init=False)

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return hasattr(self, "end")

    @property
    def wall_s(self) -> float:
        """Seconds on the clock."""
        return self.end.wall_s - self.start.wall_s

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the process."""
        return self.end.cpu_s - self.start.cpu_s

    def metric(self, kind: MetricKind, name: str, year: int | None, **more: Any) -> Metric:
        """The span as a metric."""
        return Metric(
            kind,
            name,
            year,
            self.wall_s,
            self.cpu_s,
            rss_bytes=self.end.rss_bytes,
            peak_rss_bytes=self.end.peak_rss_bytes,
            bytes_read=self.end.bytes_read - self.start.bytes_read,
            bytes_written=self.end.bytes_written - self.start.bytes_written,
            started_s=self.start.wall_s,
            **more,
        )


@contextmanager
def span_of_work() -> Iterator[Span]:
    """Measure what the block does; the span ends with it, however it ends."""
    span = Span(take_sample())
    try:
        yield span
    finally:
        span.end = take_sample()
