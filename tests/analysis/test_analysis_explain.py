"""Who executed what, why, and the chain that a phase had to wait for."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.analysis.explanation import critical_path, node_accounts, phase_time
from planwise.errors import WarehouseError
from planwise.results import ModelRecord
from planwise.run_record import PhaseAccount, RunAccount, read_account


def record(name: str, wall_s: float, *needs: str, by: str = "precompile") -> ModelRecord:
    return ModelRecord(name, name, 2025, wall_s, 0.0, 1, by, f"{by} did", needs)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], dict[str, float]]:
    names = [f"m{number}" for number in range(draw(st.integers(0, 9)))]
    needs = {
        name: sorted(draw(st.sets(st.sampled_from(names[:number])))) if number else []
        for number, name in enumerate(names)
    }
    return needs, {name: draw(st.integers(0, 50)) / 10 for name in names}


@given(graphs())
def test_no_chain_takes_longer_than_the_critical_path(
    graph: tuple[dict[str, list[str]], dict[str, float]],
) -> None:
    needs, seconds = graph
    path = critical_path(needs, seconds)
    for before, after in itertools.pairwise(path):
        assert before in needs[after]

    def longest(name: str) -> float:
        return seconds[name] + max(map(longest, needs[name]), default=0.0)

    assert sum(seconds[each] for each in path) == pytest.approx(
        max(map(longest, needs), default=0.0)
    )


def test_the_time_of_a_phase_adds_up() -> None:
    models = (record("a", 1.0), record("b", 2.0, "a", "elsewhere"), record("c", 0.5))
    found = phase_time(PhaseAccount("year 2025", 5.0, 0.25, models))
    assert (found.models_s, found.state_s, found.rest_s) == (3.5, 0.25, 1.5)
    assert (found.path, found.path_s) == (("a", "b"), 3.0)
    nothing = phase_time(PhaseAccount("foundation", 0.1, 0.0, ()))
    assert (nothing.path, nothing.models_s) == ((), 0.0)


def test_a_model_is_one_line_over_all_years() -> None:
    phases = (
        PhaseAccount("year 2025", 2.0, 0.0, (record("a", 1.0), record("b", 0.5))),
        PhaseAccount("year 2026", 2.0, 0.0, (record("a", 1.0, by="dbt"), record("b", 0.5))),
    )
    first, second = node_accounts(RunAccount(4.0, (), "", phases))
    assert (first.name, first.executed_by, first.runs, first.wall_s) == (
        "a", ("precompile", "dbt"), 2, 2.0,
    )  # fmt: skip
    assert first.reasons == ("precompile did", "dbt did")
    assert second.executed_by == ("precompile",)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        ("", "cannot be used"),
        ("[]", "cannot be used"),
        ('{"format": 99}', "cannot be used"),
        (json.dumps({"format": 1, "wall_s": 1, "phases": [3]}), "cannot be used"),
        ("[" * 100_000, "cannot be used"),
    ],
)
def test_an_account_that_is_missing_or_damaged_is_named(
    tmp_path: Path, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(WarehouseError, match=says) as caught:
        read_account(tmp_path)
    assert "\n" not in str(caught.value)
