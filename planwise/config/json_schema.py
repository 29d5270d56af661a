"""The JSON Schema of configuration and scenario files, made from the objects that check them.

For editors, which complete keys, show what they mean and mark what cannot be. It takes every file
that planwise takes. Some that planwise refuses it takes too: JSON Schema cannot say that bands
follow each other, that shares add up to 1, or that a number has two decimals at most.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from planwise.config import words
from planwise.config.kinds import Number, Whole, share
from planwise.config.maps import CENSUS_FIELDS, HEADER, ColumnMap, PluginTable
from planwise.config.scenario_files import ScenarioFile
from planwise.config.schema import ConfigFile
from planwise.config.section import Section
from planwise.config.tables import Distribution, Table

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from planwise.scenarios.defaults import DefaultParameter

FILES: Final[Mapping[str, type[Section]]] = {"config": ConfigFile, "scenario": ScenarioFile}
"""The kinds of file, by name."""

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = f"^{words.NAME.pattern}$"
_KEY: Final = "^(0|[1-9][0-9]{0,3})$"
_MEMORY: Final = "^[0-9]{1,9}(\\.[0-9]{1,3})? ?(%|[KkMmGgTt][Ii]?[Bb])$"


def file_schema(name: str, defaults: Mapping[str, DefaultParameter]) -> dict[str, Any]:
    """The schema of a kind of file.

    Args:
        name: one of :data:`FILES`.
        defaults: the simulation's parameters by name, from the dbt project's seeds.
    """
    title = f"planwise {'configuration' if name == 'config' else name}"
    return {"$schema": _DIALECT, "title": title, **_section(FILES[name], defaults)}


def _section(model: type[BaseModel], defaults: Mapping[str, DefaultParameter]) -> dict[str, Any]:
    """A section; one whose keys are all commented out is nothing in YAML."""
    return {
        "description": (model.__doc__ or "").strip(),
        "type": ["object", "null"],
        "properties": {
            key: _field(field, defaults.get(key), defaults)
            for key, field in model.model_fields.items()
        },
        "additionalProperties": False,
    }


def _row(model: type[BaseModel]) -> dict[str, Any]:
    # A column may have the name of a parameter, whose default is not its own.
    fields = model.model_fields
    return {
        "description": (model.__doc__ or "").strip(),
        "type": "object",
        "properties": {key: _field(field, None, {}) for key, field in fields.items()},
        "required": [key for key, field in fields.items() if field.is_required()],
        "additionalProperties": False,
    }


def _field(
    field: FieldInfo, seed: DefaultParameter | None, defaults: Mapping[str, DefaultParameter]
) -> dict[str, Any]:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _section(annotation, defaults)
    rule = field.metadata[0]
    meaning = (field.description or (seed.description if seed else "")).removesuffix(".")
    extra = field.json_schema_extra
    stated = str(extra.get("default", "")) if isinstance(extra, dict) else ""
    takes = rule.expected
    texts = (meaning, f"takes {takes}", f"default: {stated}" if stated else "")
    made: dict[str, Any] = {"description": "; ".join(text for text in texts if text)}
    made |= _schema(rule)
    known = _default(field, seed, rule)
    if known is not None and not stated:
        made["default"] = known
    return made


def _default(field: FieldInfo, seed: DefaultParameter | None, rule: object) -> Any:
    """The default as JSON; None where no single value is one."""
    if seed is not None:
        if isinstance(rule, Number | Whole):
            return _number(Decimal(seed.value))
        return seed.value == "true" if isinstance(rule, words.Flag) else seed.value
    if field.default is PydanticUndefined or field.default_factory is not None:
        return None
    match field.default:
        case Decimal():
            return _number(field.default)
        case bool() | int() | str():
            return field.default
        case datetime.date():
            return field.default.isoformat()
    return None


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)


@singledispatch
def _schema(rule: object) -> dict[str, Any]:
    """What a rule takes."""
    raise TypeError(f"a rule that no JSON Schema is known for: {rule!r}")


@_schema.register
def _(rule: Number) -> dict[str, Any]:
    low = "exclusiveMinimum" if rule.above_low else "minimum"
    return {"type": "number", low: _number(rule.low), "maximum": _number(rule.high)}


@_schema.register
def _(rule: Whole) -> dict[str, Any]:
    return {"type": "integer", "minimum": rule.low, "maximum": rule.high}


@_schema.register
def _(_: words.Flag) -> dict[str, Any]:
    return {"type": "boolean"}


@_schema.register
def _(rule: words.Word) -> dict[str, Any]:
    return {"type": "string", "enum": list(rule.words)}


@_schema.register
def _(_: words.Name) -> dict[str, Any]:
    return {"type": "string", "pattern": _NAME}


@_schema.register
def _(rule: words.Label) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": rule.longest}


@_schema.register
def _(_: words.Sentence) -> dict[str, Any]:
    # Spaces and line breaks are taken together before they are counted.
    return {"type": "string", "minLength": 1}


@_schema.register
def _(_: words.Day) -> dict[str, Any]:
    return {"type": "string", "format": "date"}


@_schema.register
def _(_: words.File) -> dict[str, Any]:
    return {"type": "string", "minLength": 1}


@_schema.register
def _(_: words.Memory) -> dict[str, Any]:
    return {"type": "string", "pattern": _MEMORY}


@_schema.register
def _(_: words.Scalar) -> dict[str, Any]:
    return {"type": ["boolean", "number", "string"]}


@_schema.register
def _(_: Distribution) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": _KEY},
        "additionalProperties": _schema(share()),
    }


@_schema.register
def _(rule: Table) -> dict[str, Any]:
    rows = {"type": "array", "minItems": 1, "maxItems": rule.most, "items": _row(rule.row)}
    return rows if rule.word is None else {"anyOf": [rows, {"const": rule.word}]}


@_schema.register
def _(_: ColumnMap) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {field: _schema(HEADER) for field in CENSUS_FIELDS},
        "additionalProperties": False,
    }


@_schema.register
def _(_: PluginTable) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": {
            "type": ["object", "null"],
            "propertyNames": {"pattern": _NAME},
            "properties": {"enabled": _schema(words.Flag())},
            "additionalProperties": _schema(words.Scalar()),
        },
    }
