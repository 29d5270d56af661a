"""Plugin ``batching``: models into batches, the longest remaining path first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from statistics import median

from planwise.api import Batch, BatchPlan, GraphError, ModelNode, PlanRequest, hookimpl


class Batching:
    """Plans batches by list scheduling; the same request gives the same plan."""

    planwise_api = "0.1"

    @hookimpl
    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """Fill each batch with the ready nodes that most work still waits for."""
        if request.pool_size < 1:
            raise GraphError(f"pool size {request.pool_size}: expected 1 or more")
        needed = dependencies(request.nodes)
        waits = remaining_paths(needed, node_seconds(request.nodes, request.durations))
        names = {key: node.name for key, node in request.nodes.items()}

        followers = _followers(needed)
        unmet = {key: len(before) for key, before in needed.items()}
        ready = [key for key, count in unmet.items() if count == 0]
        batches = []
        while ready:
            ready.sort(key=lambda key: (-waits[key], names[key], key))
            batch, ready = ready[: request.pool_size], ready[request.pool_size :]
            batches.append(Batch(batch))
            for key in batch:
                for follower in followers[key]:
                    unmet[follower] -= 1
                    if unmet[follower] == 0:
                        ready.append(follower)
        return BatchPlan(batches)


def dependencies(nodes: Mapping[str, ModelNode]) -> dict[str, list[str]]:
    """What each node waits for; what is not in the mapping is already done and left out.

    Args:
        nodes: every node to run, by unique id.

    Raises:
        GraphError: a node stands under another id than its own, names a dependency twice, waits
            for itself, or the nodes form a cycle; the nodes are named.
    """
    needed: dict[str, list[str]] = {}
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
        needed[key] = [each for each in node.depends_on if each in nodes]
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        path = " -> ".join(error.args[1])
        raise GraphError(
            f"the models form a cycle: {path}; each waits for the one before it"
        ) from None
    return needed


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


def remaining_paths(
    needed: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> dict[str, float]:
    """For each node the seconds of the longest path that starts with it, its own included.

    Args:
        needed: what each node waits for.
        seconds: of each node alone.
    """
    followers = _followers(needed)
    longest: dict[str, float] = {}
    for key in reversed(list(TopologicalSorter(needed).static_order())):
        after = max((longest[follower] for follower in followers[key]), default=0.0)
        longest[key] = seconds[key] + after
    return longest


def _followers(needed: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The nodes that wait for each node."""
    followers: dict[str, list[str]] = {key: [] for key in needed}
    for key, before in needed.items():
        for each in before:
            followers[each].append(key)
    return followers
