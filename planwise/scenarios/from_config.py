"""From the configuration's sections to a scenario."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from planwise.scenarios.values import (
    FROM_CENSUS,
    ROW_TYPES,
    HireAge,
    RaiseMonth,
    Row,
    Scenario,
    TableName,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from planwise.config import Config

_PLACES = {"money": 2}
_SECTIONS = ("workforce", "compensation", "plan")


def scenario_from_config(
    config: Config, *, first_year: int, census_date: date, seed: int
) -> Scenario:
    """The scenario that a configuration describes.

    Args:
        config: the settings; a key of ``workforce``, ``compensation`` or ``plan`` that it does not
            give is left to the defaults of the dbt project.
        first_year: the first simulation year.
        census_date: the day that the census describes.
        seed: the seed of every draw.

    Returns:
        The scenario. With ``workforce.levels: from_census`` it has ``derive_levels`` set and goes
        through :func:`planwise.scenarios.settle_levels` once the census is loaded.
    """
    parameters: dict[str, str] = {}
    tables: dict[TableName, tuple[Row, ...]] = {}
    sources = {
        "draws": config.source("simulation.draws"),
        "seed": _origin(config, "simulation.seed", config.simulation.seed == seed),
        "first_year": _origin(
            config, "simulation.start_year", config.simulation.start_year == first_year
        ),
        "census_date": _origin(config, "census.date", config.census.date in {None, census_date}),
    }
    derive_levels = False
    for section in _SECTIONS:
        model = getattr(config, section)
        for key, field in type(model).model_fields.items():
            value = getattr(model, key)
            if value is None:
                continue
            sources[key] = config.source(f"{section}.{key}")
            if key == "levels" and value == FROM_CENSUS:
                derive_levels = True
            elif key in ROW_TYPES:
                tables[key] = _rows(key, value)
            else:
                unit = next((getattr(rule, "unit", "") for rule in field.metadata), "")
                parameters[key] = parameter_text(value, unit)
    return Scenario(
        config.simulation.scenario,
        seed=seed,
        first_year=first_year,
        census_date=census_date,
        draws=config.simulation.draws,
        parameters=parameters,
        tables=tables,
        sources=sources,
        derive_levels=derive_levels,
    )


def _origin(config: Config, key: str, is_the_configured: bool) -> str:
    return config.source(key) if is_the_configured else "program"


def parameter_text(value: Decimal | int | str, unit: str) -> str:
    """A parameter as plain text: ``0.035``, ``56000.00``, ``12``, ``true``; never ``3.5E-2``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(round(value, _PLACES[unit]) if unit in _PLACES else value, "f")
    return str(value)


def _rows(table: TableName, value: Any) -> tuple[Row, ...]:
    """The rows of a table; months that are not named have no share."""
    if table == "raise_months":
        months: Mapping[int, Decimal] = value
        return tuple(RaiseMonth(month, months.get(month, Decimal(0))) for month in range(1, 13))
    if table == "hire_ages":
        return tuple(HireAge(age, weight) for age, weight in value.items())
    row_type: Any = ROW_TYPES[table]
    columns = [column.name for column in attrs.fields(row_type)]
    return tuple(row_type(**{name: getattr(row, name) for name in columns}) for row in value)
