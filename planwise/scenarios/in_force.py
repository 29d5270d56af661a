"""What is in force in a scenario, defaults and the rows of tables included, and how two differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import attrs

from planwise.scenarios.defaults import read_default_parameters, read_seed
from planwise.scenarios.describe import describe_parameters
from planwise.scenarios.rows import ROW_TYPES, Row, TableName

if TYPE_CHECKING:
    from pathlib import Path

    from planwise.scenarios.values import Scenario

BY_FORMULA: Final = "by_formula"

MATCH_VESTING_BY_FORMULA: Final[Mapping[str, str]] = {"tiered": "immediate", "qaca": "cliff_2"}
"""Schedules of the safe harbors; a match of any other formula vests 2 to 6 graded."""

_OTHER_MATCH_VESTING: Final = "graded_2_to_6"
_CHOSEN_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "match_tiers": ("match_formula",),
    "core_tiers": ("core_formula",),
    "vesting_steps": ("match_vesting", "match_formula", "core_vesting"),
}
"""Words that choose which default rows of a table are in force."""

_LABELS: Final = frozenset({"age_band", "tenure_band", "level_name", "money_source"})
"""Columns that are names, where 1.0 is not 1."""


@attrs.frozen
class Setting:
    """A parameter or a table in force.

    Attributes:
        name: the parameter, or the table.
        value: as plain text in human units; of a table, how many rows it has.
        source: ``default``, or where it was set.
        is_table: whether it is a table.
        rows: of a table, its rows in force: text by column.
    """

    name: str
    value: str
    source: str
    is_table: bool = False
    rows: tuple[Mapping[str, str], ...] = ()

    def same_as(self, other: Setting) -> bool:
        """Whether the two say the same, however it is written: 0.10 is 0.1."""
        if self.rows or other.rows:
            return _plain(self.rows) == _plain(other.rows)
        return _plain_text(self.value) == _plain_text(other.value)


def settings_in_force(scenario: Scenario, dbt_project: Path) -> tuple[Setting, ...]:
    """Everything that decides a scenario's results.

    Args:
        scenario: the scenario.
        dbt_project: the folder of the dbt project, for the defaults.

    Returns:
        As :func:`planwise.scenarios.describe_parameters`, with the rows of every table. Pay bands
        that are yet to be taken from the census have none.

    Raises:
        ProjectError: a seed with defaults is missing or wrong.
    """
    defaults = read_default_parameters(dbt_project)
    words = {row.parameter: row.value for row in defaults} | dict(scenario.parameters)
    settings = []
    for line in describe_parameters(scenario, defaults):
        table = next((name for name in ROW_TYPES if name == line.parameter), None)
        if table is None:
            settings.append(Setting(line.parameter, line.value, line.source))
            continue
        rows: tuple[Mapping[str, str], ...] = ()
        if not (table == "levels" and scenario.derive_levels):
            rows = tuple(_rows(table, scenario, dbt_project, words))
        value = line.value if scenario.derive_levels and table == "levels" else _count(rows)
        source = line.source
        if table not in scenario.tables:
            chosen = (scenario.source(word) for word in _CHOSEN_BY.get(table, ()))
            source = next((each for each in chosen if each != "default"), source)
        settings.append(Setting(table, value, source, is_table=True, rows=rows))
    return tuple(settings)


def differing(
    one: Iterable[Setting], other: Iterable[Setting]
) -> tuple[tuple[Setting, Setting], ...]:
    """The settings in which two scenarios differ, those of the first beside the second's."""
    pairs = zip(one, other, strict=True)
    return tuple((mine, theirs) for mine, theirs in pairs if not mine.same_as(theirs))


def _rows(
    table: TableName, scenario: Scenario, dbt_project: Path, words: Mapping[str, str]
) -> Iterable[Mapping[str, str]]:
    """The rows of a table in force; of tiers and steps, those that the words of the plan choose."""
    given = [_text(row) for row in scenario.tables.get(table, ())]
    columns = tuple(column.name for column in attrs.fields(ROW_TYPES[table]))
    if table == "vesting_steps":
        for source in ("match", "core"):
            schedule = _schedule(source, words)
            if schedule == "custom":
                yield from (row for row in given if row["money_source"] == source)
                continue
            seed = ("vesting_schedule", *columns[1:])
            for row in _default_rows(dbt_project, table, seed):
                if row["vesting_schedule"] == schedule:
                    yield {"money_source": source} | {name: row[name] for name in columns[1:]}
    elif given:
        yield from given
    elif table in {"match_tiers", "core_tiers"}:
        word = table.replace("_tiers", "_formula")
        for row in _default_rows(dbt_project, table, (word, *columns)):
            if row[word] == words[word]:
                yield {name: row[name] for name in columns}
    else:
        yield from _default_rows(dbt_project, table, columns)


def _schedule(source: str, words: Mapping[str, str]) -> str:
    schedule = words[f"{source}_vesting"]
    if schedule != BY_FORMULA:
        return schedule
    return MATCH_VESTING_BY_FORMULA.get(words["match_formula"], _OTHER_MATCH_VESTING)


def _default_rows(
    dbt_project: Path, table: TableName, columns: tuple[str, ...]
) -> list[dict[str, str]]:
    return [row for _, row in read_seed(dbt_project, f"default_{table}", columns)]


def _text(row: Row) -> Mapping[str, str]:
    """The cells of a row as text; a number without exponent and zeros at its end."""
    return {
        name: _plain_text(str(cell)) if isinstance(cell, Decimal) else str(cell)
        for name, cell in attrs.asdict(row).items()
    }


def _count(rows: tuple[Mapping[str, str], ...]) -> str:
    return {0: "no rows", 1: "1 row"}.get(len(rows), f"{len(rows)} rows")


def _plain(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {name: cell if name in _LABELS else _plain_text(cell) for name, cell in row.items()}
        for row in rows
    ]


def _plain_text(text: str) -> str:
    """A number in one spelling; anything else as it is."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    return format(number.normalize() if number else Decimal(0), "f")
