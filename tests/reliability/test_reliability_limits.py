"""Too little memory, a full disk, two processes at once: named, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from forking import Ended, Forks
from killing import YEARS, Clean, KilledRun, digests_of, only_line

from planwise.warehouse.digests import TableDigest
from planwise.warehouse.lock import lock_file

_MIB = 1024 * 1024
_RACES = 20


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Forks, Forks]]:
    """Two that run commands at the same time."""
    folder = tmp_path_factory.mktemp("forks")
    with Forks(folder / "one") as one, Forks(folder / "other") as other:
        yield one, other


@pytest.fixture
def forks(two: tuple[Forks, Forks]) -> Forks:
    return two[0]


def _words(clean: Clean, database: Path, *more: str) -> list[str]:
    return ["simulate", *clean.arguments, "--database", str(database), *more]


def _resume(clean: Clean, folder: Path, forks: Forks, *more: str) -> None:
    """Go on with a run that failed, to the end."""
    run = KilledRun(folder, clean.arguments, seed=0, longest_s=0)
    before = run.finished()
    ended = forks.run(_words(clean, run.database, "--resume", *more))
    assert ended.code == 0, ended.said
    assert not {year for year in before if f"\nyear {year}" in ended.output}, ended.said
    run.check(clean.digests, YEARS)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["20MB", "50MB", "100MB", "200MB", "1GB"])
def test_too_little_memory_is_named_and_more_of_it_completes_the_run(
    clean: Clean, tmp_path: Path, forks: Forks, limit: str
) -> None:
    ended = forks.run(_words(clean, tmp_path / "simulation.duckdb", "--memory-limit", limit))
    if ended.code != 0:
        assert ended.code == 1, ended.said
        assert "memory" in only_line(ended.errors).lower()
    _resume(clean, tmp_path, forks, "--memory-limit", "2GB")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own in memory."""
    disk = tmp_path.resolve() / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_MIB}", "planwise", disk],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def _resize(disk: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_is_named_and_a_larger_one_completes_the_run(
    clean: Clean, tmp_path: Path, forks: Forks, small_disk: Path
) -> None:
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    alone = forks.run(_words(clean, tmp_path / "simulation.duckdb"))
    assert alone.code == 0, alone.said
    needed = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    for tenths in (0, 1, 3, 5, 6, 7, 8, 9, 9.5, 9.9):
        _resize(small_disk, max(4096, int(needed * tenths / 10)))
        folder = small_disk / str(tenths)
        folder.mkdir()
        ended = forks.run(_words(clean, folder / "simulation.duckdb"))
        if ended.code == 0:
            assert "warning" in ended.output, (tenths, ended.said)
        else:
            assert ended.code == 1, (tenths, ended.said)
            only_line(ended.errors)
        _resize(small_disk, needed * 4)
        _resume(clean, folder, forks)
        shutil.rmtree(folder)


def _at_once(two: tuple[Forks, Forks], words: list[list[str]]) -> list[Ended]:
    """Two processes that begin at the same time."""
    barrier = Barrier(2)

    def run(number: int) -> Ended:
        barrier.wait()
        return two[number].run(words[number])

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


def _check_race(ended: list[Ended], database: Path, expected: dict[str, TableDigest]) -> bool:
    """One ran and the other was told so, or both did one after the other; gives the former."""
    codes = sorted(each.code for each in ended)
    assert codes in ([0, 0], [0, 1]), [each.said for each in ended]
    for each, other in (ended, ended[::-1]):
        if each.code == 1:
            line = only_line(each.errors)
            assert f"in use by another planwise, process {other.process} " in line, each.said
    assert digests_of(database) == expected
    assert not lock_file(database).exists()
    return codes == [0, 1]


@pytest.fixture(scope="module")
def one_year(
    clean: Clean, two: tuple[Forks, Forks], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, TableDigest]:
    """The digests of a run of one year."""
    database = tmp_path_factory.mktemp("one-year") / "simulation.duckdb"
    ended = two[0].run(_words(clean, database, "--years", "2025-2025"))
    assert ended.code == 0, ended.said
    return dict(digests_of(database))


@pytest.mark.slow
def test_of_two_that_begin_at_once_one_runs_and_the_other_names_it(
    clean: Clean, tmp_path: Path, two: tuple[Forks, Forks], one_year: dict[str, TableDigest]
) -> None:
    database = tmp_path / "simulation.duckdb"
    words = _words(clean, database, "--years", "2025-2025")
    refused = [
        _check_race(_at_once(two, [words, words]), database, one_year) for _ in range(_RACES)
    ]
    assert any(refused)


@pytest.mark.slow
def test_a_link_and_the_real_path_are_one_database(
    clean: Clean, tmp_path: Path, two: tuple[Forks, Forks], one_year: dict[str, TableDigest]
) -> None:
    real, folder, link = tmp_path / "real", tmp_path / "folder", tmp_path / "link.duckdb"
    real.mkdir()
    folder.symlink_to(real, target_is_directory=True)
    link.symlink_to(real / "simulation.duckdb")
    for path in (folder / "simulation.duckdb", link):
        words = [_words(clean, each, "--years", "2025-2025") for each in (path, real / path.name)]
        words[1][-3] = str(real / "simulation.duckdb")
        _check_race(_at_once(two, words), real / "simulation.duckdb", one_year)
    assert link.is_symlink()
    assert digests_of(link) == one_year


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "1 init\n", "999999999 planwise\n", "\0" * 300])
def test_a_lock_file_that_nobody_holds_is_no_obstacle(
    clean: Clean,
    tmp_path: Path,
    forks: Forks,
    one_year: dict[str, TableDigest],
    content: str,
) -> None:
    database = tmp_path / "simulation.duckdb"
    lock_file(database).write_text(content)
    ended = forks.run(_words(clean, database, "--years", "2025-2025"))
    assert ended.code == 0, ended.said
    assert digests_of(database) == one_year
    assert not lock_file(database).exists()
