"""The configurations that come with planwise, and their documentation, cannot rot."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from planwise.config import Config, load_config, load_scenario
from planwise.config.plan import Plan
from planwise.config.plan_tables import HIGHEST_LIMIT, NO_END_PAY
from planwise.config.reference import key_references, reference_tables
from planwise.config.schema import Compensation, ConfigFile, Workforce
from planwise.config.tables import NO_END, Table
from planwise.errors import ConfigError
from planwise.scenarios import read_default_parameters, rows
from planwise.scenarios.from_config import parameter_text
from planwise.scenarios.rows import NO_END_AGE, ROW_TYPES

ROOT = Path(__file__).parents[2]
DEFAULT = ROOT / "config" / "simulation_config.yaml"
SCENARIOS = ROOT / "config" / "scenarios"
FILES = [path for path in sorted((ROOT / "config").rglob("*.yaml")) if path.parent != SCENARIOS]
DOCUMENT = ROOT / "docs" / "configuration.md"
TABLES = {
    "age_bands": ("default_age_bands", None),
    "tenure_bands": ("default_tenure_bands", None),
    "levels": ("default_levels", None),
    "raise_months": ("default_raise_months", ("month", "share")),
    "hire_ages": ("default_hire_ages", ("age", "weight")),
    "enrollment_age_bands": ("default_enrollment_age_bands", None),
    "enrollment_pay_bands": ("default_enrollment_pay_bands", None),
    "enrollment_deferrals": ("default_enrollment_deferrals", None),
    "irs_limits": ("default_irs_limits", None),
}
CHOSEN = {"match_tiers", "core_tiers", "vesting_steps"}
"""Tables whose default hangs on a word: there are no rows to write down beside it."""
SECTIONS = (Workforce, Compensation, Plan)
KEYS = [key for section in SECTIONS for key in section.model_fields]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_loads(path: Path) -> None:
    config = load_config(path)
    assert config.path == path
    assert len(config.years) == 5


def test_there_are_a_default_and_two_examples() -> None:
    assert len(FILES) >= 3
    assert len({load_config(path).simulation.scenario for path in FILES}) == len(FILES)


def test_the_default_file_says_what_holds_without_a_file() -> None:
    assert attrs.evolve(load_config(DEFAULT), path=None, sources={}) == Config()


def test_the_default_file_mentions_every_key() -> None:
    text = DEFAULT.read_text()
    rows = [row for row in key_references({}) if not row.section.endswith("[]")]
    missing = [row.key for row in rows if not re.search(rf"\b{row.key}:", text)]
    assert missing == []


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    """Uncommented, the keys of the three sections equal the dbt project's seeds."""
    keys = "|".join(KEYS)
    text = re.sub(rf"(?m)^  # ((?:{keys}):|  - \{{)", r"  \1", DEFAULT.read_text())
    path = tmp_path / "uncommented.yaml"
    path.write_text(text)
    config = load_config(path)
    given = {**dict(config.workforce), **dict(config.compensation), **dict(config.plan)}
    for row in read_default_parameters(ROOT / "dbt"):
        value = given.pop(row.parameter)
        same = parameter_text(value, row.unit) == row.value
        assert same or Decimal(value) == Decimal(row.value), row.parameter
    for key, (seed, pair) in TABLES.items():
        with (ROOT / "dbt" / "seeds" / f"{seed}.csv").open(newline="") as file:
            expected = list(csv.DictReader(file))
        value = given.pop(key)
        rows = [dict(row) for row in value] if pair is None else _pairs(value, pair)
        assert [{column: _plain(cell) for column, cell in row.items()} for row in rows] == [
            {column: _plain(cell) for column, cell in row.items()} for row in expected
        ]
    assert given == dict.fromkeys(CHOSEN)


def _pairs(mapping: dict[int, Decimal], names: tuple[str, str]) -> list[dict[str, object]]:
    return [dict(zip(names, pair, strict=True)) for pair in mapping.items()]


def _plain(cell: object) -> object:
    text = str(cell)
    return Decimal(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else text


def test_parameters_are_those_of_the_dbt_project() -> None:
    scalars = set(KEYS) - set(TABLES) - CHOSEN
    assert {row.parameter for row in read_default_parameters(ROOT / "dbt")} == scalars


def test_units_are_those_of_the_dbt_project() -> None:
    references = {row.key: row for row in key_references({})}
    for row in read_default_parameters(ROOT / "dbt"):
        unit = references[row.parameter].unit
        expected = {"integer": {"years", "days", "hours"}, "text": {""}, "flag": {""}}
        assert unit in expected.get(row.unit, {row.unit}), row.parameter


def test_words_are_those_of_the_dbt_project() -> None:
    """The default of a word is one of those that are taken, and so is each that the seed names."""
    references = {row.key: row for row in key_references({})}
    words = [row for row in read_default_parameters(ROOT / "dbt") if row.unit == "text"]
    assert words
    for row in words:
        taken = set(re.split(r", | or ", references[row.parameter].bounds))
        assert row.value in taken, row.parameter
        if row.parameter in Plan.model_fields and "reduce" not in taken:
            named = row.description.rpartition(": ")[2]
            assert set(re.split(r", | or ", re.sub(r" \(.*?\)", "", named))) == taken, row.parameter


def test_rows_are_those_of_the_scenarios() -> None:
    """The columns of each table, in order, are those that are written for the models."""
    for section in SECTIONS:
        for key, field in section.model_fields.items():
            rule = field.metadata[0]
            if isinstance(rule, Table):
                columns = [column.name for column in attrs.fields(ROW_TYPES[key])]
                assert list(rule.row.model_fields) == columns, key
    assert set(TABLES) | CHOSEN == set(ROW_TYPES)
    assert (NO_END, NO_END_PAY) == (NO_END_AGE, rows.NO_END_PAY)
    assert int(HIGHEST_LIMIT) == rows.HIGHEST_LIMIT


def test_every_key_has_a_meaning() -> None:
    defaults = {row.parameter: row for row in read_default_parameters(ROOT / "dbt")}
    rows = list(key_references(defaults))
    assert [row.key for row in rows if not row.meaning] == []
    sections = {row.section.split(".")[0] for row in rows} - {"top of the file"}
    assert sections | {"plugins"} == set(ConfigFile.model_fields)


def test_the_document_holds_the_reference_of_the_schema() -> None:
    defaults = {row.parameter: row for row in read_default_parameters(ROOT / "dbt")}
    text = DOCUMENT.read_text()
    begin, end = "<!-- reference: begin -->\n", "<!-- reference: end -->"
    assert text.split(begin)[1].split(end)[0].strip() == reference_tables(defaults).strip(), (
        "write the output of `python -m planwise.config.reference dbt` between the two marks"
    )


def test_the_examples_in_the_document_load_or_fail_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```(yaml|text)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    path = Path("my.yaml")
    loaded = 0
    for number, (language, block) in enumerate(blocks):
        if language == "text":
            continue
        scenario = re.match(r"# config/scenarios/(\w+)\.yaml\n", block)
        if scenario:
            (tmp_path / "scenarios").mkdir(exist_ok=True)
            (tmp_path / "scenarios" / f"{scenario[1]}.yaml").write_text(block)
            path.write_text("{}")
            assert load_scenario(load_config(path), scenario[1]).description
            loaded += 1
            continue
        path.write_text(block)
        follows = blocks[number + 1 : number + 2]
        if follows and follows[0][0] == "text":
            with pytest.raises(ConfigError) as caught:
                load_config(path)
            assert list(caught.value.problems) == follows[0][1].strip().split("\n")
        else:
            load_config(path)
            loaded += 1
    assert loaded >= 4
