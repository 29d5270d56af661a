"""The key of what is kept: what changes it, and when nothing may be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planwise.project.fingerprint import Fingerprint, project_files, project_fingerprint


def project(folder: Path) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: p\nprofile: p\n")
    (folder / "models" / "a.sql").write_text("select {{ env_var('ONE') }}")
    return folder


def key(folder: Path, **more: object) -> Fingerprint:
    given = {
        "profile": "p", "database": Path("/x/a.duckdb"), "arguments": {}, "environ": {"ONE": "1"},
        **more,
    }  # fmt: skip
    return project_fingerprint(folder, **given)  # type: ignore[arg-type]


CHANGES: dict[str, Callable[[Path], object]] = {
    "a model": lambda p: (p / "models" / "a.sql").write_text("select 2"),
    "a new file": lambda p: (p / "models" / "b.yml").write_text(""),
    "a name": lambda p: (p / "models" / "a.sql").rename(p / "models" / "c.sql"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_of_a_file_is_another_key(tmp_path: Path, what: str) -> None:
    folder = project(tmp_path / "p")
    before = key(folder)
    assert key(folder) == before
    assert before.uncacheable == ""
    CHANGES[what](folder)
    assert key(folder).key != before.key


@pytest.mark.parametrize(
    "more",
    [
        {"environ": {"ONE": "2"}},
        {"environ": {}},
        {"environ": {"ONE": "1", "DBT_TARGET": "x"}},
        {"profile": "q"},
        {"arguments": {"vars": {"a": 1}}},
        {"database": Path("/x/b.duckdb")},
    ],
)
def test_everything_beside_the_files_is_in_the_key(tmp_path: Path, more: dict[str, object]) -> None:
    folder = project(tmp_path / "p")
    assert key(folder, **more).key != key(folder).key


def test_what_nobody_reads_is_not_in_the_key(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    before = key(folder)
    for name in ("target", "logs", "out.duckdb.planwise"):
        (folder / name).mkdir()
        (folder / name / "x.sql").write_text("select 1")
    (folder / "data.parquet").write_bytes(b"1")
    assert key(folder) == before
    assert key(folder, environ={"ONE": "1", "OTHER": "2", "DBT_OWN": "3"}, own_variables=["DBT_OWN"]) == before  # fmt: skip  # noqa: E501  # one comparison
    # Where the database is matters only to a template that reads it.
    assert key(folder, database=Path("/y/a.duckdb")) == before
    (folder / "models" / "p.sql").write_text("select '{{ target.path }}'")
    assert key(folder, database=Path("/y/a.duckdb")) != key(folder)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("{{ env_var('A') }}", False),
        ('{{ env_var("A", "b") }}', False),
        ("-- what env_var does", False),
        ("{{ env_var(name) }}", True),
        ("{% set read = env_var %}{{ read('A') }}", True),
        ("{{ builtins['env_var']('A') }}", True),
    ],
)
def test_a_variable_that_cannot_be_named_keeps_nothing(
    tmp_path: Path, text: str, hidden: bool
) -> None:
    folder = project(tmp_path / "p")
    (folder / "models" / "a.sql").write_text(text)
    found = key(folder).uncacheable
    assert bool(found) == hidden
    if hidden:
        assert "models/a.sql" in found


def test_linked_packages_and_folders_outside_are_read(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    package = tmp_path / "package"
    (package / "macros").mkdir(parents=True)
    (package / "macros" / "m.sql").write_text("x")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "package").symlink_to(package)
    (package / "loop").symlink_to(package)
    outside = tmp_path / "shared"
    outside.mkdir()
    (outside / "s.sql").write_text("x")
    (folder / "dbt_project.yml").write_text("name: p\nmacro-paths: ['../shared']\n")
    names = {file.name for file in project_files(folder)}
    assert {"m.sql", "s.sql", "a.sql", "dbt_project.yml"} == names
