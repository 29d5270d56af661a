"""Plugin ``memory-batching`` of planwise: batches whose models fit the memory together.

It learns what each model takes from what planwise measures, and plans the next phase with that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from planwise.api import (
    BatchPlan,
    Metric,
    PlanRequest,
    PlanwiseError,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    SettingValue,
    TuneRequest,
    hookimpl,
)

from planwise_memory_batching.memory import Memory
from planwise_memory_batching.packing import packed

__all__ = ["MemoryBatching"]

NAME: Final = "memory-batching"
"""The plugin's name, as its entry point says it."""

SECTION: Final = "memory_batching"
"""The section's key in the JSON results."""

SHARE: Final = 0.5
"""Of the memory that is available: DuckDB's own buffers, which stay, take the rest."""

MIB: Final = 1 << 20
_MOST_MIB: Final = 1 << 30
_MOST_LINES: Final = 5


class MemoryBatching:
    """Packs the models that run at once by the memory that was measured for them."""

    planwise_api = "0.1"
    """The API that it was built with: a planwise that lacks it says so."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._budget: int | None = None
        self._why = "no bound: nobody said how much memory there is"
        self._learn_alone = False
        self._batches = 0
        self._alone: set[str] = set()

    @hookimpl
    def add_options(self) -> Sequence[PluginOption]:
        """The budget, and how models are learnt that nobody has seen."""
        return [
            PluginOption(
                "budget_mb",
                None,
                "MiB that the models of a batch may take together; if unset, half of what is "
                "available at the start.",
                type=int,
            ),
            PluginOption(
                "learn_alone",
                False,
                "Whether a model runs alone the first time, so that what it takes is known.",
                type=bool,
            ),
        ]

    @hookimpl
    def configure(self, options: Mapping[str, SettingValue | None]) -> None:
        """Take the options.

        Args:
            options: a value for each option; planwise has seen to its type.

        Raises:
            PlanwiseError: the budget is out of its range.
        """
        self._learn_alone = bool(options["learn_alone"])
        budget = options["budget_mb"]
        if budget is None:
            return
        if not 1 <= int(budget) <= _MOST_MIB:
            raise PlanwiseError(
                f"plugins.{NAME}.budget_mb: expected 1 to {_MOST_MIB}, got {budget}"
            )
        self._budget = int(budget) * MIB
        self._why = "as it was asked for"

    @hookimpl
    def db_tune(self, request: TuneRequest) -> Sequence[Setting]:
        """Choose nothing; the request says what memory is available, containers counted.

        Args:
            request: the first one, before the database opens, decides the budget of the run.
        """
        if self._budget is None:
            available = request.machine.memory_available_bytes
            self._budget = max(MIB, int(available * SHARE))
            self._why = f"{SHARE:.0%} of the {available / MIB:,.0f} MiB that were available"
        return []

    @hookimpl
    def record_metric(self, metric: Metric) -> None:
        """Learn what models take.

        Args:
            metric: of a model, batch, phase, checkpoint or the run.
        """
        self._memory.take(metric)

    @hookimpl
    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """Pack the ready nodes by what they take, the largest first.

        Args:
            request: the nodes, the size of the pool, and how long each node took, if known.

        Returns:
            A plan with each node once, after all that it depends on.

        Raises:
            GraphError: the nodes form a cycle, or the pool has no room.
        """
        needs = self._memory.bytes_of(request.nodes)
        if self._budget is not None:
            self._alone |= {key for key, need in needs.items() if need > self._budget}
        new = self._memory.unseen(request.nodes) if self._learn_alone else ()
        plan = packed(request, needs, self._budget, alone=new)
        self._batches += len(plan.batches)
        return plan

    @hookimpl
    def report_section(self, summary: RunSummary) -> ReportSection | None:
        """The budget, and the models that took most.

        Args:
            summary: the run that has ended.

        Returns:
            A section of the report and of the JSON results; None if nothing was planned.
        """
        if not summary.succeeded or not self._batches:
            return None
        took = self._memory.measured()
        largest = sorted(took, key=lambda key: (-took[key], key))[:_MOST_LINES]
        budget = "none" if self._budget is None else f"{self._budget / MIB:,.0f} MiB"
        lines = [
            f"budget of a batch: {budget} ({self._why})",
            f"{self._batches} batches; models that raised the peak: {len(took)}; "
            f"larger than the budget, and so alone: {len(self._alone)}",
            *(f"{_short(key)} took {took[key] / MIB:,.1f} MiB" for key in largest),
        ]
        data = {
            "budget_bytes": self._budget,
            "batches": self._batches,
            "alone": sorted(self._alone),
            "largest": [{"model": key, "bytes": took[key]} for key in largest],
        }
        return ReportSection(SECTION, "Batches by memory", lines, data)


def _short(unique_id: str) -> str:
    """A model's name, in one line."""
    return " ".join(unique_id.rpartition(".")[2].split()) or "a model"
