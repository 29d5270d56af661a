"""Everything that a report of a run shows, gathered: figures of its tables, and its record."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from planwise.analysis.result_database import SCHEMA, ResultDatabase, open_database
from planwise.errors import WarehouseError
from planwise.run_files import RunFiles
from planwise.run_record import RunAccount, read_account
from planwise.runs.unfinished import UnfinishedRun, find_unfinished
from planwise.warehouse.lock import lock_holder

HEADCOUNT: Final = (
    *("opening", "hires", "new_hire_leavers", "experienced_leavers", "reduction_in_force"),
    *("closing", "target", "promotions", "payroll_cents"),
)
"""What a report needs of ``fct_headcount``."""
PLAN_COST: Final = (
    *("headcount", "payroll_cents", "eligible", "participants", "participation_rate_e5"),
    *("average_deferral_e5", "employee_contributions_cents", "match_cents", "core_cents"),
    *("reallocated_cents", "employer_gross_cents", "forfeitures_used_cents"),
    *("net_employer_cost_cents", "net_cost_share_e5", "limits_estimated"),
)
"""What a report needs of ``fct_plan_cost``."""
_KEY: Final = ("scenario_id", "replicate_id", "simulation_year")
Row = Mapping[str, Any]
ScenarioKey = tuple[str, int]


@frozen
class Lack:
    """A part that a report cannot have.

    Attributes:
        part: which one, in words.
        why: the reason, a sentence without its full stop.
    """

    part: str
    why: str


@frozen
class CensusFacts:
    """What the simulation began with.

    Attributes:
        people: those that are simulated.
        census_date: the day that the census describes; None if the result does not tell.
        findings: counts by what was done (``set_aside``, ``warning`` and so on) and why.
        file: the file; None if the record of the run does not tell.
        rows_read: rows of it, likewise.
        synthetic: whether the people were generated.
        columns: field to header, as far as the record tells.
        notes: sentences about the file.
    """

    people: int
    census_date: datetime.date | None
    findings: Mapping[tuple[str, str], int]
    file: str | None = None
    rows_read: int | None = None
    synthetic: bool = False
    columns: Mapping[str, str] = field(factory=dict)
    notes: tuple[str, ...] = ()


@frozen
class RunReport:
    """What a report shows.

    Attributes:
        database: the result, an absolute path.
        simulated_by: the version of planwise that made it; None if plain dbt did.
        made_at: when the figures were read, in UTC.
        scenarios: name and replicate of each, in order; a label of each is in :attr:`labels`.
        headcount, plan_cost: the rows of ``fct_headcount`` and ``fct_plan_cost`` by scenario,
            replicate and year; empty where a lack says why.
        census: what the simulation began with, if it reads a census.
        account: the record of the run, if it is there.
        lacks: what is missing, and why.
        unfinished: what became of the run, if it did not finish: the figures are those of its
            finished years.
    """

    database: Path
    simulated_by: str | None
    made_at: datetime.datetime
    scenarios: tuple[ScenarioKey, ...]
    headcount: tuple[Row, ...]
    plan_cost: tuple[Row, ...]
    census: CensusFacts | None
    account: RunAccount | None
    lacks: tuple[Lack, ...]
    unfinished: UnfinishedRun | None = None

    @property
    def labels(self) -> Mapping[ScenarioKey, str]:
        """The name of each scenario; with its replicate where there are several."""
        several = any(replicate != 1 for _, replicate in self.scenarios)
        return {
            key: f"{key[0]} (replicate {key[1]})" if several else key[0] for key in self.scenarios
        }

    @property
    def years(self) -> tuple[int, ...]:
        """The years that the figures or else the record tell of, in order."""
        rows = (*self.headcount, *self.plan_cost)
        years = {int(row["simulation_year"]) for row in rows}
        if self.unfinished is not None:
            return self.unfinished.finished
        if not years and self.account is not None:
            names = [phase.name for phase in self.account.phases]
            years = {int(name.removeprefix("year ")) for name in names if name != "foundation"}
        return tuple(sorted(years))


def gather_report(database: Path, *, finished: bool = False) -> RunReport:
    """Gather what a report of the last run shows.

    Args:
        database: the DuckDB file of the run.
        finished: whether the last finished run is meant, though a later one did not finish.

    Raises:
        DatabaseLockedError: another process writes to it.
        WarehouseError: it is missing, no DuckDB file, or nothing that planwise made.
    """
    files = RunFiles(database.resolve())
    unfinished = None if finished else find_unfinished(files)
    if unfinished is not None:
        return _of_unfinished(files, unfinished)
    if not database.is_file():
        raise WarehouseError(_no_such(database))
    lacks: list[Lack] = []
    account = _account(database, lacks)
    with open_database(database) as result:
        simulated_by = result.made_by()
        if account is None and simulated_by is None and "fct_headcount" not in result.columns:
            raise WarehouseError(
                f"{database}: is no result of planwise (no table fct_headcount, and no record of a "
                "run beside it); name the database of `planwise simulate`"
            )
        headcount, plan_cost = _figures(result, lacks)
        census = _census(result, account, lacks)
    return RunReport(
        database=files.database,
        simulated_by=simulated_by,
        made_at=datetime.datetime.now(tz=datetime.UTC),
        scenarios=_scenarios(headcount, plan_cost),
        headcount=headcount,
        plan_cost=plan_cost,
        census=census,
        account=account,
        lacks=tuple(lacks),
    )


def _no_such(database: Path) -> str:
    holder = lock_holder(database)
    if holder is not None:
        return f"{database}: process {holder} is still making it; wait for it to end"
    return (
        f"{database}: no such database; run `planwise simulate`, or name its result: "
        "planwise report FILE"
    )


def _of_unfinished(files: RunFiles, run: UnfinishedRun) -> RunReport:
    """What is known of a run that did not finish, with the figures of its finished years."""
    lacks: list[Lack] = []
    if run.account is None:
        lacks.append(Lack("How the run went", run.why))
    headcount: tuple[Row, ...] = ()
    plan_cost: tuple[Row, ...] = ()
    census = None
    if not run.finished:
        lacks.append(Lack("Figures of any year", "none was finished"))
    elif run.database is None:
        why = "their database is gone; --resume makes it anew from the stored states"
        lacks.append(Lack("Figures of the finished years", why))
    else:
        try:
            with open_database(run.database) as result:
                headcount, plan_cost = _figures(result, lacks, run.finished)
                census = _census(result, run.account, lacks)
        except WarehouseError as error:
            lacks.append(Lack("Figures of the finished years", str(error)))
    return RunReport(
        database=files.database,
        simulated_by=run.version,
        made_at=datetime.datetime.now(tz=datetime.UTC),
        scenarios=_scenarios(headcount, plan_cost),
        headcount=headcount,
        plan_cost=plan_cost,
        census=census,
        account=run.account,
        lacks=tuple(lacks),
        unfinished=run,
    )


def _figures(
    result: ResultDatabase, lacks: list[Lack], years: Sequence[int] = ()
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows of headcount and plan cost, of all years or of these."""
    return (
        _rows(result, "fct_headcount", HEADCOUNT, "Headcount and payroll", lacks, years),
        _rows(result, "fct_plan_cost", PLAN_COST, "The retirement plan", lacks, years),
    )


def _scenarios(*tables: tuple[Row, ...]) -> tuple[ScenarioKey, ...]:
    rows = (row for table in tables for row in table)
    return tuple(dict.fromkeys((row["scenario_id"], row["replicate_id"]) for row in rows))


def _account(database: Path, lacks: list[Lack]) -> RunAccount | None:
    try:
        account = read_account(RunFiles(database.resolve()).work)
    except WarehouseError as error:
        lacks.append(Lack("How the run went", str(error)))
        return None
    details = account.details
    if details is None:
        why = "the record of this run was written by an older planwise; simulate again"
        lacks.append(Lack("Timeline, memory, stored states, settings, plugins and versions", why))
    elif details.resumed_years:
        years = ", ".join(map(str, details.resumed_years))
        why = "they were finished before this run went on, and a record holds what its run did"
        lacks.append(Lack(f"How {years} went", why))
    return account


def _rows(
    result: ResultDatabase,
    table: str,
    columns: Sequence[str],
    part: str,
    lacks: list[Lack],
    years: Sequence[int],
) -> tuple[Row, ...]:
    there = result.columns.get(table, {})
    missing = [name for name in (*_KEY, *columns) if name not in there]
    if missing:
        what = f"column {table}.{missing[0]}" if there else f"table {table}"
        lacks.append(Lack(part, f"the database has no {what}, as our own simulation makes it"))
        return ()
    rows = result.records(f"select * from {SCHEMA}.{table} order by {', '.join(_KEY)}")  # noqa: S608  # constants
    if years:
        rows = [row for row in rows if row["simulation_year"] in years]
    if not rows:
        lacks.append(Lack(part, f"the table {table} is empty"))
    return tuple(rows)


def _census(
    result: ResultDatabase, account: RunAccount | None, lacks: list[Lack]
) -> CensusFacts | None:
    tables = {
        row[0]
        for row in result.query(
            "select table_name from duckdb_tables() where database_name = current_database() "
            "and schema_name = 'inputs'"
        )
    }
    if not {"census", "census_audit"} <= tables:
        lacks.append(Lack("The census", "this run read none: the database has no inputs.census"))
        return None
    people = result.query("select count(*) from inputs.census")[0][0]
    dates = (
        result.query("select max(census_date) from main.dim_scenario")
        if ("census_date" in result.columns.get("dim_scenario", {}))
        else [(None,)]
    )
    details = account.details if account else None
    kept = details.circumstances.census if details else None
    if kept is None:
        found = result.query(
            "select action, reason, count(*) from inputs.census_audit group by all order by all"
        )
        findings = {(str(action), str(reason)): int(count) for action, reason, count in found}
        return CensusFacts(people, dates[0][0], findings)
    groups = {"set_aside": "set aside", "warnings": "warning"}
    groups |= {"repaired": "repaired", "assumed": "assumed"}
    return CensusFacts(
        people=people,
        census_date=dates[0][0],
        findings={
            (word, reason): int(count)
            for key, word in groups.items()
            for reason, count in kept[key].items()
        },
        file=str(kept["path"]),
        rows_read=int(kept["rows_read"]),
        synthetic=details is not None and details.circumstances.synthetic_census is not None,
        columns=kept["columns_used"],
        notes=tuple(kept["notes"]),
    )
