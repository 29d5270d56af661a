"""What will be in the database when a node runs, as far as it can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from graphlib import TopologicalSorter

from planwise.project.graph import ProjectGraph
from planwise.values import ModelNode

Catalog = Mapping[tuple[str, str, str], str]
"""What exists, by (database, schema, identifier) in lower case: ``table`` or ``view``."""


def wanted_nodes(graph: ProjectGraph, *, first: bool) -> list[tuple[str, bool]]:
    """The nodes that a year executes, and whether each starts anew there; no pair twice."""
    stages = [stage for stage in graph.year_stages if first or not stage.first_year_only]
    pairs = [(node, stage.anew(first=first)) for stage in stages for node in stage.nodes]
    if first:
        pairs += [(n, s.anew(first=True)) for s in graph.foundation_stages for n in s.nodes]
    return list(dict.fromkeys(pairs))


def catalogs(
    graph: ProjectGraph,
    existing: Catalog,
    place_of: Callable[[ModelNode], tuple[str, str, str]],
    *,
    first: bool,
) -> Iterator[tuple[str, Catalog]]:
    """Each node of a year in an order that its dependencies allow, with what exists before it.

    After the first year everything exists. In the first, what a node neither depends on nor finds
    in the database is expected to be missing; where the run proves that wrong, the text that was
    rendered on it is not used.

    Args:
        graph: the year's.
        existing: what is in the database before the year.
        place_of: where a node's table or view will be.
        first: whether it is the first year, which the foundation belongs to.
    """
    everything = {**graph.foundation, **graph.year}
    nodes = everything if first else dict(graph.year)
    made = {
        key: (place_of(node), "view" if node.materialized == "view" else "table")
        for key, node in everything.items()
    }
    before = {key: set(nodes[key].depends_on) & set(nodes) for key in sorted(nodes)}
    ancestors: dict[str, set[str]] = {}
    for key in TopologicalSorter(before).static_order():
        ancestors[key] = set(before[key]).union(*(ancestors[each] for each in before[key]))
        earlier = set(graph.foundation) if key in graph.year else set()
        present = sorted(ancestors[key] | earlier) if first else list(made)
        yield key, {**existing, **{made[each][0]: made[each][1] for each in present}}
