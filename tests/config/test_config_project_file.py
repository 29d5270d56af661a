"""``planwise.yaml`` and files of vars: what is understood, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from planwise.config.project_file import read_project_file, read_variables
from planwise.errors import ConfigError
from planwise.project.spec import ProjectSpec
from planwise.stages import Stage


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "planwise.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_without_a_file_everything_is_as_for_every_project(tmp_path: Path) -> None:
    assert read_project_file(tmp_path) == ProjectSpec(tmp_path)


def test_a_file_that_says_everything(tmp_path: Path) -> None:
    (tmp_path / "close.sql").write_text("select 1")
    spec = read_project_file(
        written(
            tmp_path,
            """
step_variable: plan_year
profiles_dir: profiles
target: dev
variables: {region: emea, parts: [1, 2], nested: {a: true}}
foundation:
  - select: [tag:base, "+opening"]
    full_refresh: always
year:
  - sql: close.sql
    first_year_only: true
  - select: tag:year
    full_refresh: never
""",
        )
    )
    assert spec == ProjectSpec(
        directory=tmp_path,
        step_variable="plan_year",
        variables={"region": "emea", "parts": [1, 2], "nested": {"a": True}},
        profiles=tmp_path / "profiles",
        target="dev",
        foundation=(Stage(select=("tag:base", "+opening"), full_refresh="always"),),
        year=(
            Stage(sql=tmp_path / "close.sql", first_year_only=True),
            Stage(select=("tag:year",), full_refresh="never"),
        ),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "step_var: x",
            r":1: key step_var: is not a key; did you mean 'step_variable'",
        ),
        ("step_variable: 3", r":1: key step_variable: expected text, got 3"),
        ("variables: [a]", r":1: key variables: expected names and values"),
        ("year: tag:year", r":1: key year: expected a list of steps"),
        ("year:\n  - tag:year", r":2: key year.0: expected a step: 'select: tag:year'"),
        ("year:\n  - {}", r"key year.0: expected either 'select' or 'sql'"),
        ("year:\n  - select: a\n    sql: b.sql", r"expected either 'select' or 'sql'"),
        ("year:\n  - select: [1]", r":2: key year.0.select: expected dbt's selectors"),
        ("year:\n  - sql: none.sql", r":2: key year.0.sql: expected a file of SQL, relative to"),
        (
            "year:\n  - select: a\n    full_refresh: yes",
            r":3: key year.0.full_refresh: expected first",
        ),
        ("year:\n  - select: a\n    once: true", r":3: key year.0.once: is not a key"),
        (
            "year:\n  - select: a\n    first_year_only: 1",
            r":3: key year.0.first_year_only: expected",
        ),
        ("a: &x 1\nb: *x", r"anchor"),
        ("target: a\ntarget: b", r"target"),
        ("[1]", r"expected a mapping"),
        ("a: b: c", r"planwise.yaml:1"),
    ],
)
def test_what_is_wrong_is_named_with_line_key_and_expectation(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        read_project_file(written(tmp_path, text))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_project_file(written(tmp_path, "target: 1\nyear: 2\nfoo: 3\n"))
    assert len(caught.value.problems) == 3


def test_a_file_of_vars(tmp_path: Path) -> None:
    file = tmp_path / "vars.yaml"
    file.write_text("rate: 3\nname: x\n")
    assert read_variables(file) == {"rate": 3, "name": "x"}
    for text, says in (("- 1", "expected a mapping"), ("a: 1\na: 2", "a")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=says):
            read_variables(file)
    with pytest.raises(ConfigError, match="no such file"):
        read_variables(tmp_path / "none.yaml")
