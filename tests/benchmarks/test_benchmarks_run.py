"""The benchmark itself, small: real processes, from the script to the snippet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planwise.config import load_config

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "toggles.py"


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
