"""The profile of the user's own, read as dbt reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from planwise.errors import ProjectError
from planwise.project.profile import read_target
from planwise.project.spec import ProjectSpec

PROFILE = """
mine:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('WHERE', 'default.duckdb') }}"
      threads: 3
      settings: {memory_limit: "{{ env_var('LIMIT') }}"}
    plugged:
      type: duckdb
      path: b.duckdb
      attach: [{path: other.duckdb}]
      extensions: []
    memory: {type: duckdb}
    remote: {type: duckdb, path: "md:mine"}
    other: {type: postgres}
"""


def spec(folder: Path, target: str | None = None, profile: str = PROFILE) -> ProjectSpec:
    (folder / "dbt_project.yml").write_text("name: p\nprofile: mine\n")
    (folder / "profiles.yml").write_text(profile)
    return ProjectSpec(folder, profiles=folder, target=target)


def test_texts_are_rendered_with_the_environment(tmp_path: Path) -> None:
    found = read_target(spec(tmp_path), {"WHERE": "a/b.duckdb", "LIMIT": "2GB"})
    assert found.path == Path("a/b.duckdb").absolute()
    assert found.settings == {"memory_limit": "2GB"}
    assert found.others == ()
    assert read_target(spec(tmp_path), {"LIMIT": "1"}).path == Path("default.duckdb").absolute()


def test_what_only_dbt_acts_on_is_named(tmp_path: Path) -> None:
    assert read_target(spec(tmp_path, "plugged"), {}).others == ("attach",)


def test_the_key_of_the_cache_follows_what_the_profile_says(tmp_path: Path) -> None:
    one = read_target(spec(tmp_path), {"LIMIT": "1GB"})
    assert one.text != read_target(spec(tmp_path), {"LIMIT": "2GB"}).text
    # Where the file is, is no part of what is rendered; its name is, and is in the key by itself.
    assert one.text == read_target(spec(tmp_path), {"LIMIT": "1GB", "WHERE": "x.duckdb"}).text


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("none", "profile 'mine' has no target 'none', but dev, memory, other, plugged, remote"),
        ("memory", "expected a DuckDB file, got ':memory:'"),
        ("remote", "expected a DuckDB file, got 'md:mine'"),
        ("other", "expected type duckdb"),
        (None, "environment variable LIMIT is not set"),
    ],
)
def test_a_target_that_cannot_be_used_is_named(
    tmp_path: Path, target: str | None, says: str
) -> None:
    with pytest.raises(ProjectError, match=says) as caught:
        read_target(spec(tmp_path, target), {})
    assert "profiles.yml" in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        ("", "key 'mine': expected the profile that the project asks for"),
        ("mine: 3", "key 'mine'"),
        ("mine: {outputs: {default: 3}}", "has no target 'default'"),
        ("{", "cannot be read"),
        ("mine: {target: '{{ 1 +', outputs: {}}", "cannot be rendered"),
        ("mine: {target: '{{ nothing }}', outputs: {}}", "cannot be rendered"),
    ],
)
def test_a_profile_that_is_wrong_is_one_line(tmp_path: Path, profile: str, says: str) -> None:
    with pytest.raises(ProjectError, match=says) as caught:
        read_target(spec(tmp_path, profile=profile), {})
    assert "\n" not in str(caught.value)


def test_a_missing_profile_is_named_with_the_flag(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: p\nprofile: mine\n")
    with pytest.raises(ProjectError, match=r"no profiles\.yml there; see --profiles-dir"):
        read_target(ProjectSpec(tmp_path, profiles=tmp_path), {})
