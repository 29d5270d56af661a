"""Hundreds of generated plans, on generated censuses, against the oracle in plain Python.

``PLANWISE_ORACLE_CASES=10000`` compares that many; the least, and the default, is 500.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from plan_oracle_compare import assert_as_the_oracle_says
from plan_oracle_strategies import CORE, MATCH, plans
from simulation_inputs import Person, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation

SCENARIOS = 10
LEAST = 500
CASES = max(LEAST, int(os.environ.get("PLANWISE_ORACLE_CASES", LEAST)))

HAPPENED = {
    *("eligibility", "escalation", "hire", "termination", "raise", "contribution", "opt_out"),
    *("enrollment:voluntary", "enrollment:automatic", "reallocation:by_pay", "reallocation cut"),
    *("forfeiture:match", "forfeiture:core"),
    *(f"match:{formula}" for formula in MATCH if formula != "none"),
    *(f"core:{formula}" for formula in CORE if formula != "none"),
    *("limit_cut:elective", "limit_cut:compensation", "limit_cut:annual_additions_core"),
    *("limit_cut:annual_additions_match", "limit_cut:annual_additions_employee"),
    *("policy:reduce", "policy:expenses", "policy:reallocate"),
    *("carried:reduce", "carried:reallocate", "estimated limits", "pending opt-out", "catch-up"),
    *("highly compensated", "partly vested", "vested sources differ"),
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("update fct_yearly_events set amount_after_cents = 1 where event_type = 'match'",
         "event_id 'baseline:1:2023:E0:match', amount_after_cents: oracle 180000, database 1"),
        ("update fct_workforce_snapshot set core_vested_e5 = 5",
         "simulation_year 2023, employee_id 'E0', core_vested_e5: oracle 100000, database 5"),
        ("update fct_plan_cost set eligible = 0", "'baseline', replicate 1, fct_plan_cost"),
        ("delete from fct_workforce_snapshot", "employee_id 'E0': only the oracle has"),
        ("insert into fct_plan_cost from fct_plan_cost", "the database repeats keys"),
        ("update fct_plan_cost set scenario_id = 'x'", "fct_plan_cost: rows of nobody's"),
        ("update fct_headcount set closing = 0", "closing: oracle 1, database 0"),
        ("update fct_headcount_by_level set closing = 9 where level = 5", "level 5, closing"),
        ("update fct_compensation_growth set growth_all_e5 = null", "database None"),
    ],
)  # fmt: skip
def test_a_difference_is_told_where_it_is(
    simulate: Callable[..., Simulation], change: str, named: str
) -> None:
    people = [
        Person(
            "E0", date(1980, 1, 1), date(2000, 1, 1), 6_000_000, deferral_rate_e5=6_000,
            opt_out=True,
        )
    ]  # fmt: skip
    still = {"growth_rate": "0", "termination_rate": "0", "promotion_dial": "0"}
    scenarios = [Scenario(parameters=still | {"raise_cap_rate": "0"})]
    simulation = simulate(people, scenarios, years=[2023])
    assert_as_the_oracle_says(simulation, people, scenarios, years=[2023])
    simulation.connection.execute(change)
    with pytest.raises(AssertionError, match=re.escape(named)):
        assert_as_the_oracle_says(simulation, people, scenarios, years=[2023])


def test_dates_that_meet(simulate: Callable[..., Simulation]) -> None:
    """Everybody leaves in 2023; entries, opt-outs and escalations fall on the day for some."""
    enrolled = {"deferral_rate_e5": 2_000, "enrollment_date": date(2020, 1, 1)}
    people = [
        Person(
            f"E{i:04d}",
            # 21 on a day of 2023
            date(2002, 1, 1) + timedelta(i % 365),
            date(2022, 1, 1) + timedelta(i % 300),
            6_000_000,
            **(enrolled if i % 2 == 0 else {}),
        )
        for i in range(2_000)
    ]
    ending = {"growth_rate": "-0.99999", "termination_rate": "1", "vesting_min_hours": "0"}
    automatic = ending | {
        "auto_enrollment_scope": "all_eligible", "auto_enrollment_days": "0",
        "opt_out_window_days": "1", "match_last_day": "none", "match_hours": "none",
    }  # fmt: skip

    def bands(chances: tuple[int, int]) -> dict[str, Any]:
        return {
            "enrollment_age_bands": [(0, 999, *map(Decimal, chances))],
            "enrollment_pay_bands": [(Decimal(0), Decimal(10**12), Decimal(1), Decimal(1))],
            "enrollment_deferrals": [(0, Decimal(0), Decimal("0.05"))],
        }

    scenarios = [
        Scenario("voluntary", parameters=ending, **bands((1, 0))),
        Scenario("automatic", parameters=automatic, **bands((0, 1))),
    ]
    simulation = simulate(people, scenarios, years=[2023])
    assert_as_the_oracle_says(simulation, people, scenarios, years=[2023])
    ((entry, opt_out, new_year),) = simulation.rows(
        "select count(*) filter (plan_entry_date = termination_date),"
        " count(*) filter (enrollment_date = termination_date - 1 and enrollment_source ="
        " 'automatic' and not has_opted_out),"
        " count(*) filter (termination_date = date '2023-01-01' and enrollment_source = 'census')"
        " from fct_workforce_snapshot"
    )
    assert min(entry, opt_out, new_year) > 0


@pytest.mark.slow
def test_generated_plans(simulate: Callable[..., Simulation]) -> None:
    seen: Counter[str] = Counter()

    # One database a census, with all scenarios in one pass
    @settings(
        max_examples=-(-CASES // SCENARIOS),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(case=plans(SCENARIOS))
    def compare(case: tuple) -> None:
        simulation = simulate(*case)
        try:
            seen.update(assert_as_the_oracle_says(simulation, *case))
        finally:
            simulation.close()

    compare()
    print(f"{seen['cases']} cases:", dict(sorted(seen.items())))
    assert seen["cases"] >= CASES
    never = sorted(what for what in HAPPENED if not seen[what])
    assert not never, f"{seen['cases']} cases, in which these never happened: {never}"
