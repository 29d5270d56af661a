"""From what pydantic refuses to texts that name file, line, key, expectation and mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planwise.config.text import dotted, nearest, shown, shown_key, shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel, ValidationError

    from planwise.config.yaml_safe import YamlDocument

_MOST_LISTED = 30

Problem = tuple[int, str]
"""A line and a text."""


def schema_problems(
    error: ValidationError, document: YamlDocument, schema: type[BaseModel]
) -> Iterator[Problem]:
    """Every refusal of ``error``, with the line of its key.

    Args:
        error: what pydantic raised for the document.
        document: where the keys stand.
        schema: the model of the whole file, for the keys that are known.

    Yields:
        ``(line, 'key a.b.c: expected …, got …')``.
    """
    sections = _sections(schema)
    for found in error.errors(include_url=False):
        path = tuple(step for step in found["loc"] if step != "[key]")
        kind = found["type"]
        if kind == "findings":
            for below, text in found["ctx"]["findings"]:
                where = (*path, *below)
                yield _line(where, document), key_problem(where, text, document)
        elif kind == "default_factory_not_called":
            continue  # a default that hangs on a key which is already reported
        else:
            text = _text(found, path, sections)
            yield _line(path, document), key_problem(path, text, document)


def located(path: tuple[str | int, ...], text: str, document: YamlDocument) -> str:
    """``FILE:LINE: key a.b.c: text`` for a key of a document, which need not give it."""
    problem = key_problem(path, text, document)
    return f"{shown_path(document.path)}:{_line(path, document)}: {problem}"


def key_problem(path: tuple[str | int, ...], text: str, document: YamlDocument) -> str:
    """``key a.b.c: text``, and where the key stands if another file gives it."""
    where = document.inherited.get(path)
    return f"key {dotted(path)}: {text}" + (f" (inherited from {where})" if where else "")


def _text(
    found: Mapping[str, Any], path: tuple[str | int, ...], sections: dict[tuple[str, ...], set[str]]
) -> str:
    kind = found["type"]
    if kind == "extra_forbidden":
        return _unknown(path, sections)
    if kind == "missing":
        return "expected a value, but the key is missing"
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        return f"expected a mapping (key: value), got {shown(found['input'])}"
    return f"{found['msg']}, got {shown(found['input'])}"


def _unknown(path: tuple[str | int, ...], sections: dict[tuple[str, ...], set[str]]) -> str:
    key = str(path[-1])
    section = tuple(step for step in path[:-1] if isinstance(step, str))
    known = sections.get(section, set())
    if near := nearest(key, known):
        return f"expected a known key, got {shown_key(key)}; did you mean {near}?"
    for other, keys in sections.items():
        if key in keys:
            home = f"in section {dotted(other)}" if other else "at the top of the file"
            return f"expected a known key, got {shown_key(key)}; it belongs {home}"
    many = len(known) > _MOST_LISTED
    listed = "see docs/configuration.md" if many else f"known here: {', '.join(sorted(known))}"
    return f"expected a known key, got {shown_key(key)}; {listed}"


def _sections(
    schema: type[BaseModel], path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], set[str]]:
    """The keys of every section and table row, by path."""
    from pydantic import BaseModel

    sections = {path: set(schema.model_fields)}
    for name, field in schema.model_fields.items():
        models = [field.annotation, *(getattr(rule, "row", None) for rule in field.metadata)]
        for model in models:
            if isinstance(model, type) and issubclass(model, BaseModel):
                sections |= _sections(model, (*path, name))
    return sections


def _line(path: tuple[str | int, ...], document: YamlDocument) -> int:
    """The line of the key, or of the nearest key above it that is in the file."""
    while path and path not in document.lines:
        path = path[:-1]
    return document.lines.get(path, 1)
