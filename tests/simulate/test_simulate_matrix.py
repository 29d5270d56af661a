"""Optimizations never change results: every combination of plugins, every pool size, one digest."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from simulate_runs import BUILT_IN, SimulationOutcome, digests, simulation

from planwise.warehouse.digests import TableDigest

COMBINATIONS = [
    dict(zip(BUILT_IN, switches, strict=True))
    for switches in product((True, False), repeat=len(BUILT_IN))
]


def named(toggles: dict[str, bool]) -> str:
    """The plugins that are on."""
    return "+".join(name for name, on in toggles.items() if on) or "none"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place for all runs, so that dbt's parse cache serves them all."""
    return tmp_path_factory.mktemp("matrix") / "simulation.duckdb"


def test_there_are_thirty_two() -> None:
    assert len({named(toggles) for toggles in COMBINATIONS}) == 32


@pytest.mark.slow
@pytest.mark.parametrize("pool_size", [1, 2, 8])
@pytest.mark.parametrize("precompile", [True, False])
def test_no_size_of_the_pool_changes_a_table(
    census: Path,
    place: Path,
    precompile: bool,
    pool_size: int,
    reference_digests: dict[str, TableDigest],
) -> None:
    toggles = {"precompile": precompile}
    outcome = simulation(census, place, toggles=toggles, pool_size=pool_size).run()
    assert digests(place) == reference_digests
    width = max(len(phase.models) / phase.batches for phase in outcome.result.year_phases)
    assert (width > 1) == (pool_size > 1)


@pytest.mark.slow
@pytest.mark.parametrize("toggles", COMBINATIONS, ids=named)
def test_no_combination_of_plugins_changes_a_table(
    census: Path,
    place: Path,
    toggles: dict[str, bool],
    reference_digests: dict[str, TableDigest],
) -> None:
    cache = place.with_name("cache")  # filled by the first that renders ahead
    outcome = simulation(census, place, toggles=toggles, cache=cache).run()
    assert digests(place) == reference_digests
    assert {name: outcome.toggles[name] for name in BUILT_IN} == toggles
    # The toggles did what they say, or the comparison would compare nothing.
    result = outcome.result
    assert result.parsed_anew_because == ()  # one parse serves every year of our own project
    width = max(len(phase.models) / phase.batches for phase in result.year_phases)
    assert (width > 1) == toggles["batching"]
    who = {model.executed_by for phase in result.year_phases for model in phase.models}
    assert who == {"precompile" if toggles["precompile"] else "dbt"}
    stored = {phase.checkpoint.codec for phase in result.year_phases if phase.checkpoint}
    assert len(stored) == 1
    assert (stored == {"arrow"}) == (not toggles["compression"])
    tuned = {setting.origin for setting in result.settings}
    assert tuned == ({"plugin tuning"} if toggles["tuning"] else set())
    assert any("monitoring" in section.key for section in result.sections) == toggles["monitoring"]


def test_the_tables_that_are_compared_hold_what_matters(
    reference_digests: dict[str, TableDigest],
) -> None:
    for table in ("fct_yearly_events", "fct_workforce_snapshot", "fct_headcount", "dim_scenario"):
        assert reference_digests[f"main.{table}"].rows > 0
    assert reference_digests["inputs.census"].rows == 200


def test_the_same_seed_gives_the_same_and_another_seed_does_not(
    census: Path, place: Path, reference_digests: dict[str, TableDigest]
) -> None:
    simulation(census, place, seed=42).run()
    assert digests(place) == reference_digests
    other = simulation(census, place, seed=43).run()
    changed = {name for name, digest in digests(place).items() if digest != reference_digests[name]}
    assert {"main.fct_yearly_events", "main.fct_workforce_snapshot"} <= changed
    # The seed decides who, not how many, and not whom there was to begin with.
    assert "inputs.census" not in changed
    assert all(row["closing"] == row["target"] for row in other.headcount)


@pytest.mark.parametrize("threads", [1, 8])
def test_the_number_of_threads_changes_nothing(
    census: Path, place: Path, threads: int, reference_digests: dict[str, TableDigest]
) -> None:
    outcome = simulation(census, place, threads=threads, memory_limit="400MB").run()
    chosen = {setting.name: setting.value for setting in outcome.result.settings}
    assert (chosen["threads"], chosen["memory_limit"]) == (threads, "400MB")
    assert digests(place) == reference_digests


def test_one_year_at_a_time_is_the_start_of_more(
    census: Path, reference: SimulationOutcome, place: Path
) -> None:
    shorter = simulation(census, place, years=(2025,)).run()
    longer = simulation(census, place, years=(2025, 2026, 2027)).run()
    assert shorter.headcount == reference.headcount[:1]
    assert longer.headcount[:2] == reference.headcount


def test_headcount_is_the_target_every_year(census: Path, place: Path) -> None:
    years = (2025, 2026, 2027)
    outcome = simulation(census, place, years=years, seed=7).run()
    assert [row["simulation_year"] for row in outcome.headcount] == list(years)
    opening = 200
    for row in outcome.headcount:
        leavers = row["new_hire_leavers"] + row["experienced_leavers"] + row["reduction_in_force"]
        assert row["opening"] == opening
        assert row["opening"] + row["hires"] - leavers == row["closing"] == row["target"]
        # growth of 3 %, rounded half up, in integers
        assert row["target"] == (2 * 103 * opening + 100) // 200
        opening = row["closing"]
