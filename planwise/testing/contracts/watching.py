"""What a monitor has to hold: the hooks ``record_metric`` and ``report_section``."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from planwise import values
from planwise.plugins import implemented_hooks
from planwise.testing.contracts.common import GENERATED, Plugin
from planwise.testing.host import Host, Place
from planwise.testing.strategies import metrics, summaries
from planwise.values import Metric, RunSummary


class _Watching(Plugin):
    """A run as a monitor sees it."""

    def seen(self, host: Host, told: Sequence[Metric], summary: RunSummary) -> None:
        """Tell of metrics and of the end; whatever it has no hook for it is not told."""
        (loaded,) = host.plugins
        there = implemented_hooks(loaded.instance)
        if "record_metric" in there:
            for metric in told:
                self.ask("record_metric", host.record_metric, metric)
        if "report_section" in there:
            self.sections(host, summary)

    def sections(self, host: Host, summary: RunSummary) -> tuple[values.ReportSection, ...]:
        """The section, or none; it is proved to fit the report, and to be JSON."""
        found = self.ask("report_section", host.report_section, summary)
        for section in found:
            text = json.dumps(dict(section.data), allow_nan=False, default=dict)
            self.expect(
                isinstance(json.loads(text), dict),
                "report_section",
                "expected data that JSON holds",
            )
            odd = [line for line in section.lines if "\n" in line]
            self.expect(
                not odd, "report_section", f"expected a line of text for each line, got {odd[:1]}"
            )
        return found


class RecordMetric(_Watching):
    """Any metric is taken, in any order, of any number, of runs that fail too."""

    hooks = ("record_metric",)

    @GENERATED
    @given(told=st.lists(metrics(), max_size=20), summary=summaries())
    def test_metrics_in_any_order_are_taken(
        self, planwise_place: Place, told: list[Metric], summary: RunSummary
    ) -> None:
        """Models without a phase, phases twice, times of zero, any name: none of it raises."""
        self.seen(self.host(planwise_place), told, summary)

    def test_many_metrics_are_taken(self, planwise_place: Place) -> None:
        """As many as 50 years of 200 models give."""
        told = [
            Metric("model", f"model.p.m{number % 200}", 2025 + number // 200, 0.01)
            for number in range(10_000)
        ]
        summary = RunSummary(tuple(range(2025, 2075)), 100.0, succeeded=True)
        host = self.host(planwise_place)
        for metric in told:
            host.record_metric(metric)
        self.seen(host, told[:1], summary)


class ReportSection(_Watching):
    """A section for any run, or None: valid, JSON, and no error where the run failed."""

    hooks = ("report_section",)

    @GENERATED
    @given(told=st.lists(metrics(), max_size=12), summary=summaries())
    def test_a_section_is_valid_whatever_was_measured(
        self, planwise_place: Place, told: list[Metric], summary: RunSummary
    ) -> None:
        """Its data is JSON, its lines are lines, its metrics fit the table of metrics."""
        self.seen(self.host(planwise_place), told, summary)

    @GENERATED
    @given(summary=summaries())
    def test_a_run_without_metrics_has_a_section_or_none(
        self, planwise_place: Place, summary: RunSummary
    ) -> None:
        """The hook is asked of runs in which nothing was measured, too."""
        self.seen(self.host(planwise_place), [], summary)

    def test_a_run_that_failed_at_once_raises_nothing(self, planwise_place: Place) -> None:
        """It is the last moment to write what was gathered, and the user reads another error."""
        self.seen(self.host(planwise_place), [], RunSummary((), 0.0, succeeded=False))
