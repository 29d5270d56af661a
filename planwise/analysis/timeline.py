"""When the models of a run ran, in which lane, and which of them everything else waited for."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from planwise.analysis.explanation import critical_models
from planwise.results import ModelRecord
from planwise.run_record import RunAccount


@frozen
class ModelBar:
    """A model on the timeline.

    Attributes:
        phase: the name of its phase.
        model: what is kept of it; its beginning is known.
        start_s: seconds from the run's beginning.
        lane: from 1; models of one lane never ran at the same time.
        critical: whether it is on the critical path of its phase.
    """

    phase: str
    model: ModelRecord
    start_s: float
    lane: int
    critical: bool


@frozen
class BatchBar:
    """A batch on the timeline: from the beginning of its first model to the end of its last.

    Attributes:
        phase: the name of its phase.
        number: its number in the phase, from 1.
        models: how many there are in it.
        start_s, wall_s: seconds from the run's beginning, and its length.
    """

    phase: str
    number: int
    models: int
    start_s: float
    wall_s: float


def model_bars(run: RunAccount) -> list[ModelBar]:
    """Every model whose beginning is known, in order of time."""
    found: list[ModelBar] = []
    ends: list[float] = []
    for phase in run.phases:
        critical = set(critical_models(phase))
        timed = [(m.start_s, m) for m in phase.models if m.start_s is not None]
        for start, model in sorted(timed, key=lambda each: (each[0], each[1].unique_id)):
            lane = _free_lane(ends, start)
            ends[lane] = start + model.wall_s
            on_path = model.unique_id in critical
            found.append(ModelBar(phase.name, model, start, lane + 1, on_path))
    return found


def batch_bars(bars: Sequence[ModelBar]) -> list[BatchBar]:
    """The batches of these models, in order of time."""
    batches: dict[tuple[str, int], list[ModelBar]] = {}
    for bar in bars:
        if bar.model.batch:
            batches.setdefault((bar.phase, bar.model.batch), []).append(bar)
    found = []
    for (phase, number), within in batches.items():
        start = min(each.start_s for each in within)
        end = max(each.start_s + each.model.wall_s for each in within)
        found.append(BatchBar(phase, number, len(within), start, end - start))
    return found


def _free_lane(ends: list[float], start: float) -> int:
    """The first lane in which nothing runs any more; a new one if there is none."""
    for lane, end in enumerate(ends):
        if end <= start:
            return lane
    ends.append(0.0)
    return len(ends) - 1
