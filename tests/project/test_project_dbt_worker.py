"""dbt in this process: one at a time, variables that nobody can break out of, no trace behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from project_runs import PROJECTS, planwise_run

from planwise.errors import DependencyError, ProjectError
from planwise.project.dbt_project import DbtProject
from planwise.project.dbt_worker import (
    QUIET_ENVIRONMENT,
    DbtPaths,
    DbtWorker,
    release_database,
    vars_argument,
)


def paths(folder: Path) -> DbtPaths:
    return DbtPaths(PROJECTS / "plain", folder, folder / "target", folder / "logs")


def test_a_second_worker_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    with DbtWorker(paths(tmp_path)):
        with pytest.raises(ProjectError, match="in use in this process"):
            DbtWorker(paths(tmp_path)).__enter__()
        second = DbtProject(PROJECTS / "plain", tmp_path / "work", tmp_path / "a.duckdb")
        with second.session(), pytest.raises(ProjectError, match="in use"):
            second.graph(2024)
    with DbtWorker(paths(tmp_path)):
        pass


def test_a_worker_that_fails_lets_the_next_one_in(tmp_path: Path) -> None:
    def fail() -> None:
        with DbtWorker(paths(tmp_path)):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    with DbtWorker(paths(tmp_path)):
        pass


@pytest.mark.parametrize("partial_parse", [True, False])
def test_the_environment_is_dbts_during_the_run_and_the_users_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, partial_parse: bool
) -> None:
    monkeypatch.setenv("DBT_LOG_LEVEL", "debug")
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.setenv("DBT_PARTIAL_PARSE", "perhaps")
    before = dict(os.environ)
    with DbtWorker(paths(tmp_path), partial_parse=partial_parse):
        wanted = {**QUIET_ENVIRONMENT, "DBT_PARTIAL_PARSE": str(partial_parse).lower()}
        assert {name: os.environ[name] for name in wanted} == wanted
    assert dict(os.environ) == before


def test_nothing_is_printed_and_nothing_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    planwise_run(PROJECTS / "ephemeral", tmp_path, (2024,))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    logs = tmp_path / "work" / "logs"
    assert not logs.exists() or sum(f.stat().st_size for f in logs.rglob("*") if f.is_file()) == 0
    assert not (tmp_path / "work" / "target" / "run_results.json").exists()


def test_the_database_is_free_after_a_session(tmp_path: Path) -> None:
    """dbt-duckdb keeps it open otherwise: another process could not open it."""
    planwise_run(PROJECTS / "ephemeral", tmp_path, (2024,))
    program = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).sql('show tables'))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "planwise.duckdb")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "all_years" in done.stdout
    release_database()
    release_database()


def test_a_missing_dbt_says_what_to_install(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
sys.modules["dbt.cli.main"] = None  # as if it were not installed
from planwise.errors import DependencyError
from planwise.project.dbt_worker import DbtPaths, DbtWorker
here = Path(".")
try:
    with DbtWorker(DbtPaths(here, here, here, here)) as worker:
        worker.parse({})
except DependencyError as error:
    print(error)
"""
    assert issubclass(DependencyError, Exception)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'dbt-core>=1.11,<1.12'" in done.stdout


HOSTILE = st.one_of(
    st.text(),
    st.sampled_from([
        "2025, simulation_year: 1999}", "}\nsimulation_year: 1", "'", '"', "\\", "&a", "*a",
        "!!int 7", "no", "null", "~", "12:30:00", "1e3", "0x10", "<<", "{{ 1 }}", "\u2028",
        "\x85", "\ud7ff", "\U0001f600", "\x7f", "--- a", "# x", "a: b", "- a", "|", ">",
        "%YAML 2.0", "\t", "",
    ]),
)  # fmt: skip
SCALARS = st.one_of(st.integers(-(2**70), 2**70), st.booleans(), st.none(), HOSTILE)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(HOSTILE.filter(lambda name: len(name) <= 100), inner, max_size=3)
    ),
    max_leaves=6,
)


NAMES = HOSTILE.filter(lambda name: len(name) <= 100)


@given(st.dictionaries(st.one_of(NAMES, st.just("simulation_year")), VALUES, max_size=5))
def test_variables_come_out_of_yaml_as_they_went_in(variables: dict[str, Any]) -> None:
    """Read the way dbt reads ``--vars``."""
    text = vars_argument(variables)
    assert yaml.safe_load(text) == variables
    read = yaml.safe_load(text)
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in variables.items()
    }
    assert text.isascii()


def test_a_name_that_yaml_cannot_read_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"var 'xxxxx.*at most 100 characters"):
        vars_argument({"x" * 101: 1})
    assert yaml.safe_load(vars_argument({"\U0001f600" * 100: 1})) == {"\U0001f600" * 100: 1}


@given(st.text(max_size=98), HOSTILE)
def test_no_text_can_add_or_change_a_variable(name: str, text: str) -> None:
    read = yaml.safe_load(vars_argument({"simulation_year": 2025, "zz" + name: text}))
    assert read["simulation_year"] == 2025
    assert len(read) == 2


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 1e22, 1e-7, [1e22], {"a": object()}, {1: 2}, b"x", object()],
)
def test_values_that_would_become_something_else_are_refused(value: Any) -> None:
    with pytest.raises(ProjectError, match="var 'x': expected an integer"):
        vars_argument({"x": value})
