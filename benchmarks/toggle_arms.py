"""The arms of ``toggles.py``: planwise with each plugin off, and plain dbt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planwise.bench.arms import PER_YEAR, Arm, per_year_steps, prepare_dbt
from planwise.bench.toggles import ALL_ON, simulating, toggle_flags, toggles_of_arms
from planwise.errors import UsageError


def all_arms(plugins: Iterable[str]) -> dict[str, Arm]:
    """Every arm, by name: all plugins on, each one off alone, all off, and plain dbt.

    Args:
        plugins: the names of the installed plugins.
    """
    arms = [
        simulating(name, toggle_flags(toggles), cold=True)
        for name, toggles in toggles_of_arms(plugins).items()
    ]
    arms.append(Arm(PER_YEAR, per_year_steps, prepare_dbt))
    return {arm.name: arm for arm in arms}


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
    return [arm for arm in known.values() if not wanted or arm.name in {ALL_ON, *wanted}]
