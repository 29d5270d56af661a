"""A tuner is told what a year really spilled, and the report says what its answer bought."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from kernel_distributions import Site

TUNER = """
class Plugin:
    @hookimpl
    def db_tune(self, request):
        seen = request.observed
        small = seen is None or not seen.spilled_bytes
        return [Setting("memory_limit", "60MiB" if small else "1GiB", "what was spilled")]
"""
PROJECT = {"name": "spilling", "version": "1.0.0", "config-version": 2, "profile": "corpus"}
PROFILE = """
corpus:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('PROJECT_DATABASE') }}", threads: 1}
"""
MODEL = """
{{ config(materialized='table') }}
select md5(concat(i, {{ var('simulation_year') }})) as a from range(1500000) as t(i) order by a
"""


def test_what_a_model_spilled_is_measured_told_and_held_against_the_next_year(
    site: Site, tmp_path: Path
) -> None:
    site.add("generous", TUNER)
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(json.dumps(PROJECT))
    (project / "profiles.yml").write_text(PROFILE)
    (project / "models" / "sorted.sql").write_text(MODEL)
    command = [sys.executable, "-m", "planwise.cli.main", "simulate", "--no-tuning"]
    command += ["--dbt-project", str(project), "--profiles-dir", str(project)]
    command += ["--years", "2025-2027", "--threads", "1", "--output", "r.json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(site.folder), "PROJECT_DATABASE": str(tmp_path / "a.duckdb")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "r.json").read_text())
    spilled = [phase["models"][0]["spilled_bytes"] for phase in results["year_phases"]]
    assert spilled[0] > 10_000_000
    assert spilled[1] == 0
    first, second = results["retunings"]
    assert (first["after_year"], first["before"], first["value"]) == (2025, "60MiB", "1GiB")
    assert first["spilled_bytes"] == spilled[:2]
    assert first["wall_s"] == [phase["wall_s"] for phase in results["year_phases"][:2]]
    # With nothing spilled the tuner takes it back: what it does is its own affair.
    assert (second["after_year"], second["value"], second["spilled_bytes"][0]) == (2026, "60MiB", 0)
    assert "re-tuned after 2025: memory_limit 60MiB -> 1GiB; the year " in done.stdout
