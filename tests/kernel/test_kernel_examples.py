"""The example of every hook is a plugin that works: alone, asked by the relay, and in a run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from kernel_distributions import Site

from planwise.config import load_config
from planwise.errors import CheckpointError
from planwise.hook_docs import hook_doc
from planwise.hookspecs import KINDS
from planwise.machine import this_machine
from planwise.plugins import implemented_hooks
from planwise.relay import Relay
from planwise.rendered import CompiledNode
from planwise.settings import plugin_option_values
from planwise.values import (
    BatchRequest,
    Metric,
    ModelNode,
    ModelResult,
    PlanRequest,
    RunSummary,
    StateTable,
    TuneRequest,
)

NODES = {
    "a": ModelNode("a", "a"),
    "b": ModelNode("b", "b", ("a",)),
    "c": ModelNode("c", "c", ("a",)),
    "d": ModelNode("d", "d", ("b", "c")),
}


def plugin_name(hook: str) -> str:
    return f"example-{hook.replace('_', '-')}"


def install(site: Site, hook: str) -> None:
    """Install a hook's example as it stands, as a distribution of its own."""
    example = hook_doc(hook).example
    (name,) = re.findall(r"^class (\w+):", example, re.MULTILINE)
    module = site.add(plugin_name(hook), target=name)
    (site.folder / f"{module}.py").write_text(example, encoding="utf-8")


def options_are_declared(relay: Relay, _: Path) -> None:
    (options,) = relay.add_options().values()
    assert [each.name for each in options] == ["level"]


def options_are_taken(relay: Relay, _: Path) -> None:
    name = plugin_name("configure")
    environ = {"PLANWISE_EXAMPLE_CONFIGURE_SECONDS": "2.5"}
    values = plugin_option_values(
        relay.add_options(), flags={}, environ=environ, config=load_config(None)
    )
    relay.configure(values)
    assert values == {name: {"seconds": 2.5}}
    assert relay.plugins[0].instance.seconds == 2.5


def duckdb_takes_the_settings(relay: Relay, folder: Path) -> None:
    settings = relay.db_tune(TuneRequest(this_machine(folder), 4))
    assert {each.setting.name for each in settings} == {"memory_limit", "threads"}
    with closing(duckdb.connect()) as connection:
        for each in settings:
            connection.execute(f"set global {each.setting.name} = ?", [each.setting.value])


def the_plan_holds(relay: Relay, _: Path) -> None:
    for pool in (1, 2, 64):
        plan = relay.plan_batches(PlanRequest(NODES, pool))
        assert len(plan.batches) == (4 if pool == 1 else 3)


def the_batch_is_run(relay: Relay, folder: Path) -> None:
    """Of two tables the example runs the one that means what it says."""
    by_dbt: list[str] = []

    def run_by_dbt(nodes: Any) -> Any:
        from planwise.values import BatchResult

        by_dbt.extend(nodes)
        return BatchResult([ModelResult(node, 0.1) for node in nodes])

    def compiled(unique_id: str) -> CompiledNode:
        place, sql = ("memory", "main", unique_id), ("select 42 as answer",)
        obstacles = ("it has hooks",) if unique_id == "c" else ()
        return CompiledNode(
            unique_id, "table", "a.sql", place, f'"{unique_id}"', sql, obstacles=obstacles
        )

    with closing(duckdb.connect()) as connection:
        request = BatchRequest(
            nodes=(NODES["b"], NODES["c"]),
            phase="year",
            year=2025,
            full_refresh=True,
            variables={},
            pool_size=4,
            project=folder,
            connect=lambda: closing(connection.cursor()),
            transaction=lambda function: function(connection),
            compiled=compiled,
            run_by_dbt=run_by_dbt,
        )
        result = relay.execute_batch(request)
        assert result is not None
        assert {each.unique_id: each.executed_by for each in result.results} == {
            "b": "tables",
            "c": "dbt",
        }
        assert by_dbt == ["c"]
        assert connection.sql('from "b"').fetchall() == [(42,)]


def the_state_comes_back(relay: Relay, _: Path) -> None:
    table = pa.table({"a": [1, None, 3], "b": ["x", "", None]})
    answer = relay.compress_state(StateTable("main.t", 2025, table))
    assert answer is not None
    blob, plugin = answer
    assert plugin == plugin_name("compress_state")
    assert relay.restore_state(blob, 10_000_000, written_by=plugin).equals(table)
    with pytest.raises(CheckpointError, match="larger than it may be"):
        relay.restore_state(blob, 10, written_by=plugin)


def the_metric_is_noted(relay: Relay, _: Path) -> None:
    for seconds in (0.5, 2.0, 1.0):
        relay.record_metric(Metric("model", f"m{seconds}", 2025, seconds))
    relay.record_metric(Metric("phase", "year 2025", 2025, 9.0))
    assert relay.plugins[0].instance.slowest.name == "m2.0"


def the_section_is_there(relay: Relay, _: Path) -> None:
    assert relay.report_sections(RunSummary((), 1.0, succeeded=False)) == ()
    (section,) = relay.report_sections(RunSummary((2025, 2026), 3.0, succeeded=True))
    assert section.data == {"year_s": 1.5}


ASKED: dict[str, Callable[[Relay, Path], None]] = {
    "add_options": options_are_declared,
    "configure": options_are_taken,
    "db_tune": duckdb_takes_the_settings,
    "plan_batches": the_plan_holds,
    "execute_batch": the_batch_is_run,
    "compress_state": the_state_comes_back,
    "restore_state": the_state_comes_back,
    "record_metric": the_metric_is_noted,
    "report_section": the_section_is_there,
}
TOGETHER = {"compress_state", "restore_state"}


@pytest.mark.parametrize("hook", KINDS)
def test_the_example_of_a_hook_works(site: Site, tmp_path: Path, hook: str) -> None:
    """A new hook has to say here how it is asked."""
    for each in TOGETHER if hook in TOGETHER else {hook}:
        install(site, each)
    plugins = site.loaded()
    (own,) = [plugin for plugin in plugins if plugin.name == plugin_name(hook)]
    assert hook in implemented_hooks(own.instance)
    ASKED[hook](Relay(plugins), tmp_path)


def test_a_run_with_every_example_has_the_tables_of_one_without(site: Site, tmp_path: Path) -> None:
    for hook in KINDS:
        install(site, hook)
    names = [plugin_name(hook) for hook in KINDS]
    path = os.pathsep.join([str(site.folder), os.environ.get("PYTHONPATH", "")])

    def planwise(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "planwise.cli.main", *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    planwise("census", "generate", "--employees", "60", "--output", "census.csv")
    built_in = ("tuning", "batching", "precompile", "compression", "monitoring")
    digests = []
    for off in (built_in, names):
        words = ["simulate", "--census", "census.csv", "--years", "2025", "--output", "r.json"]
        planwise(*words, "--database", "a.duckdb", *(f"--no-{name}" for name in off))
        digests.append(json.loads(planwise("digest", "a.duckdb")))
        if off is built_in:
            results = json.loads((tmp_path / "r.json").read_text())
            assert results["sections"]["pace"]["year_s"] > 0
            origins = {each["origin"] for each in results["settings"]}
            assert f"plugin {plugin_name('db_tune')}" in origins
            (manifest,) = tmp_path.glob("a.duckdb.planwise/checkpoints/2025/manifest.json")
            assert "arrow+zlib" in manifest.read_text()
    assert digests[0] == digests[1]
