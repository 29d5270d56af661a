"""What came of the nodes that dbt ran: checked, counted and timed."""

from __future__ import annotations

import threading
from typing import Any, Final

from planwise.errors import ProjectError
from planwise.measure import Sample, take_sample
from planwise.project.graph import EXECUTED
from planwise.values import BatchRequest, ModelResult

_SUCCESS: Final = frozenset({"success", "pass"})


class NodeWatch:
    """Takes a sample when dbt starts and ends a node; called on dbt's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[str, Sample] = {}
        self.spans: dict[str, tuple[Sample, Sample]] = {}

    def on_event(self, event: Any) -> None:
        """Take a sample if the event starts or ends a node."""
        name = event.info.name
        if name not in ("NodeStart", "NodeFinished"):
            return
        key = event.data.node_info.unique_id
        sample = take_sample()
        with self._lock:
            if name == "NodeStart":
                self._started[key] = sample
            elif key in self._started:
                self.spans[key] = (self._started[key], sample)


def checked_results(result: Any, request: BatchRequest, watch: NodeWatch) -> list[ModelResult]:
    """One result per node; dbt reports success for a selection of nothing, so they are counted."""
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    where = "the foundation" if request.year is None else f"year {request.year}"
    runs = {} if result.result is None else {r.node.unique_id: r for r in result.result.results}
    failed = [run for run in runs.values() if str(run.status) not in _SUCCESS]
    causes = [run for run in failed if str(run.status) != "skipped"] or failed
    if causes:
        first = causes[0]
        more = f" ({len(failed) - 1} more not run)" if len(failed) > 1 else ""
        message = " ".join(str(first.message or first.status).split())
        raise ProjectError(f"{first.node.name} failed in {where}: {message}{more}")
    if result.exception is not None:
        raise ProjectError(f"dbt failed in {where}: {' '.join(str(result.exception).split())}")
    missing = [node.name for node in request.nodes if node.unique_id not in runs]
    # Run hooks have results too, and are no nodes of the batch.
    ran = sum(str(run.node.resource_type) in EXECUTED for run in runs.values())
    if missing or ran != len(request.nodes):
        raise ProjectError(
            f"dbt ran {ran} of {len(request.nodes)} nodes in {where}"
            + (f"; not run: {', '.join(missing[:5])}" if missing else "")
        )
    return [_model_result(node.unique_id, runs[node.unique_id], watch) for node in request.nodes]


def _model_result(key: str, run: Any, watch: NodeWatch) -> ModelResult:
    span = watch.spans.get(key)
    if span is None:
        return ModelResult(key, wall_s=float(run.execution_time))
    start, end = span
    return ModelResult(
        key,
        wall_s=end.wall_s - start.wall_s,
        cpu_s=end.cpu_s - start.cpu_s,
        peak_rss_bytes=end.peak_rss_bytes,
        bytes_read=end.bytes_read - start.bytes_read,
        bytes_written=end.bytes_written - start.bytes_written,
        started_s=start.wall_s,
    )


def passed_tests(result: Any, year: int) -> int:
    """How many tests passed.

    Args:
        result: what dbt gave for its command ``test``.
        year: for the message.

    Raises:
        ProjectError: a test fails, or dbt could not run them.
    """
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    runs = [] if result.result is None else list(result.result.results)
    failed = [run for run in runs if str(run.status) not in ("pass", "warn")]
    if failed:
        more = f" ({len(failed) - 1} more fail)" if len(failed) > 1 else ""
        message = " ".join(str(failed[0].message or failed[0].status).split())
        raise ProjectError(f"test {failed[0].node.name} fails in year {year}: {message}{more}")
    if result.exception is not None:
        raise ProjectError(
            f"dbt failed in the tests of {year}: {' '.join(str(result.exception).split())}"
        )
    return len(runs)
