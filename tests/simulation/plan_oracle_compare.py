"""Every published row of a database against the oracle, told so that a person finds the place."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from simulation_oracle import Oracle, Row
from simulation_project import YEARS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulation_inputs import Person, Scenario
    from simulation_project import Simulation

KEYS = {
    "fct_yearly_events": ("event_id",),
    "fct_workforce_snapshot": ("simulation_year", "employee_id"),
    "fct_headcount": ("simulation_year",),
    "fct_headcount_by_level": ("simulation_year", "level"),
    "fct_plan_cost": ("simulation_year",),
    "fct_compensation_growth": ("simulation_year",),
}
MOST = 25


def assert_as_the_oracle_says(
    simulation: Simulation,
    people: Sequence[Person],
    scenarios: Sequence[Scenario],
    years: Sequence[int] = YEARS,
) -> Counter[str]:
    """Compare everything; return what happened, as counts of ``kind:reason`` and the like."""
    found = {table: published(simulation, table) for table in KEYS}
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for s in scenarios:
        oracle = Oracle(s, people)
        done = [oracle.run(year).tables for year in years]
        for table in KEYS:
            expected = [row for tables in done for row in tables.get(table, [])]
            rows = found[table].pop((s.scenario_id, s.replicate_id), [])
            place = f"scenario {s.scenario_id!r}, replicate {s.replicate_id}, {table}"
            wrong += [f"{place}: {what}" for what in differences(table, expected, rows)]
        seen["cases"] += 1
        note(oracle, [tables for tables in done if tables], seen)
    wrong += [f"{table}: rows of nobody's: {sorted(rest)}" for table, rest in found.items() if rest]
    told = "\n".join(wrong[:MOST])
    assert not wrong, f"{len(wrong)} differences between oracle and database:\n{told}"
    return seen


def published(simulation: Simulation, table: str) -> dict[tuple[str, int], list[Row]]:
    """The rows of a table by scenario and replicate."""
    result = simulation.connection.execute(f"from main.{table}")
    columns = [column[0] for column in result.description]
    rows: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for values in result.fetchall():
        row = dict(zip(columns, values, strict=True))
        rows[row.pop("scenario_id"), row.pop("replicate_id")].append(row)
    return dict(rows)


def differences(table: str, expected: Sequence[Row], found: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the rows of one table, a line each."""
    names = KEYS[table]
    oracle = {tuple(row[n] for n in names): row for row in expected}
    database = {tuple(row[n] for n in names): row for row in found}
    assert len(oracle) == len(expected), f"the oracle repeats a key of {table}"
    if len(database) != len(found):
        repeated = Counter(tuple(row[n] for n in names) for row in found).most_common(3)
        yield f"the database repeats keys: {repeated}"
    for key in sorted(oracle.keys() | database.keys()):
        label = ", ".join(f"{n} {v!r}" for n, v in zip(names, key, strict=True))
        if key not in database:
            yield f"{label}: only the oracle has {told(oracle[key])}"
        elif key not in oracle:
            yield f"{label}: only the database has {told(database[key])}"
        else:
            mine, theirs = oracle[key], database[key]
            for column in [*mine, *(c for c in theirs if c not in mine)]:
                left, right = mine.get(column, "no column"), theirs.get(column, "no column")
                if left != right:
                    yield f"{label}, {column}: oracle {left!s}, database {right!s}"


def told(row: Row) -> dict[str, Any]:
    """A row without what is empty."""
    return {
        column: value if isinstance(value, int) else str(value)
        for column, value in row.items()
        if value is not None
    }


def note(oracle: Oracle, years: Sequence[dict[str, list[Row]]], seen: Counter[str]) -> None:
    """Count what happened, for tests that ask whether it did."""
    terms = oracle.terms
    for tables in years:
        for event in tables["fct_yearly_events"]:
            kind = event["event_type"]
            seen[kind] += 1
            seen[f"{kind}:{event['reason']}"] += 1
            if (
                kind == "reallocation"
                and event["amount_after_cents"] < event["amount_before_cents"]
            ):
                seen["reallocation cut"] += 1
        (cost,) = tables["fct_plan_cost"]
        policy = terms.word("forfeiture_policy")
        seen[f"policy:{policy}"] += cost["forfeitures_used_cents"] > 0
        seen[f"carried:{policy}"] += cost["forfeitures_carried_cents"] > 0
        seen["estimated limits"] += cost["limits_estimated"]
        for row in tables["fct_workforce_snapshot"]:
            pending = row["opt_out_date"] and not row["has_opted_out"]
            seen["pending opt-out"] += bool(pending)
            seen["catch-up"] += row["catch_up_cents"] > 0
            seen["highly compensated"] += row["is_hce"]
            seen["partly vested"] += 0 < row["match_vested_e5"] < 10**5
            seen["vested sources differ"] += row["match_vested_e5"] != row["core_vested_e5"]
