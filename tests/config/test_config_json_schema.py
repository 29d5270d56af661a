"""The JSON Schema takes what planwise takes, and refuses what a single value can be wrong in."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from planwise.cli.main import main
from planwise.config.json_schema import FILES, file_schema
from planwise.config.kinds import Kind, Number
from planwise.config.section import Section
from planwise.scenarios import read_default_parameters

ROOT = Path(__file__).parents[2]
DEFAULTS = {row.parameter: row for row in read_default_parameters(ROOT / "dbt")}
SCHEMAS = {name: file_schema(name, DEFAULTS) for name in FILES}
VALIDATORS = {name: Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def keys(model: type[Section], *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each key that holds a single value, with what checks it."""
    for key, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from keys(annotation, *path, key)
        elif isinstance(field.metadata[0], Kind):
            yield (*path, key), field.metadata[0]


KEYS = [(name, path, rule) for name, model in FILES.items() for path, rule in keys(model)]


def plain(value: object) -> Any:
    """As an editor's YAML reader gives it to a validator: JSON."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime.date) else value


def nested(path: tuple[str, ...], value: object) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def taken(rule: Kind, value: object) -> bool:
    try:
        rule.validate(value)
    except (ValidationError, ValueError):
        return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_it_is_a_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda f: f.name)
def test_it_takes_the_files_that_come_with_planwise(file: Path) -> None:
    name = "scenario" if file.parent.name == "scenarios" else "config"
    found = list(VALIDATORS[name].iter_errors(plain(yaml.safe_load(file.read_text()))))
    assert not found


def test_every_default_is_one_that_it_takes() -> None:
    def walk(schema: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(schema, dict):
            if "default" in schema and "description" in schema:
                yield schema, schema["default"]
            for each in schema.values():
                yield from walk(each)

    found = list(walk(SCHEMAS["config"]))
    assert len(found) > 60
    for schema, default in found:
        assert Draft202012Validator(schema).is_valid(default), schema["description"]


VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(-10, 10_000),
    st.sampled_from([2**63 - 1, 2**63, 50_000_000, 1900, 2200]),
    st.decimals(-2, 2, places=2),
    st.decimals(0, 2 * 10**9, places=2),
    st.text("ab-_ 09%GM", max_size=8),
    st.sampled_from(["baseline", "4GB", "80%", "101%", "2024-12-31", "percent", "none", "simple"]),
    st.dates(),
    st.just([]),
    st.just({}),
)


@given(st.sampled_from(KEYS), VALUES)
def test_what_planwise_takes_is_taken(key: tuple[str, tuple[str, ...], Kind], value: Any) -> None:
    name, path, rule = key
    valid = VALIDATORS[name].is_valid(plain(nested(path, value)))
    if taken(rule, value):
        assert valid, (path, value)
    elif isinstance(value, int | Decimal) and isinstance(rule, Number):
        # Number for number it is as strict, but for how many decimals there are.
        rounded = round(Decimal(value), rule.places)
        assert not valid or rounded != value, (path, value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("config", {"workfroce": {}}),
        ("config", {"workforce": {"growth_rates": 0.1}}),
        ("config", {"workforce": {"growth_rate": "3%"}}),
        ("config", {"workforce": {"raise_months": {"13a": 1}}}),
        ("config", {"workforce": {"age_bands": [{"age_band": "all"}]}}),
        ("config", {"workforce": {"levels": "census"}}),
        ("config", {"census": {"columns": {"salary": "Pay"}}}),
        ("config", {"plugins": {"tuning": {"enabled": "no"}}}),
        ("config", {"environment": {"DUCKDB_MEMORY_LIMIT": "4"}}),
        ("config", [1]),
        ("scenario", {"simulation": {"start_year": 2025}}),
        ("scenario", {"census": {}}),
    ],
)
def test_what_an_editor_should_mark_is_refused(name: str, wrong: Any) -> None:
    assert not VALIDATORS[name].is_valid(wrong)


@pytest.mark.parametrize("name", FILES)
def test_the_command_prints_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name, "--dbt-project", str(ROOT / "dbt")]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMAS[name]


def test_an_unknown_kind_of_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "census"]) == 2
    assert "invalid choice: 'census'" in capsys.readouterr().err
