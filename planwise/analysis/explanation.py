"""Who executed each model of a run and why, and where the time of a phase went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from attrs import frozen

from planwise.results import ModelRecord
from planwise.run_record import PhaseAccount, RunAccount


@frozen
class NodeAccount:
    """One model over the whole run.

    Attributes:
        name: the short name.
        executed_by: who ran it, a word for each.
        reasons: why those, or how it was made.
        runs: how often it ran.
        wall_s: seconds in all.
    """

    name: str
    executed_by: tuple[str, ...]
    reasons: tuple[str, ...]
    runs: int
    wall_s: float


@frozen
class PhaseTime:
    """Where the time of a phase went, in seconds.

    Attributes:
        name: the phase.
        wall_s: the whole.
        models_s: the models, one after the other.
        state_s: storing the state, beside the phase that follows, and so no part of this one.
        rest_s: what is left: rendering, planning, committing. Below 0 only where models ran at
            the same time; then it is given as 0.
        path: the models that waited for one another longest, first to last.
        path_s: their seconds: with any number of cores the models take no less.
    """

    name: str
    wall_s: float
    models_s: float
    state_s: float
    rest_s: float
    path: tuple[str, ...]
    path_s: float


def node_accounts(run: RunAccount) -> list[NodeAccount]:
    """Every model of a run, those that took longest first."""
    runs: dict[str, list[ModelRecord]] = {}
    for phase in run.phases:
        for model in phase.models:
            runs.setdefault(model.unique_id, []).append(model)
    found = [
        NodeAccount(
            name=models[0].name,
            executed_by=tuple(dict.fromkeys(each.executed_by for each in models)),
            reasons=tuple(dict.fromkeys(each.reason for each in models if each.reason)),
            runs=len(models),
            wall_s=sum(each.wall_s for each in models),
        )
        for models in runs.values()
    ]
    return sorted(found, key=lambda each: (-each.wall_s, each.name))


def phase_time(phase: PhaseAccount) -> PhaseTime:
    """Where the time of a phase went."""
    seconds = _seconds(phase)
    path = critical_models(phase)
    names = {model.unique_id: model.name for model in phase.models}
    models_s = sum(seconds.values())
    return PhaseTime(
        name=phase.name,
        wall_s=phase.wall_s,
        models_s=models_s,
        state_s=phase.state_s,
        rest_s=max(0.0, phase.wall_s - models_s),
        path=tuple(names[key] for key in path),
        path_s=sum(seconds[key] for key in path),
    )


def critical_models(phase: PhaseAccount) -> tuple[str, ...]:
    """The unique ids of the models that waited for one another longest, first to last."""
    needs = {model.unique_id: model.depends_on for model in phase.models}
    return critical_path(needs, _seconds(phase))


def _seconds(phase: PhaseAccount) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for model in phase.models:
        seconds[model.unique_id] = seconds.get(model.unique_id, 0.0) + model.wall_s
    return seconds


def critical_path(
    needs: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> tuple[str, ...]:
    """The chain of dependencies that takes longest, first to last; ties by name.

    Args:
        needs: what each node waits for; others than these keys are done already.
        seconds: of each node.
    """
    graph = {key: [each for each in needs[key] if each in needs] for key in sorted(needs)}
    until: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for each in TopologicalSorter(graph).static_order():
        last = _longest(graph[each], until)
        before[each] = last
        until[each] = seconds[each] + (until[last] if last is not None else 0.0)
    path: list[str] = []
    key = _longest(list(until), until)
    while key is not None:
        path.append(key)
        key = before[key]
    return tuple(reversed(path))


def _longest(keys: Sequence[str], until: Mapping[str, float]) -> str | None:
    return max(sorted(keys), key=lambda each: until[each], default=None)
