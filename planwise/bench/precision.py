"""How many rounds two arms need: as many as it takes to know their ratio well enough.

The command line shows the defaults in its help, so that nothing heavy is imported at the top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from planwise.bench.runner import Observation

LEAST: Final = 20
"""Rounds before anybody looks. Of few pairs an interval may be narrow by chance."""
MOST: Final = 100
PERCENT: Final = 1.5
"""A plugin that takes 3 % of a run is found where the ratio is known to so much on either side."""
_EVERY: Final = 5
_RESAMPLES: Final = 2_000


def until_precise(
    arm: str, reference: str, percent: float, seed: int
) -> Callable[[Sequence[Observation]], bool]:
    """What says after each round whether there are enough.

    The width of the interval decides, and not where it lies: stopping at the first difference
    that is significant would find one in equal arms sooner or later.

    Args:
        arm, reference: the names of the two.
        percent: how far the 95 % interval of their ratio may reach to either side of it.
        seed: of the bootstrap.
    """

    def enough(observations: Sequence[Observation]) -> bool:
        walls = {
            name: [each.wall_s for each in observations if each.arm == name]
            for name in (arm, reference)
        }
        return is_precise(walls[arm], walls[reference], percent, seed)

    return enough


def is_precise(arm: Sequence[float], reference: Sequence[float], percent: float, seed: int) -> bool:
    """Whether the ratio of two arms is known well enough. Asked at each fifth round from the 20th.

    Args:
        arm, reference: seconds, round by round.
        percent: how far the interval may reach to either side, on average of both.
        seed: of the bootstrap.
    """
    from planwise.bench.ratios import compare

    if len(arm) < LEAST or len(arm) % _EVERY:
        return False
    found = compare(arm, reference, seed=seed, resamples=_RESAMPLES)
    return math.log(found.high / found.low) / 2 <= math.log1p(percent / 100)
