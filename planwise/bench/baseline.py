"""``planwise bench baseline``: what plain dbt takes here, stored so that runs can quote it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

from planwise.baselines import (
    DATA_VARIABLE,
    StoredBaseline,
    baseline_folder,
    subject_of,
    write_baseline,
)
from planwise.bench import arms, report
from planwise.bench.runner import Measurement, Observation, contenders, measure
from planwise.bench.session import Setup, people
from planwise.bench.surroundings import project_checksums, versions
from planwise.errors import PlanwiseError
from planwise.run_files import write_problem

ARMS: Final = (arms.PER_YEAR, arms.PER_MODEL)
"""What a baseline may be: plain dbt, and the first unless another is asked for."""
_CENSUS: Final = "inputs.census"


def measure_baseline(
    setup: Setup, *, employees: int, arm: str, say: Callable[[str], None]
) -> StoredBaseline:
    """Measure plain dbt beside planwise, which has to give the same tables, and store its times.

    Args:
        setup: how the benchmark was called.
        employees: people of a synthetic census.
        arm: one of :data:`ARMS`.
        say: told of progress, and the result.

    Returns:
        What was stored.

    Raises:
        PlanwiseError: an arm fails, the two do not give the same tables, the project has changed
            meanwhile, or the user's folder for data cannot be written.
    """
    folder = baseline_folder(os.environ)
    if problem := write_problem(folder):
        raise PlanwiseError(f"{problem}; name another place for baselines in {DATA_VARIABLE}")
    files = project_checksums(setup.dbt_project)
    setup.announce(f"{arm}, and {arms.WARM} to compare tables", say)
    with setup.scratch_folder() as scratch:
        job = setup.job(scratch, employees)
        measurement = measure(
            contenders(arms.chosen([arm, arms.WARM]), job, arms.WARM),
            rounds=setup.rounds,
            seed=setup.seed,
            scratch=scratch,
            say=say,
            required=frozenset([arm, arms.WARM]),
            warmup=setup.warmup,
            deadline_s=setup.deadline_s,
        )
    if project_checksums(setup.dbt_project) != files:
        raise PlanwiseError(
            f"{setup.dbt_project}: its files changed while they were measured, and no run would "
            "have what was; nothing is stored: measure again"
        )
    found = report.comparisons(measurement, setup.seed)
    say(report.said_to_be_same(measurement, people(setup, employees), len(setup.years)))
    say("\n".join(report.whole_table(measurement, found, reference=arms.WARM)))
    say("\n" + "\n".join(report.phase_table(measurement, setup.years)))
    stored = _stored(setup, measurement, arm, files)
    file = write_baseline(stored, folder)
    say(f"\nstored: {file}")
    say(_quoted_by(stored))
    around = setup.surroundings(
        benchmark="baseline",
        reference=arms.WARM,
        employees=setup.employees_of(employees),
        stored=str(file),
    )
    setup.write(report.as_json(measurement, found, around), say)
    return stored


def _stored(
    setup: Setup, measurement: Measurement, arm: str, files: Mapping[str, str]
) -> StoredBaseline:
    seen = measurement.of(arm)
    tables = measurement.digests[arms.WARM]
    simulated = int(tables[_CENSUS].split()[0]) if _CENSUS in tables else 0
    return StoredBaseline(
        subject=subject_of(files, simulated, max(1, len(setup.scenarios))),
        arm=arm,
        measured_at=setup.started,
        years=len(setup.years),
        rounds=measurement.rounds,
        foundation_setup_ms=1000 * _median([each.foundation_s for each in seen]),
        year_processing_ms=1000 * median(_years_ms(seen)),
        total_simulation_ms=1000 * median(each.wall_s for each in seen),
        versions=versions(),
    )


def _years_ms(seen: Sequence[Observation]) -> list[float]:
    """The median over the years of each round."""
    return [median(each.years_s.values()) for each in seen if each.years_s]


def _median(values: Sequence[float | None]) -> float:
    return median(value for value in values if value is not None)


def _quoted_by(stored: StoredBaseline) -> str:
    who = f"{stored.subject.people:,} people" if stored.subject.people else "no census"
    several = stored.subject.scenarios
    of = f", {several} scenarios in one pass" if several > 1 else ""
    return (
        f"It is quoted by runs of this project as it is now, with {who}{of}, on this machine; its "
        f"total by those of {stored.years} year{'s' if stored.years > 1 else ''}."
    )
