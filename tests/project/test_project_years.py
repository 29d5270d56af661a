"""A project gives what plain dbt gives, and is parsed anew exactly where a year decides it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jinja2
import pytest
from corpus import CORPUS
from project_runs import PROJECTS, TESTS, YEARS, PlainDbt, Run, planwise_run

from planwise.checkpoints.store import CheckpointStore
from planwise.project.dbt_project import DbtProject
from planwise.project.profile import write_profile
from planwise.relay import Relay
from planwise.results import PhaseRecord

PARSED_ANEW = {
    "plain": (),
    "ephemeral": (),
    "enabled": ("model.enabled.later",),
    "conditional_ref": ("model.conditional_ref.chosen", "model.conditional_ref.named"),
    "alias": ("model.alias.yearly",),
    "project_yaml": ("dbt_project.yml",),
    "schema_yaml": ("models/schema.yml",),
    "macro_ref": ("macro from_chosen",),
    # The hooks are text, so that one parse would do: whatever YAML does is left to dbt.
    "run_hooks": ("dbt_project.yml",),
}


def test_every_project_is_here() -> None:
    corpus = {project.name for project in CORPUS if project.generate is None}
    assert {*PARSED_ANEW, "failing", "once", *corpus} == {
        folder.name for folder in PROJECTS.iterdir()
    }


@pytest.mark.parametrize("name", sorted(PARSED_ANEW))
def test_a_project_gives_what_plain_dbt_gives(
    name: str, plain: PlainDbt, run_of: Callable[[str], Run]
) -> None:
    """Three years by plain dbt, a process and a parse each, beside three years of one process."""
    run = run_of(name)
    assert run.digests == plain.digests(name)
    assert run.digests
    assert run.result.parsed_anew_because == PARSED_ANEW[name]
    assert run.result.years == YEARS
    assert not (PROJECTS / name / "target").exists()
    assert not (PROJECTS / name / "logs").exists()


def names(phase: PhaseRecord) -> list[str]:
    return [model.name for model in phase.models]


def test_ephemeral_models_hold_the_year_that_runs(run_of: Callable[[str], Run]) -> None:
    run = run_of("ephemeral")
    expected = [(year, year + 1, str(year), 1) for year in YEARS]
    assert run.query("from all_years order by all") == expected
    assert run.query("from current_year") == [(2026, 2027, "2026")]


def test_a_model_is_there_from_the_year_that_enables_it(run_of: Callable[[str], Run]) -> None:
    run = run_of("enabled")
    both = ["always", "later"]
    assert [names(phase) for phase in run.result.year_phases] == [["always"], both, both]
    assert run.query("from later") == [(2026, "later")]


def test_a_dependency_follows_the_year(run_of: Callable[[str], Run]) -> None:
    """What is chosen has to be built before, whatever its name."""
    run = run_of("conditional_ref")
    first, second, _ = map(names, run.result.year_phases)
    assert first.index("zz_low") < first.index("chosen")
    assert second.index("high") < second.index("chosen")
    assert run.query("from chosen") == [("high 2026",)]


def test_a_phase_with_run_hooks_is_one_invocation(run_of: Callable[[str], Run]) -> None:
    """The foundation runs with the first year's variables."""
    run = run_of("run_hooks")
    assert [phase.batches for phase in (run.result.foundation, *run.result.year_phases)] == [1] * 4
    counts = run.query("select year, moment, count(*) from invocations group by all order by all")
    once = [(year, moment, 1) for year in (2025, 2026) for moment in ("end", "start")]
    assert counts == [(2024, "end", 2), (2024, "start", 2), *once]


def test_the_width_of_the_pool_does_not_matter(
    run_of: Callable[[str], Run], tmp_path: Path
) -> None:
    narrow = planwise_run(PROJECTS / "plain", tmp_path, pool_size=1)
    assert narrow.digests == run_of("plain").digests


def test_a_snapshot_and_a_view_run_in_every_year(run_of: Callable[[str], Run]) -> None:
    run = run_of("plain")
    assert sorted(names(run.result.foundation)) == ["base", "rates"]
    for phase in run.result.year_phases:
        assert set(names(phase)) == {"pay", "totals", "by_grade", "graded", "kept"}
        assert {model.executed_by for model in phase.models} == {"dbt"}
    rows = run.query("select simulation_year from kept order by all")
    assert rows == [(year,) for year in YEARS]


def test_the_state_of_each_year_is_stored(run_of: Callable[[str], Run]) -> None:
    """Of the tables that its nodes leave behind; what a year adds to one is of that year alone."""
    run = run_of("plain")
    store = CheckpointStore(run.folder / "checkpoints")
    assert store.years() == list(YEARS)
    for year, phase in zip(YEARS, run.result.year_phases, strict=True):
        states = {state.name: state for state in store.read(year, Relay())}
        stored = sorted(zip(*states["main.pay"].table.to_pydict().values(), strict=True))
        assert stored == run.query(f"from pay where simulation_year <= {year} order by all")
        assert phase.checkpoint is not None
        assert phase.checkpoint.tables == len(states) > 1


def test_parsing_is_counted_once_where_once_is_enough(run_of: Callable[[str], Run]) -> None:
    for name in ("plain", "enabled"):
        result = run_of(name).result
        assert 0 < result.parse_s < result.wall_s


def test_the_simulation_is_parsed_once(tmp_path: Path) -> None:
    """The project that comes with planwise: no year decides its graph."""
    project = DbtProject(TESTS.parent / "dbt", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        first = project.graph(2025)
        assert project.parsed_anew_because == ()
        assert project.graph(2026) is first
        assert {"inputs", "main"} >= first.source_schemas >= {"inputs"}
        assert ("main", "fct_workforce_snapshot") in first.state_relations
        assert first.foundation
        assert first.year
        assert not first.foundation.keys() & first.year.keys()


def test_a_year_that_is_asked_for_again_is_parsed_for_that_year(tmp_path: Path) -> None:
    project = DbtProject(PROJECTS / "enabled", tmp_path / "work", tmp_path / "a.duckdb")
    with project.session():
        found = [
            sorted(node.name for node in project.graph(year).year.values())
            for year in (2025, 2024, 2024, 2026)
        ]
    both = ["always", "later"]
    assert found == [both, ["always"], ["always"], both]


def test_the_profile_of_a_run_is_json_whatever_the_path(tmp_path: Path) -> None:
    odd = tmp_path / "a \"quoted\" 'name': {x} {{ y }} {% z %} {# w #} #.duckdb"
    write_profile(tmp_path / "profiles.yml", "na: me", odd)
    profile = json.loads((tmp_path / "profiles.yml").read_text())
    path = profile["na: me"]["outputs"]["planwise"]["path"]
    assert jinja2.Template(path).render() == str(odd)  # as dbt does
