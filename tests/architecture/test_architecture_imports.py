"""Imports point one way. Imports inside functions count: they are only later, not fewer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import grimp
import pytest

HEAVY = ("dbt", "dbt_common", "duckdb", "pyarrow", "lz4", "zstandard", "openpyxl")
LAYERS = (
    {"planwise.cli", "planwise.testing"},
    {"planwise.engine", "planwise.bench", "planwise.doctor"},
    {"planwise.simulation"},
    {"planwise.pipeline", "planwise.config", "planwise.checkpoints"},
    {"planwise.ports"},
    {"planwise.relay", "planwise.scaffold"},
    {"planwise.plugins", "planwise.results", "planwise.answers"},
    {"planwise.hookspecs", "planwise.api"},
    {"planwise.values", "planwise.arrow_stream"},
    {"planwise.errors"},
)
"""The highest first. What a layer holds may import what is below it, never what is above."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    found = grimp.build_graph(
        "planwise",
        "planwise_plugins",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )
    # `import planwise` gives its engine's names on first use only (`__getattr__`), so that
    # reading the version, which several modules do, is no import of everything.
    found.remove_import(importer="planwise", imported="planwise.engine")
    return found


def modules(graph: grimp.ImportGraph, package: str) -> set[str]:
    return {each for each in graph.modules if each == package or each.startswith(f"{package}.")}


def reached(graph: grimp.ImportGraph, package: str) -> set[str]:
    """Everything that a package imports, over any number of steps."""
    own = modules(graph, package)
    assert own, f"{package} is gone: the contract would hold for nothing"
    return {each for module in own for each in graph.find_upstream_modules(module)} - own


def layer_pairs() -> Iterator[tuple[str, str]]:
    for number, lower in enumerate(LAYERS):
        for higher in LAYERS[:number]:
            yield from ((low, high) for low in sorted(lower) for high in sorted(higher))


@pytest.mark.parametrize(("low", "high"), list(layer_pairs()))
def test_no_layer_reaches_one_above(graph: grimp.ImportGraph, low: str, high: str) -> None:
    assert modules(graph, high)
    assert not reached(graph, low) & modules(graph, high)


@pytest.mark.parametrize(
    "package",
    ["planwise.pipeline", "planwise.relay", "planwise.plugins", "planwise.ports", "planwise.api"],
)
def test_the_kernel_reaches_no_library_that_it_is_handed(
    graph: grimp.ImportGraph, package: str
) -> None:
    forbidden = {*HEAVY, "rich", "yaml", "pydantic", "jinja2", "psutil"}
    # Of the API two functions are for codecs, whose plugins have loaded pyarrow.
    allowed = {"pyarrow"} if package == "planwise.api" else set()
    assert reached(graph, package) & forbidden == allowed


def test_the_api_reaches_pyarrow_in_two_functions_alone(graph: grimp.ImportGraph) -> None:
    by = graph.find_modules_that_directly_import("pyarrow") & reached(graph, "planwise.api")
    assert by == {"planwise.arrow_stream"}
    imported = graph.find_modules_directly_imported_by("planwise.arrow_stream")
    assert {each for each in imported if each not in sys.stdlib_module_names} == {
        "planwise.errors",
        "pyarrow",
    }


def test_the_kernel_reaches_no_adapter_and_no_plugin(graph: grimp.ImportGraph) -> None:
    adapters = ("project", "warehouse", "checkpoints", "census", "scenarios", "config", "reporting")
    forbidden = set().union(*(modules(graph, f"planwise.{name}") for name in adapters))
    forbidden |= modules(graph, "planwise_plugins")
    assert not reached(graph, "planwise.pipeline") & forbidden


@pytest.mark.parametrize(
    "package", ["planwise.project", "planwise.warehouse", "planwise.census", "planwise.scenarios"]
)
def test_adapters_do_not_know_the_hooks(graph: grimp.ImportGraph, package: str) -> None:
    hooks = {"planwise.hookspecs", "planwise.relay", "planwise.plugins", "planwise.api", "pluggy"}
    assert not reached(graph, package) & (hooks | modules(graph, "planwise_plugins"))


def test_libraries_for_tests_stay_with_the_kit(graph: grimp.ImportGraph) -> None:
    """They are in the extra `testing` alone."""
    kit = modules(graph, "planwise.testing")
    for library in ("hypothesis", "pytest"):
        importers = graph.find_modules_that_directly_import(library)
        assert importers
        assert importers <= kit


def test_dbt_and_duckdb_stay_with_their_adapters(graph: grimp.ImportGraph) -> None:
    dbt = graph.find_modules_that_directly_import("dbt")
    own = {
        *("project.dbt_connection", "project.dbt_worker", "project.occasions"),
        *("project.rendering", "project.tracing"),
    }
    # The arm in-process is dbt as a user would call it, in a process of its own.
    assert dbt == {f"planwise.{name}" for name in own | {"bench.in_process"}}
    duckdb = graph.find_modules_that_directly_import("duckdb")
    kernel = {"pipeline", "relay", "plugins", "ports", "hookspecs", "values", "errors", "api"}
    assert not duckdb & {f"planwise.{name}" for name in kernel}


def test_the_floor_is_bare(graph: grimp.ImportGraph) -> None:
    imported = graph.find_modules_directly_imported_by("planwise.bench.floor")
    assert {each for each in imported if each not in sys.stdlib_module_names} == {
        "duckdb",
        "pyarrow",
    }
    assert graph.find_modules_that_directly_import("planwise.bench.floor") == set()


def test_plugins_see_the_api_alone(graph: grimp.ImportGraph) -> None:
    seen = {
        imported
        for module in modules(graph, "planwise_plugins")
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.partition(".")[0] == "planwise"
    }
    assert seen == {"planwise.api"}


def test_nothing_imports_a_plugin(graph: grimp.ImportGraph) -> None:
    plugins = modules(graph, "planwise_plugins")
    for module in plugins:
        assert graph.find_modules_that_directly_import(module) <= plugins


@pytest.mark.parametrize("package", ["planwise.cli", "planwise.testing"])
def test_nobody_imports_the_command_line_or_the_kit_for_tests(
    graph: grimp.ImportGraph, package: str
) -> None:
    own = modules(graph, package)
    for module in own:
        assert graph.find_modules_that_directly_import(module) <= own


def test_there_is_no_circle_of_modules(graph: grimp.ImportGraph) -> None:
    """Modules of one package may know each other; the parts of planwise may not."""
    parts: dict[str, set[str]] = {}
    for module in modules(graph, "planwise") - {"planwise"}:
        part = module.split(".")[1]
        above = {
            each.split(".")[1]
            for each in graph.find_modules_directly_imported_by(module)
            if each.startswith("planwise.")
        }
        parts.setdefault(part, set()).update(above - {part})
    while parts:
        free = [part for part, needs in parts.items() if not needs & parts.keys()]
        assert free, f"a circle among {sorted(parts)}"
        for part in free:
            del parts[part]
