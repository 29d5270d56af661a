"""Packing, for any graph, any needs and any budget."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from planwise.api import GraphError, ModelNode, PlanRequest
from planwise.testing.strategies import plan_requests

from planwise_memory_batching.packing import packed


def graph(**needs: Sequence[str]) -> dict[str, ModelNode]:
    return {key: ModelNode(key, key, tuple(depends_on)) for key, depends_on in needs.items()}


@st.composite
def asked(draw: st.DrawFn) -> tuple[PlanRequest, dict[str, int], int]:
    request = draw(plan_requests())
    sizes = st.one_of(st.integers(0, 100), st.sampled_from([0, 50, 10**15]))
    needs = {key: draw(sizes) for key in sorted(request.nodes) if draw(st.integers(0, 9))}
    return request, needs, draw(st.one_of(st.integers(1, 200), st.just(10**12)))


@given(asked())
def test_each_node_runs_once_after_what_it_needs_and_in_the_pool(
    case: tuple[PlanRequest, dict[str, int], int],
) -> None:
    request, needs, budget = case
    done: set[str] = set()
    for batch in packed(request, needs, budget).batches:
        assert 0 < len(batch.nodes) <= request.pool_size
        for key in batch.nodes:
            assert {each for each in request.nodes[key].depends_on if each in request.nodes} <= done
        assert not done & set(batch.nodes)
        done |= set(batch.nodes)
    assert done == set(request.nodes)


@given(asked())
def test_a_batch_fits_the_budget_or_is_one_node(
    case: tuple[PlanRequest, dict[str, int], int],
) -> None:
    request, needs, budget = case
    for batch in packed(request, needs, budget).batches:
        assert sum(needs.get(key, 0) for key in batch.nodes) <= budget or len(batch.nodes) == 1


@given(asked())
def test_no_node_that_was_ready_and_would_have_fitted_is_left_out(
    case: tuple[PlanRequest, dict[str, int], int],
) -> None:
    request, needs, budget = case
    done: set[str] = set()
    for batch in packed(request, needs, budget).batches:
        left = budget - sum(needs.get(key, 0) for key in batch.nodes)
        waiting = request.nodes.keys() - done - set(batch.nodes)
        for key in waiting if len(batch.nodes) < request.pool_size and left >= 0 else ():
            ready = all(
                each in done for each in request.nodes[key].depends_on if each in request.nodes
            )
            assert not ready or needs.get(key, 0) > left
        done |= set(batch.nodes)


@given(asked(), st.data())
def test_the_order_in_which_nodes_are_given_changes_nothing(
    case: tuple[PlanRequest, dict[str, int], int], data: st.DataObject
) -> None:
    request, needs, budget = case
    keys = data.draw(st.permutations(sorted(request.nodes)))
    other = evolve(request, nodes={key: request.nodes[key] for key in keys})
    assert packed(other, needs, budget) == packed(request, needs, budget)


@given(asked())
def test_a_larger_budget_than_all_nodes_take_is_as_none(
    case: tuple[PlanRequest, dict[str, int], int],
) -> None:
    request, needs, _ = case
    assert packed(request, needs, sum(needs.values())) == packed(request, needs, None)


@given(asked(), st.data())
def test_nodes_that_are_to_run_alone_do(
    case: tuple[PlanRequest, dict[str, int], int], data: st.DataObject
) -> None:
    request, needs, budget = case
    keys = sorted(request.nodes)
    alone = data.draw(st.sets(st.sampled_from(keys))) if keys else set()
    batches = packed(request, needs, budget, alone).batches
    assert sorted(key for batch in batches for key in batch.nodes) == keys
    assert all(len(batch.nodes) == 1 for batch in batches if alone & set(batch.nodes))


def test_the_largest_comes_first_and_small_ones_fill_the_rest() -> None:
    request = PlanRequest(graph(a="", b="", c="", d="", e=""), pool_size=4)
    needs = {"a": 10, "b": 60, "c": 50, "d": 30, "e": 120}
    batches = [each.nodes for each in packed(request, needs, 100).batches]
    assert batches == [("e",), ("b", "d", "a"), ("c",)]


def test_of_two_that_are_as_large_the_longer_one_comes_first() -> None:
    request = PlanRequest(graph(a="", b="", c=""), pool_size=1, durations={"b": 2.0, "c": 5.0})
    assert [each.nodes for each in packed(request, {}, 1).batches] == [("c",), ("b",), ("a",)]


def test_a_cycle_is_named_and_a_pool_has_room() -> None:
    with pytest.raises(GraphError, match="cycle: "):
        packed(PlanRequest(graph(a="b", b="a"), pool_size=4), {})
    with pytest.raises(GraphError, match="pool size 0"):
        packed(PlanRequest(graph(a=""), pool_size=0), {})
