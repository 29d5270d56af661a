"""``planwise bench ab``: two sets of flags of ``planwise simulate`` against each other."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from planwise.bench import report
from planwise.bench.branches import branching
from planwise.bench.precision import until_precise
from planwise.bench.ratios import Comparison
from planwise.bench.session import Setup, people
from planwise.bench.surroundings import Hooks
from planwise.bench.toggles import measure_alike, simulating

A: Final = "a"
B: Final = "b"


def compare_flags(
    setup: Setup,
    *,
    employees: int,
    flags: Mapping[str, Sequence[str]],
    hooks: Mapping[str, Hooks],
    cold: bool,
    precision: float | None,
    say: Callable[[str], None],
) -> None:
    """Measure A against B, and print and write what was found.

    Args:
        setup: how the benchmark was called.
        employees: people of a synthetic census.
        flags: of ``planwise simulate``, for the arms :data:`A` and :data:`B`.
        hooks: the active hooks in each arm.
        cold: whether caches are empty in each run.
        precision: percent to either side within which the ratio has to be known before the rounds
            that were asked for are over; None for all of them.
        say: told of progress, and the result.

    Raises:
        PlanwiseError: a run fails, or A and B do not give the same tables.
    """
    setup.announce(f"{A}: {_shown(flags[A])}; {B}: {_shown(flags[B])}", say)
    source = setup.source_years
    if source:
        say(_branch_words(source, setup.counted_years))
        arms = [branching(name, flags[name], source, cold=cold) for name in (B, A)]
    else:
        arms = [simulating(name, flags[name], cold=cold) for name in (B, A)]
    enough = None if precision is None else until_precise(A, B, precision, setup.seed)
    measurement = measure_alike(setup, arms, employees, B, say, enough)
    found = report.comparisons(measurement, setup.seed)
    who = people(setup, employees) + (f", branched from {source[-1]}" if source else "")
    say(report.said_to_be_same(measurement, who, len(setup.counted_years)))
    say("\n".join(report.whole_table(measurement, found, reference=B)))
    say("\n" + sentence(found[A]))
    around = setup.surroundings(
        hooks,
        benchmark="ab",
        reference=B,
        cold=cold,
        precision_percent=precision,
        employees=setup.employees_of(employees),
    )
    setup.write(report.as_json(measurement, found, around), say)


def sentence(found: Comparison) -> str:
    """What was found of A against B, in words.

    Args:
        found: the comparison.
    """
    return (
        f"{A} takes {found.ratio:.3f} times as long as {B} (95 % interval {found.low:.3f} to "
        f"{found.high:.3f}, {found.rounds} pair{'s' if found.rounds > 1 else ''}): {found.verdict}"
    )


def _branch_words(source: Sequence[int], counted: Sequence[int]) -> str:
    return (
        f"each arm first simulates {_span(source)} with its flags, which is not counted; counted "
        f"is a branch from the state of {source[-1]} that it stored then, which simulates "
        f"{_span(counted)}"
    )


def _span(years: Sequence[int]) -> str:
    return f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])


def _shown(flags: Sequence[str]) -> str:
    return shlex.join(flags) or "no flags"
