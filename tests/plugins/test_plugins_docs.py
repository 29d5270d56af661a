from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from planwise.api import Metric, RunSummary
from planwise.hookspecs import KINDS
from planwise.plugins import implemented_hooks
from planwise_plugins.batching import Batching
from planwise_plugins.compression import Compression
from planwise_plugins.monitoring import Monitoring
from planwise_plugins.precompile import Precompile
from planwise_plugins.telemetry import Telemetry
from planwise_plugins.tuning import Tuning

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
PLUGINS = {
    "tuning": Tuning,
    "batching": Batching,
    "compression": Compression,
    "monitoring": Monitoring,
    "precompile": Precompile,
    "telemetry": Telemetry,
}


def code(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", section("Writing one"), re.DOTALL)
    return str(found)


def section(title: str) -> str:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found
    return found.group(1)


@pytest.mark.parametrize("name", PLUGINS)
def test_the_page_lists_the_hooks_that_a_plugin_has(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(implemented_hooks(PLUGINS[name]()))


@pytest.mark.parametrize("name", PLUGINS)
def test_the_page_lists_the_options_that_a_plugin_has(name: str) -> None:
    table = section(name).partition("| option | default | what |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    plugin: Any = PLUGINS[name]()
    options = plugin.add_options() if hasattr(plugin, "add_options") else []
    assert listed == [option.name for option in options]


def test_the_page_names_the_hooks_that_are_chosen() -> None:
    (named,) = re.findall(r"\*Choose\* hooks \((.*?)\)", PAGE.read_text("utf-8"))
    chosen = {hook for hook, kind in KINDS.items() if kind == "choose"}
    assert set(re.findall(r"`(\w+)`", named)) == chosen


def test_the_example_works_as_it_stands() -> None:
    names: dict[str, Any] = {}
    exec(compile(code("python"), str(PAGE), "exec"), names)  # noqa: S102  # the page is ours
    point = tomllib.loads(code("toml"))["project"]["entry-points"]["planwise.plugins"]
    plugin = names[point["patience"].partition(":")[2]]()
    assert set(implemented_hooks(plugin)) == {
        "add_options",
        "configure",
        "record_metric",
        "report_section",
    }
    plugin.configure({option.name: 0.5 for option in plugin.add_options()})
    summary = RunSummary([2025], 1.0, succeeded=True)
    assert plugin.report_section(summary) is None
    for seconds in (0.4, 0.6):
        plugin.record_metric(Metric("model", "model.p.slow", 2025, seconds))
    assert plugin.report_section(summary).lines == ("model.p.slow took 0.60 s in 2025",)


def test_loading_the_plugins_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import planwise_plugins.batching, planwise_plugins.compression\n"
        "import planwise_plugins.monitoring, planwise_plugins.tuning\n"
        "import planwise_plugins.telemetry\n"
        "heavy = {'duckdb', 'dbt', 'networkx', 'lz4', 'zstandard', 'psutil', 'pyarrow'}\n"
        "heavy |= {'prometheus_client', 'opentelemetry', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
