"""A disk that fails, is full, tears a write or goes away with the process: nothing is lost.

A library is preloaded that counts the calls of a run on the files of its folder and hits one of
them. The places are spread over all calls of a run.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import frozen
from forking import Ended, Forks
from killing import YEARS, Clean, KilledRun, only_line

CASES = int(os.environ.get("PLANWISE_IO_CASES", "100"))
"""How many; the release was tried at every call."""
_AT_ONCE = 2
_HOWS = {
    "failed": (str(errno.EIO), False),
    "full once": (str(errno.ENOSPC), False),
    "full": (str(errno.ENOSPC), True),
    "torn": ("tear", False),
    "killed": ("kill", False),
}
_KILLED = ("torn", "killed")


@frozen
class _Case:
    """What is hit.

    Attributes:
        at: the number of the call.
        how: what happens to it.
    """

    at: int
    how: str

    def environment(self, run: KilledRun, log: Path) -> dict[str, str]:
        how, lasts = _HOWS[self.how]
        return {
            "IO_UNDER": str(run.folder),
            "IO_LOG": str(log),
            "IO_AT": str(self.at),
            "IO_LAST": str(10**9 if lasts else self.at),
            "IO_HOW": how,
        }


def _run_at(folder: Path, clean: Clean) -> KilledRun:
    folder.mkdir(parents=True)
    return KilledRun(folder.resolve(), clean.arguments, seed=0, longest_s=0)


def _words(run: KilledRun, *more: str) -> list[str]:
    return ["simulate", *run.arguments, "--database", str(run.database), *more]


def _try(case: _Case, clean: Clean, folder: Path, forks: Forks) -> str:
    """One case; gives what is wrong, or nothing."""
    run = _run_at(folder, clean)
    log = folder.with_suffix(".log")
    ended = forks.run(_words(run), **case.environment(run, log))
    hit = next((line for line in log.read_text().splitlines() if line.endswith("HIT")), "no call")
    try:
        _check_end(case, ended, hit)
        before = run.finished()
        resumed = forks.run(_words(run, "--resume"), IO_AT="0")
        assert resumed.code == 0, f"resumed: {resumed.said}"
        again = {year for year in before if f"\nyear {year}" in resumed.output}
        assert not again, f"run again: {again}: {resumed.said}"
        run.check(clean.digests, YEARS)
    except AssertionError as error:
        return f"{case}, at {hit}: {error}\nIt had ended with {ended.said}"
    shutil.rmtree(folder)
    return ""


def _check_end(case: _Case, ended: Ended, hit: str) -> None:
    """A process that was not killed says in one line why it failed, or warns and goes on."""
    if case.how in _KILLED:
        assert ended.code in (0, -signal.SIGKILL)
    elif ended.code == 0:
        # A nameless file is a trial of a folder: the tuner leaves it alone then, and all is well.
        trial = "(deleted)" in hit
        assert "warning" in ended.output or hit == "no call" or trial, "silent"
    else:
        assert ended.code == 1
        assert only_line(ended.errors)


@pytest.mark.slow
def test_whatever_call_fails_the_run_is_complete_when_resumed(
    clean: Clean, library: Path, tmp_path: Path
) -> None:
    log = tmp_path / "all.log"
    with Forks(tmp_path / "all", library) as forks:
        run = _run_at(tmp_path / "all" / "run", clean)
        ended = forks.run(_words(run), IO_UNDER=str(run.folder), IO_LOG=str(log))
        assert ended.code == 0, ended.said
    calls = len(log.read_text().splitlines())
    assert calls > 100
    hows = [list(_HOWS)[number % len(_HOWS)] for number in range(CASES)]
    random.Random(1).shuffle(hows)  # noqa: S311  # no secret
    cases = [
        _Case(1 + round(number * (calls - 1) / max(CASES - 1, 1)), how)
        for number, how in enumerate(hows)
    ]

    def share(first: int) -> list[str]:
        with Forks(tmp_path / f"share-{first}", library) as forks:
            return [
                _try(case, clean, tmp_path / f"share-{first}" / str(number), forks)
                for number, case in enumerate(cases[first::_AT_ONCE])
            ]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        wrong = [each for found in pool.map(share, range(_AT_ONCE)) for each in found if each]
    assert not wrong, f"{len(wrong)} of {len(cases)}\n" + "\n\n".join(wrong)
