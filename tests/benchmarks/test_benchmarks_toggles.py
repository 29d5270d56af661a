"""The arms of the toggles, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.toggle_arms import all_arms, chosen_arms
from benchmarks.toggles import main
from planwise.bench.arms import PER_YEAR
from planwise.bench.job import Job, Place
from planwise.bench.toggles import ALL_ON, toggles_of_arms
from planwise.errors import UsageError

names = st.sets(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), max_size=5)
JOB = Job(Path("/census.csv"), "2024-12-31", (2025, 2026), Path("/dbt"), Path("/c.yaml"), 4)


@given(names)
def test_each_plugin_is_off_alone_once(plugins: set[str]) -> None:
    toggled = list(toggles_of_arms(plugins).values())
    assert all(set(toggles) == plugins for toggles in toggled)
    off = sorted(sorted(name for name, on in toggles.items() if not on) for toggles in toggled)
    alone = [[name] for name in plugins]
    everything = [sorted(plugins)] if len(plugins) > 1 else []
    assert off == sorted([[], *alone, *everything])
    assert list(all_arms(plugins)) == [*toggles_of_arms(plugins), PER_YEAR]


@given(names, st.data())
def test_the_reference_is_always_among_the_chosen_and_first(
    plugins: set[str], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.sampled_from(list(all_arms(plugins))), min_size=1))
    chosen = [arm.name for arm in chosen_arms(wanted, plugins)]
    assert chosen[0] == ALL_ON
    assert set(chosen) == {ALL_ON, *wanted}
    assert len(chosen) == len(set(chosen))


def test_an_unknown_arm_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"no arm 'no-tunning'; there are: all-on, no-a, no-b"):
        chosen_arms(["no-tunning"], ["a", "b"])


def test_an_arm_of_planwise_is_one_process_that_names_every_toggle(tmp_path: Path) -> None:
    [step] = all_arms(["a", "b"])["no-a"].steps(JOB, Place(tmp_path, tmp_path / "kept"))
    assert step.command[-2:] == ("--no-a", "--b")
    assert step.command[step.command.index("--years") + 1 :][:2] == ("2025", "2026")
    assert str(tmp_path / "simulation.duckdb") in step.command


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
