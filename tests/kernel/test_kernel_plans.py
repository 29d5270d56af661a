"""Plans: valid ones pass, each kind of mistake is caught; topological order."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planwise.answers import plan_problem
from planwise.errors import GraphError
from planwise.relay import Relay, topological_order
from planwise.values import Batch, BatchPlan, ModelNode, PlanRequest


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, ModelNode]:
    """A random DAG: each node depends on some of those before it, and on nodes outside."""
    count = draw(st.integers(1, 14))
    names = draw(st.permutations([f"model.p.{number}" for number in range(count)]))
    nodes = {}
    for number, name in enumerate(names):
        inside = draw(st.lists(st.sampled_from(names[:number] or ["model.gone"]), max_size=4))
        outside = draw(st.lists(st.sampled_from(["model.other", "seed.done"]), max_size=1))
        nodes[name] = ModelNode(name, name, depends_on=tuple(sorted({*inside, *outside})))
    return dict(sorted(nodes.items()))


@st.composite
def planned(draw: st.DrawFn) -> tuple[PlanRequest, list[list[str]]]:
    """A graph with a valid plan: random batches of what is ready."""
    nodes = draw(graphs())
    pool_size = draw(st.integers(1, 5))
    done: set[str] = set()
    batches = []
    while len(done) < len(nodes):
        ready = [
            key
            for key, node in nodes.items()
            if key not in done and not (set(node.depends_on) & nodes.keys()) - done
        ]
        batch = draw(st.lists(st.sampled_from(ready), min_size=1, max_size=pool_size, unique=True))
        batches.append(batch)
        done.update(batch)
    return PlanRequest(nodes, pool_size), batches


def problem(request: PlanRequest, batches: list[list[str]]) -> str | None:
    return plan_problem(BatchPlan([Batch(batch) for batch in batches]), request)


@given(planned())
def test_a_valid_plan_passes(plan: tuple[PlanRequest, list[list[str]]]) -> None:
    assert problem(*plan) is None


@given(planned(), st.data())
def test_a_node_left_out_is_caught(
    plan: tuple[PlanRequest, list[list[str]]], data: st.DataObject
) -> None:
    request, batches = plan
    batch = data.draw(st.sampled_from(batches))
    gone = data.draw(st.sampled_from(batch))
    left = [[node for node in each if node != gone] for each in batches]
    found = problem(request, [each for each in left if each])
    assert found is not None
    assert gone in found


@given(planned(), st.data())
def test_a_node_planned_twice_is_caught(
    plan: tuple[PlanRequest, list[list[str]]], data: st.DataObject
) -> None:
    request, batches = plan
    again = data.draw(st.sampled_from(sorted(request.nodes)))
    batches.append([again])
    found = problem(request, batches)
    assert found is not None
    assert "twice" in found
    in_one = [[again, again] if again in batch else batch for batch in batches[:-1]]
    assert problem(PlanRequest(request.nodes, 8), in_one) is not None


@given(planned(), st.data())
def test_an_unknown_node_is_caught(
    plan: tuple[PlanRequest, list[list[str]]], data: st.DataObject
) -> None:
    request, batches = plan
    place = data.draw(st.integers(0, len(batches)))
    found = problem(request, [*batches[:place], ["model.unknown"], *batches[place:]])
    assert found is not None
    assert "model.unknown" in found


@given(planned(), st.data())
def test_an_empty_batch_is_caught(
    plan: tuple[PlanRequest, list[list[str]]], data: st.DataObject
) -> None:
    request, batches = plan
    place = data.draw(st.integers(0, len(batches)))
    assert "empty" in str(problem(request, [*batches[:place], [], *batches[place:]]))


@given(planned())
def test_a_batch_wider_than_the_pool_is_caught(
    plan: tuple[PlanRequest, list[list[str]]],
) -> None:
    request, batches = plan
    widest = max(len(batch) for batch in batches)
    assume(widest > 1)
    assert "the pool" in str(problem(PlanRequest(request.nodes, widest - 1), batches))


@given(planned(), st.data())
def test_a_dependency_that_comes_late_is_caught(
    plan: tuple[PlanRequest, list[list[str]]], data: st.DataObject
) -> None:
    request, batches = plan
    inner = [
        (key, parent)
        for key, node in request.nodes.items()
        for parent in node.depends_on
        if parent in request.nodes
    ]
    assume(inner)
    child, parent = data.draw(st.sampled_from(inner))
    left = [[node for node in batch if node != parent] for batch in batches]
    late = [*(batch for batch in left if batch), [parent]]
    assert "before its dependency" in str(problem(request, late))
    together = [[child, parent] if child in batch else batch for batch in left]
    wide = PlanRequest(request.nodes, 64)
    assert problem(wide, [batch for batch in together if batch]) is not None


@given(graphs())
def test_topological_order_is_complete_and_puts_dependencies_first(
    nodes: dict[str, ModelNode],
) -> None:
    order = topological_order(nodes)
    assert sorted(order) == sorted(nodes)
    place = {key: number for number, key in enumerate(order)}
    for key, node in nodes.items():
        assert all(place[each] < place[key] for each in node.depends_on if each in nodes)


@given(graphs(), st.randoms(use_true_random=False))
def test_topological_order_does_not_depend_on_how_nodes_are_listed(
    nodes: dict[str, ModelNode], random: Random
) -> None:
    keys = list(nodes)
    random.shuffle(keys)
    assert topological_order({key: nodes[key] for key in keys}) == topological_order(nodes)


@given(graphs(), st.integers(1, 5))
def test_without_a_planner_the_plan_is_valid(nodes: dict[str, ModelNode], pool: int) -> None:
    request = PlanRequest(nodes, pool)
    plan = Relay().plan_batches(request)
    assert plan_problem(plan, request) is None
    assert {len(batch.nodes) for batch in plan.batches} == {1}


@given(graphs(), st.data())
def test_a_cycle_is_named(nodes: dict[str, ModelNode], data: st.DataObject) -> None:
    """A path through the DAG is closed: the error names nodes of a cycle, in its order."""
    order = topological_order(nodes)
    path = [data.draw(st.sampled_from(order))]
    for key in order[order.index(path[0]) + 1 :]:
        if path[-1] in nodes[key].depends_on:
            path.append(key)
    first = nodes[path[0]]
    closed = nodes | {
        path[0]: ModelNode(path[0], path[0], depends_on=(*first.depends_on, path[-1]))
    }
    with pytest.raises(GraphError, match="cycle") as caught:
        topological_order(closed)
    named = str(caught.value).partition(": ")[2].split(" -> ")
    assert named[0] == named[-1]
    for left, right in pairwise(named):
        assert left in closed[right].depends_on or right in closed[left].depends_on
