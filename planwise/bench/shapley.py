"""Shapley values: what each of several players brings to a whole, over all combinations of them.

L. S. Shapley, A Value for n-Person Games, in Contributions to the Theory of Games II, Annals of
Mathematics Studies 28, Princeton 1953. A player's value is the mean of what it adds over every
order in which the players can join. The values sum to what all are worth; players that add the
same everywhere have one value; one that adds nothing anywhere has none.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import median
from typing import Final

from planwise.bench.ratios import Comparison, comparison_of, expanded_interval

RESAMPLES: Final = 2_000
"""Fewer than for one ratio: each takes a median for every combination, of which there are 2^n."""


def shapley_values(worth: Sequence[float]) -> list[float]:
    """The value of each player.

    Args:
        worth: what each combination of players is worth, where the bits of the index say who
            belongs to it: as many as 2 to the number of players.

    Raises:
        ValueError: the number of combinations is no power of 2.
    """
    players = len(worth).bit_length() - 1
    if not worth or len(worth) != 1 << players:
        raise ValueError(f"{len(worth)} is not the number of combinations of any players")
    # The share of the orders in which exactly these come before a player, by how many they are.
    share = [1 / (players * math.comb(players - 1, size)) for size in range(players)]
    return [
        math.fsum(
            share[others.bit_count()] * (worth[others | 1 << player] - worth[others])
            for others in range(len(worth))
            if not others >> player & 1
        )
        for player in range(players)
    ]


def contributed(
    rounds: Sequence[Sequence[float]], *, seed: int, resamples: int = RESAMPLES
) -> tuple[list[Comparison], Comparison]:
    """By what factor each player changes a time, and all of them together.

    The worth of a combination is the median over the rounds of the logarithm of its time over that
    of the combination of all, so that a machine that is slow in a round is so for all, and that
    the factors multiply to the paired ratio of all players to none. Intervals are of a bootstrap
    over rounds, which keeps the times of a round together.

    Args:
        rounds: for each round the seconds of each combination, ordered as in
            :func:`shapley_values`.
        seed: of the bootstrap.
        resamples: how often to draw from the rounds.

    Returns:
        A factor for each player, below 1 if it saves time, and the one of all.

    Raises:
        ValueError: there is no round, or a time is not above 0.
    """
    if not rounds:
        raise ValueError("no round was measured")
    if not all(math.isfinite(time) and time > 0 for times in rounds for time in times):
        raise ValueError("a time is not a number above 0")
    count = len(rounds)
    logs = [[math.log(time) - math.log(times[-1]) for time in times] for times in rounds]
    columns = list(zip(*logs, strict=True))

    def factors(picked: Sequence[int]) -> list[float]:
        worth = [median([column[each] for each in picked]) for column in columns]
        return [*shapley_values(worth), worth[-1] - worth[0]]

    draws = random.Random(seed)  # noqa: S311  # statistics, not secrets
    numbers = range(count)
    resampled = [factors(draws.choices(numbers, k=count)) for _ in range(resamples)]
    found = [
        comparison_of(estimate, *expanded_interval(values, count), count)
        for estimate, values in zip(factors(numbers), zip(*resampled, strict=True), strict=True)
    ]
    return found[:-1], found[-1]
