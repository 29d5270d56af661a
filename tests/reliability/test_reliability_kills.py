"""Whatever is killed and whenever: resumed, the run gives what an undisturbed one gives."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from killing import YEARS, Clean, KilledRun

KILLS = int(os.environ.get("PLANWISE_KILLS", "200"))
"""How many kill -9 in all; the release was tried with 1,000."""
_AT_ONCE = 2


def _killed_until(clean: Clean, folder: Path, number: int, wanted: int, seed: int) -> int:
    """Runs that are killed and resumed until so many signals have ended a process."""
    kills, run_number = 0, 0
    while kills < wanted:
        place = folder / f"{seed}-{run_number}"
        place.mkdir(parents=True)
        run = KilledRun(place, clean.arguments, seed * 1000 + run_number, clean.wall_s)
        run.complete(number, most_kills=wanted - kills)
        run.check(clean.digests, YEARS)
        kills += run.kills
        run_number += 1
    return kills


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "wanted"),
    [(signal.SIGKILL, KILLS), (signal.SIGTERM, 20), (signal.SIGINT, 20)],
    ids=["kill", "terminate", "interrupt"],
)
def test_a_run_that_is_ended_at_random_moments_loses_nothing(
    clean: Clean, tmp_path: Path, number: int, wanted: int
) -> None:
    share = -(-wanted // _AT_ONCE)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = pool.map(
            lambda seed: _killed_until(clean, tmp_path, number, share, seed), range(_AT_ONCE)
        )
        assert sum(done) >= wanted
