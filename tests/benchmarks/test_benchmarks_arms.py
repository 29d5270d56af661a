"""The arms, their processes, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.arms import PER_YEAR, REFERENCE, Job, all_arms, chosen_arms, steps
from benchmarks.process import StepFailedError, run
from benchmarks.runner import DigestsDifferError, check_same_tables
from benchmarks.toggles import main
from planwise.errors import UsageError

names = st.sets(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), max_size=5)
JOB = Job(Path("/census.csv"), "2024-12-31", (2025, 2026), Path("/dbt"), Path("/c.yaml"), 4)


@given(names)
def test_each_plugin_is_off_alone_once(plugins: set[str]) -> None:
    arms = all_arms(plugins)
    toggled = [arm.toggles for arm in arms.values() if arm.toggles is not None]
    assert all(set(toggles) == plugins for toggles in toggled)
    off = sorted(sorted(name for name, on in toggles.items() if not on) for toggles in toggled)
    alone = [[name] for name in plugins]
    everything = [sorted(plugins)] if len(plugins) > 1 else []
    assert off == sorted([[], *alone, *everything])
    assert arms[PER_YEAR].toggles is None


@given(names, st.data())
def test_the_reference_is_always_among_the_chosen_and_first(
    plugins: set[str], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.sampled_from(list(all_arms(plugins))), min_size=1))
    chosen = [arm.name for arm in chosen_arms(wanted, plugins)]
    assert chosen[0] == REFERENCE
    assert set(chosen) == {REFERENCE, *wanted}
    assert len(chosen) == len(set(chosen))


def test_an_unknown_arm_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"no arm 'no-tunning'; there are: all-on, no-a, no-b"):
        chosen_arms(["no-tunning"], ["a", "b"])


def test_an_arm_of_planwise_is_one_process_that_names_every_toggle(tmp_path: Path) -> None:
    [step] = steps(all_arms(["a", "b"])["no-a"], JOB, tmp_path)
    assert step.command[-2:] == ("--no-a", "--b")
    assert step.command[step.command.index("--years") + 1 :][:2] == ("2025", "2026")
    assert str(tmp_path / "simulation.duckdb") in step.command


def test_plain_dbt_builds_once_what_is_built_once_then_a_process_a_year(tmp_path: Path) -> None:
    found = steps(all_arms([])[PER_YEAR], JOB, tmp_path)
    phases = [step.phase for step in found]
    assert phases == ["foundation", "foundation", "foundation", "2025", "2026"]
    years = [step.command for step in found[3:]]
    given_vars = [json.loads(words[words.index("--vars") + 1]) for words in years]
    assert given_vars == [{"simulation_year": 2025}, {"simulation_year": 2026}]
    assert ["--full-refresh" in words for words in years] == [True, False]
    databases = {step.environment["PLANWISE_DATABASE"] for step in found[1:]}
    assert databases == {str(tmp_path / "simulation.duckdb")}


def test_a_process_is_charged_its_own_time_and_memory(tmp_path: Path) -> None:
    code = "b = b'x' * 300_000_000\nfor _ in range(3_000_000): pass"
    cost = run(
        [sys.executable, "-c", code], cwd=tmp_path, environment=os.environ, log=tmp_path / "log"
    )
    assert cost.peak_rss_bytes > 300_000_000
    assert cost.cpu_s > 0
    assert cost.wall_s > 0


def test_a_process_that_fails_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('what went wrong'); raise SystemExit(3)"]
    with pytest.raises(StepFailedError, match="exit code 3: what went wrong"):
        run(command, cwd=tmp_path, environment=os.environ, log=tmp_path / "log")


def test_an_interrupted_benchmark_leaves_no_process_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        f"import os, signal\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsignal.pause()"
    )

    def interrupt(number: int, frame: FrameType | None) -> None:
        if pid_file.exists() and pid_file.read_text():
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            run(
                [sys.executable, "-c", code],
                cwd=tmp_path,
                environment=os.environ,
                log=tmp_path / "log",
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_arms_that_differ_are_refused_by_the_names_of_the_tables() -> None:
    arm = all_arms([])[PER_YEAR]
    reference = {"main.a": "1 x", "main.b": "2 y", "main.c": "3 z"}
    assert check_same_tables(arm, {"main.a": "1 x", "main.d": "4"}, reference) == 1
    with pytest.raises(DigestsDifferError, match=r"arm 'per-year' .*: main\.a, main\.c;"):
        check_same_tables(arm, {"main.a": "1 q", "main.b": "2 y", "main.c": "9 z"}, reference)
    with pytest.raises(DigestsDifferError, match="no table in common"):
        check_same_tables(arm, {"main.d": "4"}, reference)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rounds", "0"], "--rounds: expected 1 or more, got 0"),
        (["--arms", "no-such"], "no arm 'no-such'"),
        (["--years", "2026-2025"], "runs backwards"),
        (["--census-date", "2024-12-31"], "--census-date goes with --census"),
        (["--scratch", "/proc/none"], "--scratch: /proc/none is no folder"),
        (["--output", "/proc/none/results.json"], "--output: /proc"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
