"""Built-in plugins have no privilege: the same code under other names does all that they do."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAMES = {
    "batching": "my-batcher",
    "compression": "my-codec",
    "monitoring": "my-monitor",
    "precompile": "my-executor",
    "telemetry": "my-teller",
    "tuning": "my-tuner",
}
YEARS = ("--years", "2025-2026")


def install_renamed(site: Path) -> None:
    """The built-in plugins as another distribution, in a package of another name; and planwise's
    own metadata without its plugins, before that which it is installed with."""
    shutil.copytree(
        ROOT / "plugins" / "planwise_plugins",
        site / "other_plugins",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for file in (site / "other_plugins").rglob("*.py"):
        text = file.read_text("utf-8")
        file.write_text(text.replace("planwise_plugins", "other_plugins"), "utf-8")
    planwise = importlib.metadata.distribution("planwise")
    points = [point for point in planwise.entry_points if point.group == "planwise.plugins"]
    assert {point.name for point in points} == set(NAMES)
    lines = [
        f"{NAMES[point.name]} = {point.value.replace('planwise_plugins', 'other_plugins')}"
        for point in points
    ]
    write_metadata(site, "other-plugins", "1.0", ["[planwise.plugins]", *lines])
    scripts = [point for point in planwise.entry_points if point.group == "console_scripts"]
    kept = [f"{point.name} = {point.value}" for point in scripts]
    write_metadata(site, "planwise", planwise.version, ["[console_scripts]", *kept])


def write_metadata(site: Path, name: str, version: str, entry_points: list[str]) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("\n".join(entry_points) + "\n")


class Installation:
    """Planwise with its plugins under some names, in a folder of its own."""

    def __init__(self, folder: Path, names: Mapping[str, str], site: Path | None) -> None:
        self.folder = folder
        self.names = names
        path = [*([str(site)] if site else []), os.environ.get("PYTHONPATH", "")]
        self._environ = os.environ | {"PYTHONPATH": os.pathsep.join(path)}

    def planwise(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "planwise.cli.main", *words],
            cwd=self.folder,
            env=self._environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return self.told(done.stdout)

    def told(self, text: str) -> str:
        """A text with the built-in names in place of those of this installation."""
        for own, name in self.names.items():
            text = text.replace(name, own)
        return text

    def simulate(self) -> dict[str, Any]:
        codec, teller = self.names["compression"], self.names["telemetry"]
        self.planwise(
            *("simulate", "--census", "../census.csv", *YEARS, "--database", "a.duckdb"),
            *("--output", "r.json", "--metrics", "m.jsonl", "--profile"),
            *(f"--{codec}-codec", "zstd"),
            *(f"--{teller}", f"--{teller}-prometheus-file", "a.prom"),
        )
        return dict(json.loads(self.told((self.folder / "r.json").read_text())))

    def lines(self, name: str) -> list[tuple[str, ...]]:
        """What the metrics are of, without the figures."""
        rows = [json.loads(line) for line in (self.folder / name).read_text().splitlines()]
        return sorted(
            (str(row["kind"]), str(row["name"]), str(row["simulation_year"])) for row in rows
        )


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Installation]:
    folder = tmp_path_factory.mktemp("renamed")
    for name in ("site", "built_in", "other"):
        (folder / name).mkdir()
    install_renamed(folder / "site")
    built_in = Installation(folder / "built_in", {name: name for name in NAMES}, None)
    built_in.planwise("census", "generate", "--employees", "60", "--output", "../census.csv")
    return built_in, Installation(folder / "other", NAMES, folder / "site")


def test_only_the_others_are_installed(both: tuple[Installation, Installation]) -> None:
    _, other = both
    rows = json.loads(other.planwise("plugins", "--json"))
    assert [row["distribution"] for row in rows] == ["other-plugins 1.0"] * len(NAMES)
    assert {row["name"]: row["enabled"] for row in rows} == {
        name: name != "telemetry" for name in NAMES
    }


def test_help_and_options_are_the_same(both: tuple[Installation, Installation]) -> None:
    for words in (["simulate", "--help"], ["plugins", "show", "compression", "--json"]):
        one, other = (
            each.planwise(*[each.names.get(word, word) for word in words]) for each in both
        )
        for name in ("compression", "telemetry", "tuning"):
            variable = NAMES[name].upper().replace("-", "_")
            other = other.replace(variable, name.upper())
        other = other.replace("other_plugins", "planwise_plugins")
        other = other.replace("other-plugins 1.0", distribution())
        # Names come in another order, and lines break elsewhere.
        assert sorted(re.findall(r"[^\s,]+", one)) == sorted(re.findall(r"[^\s,]+", other))


def distribution() -> str:
    found = importlib.metadata.distribution("planwise")
    return f"{found.name} {found.version}"


def test_a_run_is_the_same(both: tuple[Installation, Installation]) -> None:
    one, other = both
    seen = [each.simulate() for each in both]
    digests = [each.planwise("digest", "a.duckdb") for each in both]
    assert digests[0] == digests[1]

    # Which settings, chosen by whom; how much memory was free is another matter.
    settings = [
        {(each["name"], each["origin"]) for each in results["settings"]} for results in seen
    ]
    assert settings[0] == settings[1]
    assert ("memory_limit", "plugin tuning") in settings[0]

    assert seen[0]["plugins"] == seen[1]["plugins"]
    assert shape(seen[0]["sections"]) == shape(seen[1]["sections"])
    assert {"monitoring", "telemetry"} <= set(seen[0]["sections"])
    assert one.lines("m.jsonl") == other.lines("m.jsonl") != []
    # In the order in which models ended, which is nobody's promise.
    samples = [
        sorted(re.findall(r"^(\S+) ", (e.folder / "a.prom").read_text(), re.M)) for e in both
    ]
    assert samples[0] == samples[1] != []

    executed = [
        json.loads(each.planwise("explain", "--database", "a.duckdb", "--json")) for each in both
    ]
    by = [[(m["name"], m["executed_by"], m["runs"]) for m in each["models"]] for each in executed]
    assert sorted(by[0]) == sorted(by[1])
    assert {"precompile"} in [set(words) for _, words, _ in by[0]]
    profiles = [
        len(list(each.folder.glob("a.duckdb.planwise/query_profiles/*.txt"))) for each in both
    ]
    assert profiles[0] == profiles[1] > 0

    states, sizes = zip(*(stored(each) for each in both), strict=True)
    assert states[0] == states[1]
    assert any("zstd" in codec for *_, codec in states[0])
    # Rows come in any order, and another order packs a little better or worse.
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_the_plan_is_the_same(both: tuple[Installation, Installation]) -> None:
    """Batches above all: those of a dry run, for which nothing has been timed."""
    words = ("simulate", "--census", "../census.csv", *YEARS, "--dry-run")
    plans = [each.planwise(*words).partition("\nfoundation: ")[2] for each in both]
    assert plans[0] == plans[1] != ""


def test_a_state_that_one_wrote_is_read_by_the_other(
    both: tuple[Installation, Installation], tmp_path: Path
) -> None:
    one, other = both
    database = one.folder / "a.duckdb"
    if not database.exists():
        one.simulate()
    other.planwise(
        *("simulate", "--census", "../census.csv", "--years", "2026"),
        *("--from", f"{database}@2025", "--database", "branch.duckdb"),
    )
    assert other.planwise("digest", "branch.duckdb") == one.planwise("digest", "a.duckdb")


def shape(value: Any) -> Any:
    """The keys of nested data, and how its values are typed."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return "number" if isinstance(value, int | float) else type(value).__name__


def stored(installation: Installation) -> tuple[list[tuple[Any, ...]], int]:
    """Every stored table of every year, with its codec; and the bytes of all of them."""
    files = sorted(installation.folder.glob("a.duckdb.planwise/checkpoints/*/manifest.json"))
    found = [
        (file.parent.name, table["identifier"], part)
        for file in files
        for table in json.loads(installation.told(file.read_text()))["tables"]
        for part in table["parts"]
    ]
    wanted = ("name", "rows", "plugin", "codec")
    states = [(year, table, *map(part.get, wanted)) for year, table, part in found]
    return states, sum(part["stored_bytes"] for *_, part in found)
