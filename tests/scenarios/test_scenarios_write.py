"""Scenarios go into the database exactly, all at once, and only when they make sense."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.config import load_config
from planwise.errors import UsageError, WarehouseError
from planwise.scenarios import (
    AgeBand,
    CoreTier,
    EnrollmentAgeBand,
    EnrollmentDeferral,
    EnrollmentPayBand,
    HireAge,
    IrsLimit,
    Level,
    MatchTier,
    RaiseMonth,
    Scenario,
    TenureBand,
    VestingStep,
    scenario_from_config,
    write_scenarios,
)
from planwise.scenarios.rows import ROW_TYPES

FIXED = {"seed": 42, "first_year": 2025, "census_date": date(2024, 12, 31)}

# Names, types and order of the columns that the simulation reads.
CONTRACT = {
    "scenarios": (
        "scenario_id VARCHAR, replicate_id INTEGER, seed BIGINT, first_year INTEGER, "
        "census_date DATE, draws VARCHAR"
    ),
    "scenario_parameters": "scenario_id VARCHAR, parameter VARCHAR, value VARCHAR, source VARCHAR",
    "scenario_age_bands": (
        "scenario_id VARCHAR, age_band VARCHAR, min_age INTEGER, max_age INTEGER, "
        "termination_mult DECIMAL(9,5), promotion_mult DECIMAL(9,5), source VARCHAR"
    ),
    "scenario_tenure_bands": (
        "scenario_id VARCHAR, tenure_band VARCHAR, min_years INTEGER, max_years INTEGER, "
        "termination_mult DECIMAL(9,5), promotion_mult DECIMAL(9,5), source VARCHAR"
    ),
    "scenario_levels": (
        "scenario_id VARCHAR, level INTEGER, level_name VARCHAR, min_pay DECIMAL(18,2), "
        "max_pay DECIMAL(18,2), merit_rate DECIMAL(7,5), new_hire_percentile DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "scenario_raise_months": (
        "scenario_id VARCHAR, month INTEGER, share DECIMAL(9,6), source VARCHAR"
    ),
    "scenario_hire_ages": "scenario_id VARCHAR, age INTEGER, weight DECIMAL(9,6), source VARCHAR",
    "scenario_enrollment_age_bands": (
        "scenario_id VARCHAR, min_age INTEGER, max_age INTEGER, voluntary_chance DECIMAL(7,5), "
        "opt_out_chance DECIMAL(7,5), source VARCHAR"
    ),
    "scenario_enrollment_pay_bands": (
        "scenario_id VARCHAR, min_pay DECIMAL(18,2), max_pay DECIMAL(18,2), "
        "voluntary_mult DECIMAL(9,5), opt_out_mult DECIMAL(9,5), source VARCHAR"
    ),
    "scenario_enrollment_deferrals": (
        "scenario_id VARCHAR, min_age INTEGER, min_pay DECIMAL(18,2), deferral_rate DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "scenario_match_tiers": (
        "scenario_id VARCHAR, band_min INTEGER, band_max INTEGER, tier_from DECIMAL(7,5), "
        "tier_to DECIMAL(7,5), match_rate DECIMAL(7,5), source VARCHAR"
    ),
    "scenario_core_tiers": (
        "scenario_id VARCHAR, band_min INTEGER, band_max INTEGER, core_rate DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "scenario_vesting_steps": (
        "scenario_id VARCHAR, money_source VARCHAR, service_years INTEGER, vested DECIMAL(7,5), "
        "source VARCHAR"
    ),
    "scenario_irs_limits": (
        "scenario_id VARCHAR, limit_year INTEGER, elective DECIMAL(18,2), "
        "catch_up_50 DECIMAL(18,2), catch_up_60_63 DECIMAL(18,2), compensation DECIMAL(18,2), "
        "hce DECIMAL(18,2), annual_additions DECIMAL(18,2), ss_wage_base DECIMAL(18,2), "
        "source VARCHAR"
    ),
}


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        yield opened


def rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"SELECT * FROM inputs.{table}").fetchall()


def decimals(places: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(0, high, places=places, allow_nan=False)


LABELS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("'\"|;-<"), max_size=20
)
RATE = decimals(5, 1)
PAY = st.decimals("0.01", 10**8, places=2)
MULTIPLIER = decimals(5, 9999)
AGE = st.integers(0, 999)
ANY_PAY = decimals(2, 10**12)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "age_bands": st.lists(
            st.builds(
                AgeBand, LABELS, st.integers(0, 999), st.integers(0, 999), MULTIPLIER, MULTIPLIER
            ),
            min_size=1,
            max_size=3,
        ),
        "tenure_bands": st.lists(
            st.builds(
                TenureBand, LABELS, st.integers(0, 999), st.integers(0, 999), MULTIPLIER, MULTIPLIER
            ),
            min_size=1,
            max_size=3,
        ),
        "levels": st.lists(
            st.builds(Level, st.integers(1, 9), LABELS, PAY, PAY, RATE, RATE),
            min_size=1,
            max_size=3,
        ),
        "raise_months": st.lists(
            st.builds(RaiseMonth, st.integers(1, 12), decimals(6, 1)), min_size=1, max_size=3
        ),
        "hire_ages": st.lists(
            st.builds(HireAge, st.integers(14, 85), decimals(6, 1)), min_size=1, max_size=3
        ),
        "enrollment_age_bands": st.lists(
            st.builds(EnrollmentAgeBand, AGE, AGE, RATE, RATE), min_size=1, max_size=3
        ),
        "enrollment_pay_bands": st.lists(
            st.builds(EnrollmentPayBand, ANY_PAY, ANY_PAY, MULTIPLIER, MULTIPLIER),
            min_size=1,
            max_size=3,
        ),
        "enrollment_deferrals": st.lists(
            st.builds(EnrollmentDeferral, AGE, ANY_PAY, RATE), min_size=1, max_size=3
        ),
        "match_tiers": st.lists(
            st.builds(MatchTier, AGE, AGE, RATE, RATE, decimals(5, 10)), min_size=1, max_size=3
        ),
        "core_tiers": st.lists(st.builds(CoreTier, AGE, AGE, RATE), min_size=1, max_size=3),
        "vesting_steps": st.lists(
            st.builds(VestingStep, st.sampled_from(["match", "core"]), st.integers(0, 99), RATE),
            min_size=1,
            max_size=3,
        ),
        "irs_limits": st.lists(
            st.builds(IrsLimit, st.integers(1900, 2300), *[decimals(0, 500_000_000)] * 7),
            min_size=1,
            max_size=3,
        ),
    },
)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
SCENARIOS = st.builds(
    Scenario,
    NAMES,
    draws=st.none() | NAMES,
    seed=st.integers(0, 2**63 - 1),
    first_year=st.integers(1900, 2200),
    census_date=st.dates(date(1900, 1, 1), date(2200, 12, 31)),
    parameters=st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True), LABELS, max_size=4
    ),
    tables=TABLES,
    sources=st.dictionaries(st.sampled_from(["levels", "hire_ages"]), LABELS),
)


@settings(deadline=None)
@given(st.lists(SCENARIOS, min_size=1, max_size=3, unique_by=lambda s: s.scenario_id))
def test_everything_comes_back_exactly(connection, scenarios: list[Scenario]) -> None:
    write_scenarios(connection, scenarios)
    in_order = sorted(scenarios, key=lambda s: s.scenario_id)
    assert rows(connection, "scenarios") == [
        (s.scenario_id, 1, s.seed, s.first_year, s.census_date, s.draws or s.scenario_id)
        for s in in_order
    ]
    assert rows(connection, "scenario_parameters") == [
        (s.scenario_id, name, value, "program")
        for s in in_order
        for name, value in sorted(s.parameters.items())
    ]
    for table in ROW_TYPES:
        assert rows(connection, f"scenario_{table}") == [
            (s.scenario_id, *attrs.astuple(row), s.sources.get(table, "program"))
            for s in in_order
            for row in s.tables.get(table, ())
        ]


def test_tables_have_the_columns_that_the_simulation_reads(connection) -> None:
    write_scenarios(connection, [Scenario("baseline", **FIXED)])
    for table, columns in CONTRACT.items():
        described = connection.execute(f"DESCRIBE inputs.{table}").fetchall()
        assert ", ".join(f"{name} {kind}" for name, kind, *_ in described) == columns
    assert rows(connection, "scenario_parameters") == []  # no rows: defaults


def test_a_second_write_replaces_the_first(connection) -> None:
    write_scenarios(connection, [Scenario("a", parameters={"cola_rate": "0.01"}, **FIXED)])
    write_scenarios(connection, [Scenario("b", **FIXED)])
    assert [row[0] for row in rows(connection, "scenarios")] == ["b"]
    assert rows(connection, "scenario_parameters") == []


def test_replicates_share_their_parameters(connection) -> None:
    first = Scenario("a", parameters={"cola_rate": "0.01"}, **FIXED)
    replicates = [attrs.evolve(first, replicate_id=i, seed=i * 7) for i in range(1, 1001)]
    write_scenarios(connection, replicates[::-1])
    assert [row[1:3] for row in rows(connection, "scenarios")] == [
        (i, i * 7) for i in range(1, 1001)
    ]
    assert rows(connection, "scenario_parameters") == [("a", "cola_rate", "0.01", "program")]


def test_scenarios_that_clash_are_refused_before_anything_is_written(connection) -> None:
    good = Scenario("a", **FIXED)
    write_scenarios(connection, [good])
    for second, message in (
        ({"seed": 1}, "scenario a, replicate 1 is given twice"),
        ({"replicate_id": 2, "parameters": {"cola_rate": "0"}}, "has other parameters than"),
        ({"replicate_id": 2, "first_year": 2026}, "has other first_year than replicate 1"),
        ({"replicate_id": 2, "draws": "another"}, "has other draws than replicate 1"),
    ):
        with pytest.raises(UsageError, match=message):
            write_scenarios(connection, [good, attrs.evolve(good, **second)])
    with pytest.raises(UsageError, match="no scenario to simulate"):
        write_scenarios(connection, [])
    with pytest.raises(ValueError, match=r"settle_levels\(\) comes before"):
        write_scenarios(connection, [attrs.evolve(good, derive_levels=True)])
    assert [row[0] for row in rows(connection, "scenarios")] == ["a"]


def test_a_failure_in_the_middle_leaves_everything_as_it_was() -> None:
    with duckdb.connect() as connection:
        write_scenarios(connection, [Scenario("a", parameters={"cola_rate": "0.01"}, **FIXED)])
        # A view in the place of the last table: CREATE OR REPLACE TABLE fails on it.
        connection.execute("DROP TABLE inputs.scenario_irs_limits")
        connection.execute("CREATE VIEW inputs.scenario_irs_limits AS SELECT 1")
        with pytest.raises(WarehouseError, match="the scenarios cannot be written") as caught:
            write_scenarios(connection, [Scenario("b", **FIXED)])
        assert "\n" not in str(caught.value)
        assert [row[0] for row in rows(connection, "scenarios")] == ["a"]
        assert len(rows(connection, "scenario_parameters")) == 1
        connection.execute("BEGIN")  # no transaction was left open
        connection.execute("ROLLBACK")


def test_an_open_transaction_of_the_caller_is_refused() -> None:
    with duckdb.connect() as connection:
        connection.execute("BEGIN")
        with pytest.raises(WarehouseError, match="within a transaction"):
            write_scenarios(connection, [Scenario("a", **FIXED)])


def test_a_read_only_database(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    duckdb.connect(path).close()
    with (
        duckdb.connect(path, read_only=True) as connection,
        pytest.raises(WarehouseError, match="read-only"),
    ):
        write_scenarios(connection, [Scenario("a", **FIXED)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"scenario_id": "A"},
        {"scenario_id": ""},
        {"scenario_id": "a\n"},
        {"scenario_id": "a'; DROP TABLE x; --"},
        {"scenario_id": "x" * 65},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": True},
        {"seed": 1.0},
        {"replicate_id": 0},
        {"draws": "Baseline"},
        {"draws": "../a"},
        {"draws": ""},
        {"draws": 1},
        {"first_year": 1800},
        {"census_date": "2024-12-31"},
        {"parameters": {"Growth Rate": "1"}},
        {"parameters": {"growth_rate": Decimal("0.1")}},
        {"tables": {"no_such_table": ()}},
        {"tables": {"levels": ()}},
        {"tables": {"levels": (RaiseMonth(1, Decimal(1)),)}},
    ],
    ids=str,
)
def test_a_scenario_that_makes_no_sense_cannot_be_made(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Scenario(**{"scenario_id": "a", **FIXED, **wrong})


@pytest.mark.parametrize(
    "make",
    [
        lambda: RaiseMonth(1, 0.1),  # a float: no exact decimal
        lambda: RaiseMonth(1, Decimal("0.0000001")),
        lambda: RaiseMonth(13, Decimal(1)),
        lambda: HireAge(13, Decimal(1)),
        lambda: HireAge(20, Decimal("NaN")),
        lambda: AgeBand("a", 0, 10, Decimal(-1), Decimal(1)),
        lambda: AgeBand("a", 0, True, Decimal(1), Decimal(1)),
        lambda: Level(1, "a", Decimal("0.001"), Decimal(1), Decimal(0), Decimal(0)),
        lambda: EnrollmentAgeBand(0, 999, Decimal("1.1"), Decimal(0)),
        lambda: EnrollmentPayBand(Decimal(0), Decimal(10**12 + 1), Decimal(1), Decimal(1)),
        lambda: EnrollmentDeferral(0, Decimal("0.001"), Decimal(0)),
        lambda: MatchTier(0, 1000, Decimal(0), Decimal(1), Decimal(1)),
        lambda: MatchTier(0, 999, Decimal(0), Decimal(1), Decimal("10.00001")),
        lambda: CoreTier(0, 999, 0.01),
        lambda: VestingStep("bonus", 0, Decimal(1)),
        lambda: VestingStep("match", -1, Decimal(1)),
        lambda: IrsLimit(2025, *[Decimal("0.5")] * 7),
        lambda: IrsLimit(2025, *[Decimal(500_000_001)] * 7),
        lambda: IrsLimit(2301, *[Decimal(1)] * 7),
    ],
)
def test_a_row_that_the_database_would_have_to_round_cannot_be_made(make) -> None:
    with pytest.raises((ValueError, TypeError)):
        make()


def test_from_configuration_to_rows(connection, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("my.yaml")
    path.write_text(
        "simulation: {scenario: mine, seed: 5}\n"
        "census: {date: 2024-12-31}\n"
        "workforce:\n"
        "  growth_rate: 3.5e-2\n"
        "  market_factor: 1\n"
        "  promotion_min_tenure: 2\n"
        "  hire_level_shares: current\n"
        "  hire_ages: {30: 0.25, 22: 0.75}\n"
        "  age_bands: [{age_band: all, min_age: 0, termination_mult: 1, promotion_mult: 0.5}]\n"
        "compensation:\n"
        "  raise_cap_amount: 56000\n"
        "  promotion_cap_amount: 1e5\n"
        "  raise_months: {7: 1.0}\n"
    )
    config = load_config(path)
    scenario = scenario_from_config(config, first_year=2025, census_date=date(2024, 12, 31), seed=5)
    assert scenario.source("growth_rate") == "my.yaml: workforce.growth_rate"
    write_scenarios(connection, [scenario])
    assert rows(connection, "scenarios") == [("mine", 1, 5, 2025, date(2024, 12, 31), "mine")]
    assert rows(connection, "scenario_parameters") == [
        ("mine", "growth_rate", "0.035", "my.yaml: workforce.growth_rate"),
        ("mine", "hire_level_shares", "current", "my.yaml: workforce.hire_level_shares"),
        ("mine", "market_factor", "1", "my.yaml: workforce.market_factor"),
        ("mine", "promotion_cap_amount", "100000.00", "my.yaml: compensation.promotion_cap_amount"),
        ("mine", "promotion_min_tenure", "2", "my.yaml: workforce.promotion_min_tenure"),
        ("mine", "raise_cap_amount", "56000.00", "my.yaml: compensation.raise_cap_amount"),
    ]
    assert rows(connection, "scenario_hire_ages") == [
        ("mine", 22, Decimal("0.750000"), "my.yaml: workforce.hire_ages"),
        ("mine", 30, Decimal("0.250000"), "my.yaml: workforce.hire_ages"),
    ]
    assert [row[2] for row in rows(connection, "scenario_raise_months")] == [
        Decimal(month == 7) for month in range(1, 13)
    ]
    assert rows(connection, "scenario_age_bands") == [
        ("mine", "all", 0, 999, Decimal(1), Decimal("0.5"), "my.yaml: workforce.age_bands")
    ]
    assert rows(connection, "scenario_levels") == []


def test_defaults_give_a_scenario_without_overrides() -> None:
    scenario = scenario_from_config(load_config(None), **FIXED)
    assert scenario.scenario_id == "baseline"
    assert scenario.parameters == {}
    assert scenario.tables == {}
    assert not scenario.derive_levels
