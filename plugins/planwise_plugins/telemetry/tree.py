"""A run as a tree of spans: run, phases, batches, models; stored states beside the phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from planwise.api import Metric, RunSummary
from planwise_plugins.telemetry.seen import Seen, phase_of, written

NOT_FINISHED: Final = "the run failed or was stopped"
_KINDS: Final = ("run", "phase", "batch", "model", "checkpoint")


@frozen
class PlannedSpan:
    """A span to be made.

    Attributes:
        name: what it is called.
        kind: ``run``, ``phase``, ``batch``, ``model`` or ``checkpoint``.
        start_s, end_s: the monotonic clock when it began and ended.
        parent: its parent's place in the list, which is before its own; None of the run.
        attributes: figures and names, by OpenTelemetry's rules for keys.
        problem: why it did not end well; empty if it did.
        follows: the place of a span that it follows from, or None.
    """

    name: str
    kind: str
    start_s: float
    end_s: float
    parent: int | None
    attributes: dict[str, Any] = field(factory=dict)
    problem: str = ""
    follows: int | None = None


def planned_spans(seen: Sequence[Seen], summary: RunSummary, now_s: float) -> list[PlannedSpan]:
    """The spans of a run, parents first.

    A phase that broke off was never told of: it is there as far as its batches came, and ends with
    the run.
    A state is stored beside the phase after its own, so its span is the run's child, and follows
    from its phase.

    Args:
        seen: what the run has told, in order.
        summary: the run as a whole.
        now_s: the monotonic clock now, for a run that nobody told of.
    """
    of = {kind: [each for each in seen if each.metric.kind == kind] for kind in _KINDS}
    spans = [_run(of["run"], seen, summary, now_s)]
    phases: dict[int | None, int] = {}
    for each in of["phase"]:
        phases[each.metric.year] = len(spans)
        spans.append(_span(each, 0))
    for year, children in _without_phase(seen, phases).items():
        phases[year] = len(spans)
        spans.append(_broken_off(year, children, spans[0].end_s))
    batches: dict[int, int] = {}
    for each in of["batch"]:
        batches[id(each)] = len(spans)
        spans.append(_span(each, phases[each.metric.year]))
    for each, batch in _with_batches(seen):
        if batch is None:
            spans.append(_span(each, phases[each.metric.year]))
            continue
        parent = batches[id(batch)]
        spans.append(_within(_span(each, parent), spans[parent], each))
    for each in of["checkpoint"]:
        follows = phases.get(each.metric.year)
        name = f"checkpoint {written(each.metric.name)}"
        spans.append(evolve(_span(each, 0), name=name, follows=follows))
    return spans


def _run(
    runs: Sequence[Seen], seen: Iterable[Seen], summary: RunSummary, now_s: float
) -> PlannedSpan:
    if runs:
        span = _span(runs[-1], None)
    else:
        began = min([now_s - summary.wall_s, *(each.start_s for each in seen)])
        span = PlannedSpan("run", "run", began, now_s, None, _named("run", "run", None))
    attributes = {
        **span.attributes,
        "planwise.succeeded": summary.succeeded,
        "planwise.finished_years": list(summary.years),
    }
    problem = "" if summary.succeeded else NOT_FINISHED
    return evolve(span, attributes=attributes, problem=problem)


def _without_phase(
    seen: Iterable[Seen], phases: dict[int | None, int]
) -> dict[int | None, list[Seen]]:
    """Batches and models of phases that nobody told of, by year."""
    found: dict[int | None, list[Seen]] = {}
    for each in seen:
        if each.metric.kind in ("batch", "model") and each.metric.year not in phases:
            found.setdefault(each.metric.year, []).append(each)
    return found


def _broken_off(year: int | None, children: Sequence[Seen], over_s: float) -> PlannedSpan:
    name = phase_of(children[0].metric)
    attributes = _named("phase", name, year)
    began = min(each.start_s for each in children)
    ended = max(over_s, *(each.end_s for each in children))
    return PlannedSpan(name, "phase", began, ended, 0, attributes, NOT_FINISHED)


def _with_batches(seen: Iterable[Seen]) -> list[tuple[Seen, Seen | None]]:
    """Each model with its batch, which is told of after its models; None if it never was."""
    found: list[tuple[Seen, Seen | None]] = []
    waiting: list[Seen] = []
    for each in seen:
        if each.metric.kind == "model":
            waiting.append(each)
        elif each.metric.kind == "batch":
            of_it = [model for model in waiting if model.metric.year == each.metric.year]
            found += [(model, each) for model in of_it]
            waiting = [model for model in waiting if model.metric.year != each.metric.year]
    return found + [(model, None) for model in waiting]


def _within(span: PlannedSpan, batch: PlannedSpan, seen: Seen) -> PlannedSpan:
    """A model whose start nobody measured ended with its batch at the latest, and began in it."""
    if seen.start_is_known:
        return span
    end = min(span.end_s, batch.end_s)
    return evolve(span, start_s=max(batch.start_s, end - seen.wall_s), end_s=end)


def _span(seen: Seen, parent: int | None) -> PlannedSpan:
    metric = seen.metric
    name = written(metric.name)
    attributes = {**_figures(metric), **_named(metric.kind, name, metric.year)}
    if not seen.start_is_known:
        attributes["planwise.start_is_derived"] = True
    return PlannedSpan(name, metric.kind, seen.start_s, seen.end_s, parent, attributes)


def _named(kind: str, name: str, year: int | None) -> dict[str, Any]:
    named: dict[str, Any] = {"planwise.kind": kind, "planwise.name": name}
    return named if year is None else {**named, "planwise.year": year}


def _figures(metric: Metric) -> dict[str, Any]:
    """What was measured of it; a resident size of 0 is one that nobody measured."""
    figures: dict[str, Any] = {
        "cpu_s": float(metric.cpu_s),
        "rss_bytes": metric.rss_bytes or None,
        "peak_rss_bytes": metric.peak_rss_bytes or None,
        "rows": metric.rows,
        "bytes_read": metric.bytes_read,
        "bytes_written": metric.bytes_written,
        **{written(key): float(value) for key, value in metric.values.items()},
    }
    return {f"planwise.{key}": value for key, value in figures.items() if value is not None}
