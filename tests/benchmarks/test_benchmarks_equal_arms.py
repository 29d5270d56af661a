"""The script that tries `bench ab`: how many have to agree, and its plugins.

Its benches take hours; test_benchmarks_ab.py has small ones of the same kind.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.equal_arms import CHANGING, PLUGINS, SLEEPING, install, main, needed


def test_nineteen_of_twenty_have_to_agree() -> None:
    assert [needed(count) for count in (1, 2, 19, 20, 39, 40)] == [1, 2, 19, 19, 38, 38]


@pytest.mark.parametrize("words", [["--repeats", "0"], ["--rounds", "5"]])
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"equal_arms: {words[0]}: expected ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("name", sorted(PLUGINS))
def test_its_plugins_are_distributions_that_planwise_finds(tmp_path: Path, name: str) -> None:
    assert {CHANGING, SLEEPING} == set(PLUGINS)
    site = install(tmp_path, name)
    (found,) = importlib.metadata.distributions(path=[str(site)])
    assert [each.name for each in found.entry_points] == [name]
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    listed = subprocess.run(
        [sys.executable, "-m", "planwise.cli.main", "plugins"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert listed.returncode == 0, listed.stderr
    assert name in listed.stdout
