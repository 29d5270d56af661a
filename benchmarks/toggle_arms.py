"""The arms of ``toggles.py``: planwise with each plugin off, and plain dbt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from planwise.bench.arms import PER_YEAR, Arm, per_year_steps, prepare_dbt
from planwise.bench.job import Job, Place, Step, simulate_step
from planwise.errors import UsageError

REFERENCE: Final = "all-on"
ALL_OFF: Final = "all-off"


def all_arms(plugins: Iterable[str]) -> dict[str, Arm]:
    """Every arm, by name: all plugins on, each one off alone, all off, and plain dbt.

    Args:
        plugins: the names of the installed plugins.
    """
    arms = [toggled(name, toggles) for name, toggles in toggles_of_arms(plugins).items()]
    arms.append(Arm(PER_YEAR, per_year_steps, prepare_dbt))
    return {arm.name: arm for arm in arms}


def toggles_of_arms(plugins: Iterable[str]) -> dict[str, dict[str, bool]]:
    """Each plugin, on or off, in each arm of planwise.

    Args:
        plugins: the names of the installed plugins.
    """
    names = sorted(plugins)
    found = {REFERENCE: dict.fromkeys(names, True)}
    if len(names) > 1:  # of one plugin, "it off" is "all off"
        found |= {f"no-{off}": {name: name != off for name in names} for off in names}
    if names:
        found[ALL_OFF] = dict.fromkeys(names, False)
    return found


def toggled(name: str, toggles: Mapping[str, bool]) -> Arm:
    """``planwise simulate`` with these toggles.

    Args:
        name: of the arm.
        toggles: each plugin, on or off.
    """
    flags = [f"--{plugin}" if on else f"--no-{plugin}" for plugin, on in toggles.items()]

    def steps(job: Job, place: Place) -> list[Step]:
        return [simulate_step(job, place.folder, place.folder / "caches", *flags)]

    return Arm(name, steps)


def chosen_arms(wanted: Sequence[str] | None, plugins: Iterable[str]) -> list[Arm]:
    """The arms that were asked for, the reference first: it is what ratios are taken to.

    Args:
        wanted: names of arms; None for every one.
        plugins: the names of the installed plugins.

    Raises:
        UsageError: there is no such arm.
    """
    known = all_arms(plugins)
    for name in wanted or ():
        if name not in known:
            raise UsageError(f"--arms: no arm '{name}'; there are: {', '.join(known)}")
    return [arm for arm in known.values() if not wanted or arm.name in {REFERENCE, *wanted}]
