"""The tables of the report: every year of a few scenarios, the last year of many."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.reporting.terminal import (
    _print_headcount,
    _print_plan_cost,
    make_console,
    percent,
)

COUNTS = ("opening", "hires", "new_hire_leavers", "experienced_leavers", "reduction_in_force")
MONEY = ("employee_contributions", "match", "core", "net_employer_cost")


def outcome(scenarios: list[tuple[str, int]], years: list[int]) -> Any:
    """Rows of a finished run; nothing else of it is looked at."""
    head, plan = [], []
    for scenario, replicate in scenarios:
        for year in years:
            key = {"scenario_id": scenario, "replicate_id": replicate, "simulation_year": year}
            head.append(
                key | dict.fromkeys((*COUNTS, "closing", "target"), 1234) | {"payroll_cents": 150}
            )
            plan.append(
                key
                | dict.fromkeys((f"{name}_cents" for name in MONEY), 123_456_789_00)
                | dict.fromkeys(("participation_rate_e5", "average_deferral_e5"), 12345)
                | {"eligible": 7, "net_cost_share_e5": 3, "limits_estimated": year > 2026}
            )
    return cast("Any", SimpleNamespace(headcount=head, plan_cost=plan))


def shown(given_outcome: Any) -> list[str]:
    stream = io.StringIO()
    console = make_console(stream)
    _print_headcount(console, given_outcome)
    _print_plan_cost(console, given_outcome)
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def test_one_scenario_has_no_name_in_each_row() -> None:
    lines = shown(outcome([("baseline", 1)], list(range(2020, 2050))))
    assert not any("baseline" in line for line in lines)
    assert sum(line.startswith("20") for line in lines) == 60


def test_a_few_have_every_year() -> None:
    lines = shown(outcome([("a", 1), ("b", 1)], [2025, 2026, 2027]))
    assert [line.split()[:2] for line in lines if line[:2] in ("a ", "b ")] == [
        [name, str(year)] for name in "ab" for year in (2025, 2026, 2027)
    ] * 2
    assert lines[-1] == "(the limits of the law are estimated from 2027 on)"


def test_many_have_their_last_year_and_one_line_each() -> None:
    names = [(f"scenario_number_{number}", 1) for number in range(10)]
    lines = shown(outcome(names, [2025, 2026, 2027]))
    assert "Headcount and payroll in 2027 (every year is in fct_headcount)" in lines
    assert "Retirement plan in 2027 (every year is in fct_plan_cost)" in lines
    rows = [line.split() for line in lines if line.startswith("scenario_")]
    assert [row[0] for row in rows] == [name for name, _ in names] * 2
    assert len(lines) < 30
    assert max(map(len, lines)) <= 120


def test_replicates_are_told_apart() -> None:
    lines = shown(outcome([("a", 1), ("a", 2)], [2025]))
    assert [line.split()[:3] for line in lines if line.startswith("a ")] == [
        ["a", "1", "2025"],
        ["a", "2", "2025"],
    ] * 2


@pytest.mark.parametrize(
    ("e5", "text"),
    [
        (0, "0.00 %"),
        (100000, "100.00 %"),
        (6190, "6.19 %"),
        (5, "0.01 %"),
        (4, "0.00 %"),
        (-5, "-0.01 %"),
        (-123456, "-123.46 %"),
    ],
)
def test_percent(e5: int, text: str) -> None:
    assert percent(e5) == text


@given(st.integers(-(10**9), 10**9))
def test_percent_is_within_half_of_its_last_place(e5: int) -> None:
    digits = percent(e5).removesuffix(" %").replace(".", "")
    assert abs(int(digits) * 10 - e5) <= 5
