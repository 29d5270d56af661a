"""The parameters in force and where each came from, for a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from planwise.scenarios.values import ROW_TYPES, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planwise.scenarios.defaults import DefaultParameter


@attrs.frozen
class ParameterLine:
    """One line of a report.

    Attributes:
        parameter: a parameter, or the name of a table.
        value: as plain text in human units; of a table, how many rows it has.
        source: ``default``, or where it was set.
    """

    parameter: str
    value: str
    source: str


def describe_parameters(
    scenario: Scenario, defaults: Iterable[DefaultParameter]
) -> tuple[ParameterLine, ...]:
    """Everything that decides the scenario's results, defaults included.

    Args:
        scenario: the scenario.
        defaults: from :func:`planwise.scenarios.read_default_parameters`.

    Returns:
        Seed, first year, census date and draws; then each parameter in the order of the defaults;
        then the tables.
    """
    lines = [
        ParameterLine(name, str(getattr(scenario, name)), scenario.sources.get(name, "program"))
        for name in ("seed", "first_year", "census_date")
    ]
    draws = scenario.draws or scenario.scenario_id
    lines.append(ParameterLine("draws", draws, scenario.sources.get("draws", "program")))
    lines += [
        ParameterLine(
            default.parameter,
            scenario.parameters.get(default.parameter, default.value),
            scenario.source(default.parameter),
        )
        for default in defaults
    ]
    for table in ROW_TYPES:
        rows = scenario.tables.get(table)
        value = f"{len(rows)} rows" if rows else "default rows"
        if table == "levels" and scenario.derive_levels:
            lines.append(
                ParameterLine(table, "from census", scenario.sources.get(table, "program"))
            )
        else:
            lines.append(ParameterLine(table, value, scenario.source(table)))
    return tuple(lines)
