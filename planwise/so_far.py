"""What a run has done up to now: the result of one that finishes, and what is known of another."""

from __future__ import annotations

from attrs import define, field

from planwise.measure import Sample, take_sample
from planwise.phase_records import phase_record
from planwise.results import ChosenSetting, ModelRecord, PhaseRecord, Retuning
from planwise.retuning import Change, retunings
from planwise.spans import Span
from planwise.values import Baseline, ReportSection


@define
class PhaseUnderWay:
    """The foundation or a year that has begun and not ended.

    Attributes:
        name: ``foundation`` or ``year 2026``.
        year: the year, or None for the foundation.
        span: begun with it.
        models: every execution that has ended.
        batches: how many have begun.
        running: the names of the models of the one that runs now.
    """

    name: str
    year: int | None
    span: Span
    models: list[ModelRecord] = field(factory=list)
    batches: int = 0
    running: tuple[str, ...] = ()

    def begin_anew(self) -> None:
        """Forget what was rolled back."""
        self.models.clear()
        self.batches, self.running = 0, ()


@define
class RunSoFar:
    """A run, from its beginning to its end.

    Attributes:
        span: of the whole run; None before it has begun.
        baseline: what improvement is quoted against, once the inputs are known.
        parse_s: seconds in dbt's parser.
        settings: DuckDB's settings in force, by name.
        changes: those that a tuner changed.
        foundation: the foundation, once it is there.
        ended: the years that are committed and stored.
        ending: the year that is committed and being stored.
        under_way: the phase that runs now.
        sections: what the plugins gave for the report; None until they are asked, once.
    """

    span: Span | None = None
    baseline: Baseline | None = None
    parse_s: float = 0.0
    settings: dict[str, ChosenSetting] = field(factory=dict)
    changes: list[Change] = field(factory=list)
    foundation: PhaseRecord | None = None
    ended: list[PhaseRecord] = field(factory=list)
    ending: PhaseRecord | None = None
    under_way: PhaseUnderWay | None = None
    sections: tuple[ReportSection, ...] | None = None

    @property
    def began_s(self) -> float:
        """The clock when the run began."""
        return 0.0 if self.span is None else self.span.start.wall_s

    @property
    def has_begun(self) -> bool:
        """Whether any batch of models has begun, now or in an earlier run that this one resumes."""
        now = self.under_way is not None and self.under_way.batches > 0
        return now or self.foundation is not None

    def begin_phase(self, name: str, year: int | None, span: Span) -> PhaseUnderWay:
        """Note that a phase has begun."""
        self.under_way = PhaseUnderWay(name, year, span)
        return self.under_way

    def phase_ended(self, *, extra_rows: int = 0) -> PhaseRecord:
        """The record of the phase that runs no longer; its span has ended."""
        phase = self.under_way
        if phase is None:
            raise RuntimeError("no phase has begun")
        self.under_way = None
        return self._record(phase, extra_rows)

    def broken_off(self) -> PhaseRecord | None:
        """The phase in which the run broke off, as far as it came; None between two phases."""
        phase = self.under_way
        if phase is None:
            return None
        if not phase.span.has_ended:
            phase.span.end = take_sample()
        return self._record(phase, 0)

    def retunings(self) -> tuple[Retuning, ...]:
        """What was changed between years of which the later one has ended too."""
        ended = {phase.year for phase in self.ended}
        return retunings(
            [each for each in self.changes if {each.after_year, each.after_year + 1} <= ended],
            self.ended,
        )

    def now(self) -> Sample:
        """The end of the run, or, of one that has not ended, this moment."""
        if self.span is not None and self.span.has_ended:
            return self.span.end
        return take_sample()

    def _record(self, phase: PhaseUnderWay, extra_rows: int) -> PhaseRecord:
        return phase_record(
            phase.name,
            phase.year,
            phase.span,
            phase.models,
            phase.batches,
            began_s=self.began_s,
            extra_rows=extra_rows,
        )
