from __future__ import annotations

import itertools
import random
import re
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.api import GraphError, ModelNode, PlanRequest
from planwise.testing.strategies import graphs, plan_requests
from planwise_plugins.batching import Batching, node_seconds

Graph = dict[str, ModelNode]


def node(key: str, *depends_on: str, name: str | None = None) -> ModelNode:
    return ModelNode(key, name or key, depends_on)


def graph_of(*nodes: ModelNode) -> Graph:
    return {each.unique_id: each for each in nodes}


def plan(nodes: Graph, pool_size: int, durations: dict[str, float] | None = None) -> list[list]:
    answer = Batching().plan_batches(PlanRequest(nodes, pool_size, durations or {}))
    return [list(batch.nodes) for batch in answer.batches]


def waits(nodes: Graph, seconds: dict[str, float]) -> dict[str, float]:
    """The longest path from each node on, worked out anew by following every edge."""
    followers = {key: [k for k, n in nodes.items() if key in n.depends_on] for key in nodes}
    known: dict[str, float] = {}

    def longest(key: str) -> float:
        if key not in known:
            known[key] = seconds[key] + max((longest(k) for k in followers[key]), default=0.0)
        return known[key]

    return {key: longest(key) for key in nodes}


@given(plan_requests())
def test_a_batch_takes_the_ready_nodes_with_the_longest_path_before_them(
    request_: PlanRequest,
) -> None:
    nodes = dict(request_.nodes)
    longest = waits(nodes, node_seconds(nodes, request_.durations))
    done: set[str] = set()
    for batch in Batching().plan_batches(request_).batches:
        ready = sorted(
            (
                key
                for key in nodes
                if key not in done
                and all(d in done or d not in nodes for d in nodes[key].depends_on)
            ),
            key=lambda key: (-longest[key], nodes[key].name, key),
        )
        assert list(batch.nodes) == ready[: request_.pool_size]
        done |= set(batch.nodes)


@given(plan_requests(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_anything(
    request_: PlanRequest, rng: random.Random
) -> None:
    keys = list(request_.nodes)
    rng.shuffle(keys)
    shuffled = {}
    for key in keys:
        depends_on = list(request_.nodes[key].depends_on)
        rng.shuffle(depends_on)
        shuffled[key] = node(key, *depends_on, name=request_.nodes[key].name)
    again = PlanRequest(shuffled, request_.pool_size, dict(reversed(request_.durations.items())))
    assert Batching().plan_batches(again) == Batching().plan_batches(request_)


@given(graphs(), st.integers(1, 9))
def test_with_equal_durations_the_plan_is_near_the_shortest_there_can_be(
    nodes: Graph, pool_size: int
) -> None:
    batches = plan(nodes, pool_size)
    path = max(waits(nodes, dict.fromkeys(nodes, 1.0)).values(), default=0.0)
    needed = max(path, -(-len(nodes) // pool_size))
    assert needed <= len(batches) <= path + len(nodes) // pool_size


def test_a_long_path_is_started_before_short_ones_once_durations_are_known() -> None:
    nodes = graph_of(
        node("a"), node("b"), node("z"), node("z2", "z"), node("z3", "z2"), node("c", "a")
    )
    assert plan(nodes, 1) == [["z"], ["a"], ["z2"], ["b"], ["c"], ["z3"]]
    slow = {"a": 0.1, "b": 9.0, "c": 0.1, "z": 0.1, "z2": 0.1, "z3": 0.1}
    assert plan(nodes, 1, slow) == [["b"], ["z"], ["a"], ["z2"], ["c"], ["z3"]]
    assert plan(nodes, 2, slow) == [["b", "z"], ["a", "z2"], ["c", "z3"]]


def test_ties_go_by_name_and_then_by_id() -> None:
    nodes = graph_of(
        node("model.b.x", name="same"), node("model.a.x", name="same"), node("zz", name="first")
    )
    assert plan(nodes, 3) == [["zz", "model.a.x", "model.b.x"]]


def test_an_unknown_duration_counts_as_the_median_of_the_known_ones() -> None:
    nodes = graph_of(node("a"), node("b"), node("c"), node("d"))
    known = {"a": 1.0, "b": 5.0, "c": 30.0, "elsewhere": 1000.0}
    assert node_seconds(nodes, known)["d"] == median([1.0, 5.0, 30.0])
    assert node_seconds(nodes, {}) == dict.fromkeys("abcd", 1.0)
    assert node_seconds(nodes, {"a": -3.0, "b": float("nan")})["a"] == 0.0


@given(graphs().filter(bool), st.data())
def test_a_cycle_is_an_error_that_names_it(nodes: Graph, data: st.DataObject) -> None:
    edges = [(d, k) for k, n in nodes.items() for d in n.depends_on if d in nodes]
    if not edges:
        return
    first, last = data.draw(st.sampled_from(sorted(edges)))
    closed = nodes | {first: node(first, *nodes[first].depends_on, last)}
    with pytest.raises(GraphError, match="cycle") as caught:
        plan(closed, 2)
    path = re.search(r"cycle: (.*?);", str(caught.value)).group(1).split(" -> ")
    assert path[0] == path[-1]
    assert len(path) > 2
    for before, after in itertools.pairwise(path):
        assert before in closed[after].depends_on


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        (graph_of(node("a", "a")), "'a' depends on itself"),
        (graph_of(node("a"), node("b", "a", "a")), "'b' names its dependency 'a' twice"),
        ({"x": node("y")}, "'y' stands under the id 'x'"),
    ],
)
def test_a_graph_that_contradicts_itself_is_an_error(nodes: Graph, says: str) -> None:
    with pytest.raises(GraphError, match=re.escape(says)):
        plan(nodes, 2)


def test_a_pool_for_nobody_is_an_error() -> None:
    with pytest.raises(GraphError, match="pool size 0: expected 1 or more"):
        plan(graph_of(node("a")), 0)
