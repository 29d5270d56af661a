"""The plan in force: what each formula, schedule and table becomes, and limits of years to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from simulation_inputs import Person, Scenario
from simulation_project import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Compiled

D = Decimal
ONE = Person("E1", date(1985, 1, 1), date(2015, 1, 1), 6_000_000)
OWN_TIERS = [(0, 10, D(0), D("0.04"), D("0.5")), (10, 999, D(0), D("0.06"), D("1.25"))]
MATCH = {
    "none": [],
    "simple": [(0, 999, 0, 6_000, 50_000)],
    "tiered": [(0, 999, 0, 3_000, 100_000), (0, 999, 3_000, 5_000, 50_000)],
    "stretch": [(0, 999, 0, 12_000, 25_000)],
    "qaca": [(0, 999, 0, 1_000, 100_000), (0, 999, 1_000, 6_000, 50_000)],
    "custom": [(0, 999, 0, 4_000, 50_000)],
    "tenure_graded": [(0, 10, 0, 4_000, 50_000), (10, 999, 0, 6_000, 125_000)],
    "points_graded": [(0, 10, 0, 4_000, 50_000), (10, 999, 0, 6_000, 125_000)],
}
# last day, hours, schedule
BY_FORMULA = {"tiered": (False, False, "immediate"), "qaca": (False, False, "cliff_2")}
VESTING = {
    "immediate": [(0, 100_000)],
    "cliff_1": [(1, 100_000)],
    "cliff_2": [(2, 100_000)],
    "cliff_3": [(3, 100_000)],
    "graded_2_to_6": [(2, 20_000), (3, 40_000), (4, 60_000), (5, 80_000), (6, 100_000)],
}
LIMITS = ["elective", "catch_up_50", "catch_up_60_63", "compensation", "hce", "annual_additions"]
LIMITS += ["ss_wage_base"]


@pytest.mark.parametrize("formula", MATCH)
def test_the_match_of_each_formula(simulate: Callable[..., Simulation], formula: str) -> None:
    own = {"custom": [(0, 999, *OWN_TIERS[0][2:])]}.get(formula, OWN_TIERS)
    has_own = formula in {"custom", "tenure_graded", "points_graded"}
    scenario = Scenario(
        parameters={"match_formula": formula}, match_tiers=own if has_own else (), draws="shared"
    )
    simulation = simulate([ONE], [scenario, replace(scenario, replicate_id=2)], years=())
    for replicate in (1, 2):
        assert simulation.rows(
            "select * exclude (scenario_id, replicate_id) from dim_match_tier"
            " where replicate_id = ? order by band_min, tier_from_e5",
            replicate,
        ) == [(*row, "test" if has_own else "default") for row in MATCH[formula]]
    conditions = (
        "select distinct draws, match_requires_last_day, match_requires_hours,"
        " match_vesting_schedule from dim_scenario"
    )
    expected = BY_FORMULA.get(formula, (True, True, "graded_2_to_6"))
    assert simulation.rows(conditions) == [("shared", *expected)]
    words = {"match_last_day": "required", "match_hours": "none", "match_vesting": "cliff_1"}
    given_words = replace(scenario, parameters={**scenario.parameters, **words})
    simulation = simulate([ONE], [given_words], years=())
    assert simulation.rows(conditions) == [("shared", True, False, "cliff_1")]


@pytest.mark.parametrize(
    ("words", "own", "expected"),
    [
        ({"core_formula": "none", "core_rate": "0.5"}, [], []),
        ({"core_formula": "flat"}, [], [(0, 999, 1_000, "default")]),
        ({"core_formula": "flat", "core_rate": "0.045"}, [], [(0, 999, 4_500, "test")]),
        ({"core_formula": "integrated", "core_rate": "0.03"}, [], [(0, 999, 3_000, "test")]),
        (
            {"core_formula": "service"},
            [],
            [(0, 3, 1_000, "default"), (3, 6, 2_000, "default"), (6, 999, 3_000, "default")],
        ),
        ({"core_formula": "service"}, [(0, 999, D("0.02"))], [(0, 999, 2_000, "test")]),
        (
            {"core_formula": "points"},
            [(40, 999, D("0.02")), (0, 40, D(0))],
            [(0, 40, 0, "test"), (40, 999, 2_000, "test")],
        ),
    ],
)
def test_the_core_contribution_of_each_formula(
    simulate: Callable[..., Simulation],
    words: dict[str, str],
    own: list[tuple[int, int, Decimal]],
    expected: list[tuple[object, ...]],
) -> None:
    simulation = simulate([ONE], [Scenario(parameters=words, core_tiers=own)], years=())
    assert (
        simulation.rows(
            "select band_min, band_max, core_rate_e5, source from dim_core_tier order by band_min"
        )
        == expected
    )


@pytest.mark.parametrize("schedule", [*VESTING, "custom"])
def test_the_steps_of_each_schedule(simulate: Callable[..., Simulation], schedule: str) -> None:
    own = [("core", 3, D(1)), ("core", 1, D("0.33333"))] if schedule == "custom" else []
    scenario = Scenario(
        parameters={"core_vesting": schedule, "match_vesting": "cliff_3"}, vesting_steps=own
    )
    simulation = simulate([ONE], [scenario], years=())
    steps = (
        "select service_years, vested_e5, source from dim_vesting_step"
        " where money_source = ? order by service_years"
    )
    source = "test" if own else "default"
    assert simulation.rows(steps, "core") == [
        (*step, source) for step in VESTING.get(schedule, [(1, 33_333), (3, 100_000)])
    ]
    assert simulation.rows(steps, "match") == [(3, 100_000, "default")]


def test_the_default_limits_are_those_published(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate([ONE], [Scenario()], years=())
    columns = ", ".join(f"{name}_cents // 100" for name in LIMITS)
    assert simulation.rows(
        f"select {columns} from dim_irs_limit where limit_year in (2018, 2026, 2027) order by all"
    ) == [
        (18_500, 6_000, 6_000, 275_000, 120_000, 55_000, 128_400),
        (24_500, 8_000, 11_250, 360_000, 160_000, 72_000, 184_500),
        (25_000, 8_000, 11_250, 365_000, 160_000, 73_000, 189_000),
    ]
    assert simulation.rows(
        "select min(limit_year), max(limit_year), count(*), count(*) filter (not is_estimated),"
        " min(limit_year) filter (is_estimated) from dim_irs_limit"
    ) == [(2018, 2300, 283, 9, 2027)]


rates = st.integers(0, 20_000) | st.sampled_from([2_500, 50_000, 100_000, 1, 3_125, 12_500])
amounts = (
    st.integers(0, 5_000_000) | st.integers(0, 500_000_000) | st.integers(0, 28).map(lambda n: 2**n)
)
cases = st.tuples(rates, st.lists(amounts, min_size=7, max_size=7), st.integers(1, 5_000))


def indexed(last: int, step: int, rate_e5: int, years: int) -> int:
    """Cents of the limit so many years after its last row, by DOMAIN section 4."""
    growth = (1 + Fraction(rate_e5, 100_000)) ** years - 1
    return 100 * (last + step * (last * growth / step).__floor__())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=st.lists(cases, min_size=1, max_size=8))
@example(chosen=[(50_000, [2**28, 2**20, 3**17, 5**12, 1, 0, 500_000_000], 1)])
@example(chosen=[(2_500, [40**5, 40**4, 40**3, 1_600, 41, 40, 39], 1)])
def test_limits_of_later_years_are_exact(
    compiled: Compiled, chosen: list[tuple[int, list[int], int]]
) -> None:
    scenarios = [
        Scenario(
            f"s{i}",
            irs_limits=[(2022, *last)],  # type: ignore[list-item]  # seven amounts
            parameters={
                "limit_index_rate": f"{rate * Decimal('0.00001')}",
                **{f"limit_step_{name}": f"{step}" for name in LIMITS},
            },
        )
        for i, (rate, last, step) in enumerate(chosen)
    ]
    simulation = Simulation(compiled, [ONE], scenarios)
    for name in ("dim_scenario", "dim_irs_limit"):
        simulation.connection.execute(f"create table {name} as {compiled.foundation[name]}")
    columns = ", ".join(f"{name}_cents" for name in LIMITS)
    for i, (rate, last, step) in enumerate(chosen):
        found = simulation.rows(
            f"select {columns} from dim_irs_limit"
            " where scenario_id = ? and is_estimated and limit_year <= 2082 order by limit_year",
            f"s{i}",
        )
        years = range(1, 61) if rate <= 20_000 else range(1, 17)  # below 80,000-fold
        for k, row in zip(years, found, strict=False):
            assert row == tuple(indexed(amount, step, rate, k) for amount in last), (rate, k)
    simulation.close()


def test_limits_never_grow_beyond_what_a_number_holds(
    simulate: Callable[..., Simulation],
) -> None:
    scenario = Scenario(
        irs_limits=[(2022, *[500_000_000] * 7)],  # type: ignore[list-item]  # seven amounts
        parameters={"limit_index_rate": "1"} | {f"limit_step_{name}": "1" for name in LIMITS},
    )
    simulation = simulate([ONE], [scenario], years=())
    assert simulation.rows(
        "select count(*), max(elective_cents), min(elective_cents) from dim_irs_limit"
    ) == [(279, 80_000 * 500_000_000_00, 500_000_000_00)]


def test_where_the_people_of_the_census_stand_in_the_plan(
    simulate: Callable[..., Simulation],
) -> None:
    leap = replace(ONE, birth_date=date(2004, 2, 29), hire_date=date(2022, 5, 31))
    people = [
        replace(ONE, employee_id="no_election"),
        replace(ONE, employee_id="declined", deferral_rate_e5=0),
        replace(
            ONE, employee_id="enrolled", deferral_rate_e5=300, enrollment_date=date(2020, 7, 1)
        ),
        replace(
            ONE, employee_id="before_hire", deferral_rate_e5=300, enrollment_date=date(2001, 1, 1)
        ),
        replace(
            ONE, employee_id="after_census", deferral_rate_e5=300, enrollment_date=date(2030, 1, 1)
        ),
        replace(ONE, employee_id="no_date", deferral_rate_e5=300),
        replace(ONE, employee_id="a_date_alone", enrollment_date=date(2020, 7, 1)),
        replace(leap, employee_id="young"),
        replace(leap, employee_id="young_enrolled", deferral_rate_e5=1),
        replace(ONE, employee_id="new", hire_date=date(2022, 12, 31)),
    ]
    parameters = {"eligibility_waiting_days": "90", "eligibility_min_age": "19"}
    simulation = simulate(people, [Scenario(parameters=parameters)], years=())
    found = {
        row[0]: row[1:]
        for row in simulation.rows(
            "select employee_id, plan_entry_date, enrollment_date, enrollment_source, has_declined,"
            " prior_prorated_pay_cents from base_workforce"
        )
    }
    entry, paid = date(2015, 4, 1), 6_000_000
    assert found == {
        "no_election": (entry, None, None, False, paid),
        "declined": (entry, None, None, True, paid),
        "enrolled": (entry, date(2020, 7, 1), "census", False, paid),
        "before_hire": (date(2015, 1, 1), date(2015, 1, 1), "census", False, paid),
        "after_census": (entry, date(2022, 12, 31), "census", False, paid),
        "no_date": (date(2015, 1, 1), date(2015, 1, 1), "census", False, paid),
        "a_date_alone": (entry, None, None, False, paid),
        # 215 of 365 days; 19 on 28 February 2023
        "young": (date(2023, 2, 28), None, None, False, 3_534_247),
        "young_enrolled": (date(2022, 12, 31), date(2022, 12, 31), "census", False, 3_534_247),
        "new": (date(2023, 3, 31), None, None, False, 16_438),
    }


def test_the_pay_of_the_year_before_in_a_leap_year(simulate: Callable[..., Simulation]) -> None:
    person = replace(ONE, hire_date=date(2024, 2, 29))
    scenario = Scenario(first_year=2025, census_date=date(2024, 6, 30))
    simulation = simulate([person], [scenario], years=())
    # employed from 29 February to 31 December, 307 of 366 days
    assert simulation.rows("select prior_prorated_pay_cents from base_workforce") == [(5_032_787,)]
