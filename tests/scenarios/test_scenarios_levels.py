"""Pay bands from the census, and the report of parameters."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.config import load_config
from planwise.errors import CensusError, ProjectError
from planwise.scenarios import (
    Level,
    Scenario,
    describe_parameters,
    levels_from_census,
    read_default_levels,
    read_default_parameters,
    scenario_from_config,
    settle_levels,
    write_scenarios,
)
from planwise.scenarios.levels import FROM_CENSUS_SHARES, shared_out
from planwise.scenarios.rows import ROW_TYPES

DBT_PROJECT = Path(__file__).parents[2] / "dbt"
DEFAULTS = read_default_levels(DBT_PROJECT)
PAY = st.integers(1, 10**9) | st.integers(50_000_00, 50_100_00)
FIXED = {"seed": 42, "first_year": 2025, "census_date": date(2024, 12, 31)}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA inputs")
        yield opened


def census(connection: duckdb.DuckDBPyConnection, cents: list[int]) -> None:
    connection.execute(
        "CREATE OR REPLACE TABLE inputs.census AS "
        "SELECT 'E' || lpad(i::VARCHAR, 6, '0') AS employee_id, p AS annual_compensation_cents "
        "FROM (SELECT unnest(?::BIGINT[]) AS p, unnest(range(?)) AS i)",
        [cents, len(cents)],
    )


def level_of(cents: int, levels: tuple[Level, ...]) -> int:
    """The simulation's rule: the lowest level whose band holds the pay (the upper bound is not
    in the band), else the nearest band edge, ties to the lower level."""
    pay = Decimal(cents).scaleb(-2)
    for level in levels:
        if level.min_pay <= pay < level.max_pay:
            return level.level
    distance = [min(abs(pay - level.min_pay), abs(pay - level.max_pay)) for level in levels]
    return levels[distance.index(min(distance))].level


@settings(deadline=None)
@given(count=st.integers(0, 10**9), shares=st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_shared_out_is_exact_and_within_one_of_the_share(count: int, shares: list[int]) -> None:
    if not sum(shares):
        shares = [*shares, 1]
    parts = shared_out(count, shares)
    assert sum(parts) == count
    for part, share in zip(parts, shares, strict=True):
        assert abs(part * sum(shares) - count * share) < sum(shares)


def test_shared_out_worked_cases() -> None:
    assert shared_out(200, (600, 250, 100, 40, 10)) == (120, 50, 20, 8, 2)
    assert shared_out(100, FROM_CENSUS_SHARES) == (60, 25, 10, 4, 1)
    assert shared_out(1, (1, 1)) == (1, 0)  # ties go to the earlier


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 10**9) | st.integers(50_000_00, 50_100_00), min_size=1, max_size=150)
)
def test_bands_hold_everybody_once(connection, cents: list[int]) -> None:
    census(connection, cents)
    try:
        levels = levels_from_census(connection, DEFAULTS)
    except CensusError as error:
        message = str(error)
    else:
        message = ""
        assert [level.level for level in levels] == [1, 2, 3, 4, 5]
        edges = [edge for level in levels for edge in (level.min_pay, level.max_pay)]
        assert edges == sorted(edges)
        for lower, upper in itertools.pairwise(levels):
            assert lower.max_pay < upper.min_pay
        # The simulation puts everybody into the band that was made of their group, and a group is
        # smaller than its share only by people who are paid as the level below.
        placed = [level_of(pay, levels) for pay in sorted(cents)]
        assert placed == sorted(placed)
        wanted = [
            level
            for level, size in enumerate(shared_out(len(cents), FROM_CENSUS_SHARES), start=1)
            for _ in range(size)
        ]
        ordered = sorted(cents)
        for pay, was, should in zip(ordered, placed, wanted, strict=True):
            assert was <= should
            if was < should:
                assert ordered[wanted.index(should) - 1] >= pay
        kept = [(level.level_name, level.merit_rate) for level in levels]
        assert kept == [(level.level_name, level.merit_rate) for level in DEFAULTS]
    if message:
        assert message.endswith("write workforce.levels as a table instead of from_census")
        assert len(cents) < 50 or len(set(cents)) < 5 or "too many people are paid" in message


def test_a_hundred_different_rates_of_pay(connection) -> None:
    census(connection, [1000_00 * (i + 1) for i in reversed(range(100))])
    levels = levels_from_census(connection, DEFAULTS)
    assert [(level.min_pay, level.max_pay) for level in levels] == [
        (1000, 60000),
        (61000, 85000),
        (86000, 95000),
        (96000, 99000),
        (100000, 100000),
    ]


def test_equal_pay_across_a_cut_belongs_to_the_lower_level(connection) -> None:
    # The 60th to the 70th are paid the same.
    census(connection, [i * 100_00 if i < 60 or i > 70 else 6000_00 for i in range(1, 101)])
    levels = levels_from_census(connection, DEFAULTS)
    assert levels[0].max_pay == Decimal(6000)
    assert levels[1].min_pay == Decimal(7100)


@pytest.mark.parametrize(
    ("cents", "message"),
    [
        ([], "0 people are too few to give level 1 (Staff) any"),
        ([5_000_000] * 4, "4 people are too few to give level"),
        (list(range(1, 6)), "5 people are too few to give level 4 (Director) any"),
        ([5_000_000] * 1000, "too many people are paid 50000.00: nobody is left for level 2"),
        (
            [100] * 600 + [200] * 250 + [300] * 100 + [400] * 50,
            "too many people are paid 4.00: nobody is left for level 5 (Vice President)",
        ),
        (
            [*range(1, 100), 100_000_000_01],
            "the highest pay, 100000000.01, is above 100000000.00",
        ),
    ],
)
def test_a_census_that_gives_no_bands(connection, cents: list[int], message: str) -> None:
    census(connection, cents)
    with pytest.raises(CensusError) as caught:
        levels_from_census(connection, DEFAULTS)
    assert message in str(caught.value)
    assert str(caught.value).startswith("workforce.levels: from_census: ")
    assert str(caught.value).endswith("write workforce.levels as a table instead of from_census")


def test_defaults_must_be_five_levels(connection) -> None:
    with pytest.raises(ProjectError, match="from_census needs 5 levels, got 4"):
        levels_from_census(connection, DEFAULTS[:4])


def test_from_configuration_to_levels_in_the_database(connection, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("workforce: {levels: from_census}")
    scenario = scenario_from_config(load_config(Path("c.yaml")), **FIXED)
    assert scenario.derive_levels
    assert "levels" not in scenario.tables
    census(connection, [1000_00 * (i + 1) for i in range(100)])
    other = Scenario("other", **FIXED)
    settled = settle_levels(connection, [scenario, other], DBT_PROJECT)
    assert settled[1] is other
    assert not settled[0].derive_levels
    write_scenarios(connection, settled)
    written = connection.execute(
        "SELECT scenario_id, level, level_name, min_pay, max_pay, merit_rate, source "
        "FROM inputs.scenario_levels"
    ).fetchall()
    assert written[1] == (
        "baseline", 2, "Manager", Decimal(61000), Decimal(85000), Decimal("0.015"),
        "c.yaml: workforce.levels",
    )  # fmt: skip
    assert [row[0] for row in written] == ["baseline"] * 5


def test_the_city_of_baltimore(connection, baltimore: Path) -> None:
    """Real pay, with many people at the same rate: five bands, nobody outside."""
    connection.execute(
        "CREATE OR REPLACE TABLE inputs.census AS SELECT employee_id, "
        "(annual_compensation::DECIMAL(18,2) * 100)::BIGINT AS annual_compensation_cents "
        "FROM read_csv(?, all_varchar = true) WHERE hire_date <= '2018-06-30'",
        [str(baltimore)],
    )
    levels = levels_from_census(connection, DEFAULTS)
    pays = [row[0] for row in connection.execute(
        "SELECT annual_compensation_cents FROM inputs.census"
    ).fetchall()]  # fmt: skip
    assert len(pays) == 13_592
    placed = [level_of(pay, levels) for pay in pays]
    for level, size in enumerate(shared_out(len(pays), FROM_CENSUS_SHARES), start=1):
        assert placed.count(level) == pytest.approx(size, abs=len(pays) // 50)


def test_every_parameter_is_described_with_its_source(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(
        "simulation: {seed: 1}\nworkforce: {growth_rate: 0.1, levels: from_census}\n"
        "compensation: {raise_months: {1: 1}}\n"
    )
    config = load_config(Path("c.yaml")).with_overrides(years=[2026])
    defaults = read_default_parameters(DBT_PROJECT)
    scenario = scenario_from_config(config, first_year=2026, census_date=date(2025, 12, 31), seed=1)
    lines = {line.parameter: line for line in describe_parameters(scenario, defaults)}
    assert [*lines][:3] == ["seed", "first_year", "census_date"]
    assert attrs.astuple(lines["seed"])[1:] == ("1", "c.yaml: simulation.seed")
    assert attrs.astuple(lines["first_year"])[1:] == ("2026", "command line")
    assert attrs.astuple(lines["census_date"])[1:] == ("2025-12-31", "default")
    assert attrs.astuple(lines["growth_rate"])[1:] == ("0.1", "c.yaml: workforce.growth_rate")
    assert attrs.astuple(lines["termination_rate"])[1:] == ("0.12", "default")
    assert attrs.astuple(lines["levels"])[1:] == ("from census", "c.yaml: workforce.levels")
    assert attrs.astuple(lines["raise_months"])[1:] == (
        "12 rows",
        "c.yaml: compensation.raise_months",
    )
    assert attrs.astuple(lines["age_bands"])[1:] == ("default rows", "default")
    assert len(lines) == 4 + len(defaults) + len(ROW_TYPES)
    # A seed that is not the configuration's is not said to be from there.
    other = scenario_from_config(config, first_year=2026, census_date=date(2025, 12, 31), seed=2)
    assert describe_parameters(other, defaults)[0].source == "program"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"default_levels\.csv: cannot be read: No such file"),
        (b"", "expected the columns level, level_name"),
        (b"level,level_name\n1,a\n", "missing: min_pay, max_pay, merit_rate, new_hire_percentile"),
        (
            b"level,level_name,min_pay,max_pay,merit_rate,new_hire_percentile\n",
            "expected at least one row",
        ),
        (
            b"level,level_name,min_pay,max_pay,merit_rate,new_hire_percentile\n1,a,b,2,0,0\n",
            r"default_levels\.csv:2: expected plain numbers",
        ),
        (
            b"level,level_name,min_pay,max_pay,merit_rate,new_hire_percentile\n1,a,1,2,0\n",
            r"default_levels\.csv:2: expected 6 cells, got fewer",
        ),
        (
            b"level,level_name,min_pay,max_pay,merit_rate,new_hire_percentile\n1,a,1,2,5,0\n",
            r"default_levels\.csv:2: merit_rate: expected 0 to 1",
        ),
        (b"\xff\xfe", "not a CSV file in UTF-8"),
    ],
)
def test_a_broken_seed(tmp_path: Path, content: bytes | None, message: str) -> None:
    (tmp_path / "seeds").mkdir()
    if content is not None:
        (tmp_path / "seeds" / "default_levels.csv").write_bytes(content)
    with pytest.raises(ProjectError, match=message) as caught:
        read_default_levels(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture
def baltimore() -> Path:
    import os

    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("PLANWISE_SHARED_DATA", root.parent / "shared" / "data"))
    path = folder / "baltimore_fy2018_census.csv"
    if not path.is_file():
        pytest.skip("the Baltimore census is not here; PLANWISE_SHARED_DATA names its folder")
    return path
