"""How often each arm runs: warm-up, rounds, and a budget of time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from bench_runs import JOB, TABLE, scripted

from planwise.bench.arms import Arm
from planwise.bench.job import WHOLE, Job, Place, Step, database_of
from planwise.bench.keeping import CACHES, PARSED
from planwise.bench.runner import Measurement, contenders, measure
from planwise.run_files import RunFiles


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


KEEPS = """
from pathlib import Path
name, kept, parsed, log = sys.argv[2], *map(Path, sys.argv[3:])
seen = " ".join(sorted(each.name for each in kept.iterdir())) if kept.exists() else "-"
with log.open("a") as out:
    print(name, seen, parsed.read_text() if parsed.exists() else "-", sep=";", file=out)
kept.mkdir(exist_ok=True)
(kept / name).touch()
parsed.parent.mkdir(parents=True, exist_ok=True)
parsed.write_text(name)
"""


def keeping(name: str, log: Path) -> Arm:
    """An arm that writes down what it finds, and leaves its name where caches are."""

    def steps(_job: Job, where: Place) -> list[Step]:
        database = database_of(where.folder)
        parsed = RunFiles(database).work / "target" / PARSED
        words = (str(database), name, str(where.kept / CACHES), str(parsed), str(log))
        return [Step(WHOLE, (sys.executable, "-c", f"{TABLE}\n{KEEPS}", *words), {})]

    return Arm(name, steps, keeps=True)


def test_an_arm_begins_with_what_the_reference_left_and_then_has_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "scratch").mkdir()
    wanted = contenders([keeping(name, log) for name in "abc"], JOB, "a")
    found = measure(wanted, rounds=1, seed=1, scratch=tmp_path / "scratch", say=lambda _: None)
    assert found.rounds == 1
    seen = log.read_text().splitlines()
    assert seen[:3] == ["a;-;-", "b;a;a", "c;a;a"]
    assert sorted(seen[3:]) == ["a;a;a", "b;a b;b", "c;a c;c"]
