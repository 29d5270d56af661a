"""Checkpoints of one run that are another's too."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from checkpoint_states import PEOPLE, same, state, whole_state, with_compression

from planwise.checkpoints.store import CheckpointStore

YEARS = (2025, 2026, 2027)


@pytest.fixture(scope="module")
def plugins() -> object:
    return with_compression()


@pytest.fixture
def source(tmp_path: Path, plugins: object) -> CheckpointStore:
    store = CheckpointStore(tmp_path / "source")
    for year in YEARS:
        parent = store.parent_of(year)
        tables = state(year, added=parent is not None, count=500)
        store.write(year, tables, plugins, parent=parent)
    return store


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "own" / "checkpoints")


def digests(store: CheckpointStore, year: int) -> dict[str, str]:
    return {".".join(each.relation): each.digest for each in store.manifest(year).tables}


def test_a_chain_is_there_without_another_byte(
    source: CheckpointStore, store: CheckpointStore, plugins: object
) -> None:
    assert store.adopt(source.folder, 2026, digests(source, 2026))
    assert store.years() == [2025, 2026]
    assert same(store.read(2026, plugins), whole_state(2026, count=500))
    for file in (source.folder / "2026").iterdir():
        assert file.samefile(store.folder / "2026" / file.name)
    # It is built on as one of its own.
    assert store.parent_of(2027) == 2026
    store.write(2027, state(2027, added=True, count=500), plugins, parent=2026)
    assert same(store.read(2027, plugins), whole_state(2027, count=500))
    assert not (store.folder / "2027" / "0.state").samefile(source.folder / "2027" / "0.state")


def test_either_run_may_remove_its_own(
    source: CheckpointStore, store: CheckpointStore, plugins: object
) -> None:
    assert store.adopt(source.folder, 2026, digests(source, 2026))
    assert source.prune([]) == [2025, 2026, 2027]
    assert store.newest_good(plugins) == (2026, [])
    # Written once more: what the other one has stays as it was.
    assert CheckpointStore(source.folder).adopt(store.folder, 2026, digests(store, 2026))
    store.write(2025, state(2025, added=False, count=10), plugins)
    assert same(source.read(2026, plugins), whole_state(2026, count=500))
    assert same(store.read(2025, plugins), whole_state(2025, count=10))


def test_what_holds_something_else_is_left(source: CheckpointStore, store: CheckpointStore) -> None:
    wanted = digests(source, 2026)
    assert not store.adopt(source.folder, 2026, {**wanted, ".".join(PEOPLE): "1:f"})
    assert not store.adopt(source.folder, 2026, {**wanted, "main.more": "1:f"})
    assert not store.adopt(source.folder, 2028, wanted)
    assert not store.adopt(source.folder / "missing", 2026, wanted)
    assert store.years() == []


@pytest.mark.parametrize("year", [2025, 2026])
@pytest.mark.parametrize("file", ["0.state", "manifest.json"])
def test_damage_is_not_taken_over(
    source: CheckpointStore, store: CheckpointStore, year: int, file: str
) -> None:
    wanted = digests(source, 2026)
    damaged = source.folder / str(year) / file
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert not store.adopt(source.folder, 2026, wanted)
    assert store.years() == []


def test_a_link_in_place_of_a_file_is_not_taken_over(
    source: CheckpointStore, store: CheckpointStore, tmp_path: Path
) -> None:
    file = source.folder / "2026" / "0.state"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert not store.adopt(source.folder, 2026, digests(source, 2026))
    assert store.years() == []


def test_a_limit_is_held_as_each_is_written(source: CheckpointStore, tmp_path: Path) -> None:
    limited = CheckpointStore(tmp_path / "limited", limit_bytes=10**9)
    assert not limited.adopt(source.folder, 2026, digests(source, 2026))
    assert limited.years() == []


def test_on_another_file_system_it_is_stored_anew(
    source: CheckpointStore, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    # What the kernel says; not every machine that runs the tests has two file systems to write to.
    monkeypatch.setattr(os, "link", link)
    assert not store.adopt(source.folder, 2026, digests(source, 2026))
    assert list(store.folder.iterdir()) == []
