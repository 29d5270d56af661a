"""The examples: each one installed by pip, its own tests, ruff, mypy, and a run with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from installed_packages import SOURCE, Installed, new_environment, small_census

EXAMPLES = {"memory-batching": "batching", "quick-states": "compression"}
"""Each with the plugin that it stands in for."""
PASSED_ELSEWHERE = {
    # A budget of 1 MiB is held to the whole of the suite; the tuner only looks.
    "memory-batching": ("TestPlanBatches", "TestDbTune"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_census(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module", params=EXAMPLES)
def example(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """A copy of an example, installed in an environment of its own."""
    name = request.param
    place = tmp_path_factory.mktemp(name)
    folder = place / f"planwise-{name}"
    caches = shutil.ignore_patterns("*cache*", ".hypothesis", "build", "output")
    shutil.copytree(SOURCE / "examples" / folder.name, folder, ignore=caches)
    made = Installed(name, folder, new_environment(place), shared)
    made.install()
    return made


def test_every_example_is_known_here() -> None:
    found = {each.name for each in (SOURCE / "examples").iterdir() if each.is_dir()}
    assert found == {f"planwise-{name}" for name in EXAMPLES}


def test_an_example_is_clean(example: Installed) -> None:
    example.check()


def test_an_example_passes_its_own_tests(example: Installed) -> None:
    less = [
        f"--deselect=tests/test_contract.py::{suite}"
        for suite in PASSED_ELSEWHERE.get(example.name, ())
    ]
    example.test(*less)


def test_results_are_the_same_with_an_example_as_with_the_built_in_plugin(
    example: Installed,
) -> None:
    digests = []
    for off in (EXAMPLES[example.name], example.name):
        run = ("simulate", "--census", "census.csv", "--years", "2025-2026", "--quiet")
        example.planwise(*run, f"--no-{off}", "--output", "results.json")
        digests.append(example.planwise("digest", "output/simulation.duckdb"))
        results = json.loads((example.shared / "results.json").read_text(encoding="utf-8"))
        assert results["plugins"][example.name] is (off != example.name)
    assert digests[0] == digests[1] != ""


def test_beside_the_plugin_that_it_stands_in_for_the_run_says_so(example: Installed) -> None:
    either = f"use --no-{EXAMPLES[example.name]} or --no-{example.name}"
    with pytest.raises(AssertionError, match=either):
        example.planwise("simulate", "--census", "census.csv", "--years", "2025")
