"""``planwise explain`` after a run."""

from __future__ import annotations

import json
from pathlib import Path

from cli_runs import planwise, refused


def test_every_model_has_an_executor_and_a_reason(finished: Path) -> None:
    done = planwise("explain", cwd=finished)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    (line,) = [each for each in lines if each.startswith("fct_yearly_events ")]
    assert "precompile" in line
    assert "incremental" in line
    assert any(each.startswith("year 2026") for each in lines)
    assert any(each.startswith("critical path of year 2026: ") for each in lines)


def test_the_same_as_json(finished: Path) -> None:
    done = planwise("explain", "--json", cwd=finished)
    content = json.loads(done.stdout)
    models = {each["name"]: each for each in content["models"]}
    assert {"default_levels", "dim_scenario", "fct_plan_cost"} <= models.keys()
    assert all(each["executed_by"] == ["precompile"] for each in models.values())
    assert all(each["reasons"] for each in models.values())
    assert [each["name"] for each in content["phases"]] == ["foundation", "year 2025", "year 2026"]
    for each in content["phases"]:
        assert 0 < each["path_s"] <= each["models_s"] <= each["wall_s"]


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    done = planwise("explain", "--database", "none.duckdb", cwd=tmp_path)
    refused(done, 1, "none.duckdb.planwise/run.json", "planwise simulate")
    work = tmp_path / "none.duckdb.planwise"
    work.mkdir()
    (work / "unfinished.json").write_text("{}")
    done = planwise("explain", "--database", "none.duckdb", cwd=tmp_path)
    refused(done, 1, "no run has finished", "planwise report", "--resume")
