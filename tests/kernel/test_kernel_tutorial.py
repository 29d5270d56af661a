"""The plugin of docs/plugin-tutorial.md is what the page says, as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_distributions import Site

from planwise.cli.parser import build_parser
from planwise.errors import GraphError
from planwise.plugins import LoadedPlugin
from planwise.relay import Relay
from planwise.values import ModelNode, PlanRequest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugin-tutorial.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for kind, block in found if kind == language]


@pytest.fixture
def plugin(site: Site) -> LoadedPlugin:
    """The module of the page, installed as its distribution would install it."""
    module = site.add("chain-first", target="ChainFirst")
    (site.folder / f"{module}.py").write_text(blocks("python")[0], encoding="utf-8")
    (loaded,) = site.loaded()
    return loaded


def graph(needs: list[set[int]]) -> dict[str, ModelNode]:
    """A node for each entry, which depends on some of those before it."""
    return {
        f"n{number}": ModelNode(f"n{number}", f"n{number}", tuple(f"n{each}" for each in before))
        for number, before in enumerate(needs)
    }


GRAPHS = (
    st.integers(1, 12)
    .flatmap(
        lambda count: st.tuples(*(st.sets(st.integers(0, max(0, n - 1))) for n in range(count)))
    )
    .map(lambda needs: graph([set() if n == 0 else each for n, each in enumerate(needs)]))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=GRAPHS, pool=st.integers(1, 5), seconds=st.floats(0, 10))
def test_its_plans_hold(
    plugin: LoadedPlugin, nodes: dict[str, ModelNode], pool: int, seconds: float
) -> None:
    """The relay checks that each node is there once, after what it needs, within the pool."""
    Relay([plugin]).plan_batches(PlanRequest(nodes, pool, {"n0": seconds}))


def test_it_refuses_what_it_cannot_plan(plugin: LoadedPlugin) -> None:
    circle = {"a": ModelNode("a", "a", ("b",)), "b": ModelNode("b", "b", ("a",))}
    for nodes, pool, words in ((circle, 4, "cycle: "), ({}, 0, "expected 1 or more")):
        with pytest.raises(GraphError, match=words):
            Relay([plugin]).plan_batches(PlanRequest(nodes, pool))


def test_the_test_of_the_page_passes(plugin: LoadedPlugin) -> None:
    """With the two helpers that the generated ``tests/test_behaviour.py`` has."""
    names = {
        "PlanRequest": PlanRequest,
        "ChainFirst": type(plugin.instance),
        "graph": lambda **needs: {k: ModelNode(k, k, tuple(v)) for k, v in needs.items()},
        "batches": lambda own, request: [b.nodes for b in own.plan_batches(request).batches],
    }
    exec(compile(blocks("python")[1], str(PAGE), "exec"), names)  # noqa: S102  # the page is ours
    names["test_the_longest_chain_begins_first"]()


def test_its_commands_are_understood() -> None:
    """Every line with ``planwise simulate`` or ``bench``: flags change, and pages stay behind."""
    parser = build_parser(["batching", "chain-first"])
    commands = [
        shlex.split(line)[1:]
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith(("planwise simulate", "planwise bench", "planwise census"))
    ]
    assert len(commands) >= 5
    for words in commands:
        assert parser.parse_args(words).command == words[0]
