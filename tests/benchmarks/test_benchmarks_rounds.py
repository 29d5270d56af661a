"""How often each arm runs: warm-up, rounds, and a budget of time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from bench_runs import JOB, TABLE, scripted

from planwise.bench.runner import Measurement, contenders, measure


def run(folder: Path, said: list[str], **more: float) -> Measurement:
    wanted = contenders([scripted("a", TABLE), scripted("b", TABLE)], JOB, "a")
    options = {"rounds": 3, "seed": 1, **more}
    return measure(wanted, scratch=folder, say=said.append, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("warmup", [1, 3])
def test_what_warms_up_is_checked_and_not_counted(tmp_path: Path, warmup: int) -> None:
    said: list[str] = []
    found = run(tmp_path, said, warmup=warmup)
    assert found.rounds == 3
    assert [each.round for each in found.of("b")] == [1, 2, 3]
    assert sum("not counted" in line for line in said) == 2 * warmup
    assert [line.split(":")[1].split()[0] for line in said[:2]] == ["a", "b"]


def test_one_round_is_measured_however_late_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    found = run(tmp_path, said, deadline_s=time.monotonic() - 1)
    assert found.rounds == 1
    assert len(found.of("a")) == len(found.of("b")) == 1
    assert said[-1].startswith("time budget: stopped after 1 of 3 rounds; another takes about ")


def test_a_budget_that_is_not_used_up_changes_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    assert run(tmp_path, said, deadline_s=time.monotonic() + 1e6).rounds == 3
    assert not any("budget" in line for line in said)
