"""A small census, and a finished run of it, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_runs import YEARS, planwise


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with census.csv and everything that a run of two years leaves behind."""
    folder = tmp_path_factory.mktemp("finished")
    made = planwise(
        "census", "generate", "--employees", "200", "--output", "census.csv", cwd=folder
    )
    assert made.returncode == 0, made.stderr
    done = planwise(
        *("simulate", "--census", "census.csv", *YEARS, "--output", "output/results.json"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    (folder / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    assert done.stderr == ""
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be used up."""
    shutil.copytree(finished, tmp_path / "here")
    return tmp_path / "here"
