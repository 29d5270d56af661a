"""The reference of every key, written from the objects that check it.

``python -m planwise.config.reference dbt`` prints the tables of ``docs/configuration.md``; a test
compares them with what stands there.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from pydantic import BaseModel

from planwise.config.kinds import Kind, Number
from planwise.config.maps import ColumnMap, PluginTable
from planwise.config.schema import ConfigFile
from planwise.config.section import Section
from planwise.config.tables import Distribution, Table

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from planwise.scenarios.defaults import DefaultParameter

_DEFAULT_TABLE = "seed `default_{key}`"


@attrs.frozen
class KeyReference:
    """One key of the configuration.

    Attributes:
        section: the section, or the table for a column of its rows; dotted.
        key: the key.
        type: what it holds.
        unit: the unit, or nothing.
        default: what holds when the key is left out.
        bounds: the values that are taken.
        meaning: what it does.
    """

    section: str
    key: str
    type: str
    unit: str
    default: str
    bounds: str
    meaning: str


def key_references(defaults: Mapping[str, DefaultParameter]) -> Iterator[KeyReference]:
    """Every key, in the order of the schema.

    Args:
        defaults: the simulation's parameters by name, from the dbt project's seeds.
    """
    yield from _section(ConfigFile, "", defaults)


def reference_tables(defaults: Mapping[str, DefaultParameter]) -> str:
    """One Markdown table for each section; see :func:`key_references`."""
    lines: list[str] = []
    section = None
    for row in key_references(defaults):
        if row.section != section:
            section = row.section
            lines += ["", f"### `{section}`", ""]
            lines += [
                "| key | type | unit | default | takes | meaning |",
                "|---|---|---|---|---|---|",
            ]
        cells = (f"`{row.key}`", row.type, row.unit, row.default, row.bounds, row.meaning)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines).strip() + "\n"


def _section(
    model: type[BaseModel], path: str, defaults: Mapping[str, DefaultParameter]
) -> Iterator[KeyReference]:
    deeper: list[tuple[type[BaseModel], str]] = []
    for key, field in model.model_fields.items():
        below = f"{path}.{key}" if path else key
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            deeper.append((annotation, below))
            continue
        rule = field.metadata[0]
        if isinstance(rule, Table):
            deeper.append((rule.row, f"{below}[]"))
        # A column of a table may have the name of a parameter, whose default is not its own.
        seed = None if path.endswith("[]") else defaults.get(key)
        yield _key(path or "top of the file", key, field, rule, seed)
    for section, below in deeper:
        yield from _section(section, below, defaults)


def _key(
    section: str, key: str, field: FieldInfo, rule: object, seed: DefaultParameter | None
) -> KeyReference:
    meaning = (field.description or (seed.description if seed else "")).removesuffix(".")
    if isinstance(rule, Kind):
        kind = "number" if isinstance(rule, Number) else _without_article(rule.type_name)
        return KeyReference(
            section, key, kind, rule.unit, _default(field, seed), rule.bounds, meaning
        )
    default = _stated_default(field) or _DEFAULT_TABLE.format(key=key)
    if isinstance(rule, Distribution):
        bounds = f"{rule.noun} {rule.key.low} to {rule.key.high}; shares add up to exactly 1"
        return KeyReference(section, key, "mapping", rule.key.unit, default, bounds, meaning)
    if isinstance(rule, Table):
        return KeyReference(section, key, "list of rows", "", default, rule.expected, meaning)
    if isinstance(rule, ColumnMap | PluginTable):
        return KeyReference(
            section, key, "mapping", "", _default(field, None), rule.expected, meaning
        )
    raise TypeError(f"{section}.{key} has no rule that could be described: {rule!r}")


def _default(field: FieldInfo, seed: DefaultParameter | None) -> str:
    if stated := _stated_default(field):
        return stated
    if seed is not None:
        return f"`{seed.value}`"
    if field.is_required():
        return "(required)"
    return _shown(field.default)


def _stated_default(field: FieldInfo) -> str:
    """The words for a default that no single value is; nothing for other fields."""
    extra = field.json_schema_extra
    return str(extra["default"]) if isinstance(extra, dict) and "default" in extra else ""


def _shown(value: Any) -> str:
    match value:
        case None | {}:
            return "none"
        case Decimal() | int() | str() | datetime.date():
            return f"`{value}`"
        case _:
            raise TypeError(f"a default that the reference cannot show: {value!r}")


def _without_article(text: str) -> str:
    return text.removeprefix("a ").removeprefix("an ")


def main(arguments: list[str]) -> int:
    """Print the tables for the dbt project in the folder that is given."""
    from planwise.scenarios.defaults import read_default_parameters

    defaults = {row.parameter: row for row in read_default_parameters(Path(arguments[0]))}
    sys.stdout.write(reference_tables(defaults))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
