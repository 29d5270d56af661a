"""``planwise schema results`` takes what planwise writes, and refuses what has another type."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runs import YEARS, planwise
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from planwise.containment import PluginFailure
from planwise.reporting.json_results import plugin_failure_dict, retuning_dict
from planwise.reporting.results_schema import results_schema
from planwise.results import Retuning

VALIDATOR = Draft202012Validator(results_schema())
PLAIN = Path(__file__).parents[1] / "projects" / "plain"
FREE = ("headcount", "plan_cost", "sections")
"""What is below them is the tables' and the plugins' own."""
BASELINE = "performance:\n  baseline_metrics: {total_simulation: 600000}\n"


def results_of(cwd: Path, *words: str | Path) -> Any:
    done = planwise("simulate", *words, "--output", "new.json", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads((cwd / "new.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def first(finished: Path) -> Any:
    """The results of a finished run, with a change of a setting, for which it is too small."""
    found = json.loads((finished / "output" / "results.json").read_text(encoding="utf-8"))
    change = Retuning(2025, "memory_limit", None, "1GiB", "spilled", (2.0, 1.5), (1 << 20, 0))
    found["retunings"] = [retuning_dict(change)]
    failure = PluginFailure("mine", "mine-dist 1.2", None, "cannot be loaded", "all")
    found["plugin_failures"] = [plugin_failure_dict(failure)]
    return found


def test_the_command_prints_it(tmp_path: Path) -> None:
    done = planwise("schema", "results", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert printed == results_schema()
    Draft202012Validator.check_schema(printed)
    years = printed["properties"]["years"]
    assert years["description"] == "The simulation years that finished."
    setting = printed["$defs"]["SettingDict"]["properties"]["origin"]
    assert "plugin NAME" in setting["description"]


def test_it_takes_every_kind_of_run(project: Path, first: Any, tmp_path: Path) -> None:
    folder = project / "config" / "scenarios"
    folder.mkdir(parents=True)
    (project / "config" / "simulation_config.yaml").write_text(BASELINE, encoding="utf-8")
    (folder / "rich.yaml").write_text("plan:\n  core_rate: 0.03\n", encoding="utf-8")
    scenarios = results_of(
        project,
        *("--census", "census.csv", "--scenario", "baseline", "rich", *YEARS),
    )
    branch = results_of(
        project,
        *("--from", "output/simulation.duckdb@2025", "--years", "2026", "--census", "census.csv"),
        *("--scenario", "baseline", "rich", "--database", "branch/simulation.duckdb"),
    )
    source = shutil.copytree(PLAIN, tmp_path / "plain")
    other = results_of(
        project, "--dbt-project", source, "--years", "2025-2026", "--database", "own.duckdb"
    )
    assert len(scenarios["scenarios"]) == 2
    assert scenarios["improvement"] is not None
    assert branch["resumed_years"] == [2025]
    assert other["census"] is None
    for results in (first, scenarios, branch, other):
        assert [each.message for each in VALIDATOR.iter_errors(results)] == []


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Every place in the results whose type is known."""
    if path and path[0] in FREE and len(path) > 1:
        return
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, *path, key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, *path, number)


@given(data=st.data())
def test_it_refuses_a_value_of_another_type(first: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(places(first))[1:]))
    spoilt = copy.deepcopy(first)
    inner = spoilt
    for key in path[:-1]:
        inner = inner[key]
    wrong = [[[]], {"a": [[]]}]  # no key holds a list of lists, or a mapping of them
    if not isinstance(inner[path[-1]], str) and inner[path[-1]] is not None:
        wrong.append("text")
    if path[-1] == "value":
        wrong.remove("text") if "text" in wrong else None
    value = data.draw(st.sampled_from(wrong))
    if isinstance(inner[path[-1]], dict) and isinstance(value, dict):
        value = "text"
    inner[path[-1]] = value
    assert not VALIDATOR.is_valid(spoilt), (path, value)


def test_it_refuses_what_lacks_a_key(first: Any) -> None:
    for key in first:
        lacking = {name: each for name, each in first.items() if name != key}
        assert not VALIDATOR.is_valid(lacking), key
    assert VALIDATOR.is_valid(first | {"of_tomorrow": 1})
