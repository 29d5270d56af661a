"""Arms that are a branch: each goes on from the states that it has stored itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve

from planwise.bench.arms import Arm
from planwise.bench.job import Job, Place, Step, database_of, simulate_step
from planwise.bench.keeping import caches_of

_SOURCE: Final = "source"
"""The folder, of what an arm keeps, with the run that it branches from."""


def branching(name: str, flags: Sequence[str], source: Sequence[int], *, cold: bool) -> Arm:
    """``planwise simulate --from`` with these flags, after a run with them that is not counted.

    Of that run the states are kept and not the database: a branch would copy it, and have few
    tables restored. So what is counted begins with the foundation, and with restoring every table
    of a year's state.

    Args:
        name: of the arm.
        flags: beyond what the job says.
        source: the years of the run that is branched from, the last of them where; the job has
            the years that follow.
        cold: as for :func:`planwise.bench.toggles.simulating`.
    """

    def prepare(job: Job, place: Place) -> list[Step]:
        folder = place.kept / _SOURCE
        folder.mkdir()
        first = evolve(job, years=tuple(source))
        return [simulate_step(first, folder, caches_of(place, cold=cold), *flags)]

    def steps(job: Job, place: Place) -> list[Step]:
        database = database_of(place.kept / _SOURCE)
        database.unlink(missing_ok=True)
        caches = caches_of(place, cold=cold)
        branch = ("--from", f"{database}@{source[-1]}")
        return [simulate_step(job, place.folder, caches, *flags, *branch)]

    return Arm(name, steps, prepare, flags=tuple(flags), keeps=not cold)
