"""What a run is made from, how far it is, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import CheckpointError, UsageError
from planwise.run_files import MANIFEST_NAME
from planwise.runs.branching import Branch, branch_years, parse_branch
from planwise.runs.identity import differences, told
from planwise.runs.manifest import Progress, RunManifest, new_manifest, read_manifest
from planwise.settings import size_bytes

IDENTITY = {
    "versions": {"planwise": "1", "duckdb": "2.0.0"},
    "project": {"files": {"models/a.sql": "0" * 64}, "environment": {"X": "1" * 64}},
    "census": {"sha256": "2" * 64},
    "config": {"base": {"workforce": {"growth_rate": "0.03"}, "levels": [1, 2]}},
    "years": [2025, 2026],
}


def changed(**sections: object) -> dict[str, object]:
    return {**IDENTITY, **sections}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (changed(), []),
        (
            changed(versions={"planwise": "1", "duckdb": "2.0.1"}),
            ["versions.duckdb was 2.0.0 and is 2.0.1"],
        ),
        (
            changed(census={"sha256": "3" * 64}),
            ["the census has other content (--census names it)"],
        ),
        (changed(years=[2025]), ["years was 2025, 2026 and is 2025"]),
        (
            changed(config={"base": {"workforce": {"growth_rate": "0.05"}, "levels": [1, 2]}}),
            ["base.workforce.growth_rate was 0.03 and is 0.05"],
        ),
        (
            changed(project={"files": {"models/a.sql": "5" * 64}, "environment": {"X": "1" * 64}}),
            ["models/a.sql has changed"],
        ),
        (
            changed(project={"files": {"models/b.sql": "0" * 64}, "environment": {"X": "2" * 64}}),
            ["X has changed", "models/a.sql is gone", "models/b.sql is new"],
        ),
    ],
)  # fmt: skip
def test_what_differs_is_named(now: dict[str, object], expected: list[str]) -> None:
    assert differences(IDENTITY, now) == expected


def test_many_differences_are_counted() -> None:
    assert told(["a", "b"]) == "a; b"
    assert told([str(n) for n in range(9)]) == "0; 1; 2; 3; and 5 more"


def test_a_manifest_is_kept_and_grows(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    progress = Progress(tmp_path, new_manifest(IDENTITY, [2025, 2026]))
    progress.begin()
    assert read_manifest(tmp_path) == progress.manifest
    progress.year_finished(2025, {"main.a": "1:ff"})
    found = read_manifest(tmp_path)
    assert found is not None
    assert found.finished == {2025: {"main.a": "1:ff"}}
    assert progress.origin["run"] == found.run_id
    assert [each.name for each in tmp_path.iterdir()] == [MANIFEST_NAME]


def test_every_flipped_bit_and_every_cut_of_a_manifest_is_found(tmp_path: Path) -> None:
    progress = Progress(tmp_path, new_manifest({"census": None}, [2025]))
    progress.year_finished(2025, {"main.a": "1:ff"})
    file = tmp_path / MANIFEST_NAME
    good, content = read_manifest(tmp_path), file.read_bytes()
    for place in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        file.write_bytes(damaged)
        # White space is no content, and may be another.
        assert _read(tmp_path) in (None, good), place
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            read_manifest(tmp_path)


def _read(folder: Path) -> RunManifest | None:
    """The manifest, or None if it is refused."""
    try:
        return read_manifest(folder)
    except CheckpointError:
        return None


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    Progress(tmp_path, new_manifest({}, [2025])).begin()
    file = tmp_path / MANIFEST_NAME
    content = json.loads(file.read_text())
    content["format"] = 99
    del content["sha256"]
    from planwise.runs import manifest

    content["sha256"] = manifest._checksum(content)
    file.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="another planwise's"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "@", "a.duckdb", "@2027", "a@", "a@27", "a@20277", "a@2O27", "a@-027", "a@٢٠٢٧"]
)
def test_a_branch_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a database and a year"):
        parse_branch(text)


def test_a_branch_may_have_an_at_in_its_path() -> None:
    assert parse_branch("a@b/c.duckdb@2027") == Branch(Path("a@b/c.duckdb"), 2027)


def source(*finished: int) -> RunManifest:
    return RunManifest("x", {}, finished, {year: {} for year in finished})


def test_a_branch_goes_on_after_its_year() -> None:
    branch = Branch(Path("a"), 2027)
    for wanted in ([2028, 2029], [2025, 2026, 2027, 2028, 2029]):
        assert branch_years(branch, source(2025, 2026, 2027, 2028), wanted) == (
            2025, 2026, 2027, 2028, 2029,
        )  # fmt: skip
    for wanted in ([2027], [2029], [2026, 2027, 2028], [2025, 2026]):
        with pytest.raises(UsageError, match="a branch from 2027 goes on in 2028"):
            branch_years(branch, source(2025, 2026, 2027), wanted)
    with pytest.raises(UsageError, match=r"got 2029$"):
        branch_years(branch, source(2025, 2026, 2027), [2029])


@given(st.integers(1, 10**6), st.sampled_from(["B", "kB", "MB", "GB", "TB", "KiB", "MiB", "gib"]))
def test_a_size_is_read(number: int, unit: str) -> None:
    base = 1024 if "i" in unit.lower() else 1000
    power = " kmgt".index(unit[0].lower()) if unit != "B" else 0
    assert size_bytes(f"{number}{unit}", "--x") == number * base**power


@pytest.mark.parametrize("text", ["", "0MB", "-1MB", "1", "MB", "1XB", "1e3MB", "80%", "1 MB x"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--x: expected a size"):
        size_bytes(text, "--x")
