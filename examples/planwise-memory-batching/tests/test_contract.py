"""What planwise expects of every plugin with these hooks: its own suites."""

from __future__ import annotations

from typing import ClassVar

from planwise.testing import contracts


class TestAddOptions(contracts.AddOptions):
    plugin = "memory-batching"


class TestConfigure(contracts.Configure):
    plugin = "memory-batching"


class TestDbTune(contracts.DbTune):
    plugin = "memory-batching"


class TestPlanBatches(contracts.PlanBatches):
    plugin = "memory-batching"


class TestPlanBatchesInALittleMemory(contracts.PlanBatches):
    plugin = "memory-batching"
    options: ClassVar = {"budget_mb": 1}


class TestRecordMetric(contracts.RecordMetric):
    plugin = "memory-batching"


class TestReportSection(contracts.ReportSection):
    plugin = "memory-batching"
