"""Two scenarios of one result, compared: figures by year, people, parameters.

Every difference is B less A. Amounts are cents, rates units of 1e-5, both integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from attrs import field, frozen

from planwise.analysis.figures import quotient, relative_change
from planwise.analysis.parameter_differences import (
    ParameterDifference,
    TableDifference,
    parameter_differences,
    table_differences,
)
from planwise.analysis.people_comparison import PeopleComparison, compare_people
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce, chosen_years
from planwise.errors import UsageError, WarehouseError

Kind = Literal["count", "money", "rate"]


@frozen
class Measure:
    """A figure of a scenario and year.

    Attributes:
        key: its column in ``fct_plan_cost``, or that which it is called after.
        label: what people call it.
        kind: whether it is a count, an amount of cents, or a rate in 1e-5.
    """

    key: str
    label: str
    kind: Kind


MEASURES: Final = (
    Measure("headcount", "headcount", "count"),
    Measure("payroll_cents", "payroll", "money"),
    Measure("eligible", "eligible", "count"),
    Measure("participants", "participants", "count"),
    Measure("participation_rate_e5", "participation", "rate"),
    Measure("average_deferral_e5", "average deferral", "rate"),
    Measure("employee_contributions_cents", "employee contributions", "money"),
    Measure("match_cents", "match", "money"),
    Measure("core_cents", "core", "money"),
    Measure("reallocated_cents", "reallocated forfeitures", "money"),
    Measure("forfeitures_used_cents", "forfeitures used", "money"),
    Measure("net_employer_cost_cents", "net employer cost", "money"),
    Measure("net_cost_share_e5", "net cost, share of payroll", "rate"),
)
_SHARE: Final = MEASURES[-1]
TOTALS: Final = (*(each for each in MEASURES if each.kind == "money"), _SHARE)
"""What adds up over years, and the share that follows from it."""


@frozen
class Difference:
    """A figure in A and in B.

    Attributes:
        measure: what it is.
        a, b: its values.
    """

    measure: Measure
    a: int
    b: int

    @property
    def absolute(self) -> int:
        """B less A, in the unit of the measure."""
        return self.b - self.a

    @property
    def relative_e5(self) -> int | None:
        """The same in 1e-5 of A; None where A is 0."""
        return relative_change(self.a, self.b)


@frozen
class YearComparison:
    """The figures of a year, or of all years together.

    Attributes:
        year: the simulation year; None for the sum.
        differences: one for each measure.
    """

    year: int | None
    differences: Sequence[Difference]


@frozen
class Comparison:
    """A and B.

    Attributes:
        a, b: the two scenarios.
        years: the figures of each year.
        total: amounts of all these years together, and their share of payroll.
        people: who gains and who loses, in one year.
        parameters, tables: what differs in their rules.
        notes: what to know when reading the differences.
    """

    a: ScenarioInForce
    b: ScenarioInForce
    years: Sequence[YearComparison]
    total: YearComparison
    people: PeopleComparison
    parameters: Sequence[ParameterDifference]
    tables: Sequence[TableDifference]
    notes: Sequence[str] = field(default=())


def compare(
    result: ResultDatabase,
    a: str,
    b: str,
    *,
    replicate: int = 1,
    years: Sequence[int] = (),
    people_year: int | None = None,
) -> Comparison:
    """Compare two scenarios of a result.

    Args:
        result: where they are.
        a, b: their names.
        replicate: the replicate of both.
        years: the years to compare; all that both have if empty.
        people_year: the year in which people are compared; the last one compared if None.

    Raises:
        UsageError: a scenario, replicate or year is not there, or A is B.
        WarehouseError: the result has no plan.
    """
    result.require("fct_plan_cost", [measure.key for measure in MEASURES])
    first = result.scenario(a, replicate, "A")
    second = result.scenario(b, replicate, "B")
    if first.scenario_id == second.scenario_id:
        raise UsageError(f"A and B are both '{a}'; give two scenarios to compare")
    costs = [_plan_costs(result, each) for each in (first, second)]
    common = sorted(costs[0].keys() & costs[1].keys())
    if not common:
        raise WarehouseError(
            f"{result.path}: {a} and {b} have no year in common; simulate both for the same years"
        )
    chosen = chosen_years(years, common)
    year = chosen[-1] if people_year is None else chosen_years([people_year], common, "--year")[0]
    compared = [_year(y, costs[0][y], costs[1][y]) for y in chosen]
    return Comparison(
        first,
        second,
        compared,
        _total(compared),
        compare_people(result, first, second, year),
        parameter_differences(first, second),
        table_differences(result, first, second),
        _notes(first, second),
    )


def _plan_costs(result: ResultDatabase, scenario: ScenarioInForce) -> dict[int, dict[str, int]]:
    rows = result.records(
        "select * from main.fct_plan_cost where scenario_id = ? and replicate_id = ?", scenario.key
    )
    return {row["simulation_year"]: row for row in rows}


def _year(year: int, a: Mapping[str, int], b: Mapping[str, int]) -> YearComparison:
    return YearComparison(
        year, [Difference(measure, a[measure.key], b[measure.key]) for measure in MEASURES]
    )


def _total(years: Sequence[YearComparison]) -> YearComparison:
    sums: dict[str, list[int]] = {}
    for year in years:
        for each in year.differences:
            if each.measure.kind == "money":
                both = sums.setdefault(each.measure.key, [0, 0])
                both[0] += each.a
                both[1] += each.b
    cost, payroll = sums["net_employer_cost_cents"], sums["payroll_cents"]
    sums[_SHARE.key] = [
        quotient(each * 100_000, pay) if pay > 0 else 0
        for each, pay in zip(cost, payroll, strict=True)
    ]
    return YearComparison(None, [Difference(each, *sums[each.key]) for each in TOTALS])


def _notes(a: ScenarioInForce, b: ScenarioInForce) -> tuple[str, ...]:
    notes = [draws_note(a, b)]
    notes += [
        f"{name.replace('_', ' ')}: {a.values[name]} in A, {b.values[name]} in B; differences are "
        "of time too"
        for name in ("first_year", "census_date")
        if a.values[name] != b.values[name]
    ]
    return tuple(notes)


def draws_note(a: ScenarioInForce, b: ScenarioInForce) -> str:
    """Whether two scenarios share their draws, and what that means for their differences."""
    if a.shares_draws_with(b):
        return (
            f"A and B share their draws (those of '{a.draws}', seed {a.values['seed']}): the same "
            "chances meet the same people, so that differences come from the parameters"
        )
    return (
        f"A and B do not share their draws ({_draws(a)} against {_draws(b)}): other people leave "
        "and join, so that differences hold chance beside the parameters; "
        "give both the same simulation.draws and seed"
    )


def _draws(scenario: ScenarioInForce) -> str:
    return f"those of '{scenario.draws}', seed {scenario.values['seed']}"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as JSON-ready values; docs/analysis.md describes the keys."""
    return {
        "a": _scenario_json(comparison.a),
        "b": _scenario_json(comparison.b),
        "shares_draws": comparison.a.shares_draws_with(comparison.b),
        "notes": list(comparison.notes),
        "years": [
            {"simulation_year": each.year, **_figures_json(each)} for each in comparison.years
        ],
        "total": _figures_json(comparison.total),
        "people": comparison.people.to_dict(),
        "parameters": [each.to_dict() for each in comparison.parameters],
        "tables": [each.to_dict() for each in comparison.tables],
    }


def _scenario_json(scenario: ScenarioInForce) -> dict[str, Any]:
    return {
        "scenario_id": scenario.scenario_id,
        "replicate_id": scenario.replicate_id,
        "seed": scenario.values["seed"],
        "draws": scenario.draws,
        "first_year": scenario.values["first_year"],
        "census_date": str(scenario.values["census_date"]),
    }


def _figures_json(figures: YearComparison) -> dict[str, Any]:
    return {
        each.measure.key: {
            "a": each.a,
            "b": each.b,
            "difference": each.absolute,
            "relative_difference_e5": each.relative_e5,
        }
        for each in figures.differences
    }
