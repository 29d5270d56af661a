"""Pay bands taken from the census, for an employer whose scale is not the default's."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import attrs

from planwise.errors import CensusError, ProjectError
from planwise.scenarios.defaults import read_default_levels
from planwise.scenarios.values import Level, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

FROM_CENSUS_SHARES: Final = (60, 25, 10, 4, 1)
"""Per cent of the people, by pay, on levels 1 to 5."""

_HIGHEST_PAY_CENTS = 100_000_000_00
_MEND = "write workforce.levels as a table instead of from_census"


def shared_out(count: int, shares: Sequence[int]) -> tuple[int, ...]:
    """``count`` shared out by largest remainder; ties go to the earlier share.

    Args:
        count: how many there are, 0 or more.
        shares: weights, of which at least one is above 0.

    Returns:
        Whole numbers that add up to ``count``.
    """
    total = sum(shares)
    parts = [count * weight // total for weight in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: -(count * shares[i] % total))
    for i in by_remainder[: count - sum(parts)]:
        parts[i] += 1
    return tuple(parts)


def levels_from_census(
    connection: duckdb.DuckDBPyConnection, defaults: Sequence[Level]
) -> tuple[Level, ...]:
    """Job levels whose pay bands are those of groups of the census.

    The people are ordered by pay, ties by employee_id, and cut into groups of 60, 25, 10, 4 and
    1 % by largest remainder. A band goes from the lowest to the highest pay of its group. Pay that
    stands on both sides of a cut belongs to the lower level, so that no two bands share a pay.

    Args:
        connection: a database with the table ``inputs.census``.
        defaults: the default levels; name, merit rate and percentile are kept from them.

    Returns:
        One level for each default level.

    Raises:
        CensusError: the census has too few people, or too few different rates of pay, for every
            level to have somebody; or pay above what a band may hold.
        ProjectError: the defaults do not have as many levels as there are groups.
    """
    if len(defaults) != len(FROM_CENSUS_SHARES):
        raise ProjectError(
            f"seeds/default_levels.csv: from_census needs {len(FROM_CENSUS_SHARES)} levels, "
            f"got {len(defaults)}; {_MEND}"
        )
    row = connection.execute("SELECT count(*) FROM inputs.census").fetchone()
    people = int(row[0]) if row else 0
    sizes = shared_out(people, FROM_CENSUS_SHARES)
    if 0 in sizes:
        empty = defaults[sizes.index(0)]
        raise CensusError(
            f"workforce.levels: from_census: {people} people are too few to give level "
            f"{empty.level} ({empty.level_name}) any; {_MEND}"
        )
    bands: list[tuple[int, int]] = []
    for level, last in zip(defaults, accumulate(sizes), strict=True):
        bands.append(_band(connection, last, bands[-1][1] if bands else 0, level))
    if bands[-1][1] > _HIGHEST_PAY_CENTS:
        raise CensusError(
            f"workforce.levels: from_census: the highest pay, {_money(bands[-1][1])}, is above "
            f"{_money(_HIGHEST_PAY_CENTS)}, the most that a pay band may hold; "
            f"correct the census, or {_MEND}"
        )
    return tuple(
        attrs.evolve(level, min_pay=_money(low), max_pay=_money(high))
        for level, (low, high) in zip(defaults, bands, strict=True)
    )


def settle_levels(
    connection: duckdb.DuckDBPyConnection, scenarios: Iterable[Scenario], dbt_project: Path
) -> tuple[Scenario, ...]:
    """The scenarios, with levels from the census where they ask for it.

    Args:
        connection: a database with the table ``inputs.census``.
        scenarios: what :func:`planwise.scenarios.scenario_from_config` gave.
        dbt_project: the folder of the dbt project, whose default levels are built upon.

    Raises:
        CensusError, ProjectError: as for :func:`levels_from_census`.
    """
    levels: tuple[Level, ...] = ()
    settled = []
    for scenario in scenarios:
        if scenario.derive_levels:
            levels = levels or levels_from_census(connection, read_default_levels(dbt_project))
            scenario = attrs.evolve(  # noqa: PLW2901 - the settled one takes its place
                scenario, tables={**scenario.tables, "levels": levels}, derive_levels=False
            )
        settled.append(scenario)
    return tuple(settled)


def _band(
    connection: duckdb.DuckDBPyConnection, last: int, floor_cents: int, level: Level
) -> tuple[int, int]:
    """Lowest and highest pay of the group that ends with person number ``last``, in cents.

    ``floor_cents`` is the highest pay of the level below: pay up to it belongs there.
    """
    row = connection.execute(
        "SELECT min(pay) FILTER (WHERE pay > ?), max(pay) FROM ("
        "SELECT annual_compensation_cents AS pay FROM inputs.census "
        "ORDER BY annual_compensation_cents, employee_id LIMIT ?)",
        [floor_cents, last],
    ).fetchone()
    low, high = row if row else (None, None)
    if low is None or high is None:
        raise CensusError(
            f"workforce.levels: from_census: too many people are paid {_money(floor_cents)}: "
            f"nobody is left for level {level.level} ({level.level_name}); {_MEND}"
        )
    return int(low), int(high)


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
