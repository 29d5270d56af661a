"""Defaults of the simulation: read from the dbt project's seeds, the one place that has them."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeVar

import attrs

from planwise.errors import ProjectError
from planwise.scenarios.values import AgeBand, Level, TenureBand

if TYPE_CHECKING:
    from pathlib import Path

_Band = TypeVar("_Band", AgeBand, TenureBand)
_PARAMETER_COLUMNS = ("parameter", "value", "unit", "description")
_LEVEL_COLUMNS = tuple(column.name for column in attrs.fields(Level))


@attrs.frozen
class DefaultParameter:
    """A row of ``seeds/default_parameters.csv``.

    Attributes:
        parameter: its name, which is also its key in the configuration.
        value: plain text in human units.
        unit: rate, money, integer, multiplier, flag or text.
        description: what it does.
    """

    parameter: str
    value: str
    unit: str
    description: str


def read_default_parameters(dbt_project: Path) -> tuple[DefaultParameter, ...]:
    """Every scalar parameter of the simulation with its default, in the seed's order.

    Args:
        dbt_project: the folder of the dbt project.

    Raises:
        ProjectError: the seed is missing or does not have the columns that it should have.
    """
    rows = read_seed(dbt_project, "default_parameters", _PARAMETER_COLUMNS)
    return tuple(DefaultParameter(**row) for _, row in rows)


def read_default_levels(dbt_project: Path) -> tuple[Level, ...]:
    """The default job levels, in the seed's order.

    Args:
        dbt_project: the folder of the dbt project.

    Raises:
        ProjectError: the seed is missing, or a row of it is no level; the line is named.
    """
    levels = []
    for place, row in read_seed(dbt_project, "default_levels", _LEVEL_COLUMNS):
        try:
            levels.append(
                Level(
                    level=int(row["level"]),
                    level_name=row["level_name"],
                    min_pay=Decimal(row["min_pay"]),
                    max_pay=Decimal(row["max_pay"]),
                    merit_rate=Decimal(row["merit_rate"]),
                    new_hire_percentile=Decimal(row["new_hire_percentile"]),
                )
            )
        except InvalidOperation:
            raise ProjectError(
                f"{place}: expected plain numbers, got {list(row.values())}"
            ) from None
        except (ValueError, TypeError) as error:
            raise ProjectError(f"{place}: {error}") from None
    return tuple(levels)


def read_default_bands(dbt_project: Path) -> tuple[tuple[AgeBand, ...], tuple[TenureBand, ...]]:
    """The default age bands and tenure bands, in the order of their seeds.

    Args:
        dbt_project: the folder of the dbt project.

    Raises:
        ProjectError: a seed is missing, or a row of it is no band; the line is named.
    """
    return (
        tuple(
            _band(AgeBand, *row) for row in read_seed(dbt_project, *_columns("age_bands", AgeBand))
        ),
        tuple(
            _band(TenureBand, *row)
            for row in read_seed(dbt_project, *_columns("tenure_bands", TenureBand))
        ),
    )


def _columns(table: str, row_type: type[_Band]) -> tuple[str, tuple[str, ...]]:
    return f"default_{table}", tuple(column.name for column in attrs.fields(row_type))


def _band(row_type: type[_Band], place: str, row: dict[str, str]) -> _Band:
    label, low, high, termination, promotion = row.values()
    try:
        return row_type(label, int(low), int(high), Decimal(termination), Decimal(promotion))
    except InvalidOperation:
        raise ProjectError(f"{place}: expected plain numbers, got {list(row.values())}") from None
    except (ValueError, TypeError) as error:
        raise ProjectError(f"{place}: {error}") from None


def read_seed(
    dbt_project: Path, seed: str, columns: tuple[str, ...]
) -> list[tuple[str, dict[str, str]]]:
    """The rows of a seed, as text, with the place of each.

    Args:
        dbt_project: the folder of the dbt project.
        seed: its name, without folder and extension.
        columns: the columns that are asked for.

    Raises:
        ProjectError: the seed is missing, has no rows, or not every column in every row.
    """
    path = dbt_project / "seeds" / f"{seed}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(f"{path}:{reader.line_num}", row) for row in reader]
            header = tuple(reader.fieldnames or ())
    except OSError as error:
        raise ProjectError(
            f"{path}: cannot be read: {error.strerror}; a default of it is needed"
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ProjectError(f"{path}: not a CSV file in UTF-8: {error}") from None
    if missing := [column for column in columns if column not in header]:
        raise ProjectError(
            f"{path}: expected the columns {', '.join(columns)}; missing: {', '.join(missing)}"
        )
    if not rows:
        raise ProjectError(f"{path}: expected at least one row below the header")
    for place, row in rows:
        if any(row[column] is None for column in columns):
            raise ProjectError(f"{place}: expected {len(header)} cells, got fewer")
    return [(place, {column: row[column] for column in columns}) for place, row in rows]
