"""What a batcher has to hold: the hook ``plan_batches``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from hypothesis import given

from planwise.testing.contracts.common import GENERATED, Plugin
from planwise.testing.host import Place
from planwise.testing.strategies import chain, diamonds, graph, node, plan_requests, wide
from planwise.values import Batch, BatchPlan, ModelNode, PlanRequest

_LARGE: Final[dict[str, Callable[[int], Mapping[str, ModelNode]]]] = {
    "chain": chain,
    "wide": wide,
    "diamonds": lambda size: diamonds(size // 3),
}
_SIZE: Final = 1000


class PlanBatches(Plugin):
    """A plan covers each node once, respects dependencies and the pool, and is always the same.

    Tried on generated graphs: chains, wide ones, diamonds, names that want quoting, dependencies
    outside of the graph, durations known or not, pools of 1 and of more than there are nodes; and
    on 1,000 nodes, which has to end.
    """

    hooks = ("plan_batches",)

    @GENERATED
    @given(request=plan_requests())
    def test_a_plan_covers_each_node_once_in_order_and_fits_the_pool(
        self, planwise_place: Place, request: PlanRequest
    ) -> None:
        """The kernel's own checks, as in a run."""
        self.plan(planwise_place, request)

    @GENERATED
    @given(request=plan_requests())
    def test_the_same_request_gives_the_same_plan(
        self, planwise_place: Place, request: PlanRequest
    ) -> None:
        """Of one object asked twice, as a run does, and of a new one, as the next run does."""
        host = self.host(planwise_place)
        first, again = (self.ask("plan_batches", host.plan_batches, request) for _ in range(2))
        later = self.plan(planwise_place, request)
        self.expect(
            first == again == later,
            "plan_batches",
            f"expected the same plan for the same request, got {first}, then {again}, and "
            f"from a new object {later}",
        )

    @pytest.mark.parametrize("shape", _LARGE)
    @pytest.mark.parametrize("pool_size", [1, 4, 2 * _SIZE])
    def test_a_thousand_nodes_are_planned(
        self, planwise_place: Place, shape: str, pool_size: int
    ) -> None:
        """No time is held against it: work that grows with the paths of a graph does not end."""
        nodes = _LARGE[shape](_SIZE)
        self.plan(planwise_place, PlanRequest(nodes, pool_size, dict.fromkeys(nodes, 1.0)))

    def test_nothing_to_run_is_an_empty_plan(self, planwise_place: Place) -> None:
        """A phase may have no node."""
        plan = self.plan(planwise_place, PlanRequest({}, 4))
        self.expect(not plan.batches, "plan_batches", f"expected no batch for no node, got {plan}")

    def test_what_is_outside_of_the_graph_is_done_already(self, planwise_place: Place) -> None:
        """Nothing waits for a node that the request does not have."""
        nodes = graph(node("model.p.a", "model.p.elsewhere"))
        plan = self.plan(planwise_place, PlanRequest(nodes, 4))
        expected = BatchPlan([Batch(["model.p.a"])])
        self.expect(plan == expected, "plan_batches", f"expected {expected}, got {plan}")

    def plan(self, place: Place, request: PlanRequest) -> BatchPlan:
        """The plan of a new object of the plugin."""
        return self.ask("plan_batches", self.host(place).plan_batches, request)
