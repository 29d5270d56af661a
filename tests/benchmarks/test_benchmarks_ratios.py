"""The statistics of the benchmarks."""

from __future__ import annotations

import math
import random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.bench.precision import LEAST
from planwise.bench.ratios import (
    LEAST_ROUNDS,
    _student_quantile,
    bootstrap_interval,
    compare,
    compare_unpaired,
)

NONE = "no significant difference"
FEW = 300  # resamples: enough for what is asserted here
seconds = st.floats(0.001, 10_000)
pairs = st.lists(st.tuples(seconds, seconds), min_size=1, max_size=12)
seeds = st.integers(0, 2**32)


@given(pairs, seeds)
@settings(max_examples=60, deadline=None)
def test_the_ratio_is_the_median_and_lies_in_its_interval(
    times: list[tuple[float, float]], seed: int
) -> None:
    arm, reference = zip(*times, strict=True)
    found = compare(arm, reference, seed=seed, resamples=FEW)
    ratios = sorted(a / b for a, b in times)
    assert found.rounds == len(times)
    assert found.low <= found.ratio * (1 + 1e-12)
    assert found.ratio <= found.high * (1 + 1e-12)
    assert ratios[0] * (1 - 1e-9) <= found.low
    assert found.high <= ratios[-1] * (1 + 1e-9)
    if len(times) % 2:
        assert found.ratio == pytest.approx(median(ratios))
    else:
        middle = ratios[len(ratios) // 2 - 1], ratios[len(ratios) // 2]
        assert found.ratio == pytest.approx(math.sqrt(middle[0] * middle[1]))


@given(st.lists(seconds, min_size=1, max_size=12), seeds)
@settings(max_examples=60, deadline=None)
def test_an_arm_against_itself_is_no_difference(times: list[float], seed: int) -> None:
    found = compare(times, times, seed=seed, resamples=FEW)
    assert (found.low, found.ratio, found.high) == (1, 1, 1)
    enough = len(times) >= LEAST_ROUNDS
    assert found.verdict == ("no significant difference" if enough else "too few rounds to tell")


@given(st.lists(seconds, min_size=1, max_size=12), st.floats(0.01, 100), seeds)
@settings(max_examples=60, deadline=None)
def test_a_constant_factor_is_found_whatever_the_rounds_took(
    times: list[float], factor: float, seed: int
) -> None:
    found = compare([time * factor for time in times], times, seed=seed, resamples=FEW)
    assert found.ratio == pytest.approx(factor)
    assert found.low == pytest.approx(factor)
    assert found.high == pytest.approx(factor)


@given(pairs, seeds)
@settings(max_examples=60, deadline=None)
def test_swapping_the_arms_gives_the_reciprocal(
    times: list[tuple[float, float]], seed: int
) -> None:
    arm, reference = zip(*times, strict=True)
    one = compare(arm, reference, seed=seed, resamples=FEW)
    other = compare(reference, arm, seed=seed, resamples=FEW)
    assert other.ratio == pytest.approx(1 / one.ratio)
    assert other.low == pytest.approx(1 / one.high)
    assert other.high == pytest.approx(1 / one.low)
    opposite = {"slower": "faster", "faster": "slower"}
    assert other.verdict == opposite.get(one.verdict, one.verdict)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), seeds)
@settings(max_examples=40, deadline=None)
def test_the_interval_is_a_function_of_values_and_seed(values: list[float], seed: int) -> None:
    first = bootstrap_interval(values, seed=seed, resamples=FEW)
    assert bootstrap_interval(values, seed=seed, resamples=FEW) == first


@pytest.mark.parametrize("rounds", [6, 7, 8, 12, 20])
def test_equal_arms_are_called_different_no_more_often_than_promised(rounds: int) -> None:
    draws = random.Random(rounds)  # noqa: S311  # statistics, not secrets
    trials = 400
    wrong = 0
    for trial in range(trials):
        # A machine whose speed drifts from round to round, and noise with a long tail.
        speed = [draws.lognormvariate(0, 0.5) for _ in range(rounds)]
        arm = [s * draws.lognormvariate(0, 0.1) + draws.expovariate(20) for s in speed]
        reference = [s * draws.lognormvariate(0, 0.1) + draws.expovariate(20) for s in speed]
        found = compare(arm, reference, seed=trial, resamples=FEW)
        wrong += found.verdict != "no significant difference"
    # 5 % promised; 8 % is that and nearly three standard deviations of 400 trials.
    assert wrong / trials <= 0.08


def test_an_arm_that_is_a_tenth_slower_is_found_through_the_noise() -> None:
    draws = random.Random(7)  # noqa: S311  # as above
    reference = [10 * draws.lognormvariate(0, 0.02) for _ in range(10)]
    arm = [11 * draws.lognormvariate(0, 0.02) for _ in range(10)]
    assert compare(arm, reference, seed=1).verdict == "slower"
    assert compare(reference, arm, seed=1).verdict == "faster"


@pytest.mark.parametrize(
    ("degrees", "tabulated"),
    [(5, 2.5706), (6, 2.4469), (7, 2.3646), (9, 2.2622), (19, 2.0930), (120, 1.9799)],
)
def test_students_quantile_is_the_tabulated_one(degrees: int, tabulated: float) -> None:
    assert _student_quantile(degrees) == pytest.approx(tabulated, rel=0.0015)


@pytest.mark.parametrize(
    ("arm", "reference"),
    [([], []), ([1.0], []), ([1.0, 2.0], [1.0]), ([0.0], [1.0]), ([1.0], [math.nan])],
)
def test_what_makes_no_pairs_is_refused(arm: list[float], reference: list[float]) -> None:
    with pytest.raises(ValueError, match=r"pairs|above 0"):
        compare(arm, reference, seed=1)


@pytest.mark.parametrize("noise", [0.01, 0.02, 0.025])
def test_a_twentieth_of_each_batch_is_found_within_the_fewest_rounds(noise: float) -> None:
    draws = random.Random(11)  # noqa: S311  # as above
    trials = 100
    found = wrong = 0
    for trial in range(trials):
        # Nine tenths of a run are batches; one run in twenty is disturbed.
        times: list[list[float]] = [[], [], []]
        for _ in range(LEAST):  # a noisier machine makes more: test_benchmarks_precision.py
            speed = 10 * draws.lognormvariate(0, 0.3)
            for each, factor in zip(times, (1, 1.045, 1), strict=True):
                disturbed = 1 + 0.05 * draws.expovariate(1) * (draws.random() < 0.05)
                each.append(speed * factor * draws.lognormvariate(0, noise) * disturbed)
        without, sleeping, again = times
        found += compare(sleeping, without, seed=trial, resamples=FEW).verdict == "slower"
        wrong += compare(again, without, seed=trial, resamples=FEW).verdict != NONE
    assert found >= 0.9 * trials
    # 5 % promised; 12 % is that and three standard deviations of 100 trials.
    assert wrong <= 0.12 * trials


@given(st.lists(seconds, min_size=1, max_size=12), st.floats(0.01, 100), seeds)
@settings(max_examples=40, deadline=None)
def test_measurements_that_do_not_pair_are_compared_by_their_medians(
    times: list[float], factor: float, seed: int
) -> None:
    later = [factor * time for time in reversed(times)]
    found = compare_unpaired(later, times, seed=seed, resamples=FEW)
    other = compare_unpaired(times, later, seed=seed, resamples=FEW)
    assert found.ratio == pytest.approx(factor)
    assert found.low <= found.ratio * (1 + 1e-9)
    assert found.ratio <= found.high * (1 + 1e-9)
    assert other.ratio == pytest.approx(1 / factor)


def test_a_later_measurement_of_the_same_is_called_different_no_more_often_than_promised() -> None:
    draws = random.Random(12)  # noqa: S311  # as above
    wrong = 0
    for trial in range(300):
        one, other = ([draws.lognormvariate(0, 0.05) for _ in range(8)] for _ in range(2))
        wrong += compare_unpaired(one, other, seed=trial, resamples=FEW).verdict != NONE
    assert wrong / 300 <= 0.08


@pytest.mark.parametrize(("new", "old"), [([], [1.0]), ([1.0], []), ([0.0], [1.0])])
def test_what_cannot_be_compared_unpaired_is_refused(new: list[float], old: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        compare_unpaired(new, old, seed=1)
