from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planwise.api import Baseline, Metric, ReportSection, RunSummary
from planwise_plugins.monitoring import Monitoring
from planwise_plugins.monitoring.account import short_name
from planwise_plugins.monitoring.wording import NO_BASELINE

MIB = 1 << 20


def run_metrics() -> list[Metric]:
    """A run of a foundation and two years, as a kernel would tell it."""
    metrics = [
        Metric("model", "seed.p.defaults", None, 0.5, 0.4, rows=10, peak_rss_bytes=90 * MIB),
        Metric("phase", "foundation", None, 2.0, 1.5, peak_rss_bytes=100 * MIB, rows=10),
    ]
    for year, slow in ((2025, 1.0), (2026, 3.0)):
        metrics += [
            Metric("model", "model.p.leavers", year, slow, slow, rows=100),
            Metric("model", "model.p.hires", year, 0.1, 0.1, rows=20),
            Metric("batch", "year batch 1", year, slow, slow),
            Metric(
                "checkpoint",
                f"year {year}",
                year,
                0.02,
                values={
                    "raw_bytes": 4_000_000,
                    "stored_bytes": 400_000,
                    "ratio": 10.0,
                    "compress_s": 0.01,
                    "restore_s": 0.008,
                },
            ),
            Metric(
                "phase",
                f"year {year}",
                year,
                slow + 0.2,
                slow,
                rss_bytes=150 * MIB,
                peak_rss_bytes=(year - 1800) * MIB,
                rows=120,
                bytes_read=1000,
                bytes_written=2_000_000,
            ),
        ]
    metrics.append(Metric("run", "run", None, 6.6, 5.0, peak_rss_bytes=226 * MIB))
    return metrics


def report(
    metrics: list[Metric], baseline: Baseline | None = None, *, succeeded: bool = True
) -> ReportSection:
    monitor = Monitoring()
    for metric in metrics:
        monitor.record_metric(metric)
    section = monitor.report_section(RunSummary([2025, 2026], 6.6, succeeded, baseline))
    json.dumps(dict(section.data), allow_nan=False)
    return section


def without_the_machine(section: ReportSection) -> dict[str, Any]:
    """The data but for what psutil says of the machine, which changes by itself."""
    data = json.loads(json.dumps(dict(section.data)))
    for part in (*data["phases"], data["memory"]):
        for key in [key for key in part if key.startswith("machine_")]:
            del part[key]
    return data


def test_the_section_of_a_run() -> None:
    section = report(run_metrics())
    data = section.data
    assert section.key == "monitoring"
    assert [phase["name"] for phase in data["phases"]] == ["foundation", "year 2025", "year 2026"]
    year = data["phases"][1]
    assert (year["wall_s"], year["cpu_s"], year["rows"]) == (1.2, 1.0, 120)
    assert (year["bytes_read"], year["bytes_written"]) == (1000, 2_000_000)
    assert year["peak_rss_bytes"] == 225 * MIB
    assert year["machine_available_bytes"] > 0
    slowest = data["slowest_models"]
    assert [(m["name"], m["runs"]) for m in slowest] == [
        ("leavers", 2),
        ("defaults", 1),
        ("hires", 2),
    ]
    assert slowest[0]["wall_s"] == 4.0
    assert slowest[0]["share"] == pytest.approx(4.0 / 4.7)
    stored = data["checkpoints"]
    assert (stored["count"], stored["raw_bytes"], stored["stored_bytes"]) == (2, 8_000_000, 800_000)
    assert stored["ratio"] == 10.0
    assert stored["compress_mb_per_s"] == pytest.approx(400)
    assert stored["restore_mb_per_s"] == pytest.approx(500)
    assert data["memory"]["peak_rss_bytes"] == 226 * MIB
    assert any("ratio 10.0" in line for line in section.lines)
    assert any("leavers 4.00 s (85 %)" in line for line in section.lines)


def test_without_a_baseline_nothing_is_quoted_and_it_says_how_to_get_one() -> None:
    section = report(run_metrics())
    assert section.data["improvement"] is None
    assert section.data["baseline"] is None
    assert section.lines[-1] == NO_BASELINE
    assert "performance.baseline_metrics" in NO_BASELINE
    assert not any("%)" in line and "improvement" in line for line in section.lines)


def test_improvement_is_quoted_for_the_run_the_foundation_and_each_year() -> None:
    section = report(run_metrics(), Baseline("measured", 10_000, 4_000, 66_000))
    assert section.data["improvement"]["percent"] == pytest.approx(90.0)
    assert section.data["improvement"]["class"] == "achieved"
    classes = [phase["improvement"]["class"] for phase in section.data["phases"]]
    assert classes == ["significant", "significant", "below"]
    assert "90.0 % (achieved): 6.60 s, the measured baseline 66.00 s" in section.lines[-1]


def test_slower_than_the_baseline_is_negative() -> None:
    section = report(run_metrics(), Baseline("configured", total_simulation_ms=3_300))
    assert section.data["improvement"] == {"percent": pytest.approx(-100.0), "class": "below"}
    assert "configured baseline" in section.lines[-1]


def test_a_partial_baseline_is_named_as_such() -> None:
    section = report(run_metrics(), Baseline("configured", year_processing_ms=5_000))
    assert section.data["improvement"] is None
    assert "no total_simulation" in section.lines[-1]
    section = report(run_metrics(), Baseline("measured", year_processing_ms=5_000))
    assert "measured over another number of years" in section.lines[-1]
    assert section.data["phases"][0]["improvement"] is None
    assert section.data["phases"][1]["improvement"]["class"] == "significant"


def test_a_run_that_failed_has_improved_on_nothing() -> None:
    baseline = Baseline("measured", total_simulation_ms=66_000)
    section = report(run_metrics(), baseline, succeeded=False)
    assert section.data["improvement"] is None
    assert "none quoted" in section.lines[-1]


@given(st.permutations(run_metrics()))
def test_metrics_may_come_in_any_order(metrics: list[Metric]) -> None:
    shuffled, straight = report(metrics), report(run_metrics())
    assert without_the_machine(shuffled) == without_the_machine(straight)
    told, expected = (
        # What the machine has available is asked each time.
        [line for line in each.lines if not line.startswith("memory: ")]
        for each in (shuffled, straight)
    )
    assert told == expected


any_number = st.floats(allow_nan=True, allow_infinity=True)
any_metrics = st.builds(
    Metric,
    kind=st.sampled_from(["run", "batch", "model", "checkpoint", "phase"]),
    name=st.text(max_size=8),
    year=st.none() | st.integers(1900, 2200),
    wall_s=any_number,
    cpu_s=any_number,
    rss_bytes=st.integers(0, 1 << 60),
    peak_rss_bytes=st.integers(0, 1 << 60),
    rows=st.none() | st.integers(0, 1 << 60),
    values=st.dictionaries(
        st.sampled_from(["raw_bytes", "stored_bytes", "compress_s", "restore_s", "ratio"]),
        any_number,
    ),
)


@given(
    st.lists(any_metrics, max_size=12),
    st.none() | st.builds(Baseline, st.just("measured"), any_number, any_number, any_number),
)
def test_no_metric_is_too_odd_for_a_report(metrics: list[Metric], base: Baseline | None) -> None:
    section = report(metrics, base)
    assert all(isinstance(line, str) and "\n" not in line for line in section.lines)
    assert section.data["metrics"] == len(metrics)


def test_five_models_at_the_most_are_slow() -> None:
    metrics = [Metric("model", f"model.p.m{n:02}", 2025, 1.0) for n in range(20)]
    slowest = report(metrics).data["slowest_models"]
    assert [model["name"] for model in slowest] == ["m00", "m01", "m02", "m03", "m04"]
    assert all(model["share"] == pytest.approx(0.05) for model in slowest)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 1e3)), min_size=1, max_size=30))
def test_shares_of_the_slowest_are_shares_of_all_models(runs: list[tuple[str, float]]) -> None:
    assume(sum(wall for _, wall in runs) > 1e-6)
    slowest = report([Metric("model", name, 2025, wall) for name, wall in runs]).data[
        "slowest_models"
    ]
    shares = [model["share"] for model in slowest]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.0 + 1e-9
    if len({name for name, _ in runs}) <= 5:
        assert sum(shares) == pytest.approx(1.0)


def test_names_are_shortened_as_dbt_builds_them() -> None:
    assert short_name("model.project.orders") == "orders"
    assert short_name("model.project.orders.v2") == "orders.v2"
    assert short_name("orders") == "orders"


def test_each_run_has_an_account_of_its_own_and_no_thread_watches() -> None:
    threads = threading.active_count()
    one, other = Monitoring(), Monitoring()
    for metric in itertools.chain(run_metrics(), run_metrics()):
        one.record_metric(metric)
    assert threading.active_count() == threads
    assert other.report_section(RunSummary([], 0.0, succeeded=False)).data["metrics"] == 0
