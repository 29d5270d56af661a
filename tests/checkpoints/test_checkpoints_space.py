"""Room: the limit, a full disk, and what stays of what was there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoint_states import relay, same, state, whole_state, with_compression

from planwise.checkpoints import files as files_module
from planwise.checkpoints import placing
from planwise.checkpoints import store as store_module
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.writing import TableWriter
from planwise.errors import CheckpointError, CheckpointSpaceError


def filled(folder: Path, years: int, **options: int) -> CheckpointStore:
    store = CheckpointStore(folder, **options)
    for year in range(2025, 2025 + years):
        write(store, year)
    return store


def write(store: CheckpointStore, year: int) -> None:
    parent = store.parent_of(year)
    tables = state(year, added=parent is not None)
    store.write(year, tables, with_compression(), parent=parent)


def total(store: CheckpointStore) -> int:
    return sum(store.size_bytes(year) for year in store.years())


def tree(folder: Path) -> dict[str, bytes]:
    found = folder.rglob("*")
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.is_file()}


def test_the_oldest_that_nobody_needs_go(tmp_path: Path) -> None:
    free = filled(tmp_path / "free", 6, full_every=2)
    limit = total(free) - free.size_bytes(2025) + 100
    store = filled(tmp_path / "limited", 6, full_every=2, limit_bytes=limit)
    # 2025 goes, and 2026 with it, which was built on it.
    assert store.years() == [2027, 2028, 2029, 2030]
    assert total(store) <= limit
    for year in store.years():
        assert same(store.read(year, with_compression()), whole_state(year))


def test_what_a_year_builds_on_does_not_go(tmp_path: Path) -> None:
    free = filled(tmp_path / "free", 3)
    limit = total(free) - 1
    store = filled(tmp_path / "limited", 2, limit_bytes=limit)
    before = tree(store.folder)
    with pytest.raises(CheckpointSpaceError) as caught:
        write(store, 2027)
    text = str(caught.value)
    assert text.startswith(f"{store.folder}: the state of 2027 cannot be stored: its ")
    assert f"over the limit of {limit} bytes" in text
    assert "\n" not in text
    assert tree(store.folder) == before
    # The year after it has nothing to build on, stands alone, and the others make room for it.
    assert store.parent_of(2028) is None
    write(store, 2028)
    assert store.years() == [2028]
    store.verify(2028, with_compression())


def test_a_limit_that_is_too_small_for_any_stores_nothing(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "c", limit_bytes=1_000)
    for year in (2025, 2026):
        assert store.parent_of(year) is None
        with pytest.raises(CheckpointSpaceError, match="over the limit of 1000 bytes"):
            write(store, year)
        assert list(store.folder.iterdir()) == []


def test_a_year_that_is_replaced_counts_once(tmp_path: Path) -> None:
    free = filled(tmp_path / "free", 1)
    store = CheckpointStore(tmp_path / "c", limit_bytes=total(free) + 100)
    for _ in range(3):
        write(store, 2025)
    assert store.years() == [2025]


def test_a_limit_holds_whatever_it_is(tmp_path: Path) -> None:
    whole = total(filled(tmp_path / "free", 5, full_every=3))
    for share in range(1, 12):
        limit = whole * share // 10
        store = CheckpointStore(tmp_path / str(share), limit_bytes=limit, full_every=3)
        for year in range(2025, 2030):
            try:
                write(store, year)
            except CheckpointSpaceError:
                assert year not in store.years()
            assert total(store) <= limit
            good, problems = store.newest_good(with_compression())
            assert problems == []
            assert good == max(store.years(), default=None)


def test_prune_keeps_what_is_needed(tmp_path: Path) -> None:
    store = filled(tmp_path / "c", 7, full_every=3)  # 2025-2027, 2028-2030, 2031
    assert store.needed_by(2028) == [2029, 2030]
    assert store.needed_by(2031) == []
    assert store.prune([2029, 2031]) == [2025, 2026, 2027, 2030]
    assert store.years() == [2028, 2029, 2031]
    assert store.newest_good(with_compression()) == (2031, [])
    store.verify(2029, with_compression())
    assert store.prune([2029, 2031]) == []
    (store.folder / "2029" / "manifest.json").write_text("damaged")
    assert store.prune([2029]) == [2028, 2031]
    assert store.prune([]) == [2029]
    assert store.years() == []
    assert CheckpointStore(tmp_path / "none").prune([2025]) == []


@pytest.fixture(scope="module")
def small_disk() -> Path:
    """A file system of 1 MiB, where this process may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="planwise-full-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_named_and_takes_nothing_with_it(small_disk: Path) -> None:
    store = CheckpointStore(small_disk / "c", full_every=3)
    write(store, 2025)
    write(store, 2026)
    before = tree(store.folder)
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 8192))
    for _ in range(2):
        with pytest.raises(CheckpointSpaceError) as caught:
            write(store, 2027)
        assert "the state of 2027 cannot be stored: No space left on device" in str(caught.value)
        assert tree(store.folder) == before
    assert store.newest_good(with_compression()) == (2026, [])
    ballast.unlink()
    assert store.parent_of(2028) is None
    write(store, 2028)
    write(store, 2029)
    assert store.years() == [2025, 2026, 2028, 2029]
    assert store.newest_good(with_compression()) == (2029, [])


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from checkpoint_states import state, with_compression
from planwise.checkpoints.store import CheckpointStore
from planwise.checkpoints.writing import TableWriter
from planwise.errors import CheckpointSpaceError

store, plugins = CheckpointStore(Path(sys.argv[2])), with_compression()
state_of = {year: state(year, added=False) for year in (2025, 2026)}
for limit in range(0, 60_000, 1_500):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        store.write(2026, state_of[2026], plugins, parent=2025)
    except CheckpointSpaceError as error:
        assert "File too large" in str(error), error
        assert store.years() == [2025]
        assert [each.name for each in store.folder.iterdir()] == ["2025"]
        refused = limit
    else:
        print("stored within", limit, "after", refused)
        break
"""


def test_files_that_may_not_grow_are_named_wherever_it_happens(tmp_path: Path) -> None:
    store = filled(tmp_path / "c", 1)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(Path(__file__).parent), str(store.folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "stored within" in done.stdout
    assert store.newest_good(with_compression()) == (2026, [])


STEPS = [
    (TableWriter, "store"),
    (Path, "write_bytes"),
    (store_module, "sync"),
    (store_module, "sweep"),
    (placing, "sync"),
]


def broken(*_: object) -> None:
    """What the disk says is the system's; which call it says it to is chosen by the tests."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("year", [2027, 2028])
@pytest.mark.parametrize(
    ("module", "name"), STEPS, ids=lambda each: getattr(each, "__name__", each)
)
def test_an_error_at_a_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, year: int
) -> None:
    """Whether the year is there already or not."""
    store = filled(tmp_path / "c", 3, full_every=2)
    before = tree(store.folder)
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(CheckpointSpaceError, match=rf"{year} cannot be stored: Input/output error"):
        store.write(year, state(year, added=False), with_compression())
    monkeypatch.undo()
    assert tree(store.folder) == before
    write(store, 2028)
    assert store.years() == [2025, 2026, 2027, 2028]
    assert store.newest_good(with_compression()) == (2028, [])


@pytest.mark.parametrize("module", [placing, files_module], ids=["placing", "files"])
def test_what_cannot_be_removed_for_a_year_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    store = filled(tmp_path / "c", 3, full_every=2)
    store._limit_bytes = limit = total(store) + 100
    monkeypatch.setattr(module, "remove_whole" if module is placing else "sync", broken)
    store.write(2028, state(2028, added=False), with_compression())
    monkeypatch.undo()
    assert store.newest_good(with_compression()) == (2028, [])
    assert {2025, 2027, 2028} <= set(store.years())
    write(store, 2029)
    assert store.years()[-2:] == [2028, 2029]
    assert 2025 not in store.years()
    assert total(store) <= limit


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("mine")
    store = CheckpointStore(tmp_path / "c")
    with pytest.raises(CheckpointSpaceError, match="the state of 2025 cannot be stored"):
        write(store, 2025)
    assert (tmp_path / "c").read_text() == "mine"
    assert store.years() == []
    with pytest.raises(CheckpointError, match=r"no checkpoint there|cannot be read"):
        store.verify(2025, relay())
