"""Small questions, as a run asks them, for a look at what a plugin answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from planwise.checkpoints.codec import HEADROOM_BYTES, compress, verify
from planwise.errors import CheckpointError, PlanwiseError
from planwise.machine import this_machine
from planwise.relay import Relay
from planwise.values import (
    CompressedState,
    Metric,
    MetricKind,
    ModelNode,
    PlanRequest,
    RunSummary,
    StateTable,
    TuneRequest,
    YearObservation,
)

_YEAR = 2025
_KINDS: tuple[MetricKind, ...] = ("model", "batch", "phase", "checkpoint", "run")


def harmless_calls(relay: Relay) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each hook that can be asked without a database, with what asks it.

    Args:
        relay: the plugin alone.
    """
    asked: dict[str, Callable[[Relay], None]] = {
        "db_tune": _tune,
        "plan_batches": _plan,
        "compress_state": _compress,
        "restore_state": _restore_foreign,
        "record_metric": _record,
        "report_section": _report,
    }
    for hook, ask in asked.items():
        if relay.provides(hook):
            yield hook, partial(ask, relay)


def _tune(relay: Relay) -> None:
    machine = this_machine(Path.cwd() / "spill")
    seen = YearObservation(_YEAR, 2.0, 3.0, 300 * 2**20, 20 * 2**20)
    for request in (
        TuneRequest(machine, 4),
        TuneRequest(machine, 4, {"threads": 1}, seen, keep_order=True),
    ):
        with _unchanged(relay, "db_tune", request):
            relay.db_tune(request)


def _plan(relay: Relay) -> None:
    needs = {
        "a": (),
        "b": (),
        "c": ("a",),
        "d": ("a", "b"),
        "e": ("d",),
        "f": ("c", "e"),
        "g": (),
        "h": ("f", "g"),
    }
    nodes = {
        f"model.sample.{name}": ModelNode(
            f"model.sample.{name}", name, tuple(f"model.sample.{each}" for each in depends)
        )
        for name, depends in needs.items()
    }
    durations = {key: 0.1 * number for number, key in enumerate(nodes, start=1)}
    for request in (PlanRequest(nodes, 4), PlanRequest(nodes, 2, durations)):
        with _unchanged(relay, "plan_batches", request):
            relay.plan_batches(request)


def _compress(relay: Relay) -> None:
    import pyarrow as pa

    columns = {
        "employee_id": pa.array([1, 2, None], pa.int64()),
        "name": pa.array(["a", "", None]),
        "rate": pa.array([0.5, float("nan"), -0.0]),
    }
    for table in (pa.table(columns), pa.table(columns).slice(0, 0)):
        state = StateTable("main.sample", _YEAR, table)
        blob, plugin = compress(state, relay)
        verify(state, blob, plugin, relay)


def _restore_foreign(relay: Relay) -> None:
    """Of a codec that is another's the answer is None, which the relay makes an error of."""
    foreign = CompressedState("a-codec-of-another-plugin", b"nothing", 7)
    try:
        relay.restore_state(foreign, HEADROOM_BYTES, written_by="another")
    except CheckpointError:
        return
    raise relay.blamed("restore_state", "gives a table for a codec that is not its own")


def _record(relay: Relay) -> None:
    for number, kind in enumerate(_KINDS):
        metric = Metric(kind, f"sample {kind}", _YEAR if number % 2 else None, 0.1, 0.1, rows=3)
        with _unchanged(relay, "record_metric", metric):
            relay.record_metric(metric)


def _report(relay: Relay) -> None:
    summary = RunSummary((_YEAR,), 1.0, succeeded=True)
    with _unchanged(relay, "report_section", summary):
        relay.report_sections(summary)


class _unchanged:  # noqa: N801  # read as a word of the sentence that it is in
    """Notice a question that is another one afterwards."""

    def __init__(self, relay: Relay, hook: str, question: object) -> None:
        self._relay, self._hook, self._question = relay, hook, question

    def __enter__(self) -> None:
        self._before = repr(self._question)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and repr(self._question) != self._before:
            problem = "changes what it was given; it has to change a copy"
            error: PlanwiseError = self._relay.blamed(self._hook, problem)
            raise error
