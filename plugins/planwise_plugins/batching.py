"""Plugin ``batching``: models into batches, the longest remaining path first."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from planwise.api import Batch, BatchPlan, GraphError, ModelNode, PlanRequest, hookimpl

if TYPE_CHECKING:
    import networkx as nx


class Batching:
    """Plans batches by list scheduling; the same request gives the same plan."""

    @hookimpl
    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """Fill each batch with the ready nodes that most work still waits for."""
        if request.pool_size < 1:
            raise GraphError(f"pool size {request.pool_size}: expected 1 or more")
        graph = dependency_graph(request.nodes)
        waits = remaining_paths(graph, node_seconds(request.nodes, request.durations))
        names = {key: node.name for key, node in request.nodes.items()}

        unmet = {key: graph.in_degree(key) for key in graph}
        ready = [key for key, count in unmet.items() if count == 0]
        batches = []
        while ready:
            ready.sort(key=lambda key: (-waits[key], names[key], key))
            batch, ready = ready[: request.pool_size], ready[request.pool_size :]
            batches.append(Batch(batch))
            for key in batch:
                for follower in graph.successors(key):
                    unmet[follower] -= 1
                    if unmet[follower] == 0:
                        ready.append(follower)
        return BatchPlan(batches)


def dependency_graph(nodes: Mapping[str, ModelNode]) -> nx.DiGraph[str]:
    """The graph of the nodes, edges from a dependency to those that wait for it.

    Dependencies on nodes that are not in the mapping are already done and left out.

    Args:
        nodes: every node to run, by unique id.

    Raises:
        GraphError: a node stands under another id than its own, names a dependency twice, waits
            for itself, or the nodes form a cycle; the nodes are named.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(nodes))
    for key in sorted(nodes):
        node = nodes[key]
        if node.unique_id != key:
            raise GraphError(
                f"node '{node.unique_id}' stands under the id '{key}'; expected its own id"
            )
        if key in node.depends_on:
            raise GraphError(f"model '{key}' depends on itself; take its own name out of it")
        twice = sorted({each for each in node.depends_on if node.depends_on.count(each) > 1})
        if twice:
            raise GraphError(f"model '{key}' names its dependency '{twice[0]}' twice")
        graph.add_edges_from((each, key) for each in node.depends_on if each in nodes)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [edge[0] for edge in nx.find_cycle(graph)]
        path = " -> ".join([*cycle, cycle[0]])
        raise GraphError(f"the models form a cycle: {path}; each waits for the one before it")
    return graph


def node_seconds(
    nodes: Mapping[str, ModelNode], durations: Mapping[str, float]
) -> dict[str, float]:
    """Seconds to reckon with for each node.

    Args:
        nodes: every node to run, by unique id.
        durations: what is known. A node that is missing takes the median of those that are there,
            and 1 if none is.
    """
    known = {key: max(0.0, durations[key]) for key in nodes if key in durations}
    usual = median(known.values()) if known else 1.0
    return {key: known.get(key, usual) for key in nodes}


def remaining_paths(graph: nx.DiGraph[str], seconds: Mapping[str, float]) -> dict[str, float]:
    """For each node the seconds of the longest path that starts with it, its own included."""
    import networkx as nx

    longest: dict[str, float] = {}
    for key in reversed(list(nx.topological_sort(graph))):
        after = max((longest[follower] for follower in graph.successors(key)), default=0.0)
        longest[key] = seconds[key] + after
    return longest
