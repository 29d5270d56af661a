"""As many rounds as a ratio needs to be known well enough."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from bench_runs import JOB, TABLE, scripted
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.bench.precision import LEAST, MOST, PERCENT, is_precise, until_precise
from planwise.bench.ratios import compare
from planwise.bench.runner import Observation, contenders, measure

seeds = st.integers(0, 2**32)


def times(scatter: float, seed: int, factor: float = 1.0) -> tuple[list[float], list[float]]:
    """Of as many rounds as are needed: runs that scatter so much, and of A take longer."""
    draws = random.Random(seed)  # noqa: S311  # noise, not a secret
    arm: list[float] = []
    reference: list[float] = []
    while len(arm) < MOST and not is_precise(arm, reference, PERCENT, seed):
        arm.append(factor * math.exp(draws.gauss(0, scatter)))
        reference.append(math.exp(draws.gauss(0, scatter)))
    return arm, reference


@given(seeds)
@settings(max_examples=5, deadline=None)
def test_runs_that_hardly_differ_need_the_fewest_rounds(seed: int) -> None:
    assert len(times(0.005, seed)[0]) == LEAST


@given(seeds)
@settings(max_examples=3, deadline=None)
def test_a_noisy_machine_needs_more_rounds_and_not_without_end(seed: int) -> None:
    assert LEAST < len(times(0.04, seed)[0]) <= MOST
    assert len(times(0.3, seed)[0]) == MOST


@given(seeds, st.floats(0.5, 2))
@settings(max_examples=5, deadline=None)
def test_what_decides_is_how_well_a_ratio_is_known_and_not_which_it_is(
    seed: int, factor: float
) -> None:
    arm, reference = times(0.02, seed)
    longer = [factor * each for each in arm]
    for count in range(LEAST, len(arm) + 1, 5):
        of_first = is_precise(arm[:count], reference[:count], PERCENT, seed)
        assert is_precise(longer[:count], reference[:count], PERCENT, seed) == of_first


def test_equal_arms_are_rarely_called_different_though_the_number_of_rounds_is_not_fixed() -> None:
    found = [compare(*times(0.025, seed), seed=seed, resamples=1000) for seed in range(40)]
    assert sum("difference" in each.verdict for each in found) >= 36


def test_what_takes_three_percent_is_found_where_runs_scatter_by_three() -> None:
    found = [compare(*times(0.03, seed, 1.03), seed=seed, resamples=1000) for seed in range(20)]
    assert sum(each.verdict == "slower" for each in found) >= 17


def test_no_round_is_begun_after_enough(tmp_path: Path) -> None:
    seen: list[int] = []

    def enough(observations: Sequence[Observation]) -> bool:
        seen.append(len(observations))
        return len(seen) == 2

    wanted = contenders([scripted("a", TABLE), scripted("b", TABLE)], JOB, "b")
    said: list[str] = []
    found = measure(wanted, rounds=5, seed=1, scratch=tmp_path, say=said.append, enough=enough)
    assert found.rounds == 2
    assert seen == [2, 4]


@pytest.mark.parametrize(("wide", "enough"), [(0.0, True), (0.2, False)])
def test_the_two_arms_of_a_measurement_are_told_apart(wide: float, enough: bool) -> None:
    draws = random.Random(1)  # noqa: S311  # noise, not a secret
    observations = [
        Observation(
            arm=arm,
            round=number,
            wall_s=math.exp(draws.gauss(0, wide)),
            cpu_s=1.0,
            peak_rss_bytes=1,
            processes=1,
            foundation_s=None,
            years_s=None,
        )
        for number in range(1, LEAST + 1)
        for arm in ("b", "a")
    ]
    assert until_precise("a", "b", PERCENT, 1)(observations) is enough
    assert not until_precise("a", "b", PERCENT, 1)(observations[:-2])
