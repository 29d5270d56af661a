"""Runs the arms in random order, each in fresh processes, and holds their results together."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from planwise.bench.arms import Arm
from planwise.bench.job import (
    FOUNDATION,
    WHOLE,
    Job,
    Place,
    Step,
    clean_environment,
    results_of,
)
from planwise.bench.keeping import keep, lay_out
from planwise.bench.process import Cost, run
from planwise.bench.sameness import Sameness
from planwise.errors import PlanwiseError


class ArmRefusedError(PlanwiseError):
    """An arm that was asked for cannot run here."""


@frozen
class Contender:
    """An arm with the years that it runs.

    Attributes:
        name: the arm, and the years if they are not all.
        arm: the arm.
        job: what it computes.
        reference: the contender of the same years whose tables and times it is held against; its
            own name if it is that one.
    """

    name: str
    arm: Arm
    job: Job
    reference: str


@frozen
class Observation:
    """One run of one contender.

    Attributes:
        wall_s, cpu_s: sums over its processes, from the start of each to its end.
        peak_rss_bytes: of the largest of its processes.
        processes: how many there were.
        foundation_s: the foundation with its inputs and parsing; None if the arm has no phases.
        years_s: each simulation year; None likewise.
    """

    arm: str
    round: int
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    processes: int
    foundation_s: float | None
    years_s: Mapping[int, float] | None

    @property
    def around_s(self) -> float | None:
        """What is neither foundation nor year: start of Python, imports, publishing, report."""
        if self.foundation_s is None or self.years_s is None:
            return None
        return self.wall_s - self.foundation_s - sum(self.years_s.values())


@frozen
class Measurement:
    """All that was observed.

    Attributes:
        contenders: those that ran.
        observations: in the order in which they were made.
        digests: of every table of each reference, the same for every contender that has it.
        tables_compared: by contender, how many tables it shares with its reference.
    """

    contenders: tuple[Contender, ...]
    observations: tuple[Observation, ...]
    digests: Mapping[str, Mapping[str, str]]
    tables_compared: Mapping[str, int]

    @property
    def rounds(self) -> int:
        """How often each contender was measured: less than was asked for if time ran out."""
        return max(each.round for each in self.observations)

    def of(self, contender: str) -> list[Observation]:
        """The observations of a contender, by round."""
        return sorted((o for o in self.observations if o.arm == contender), key=lambda o: o.round)


def contenders(
    arms: Sequence[Arm], job: Job, reference: str, years: Mapping[str, int] | None = None
) -> list[Contender]:
    """The arms with their years, each reference before those that are held against it.

    Args:
        arms: the arms, among them the reference.
        job: what each computes.
        reference: the name of the arm that ratios are taken to.
        years: for arms that run fewer years, how many. Nothing is extrapolated: the reference arm
            is measured over those years too.
    """
    by_name = {arm.name: arm for arm in arms}
    found: dict[str, Contender] = {}

    def add(arm: Arm, count: int) -> None:
        part = "" if count == len(job.years) else f" ({count} year{'s' if count > 1 else ''})"
        name = arm.name + part
        found[name] = Contender(name, arm, job.first_years(count), reference + part)

    counts = {
        arm.name: min((years or {}).get(arm.name, len(job.years)), len(job.years)) for arm in arms
    }
    for count in sorted({len(job.years), *counts.values()}, reverse=True):
        add(by_name[reference], count)
        for arm in arms:
            if arm.name != reference and counts[arm.name] == count:
                add(arm, count)
    return list(found.values())


def measure(
    wanted: Sequence[Contender],
    *,
    rounds: int,
    seed: int,
    scratch: Path,
    say: Callable[[str], None],
    required: frozenset[str] = frozenset(),
    warmup: int = 1,
    deadline_s: float | None = None,
    alike: bool = False,
    enough: Callable[[Sequence[Observation]], bool] | None = None,
) -> Measurement:
    """Check that the arms agree, then measure them.

    Each contender is run before anything counts, and its tables are compared with its reference's;
    that also fills the file cache, and the caches that an arm keeps. Then each round runs every
    contender once, in an order of its own. Tables are compared after every run.

    Args:
        wanted: each reference before those that are held against it.
        rounds: how often each is measured, at the most.
        seed: of the order.
        scratch: a folder for results, emptied after each run.
        say: told of progress.
        required: arms that must run; another that cannot is left out, which is said.
        warmup: how often each is run before it counts, at least once.
        deadline_s: reading of ``time.monotonic()`` after which no round may end, as far as the
            longest round so far tells; one round is measured in any case. None for no deadline.
        alike: whether all run one program: then they have to have the same tables, none more, and
            a database of each reference is kept, so that rows that differ can be shown.
        enough: told all that was measured after each round; where it says so, no other is begun.

    Raises:
        ArmRefusedError: a required arm cannot run.
        DigestsDifferError: two arms differ; the tables are named.
        StepFailedError: a process failed.
    """
    running = _prepared(wanted, scratch, say, required)
    same = Sameness(scratch if alike else None)
    observations: list[Observation] = []
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    longest_s = 0.0
    # The first round is the comparison, the references first; its times are not kept.
    for number in range(1 - warmup, rounds + 1):
        began_s = time.monotonic()
        if number > 1 and deadline_s is not None and began_s + longest_s > deadline_s:
            say(
                f"time budget: stopped after {number - 1} of {rounds} rounds; another takes about "
                f"{longest_s:.0f} s, and would end after the budget"
            )
            break
        sequence = list(running)
        if number > 1 - warmup:
            order.shuffle(sequence)
        for each in sequence:
            with _place(each, scratch) as place:
                observation = _run_once(each, number, place, scratch)
                if each.arm.gives_tables:
                    same.check(each.name, each.reference, place.folder, say)
            if number > 0:
                observations.append(observation)
            what = f"round {number} of {rounds}" if number > 0 else "same tables, not counted"
            say(f"{what}: {each.name} {observation.wall_s:.2f} s")
        if number > 0:
            longest_s = max(longest_s, time.monotonic() - began_s)
            if enough is not None and enough(observations):
                break
    return Measurement(tuple(running), tuple(observations), same.digests, same.compared)


def _prepared(
    wanted: Sequence[Contender],
    scratch: Path,
    say: Callable[[str], None],
    required: frozenset[str],
) -> list[Contender]:
    """The contenders that can run, after what they need has been made."""
    running: list[Contender] = []
    for each in wanted:
        with _place(each, scratch) as place:
            place.kept.mkdir(parents=True)
            _costs(each.arm.prepare(each.job, place), place)
            refusal = each.arm.refusal(place)
        if refusal is None:
            running.append(each)
        elif each.arm.name in required:
            raise ArmRefusedError(f"arm '{each.arm.name}' cannot run: {refusal}")
        else:
            say(f"left out: {each.name}: {refusal}")
    return running


@contextmanager
def _place(contender: Contender, scratch: Path) -> Iterator[Place]:
    """Where a contender runs; every run is in a folder of the same name, since dbt notices."""
    place = Place(scratch / "run", _kept(scratch, contender.name))
    place.folder.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place.folder)


def _kept(scratch: Path, name: str) -> Path:
    return scratch / "kept" / name.replace(" ", "-")


def _run_once(contender: Contender, number: int, place: Place, scratch: Path) -> Observation:
    keeps = contender.arm.keeps
    if keeps:
        lay_out(place, _kept(scratch, contender.reference))
    costs = _costs(contender.arm.steps(contender.job, place), place)
    if keeps:
        keep(place)
    phases = _phases(costs, place.folder)
    years = {year: phases[str(year)] for year in contender.job.years if str(year) in phases}
    return Observation(
        arm=contender.name,
        round=number,
        wall_s=sum(cost.wall_s for _, cost in costs),
        cpu_s=sum(cost.cpu_s for _, cost in costs),
        peak_rss_bytes=max(cost.peak_rss_bytes for _, cost in costs),
        processes=len(costs),
        foundation_s=phases.get(FOUNDATION),
        years_s=years or None,
    )


def _costs(steps: Sequence[Step], place: Place) -> list[tuple[str, Cost]]:
    found = []
    for index, step in enumerate(steps):
        cost = run(
            step.command,
            cwd=place.folder,
            environment={**clean_environment(), **step.environment},
            log=place.folder / f"{index}.log",
        )
        found.append((step.phase, cost))
    return found


def _phases(costs: Sequence[tuple[str, Cost]], folder: Path) -> dict[str, float]:
    """Seconds of each phase: of its processes, or as the one process measured them itself."""
    if results_of(folder).is_file():
        content = json.loads(results_of(folder).read_text(encoding="utf-8"))
        years = {str(phase["year"]): float(phase["wall_s"]) for phase in content["year_phases"]}
        return {FOUNDATION: float(content["foundation"]["wall_s"]), **years}
    names = {phase for phase, _ in costs} - {WHOLE}
    return {name: sum(cost.wall_s for phase, cost in costs if phase == name) for name in names}
