"""The ways to store a state, small: a real run, every way verified, all in one table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks.state_ways import WAYS, same_bits

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "state.py"


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_way_of_storing_a_year_is_verified_and_measured(tmp_path: Path) -> None:
    words = ["--employees", "1500", "--years", "2025-2026", "--rounds", "2", "--seed", "1"]
    done = run(*words, "--output", "found.json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["year"] == 2026
    for what in ("state", "events"):
        assert f"{what}: {found['ways'][what]['rows']:,} rows" in done.stdout
        ways = found["ways"][what]["ways"]
        assert set(ways) == set(WAYS)
        for name, way in ways.items():
            assert f"| {name} | {way['bytes']:,} |" in done.stdout
            assert [len(times) for times in way["seconds"]] == [2, 2]
    stored = {name: way["bytes"] for name, way in found["ways"]["state"]["ways"].items()}
    for codec in ("lz4", "zstd"):
        assert stored[f"planwise {codec}"] < stored[f"parquet {codec}"]
        assert stored[f"difference {codec}"] < stored[f"planwise {codec}"]
    assert {len(times) for times in found["restores_s"].values()} == {2}


def test_bits_and_not_values_are_compared() -> None:
    zero, other = (pa.table({"x": [value], "l": [[value]]}) for value in (0.0, -0.0))
    assert same_bits(zero, zero)
    assert not same_bits(zero, other)
    assert not same_bits(zero.select(["l"]), other.select(["l"]))
    assert not same_bits(zero, zero.slice(1))
    assert same_bits(*(pa.table({"x": [float("nan"), None]}) for _ in range(2)))


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for words, says in (
        (["--rounds", "0"], "--rounds: expected 1 or more"),
        (["--database", "none.duckdb"], "--database: none.duckdb is not there"),
        (["--output", "file/found.json"], "--output: "),
    ):
        done = run(*words, folder=tmp_path)
        assert done.returncode == 2
        assert says in done.stderr
