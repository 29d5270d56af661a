"""Which nodes are dbt's, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from planwise.api import CompiledNode
from planwise_plugins.precompile.catalog import Place, Relation, place_of

_STRATEGIES: Final = frozenset({"default", "append", "delete+insert"})


def reason_for_dbt(
    node: CompiledNode,
    catalog: Mapping[Place, Relation],
    full_refresh: bool,
) -> str:
    """Why dbt has to run a node, or nothing.

    Args:
        node: the node as it was rendered.
        catalog: what is in the database now.
        full_refresh: whether incremental models start anew.
    """
    if node.obstacles:
        return "; ".join(node.obstacles)
    for read in node.reads:
        there = catalog.get(read.relation)
        if (there.kind if there else None) != read.found:
            name = ".".join(read.relation)
            return f"was rendered for {_as(read.found)} {name}, and there is {_as(_kind(there))}"
    existing = catalog.get(place_of(node))
    if existing is not None and existing.guarded:
        return "its table has constraints or indexes"
    if node.materialized == "seed" and existing is not None and existing.kind == "view":
        return "a view has the name of the seed"
    if node.materialized == "incremental" and not starts_anew(node, existing, full_refresh):
        return _incremental_reason(node)
    return ""


def starts_anew(node: CompiledNode, existing: Relation | None, full_refresh: bool) -> bool:
    """Whether an incremental model is built like a table: dbt's own rule, configuration first."""
    configured = node.config.get("full_refresh")
    anew = full_refresh if configured is None else bool(configured)
    return anew or existing is None or existing.kind == "view"


def _incremental_reason(node: CompiledNode) -> str:
    strategy = node.config.get("incremental_strategy") or "default"
    if strategy not in _STRATEGIES:
        return f"incremental strategy '{strategy}'"
    if node.config.get("incremental_predicates") or node.config.get("predicates"):
        return "has incremental predicates"
    key = node.config.get("unique_key")
    if not isinstance(key, str | list | tuple | None):
        return "its unique key is neither text nor a list"
    return ""


def _kind(there: Relation | None) -> str | None:
    return there.kind if there else None


def _as(kind: str | None) -> str:
    return f"a {kind}" if kind else "nothing"
