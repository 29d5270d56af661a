"""The metrics of a run as JSON lines; docs/results.md describes the keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from planwise.run_files import write_text_atomically
from planwise.values import Metric
from planwise.warehouse.metrics_table import metric_row


def metric_lines(metrics: Sequence[Metric]) -> str:
    """One JSON object a line, with the columns of ``planwise_metrics`` as keys."""
    return "".join(
        json.dumps({"number": number, **metric_row(each)}, allow_nan=False) + "\n"
        for number, each in enumerate(metrics, start=1)
    )


def write_metric_lines(file: Path, metrics: Sequence[Metric]) -> None:
    """Write metrics as JSON lines, whole or not at all.

    Args:
        file: replaced if it is there.
        metrics: of a run, or of what a run that failed has done so far.

    Raises:
        WarehouseError: the file cannot be written.
    """
    write_text_atomically(file, metric_lines(metrics))
