"""``planwise bench combinations``: plugins on and off, and what each of them contributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from planwise.bench import report
from planwise.bench.contributions import by_all_combinations, by_pairs, chart, table
from planwise.bench.session import Setup, people
from planwise.bench.surroundings import Hooks
from planwise.bench.toggles import (
    ALL_OFF,
    ALL_ON,
    every_combination,
    measure_alike,
    one_in,
    simulating,
    toggle_flags,
    toggles_of_arms,
)
from planwise.errors import UsageError
from planwise.plugins import unknown_plugin_message

LEAVE_ONE_OUT: Final = "leave-one-out"
ONE_IN: Final = "one-in"
ALL: Final = "all"
MOST_PLUGINS: Final = 8
"""Of all combinations: 256 arms."""

_METHODS: Final = {
    LEAVE_ONE_OUT: "with it and all others / with the others alone",
    ONE_IN: "with it alone / with none",
    ALL: "Shapley value over all combinations; the factors multiply to the last line",
}


def combined_plugins(wanted: Sequence[str] | None, installed: Sequence[str]) -> list[str]:
    """The plugins to combine, each once, in name order.

    Args:
        wanted: names, commas allowed between them; None for every one that is installed.
        installed: those that there are.

    Raises:
        UsageError: there is no such plugin, or none at all.
    """
    names = (
        list(installed)
        if wanted is None
        else [name for each in wanted for name in each.split(",") if name]
    )
    for name in names:
        if name not in installed:
            raise UsageError(f"--plugins: {unknown_plugin_message(name, installed)}")
    if not names:
        raise UsageError(
            f"--plugins: there is no plugin to combine; installed: {', '.join(installed) or 'none'}"
        )
    return sorted(set(names))


def toggles_of(mode: str, plugins: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Each plugin, on or off, in each arm; the reference is the first arm.

    Args:
        mode: :data:`LEAVE_ONE_OUT`, :data:`ONE_IN` or :data:`ALL`.
        plugins: the plugins to combine.

    Raises:
        UsageError: the combinations are too many.
    """
    if mode == ONE_IN:
        return one_in(plugins)
    if mode == LEAVE_ONE_OUT:
        return toggles_of_arms(plugins)
    if len(plugins) > MOST_PLUGINS:
        raise UsageError(
            f"--all: {len(plugins)} plugins have {1 << len(plugins)} combinations, each an arm; "
            f"name at most {MOST_PLUGINS} with --plugins, or take --leave-one-out"
        )
    return every_combination(plugins)


def combine(
    setup: Setup,
    *,
    employees: int,
    mode: str,
    toggles: Mapping[str, Mapping[str, bool]],
    hooks: Mapping[str, Hooks],
    cold: bool,
    say: Callable[[str], None],
) -> None:
    """Measure the arms, and print and write what each plugin contributes.

    Args:
        setup: how the benchmark was called.
        employees: people of a synthetic census.
        mode: what :func:`toggles_of` was asked for.
        toggles: what it gave.
        hooks: the active hooks in each arm.
        cold: whether caches are empty in each run.
        say: told of progress, and the result.

    Raises:
        PlanwiseError: a run fails, or two arms do not give the same tables.
    """
    reference = ALL_OFF if mode == ONE_IN else ALL_ON
    setup.announce(f"{len(toggles)}: {', '.join(toggles)}", say)
    arms = [simulating(name, toggle_flags(each), cold=cold) for name, each in toggles.items()]
    measurement = measure_alike(setup, arms, employees, reference, say)
    found = report.comparisons(measurement, setup.seed)
    if mode == ALL:
        shares = by_all_combinations(measurement, toggles, setup.seed)
    else:
        shares = by_pairs(measurement, toggles, reference, setup.seed)
    say(report.said_to_be_same(measurement, people(setup, employees), len(setup.years)))
    say("\n".join(report.whole_table(measurement, found, reference=reference)))
    say(f"\nContribution of each plugin: {_METHODS[mode]}\n")
    say("\n".join(table(shares)))
    say("\n" + "\n".join(chart(shares)))
    around = setup.surroundings(
        hooks,
        benchmark="combinations",
        mode=mode,
        reference=reference,
        cold=cold,
        employees=setup.employees_of(employees),
        toggles={name: dict(each) for name, each in toggles.items()},
        contributions={name: attrs.asdict(each) for name, each in shares.items()},
    )
    setup.write(report.as_json(measurement, found, around), say)
