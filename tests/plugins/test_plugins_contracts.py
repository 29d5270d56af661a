"""The built-in plugins, held to the contracts of the kit as anybody else's plugin is."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import pytest

from planwise.testing import contracts


class TestBatching(contracts.PlanBatches):
    plugin = "batching"


class TestTuning(contracts.DbTune):
    plugin = "tuning"


class TestOptionsOfTuning(contracts.Configure):
    plugin = "tuning"


class TestPrecompile(contracts.ExecuteBatch):
    plugin = "precompile"


class TestCompression(contracts.CompressState):
    """Few rows, as most of these tables have them, go into Arrow streams."""

    plugin = "compression"


@pytest.mark.usefixtures("few_rows_too")
class TestParquetInLz4(contracts.CompressState):
    plugin = "compression"


@pytest.mark.usefixtures("few_rows_too")
class TestParquetInZstd(contracts.CompressState):
    plugin = "compression"
    options: ClassVar = {"codec": "zstd"}


class TestOptionsOfCompression(contracts.Configure):
    plugin = "compression"


class TestMonitoring(contracts.RecordMetric):
    plugin = "monitoring"


class TestSectionOfMonitoring(contracts.ReportSection):
    plugin = "monitoring"


class OfTelemetry(contracts.Plugin):
    """It has nothing to do unless it is told where to."""

    plugin = "telemetry"
    options: ClassVar = {"otel_file": str(Path(tempfile.mkdtemp()) / "spans.jsonl")}


needs_its_extra = pytest.mark.skipif(
    find_spec("opentelemetry") is None, reason="needs pip install 'planwise[telemetry]'"
)


@needs_its_extra
class TestTelemetry(OfTelemetry, contracts.RecordMetric): ...


@needs_its_extra
class TestSectionOfTelemetry(OfTelemetry, contracts.ReportSection): ...


@needs_its_extra
class TestOptionsOfTelemetry(OfTelemetry, contracts.Configure): ...
