"""A node as dbt renders it: what an executor is given. Frozen, and as light as ``values.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy, so that a plugin cannot change what the next one sees."""
    return MappingProxyType(dict(value))


def deeply_frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Likewise, with the lists and mappings in it: of JSON-ready data that is kept for later."""
    return MappingProxyType({key: _frozen(each) for key, each in value.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return deeply_frozen(value)
    if isinstance(value, list | tuple):
        return tuple(_frozen(each) for each in value)
    return value


def whole_numbers(values: Iterable[int]) -> tuple[int, ...]:
    """The values as a tuple."""
    return tuple(values)


def texts(values: Iterable[str]) -> tuple[str, ...]:
    """The values as a tuple."""
    return tuple(values)


@frozen
class RelationRead:
    """What a rendering asked the database: whether a relation exists, and as what.

    Attributes:
        relation: (database, schema, identifier), in lower case; names are the same whatever case
            they are written in.
        found: what the rendering was told: ``table``, ``view``, or None for nothing.
    """

    relation: tuple[str, str, str]
    found: str | None


@frozen
class CompiledNode:
    """A node as dbt renders it for one step, and what is known of how dbt would run it.

    Attributes:
        unique_id: dbt's unique id.
        materialized: dbt's materialisation.
        path: its file, as dbt names it in messages.
        relation: (database, schema, identifier) of what it makes.
        relation_name: the same as SQL, quoted as the project says.
        sql: the select of a model, CTEs of ephemeral models included; of a seed the statements
            that create its table, then load it.
        config: the configuration that decides how it is materialised, as JSON-ready data.
        reads: what the rendering asked of the database. The text is right only where the answers
            are still the same.
        obstacles: why dbt alone does with it what dbt does, a sentence each; empty where its
            materialisation means what dbt's own documentation says.
    """

    unique_id: str
    materialized: str
    path: str
    relation: tuple[str, str, str]
    relation_name: str
    sql: tuple[str, ...] = field(converter=texts)
    config: Mapping[str, Any] = field(factory=dict, converter=deeply_frozen)
    reads: tuple[RelationRead, ...] = ()
    obstacles: tuple[str, ...] = ()
