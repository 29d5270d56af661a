"""Whatever happens to the files of a chain is found, named, and never taken for a state."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from checkpoint_states import (
    LEDGER,
    PEOPLE,
    events,
    people,
    relay,
    same,
    state,
    whole_state,
    with_compression,
    year_table,
)

from planwise.checkpoints import writing
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.tables import YearTable
from planwise.errors import CheckpointError
from planwise.relay import Relay

MEMORY = 1 << 30
EVERY = "PLANWISE_EVERY_BIT" in os.environ


def folder_with(folder: Path, plugins: Relay, years: int = 3, count: int = 2_000) -> Path:
    store = CheckpointStore(folder)
    for year in range(2025, 2025 + years):
        parent = store.parent_of(year)
        tables = state(year, added=parent is not None, count=count)
        store.write(year, tables, plugins, parent=parent)
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years with a difference and rows added, made once."""
    folder = folder_with(tmp_path_factory.mktemp("written") / "checkpoints", with_compression())
    kinds = [entry.kind for entry in CheckpointStore(folder).manifest(2027).tables]
    assert kinds == ["delta", "added", "whole"]
    return folder


@pytest.fixture
def store(written: Path, tmp_path: Path) -> CheckpointStore:
    shutil.copytree(written, tmp_path / "checkpoints")
    return CheckpointStore(tmp_path / "checkpoints", memory_bytes=MEMORY)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def needing(file: Path) -> int:
    """The last year that needs a file: the third table is whole in each, and needs no other."""
    return int(file.parent.name) if file.name == "2.state" else 2027


def refused(store: CheckpointStore, plugins: Relay, year: int = 2027) -> str:
    with pytest.raises(CheckpointError) as caught:
        store.verify(year, plugins)
    text = str(caught.value)
    assert "\n" not in text
    return text


def small_chain(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[YearTable]:
    """A chain of every kind in as few bytes as there can be; gives what the last year holds."""
    found = writing.difference
    monkeypatch.setattr(
        writing, "difference", lambda before, now: found(before, now, least_rows=1, most_share=1e9)
    )
    monkeypatch.setattr(writing, "_SURE", 1e9)  # a difference of so little is never smaller
    store, plugins = CheckpointStore(folder), with_compression()
    now = [pa.table({"id": [1, 2, 3], "pay": [5, 6, pay]}) for pay in (7, 8)]
    first = [year_table(PEOPLE, 2025, now[0]), year_table(LEDGER, 2025, events(2025, 2))]
    store.write(2025, first, plugins)
    second = [
        year_table(PEOPLE, 2026, now[1]),
        year_table(LEDGER, 2026, events(2026, 1), added=True),
    ]
    store.write(2026, second, plugins, parent=2025)
    assert [entry.kind for entry in store.manifest(2026).tables] == ["delta", "added"]
    ledger = pa.concat_tables([events(2025, 2), events(2026, 1)])
    return [year_table(PEOPLE, 2026, now[1]), year_table(LEDGER, 2026, ledger)]


@pytest.mark.slow
def test_every_flip_of_a_chain_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some 2,000, evenly spread; every one of them with PLANWISE_EVERY_BIT in the environment."""
    expected = small_chain(tmp_path / "c", monkeypatch)
    store, plugins = CheckpointStore(tmp_path / "c"), with_compression()
    flips = 0
    for file in files(store.folder):
        content = file.read_bytes()
        for bit in range(0, 8 * len(content), 1 if EVERY else 13):
            damaged = bytearray(content)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            assert file.name in refused(store, plugins, 2026)
            flips += 1
        file.write_bytes(content)
    assert flips > 1_500
    assert same(store.read(2026, plugins), expected)


def test_every_cut_of_a_chain_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = small_chain(tmp_path / "c", monkeypatch)
    store, plugins = CheckpointStore(tmp_path / "c"), with_compression()
    for file in files(store.folder):
        content = file.read_bytes()
        for length in range(0, len(content), 1 if EVERY else 5):
            file.write_bytes(content[:length])
            assert file.name in refused(store, plugins, 2026)
        for more in (b"\0", b"\n", b" " * 4096):
            file.write_bytes(content + more)
            assert file.name in refused(store, plugins, 2026)
        file.write_bytes(content)
    assert same(store.read(2026, plugins), expected)


def test_flips_of_a_larger_chain_are_found(store: CheckpointStore) -> None:
    """Sampled."""
    plugins = with_compression()
    chance = random.Random(5)  # noqa: S311 - no secret
    for file in files(store.folder):
        content = file.read_bytes()
        for _ in range(500 if EVERY else 60):
            damaged = bytearray(content)
            damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            file.write_bytes(damaged)
            assert file.name in refused(store, plugins, needing(file))
        file.write_bytes(content)
    assert same(store.read(2027, plugins), whole_state(2027))


def test_every_file_that_is_missing_is_found(store: CheckpointStore) -> None:
    plugins = with_compression()
    for file in files(store.folder):
        aside = file.rename(file.with_name("aside"))
        text = refused(store, plugins, needing(file))
        assert (str(file.parent) if file.name == "manifest.json" else str(file)) in text
        aside.rename(file)
    store.verify(2027, plugins)


def test_every_two_files_that_changed_places_are_found(store: CheckpointStore) -> None:
    plugins = with_compression()
    found = files(store.folder)
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            first, second = one.read_bytes(), other.read_bytes()
            if first == second:  # a table that has not changed
                continue
            one.write_bytes(second)
            other.write_bytes(first)
            refused(store, plugins, min(needing(one), needing(other)))
            one.write_bytes(first)
            other.write_bytes(second)
    store.verify(2027, plugins)


def test_two_years_that_changed_places_are_found(store: CheckpointStore) -> None:
    plugins, folder = with_compression(), store.folder
    for one, other in (("2025", "2026"), ("2026", "2027"), ("2025", "2027")):
        for old, new in ((one, "x"), (other, one), ("x", other)):
            (folder / old).rename(folder / new)
        assert "is of the year" in refused(store, plugins)
        for old, new in ((one, "x"), (other, one), ("x", other)):
            (folder / old).rename(folder / new)
    store.verify(2027, plugins)


def test_a_parent_of_another_run_is_found(store: CheckpointStore, tmp_path: Path) -> None:
    """Whole and sound, of the right year and columns, and not the one that was built on."""
    plugins = with_compression()
    other = folder_with(tmp_path / "other", plugins, count=2_100)
    shutil.rmtree(store.folder / "2026")
    shutil.copytree(other / "2026", store.folder / "2026")
    text = refused(store, plugins)
    assert "2026/manifest.json: is not the one that the checkpoint of 2027 was built on" in text


def test_the_same_parent_written_again_is_another_one(
    store: CheckpointStore, tmp_path: Path
) -> None:
    """What it holds may be the same; nobody has proved it."""
    plugins = with_compression()
    again = CheckpointStore(tmp_path / "again")
    again.write(2025, state(2025, added=False), plugins, origin={"run": "another"})
    shutil.rmtree(store.folder / "2025")
    shutil.copytree(again.folder / "2025", store.folder / "2025")
    assert "2025/manifest.json: is not the one" in refused(store, plugins, 2026)


def test_the_newest_good_one_and_why_the_newer_are_not(store: CheckpointStore) -> None:
    plugins = with_compression()
    assert store.newest_good(plugins) == (2027, [])
    assert store.newest_good(plugins, at_most=2026) == (2026, [])
    assert store.newest_good(plugins, at_most=2024) == (None, [])
    file = store.folder / "2027" / "1.state"
    content = bytearray(file.read_bytes())
    content[-5] ^= 4
    file.write_bytes(content)
    year, problems = store.newest_good(plugins)
    assert year == 2026
    assert problems == [
        f"the state of 2027 cannot be used: {file}: damaged: its SHA-256 is not the manifest's"
    ]
    (store.folder / "2025" / "manifest.json").unlink()
    year, problems = store.newest_good(plugins)
    assert year is None
    assert [problem[:32] for problem in problems] == [
        f"the state of {each} cannot be used" for each in (2027, 2026, 2025)
    ]
    assert "needs the one of 2025" in problems[1]
    assert all(f"{store.folder}/2025: no checkpoint there" in each for each in problems[1:])


def test_without_its_plugin_a_state_is_no_good(store: CheckpointStore) -> None:
    year, problems = store.newest_good(relay())
    assert year is None
    assert "codec 'parquet+lz4', written by plugin 'compression'" in problems[0]


@pytest.mark.parametrize("name", ["manifest.json", "0.state"])
@pytest.mark.parametrize("what", ["link", "outside", "pipe", "folder", "device"])
def test_a_file_that_is_no_file_is_refused(store: CheckpointStore, name: str, what: str) -> None:
    """And neither followed nor waited for."""
    file = store.folder / "2026" / name
    aside = file.rename(file.with_name("aside") if what == "link" else store.folder.parent / name)
    if what in ("link", "outside"):
        file.symlink_to(aside)  # the very bytes
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")
    assert str(file) in refused(store, with_compression())


def test_a_year_that_is_a_link_is_refused(store: CheckpointStore) -> None:
    outside = (store.folder / "2026").rename(store.folder.parent / "outside")
    (store.folder / "2026").symlink_to(outside)
    assert "2026/manifest.json: is reached by a link" in refused(store, with_compression())
    assert store.years() == [2025, 2026, 2027]
    assert store.prune([2025]) == [2026, 2027]
    assert (outside / "manifest.json").is_file()  # the link has gone, and not what it leads to


def test_a_file_of_holes_is_refused_before_it_is_read(store: CheckpointStore) -> None:
    file = store.folder / "2026" / "0.state"
    with file.open("r+b") as stream:
        stream.truncate(1 << 40)
    assert "0.state: damaged: 1099511627776 bytes, expected" in refused(store, with_compression())


def test_a_folder_that_cannot_be_read_is_named(store: CheckpointStore) -> None:
    shutil.rmtree(store.folder / "2027")
    (store.folder / "2027").mkdir()
    assert "2027: no checkpoint there" in refused(store, with_compression())


def test_what_is_added_by_others_disturbs_nobody(store: CheckpointStore) -> None:
    (store.folder / "2027" / "notes.txt").write_text("mine")
    (store.folder / ".DS_Store").write_bytes(b"\0")
    store.verify(2027, with_compression())
    assert same(store.read(2027, with_compression()), whole_state(2027))


def test_people_differ_from_year_to_year() -> None:
    """Else these tests would show little."""
    assert not people(2025, 2_000).equals(people(2026, 2_000))
