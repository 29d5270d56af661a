"""Runs to report of, and pages taken apart: strictly, as XML, which ours are too."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from planwise.machine import machine_facts

COMMAND = [sys.executable, "-m", "planwise.cli.main"]
CONFIG = """\
simulation: {start_year: 2025, end_year: 2026}
performance:
  baseline_metrics: {foundation_setup: 60000, year_processing: 2000, total_simulation: 600000}
"""
RICH = "plan:\n  match_formula: tiered\n  core_formula: integrated\n  core_rate: 0.03\n"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"'&lt;<b>\u2028\u202e] ]]>--> <!-- مرحبا بالعالم ${title}",
)
"""Names that try to be markup, to end what they are in, and to turn the text around them."""
NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
_SCRIPT = re.compile(r"(<script\b[^>]*>)(.*?)(</script>)", re.DOTALL)


def planwise(*words: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_", "BROWSER", "DISPLAY")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return subprocess.run(
        [*COMMAND, *words],
        cwd=cwd,
        env={**clean, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def stopped(line: str, number: signal.Signals, *words: str | Path, cwd: Path) -> tuple[int, str]:
    """Start a command, send it a signal once a line begins so; gives its code and what it says."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    with subprocess.Popen(
        [*COMMAND, *words],
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if not key.startswith(own)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Ctrl-C reaches it even where the tests themselves run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
    ) as process:
        assert process.stdout is not None
        said = ""
        for each in process.stdout:
            said += each
            if each.startswith(line):
                process.send_signal(number)
                break
        said += process.communicate(timeout=60)[0]
    return process.returncode, said


def parsed(page: str) -> ET.Element:
    """The page as a tree; scripts, which XML would read as markup, are left out."""
    without = _SCRIPT.sub(r"\1\3", page)
    return ET.fromstring(without.removeprefix("<!DOCTYPE html>"))  # noqa: S314  # our own page


def scripts(page: str) -> list[str]:
    """The text of each script that runs."""
    return [body for tag, body, _ in _SCRIPT.findall(page) if tag == "<script>"]


def embedded(page: str) -> Any:
    """The figures in the page."""
    (found,) = re.findall(
        r'<script type="application/json" id="report-data">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(found)


def text_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def tables(tree: ET.Element) -> dict[str, list[list[str]]]:
    """The rows of every table, by its caption."""
    found = {}
    for each in tree.iter("table"):
        caption = each.find("caption")
        assert caption is not None
        found[text_of(caption)] = [[text_of(cell) for cell in row] for row in each.iter("tr")]
    return found


def bench_result(people: int = 300, name: str = "tuning") -> dict[str, Any]:
    """A result as `bench combinations` writes it, of one plugin and two rounds of six."""
    times = {"all-on": [1.0, 1.2], "all-off": [2.0, 2.4]}
    half = {"ratio": 0.5, "low": 0.45, "high": 0.55, "rounds": 2}
    double = {"ratio": 2.0, "low": 1.8, "high": 2.2, "rounds": 2}
    verdict = {"verdict": "too few rounds to tell"}
    return {
        "schema_version": 1,
        "benchmark": "combinations",
        "mode": "all",
        "started": (NOW - datetime.timedelta(days=3)).isoformat(),
        "machine": {**machine_facts(), "load_average": 0.1},
        "seed": 1,
        "rounds": 6,
        "rounds_measured": 2,
        "years": [2025, 2026],
        "census": None,
        "employees": people,
        "scenarios": [],
        "pool_size": 4,
        "reference": "all-on",
        "tables": {"inputs.census": f"{people} ab"},
        "arms": {
            each: {"arm": each, "years": [2025, 2026], "reference": "all-on"} for each in times
        },
        "observations": [
            {"arm": arm, "round": number, "wall_s": wall_s}
            for arm, walls in times.items()
            for number, wall_s in enumerate(walls, 1)
        ],
        "comparisons": {"all-off": double | verdict},
        "contributions": {name: half | verdict, "all together": half | verdict},
    }
