"""The benchmarks themselves, small: real processes, from the command to the table."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bench_runs import ROOT, bench

from planwise.config import load_config
from planwise.plugins import installed_plugins

SCRIPT = ROOT / "benchmarks" / "toggles.py"


@pytest.mark.slow
def test_two_arms_of_a_tiny_simulation(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    words = ["--employees", "100", "--years", "2025", "--rounds", "1", "--seed", "3"]
    words += ["--scratch", "scratch"]  # relative: the arms run elsewhere
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words, "--arms", "per-year", "--output", "found.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())

    first, second = found["observations"]
    assert {first["arm"], second["arm"]} == {"all-on", "per-year"}
    seen = {each["arm"]: each for each in (first, second)}
    for each in seen.values():
        assert each["round"] == 1
        assert each["foundation_s"] > 0
        assert each["years_s"]["2025"] > 0
        assert each["foundation_s"] + each["years_s"]["2025"] <= each["wall_s"] * (1 + 1e-9)
        assert each["cpu_s"] > 0
        assert each["peak_rss_bytes"] > 50 * 2**20  # dbt alone is larger
    ratio = seen["per-year"]["wall_s"] / seen["all-on"]["wall_s"]
    assert found["comparisons"]["per-year"]["ratio"] == pytest.approx(ratio)
    assert found["comparisons"]["per-year"]["verdict"] == "too few rounds to tell"
    assert "main.fct_workforce_snapshot" in found["tables"]
    assert found["tables_compared"]["per-year"] == len(found["tables"])
    assert found["seed"] == 3
    assert found["versions"]["duckdb"]
    assert found["plugins"]["batching"] == ["plan_batches"]

    # The snippet is a configuration, and holds what was measured, in milliseconds.
    snippet = tmp_path / "snippet.yaml"
    snippet.write_text(done.stdout[done.stdout.index("performance:") :].split("\n\n")[0])
    metrics = load_config(snippet).performance.baseline_metrics
    per_year = seen["per-year"]
    assert float(metrics.foundation_setup or 0) == round(per_year["foundation_s"] * 1000)
    assert float(metrics.year_processing or 0) == round(per_year["years_s"]["2025"] * 1000)
    assert float(metrics.total_simulation or 0) == round(per_year["wall_s"] * 1000)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert made == {"found.json", "snippet.yaml", "scratch"}


SMALL = ("--employees", "50", "--years", "2024", "--rounds", "1", "--seed", "1")


@pytest.mark.slow
def test_a_process_for_each_model_of_three(three_models: Path, tmp_path: Path) -> None:
    words = ["arms", *SMALL, "--dbt-project", "three", "--arms", "per-model"]
    words += ["--reference", "planwise-cold", "--output", "found.json"]
    done = bench(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    seen = {each["arm"]: each for each in found["observations"]}
    assert seen["per-model"]["processes"] == 5  # the inputs, the seed, three models
    assert seen["planwise-cold"]["processes"] == 1
    assert found["tables_compared"]["per-model"] == 4
    assert found["comparisons"]["per-model"]["ratio"] > 1
    assert "Every table that an arm shares with planwise-cold is the same (4 tables" in done.stdout


@pytest.mark.slow
def test_a_table_that_differs_is_exit_code_1_before_any_time(
    three_models: Path, tmp_path: Path
) -> None:
    # The variable is set for plain dbt alone.
    model = "select '{{ env_var('PLANWISE_DATABASE', 'none') }}' as database"
    (three_models / "models" / "odd.sql").write_text(model)
    words = ["arms", *SMALL, "--dbt-project", "three", "--arms", "in-process"]
    done = bench(*words, "--reference", "planwise-cold", cwd=tmp_path)
    assert done.returncode == 1
    expected = "arm 'in-process' gives other tables than the reference: main.odd; nothing is"
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert "|" not in done.stdout


@pytest.mark.slow
def test_an_interruption_leaves_nothing_behind(three_models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "planwise.cli.main", "bench", "arms", *SMALL]
    command += ["--dbt-project", "three", "--arms", "planwise-cold", "--scratch", "scratch"]
    (tmp_path / "scratch").mkdir()
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
    ) as process:
        assert process.stdout is not None
        while "not counted" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing is reported, and nothing is left behind" in error
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.slow
def test_the_simulation_in_process_and_by_planwise(tmp_path: Path) -> None:
    words = ["arms", "--employees", "100", "--years", "2025", "--rounds", "1", "--output", "a.json"]
    arms = ["in-process", *(["floor"] if "precompile" in installed_plugins() else [])]
    done = bench(*words, "--dbt-project", str(ROOT / "dbt"), "--arms", *arms, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "a.json").read_text())
    assert {each["arm"] for each in found["observations"]} == {"planwise-warm", *arms}
    for each in found["observations"]:
        if each["arm"] != "floor":
            assert each["foundation_s"] > 0
            assert each["years_s"]["2025"] > 0
    assert "main.fct_workforce_snapshot" in found["tables"]
    assert found["tables_compared"]["in-process"] == len(found["tables"])
