"""Arms that are ``planwise simulate`` with flags of their own: toggles above all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Final

from planwise.bench.arms import Arm
from planwise.bench.job import Job, Place, Step, simulate_step
from planwise.bench.keeping import caches_of
from planwise.bench.runner import Measurement, Observation, contenders, measure
from planwise.bench.session import Setup

ALL_ON: Final = "all-on"
ALL_OFF: Final = "all-off"


def toggles_of_arms(plugins: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Each plugin, on or off, in each arm: all on, each one off alone, all off.

    Args:
        plugins: the names of the plugins.
    """
    names = sorted(plugins)
    found = {ALL_ON: dict.fromkeys(names, True)}
    if len(names) > 1:  # of one plugin, "it off" is "all off"
        found |= {f"no-{off}": {name: name != off for name in names} for off in names}
    if names:
        found[ALL_OFF] = dict.fromkeys(names, False)
    return found


def one_in(plugins: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Each plugin, on or off, in each arm: all off, each one on alone, all on.

    Args:
        plugins: the names of the plugins.
    """
    names = sorted(plugins)
    found = {ALL_OFF: dict.fromkeys(names, False)}
    if len(names) > 1:  # of one plugin, "it on" is "all on"
        found |= {f"only-{on}": {name: name == on for name in names} for on in names}
    if names:
        found[ALL_ON] = dict.fromkeys(names, True)
    return found


def every_combination(plugins: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Each plugin, on or off, in every combination, all on first.

    Args:
        plugins: the names of the plugins.
    """
    names = sorted(plugins)
    known = {
        tuple(toggles.values()): name
        for name, toggles in {**one_in(names), **toggles_of_arms(names)}.items()
    }
    found = {}
    for states in product((True, False), repeat=len(names)):
        on = [name for name, state in zip(names, states, strict=True) if state]
        arm = known.get(states) or "+".join(on)
        found[arm] = dict(zip(names, states, strict=True))
    return found


def toggle_flags(toggles: Mapping[str, bool]) -> list[str]:
    """The flags of ``planwise simulate`` that set these toggles.

    Args:
        toggles: each plugin, on or off.
    """
    return [f"--{plugin}" if on else f"--no-{plugin}" for plugin, on in toggles.items()]


def simulating(name: str, flags: Sequence[str], *, cold: bool) -> Arm:
    """``planwise simulate`` with these flags.

    Args:
        name: of the arm.
        flags: beyond what the job says.
        cold: whether its caches are empty in every run; else they are its own, begin as those of
            the reference after its first run, and are completed by the runs that are not counted.
    """

    def steps(job: Job, place: Place) -> list[Step]:
        return [simulate_step(job, place.folder, caches_of(place, cold=cold), *flags)]

    return Arm(name, steps, flags=tuple(flags), keeps=not cold)


def measure_alike(
    setup: Setup,
    arms: Sequence[Arm],
    employees: int,
    reference: str,
    say: Callable[[str], None],
    enough: Callable[[Sequence[Observation]], bool] | None = None,
) -> Measurement:
    """Measure arms of :func:`simulating`, which have the same tables and none more.

    Args:
        setup: how the benchmark was called.
        arms: the arms.
        employees: people of a synthetic census.
        reference: the arm that the others are held against.
        say: told of progress, and of rows that differ.
        enough: as for :func:`measure`.

    Raises:
        PlanwiseError: a run fails, or two arms do not give the same tables.
    """
    with setup.scratch_folder() as scratch:
        return measure(
            contenders(arms, setup.job(scratch, employees), reference),
            rounds=setup.rounds,
            seed=setup.seed,
            scratch=scratch,
            say=say,
            warmup=setup.warmup,
            deadline_s=setup.deadline_s,
            alike=True,
            enough=enough,
        )
