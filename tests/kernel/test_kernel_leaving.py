"""A run that ends before its time: its plugins are told once, and none of them holds up its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from planwise.api import Metric, ReportSection, RunSummary, hookimpl
from planwise.errors import PlanwiseError
from planwise.plugins import InstalledPlugin, LoadedPlugin
from planwise.relay import Relay
from planwise.run_record import UNFINISHED_NAME, Circumstances, read_account
from planwise.runs.leaving import leave_record, told
from planwise.runs.manifest import new_manifest
from planwise.so_far import RunSoFar
from planwise.spans import span_of_work

FAILED = PlanwiseError("the disk is gone")


@pytest.fixture(autouse=True)
def plain_ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python handles it, though the tests may run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def running() -> Any:
    """A run that has failed in its first batch; in place of one that takes seconds."""
    with span_of_work() as span:
        so_far = RunSoFar(span=span)
        so_far.begin_phase("foundation", None, span).batches = 1

    def summary(request: Any) -> RunSummary:
        return RunSummary(request.years, 1.0, succeeded=False)

    return SimpleNamespace(
        pipeline=SimpleNamespace(so_far=so_far, summary_so_far=summary),
        request=SimpleNamespace(years=(2025,)),
        progress=SimpleNamespace(manifest=new_manifest({}, [2025])),
        start=SimpleNamespace(finished=()),
        finished=(),
    )


def relay(plugin: object) -> Relay:
    installed = InstalledPlugin("mine", "here 1", EntryPoint("mine", "here", "here"))
    return Relay([LoadedPlugin(installed, plugin)])


def around() -> Circumstances:
    return Circumstances(1, 1, 1)


def test_ctrl_c_ends_a_plugin_that_hangs_and_the_record_is_of_what_went_wrong_before(
    tmp_path: Path,
) -> None:
    class Hanging:
        """The user loses patience with it."""

        @hookimpl
        def report_section(self) -> ReportSection | None:
            assert (tmp_path / UNFINISHED_NAME).is_file(), "else it would end with the process"
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.01)
            raise AssertionError("it went on")

    left = leave_record(tmp_path, running(), relay(Hanging()), around, FAILED)
    assert left.warnings == (
        "after the run had ended: Ctrl-C stopped a plugin that was told of it",
    )
    assert left.file == tmp_path / UNFINISHED_NAME
    end = read_account(tmp_path, UNFINISHED_NAME).end
    assert end is not None
    assert (end.status, end.error) == ("failed", "the disk is gone")


def test_plugins_that_were_asked_are_not_asked_again(tmp_path: Path) -> None:
    """As where the result cannot be published: their metrics are kept all the same."""

    class Asked:
        """It must not be."""

        @hookimpl
        def report_section(self) -> ReportSection | None:
            raise AssertionError("it is asked again")

        @hookimpl
        def record_metric(self, metric: Metric) -> None:
            raise AssertionError(f"it is told again of {metric}")

    run, metric = running(), Metric("run", "run", None, 1.0, 1.0)
    run.pipeline.so_far.sections = (ReportSection("mine", "Mine", [], metrics=[metric]),)
    left = leave_record(tmp_path, run, relay(Asked()), around, FAILED)
    assert (left.warnings, left.metrics) == ((), (metric,))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FAILED, "the disk is gone"),
        (ValueError("a\n b"), "ValueError: a b"),
        (ValueError(), "ValueError"),
        (BrokenPipeError(32, "Broken pipe"), "whoever read its output has gone"),
        (SystemExit(1), "whoever read its output has gone"),  # as rich ends then
    ],
)
def test_what_ended_a_run_is_told_in_one_line(error: BaseException, words: str) -> None:
    assert told(error) == words
