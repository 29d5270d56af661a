"""Packing: the nodes that are ready, the largest first, into batches that fit a budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from planwise.api import Batch, BatchPlan, GraphError, PlanRequest


def packed(
    request: PlanRequest,
    needs: Mapping[str, int],
    budget_bytes: int | None = None,
    alone: Collection[str] = (),
) -> BatchPlan:
    """Fill one batch after the other with the ready nodes that still fit, largest first.

    A node that is larger than the budget has a batch of its own. Of nodes that are as large the one
    that took longer comes first, then the name decides: the same request gives the same plan.

    Args:
        request: the nodes, the size of the pool, and how long each node took, if known.
        needs: what each node takes, in bytes; nothing for one that is not in it.
        budget_bytes: what the nodes of a batch may take together; None for no bound.
        alone: nodes that share a batch with none, whatever they take; they come first.

    Raises:
        GraphError: the nodes form a cycle, or the pool has no room.
    """
    if request.pool_size < 1:
        raise GraphError(f"pool size {request.pool_size}: expected 1 or more")
    sorter = _sorter(request)

    def order(key: str) -> tuple[bool, float, float, str]:
        return key not in alone, -needs.get(key, 0), -request.durations.get(key, 0.0), key

    ready: list[str] = []
    batches = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=order)
        batch: list[str] = []
        left = budget_bytes
        for key in ready:
            need = needs.get(key, 0)
            if left is not None and batch and need > left:
                continue
            batch.append(key)
            if left is not None:
                left -= need
            full = len(batch) == request.pool_size or (left is not None and left < 0)
            if full or key in alone:
                break
        batches.append(Batch(batch))
        taken = set(batch)
        ready = [key for key in ready if key not in taken]
        sorter.done(*batch)
    return BatchPlan(batches)


def _sorter(request: PlanRequest) -> TopologicalSorter[str]:
    """The graph, ready to be walked; what is not among the nodes is done already."""
    nodes = request.nodes
    sorter = TopologicalSorter(
        {key: [each for each in nodes[key].depends_on if each in nodes] for key in sorted(nodes)}
    )
    try:
        sorter.prepare()
    except CycleError as error:
        raise GraphError(f"the models form a cycle: {' -> '.join(error.args[1])}") from None
    return sorter
