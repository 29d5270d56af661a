"""Each scaffold, as it is written: installed by pip, its tests, ruff, mypy, a run, a bench.

Every one has an environment of its own beside planwise, which sees what planwise's own has: so
nothing is fetched. What a simulation parsed and rendered is shared, as it is between a user's runs.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from installed_packages import Installed, new_environment, small_census

from planwise.hookspecs import KINDS
from planwise.scaffold.package import flags_of, measured_flags, names_for
from planwise.scaffold.parts import PARTS, Part, hooks_of, parts_for

EVERYTHING = "my-everything"
SCAFFOLDS = {
    **{f"my-{part.name}": [part.hooks[0]] for part in PARTS},
    EVERYTHING: list(KINDS),
}
PASSED_ALONE = {
    "my-options": ("RecordMetric", "ReportSection"),
    EVERYTHING: (
        *("CompressState", "DbTune", "ExecuteBatch", "PlanBatches"),
        *("RecordMetric", "ReportSection"),
    ),
}
YEARS = ("--years", "2025")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_census(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module", params=list(SCAFFOLDS))
def installed(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """A package that `planwise plugins new` wrote, installed by pip in a new environment."""
    name = request.param
    place = tmp_path_factory.mktemp(name)
    made = Installed(name, place / f"planwise-{name}", new_environment(place), shared)
    hooks = ",".join(SCAFFOLDS[name])
    made.run("planwise.cli.main", "plugins", "new", name, "--hooks", hooks, cwd=place)
    made.install()
    return made


def test_it_is_installed_and_known(installed: Installed) -> None:
    rows = {row["name"]: row for row in json.loads(installed.planwise("plugins", "--json"))}
    assert sorted(rows[installed.name]["hooks"]) == sorted(hooks_of(parts(installed)))
    assert rows[installed.name]["distribution"] == f"planwise-{installed.name} 0.1.0"
    where = "import sys, importlib as i; print(i.import_module(sys.argv[1]).__file__)"
    done = subprocess.run(
        [str(installed.python), "-I", "-c", where, names_for(installed.name).module],
        capture_output=True,
        text=True,
    )
    assert installed.python.parents[1] in Path(done.stdout.strip()).parents, done.stderr


def test_it_is_clean(installed: Installed) -> None:
    installed.check()


def test_it_passes_its_own_tests(installed: Installed) -> None:
    # Suites take long: each is passed once with its hooks alone, and not again with others.
    again = [f"tests/test_contract.py::Test{each}" for each in PASSED_ALONE.get(installed.name, ())]
    installed.test(*(f"--deselect={each}" for each in again))


def test_results_are_the_same_with_it_as_without_it(installed: Installed) -> None:
    digests = []
    for flags in (flags_of(parts(installed)), f"--no-{installed.name}"):
        run = ("simulate", "--census", "census.csv", *YEARS, "--output", "results.json", "--quiet")
        installed.planwise(*run, *flags.split())
        digests.append(installed.planwise("digest", "output/simulation.duckdb"))
        results = json.loads((installed.shared / "results.json").read_text(encoding="utf-8"))
        assert results["plugins"][installed.name] is (len(digests) == 1)
    assert digests[0] == digests[1] != ""


def test_it_can_be_benched(installed: Installed) -> None:
    with_it, without = measured_flags(names_for(installed.name), parts(installed))
    people = ("--employees", "100", *YEARS, "--rounds", "1", "--output", "ab.json")
    told = installed.planwise("bench", "ab", "--a", without, "--b", with_it, *people)
    assert f"--no-{installed.name}" in told
    assert (installed.shared / "ab.json").is_file()


def parts(installed: Installed) -> tuple[Part, ...]:
    return parts_for(SCAFFOLDS[installed.name])
