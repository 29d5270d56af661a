"""What the simulation reads as sources: census and scenarios, written to schema ``inputs``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from planwise.errors import ConfigError, ProjectError
from planwise.interruption import call_interruptibly

if TYPE_CHECKING:
    from planwise.census import CensusSummary
    from planwise.config import Config
    from planwise.config.plan_rules import PlanDefaults
    from planwise.scenarios import Scenario


@frozen
class InputsSummary:
    """What was loaded.

    Attributes:
        census: what was read, assumed, repaired and set aside.
        synthetic: the number of people if the census was generated, else None.
        scenarios: the scenarios that were written.
        files: the scenario file of each scenario that has one.
        warnings: sentences for the user.
    """

    census: CensusSummary
    synthetic: int | None
    scenarios: tuple[Scenario, ...]
    warnings: tuple[str, ...]
    files: Mapping[str, Path] = field(factory=dict)

    def lines(self) -> list[str]:
        """The summary for a terminal."""
        lines = self.census.lines()
        if self.synthetic is not None:
            lines[0] = (
                f"census: none given, so {self.synthetic:,} synthetic people were generated "
                "(give your own with --census FILE)"
            )
        for scenario in self.scenarios if self.files else ():
            name = scenario.scenario_id
            file = self.files.get(name, "the configuration itself")
            draws = f", draws of {scenario.draws}" if scenario.draws not in {None, name} else ""
            lines.append(f"scenario {name}: {file}{draws}")
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


def check_scenarios(configs: Sequence[Config], dbt_project: Path) -> tuple[str, ...]:
    """Check what only the project's defaults and the settled years can tell of the plan.

    Args:
        configs: the settled configurations, one a scenario.
        dbt_project: the folder of the dbt project; one without the seeds of the plan is another
            project, of which nothing is known.

    Returns:
        Warnings for the user.

    Raises:
        ConfigError: a key contradicts a default, or the first year has no limits.
        ProjectError: a seed is not what it should be.
    """
    from planwise.config.plan_rules import plan_findings, plan_warnings

    defaults = _plan_defaults(dbt_project)
    if defaults is None:
        return ()
    problems: list[str] = []
    warnings: list[str] = []
    for config in configs:
        found = [*plan_findings(config.plan, defaults), *_limits_of_first_year(config, defaults)]
        problems += [config.problem(("plan", *path), text) for path, text in found]
        whose = f"scenario {config.simulation.scenario}: " if len(configs) > 1 else ""
        warnings += [whose + text for text in plan_warnings(config.plan, defaults)]
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    return tuple(warnings)


def load_inputs_interruptibly(
    connection: Any, configs: Sequence[Config], dbt_project: Path, work: Path
) -> InputsSummary:
    """:func:`load_inputs` beside the calling thread, so that Ctrl-C stops it at once."""
    return call_interruptibly(
        lambda: load_inputs(connection, configs, dbt_project, work), connection.interrupt
    )


def load_inputs(
    connection: Any, configs: Sequence[Config], dbt_project: Path, work: Path
) -> InputsSummary:
    """Write the census and the scenarios of configurations into a database.

    Args:
        connection: a DuckDB connection or cursor with no transaction open.
        configs: the settled configurations, one a scenario; census and years are the first's, and
            no scenario can change them.
        dbt_project: the simulation's folder, for its default tables.
        work: a folder for the synthetic census, if one has to be made.

    Raises:
        CensusError: the census cannot be used.
        ConfigError: a scenario contradicts a default, or the first year has no limits.
        PlanwiseError: the scenarios cannot be written.
    """
    from planwise.census import CensusOptions, generate_census, load_census
    from planwise.scenarios import scenario_from_config, settle_levels, write_scenarios

    warnings = check_scenarios(configs, dbt_project)
    config = configs[0]
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
    described = [
        scenario_from_config(
            each, first_year=config.years[0], census_date=date, seed=each.simulation.seed
        )
        for each in configs
    ]
    scenarios = settle_levels(connection, described, dbt_project)
    write_scenarios(connection, scenarios)
    files = {each.simulation.scenario: each.scenario_file for each in configs if each.scenario_file}
    return InputsSummary(
        census, synthetic, scenarios, ((warning,) if warning else ()) + warnings, files
    )


def reads_inputs(dbt_project: Path) -> bool:
    """Whether a project is the simulation that reads the census and the scenarios.

    Args:
        dbt_project: the folder of the dbt project.
    """
    return (dbt_project / "seeds" / "default_parameters.csv").is_file()


def _plan_defaults(dbt_project: Path) -> PlanDefaults | None:
    """What the rules of the plan need of the project's seeds; None for another project."""
    from planwise.config.plan_rules import PlanDefaults
    from planwise.scenarios import read_default_parameters
    from planwise.scenarios.defaults import read_seed

    if not (dbt_project / "seeds" / "default_irs_limits.csv").is_file():
        return None

    def column(table: str, *names: str) -> list[tuple[Decimal, ...]]:
        rows = read_seed(dbt_project, f"default_{table}", names)
        try:
            return [tuple(Decimal(row[name]) for name in names) for _, row in rows]
        except InvalidOperation:
            raise ProjectError(
                f"{dbt_project}/seeds/default_{table}.csv: expected numbers as {', '.join(names)}"
            ) from None

    return PlanDefaults(
        parameters={row.parameter: row.value for row in read_default_parameters(dbt_project)},
        age_bands=tuple(int(low) for (low,) in column("enrollment_age_bands", "min_age")),
        pay_bands=tuple(low for (low,) in column("enrollment_pay_bands", "min_pay")),
        deferrals=tuple(
            (int(age), pay) for age, pay in column("enrollment_deferrals", "min_age", "min_pay")
        ),
        first_limit_year=min(int(year) for (year,) in column("irs_limits", "limit_year")),
    )


def _limits_of_first_year(
    config: Config, defaults: PlanDefaults
) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong if the limits begin too late: the year before the first one is needed too."""
    first, given = config.years[0], config.plan.irs_limits
    begins = given[0].limit_year if given else defaults.first_limit_year
    if begins < first:
        return []
    needed = f"since the first simulation year is {first} and needs the limits of {first - 1} too"
    origin = config.source("simulation.start_year")
    if given:
        text = f"expected {first - 1} or earlier ({needed}; {origin}), got {begins}"
        return [(("irs_limits", 0, "limit_year"), text)]
    text = f"expected a table that begins in {first - 1} or earlier, {needed} ({origin}), but the"
    text += f" key is missing and the default table begins in {begins}; give plan.irs_limits, or"
    return [(("irs_limits",), f"{text} start in {begins + 1} or later")]
