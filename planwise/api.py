"""All that a plugin imports: the marker, the value types, the errors.

This module is the compatibility promise. It imports neither DuckDB nor dbt nor anything else that
is heavy, and a test holds it to that; `read_arrow_stream` and `write_arrow_stream` import pyarrow
when they are called.

Example:
    A whole plugin, named by the entry point ``mine = "my_package:MyBatcher"`` in the group
    ``planwise.plugins``::

        from planwise.api import Batch, BatchPlan, PlanRequest, hookimpl

        class MyBatcher:
            planwise_api = "0.1"  # the API_VERSION that it was built with

            @hookimpl
            def plan_batches(self, request: PlanRequest) -> BatchPlan: ...
"""

from __future__ import annotations

import pluggy

from planwise.api_version import API_VERSION
from planwise.arrow_stream import read_arrow_stream, write_arrow_stream
from planwise.errors import (
    CheckpointError,
    GraphError,
    PlanwiseError,
    ProjectError,
    WarehouseError,
)
from planwise.hookspecs import PROJECT
from planwise.improvement import Improvement, improvement
from planwise.measure import Sample, take_sample
from planwise.profiles import ProfiledModel
from planwise.rendered import CompiledNode, RelationRead
from planwise.values import (
    Baseline,
    Batch,
    BatchPlan,
    BatchRequest,
    BatchResult,
    CompressedState,
    Machine,
    Metric,
    ModelNode,
    ModelResult,
    PlanRequest,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    SettingValue,
    StateTable,
    TuneRequest,
    YearObservation,
)

hookimpl = pluggy.HookimplMarker(PROJECT)

__all__ = [
    "API_VERSION",
    "Baseline",
    "Batch",
    "BatchPlan",
    "BatchRequest",
    "BatchResult",
    "CheckpointError",
    "CompiledNode",
    "CompressedState",
    "GraphError",
    "Improvement",
    "Machine",
    "Metric",
    "ModelNode",
    "ModelResult",
    "PlanRequest",
    "PlanwiseError",
    "PluginOption",
    "ProfiledModel",
    "ProjectError",
    "RelationRead",
    "ReportSection",
    "RunSummary",
    "Sample",
    "Setting",
    "SettingValue",
    "StateTable",
    "TuneRequest",
    "WarehouseError",
    "YearObservation",
    "hookimpl",
    "improvement",
    "read_arrow_stream",
    "take_sample",
    "write_arrow_stream",
]
