"""Runs the arms in random order, each in fresh processes, and holds their results together."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks.arms import (
    FOUNDATION,
    Arm,
    Job,
    database_of,
    planwise_command,
    results_of,
    steps,
)
from benchmarks.process import Cost, run
from planwise.errors import PlanwiseError

_FOREIGN_PREFIXES: Final = ("DBT_", "DUCKDB_", "PLANWISE_")
"""Variables that would change what an arm does; the arms run without the caller's."""


class DigestsDifferError(PlanwiseError):
    """Two arms do not give the same tables: there is nothing to compare."""


@frozen
class Observation:
    """One run of one arm.

    Attributes:
        wall_s, cpu_s: sums over its processes, from the start of each to its end.
        peak_rss_bytes: of the largest of its processes.
        foundation_s: the foundation with its inputs and parsing.
        years_s: each simulation year.
    """

    arm: str
    round: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    foundation_s: float
    years_s: Mapping[int, float]

    @property
    def around_s(self) -> float:
        """What is neither foundation nor year: start of Python, imports, publishing, report."""
        return self.wall_s - self.foundation_s - sum(self.years_s.values())


@frozen
class Measurement:
    """All that was observed.

    Attributes:
        observations: in the order in which they were made.
        digests: of every table, the same for every arm that has it.
        tables_compared: by arm, how many tables it shares with the reference.
    """

    observations: tuple[Observation, ...]
    digests: Mapping[str, str]
    tables_compared: Mapping[str, int]

    def of(self, arm: str) -> list[Observation]:
        """The observations of an arm, by round."""
        return sorted((o for o in self.observations if o.arm == arm), key=lambda o: o.round)


def measure(
    arms: Sequence[Arm],
    job: Job,
    *,
    rounds: int,
    seed: int,
    scratch: Path,
    say: Callable[[str], None],
) -> Measurement:
    """Check that the arms agree, then measure them.

    Each arm is run once before anything counts, and its tables are compared with the reference's;
    that also fills the file cache for all alike. Then each round runs every arm once, in an order
    of its own.

    Args:
        arms: the reference first.
        job: what each computes.
        rounds: how often each is measured.
        seed: of the order.
        scratch: a folder for results, emptied after each run.
        say: told of progress.

    Raises:
        DigestsDifferError: two arms differ; the tables are named.
        StepFailedError: a process failed.
    """
    reference: dict[str, str] = {}
    compared: dict[str, int] = {}
    observations: list[Observation] = []
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    # Round 0 is the comparison, the reference first; its times are not kept.
    for number in range(rounds + 1):
        sequence = list(arms)
        if number:
            order.shuffle(sequence)
        for arm in sequence:
            folder = scratch / "run"
            folder.mkdir()
            observation = _run_arm(arm, job, number, folder)
            digests = _digests(folder)
            reference = reference or digests
            compared[arm.name] = check_same_tables(arm, digests, reference)
            shutil.rmtree(folder)
            if number:
                observations.append(observation)
            what = f"round {number} of {rounds}" if number else "same tables, not counted"
            say(f"{what}: {arm.name} {observation.wall_s:.2f} s")
    return Measurement(tuple(observations), reference, compared)


def differing_tables(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The tables that both have and that are not the same."""
    return sorted(name for name in one.keys() & other.keys() if one[name] != other[name])


def check_same_tables(arm: Arm, digests: Mapping[str, str], reference: Mapping[str, str]) -> int:
    """Refuse an arm whose tables are not the reference's; gives how many they share.

    Args:
        arm: the arm.
        digests: of its tables.
        reference: of the first arm's.

    Raises:
        DigestsDifferError: a table that both have differs, or they share none.
    """
    differing = differing_tables(digests, reference)
    if differing:
        raise DigestsDifferError(
            f"arm '{arm.name}' gives other tables than the first arm: {', '.join(differing)}; "
            "nothing is reported, since an optimization must not change a result"
        )
    shared = len(digests.keys() & reference.keys())
    if not shared:
        raise DigestsDifferError(f"arm '{arm.name}' has no table in common with the first arm")
    return shared


def _run_arm(arm: Arm, job: Job, number: int, folder: Path) -> Observation:
    costs: list[tuple[str, Cost]] = []
    for index, step in enumerate(steps(arm, job, folder)):
        cost = run(
            step.command,
            cwd=folder,
            environment={**clean_environment(), **step.environment},
            log=folder / f"{index}.log",
        )
        costs.append((step.phase, cost))
    if arm.toggles is None:
        phases = {name: sum(c.wall_s for phase, c in costs if phase == name) for name, _ in costs}
    else:
        phases = _phases(results_of(folder))
    return Observation(
        arm=arm.name,
        round=number,
        wall_s=sum(cost.wall_s for _, cost in costs),
        cpu_s=sum(cost.cpu_s for _, cost in costs),
        peak_rss_bytes=max(cost.peak_rss_bytes for _, cost in costs),
        foundation_s=phases[FOUNDATION],
        years_s={year: phases[str(year)] for year in job.years},
    )


def _phases(results: Path) -> dict[str, float]:
    """Seconds of each phase, as planwise measured them itself."""
    content = json.loads(results.read_text(encoding="utf-8"))
    years = {str(phase["year"]): float(phase["wall_s"]) for phase in content["year_phases"]}
    return {FOUNDATION: float(content["foundation"]["wall_s"]), **years}


def _digests(folder: Path) -> dict[str, str]:
    log = folder / "digest.json"
    run(
        planwise_command("digest", str(database_of(folder))),
        cwd=folder,
        environment=clean_environment(),
        log=log,
    )
    tables = json.loads(log.read_text(encoding="utf-8"))["tables"]
    return {name: f"{table['rows']} {table['digest']}" for name, table in tables.items()}


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer planwise, dbt or DuckDB."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN_PREFIXES)}
    return kept | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
