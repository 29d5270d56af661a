"""Packages of plugins, installed by pip as their authors and users install them.

Every one has an environment of its own beside planwise, which sees what planwise's own has: so
nothing is fetched.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import venv
from importlib.metadata import entry_points
from pathlib import Path

from attrs import frozen

import planwise

SOURCE = Path(planwise.__file__).parents[1]
_OWN = ("DUCKDB_", "DBT_", "PLANWISE_", "PYTHON", "PYTEST_", "VIRTUAL_ENV", "MYPY")


@frozen
class Installed:
    """A package in its environment.

    Attributes:
        name: the plugin's.
        folder: of the package.
        python: the environment's own.
        shared: what several environments share: mypy's cache, a census.
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

    def install(self) -> None:
        """Install the package. No index is asked: what builds it and what it needs is beside it."""
        install = ("pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
        self.run(*install, "--disable-pip-version-check", ".")

    def check(self) -> None:
        """Its own ruff and mypy."""
        self.run("ruff", "check")
        self.run("ruff", "format", "--check")
        self.run("mypy", "--cache-dir", str(self.shared / "mypy"))

    def test(self, *flags: str) -> None:
        """Its own tests; none may be skipped."""
        # Where planwise is not installed from this source, its kit is not known to pytest.
        known = "planwise" in {point.name for point in entry_points(group="pytest11")}
        kit = () if known else ("-p", "planwise.testing.pytest_plugin")
        done = self.run("pytest", "-q", *kit, *flags, "-W", "error::UserWarning")
        assert " passed" in done.stdout
        assert "skipped" not in done.stdout


def environment() -> dict[str, str]:
    """That of the tests, where planwise is the one that they test, whichever is installed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(_OWN)}
    return {
        **clean,
        "COLUMNS": "200",
        "PYTHONPATH": os.pathsep.join([str(SOURCE), str(SOURCE / "plugins")]),
        "MYPYPATH": str(SOURCE),
    }


def new_environment(place: Path) -> Path:
    """Make an environment in a folder; gives its Python."""
    venv.create(place / "venv", symlinks=True)
    (library,) = (place / "venv" / "lib").glob("python*/site-packages")
    here = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    beside = "".join(f"import site; site.addsitedir({path!r})\n" for path in here)
    (library / "beside.pth").write_text(beside, encoding="utf-8")
    return place / "venv" / "bin" / "python"


def small_census(folder: Path) -> Path:
    """Make a census of 100 people, census.csv, in a folder; gives the folder."""
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
