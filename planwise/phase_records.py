"""What is kept and told of a phase that has ended."""

from __future__ import annotations

from collections.abc import Sequence

from planwise.results import CheckpointRecord, ModelRecord, PhaseRecord
from planwise.spans import Span
from planwise.values import Metric
from planwise.year_end import StoredYear


def phase_record(
    name: str,
    year: int | None,
    span: Span,
    models: Sequence[ModelRecord],
    batches: int,
    *,
    began_s: float,
    extra_rows: int = 0,
) -> PhaseRecord:
    """The record of a phase that ran.

    Args:
        name: ``foundation`` or ``year 2026``.
        year: the year, or None for the foundation.
        span: what it took.
        models: every execution.
        batches: how many there were.
        began_s: the clock when the run began.
        extra_rows: rows that were written besides those of the models.
    """
    return PhaseRecord(
        name=name,
        year=year,
        wall_s=span.wall_s,
        cpu_s=span.cpu_s,
        peak_rss_bytes=span.end.peak_rss_bytes,
        rows=extra_rows + sum(model.rows or 0 for model in models),
        bytes_read=span.end.bytes_read - span.start.bytes_read,
        bytes_written=span.end.bytes_written - span.start.bytes_written,
        batches=batches,
        models=tuple(models),
        start_s=span.start.wall_s - began_s,
    )


def phase_metric(span: Span, record: PhaseRecord) -> Metric:
    """What a phase took, and what its models spilled."""
    spilled = record.spilled_bytes
    values = {"spilled_bytes": float(spilled)} if spilled else {}
    return span.metric("phase", record.name, record.year, rows=record.rows, values=values)


def checkpoint_metric(stored: StoredYear, record: CheckpointRecord) -> Metric:
    """What storing a year took and gave."""
    return stored.span.metric(
        "checkpoint",
        f"year {stored.year}",
        stored.year,
        rows=record.rows,
        values={
            "raw_bytes": record.raw_bytes,
            "stored_bytes": record.stored_bytes,
            "ratio": record.ratio,
            "compress_s": record.compress_s,
            "restore_s": record.restore_s,
            "in_file": float(stored.in_file),
        },
    )
