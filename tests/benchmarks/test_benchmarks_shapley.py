"""Shapley values: their axioms, and what noise makes of the factors of plugins."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.bench.ratios import compare
from planwise.bench.shapley import contributed, shapley_values

FEW = 200  # resamples: enough for what is asserted here
number = st.floats(-5, 5)


@st.composite
def games(draw: st.DrawFn) -> list[float]:
    players = draw(st.integers(1, 5))
    return draw(st.lists(number, min_size=1 << players, max_size=1 << players))


def players_of(worth: Sequence[float]) -> int:
    return len(worth).bit_length() - 1


@given(games())
@settings(deadline=None)
def test_the_values_sum_to_the_whole(worth: list[float]) -> None:
    assert math.fsum(shapley_values(worth)) == pytest.approx(worth[-1] - worth[0], abs=1e-9)


@given(games(), st.data())
@settings(deadline=None)
def test_players_that_add_the_same_have_one_value(worth: list[float], data: st.DataObject) -> None:
    a = data.draw(st.integers(0, players_of(worth) - 1))
    b = data.draw(st.integers(0, players_of(worth) - 1))

    def swapped(index: int) -> int:
        bits = index >> a & 1, index >> b & 1
        return index & ~(1 << a | 1 << b) | bits[1] << a | bits[0] << b

    same = [worth[index] + worth[swapped(index)] for index in range(len(worth))]
    values = shapley_values(same)
    assert values[a] == pytest.approx(values[b], abs=1e-9)


@given(games(), st.data())
@settings(deadline=None)
def test_a_player_that_adds_nothing_has_no_value(worth: list[float], data: st.DataObject) -> None:
    player = data.draw(st.integers(0, players_of(worth) - 1))
    without = [worth[index & ~(1 << player)] for index in range(len(worth))]
    assert shapley_values(without)[player] == 0


@given(games(), number, number)
@settings(deadline=None)
def test_values_of_a_sum_of_games_are_sums(worth: list[float], by: float, more: float) -> None:
    other = [by * math.sin(index) + more for index in range(len(worth))]
    both = shapley_values([a + b for a, b in zip(worth, other, strict=True)])
    parts = zip(shapley_values(worth), shapley_values(other), strict=True)
    assert both == pytest.approx([a + b for a, b in parts], abs=1e-9)


@given(games())
@settings(max_examples=30, deadline=None)
def test_a_value_is_the_mean_over_every_order_of_joining(worth: list[float]) -> None:
    players = players_of(worth)
    added = [0.0] * players
    orders = list(permutations(range(players)))
    for order in orders:
        there = 0
        for player in order:
            added[player] += worth[there | 1 << player] - worth[there]
            there |= 1 << player
    assert shapley_values(worth) == pytest.approx([each / len(orders) for each in added], abs=1e-9)


@pytest.mark.parametrize("count", [0, 3, 6])
def test_what_is_not_every_combination_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="not the number of combinations"):
        shapley_values([1.0] * count)


def measured(
    draws: random.Random, factors: Sequence[float], rounds: int, noise: float
) -> list[list[float]]:
    """Times of every combination, on a machine whose speed drifts."""
    found = []
    for _ in range(rounds):
        speed = 10 * draws.lognormvariate(0, 0.3)
        found.append(
            [
                speed
                * math.prod(f for bit, f in enumerate(factors) if index >> bit & 1)
                * draws.lognormvariate(0, noise)
                for index in range(1 << len(factors))
            ]
        )
    return found


@given(st.lists(st.floats(0.3, 3), min_size=1, max_size=4), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_without_noise_the_factors_are_found(factors: list[float], seed: int) -> None:
    draws = random.Random(seed)  # noqa: S311  # statistics, not secrets
    found, together = contributed(measured(draws, factors, 3, 0), seed=seed, resamples=20)
    assert [each.ratio for each in found] == pytest.approx(factors)
    assert [each.low for each in found] == pytest.approx([each.high for each in found])
    assert together.ratio == pytest.approx(math.prod(factors))


@given(st.integers(1, 4), st.integers(1, 8), st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_factors_multiply_to_the_paired_ratio_of_all_to_none(
    players: int, rounds: int, seed: int
) -> None:
    draws = random.Random(seed)  # noqa: S311  # as above
    times = measured(draws, [1.2] * players, rounds, 0.2)
    found, together = contributed(times, seed=seed, resamples=20)
    assert math.prod(each.ratio for each in found) == pytest.approx(together.ratio)
    paired = compare([t[-1] for t in times], [t[0] for t in times], seed=seed, resamples=20)
    assert together.ratio == pytest.approx(paired.ratio)
    assert together.verdict == paired.verdict or rounds >= 6


def test_plugins_that_do_nothing_are_called_different_no_more_often_than_promised() -> None:
    draws = random.Random(3)  # noqa: S311  # statistics, not secrets
    wrong = 0
    trials = 300
    for trial in range(trials):
        found, _ = contributed(measured(draws, [1, 1, 1], 8, 0.03), seed=trial, resamples=FEW)
        wrong += sum(each.verdict != "no significant difference" for each in found)
    # 5 % promised; 8 % is that and four standard deviations of 900 values.
    assert wrong / (3 * trials) <= 0.08


def test_a_plugin_that_saves_a_twentieth_is_found_among_others() -> None:
    draws = random.Random(4)  # noqa: S311  # as above
    hits = 0
    for trial in range(20):
        found, _ = contributed(measured(draws, [0.95, 1, 1.1], 8, 0.02), seed=trial, resamples=FEW)
        hits += [each.verdict for each in found][::2] == ["faster", "slower"]
    assert hits >= 19


@pytest.mark.parametrize("times", [[], [[0.0, 1.0]], [[1.0, math.inf]]])
def test_what_is_no_time_is_refused(times: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"no round|above 0"):
        contributed(times, seed=1)
