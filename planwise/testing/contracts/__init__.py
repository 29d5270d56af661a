"""What each hook has to hold, as classes of tests to subclass.

A subclass names the plugin by its entry point, and pytest collects what it inherits::

    from planwise.testing import contracts


    class TestPlanBatches(contracts.PlanBatches):
        plugin = "my-batcher"
        options = {"limit": 3}  # the plugin's options for these tests, if the defaults do not do

Every class holds what all plugins have to (:class:`Plugin`), and what its own hook has to. What
fails is named with plugin, distribution and hook, and with what was expected. The values that
hypothesis generates are tried anew in each run; a failure is replayed from ``.hypothesis``.
"""

from __future__ import annotations

from typing import Final

try:
    import hypothesis  # noqa: F401  # for its message: the next lines need it
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "planwise.testing.contracts needs hypothesis and pytest: pip install hypothesis pytest",
        name=error.name,
    ) from error

from planwise.testing.contracts.batching import PlanBatches
from planwise.testing.contracts.common import Plugin
from planwise.testing.contracts.executing import ExecuteBatch
from planwise.testing.contracts.options import AddOptions, Configure
from planwise.testing.contracts.storing import CompressState
from planwise.testing.contracts.tuning import DbTune
from planwise.testing.contracts.watching import RecordMetric, ReportSection

FOR_HOOK: Final[dict[str, type[Plugin]]] = {
    "add_options": AddOptions,
    "compress_state": CompressState,
    "configure": Configure,
    "db_tune": DbTune,
    "execute_batch": ExecuteBatch,
    "plan_batches": PlanBatches,
    "record_metric": RecordMetric,
    "report_section": ReportSection,
    "restore_state": CompressState,
}
"""The class of each hook; those that compress and restore are held together."""

__all__ = [
    "FOR_HOOK",
    "AddOptions",
    "CompressState",
    "Configure",
    "DbTune",
    "ExecuteBatch",
    "PlanBatches",
    "Plugin",
    "RecordMetric",
    "ReportSection",
]
