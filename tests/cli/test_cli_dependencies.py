"""A library that is missing is a line that names it, for every command and at every depth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_runs import YEARS, planwise, refused, results

# Hiding a library from a real process is the only way to see what its absence does.
HIDE = """
import importlib.metadata as metadata
import os
import sys

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ.get("HIDDEN_MODULES", "").split(","):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return None

sys.meta_path.insert(0, Hider())
real = metadata.Distribution.from_name.__func__

def from_name(cls, name):
    if name in os.environ.get("HIDDEN_DISTRIBUTIONS", "").split(","):
        raise metadata.PackageNotFoundError(name)
    return real(cls, name)

metadata.Distribution.from_name = classmethod(from_name)
"""


@pytest.fixture
def hidden(tmp_path: Path) -> dict[str, str]:
    """Variables under which a process hides libraries."""
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim" / "sitecustomize.py").write_text(HIDE)
    path = os.pathsep.join(filter(None, [str(tmp_path / "shim"), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path}


LIBRARIES = [
    *("attr,attrs", "pluggy", "yaml", "pydantic", "rich", "duckdb", "pyarrow", "dbt", "lz4"),
    "psutil",
]


@pytest.mark.parametrize("names", LIBRARIES)
def test_a_missing_library_is_one_line(project: Path, hidden: dict[str, str], names: str) -> None:
    before = results(project)
    done = planwise(
        *("simulate", "--census", "census.csv", "--no-cache", *YEARS),
        cwd=project,
        more={**hidden, "HIDDEN_MODULES": names},
    )
    refused(done, 1, f"'{names.partition(',')[0]}")
    assert "install" in done.stderr or "--no-" in done.stderr
    # A year that was finished before the library was missed is kept aside.
    after = {name: digest for name, digest in results(project).items() if "/building" not in name}
    after.pop("output/simulation.duckdb.planwise/unfinished.json", None)  # if a model had begun
    assert after == before


def test_the_digest_of_a_database_without_duckdb_is_one_line(
    project: Path, hidden: dict[str, str]
) -> None:
    done = planwise(
        *("digest", "output/simulation.duckdb"),
        cwd=project,
        more={**hidden, "HIDDEN_MODULES": "duckdb"},
    )
    refused(done, 1, "'duckdb'", "pip install")


def test_help_needs_none_of_the_heavy_libraries(project: Path, hidden: dict[str, str]) -> None:
    heavy = "duckdb,dbt,lz4,zstandard,psutil,pyarrow,pydantic,yaml,rich,openpyxl"
    done = planwise("--help", cwd=project, more={**hidden, "HIDDEN_MODULES": heavy})
    assert (done.returncode, done.stderr) == (0, "")
    assert "simulate" in done.stdout


@pytest.mark.parametrize("name", ["zstandard", "lz4"])
def test_validate_says_what_to_install(project: Path, hidden: dict[str, str], name: str) -> None:
    done = planwise(
        *("validate", "--census", "census.csv", "--years", "2025"),
        cwd=project,
        more={**hidden, "HIDDEN_DISTRIBUTIONS": name},
    )
    assert done.returncode == 1
    assert done.stderr == ""
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert f"{name} is missing: pip install '{name}" in failed[0]


def test_results_name_a_distribution_that_cannot_be_found(
    project: Path, hidden: dict[str, str]
) -> None:
    done = planwise(
        *("simulate", "--census", "census.csv", "--years", "2025", "--output", "r.json"),
        cwd=project,
        more={**hidden, "HIDDEN_DISTRIBUTIONS": "pyarrow"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((project / "r.json").read_text())["versions"]["pyarrow"] is None


@pytest.mark.parametrize("hiding", ["HIDDEN_DISTRIBUTIONS", "HIDDEN_MODULES"])
def test_telemetry_without_its_extra_is_one_line(
    project: Path, hidden: dict[str, str], hiding: str
) -> None:
    before = results(project)
    name = {"HIDDEN_DISTRIBUTIONS": "prometheus-client", "HIDDEN_MODULES": "prometheus_client"}
    done = planwise(
        *("simulate", "--census", "census.csv", "--years", "2025"),
        *("--telemetry", "--telemetry-prometheus-file", "planwise.prom"),
        cwd=project,
        more={**hidden, hiding: name[hiding]},
    )
    refused(done, 2, "telemetry", "pip install 'planwise[telemetry]'")
    assert results(project) == before
