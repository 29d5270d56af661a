"""Each recommendation on recorded numbers: at its threshold it is there, below it is not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.api import Metric, ProfiledModel, RunSummary
from planwise_plugins.monitoring.advice import (
    LONG_S,
    LONG_SHARE,
    MOST,
    SPILLED_BYTES,
    SPILLED_SHARE,
    SWAPPED_BYTES,
    recommendations,
    size,
)

GIB = 1 << 30
MODEL = "model.p.int_x"


def year(number: int, wall_s: float, **models: tuple[float, int]) -> list[Metric]:
    """A year: each model's seconds and spilled bytes, then the phase."""
    ran = [
        Metric("model", f"model.p.{name}", number, seconds, values={"spilled_bytes": spilled})
        for name, (seconds, spilled) in models.items()
    ]
    return [*ran, Metric("phase", f"year {number}", number, wall_s)]


def summary(**more: Any) -> RunSummary:
    return RunSummary([2026, 2027], 10.0, succeeded=True, **more)


def test_a_model_that_spilled_is_told_with_what_bears_on_it() -> None:
    metrics = [*year(2026, 3.0, int_x=(0.2, 0)), *year(2027, 4.0, int_x=(1.64, 1288490189))]
    found = recommendations(
        metrics,
        {"year 2027": (0, 9 * GIB)},
        summary(settings={"memory_limit": "4GB"}, fixed=frozenset({"memory_limit"})),
    )
    (each,) = found
    assert (each.rule, each.unique_id, each.year, each.bytes) == ("spill", MODEL, 2027, 1288490189)
    assert each.share == pytest.approx(0.41)
    assert each.text == (
        "int_x took 41 % of year 2027 (1.64 s), while DuckDB held 1.2 GiB in temporary files: "
        "memory limit 4GB at the end (yours), and 9.0 GiB were available after it: give more with "
        "--memory-limit; --profile keeps its plan with times"
    )


def test_more_memory_is_not_recommended_where_there_is_none() -> None:
    metrics = year(2027, 4.0, int_x=(1.0, GIB))
    (each,) = recommendations(metrics, {"year 2027": (0, GIB // 2)}, summary())
    assert "memory limit as DuckDB chose it, and no more than 512 MiB were available" in each.text
    assert "--memory-limit" not in each.text


def test_a_long_model_is_told_with_the_file_of_its_plan() -> None:
    metrics = year(2027, 8.0, int_x=(3.28, 0), int_y=(1.0, 0))
    file = "query_profiles/01-2027-int_x.txt"
    profiles = (ProfiledModel(MODEL, 2027, 3.28, file, "{}"),)
    (each,) = recommendations(metrics, {}, summary(profiles=profiles))
    assert (each.rule, each.bytes) == ("long_model", None)
    assert each.text == (
        f"int_x took 41 % of year 2027 (3.28 s); its plan with times: {file} in the run's folder"
    )


def test_a_machine_that_swaps_is_told() -> None:
    metrics = [*year(2026, 3.0), *year(2027, 4.0)]
    swap = {"year 2026": (GIB, 2 * GIB), "year 2027": (2 * GIB, 100 << 20)}
    chosen = summary(settings={"max_memory": "6GiB"})
    (each,) = recommendations(metrics, swap, chosen)
    assert (each.rule, each.unique_id, each.year, each.bytes) == ("swap", None, 2027, GIB)
    assert "swap grew by 1.0 GiB during year 2027, after which 100 MiB were available" in each.text
    assert "memory limit 6GiB at the end (chosen by a plugin)" in each.text


@pytest.mark.parametrize(
    ("metrics", "swap"),
    [
        ([], {}),
        (year(2027, 4.0, int_x=(1.0, SPILLED_BYTES - 1)), {}),
        (year(2027, 4.0, int_x=(4.0 * SPILLED_SHARE * 0.99, GIB)), {}),
        (year(2027, 4.0, int_x=(4.0 * LONG_SHARE * 0.99, 0)), {}),
        (year(2027, LONG_S, int_x=(LONG_S * 0.99, 0)), {}),
        (year(2027, 0.0, int_x=(5.0, GIB)), {}),
        (year(2027, 4.0, int_x=(3.0, GIB))[:1], {}),  # the year did not finish
        (
            [*year(2026, 3.0), *year(2027, 4.0)],
            {"year 2026": (GIB, 0), "year 2027": (GIB + SWAPPED_BYTES - 1, 0)},
        ),
        ([*year(2026, 3.0), *year(2027, 4.0)], {"year 2026": (2 * GIB, 0), "year 2027": (0, 0)}),
        (year(2027, 4.0), {"year 2027": (9 * GIB, 0)}),  # who knows since when
    ],
)
def test_nothing_is_said_below_a_threshold(
    metrics: list[Metric], swap: dict[str, tuple[int, int]]
) -> None:
    assert recommendations(metrics, swap, summary()) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "e"]),
            st.sampled_from([2026, 2027]),
            st.floats(0, 1e9),
            st.integers(0, 2**63 - 1),
        ),
        max_size=20,
    ),
    st.floats(0, 1e9),
)
def test_no_rule_is_told_of_a_model_twice_nor_too_often(
    ran: list[tuple[str, int, float, int]], wall_s: float
) -> None:
    metrics = [
        Metric("model", name, number, seconds, values={"spilled_bytes": spilled})
        for name, number, seconds, spilled in ran
    ]
    metrics += [*year(2026, wall_s), *year(2027, wall_s)]
    found = recommendations(metrics, {}, summary())
    assert len(found) <= 2 * MOST
    assert len({each.unique_id for each in found}) == len(found)
    for each in found:
        assert each.share is not None
        assert math.isfinite(each.share)
        assert each.share >= SPILLED_SHARE
        assert (each.rule == "spill") == ((each.bytes or 0) >= SPILLED_BYTES)


def test_sizes_are_told_in_mib_and_from_one_on_in_gib() -> None:
    assert [size(n) for n in (0, GIB - 1, GIB, 1288490189)] == [
        *("0 MiB", "1,024 MiB", "1.0 GiB", "1.2 GiB")
    ]
