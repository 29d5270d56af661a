"""dbt is the reference: the models run without planwise give the same tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from simulate_runs import PROJECT, YEARS, clean_environment, digests, simulation

from planwise.api import BatchRequest, BatchResult, hookimpl
from planwise.project.spec import ProjectSpec
from planwise.warehouse.digests import TableDigest
from planwise_plugins.precompile import Precompile


def run(command: list[str], folder: Path, cwd: Path) -> str:
    """Run a command to its end; gives what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={
            **clean_environment(),
            "PLANWISE_DATABASE": str(folder / "simulation.duckdb"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_USE_COLORS": "false",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_plain_dbt_gives_the_same_tables(
    census: Path, tmp_path: Path, reference_digests: dict[str, TableDigest]
) -> None:
    years = [str(year) for year in YEARS]
    run(
        [
            *(sys.executable, "-m", "planwise.cli.main", "inputs", "--census", str(census)),
            *("--years", *years, "--database", str(tmp_path / "simulation.duckdb")),
        ],
        tmp_path,
        tmp_path,
    )
    dbt = [sys.executable, "-m", "dbt.cli.main"]
    run([*dbt, "seed"], tmp_path, PROJECT)
    run([*dbt, "run", "--select", "tag:foundation"], tmp_path, PROJECT)
    for number, year in enumerate(YEARS):
        variables = json.dumps({"simulation_year": year})
        fresh = ["--full-refresh"] if number == 0 else []
        command = [*dbt, "run", "--select", "tag:year", "--vars", variables, *fresh]
        run(command, tmp_path, PROJECT)
    plain = digests(tmp_path / "simulation.duckdb")
    project = ProjectSpec(PROJECT, keep_intermediates=True)
    place = tmp_path / "kept.duckdb"
    simulation(census, place, project=project).run()
    assert digests(place) == plain
    # What the year alone needs is not in the result otherwise, and all else is.
    dropped = {name for name in plain if name not in reference_digests}
    assert dropped
    assert all(name.startswith("main.int_") for name in dropped)
    assert {name: plain[name] for name in plain if name not in dropped} == reference_digests


def test_a_batch_that_an_executor_hands_back_is_dbts(
    census: Path,
    tmp_path: Path,
    reference_digests: dict[str, TableDigest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also of models whose tables are not kept, which the others are rendered to find elsewhere."""
    execute, asked = Precompile.execute_batch, []

    @hookimpl
    def every_other(self: Precompile, request: BatchRequest) -> BatchResult | None:
        asked.append(request)
        return None if len(asked) % 2 else execute(self, request)

    monkeypatch.setattr(Precompile, "execute_batch", every_other)
    outcome = simulation(census, tmp_path / "simulation.duckdb").run()
    assert digests(tmp_path / "simulation.duckdb") == reference_digests
    by = {model.executed_by for model in outcome.result.models if model.year == max(YEARS)}
    assert by == {"dbt", "precompile"}
