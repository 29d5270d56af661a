"""What was changed between two years, held against what it bought."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from planwise.results import PhaseRecord, Retuning
from planwise.values import SettingValue


@frozen
class Change:
    """A setting that a tuner changed.

    Attributes:
        after_year: the year that it follows from.
        name: the setting.
        before: its value until then; None for DuckDB's default.
        value: its value since.
        reason: why.
    """

    after_year: int
    name: str
    before: SettingValue | None
    value: SettingValue
    reason: str


def retunings(changes: Sequence[Change], years: Sequence[PhaseRecord]) -> tuple[Retuning, ...]:
    """Each change with the year before it and the year after it.

    Args:
        changes: in their order.
        years: every year that was run; a change follows no last year.
    """
    phases = {phase.year: phase for phase in years}
    found = []
    for change in changes:
        before, after = phases[change.after_year], phases[change.after_year + 1]
        found.append(
            Retuning(
                after_year=change.after_year,
                name=change.name,
                before=change.before,
                value=change.value,
                reason=change.reason,
                wall_s=(before.wall_s, after.wall_s),
                spilled_bytes=(before.spilled_bytes, after.spilled_bytes),
            )
        )
    return tuple(found)
