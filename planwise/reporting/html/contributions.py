"""What each plugin contributes, as a benchmark found: charts of factors, and their tables."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from planwise.improvement import age_words
from planwise.reporting.html.markup import Column, chart, counted, name, section, table


@frozen
class Factor:
    """A plugin's factor, or an arm's ratio.

    Attributes:
        name: the plugin or arm.
        ratio: median of times over those it is held against; below 1 is faster.
        low, high: 95 % interval.
        verdict: what may be said of it.
        wall_s: median seconds; None for a plugin.
    """

    name: str
    ratio: float
    low: float
    high: float
    verdict: str
    wall_s: float | None = None


@frozen
class BenchFigures:
    """A stored result of ``planwise bench combinations``.

    Attributes:
        file: where it is.
        measured_at: when it was begun.
        mode: how plugins were combined.
        rounds: how often each arm was measured.
        rounds_wanted: how often it should have been; more, if its time ran out.
        people: whom the arms simulated, in words.
        years: how many.
        machine: what it was measured on, in words.
        reference: the arm that ratios are taken to.
        contributions: by plugin, all together last.
        arms: the combinations.
    """

    file: str
    measured_at: datetime.datetime
    mode: str
    rounds: int
    rounds_wanted: int
    people: str
    years: int
    machine: str
    reference: str
    contributions: Sequence[Factor]
    arms: Sequence[Factor]

    def source(self, now: datetime.datetime) -> str:
        """Where the figures are from, how old they are, and what they hold for."""
        rounds = counted(self.rounds, "round")
        if self.rounds < self.rounds_wanted:
            rounds += f" of {self.rounds_wanted:,}, when its time ran out"
        return (
            f"From {self.file}, measured {age_words(self.measured_at, now)}: {self.people}, "
            f"{counted(self.years, 'year')}, {rounds}, on {self.machine}."
        )


def bench_section(figures: BenchFigures, now: datetime.datetime) -> str:
    """Charts and tables of a benchmark.

    Args:
        figures: what it found.
        now: until when its age is counted.
    """
    text = (
        "The time of a run with a plugin over that of one without: left of 1 it saves time. The "
        f"line is the 95 % interval. {figures.source(now)}"
    )
    heads = ("With it / without", "95 % interval", "Saves")
    columns = [Column("Plugin"), *(Column(each, number=True) for each in heads)]
    columns.append(Column("A run with it is"))
    rows = [
        (
            name(each.name),
            f"{each.ratio:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{100 * (1 - each.ratio):.1f} %",
            each.verdict,
        )
        for each in figures.contributions
    ]
    parts = [
        chart(
            "contributions",
            f"Contribution of each plugin ({figures.mode})",
            text,
            table("Contribution of each plugin", columns, rows),
        ),
        chart("combinations", "Combinations of plugins", _arms_text(figures), _arms(figures)),
    ]
    return section("bench", "What each plugin contributes", parts)


def bench_data(figures: BenchFigures) -> dict[str, Any]:
    """What the charts are drawn from."""
    return {
        "contributions": [
            {"name": each.name, "ratio": each.ratio, "low": each.low, "high": each.high}
            for each in figures.contributions
        ],
        "arms": [{"name": each.name, "wall_s": each.wall_s} for each in figures.arms],
    }


def _arms_text(figures: BenchFigures) -> str:
    return (
        "Median wall time of a whole run with each combination, process start included. Every "
        f"table is the same in all of them; ratios are to {figures.reference}, paired by round."
    )


def _arms(figures: BenchFigures) -> str:
    heads = ("Wall, s", f"Ratio to {figures.reference}", "95 % interval")
    columns = [Column("Arm"), *(Column(each, number=True) for each in heads), Column("Verdict")]
    rows = [
        (
            name(each.name),
            f"{each.wall_s or 0:,.2f}",
            f"{each.ratio:.3f}",
            "" if each.name == figures.reference else f"{each.low:.3f} to {each.high:.3f}",
            each.verdict,
        )
        for each in figures.arms
    ]
    return table("Combinations of plugins", columns, rows)
