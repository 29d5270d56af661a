"""Plugin ``monitoring``: where time, memory and storage went, and what came of the baseline.

It keeps what the kernel measures at boundaries anyway. Only at the end of a phase does it ask the
system something itself; no thread samples, because that alone cost a comparable system 9 of 98
seconds.
"""

from __future__ import annotations

from planwise.api import Metric, ReportSection, RunSummary, hookimpl
from planwise_plugins.monitoring.account import Account, MachineFacts
from planwise_plugins.monitoring.wording import report_lines

__all__ = ["Monitoring"]


class Monitoring:
    """Collects metrics in memory and turns them into a section of the report."""

    planwise_api = "0.1"

    def __init__(self) -> None:
        self._account = Account()

    @hookimpl
    def record_metric(self, metric: Metric) -> None:
        """Keep the metric; at the end of a phase, the machine's memory too."""
        self._account.metrics.append(metric)
        if metric.kind == "phase" and (facts := machine_facts()) is not None:
            self._account.machine[metric.name] = facts

    @hookimpl
    def report_section(self, summary: RunSummary) -> ReportSection:
        """Phases, slowest models, checkpoints, memory, recommendations, improvement."""
        data = self._account.data(summary)
        return ReportSection(
            "monitoring", "Monitoring", report_lines(data), data, self._account.kept()
        )


def machine_facts() -> MachineFacts | None:
    """The memory of the whole machine now, or None where the system does not tell."""
    import psutil

    try:
        return MachineFacts(psutil.virtual_memory().available, psutil.swap_memory().used)
    except (psutil.Error, OSError, RuntimeError, ValueError):
        return None  # a container without /proc: a run is not lost for a figure of its report
