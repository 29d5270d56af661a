"""Starting planwise loads no heavy library: a user's first key press is answered at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = frozenset(
    {"dbt", "dbt_common", "duckdb", "jinja2", "lz4", "networkx", "numpy", "openpyxl", "pandas"}
    | {"planwise_plugins", "psutil", "pyarrow", "pydantic", "pydantic_core", "rich", "yaml"}
    | {"zstandard"}
)
REPORT = "import json, sys; sys.stderr.write(chr(10) + json.dumps(sorted(m for m in sys.modules)))"


def loaded(program: str) -> set[str]:
    """Top-level packages that a fresh Python has loaded at the end of a program."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{REPORT}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize(
    "program",
    [
        "import planwise",
        "import planwise.api",
        "import planwise.hookspecs, planwise.values, planwise.errors",
        "import planwise.pipeline, planwise.relay, planwise.plugins",
        "import planwise.cli.main",
        # Every pytest of whoever installed planwise loads it.
        "import planwise.testing.pytest_plugin, sys; assert 'hypothesis' not in sys.modules",
        "from planwise.cli.main import main; assert main([]) == 2",
        "from planwise.cli.main import main; assert main(['--no-such-flag']) == 2",
        "from planwise.cli.main import main; assert main(['simulate', '--no-compresion']) == 2",
        # The process that measures counts for the peak memory of those that it starts.
        "from planwise.cli.main import main; assert main(['bench', 'arms', '--rounds', '0']) == 2",
        "from planwise.cli.main import main; assert main(['bench', 'ab', '--a', '--no-x']) == 2",
        "import planwise.bench.ab, planwise.bench.combinations, planwise.bench.regressions",
    ],
)
def test_a_light_start(program: str) -> None:
    found = loaded(program)
    assert "planwise" in found
    assert not found & HEAVY


# The help of `simulate` shows the options of the plugins, and so imports those, and nothing heavy.
SHOWN_BY_SIMULATE = frozenset({"planwise_plugins"})


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], frozenset()),
        (["--version"], frozenset()),
        (["census", "--help"], frozenset()),
        (["validate", "--help"], frozenset()),
        (["bench", "arms", "--help"], frozenset()),
        (["bench", "ab", "--help"], frozenset()),
        (["plugins", "new", "--help"], frozenset()),
        (["simulate", "--help"], SHOWN_BY_SIMULATE),
    ],
)
def test_help_is_light(words: list[str], allowed: frozenset[str]) -> None:
    """As ``python -m planwise.cli.main``, whose imports Python itself reports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "planwise.cli.main", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "planwise" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "planwise.plugins" in imported
    assert not {name.partition(".")[0] for name in imported} & (HEAVY - allowed)


def test_a_run_begins_without_what_reads_a_census_and_what_checks_results() -> None:
    """A project may read none, and results are written only where that is asked for."""
    unwanted = {"planwise.census", "planwise.reporting.results_types", "typing_extensions"}
    program = f"import sys, planwise.cli.simulate; assert not {unwanted} & sys.modules.keys()"
    assert "planwise" in loaded(program)
