"""What each plugin contributes: from the times of combinations to factors, a table and a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from planwise.bench.ratios import Comparison, compare
from planwise.bench.runner import Measurement
from planwise.bench.shapley import contributed
from planwise.bench.toggles import ALL_OFF, ALL_ON

TOGETHER: Final = "all together"
_HALF: Final = 20
_LEAST_SPAN: Final = math.log(1.05)
"""Noise of less than this is not drawn as if it were much."""


def by_pairs(
    measurement: Measurement, toggles: Mapping[str, Mapping[str, bool]], base: str, seed: int
) -> dict[str, Comparison]:
    """The time with each plugin over that without it, the others being as in one arm.

    Args:
        measurement: what was observed.
        toggles: each plugin, on or off, in each arm.
        base: the arm in which the others are looked at: all on, or all off.
        seed: of the bootstrap.
    """
    names = {tuple(sorted(each.items())): name for name, each in toggles.items()}
    found = {}
    for plugin in toggles[base]:
        on, off = (
            names[tuple(sorted({**toggles[base], plugin: state}.items()))]
            for state in (True, False)
        )
        found[plugin] = _factor(measurement, on, off, seed)
    return {**found, TOGETHER: _factor(measurement, ALL_ON, ALL_OFF, seed)}


def by_all_combinations(
    measurement: Measurement, toggles: Mapping[str, Mapping[str, bool]], seed: int
) -> dict[str, Comparison]:
    """The factor of each plugin over all combinations of the others: Shapley values.

    Args:
        measurement: what was observed, every combination in every round.
        toggles: each plugin, on or off, in each arm.
        seed: of the bootstrap.
    """
    plugins = list(toggles[ALL_ON])
    arms = {
        sum(1 << bit for bit, plugin in enumerate(plugins) if each[plugin]): name
        for name, each in toggles.items()
    }
    times = [[o.wall_s for o in measurement.of(arms[number])] for number in sorted(arms)]
    each_one, together = contributed(list(zip(*times, strict=True)), seed=seed)
    return {**dict(zip(plugins, each_one, strict=True)), TOGETHER: together}


def table(found: Mapping[str, Comparison]) -> list[str]:
    """A Markdown table, a line a plugin.

    Args:
        found: by plugin.
    """
    heads = ["plugin", "time with it / without", "95 % interval", "saves", "a run with it is"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for name, each in found.items():
        cells = [
            name,
            f"{each.ratio:.3f}",
            f"{each.low:.3f} to {each.high:.3f}",
            f"{100 * (1 - each.ratio):.1f} %",
            each.verdict,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def chart(found: Mapping[str, Comparison]) -> list[str]:
    """Bars in plain characters, to the left where a plugin saves time, on a logarithmic scale.

    Args:
        found: by plugin.
    """
    ends = [math.log(end) for each in found.values() for end in (each.low, each.ratio, each.high)]
    span = max(_LEAST_SPAN, *map(abs, ends))
    width = max(map(len, found))
    low, high = f"{math.exp(-span):.2f}", f"{math.exp(span):.2f}"
    axis = f"{low:<{_HALF}}1{high:>{_HALF}}"
    lines = [f"{'':{width}}  {axis}", *(_bar(n, each, width, span) for n, each in found.items())]
    legend = "# from 1 to the factor, = where that is in the interval, - the rest of it"
    return [*lines, f"{'':{width}}  left of | it saves time, right of | it costs", f"  {legend}"]


def _bar(name: str, found: Comparison, width: int, span: float) -> str:
    low, middle, high = (
        _HALF + round(math.log(value) / span * _HALF)
        for value in (found.low, found.ratio, found.high)
    )
    cells = [_mark(place, low, middle, high) for place in range(2 * _HALF + 1)]
    return f"{name:{width}}  {''.join(cells)}  {found.ratio:.3f}"


def _mark(place: int, low: int, middle: int, high: int) -> str:
    if place == _HALF:
        return "|"
    bar = min(middle, _HALF) <= place <= max(middle, _HALF)
    interval = low <= place <= high
    return ("=" if interval else "#") if bar else "-" if interval else " "


def _factor(measurement: Measurement, on: str, off: str, seed: int) -> Comparison:
    times: Sequence[list[float]] = [[o.wall_s for o in measurement.of(name)] for name in (on, off)]
    return compare(*times, seed=seed)
