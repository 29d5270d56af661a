"""The metrics of a run in the text format of Prometheus, for node_exporter's textfile collector.

Names follow https://prometheus.io/docs/practices/naming/: the application first, base units last.
All are gauges: the file holds one run, and the next one replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from planwise.api import Metric, RunSummary
from planwise_plugins.telemetry.seen import Clock, Seen, Told, phase_of, written

Value = Callable[[Metric], float | None]


def _further(key: str, metric: Metric) -> float | None:
    return metric.values.get(key)


def _measured(size: int) -> int | None:
    """A resident size of 0 is one that nobody measured."""
    return size or None


_EVERY: Final[Mapping[str, tuple[str, Value]]] = {
    "duration_seconds": ("Wall time", lambda m: m.wall_s),
    "cpu_seconds": ("CPU time of the process, all threads", lambda m: m.cpu_s),
    "resident_memory_bytes": ("Resident size at the end", lambda m: _measured(m.rss_bytes)),
    "resident_memory_peak_bytes": (
        "Peak resident size of the process so far",
        lambda m: _measured(m.peak_rss_bytes),
    ),
    "rows": ("Rows written", lambda m: m.rows),
    "read_bytes": ("Bytes read from storage", lambda m: m.bytes_read),
    "written_bytes": ("Bytes written to storage", lambda m: m.bytes_written),
}
_SPILLED: Final[Mapping[str, tuple[str, Value]]] = {
    "spilled_bytes": (
        "The most that DuckDB held in temporary files",
        lambda m: m.values.get("spilled_bytes", 0.0),
    ),
}
_STORED: Final[Mapping[str, tuple[str, Value]]] = {
    "raw_bytes": ("Size of the state as Arrow buffers", partial(_further, "raw_bytes")),
    "stored_bytes": ("Size of the state as stored", partial(_further, "stored_bytes")),
    "compress_seconds": ("Time to compress the state", partial(_further, "compress_s")),
    "restore_seconds": ("Time to restore it, as a check", partial(_further, "restore_s")),
}
_KINDS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, Value]]]]] = {
    "run": ((), _EVERY),
    "phase": (("phase",), {**_EVERY, **_SPILLED}),
    "batch": (("phase", "batch"), _EVERY),
    "model": (("phase", "model"), {**_EVERY, **_SPILLED}),
    "checkpoint": (("phase",), {**_EVERY, **_STORED}),
}
"""The labels of each kind of metric, and its families."""


class RunCollector(Collector):
    """A run as families of metrics.

    Args:
        seen: what the run has told.
        summary: the run as a whole.
        ended_s: when it ended, in seconds since 1970.
    """

    def __init__(self, seen: Iterable[Seen], summary: RunSummary, ended_s: float) -> None:
        self._summary = summary
        self._ended_s = ended_s
        self._metrics: dict[str, dict[tuple[str, ...], Metric]] = {kind: {} for kind in _KINDS}
        for each in seen:
            # Of a phase that began again the later execution is the one that holds: two samples
            # of one name and one set of labels would make the whole file unreadable.
            metric = each.metric
            self._metrics[metric.kind][_labels(metric)] = metric

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every family that has a sample."""
        yield _single("succeeded", "1 if every year finished, else 0", self._summary.succeeded)
        yield _single("finished_years", "Simulation years that finished", len(self._summary.years))
        yield _single("end_timestamp_seconds", "When it ended, in Unix time", self._ended_s)
        for kind, (names, families) in _KINDS.items():
            for suffix, (text, value) in families.items():
                family = GaugeMetricFamily(f"planwise_{kind}_{suffix}", f"{text}.", labels=names)
                for labels, metric in self._metrics[kind].items():
                    number = value(metric)
                    if number is not None:
                        family.add_metric(labels, float(number))
                if family.samples:
                    yield family


class PrometheusFile:
    """Writes the file of a run, whole or not at all.

    Args:
        file: replaced if it is there.
        clock: of the run.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def write(self, seen: Sequence[Seen], summary: RunSummary) -> Told:
        """Write it under another name, and rename it.

        Args:
            seen: what the run has told, in order.
            summary: the run as a whole.
        """
        ended_s = self._clock.calendar(self._clock.now_s()) / 1e9
        collector = RunCollector(seen, summary, ended_s)
        registry = CollectorRegistry()
        registry.register(collector)
        samples = sum(len(family.samples) for family in collector.collect())
        file = str(self._file)
        try:
            write_to_textfile(file, registry)
        except OSError as error:
            problem = f"{file}: cannot be written: {error.strerror or error}; name another file"
            return Told((), {"file": None, "samples": 0}, (problem,))
        return Told(
            (f"Prometheus: {samples:,} samples in {file}",), {"file": file, "samples": samples}
        )


def _labels(metric: Metric) -> tuple[str, ...]:
    known: dict[str, str] = {"phase": phase_of(metric), metric.kind: metric.name}
    if metric.kind in ("phase", "checkpoint"):
        known["phase"] = metric.name
    return tuple(written(known[name]) for name in _KINDS[metric.kind][0])


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"planwise_run_{name}", f"{text}.", value=float(value))
