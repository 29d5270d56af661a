"""Several scenarios in one pass from a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planwise import create_optimized_multi_year_engine
from planwise.errors import ConfigError, UsageError

DBT = Path(__file__).parents[2] / "dbt"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with 60 people and two scenario files."""
    folder = tmp_path / "config"
    (folder / "scenarios").mkdir(parents=True)
    (folder / "c.yaml").write_text("census: {synthetic: {employees: 60}}")
    (folder / "scenarios" / "rich.yaml").write_text("plan: {match_formula: tiered}")
    (folder / "scenarios" / "bad.yaml").write_text("plan: {match_formula: custom}")
    return folder / "c.yaml"


def engine(config: Path, **arguments: Any) -> Any:
    return create_optimized_multi_year_engine(
        DBT,
        [2025],
        config_path=config,
        database_path=config.parent / "out" / "r.duckdb",
        **arguments,
    )


@pytest.mark.slow
def test_scenarios_are_simulated_in_one_pass(config: Path) -> None:
    found = engine(
        config, scenarios=["rich", "baseline"], seed=8
    ).execute_multi_year_simulation_optimized()
    assert [(row["scenario_id"], row["seed"], row["draws"]) for row in found["scenarios"]] == [
        ("rich", 8, "baseline"),
        ("baseline", 8, "baseline"),
    ]
    cost = {row["scenario_id"]: row for row in found["plan_cost"]}
    assert cost["rich"]["payroll_cents"] == cost["baseline"]["payroll_cents"]
    assert cost["rich"]["match_cents"] > cost["baseline"]["match_cents"]


@pytest.mark.parametrize(
    ("scenarios", "error", "message"),
    [
        (["rich", "rich"], UsageError, "scenario rich is asked for twice"),
        (["rch"], UsageError, "did you mean rich"),
        (["../c"], UsageError, "not a path"),
        ("rich", UsageError, "expected a list of names, got the text 'rich'"),
        (["bad"], ConfigError, "bad.yaml:1: key plan.match_formula"),
    ],
)
def test_a_wrong_scenario_stops_before_anything_is_made(
    config: Path, scenarios: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        engine(config, scenarios=scenarios)
    assert message in str(caught.value)
    assert not (config.parent / "out").exists()
