"""Combinations of plugins: the arms, the table and the chart, and a small run of each kind."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from bench_runs import JOB, bench
from hypothesis import given
from hypothesis import strategies as st

from planwise.bench.combinations import ALL, LEAVE_ONE_OUT, ONE_IN, combined_plugins, toggles_of
from planwise.bench.contributions import by_all_combinations, by_pairs, chart, table
from planwise.bench.figures import read_figures
from planwise.bench.ratios import comparison_of
from planwise.bench.runner import Contender, Measurement, Observation
from planwise.bench.toggles import ALL_OFF, ALL_ON, simulating
from planwise.cli.bench import _combined
from planwise.cli.main import main
from planwise.errors import UsageError

names = st.sets(st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True), min_size=1, max_size=4)


@given(names)
def test_every_combination_is_an_arm_once(plugins: set[str]) -> None:
    toggles = toggles_of(ALL, sorted(plugins))
    assert len(toggles) == 2 ** len(plugins)
    assert len({tuple(sorted(each.items())) for each in toggles.values()}) == len(toggles)
    assert next(iter(toggles)) == ALL_ON
    assert all(toggles[ALL_ON].values())
    assert not any(toggles[ALL_OFF].values())
    one_out, one_in = (toggles_of(mode, sorted(plugins)) for mode in (LEAVE_ONE_OUT, ONE_IN))
    assert next(iter(one_out)) == ALL_ON
    assert next(iter(one_in)) == ALL_OFF
    arms = list(toggles.values())
    assert all(each in arms for each in (*one_out.values(), *one_in.values()))
    alone = len(plugins) if len(plugins) > 1 else 0
    assert len(one_out) == len(one_in) == alone + 2


def test_too_many_combinations_are_refused_with_their_number() -> None:
    plugins = [f"p{number}" for number in range(9)]
    with pytest.raises(UsageError, match=r"--all: 9 plugins have 512 combinations, .*at most 8"):
        toggles_of(ALL, plugins)
    assert len(toggles_of(ALL, plugins[:8])) == 256
    assert len(toggles_of(LEAVE_ONE_OUT, plugins)) == 11


def test_plugins_are_named_with_commas_or_without() -> None:
    assert combined_plugins(None, ["a", "b"]) == ["a", "b"]
    assert combined_plugins(["b,a", "a"], ["a", "b", "c"]) == ["a", "b"]


def test_a_plugin_that_needs_an_extra_is_combined_only_by_name() -> None:
    toggles, _ = _combined(None, LEAVE_ONE_OUT, None)
    assert {"batching", "tuning"} < set(toggles[ALL_ON])
    assert "telemetry" not in toggles[ALL_ON]
    named, hooks = _combined(["telemetry"], ONE_IN, None)
    assert list(named[ALL_ON]) == ["telemetry"]
    assert "telemetry" in hooks[ALL_ON]
    assert "telemetry" not in hooks[ALL_OFF]


def made_up(
    mode: str, factors: dict[str, float], rounds: int = 6
) -> tuple[Measurement, dict[str, dict[str, bool]]]:
    """A measurement in which each plugin multiplies the time, whatever else is on."""
    toggles = toggles_of(mode, sorted(factors))
    reference = next(iter(toggles))
    seen = [
        Observation(
            arm=name,
            round=number,
            wall_s=number * math.prod(factors[plugin] for plugin, on in each.items() if on),
            cpu_s=1,
            peak_rss_bytes=1,
            processes=1,
            foundation_s=None,
            years_s=None,
        )
        for number in range(1, rounds + 1)
        for name, each in toggles.items()
    ]
    running = [Contender(n, simulating(n, (), cold=True), JOB, reference) for n in toggles]
    return Measurement(tuple(running), tuple(seen), {}, {}), toggles


FACTORS = {"batching": 0.8, "tuning": 1.0, "slowing": 1.25}


@pytest.mark.parametrize("mode", [LEAVE_ONE_OUT, ONE_IN, ALL])
@pytest.mark.parametrize("factors", [FACTORS, {"alone": 0.5}, {"a": 0.5, "b": 1.5}])
def test_what_a_plugin_contributes_is_found_in_each_way(
    mode: str, factors: dict[str, float]
) -> None:
    measurement, toggles = made_up(mode, factors)
    if mode == ALL:
        found = by_all_combinations(measurement, toggles, 1)
    else:
        base = ALL_ON if mode == LEAVE_ONE_OUT else ALL_OFF
        found = by_pairs(measurement, toggles, base, 1)
    assert list(found) == [*sorted(factors), "all together"]
    for plugin, factor in factors.items():
        assert found[plugin].ratio == pytest.approx(factor)
    assert found["all together"].ratio == pytest.approx(math.prod(factors.values()))


def test_the_chart_is_plain_text_with_savings_to_the_left() -> None:
    measurement, toggles = made_up(LEAVE_ONE_OUT, FACTORS)
    lines = chart(by_pairs(measurement, toggles, ALL_ON, 1))
    assert all(line.isascii() and len(line) <= 80 for line in lines)
    bars = {line.split()[0]: line.partition("|") for line in lines[1:-3]}
    assert bars["batching"][0].rstrip()[-1] in "#="
    assert bars["batching"][2].split() == ["0.800"]
    assert bars["slowing"][2].strip().startswith("#")
    assert bars["tuning"][2].split() == ["1.000"]
    assert len({len(line) for line in lines[1:-3]}) == 1


ends = st.floats(-3, 3)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(ends, ends, ends), min_size=1))
def test_a_bar_ends_in_its_interval_and_nothing_is_outside(
    values: dict[str, tuple[float, float, float]],
) -> None:
    found = {}
    for name, each in values.items():
        low, middle, high = sorted(each)
        found[name] = comparison_of(middle, low, high, 8)
    lines = chart(found)
    assert len(lines) == len(found) + 3
    for name, line in zip(found, lines[1:], strict=False):
        bar = line[3:44]
        assert bar[20] == "|"
        assert set(bar) <= set("|#=- ")
        assert line.startswith(f"{name}  ")
        assert line.endswith(f"  {found[name].ratio:.3f}")
        assert "#" not in bar[21:] or found[name].ratio > 1
        assert "#" not in bar[:20] or found[name].ratio < 1
    assert len(table(found)) == len(found) + 2


SMALL = ("--employees", "60", "--years", "2025", "--dbt-project", "three", "--seed", "1")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--all", "--leave-one-out", "--one-in"])
def test_a_small_run_says_what_each_plugin_contributes(
    three_models: Path, tmp_path: Path, mode: str
) -> None:
    words = ["combinations", mode, "--plugins", "compression,monitoring", *SMALL]
    done = bench(*words, "--rounds", "1", "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found["arms"]) == 4
    assert set(found["contributions"]) == {"compression", "monitoring", "all together"}
    shares = {name: each["ratio"] for name, each in found["contributions"].items()}
    if mode == "--all":
        product = shares["compression"] * shares["monitoring"]
        assert shares["all together"] == pytest.approx(product)
    assert found["reference"] == ("all-off" if mode == "--one-in" else "all-on")
    assert "compression" not in found["hooks"]["all-off"]
    figures = read_figures(tmp_path / "found.json").figures
    assert {each.name: each.ratio for each in figures.contributions} == shares
    assert {each.name for each in figures.arms} == set(found["arms"])
    # What was not named is as the configuration has it.
    assert "batching" in found["hooks"]["all-off"]
    assert "Every table is the same (4 tables)" in done.stdout
    assert "| compression |" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--plugins", "tunning"], "no plugin 'tunning' is installed; did you mean 'tuning'? "),
        (["--plugins", "tuning,none"], "installed: batching, compression, monitoring"),
        (["--plugins", ","], "--plugins: there is no plugin to combine; installed: batching"),
        (["--all", "--one-in"], "not allowed with argument"),
        (["--rounds", "0"], "--rounds: expected 1 or more, got 0"),
        (["--employees", "0"], "--employees: expected 1 or more, got 0"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "combinations", *words]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
