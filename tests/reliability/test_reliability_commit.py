"""A checkpoint or a commit that is cut off in its middle: the run goes on where it was."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from forking import Forks
from killing import YEARS, Clean, KilledRun, only_line

_ABORTING = """
from planwise.warehouse.beside import Beside
real, seen = Beside.checkpoint, []
def checkpoint(beside):
    seen.append(beside)
    if len(seen) == {number}:
        beside._connection.execute("PRAGMA debug_checkpoint_abort = '{mode}'")
    return real(beside)
Beside.checkpoint = checkpoint
"""
"""DuckDB's own switch for such tests; it is set where nothing of planwise's own would set it."""


_COMMITS = 8


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(tmp_path_factory.mktemp("forks")) as forks:
        yield forks


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode", ["before_truncate", "before_header", "after_free_list_write", "before_wal_finish"]
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_checkpoint_that_is_cut_off_loses_nothing(
    clean: Clean, tmp_path: Path, forks: Forks, mode: str, number: int
) -> None:
    run = KilledRun(tmp_path.resolve(), clean.arguments, seed=0, longest_s=0)
    words = ["simulate", *clean.arguments, "--database", str(run.database)]
    ended = forks.run(words, before=_ABORTING.format(number=number, mode=mode))
    assert ended.code == 1, ended.said
    only_line(ended.errors)
    before = run.finished()
    resumed = forks.run([*words, "--resume"])
    assert resumed.code == 0, resumed.said
    assert not {year for year in before if f"\nyear {year}" in resumed.output}, resumed.said
    # Year number so many was committed before its checkpoint failed.
    assert f"resumed after {2024 + number}" in resumed.output
    run.check(clean.digests, YEARS)


@pytest.mark.slow
def test_a_commit_that_fails_in_its_sync_is_judged_by_what_is_there(
    clean: Clean, tmp_path: Path, library: Path
) -> None:
    """The row of the ledger decides, and not what COMMIT says."""
    log = tmp_path / "calls.log"
    folder = tmp_path.resolve() / "run"
    run = KilledRun(folder, clean.arguments, seed=0, longest_s=0)
    words = ["simulate", *clean.arguments, "--database", str(run.database)]
    only = {"IO_CALL": "fdatasync", "IO_ENDING": ".wal", "IO_UNDER": str(folder)}
    with Forks(tmp_path / "forks", library) as forks:
        folder.mkdir()
        assert forks.run(words, IO_LOG=str(log), **only).code == 0
        shutil.rmtree(folder)
        syncs = len(log.read_text().splitlines())
        assert syncs >= len(YEARS)
        for number in range(_COMMITS):
            folder.mkdir()
            at = 1 + number * (syncs - 1) // (_COMMITS - 1)
            ended = forks.run(words, IO_AT=str(at), IO_HOW=str(errno.EIO), **only)
            assert ended.code == 1, (at, ended.said)
            only_line(ended.errors)
            before = run.finished()
            resumed = forks.run([*words, "--resume"])
            assert resumed.code == 0, (at, resumed.said)
            assert not {year for year in before if f"\nyear {year}" in resumed.output}, at
            run.check(clean.digests, YEARS)
            shutil.rmtree(folder)
