"""The account as lines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NO_BASELINE: Final = (
    "improvement: there is no baseline, so none is quoted; measure one of this machine, project "
    "and number of people with `planwise bench baseline`, or set performance.baseline_metrics"
)
_MIB: Final = 1 << 20


def report_lines(data: Mapping[str, Any]) -> list[str]:
    """One line a fact; the kernel's own report has the times of the phases.

    Args:
        data: of ``Account.data``.
    """
    lines = [
        *_slowest(data["slowest_models"]),
        *_checkpoints(data["checkpoints"]),
        *_memory(data["memory"]),
        *(f"recommendation: {each['text']}" for each in data["recommendations"]),
        _against_baseline(data),
    ]
    return [" ".join(line.split()) for line in lines]  # a name could hold a line break


def _slowest(models: list[Mapping[str, Any]]) -> list[str]:
    if not models:
        return []
    named = [
        f"{model['name']} {model['wall_s']:.2f} s"
        + (f" ({100 * model['share']:.0f} %)" if model["share"] is not None else "")
        for model in models
    ]
    return [f"slowest models: {', '.join(named)}"]


def _checkpoints(stored: Mapping[str, Any] | None) -> list[str]:
    if stored is None:
        return []
    text = (
        f"checkpoints: {stored['count']}, {_mb(stored['raw_bytes'])} MB stored as "
        f"{_mb(stored['stored_bytes'])} MB"
    )
    if stored["ratio"] is not None:
        text += f", ratio {stored['ratio']:.1f}"
    for word, key in (("compressed", "compress_mb_per_s"), ("restored", "restore_mb_per_s")):
        if stored[key] is not None:
            text += f", {word} at {stored[key]:,.0f} MB/s"
    return [text]


def _memory(memory: Mapping[str, Any]) -> list[str]:
    if memory["peak_rss_bytes"] is None:
        return []
    text = f"memory: peak {_mib(memory['peak_rss_bytes'])} MiB"
    if memory["machine_least_available_bytes"] is not None:
        text += (
            f"; on the machine at least {_mib(memory['machine_least_available_bytes'])} MiB were "
            f"available, {_mib(memory['machine_most_swap_used_bytes'])} MiB of swap in use"
        )
    return [text]


def _against_baseline(data: Mapping[str, Any]) -> str:
    baseline = data["baseline"]
    if baseline is None:
        return NO_BASELINE
    if data["improvement"] is not None:
        return (
            f"improvement: {_improvement(data['improvement'])}: {data['wall_s']:.2f} s, the "
            f"{baseline['kind']} baseline {baseline['total_simulation_ms'] / 1000:.2f} s"
        )
    if baseline["total_simulation_ms"] is None and baseline["kind"] == "measured":
        return (
            "improvement: none quoted for the whole run, since the baseline was measured over "
            "another number of years"
        )
    if baseline["total_simulation_ms"] is None:
        return (
            f"improvement: the {baseline['kind']} baseline has no total_simulation; set it under "
            "performance.baseline_metrics"
        )
    return f"improvement: none quoted against the {baseline['kind']} baseline for this run"


def _improvement(value: Mapping[str, Any]) -> str:
    return f"{value['percent']:.1f} % ({value['class']})"


def _mib(size: int) -> str:
    return f"{size / _MIB:,.0f}"


def _mb(size: int) -> str:
    return f"{size / 1_000_000:,.1f}"
