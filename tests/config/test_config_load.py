"""What a good file gives: exact values, where they came from, and overrides on top."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from planwise.census.fields import FIELD_NAMES
from planwise.config import Config, load_config
from planwise.config.kinds import Kind, Number
from planwise.config.maps import CENSUS_FIELDS, ColumnMap, PluginSettings, PluginTable
from planwise.config.schema import ConfigFile
from planwise.config.section import Section
from planwise.config.tables import Distribution, Table
from planwise.errors import ConfigError, UsageError

FULL = """
simulation: {start_year: 2030, end_year: 2031, seed: 7, scenario: what-if_2}
census:
  file: people/census.csv
  date: 2029-12-31
  columns: {employee_id: Person No, annual_compensation: "2029"}
  deferral_unit: percent
  pay_floor: 12000.50
  synthetic: {employees: 500, seed: 3}
workforce:
  growth_rate: 0.1
  promotion_min_tenure: 2
  hire_level_shares: current
  hire_ages: {30: 0.4, 22: 0.6}
  age_bands:
  - {age_band: young, min_age: 0, max_age: 40, termination_mult: 1.5, promotion_mult: 1}
  - {age_band: 40+, min_age: 40, termination_mult: 0.75, promotion_mult: 0}
  levels:
  - {level: 1, level_name: All, min_pay: 1, max_pay: 99.9, merit_rate: .01, new_hire_percentile: 1}
compensation:
  raise_months: {7: 1}
plugins:
  tuning: {enabled: false, share: 0.6, name: x, level: 3}
  empty:
performance: {pool_size: 2, baseline_metrics: {year_processing: 1500.5}}
environment: {DUCKDB_MEMORY_LIMIT: 80%, DUCKDB_THREADS: 2, DBT_PARTIAL_PARSE: false}
"""


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    path = Path("settings/full.yaml")
    path.parent.mkdir()
    path.write_text(FULL)
    return load_config(path)


def test_values(full: Config) -> None:
    assert list(full.years) == [2030, 2031]
    assert full.simulation.seed == 7
    assert full.simulation.scenario == "what-if_2"
    assert full.census.date == date(2029, 12, 31)
    assert full.census.columns == {"employee_id": "Person No", "annual_compensation": "2029"}
    assert full.census.pay_floor == Decimal("12000.50")
    assert full.census.synthetic.employees == 500
    assert full.workforce.growth_rate == Decimal("0.1")
    assert full.workforce.termination_rate is None
    assert list((full.workforce.hire_ages or {}).items()) == [
        (22, Decimal("0.6")),
        (30, Decimal("0.4")),
    ]
    assert full.workforce.age_bands is not None
    assert full.workforce.age_bands[1].max_age == 999
    assert full.workforce.age_bands[1].termination_mult == Decimal("0.75")
    assert full.compensation.raise_months == {7: Decimal(1)}
    assert full.plugins == {
        "tuning": PluginSettings(False, {"share": Decimal("0.6"), "name": "x", "level": 3}),
        "empty": PluginSettings(),
    }
    assert full.performance.baseline_metrics.year_processing == Decimal("1500.5")
    assert full.performance.baseline_metrics.total_simulation is None
    assert full.environment.DUCKDB_MEMORY_LIMIT == "80%"
    assert full.environment.DBT_PARTIAL_PARSE is False


def test_sources_name_file_and_key(full: Config) -> None:
    assert full.source("workforce.growth_rate") == "settings/full.yaml: workforce.growth_rate"
    assert full.source("workforce.levels") == "settings/full.yaml: workforce.levels"
    assert full.source("workforce.termination_rate") == "default"


def test_census_file_is_relative_to_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project" / "config"
    folder.mkdir(parents=True)
    path = folder / "c.yaml"
    monkeypatch.setenv("HOME", str(tmp_path))
    for written, expected in {
        "census.csv": folder / "census.csv",
        "../data/census.csv": tmp_path / "project" / "data" / "census.csv",
        "/srv/census.csv": Path("/srv/census.csv"),
        "~/census.csv": tmp_path / "census.csv",
        "~nobody-of-that-name/c.csv": folder / "~nobody-of-that-name" / "c.csv",
    }.items():
        path.write_text(f"census: {{file: {written}}}")
        for working_directory in (tmp_path, folder):
            monkeypatch.chdir(working_directory)
            file = load_config(path).census.file
            assert file is not None
            assert file.resolve() == expected


def test_without_a_file_everything_has_its_default() -> None:
    config = load_config(None)
    assert list(config.years) == [2025, 2026, 2027, 2028, 2029]
    assert config.simulation.seed == 42
    assert config.census.synthetic.employees == 10_000
    assert config.performance.pool_size == 4
    assert config.path is None
    assert config.sources == {}


def test_end_year_follows_the_start_year(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("simulation: {start_year: 2040}")
    assert load_config(path).years == range(2040, 2045)


def test_empty_sections_mean_defaults(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("".join(f"{section}:\n" for section in ConfigFile.model_fields))
    assert attrs.evolve(load_config(path), path=None, sources={}) == Config()


def test_settings_are_frozen(full: Config) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        full.path = None
    with pytest.raises(ValidationError, match="frozen"):
        full.simulation.seed = 1


def test_overrides(full: Config) -> None:
    changed = full.with_overrides(
        years=[2026, 2027, 2028],
        seed=9,
        scenario="b",
        census_file=Path("here.csv"),
        census_date=date(2025, 12, 31),
        pool_size=1,
    )
    assert list(changed.years) == [2026, 2027, 2028]
    assert changed.simulation.seed == 9
    assert changed.simulation.scenario == "b"
    assert changed.census.file == Path("here.csv")  # relative to the working directory
    assert changed.census.date == date(2025, 12, 31)
    assert changed.performance.pool_size == 1
    # What was not overridden stays, down to the mappings.
    assert changed.census.columns == full.census.columns
    assert changed.census.synthetic == full.census.synthetic
    assert changed.performance.baseline_metrics == full.performance.baseline_metrics
    assert changed.workforce is full.workforce
    assert changed.plugins is full.plugins
    assert changed.source("simulation.seed") == "command line"
    assert changed.source("simulation.end_year") == "command line"
    assert changed.source("census.pay_floor") == "settings/full.yaml: census.pay_floor"
    assert full.simulation.seed == 7
    assert full.with_overrides() == full
    assert full.with_overrides(pool_size=3, origin="program").source("performance.pool_size") == (
        "program"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"years": []}, "years: expected consecutive years, ascending, got none"),
        ({"years": [2026, 2025]}, "ascending, got 2026 2025"),
        ({"years": [2025, 2025]}, "ascending, got 2025 2025"),
        ({"years": [2025, 2027]}, "ascending, got 2025 2027"),
        (
            {"years": [1800]},
            "command line: key start_year: expected a whole number from 1900 to 2200, got 1800",
        ),
        ({"seed": -1}, "key seed: expected a whole number from 0 to 9223372036854775807, got -1"),
        ({"scenario": "A B"}, "key scenario: expected a name .* got 'A B'"),
        ({"census_date": date(1, 1, 1)}, "key date: expected a date"),
        ({"pool_size": 0, "seed": -1}, "key seed: .*; command line: key pool_size: .* got 0"),
    ],
)
def test_bad_overrides_are_usage_errors(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Config().with_overrides(**overrides)
    assert caught.value.exit_code == 2


RATES = st.decimals(0, 1, places=5, allow_nan=False)


@settings(deadline=None)
@given(rate=RATES, money=st.decimals(0, 10**9, places=2), zeros=st.integers(0, 3))
def test_rates_and_money_are_exactly_what_is_written(
    tmp_path_factory, rate: Decimal, money: Decimal, zeros: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "exact.yaml"
    path.write_text(
        f"workforce: {{termination_rate: {rate:f}{'0' * zeros}}}\n"
        f"compensation: {{raise_cap_amount: {money:f}}}\n"
    )
    config = load_config(path)
    assert config.workforce.termination_rate == rate
    assert type(config.workforce.termination_rate) is Decimal
    assert config.compensation.raise_cap_amount == money


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6 - 1), min_size=0, max_size=11, unique=True))
def test_distributions_that_add_up_are_taken_and_others_not(
    tmp_path_factory, cuts: list[int]
) -> None:
    edges = [0, *sorted(cuts), 10**6]
    parts = [Decimal(high - low).scaleb(-6) for low, high in itertools.pairwise(edges)]
    text = ", ".join(f"{month}: {part:f}" for month, part in enumerate(parts, start=1))
    path = tmp_path_factory.getbasetemp() / "shares.yaml"
    path.write_text(f"compensation: {{raise_months: {{{text}}}}}")
    months = load_config(path).compensation.raise_months
    assert months == dict(enumerate(parts, start=1))
    first = f"1: {parts[0]:f}"
    path.write_text(
        "compensation: {raise_months: {"
        + text.replace(first, f"1: {parts[0] - Decimal('0.000001'):f}", 1)
        + "}}"
    )
    with pytest.raises(ConfigError, match=r"add up to exactly 1, got 0\.999999$"):
        load_config(path)


@settings(deadline=None)
@given(st.lists(st.integers(1, 998), max_size=20, unique=True))
def test_contiguous_bands_are_taken(tmp_path_factory, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 999]
    rows = "".join(
        f"  - {{age_band: b{low}, min_age: {low}, max_age: {high}, "
        "termination_mult: 1, promotion_mult: 1}\n"
        for low, high in itertools.pairwise(edges)
    )
    path = tmp_path_factory.getbasetemp() / "bands.yaml"
    path.write_text(f"workforce:\n  age_bands:\n{rows}")
    bands = load_config(path).workforce.age_bands or ()
    assert [band.min_age for band in bands] == edges[:-1]
    assert [band.max_age for band in bands] == edges[1:]


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found += _models(field.annotation)
        found += [rule.row for rule in field.metadata if isinstance(rule, Table)]
    return found


def test_every_key_is_checked_by_a_strict_kind() -> None:
    """pydantic alone would take true for 1 and "5" for 5: no key may be left to it."""
    kinds = (Kind, Table, Distribution, ColumnMap, PluginTable)
    for model in _models(ConfigFile):
        assert model.model_config["extra"] == "forbid"
        assert model.model_config["frozen"] is True
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                continue
            assert len(field.metadata) == 1, name
            assert isinstance(field.metadata[0], kinds), name


@settings(deadline=None)
@given(st.decimals(allow_nan=True, allow_infinity=True) | st.integers() | st.booleans())
def test_a_number_is_in_bounds_or_refused(value: object) -> None:
    kind = Number("rate", "-1", "10", 5, above_low=True)
    try:
        number = kind.check(value)
    except Exception as error:  # noqa: BLE001 - the type is what is looked at
        assert type(error).__name__ == "Unfit"  # noqa: PT017 - either way is right
    else:
        assert not isinstance(value, bool)
        assert number == value
        assert -1 < number <= 10


def test_census_fields_are_those_of_the_census() -> None:
    assert CENSUS_FIELDS == FIELD_NAMES


def test_the_package_is_light_until_it_is_used() -> None:
    code = (
        "import sys, planwise.config, planwise.scenarios\n"
        "heavy = {'pydantic', 'yaml', 'duckdb', 'pyarrow', 'dbt'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "planwise.config.load_config(None)\n"
        "assert 'pydantic' in sys.modules\n"
        "heavy = {'duckdb', 'pyarrow', 'dbt'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
