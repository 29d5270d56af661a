"""The account of a run: metrics in, JSON-ready data out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import asdict, define, evolve, field, frozen

from planwise.api import Baseline, Metric, RunSummary, improvement
from planwise_plugins.monitoring.advice import recommendations

SLOWEST: Final = 5
_MB: Final = 1_000_000


@frozen
class MachineFacts:
    """Memory of the whole machine at the end of a phase."""

    available_bytes: int
    swap_used_bytes: int


@define
class Account:
    """What a run has told so far; metrics may come in any order.

    Attributes:
        metrics: as they came.
        machine: the machine's memory at the end of each phase, by the phase's name.
    """

    metrics: list[Metric] = field(factory=list)
    machine: dict[str, MachineFacts] = field(factory=dict)

    def data(self, summary: RunSummary) -> dict[str, Any]:
        """Everything as JSON-ready values; what is not known is None.

        Args:
            summary: the run as a whole.
        """
        baseline = summary.baseline
        return {
            "metrics": len(self.metrics),
            "wall_s": finite(summary.wall_s),
            "phases": [self._phase(metric, summary) for metric in self._phases()],
            "slowest_models": slowest_models(self._of("model")),
            "batches": _totals(self._of("batch")),
            "checkpoints": checkpoints(self._of("checkpoint")),
            "memory": self._memory(),
            "improvement": (
                _improvement(baseline.total_simulation_ms, summary.wall_s)
                if baseline and summary.succeeded
                else None
            ),
            "baseline": _baseline(baseline) if baseline else None,
            "recommendations": [
                asdict(each) for each in recommendations(self.metrics, self._swap(), summary)
            ],
        }

    def kept(self) -> list[Metric]:
        """The metrics for the run's database, those of phases with the machine's memory."""
        return [
            evolve(metric, values={**metric.values, **_machine_values(self.machine[metric.name])})
            if metric.kind == "phase" and metric.name in self.machine
            else metric
            for metric in self.metrics
        ]

    def _swap(self) -> dict[str, tuple[int, int]]:
        return {
            name: (facts.swap_used_bytes, facts.available_bytes)
            for name, facts in self.machine.items()
        }

    def _of(self, kind: str) -> list[Metric]:
        return [metric for metric in self.metrics if metric.kind == kind]

    def _phases(self) -> list[Metric]:
        """The foundation, then the years; without a year comes first."""
        return sorted(
            self._of("phase"),
            key=lambda m: (m.year is not None, m.year or 0, m.name),
        )

    def _phase(self, metric: Metric, summary: RunSummary) -> dict[str, Any]:
        wall, cpu = finite(metric.wall_s), finite(metric.cpu_s)
        facts = self.machine.get(metric.name)
        baseline_ms = None
        if summary.baseline:
            foundation = metric.year is None
            baseline_ms = (
                summary.baseline.foundation_setup_ms
                if foundation
                else summary.baseline.year_processing_ms
            )
        return {
            "name": metric.name,
            "year": metric.year,
            "wall_s": wall,
            "cpu_s": cpu,
            "cores_used": quotient(cpu, wall),
            "peak_rss_bytes": metric.peak_rss_bytes,
            "rows": metric.rows,
            "bytes_read": metric.bytes_read,
            "bytes_written": metric.bytes_written,
            "machine_available_bytes": facts.available_bytes if facts else None,
            "machine_swap_used_bytes": facts.swap_used_bytes if facts else None,
            "improvement": _improvement(baseline_ms, metric.wall_s),
        }

    def _memory(self) -> dict[str, Any]:
        seen = [max(metric.peak_rss_bytes, metric.rss_bytes) for metric in self.metrics]
        available = [facts.available_bytes for facts in self.machine.values()]
        swap = [facts.swap_used_bytes for facts in self.machine.values()]
        return {
            "peak_rss_bytes": max(seen, default=None),
            "machine_least_available_bytes": min(available, default=None),
            "machine_most_swap_used_bytes": max(swap, default=None),
        }


def _machine_values(facts: MachineFacts) -> dict[str, float]:
    return {
        "machine_available_bytes": float(facts.available_bytes),
        "machine_swap_used_bytes": float(facts.swap_used_bytes),
    }


def slowest_models(models: Iterable[Metric], count: int = SLOWEST) -> list[dict[str, Any]]:
    """The models that took most wall time in all their runs, ties by id.

    Args:
        models: metrics of kind ``model``.
        count: how many at the most.
    """
    runs: dict[str, list[float]] = {}
    for metric in models:
        runs.setdefault(metric.name, []).append(finite(metric.wall_s))
    wall = {name: _exact_sum(times) for name, times in runs.items()}
    total = _exact_sum(time for times in runs.values() for time in times)
    first = sorted(wall, key=lambda name: (-wall[name], name))[:count]
    return [
        {
            "unique_id": name,
            "name": short_name(name),
            "wall_s": wall[name],
            "runs": len(runs[name]),
            "share": quotient(wall[name], total),
        }
        for name in first
    ]


def checkpoints(metrics: Iterable[Metric]) -> dict[str, Any] | None:
    """All stored states together: sizes, ratio, both speeds in MB of Arrow data a second.

    Args:
        metrics: metrics of kind ``checkpoint``; a figure that one of them lacks counts as 0.
    """
    stored = [metric.values for metric in metrics]
    if not stored:
        return None
    raw, size, compress_s, restore_s = (
        _sum(stored, key) for key in ("raw_bytes", "stored_bytes", "compress_s", "restore_s")
    )
    return {
        "count": len(stored),
        "raw_bytes": int(raw),
        "stored_bytes": int(size),
        "ratio": quotient(raw, size),
        "compress_s": compress_s,
        "restore_s": restore_s,
        "compress_mb_per_s": quotient(raw / _MB, compress_s),
        "restore_mb_per_s": quotient(raw / _MB, restore_s),
    }


def short_name(unique_id: str) -> str:
    """``model.project.name`` without its first two parts; other ids as they are."""
    parts = unique_id.split(".", 2)
    return parts[2] if len(parts) == 3 else unique_id


def quotient(numerator: float, denominator: float) -> float | None:
    """The quotient, or None where there is none to be had."""
    if denominator <= 0.0:
        return None
    value = numerator / denominator
    return value if math.isfinite(value) else None


def finite(value: float) -> float:
    """The value; 0 for what JSON has no sign for."""
    return float(value) if math.isfinite(value) else 0.0


def _sum(mappings: Iterable[Mapping[str, float]], key: str) -> float:
    return _exact_sum(finite(each.get(key, 0.0)) for each in mappings)


def _exact_sum(values: Iterable[float]) -> float:
    """The sum rounded once, so that it does not depend on the order."""
    try:
        return finite(math.fsum(values))
    except OverflowError:
        return 0.0


def _totals(metrics: list[Metric]) -> dict[str, Any]:
    return {
        "count": len(metrics),
        "wall_s": _exact_sum(finite(metric.wall_s) for metric in metrics),
        "cpu_s": _exact_sum(finite(metric.cpu_s) for metric in metrics),
    }


def _baseline(baseline: Baseline) -> dict[str, Any]:
    parts = {
        "foundation_setup_ms": baseline.foundation_setup_ms,
        "year_processing_ms": baseline.year_processing_ms,
        "total_simulation_ms": baseline.total_simulation_ms,
    }
    known = {key: None if ms is None or not math.isfinite(ms) else ms for key, ms in parts.items()}
    return {"kind": baseline.kind, **known}


def _improvement(baseline_ms: float | None, actual_s: float) -> dict[str, Any] | None:
    found = improvement(baseline_ms, actual_s)
    return None if found is None else {"percent": found.percent, "class": found.label}
