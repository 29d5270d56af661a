"""What is in force, rows included, and what counts as a difference."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import ProjectError
from planwise.scenarios import (
    CoreTier,
    Level,
    MatchTier,
    Scenario,
    Setting,
    VestingStep,
    describe_parameters,
    differing,
    read_default_parameters,
    settings_in_force,
)

DBT = Path(__file__).parents[2] / "dbt"
FIXED = {"seed": 42, "first_year": 2025, "census_date": date(2024, 12, 31)}
BASE = Scenario("baseline", **FIXED)
TIER = MatchTier(0, 999, Decimal(0), Decimal("0.060"), Decimal("1.00000"))


def in_force(**given: object) -> dict[str, Setting]:
    found = settings_in_force(attrs.evolve(BASE, **given), DBT)
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def columns(setting: Setting, *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in setting.rows]


def test_it_is_the_description_with_rows() -> None:
    lines = describe_parameters(BASE, read_default_parameters(DBT))
    found = in_force()
    assert list(found) == [line.parameter for line in lines]
    for line in lines:
        setting = found[line.parameter]
        assert setting.source == line.source
        if not setting.is_table:
            assert setting.value == line.value
    assert (found["draws"].value, found["draws"].source) == ("baseline", "program")


@pytest.mark.parametrize(
    ("words", "tiers"),
    [
        ({}, [("0", "0.06", "0.50")]),
        ({"match_formula": "none"}, []),
        ({"match_formula": "stretch"}, [("0", "0.12", "0.25")]),
        ({"match_formula": "qaca"}, [("0", "0.01", "1.00"), ("0.01", "0.06", "0.50")]),
    ],
)
def test_tiers_are_those_of_the_formula(
    words: dict[str, str], tiers: list[tuple[str, ...]]
) -> None:
    found = in_force(parameters=words, sources={"match_formula": "here"})["match_tiers"]
    assert columns(found, "tier_from", "tier_to", "match_rate") == tiers
    assert found.source == ("here" if words else "default")


def test_a_table_of_ones_own_is_in_force() -> None:
    found = in_force(
        parameters={"match_formula": "custom", "core_formula": "points"},
        tables={"match_tiers": [TIER], "core_tiers": [CoreTier(0, 999, Decimal("0.02"))]},
        sources={"match_tiers": "m", "core_tiers": "c", "match_formula": "f"},
    )
    assert found["match_tiers"].rows == (
        {"band_min": "0", "band_max": "999", "tier_from": "0", "tier_to": "0.06"}
        | {"match_rate": "1"},
    )
    assert (found["match_tiers"].source, found["core_tiers"].source) == ("m", "c")
    assert (found["core_tiers"].value, len(found["core_tiers"].rows)) == ("1 row", 1)


def test_core_tiers_are_there_for_service_alone() -> None:
    assert in_force()["core_tiers"].value == "no rows"
    assert in_force(parameters={"core_formula": "flat"})["core_tiers"].rows == ()
    service = in_force(parameters={"core_formula": "service"})["core_tiers"]
    assert columns(service, "band_min", "core_rate") == [
        ("0", "0.01"),
        ("3", "0.02"),
        ("6", "0.03"),
    ]


@pytest.mark.parametrize(
    ("words", "match", "core"),
    [
        ({}, ["2", "3", "4", "5", "6"], ["2", "3", "4", "5", "6"]),
        ({"match_formula": "tiered"}, ["0"], ["2", "3", "4", "5", "6"]),
        ({"match_formula": "qaca", "core_vesting": "cliff_3"}, ["2"], ["3"]),
        ({"match_formula": "tiered", "match_vesting": "cliff_1"}, ["1"], ["2", "3", "4", "5", "6"]),
        ({"match_vesting": "custom", "core_vesting": "immediate"}, ["4"], ["0"]),
    ],
)
def test_vesting_is_that_of_the_schedules(
    words: dict[str, str], match: list[str], core: list[str]
) -> None:
    steps = [VestingStep("match", 4, Decimal(1))] if "custom" in words.values() else []
    found = in_force(parameters=words, tables={"vesting_steps": steps} if steps else {})
    rows = columns(found["vesting_steps"], "money_source", "service_years")
    assert rows == [("match", year) for year in match] + [("core", year) for year in core]


def test_levels_from_the_census_have_no_rows_yet() -> None:
    found = in_force(derive_levels=True)["levels"]
    assert (found.value, found.rows) == ("from census", ())
    assert not found.same_as(in_force()["levels"])
    assert found.same_as(found)


def test_only_what_differs_differs() -> None:
    one = settings_in_force(BASE, DBT)
    same = attrs.evolve(BASE, parameters={"growth_rate": "0.0300", "escalation_cap": "0.1"})
    assert differing(one, settings_in_force(same, DBT)) == ()
    other = attrs.evolve(
        BASE,
        parameters={"growth_rate": "0.04", "match_formula": "tiered"},
        draws="theirs",
        seed=1,
    )
    found = differing(one, settings_in_force(other, DBT))
    assert [mine.name for mine, _ in found] == [
        *("seed", "draws", "growth_rate", "match_formula", "match_tiers", "vesting_steps")
    ]
    assert [theirs.value for _, theirs in found][:4] == ["1", "theirs", "0.04", "tiered"]


def test_a_name_is_no_number() -> None:
    def level(name: str, pay: str) -> Setting:
        row = Level(1, name, Decimal(pay), Decimal(pay), Decimal(0), Decimal(0))
        return in_force(tables={"levels": [row]})["levels"]

    assert level("1.0", "5").rows[0]["level_name"] == "1.0"
    assert level("1.0", "5").same_as(level("1.0", "5.00"))
    assert not level("1.0", "5").same_as(level("1", "5"))
    assert not level("NaN", "5").same_as(level("nan", "5"))


@given(st.decimals(-(10**6), 10**6, places=5), st.integers(0, 3))
def test_a_number_is_the_same_however_it_is_written(number: Decimal, zeros: int) -> None:
    one = Setting("a", f"{number:f}", "here")
    assert one.same_as(Setting("a", f"{number:f}{'0' * zeros}", "there"))
    assert one.same_as(Setting("a", f"{number.normalize():f}", "there"))
    assert not one.same_as(Setting("a", f"{number + Decimal('0.00001'):f}", "here"))
    assert not one.same_as(Setting("a", f"{number:f}x", "here"))


def test_a_project_without_its_seeds_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="default_parameters"):
        settings_in_force(BASE, tmp_path)
