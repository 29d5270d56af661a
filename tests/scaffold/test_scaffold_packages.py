"""Each scaffold, as it is written: installed by pip, its tests, ruff, mypy, a run, a bench.

Every one has an environment of its own beside planwise, which sees what planwise's own has: so
nothing is fetched. What a simulation parsed and rendered is shared, as it is between a user's runs.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import venv
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from attrs import frozen

import planwise
from planwise.hookspecs import KINDS
from planwise.scaffold.package import flags_of, measured_flags, names_for
from planwise.scaffold.parts import PARTS, Part, hooks_of, parts_for

SOURCE = Path(planwise.__file__).parents[1]
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
_OWN = ("DUCKDB_", "DBT_", "PLANWISE_", "PYTHON", "PYTEST_", "VIRTUAL_ENV", "MYPY")


@frozen
class Installed:
    """A scaffold in its environment.

    Attributes:
        name: the plugin's.
        folder: of the package.
        python: the environment's own.
        shared: what all environments share: mypy's cache, a census.
    """

    name: str
    folder: Path
    python: Path
    shared: Path

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a module of the environment's Python; it has to succeed."""
        done = subprocess.run(
            [str(self.python), "-m", *words],
            cwd=cwd or self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
        return done

    def planwise(self, *words: str) -> str:
        """Run a command of planwise in the shared folder; gives what it prints."""
        return self.run("planwise.cli.main", *words, cwd=self.shared).stdout


def environment() -> dict[str, str]:
    """That of the tests, where planwise is the one that they test, whichever is installed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(_OWN)}
    return {
        **clean,
        "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join([str(SOURCE), str(SOURCE / "plugins")]),
        "MYPYPATH": str(SOURCE),
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    command = [sys.executable, "-m", "planwise.cli.main", "census", "generate"]
    done = subprocess.run(
        [*command, "--employees", "100", "--output", "census.csv"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module", params=list(SCAFFOLDS))
def installed(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """A package that `planwise plugins new` wrote, installed by pip in a new environment."""
    name = request.param
    place = tmp_path_factory.mktemp(name)
    venv.create(place / "venv", symlinks=True)
    python = place / "venv" / "bin" / "python"
    (library,) = (place / "venv" / "lib").glob("python*/site-packages")
    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    beside = "".join(f"import site; site.addsitedir({path!r})\n" for path in here)
    (library / "beside.pth").write_text(beside, encoding="utf-8")
    made = Installed(name, place / f"planwise-{name}", python, shared)
    hooks = ",".join(SCAFFOLDS[name])
    made.run("planwise.cli.main", "plugins", "new", name, "--hooks", hooks, cwd=place)
    # No index is asked: what builds the package and what it needs is beside it.
    install = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    made.run(*install, "--disable-pip-version-check", ".")
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
    installed.run("ruff", "check")
    installed.run("ruff", "format", "--check")
    installed.run("mypy", "--cache-dir", str(installed.shared / "mypy"))


def test_it_passes_its_own_tests(installed: Installed) -> None:
    # Where planwise is not installed from this source, its kit is not known to pytest.
    known = "planwise" in {point.name for point in entry_points(group="pytest11")}
    kit = () if known else ("-p", "planwise.testing.pytest_plugin")
    # Suites take long: each is passed once with its hooks alone, and not again with others.
    again = [f"tests/test_contract.py::Test{each}" for each in PASSED_ALONE.get(installed.name, ())]
    less = [f"--deselect={each}" for each in again]
    done = installed.run("pytest", "-q", *kit, *less, "-W", "error::UserWarning")
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


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
