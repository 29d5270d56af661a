"""What this plugin does, whatever others do: what it learns, and what it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from planwise.api import (
    Machine,
    Metric,
    ModelNode,
    PlanRequest,
    PlanwiseError,
    RunSummary,
    TuneRequest,
)

from planwise_memory_batching import MIB, MemoryBatching
from planwise_memory_batching.memory import Memory

BEFORE_MIB = 200


def model(
    name: str, peak_mib: int, *, at: tuple[float, float] | None = None, spilled: int = 0
) -> Metric:
    start, end = at or (0.0, 1.0)
    values = {"spilled_bytes": float(spilled)} if spilled else {}
    return Metric(
        "model",
        name,
        2025,
        end - start,
        peak_rss_bytes=peak_mib * MIB,
        values=values,
        started_s=start if at else None,
    )


def batch(peak_mib: int, rss_mib: int = BEFORE_MIB) -> Metric:
    peak, resident = peak_mib * MIB, rss_mib * MIB
    return Metric("batch", "year batch 1", 2025, 1.0, rss_bytes=resident, peak_rss_bytes=peak)


def learnt(*metrics: Metric) -> Memory:
    memory = Memory()
    memory.take(batch(BEFORE_MIB))
    for metric in metrics:
        memory.take(metric)
    return memory


def mib(memory: Memory, *models: str) -> list[int]:
    return [each // MIB for each in memory.bytes_of(models).values()]


def test_a_model_that_raises_the_peak_took_what_is_above_the_resident_size() -> None:
    memory = learnt(model("a", 500), batch(500))
    assert mib(memory, "a") == [300]
    # The resident size has grown meanwhile; what was seen before stays.
    memory.take(batch(500, rss_mib=450))
    memory.take(model("a", 520))
    memory.take(batch(520))
    assert mib(memory, "a") == [300]


def test_a_model_that_does_not_raise_it_counts_as_the_median_and_as_what_it_fitted_in() -> None:
    memory = learnt(model("a", 500), batch(500, rss_mib=300), model("b", 500), batch(500))
    assert mib(memory, "a", "b", "unknown") == [300, 200, 300]


def test_models_that_ran_at_once_share_what_they_took() -> None:
    together = [model("a", 300, at=(0, 2)), model("b", 450, at=(1, 3)), batch(450)]
    assert mib(learnt(*together), "a", "b") == [100, 150]
    # One after the other: the first one had given its memory back, or not; either way b had it.
    in_turn = [model("a", 300, at=(0, 1)), model("b", 450, at=(1, 3)), batch(450)]
    assert mib(learnt(*in_turn), "a", "b") == [100, 250]
    # Told in the order of the plan, which is not that in which they ended.
    assert mib(learnt(together[1], together[0], together[2]), "a", "b") == [100, 150]


def test_what_was_spilled_would_have_been_memory() -> None:
    memory = learnt(model("a", 500, spilled=100 * MIB), batch(500))
    for metric in (model("b", 500, spilled=70 * MIB), batch(500)):
        memory.take(metric)
    assert mib(memory, "a", "b") == [400, 70]


def test_nothing_is_learnt_where_the_system_does_not_tell_sizes() -> None:
    memory = Memory()
    for metric in (model("a", 0), Metric("batch", "b", 2025, 1.0), model("a", 0)):
        memory.take(metric)
    assert memory.measured() == {}
    assert mib(memory, "a") == [0]


def graph(**needs: Sequence[str]) -> dict[str, ModelNode]:
    return {key: ModelNode(key, key, tuple(depends_on)) for key, depends_on in needs.items()}


def told(plugin: MemoryBatching, *metrics: Metric) -> MemoryBatching:
    for metric in (batch(BEFORE_MIB), *metrics):
        plugin.record_metric(metric)
    return plugin


def test_the_next_plan_goes_by_what_was_measured() -> None:
    plugin = MemoryBatching()
    plugin.configure({"budget_mb": 400, "learn_alone": False})
    request = PlanRequest(graph(a="", b="", c="a"), pool_size=4)
    assert [each.nodes for each in plugin.plan_batches(request).batches] == [("a", "b"), ("c",)]
    told(plugin, model("a", 450), batch(450), model("b", 500), batch(500), model("c", 800))
    told(plugin, batch(800))
    assert [each.nodes for each in plugin.plan_batches(request).batches] == [("b",), ("a",), ("c",)]
    section = plugin.report_section(RunSummary([2025], 1.0, succeeded=True))
    assert section is not None
    assert section.lines == (
        "budget of a batch: 400 MiB (as it was asked for)",
        "5 batches; models that raised the peak: 3; larger than the budget, and so alone: 1",
        "c took 600.0 MiB",
        "b took 300.0 MiB",
        "a took 250.0 MiB",
    )
    assert section.data["alone"] == ["c"]


def test_a_model_that_nobody_has_seen_runs_alone_if_asked_for() -> None:
    plugin = MemoryBatching()
    plugin.configure({"budget_mb": 400, "learn_alone": True})
    request = PlanRequest(graph(a="", b="", c=""), pool_size=4)
    assert [each.nodes for each in plugin.plan_batches(request).batches] == [("a",), ("b",), ("c",)]
    told(plugin, model("a", 300), batch(300), model("b", 350), batch(350))
    assert [each.nodes for each in plugin.plan_batches(request).batches] == [("c",), ("b", "a")]


def test_the_budget_is_half_of_what_was_available_at_first() -> None:
    plugin = MemoryBatching()
    plugin.configure({"budget_mb": None, "learn_alone": False})
    for available in (1000 * MIB, 10 * MIB):
        machine = Machine(2, 2000 * MIB, available, Path(), 0)
        assert plugin.db_tune(TuneRequest(machine, 4)) == []
    plugin.plan_batches(PlanRequest(graph(a=""), 4))
    section = plugin.report_section(RunSummary([2025], 1.0, succeeded=True))
    assert section is not None
    assert section.data["budget_bytes"] == 500 * MIB
    assert "50% of the 1,000 MiB" in section.lines[0]


@pytest.mark.parametrize("budget", [0, -1, 2**30 + 1])
def test_a_budget_out_of_range_is_refused(budget: int) -> None:
    with pytest.raises(PlanwiseError, match=r"budget_mb: expected 1 to 1073741824, got"):
        MemoryBatching().configure({"budget_mb": budget, "learn_alone": False})


def test_there_is_no_section_of_a_run_that_failed_or_planned_nothing() -> None:
    plugin = MemoryBatching()
    assert plugin.report_section(RunSummary([2025], 1.0, succeeded=True)) is None
    plugin.plan_batches(PlanRequest(graph(a=""), 4))
    assert plugin.report_section(RunSummary([], 1.0, succeeded=False)) is None


def test_a_run_learns(planwise_host: Callable[..., Any], planwise_project: Path) -> None:
    """In a real run: the first phase raises the peak, so something is known in the second."""
    host = planwise_host("memory-batching", options={"budget_mb": 64, "learn_alone": True})
    run = host.simulate(years=[2025, 2026], project=planwise_project)
    section = run.results["sections"]["memory_batching"]
    assert section["budget_bytes"] == 64 * MIB
    assert section["batches"] > 0
