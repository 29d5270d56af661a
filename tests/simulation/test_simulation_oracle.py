"""Every published row of generated censuses and scenarios against the oracle in plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from plan_oracle_compare import assert_as_the_oracle_says
from simulation_project import reference_inputs
from simulation_strategies import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation_project import Simulation


def test_the_reference_run_of_plain_dbt(simulate: Callable[..., Simulation]) -> None:
    people, scenarios = reference_inputs()
    simulation = simulate(people, scenarios)
    assert_as_the_oracle_says(simulation, people, scenarios)
    kinds = {row[0] for row in simulation.rows("select distinct reason from fct_yearly_events")}
    assert kinds >= {
        "reduction_in_force",
        "new_hire",
        "experienced",
        "hired_last_year",
        "promotion",
    }


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(case=cases())
def test_generated_scenarios(simulate: Callable[..., Simulation], case: tuple) -> None:
    people, scenarios = case
    simulation = simulate(people, scenarios)
    try:
        assert_as_the_oracle_says(simulation, people, scenarios)
    finally:
        simulation.close()
