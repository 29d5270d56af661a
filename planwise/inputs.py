"""What the simulation reads as sources: census and scenarios, written to schema ``inputs``."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from planwise.census import CensusSummary
    from planwise.config import Config
    from planwise.scenarios import Scenario


@frozen
class InputsSummary:
    """What was loaded.

    Attributes:
        census: what was read, assumed, repaired and set aside.
        synthetic: the number of people if the census was generated, else None.
        scenarios: the scenarios that were written.
        warnings: sentences for the user.
    """

    census: CensusSummary
    synthetic: int | None
    scenarios: tuple[Scenario, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """The summary for a terminal."""
        lines = self.census.lines()
        if self.synthetic is not None:
            lines[0] = (
                f"census: none given, so {self.synthetic:,} synthetic people were generated "
                "(give your own with --census FILE)"
            )
        return [*lines, *(f"  warning: {text}" for text in self.warnings)]


def settled_census_date(config: Config) -> tuple[datetime.date, str | None]:
    """The census date, configured or by default, and a warning if it is long before the start.

    Raises:
        CensusError: it is later than 31 December before the first year.
    """
    from planwise.census import check_census_date, default_census_date

    first = config.years[0]
    date = config.census.date or default_census_date(first)
    return date, check_census_date(date, first)


def load_inputs(connection: Any, config: Config, dbt_project: Path, work: Path) -> InputsSummary:
    """Write the census and the scenarios of a configuration into a database.

    Args:
        connection: a DuckDB connection or cursor with no transaction open.
        config: the settled configuration.
        dbt_project: the simulation's folder, for its default tables.
        work: a folder for the synthetic census, if one has to be made.

    Raises:
        CensusError: the census cannot be used.
        PlanwiseError: the scenario cannot be written.
    """
    from planwise.census import CensusOptions, generate_census, load_census
    from planwise.scenarios import scenario_from_config, settle_levels, write_scenarios

    date, warning = settled_census_date(config)
    path, synthetic = config.census.file, None
    if path is None:
        synthetic = config.census.synthetic.employees
        path = work / "synthetic_census.parquet"
        generate_census(synthetic, config.census.synthetic.seed, path, date, overwrite=True)
    options = CensusOptions(
        path=path,
        census_date=date,
        columns=config.census.columns if synthetic is None else {},
        deferral_unit=config.census.deferral_unit if synthetic is None else "fraction",
        pay_floor=config.census.pay_floor,
    )
    census = load_census(connection, options)
    scenario = scenario_from_config(
        config, first_year=config.years[0], census_date=date, seed=config.simulation.seed
    )
    scenarios = settle_levels(connection, [scenario], dbt_project)
    write_scenarios(connection, scenarios)
    return InputsSummary(census, synthetic, scenarios, (warning,) if warning else ())
