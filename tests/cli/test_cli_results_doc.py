"""docs/results.md names every key of the JSON results, and none that is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from cli_runs import planwise

from planwise.containment import PluginFailure
from planwise.results import Retuning
from planwise_plugins.monitoring.advice import Recommendation

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"
# Mappings whose keys are names and not part of the schema.
NAMED = (
    *("plugins", "census.set_aside", "census.warnings", "census.repaired", "census.assumed"),
    *("census.examples", "census.columns_used"),
)
BASELINE = """
performance:
  baseline_metrics: {foundation_setup: 60000, year_processing: 60000, total_simulation: 600000}
"""
CENSUS = """employee_id;birth_date;hire_date;annual_compensation;colour
A;1980-01-01;2015-05-05;"$50,000";red
B;1981-01-01;2016-05-05;900;red
C;1982-01-01;;60000;red
D;1983-01-01;2017-05-05;70000;blue
E;1984-01-01;2017-05-06;80000;blue
"""


def paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key path and its value; ``[]`` for elements, ``*`` for names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "*" if path in NAMED else key
            below = f"{path}.{name}" if path else name
            yield below, inner
            yield from paths(inner, below)
    elif isinstance(value, list):
        for inner in value:
            yield f"{path}[]", inner
            yield from paths(inner, f"{path}[]")


def documented() -> dict[str, str]:
    """Type by key, from the tables."""
    rows = re.findall(
        r"^\| `([^`]+)` \| ([^|]+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len({key for key, _ in rows}) == len(rows)
    return dict(rows)


def implied(keys: set[str]) -> set[str]:
    """The keys with every mapping and list that they are in."""
    found = set()
    for key in keys:
        parts = re.sub(r"\[\]", ".[]", key).split(".")
        for end in range(1, len(parts) + 1):
            found.add(".".join(parts[:end]).replace(".[]", "[]"))
    return found


TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "truth value": (bool,),
    "mapping": (dict,),
    "null": (type(None),),
    "text, number or truth value": (str, int, float, bool),
}


@pytest.fixture(scope="module")
def found(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of three runs that together have everything: by flag, by fault, by default."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "c.yaml").write_text(BASELINE)
    (folder / "odd.csv").write_text(CENSUS)
    done = planwise(
        *("simulate", "--config", "c.yaml", "--census", "odd.csv", "--years", "2025"),
        *("--output", "r.json", "--threads", "1"),
        cwd=folder,
    )
    assert (done.returncode, done.stderr) == (0, "")
    files = [finished / "output" / "results.json", folder / "r.json"]
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    # Nothing spills in runs of this size, so no setting is changed: what one would look like.
    change = Retuning(2025, "memory_limit", None, "1GiB", "spilled", (2.0, 1.5), (1 << 20, 0))
    results[0]["retunings"] = json.loads(json.dumps([attrs.asdict(change)]))
    advice = Recommendation("spill", "model.p.m", 2025, 0.4, 1.5, 1 << 30, "m took 40 % of 2025")
    results[0]["sections"]["monitoring"]["recommendations"] = [attrs.asdict(advice)]
    # Nor does a plugin fail; tests/reliability/test_reliability_containment.py lets some.
    failure = PluginFailure("mine", "mine-dist 1.2", "record_metric", "raised", "dispensable")
    results[0]["plugin_failures"] = [attrs.asdict(failure)]
    # Nor is a profile asked for; tests/kernel/test_kernel_profiles.py makes one.
    results[0]["profiles"] = [{"unique_id": "model.p.m", "year": 2025, "wall_s": 1.5, "file": "f"}]
    return results


def test_every_key_is_documented_and_every_documented_key_is_there(
    found: list[dict[str, Any]],
) -> None:
    actual = {path for results in found for path, _ in paths(results)}
    known = documented()
    # Nothing is parsed anew in the simulation that comes with planwise, and none of these runs was
    # interrupted: no element to see.
    unseen = {"parsed_anew_because[]", "resumed_years[]"}
    assert actual - implied(set(known)) == set()
    assert set(known) - actual - unseen == set()


def test_every_value_is_of_the_documented_type(found: list[dict[str, Any]]) -> None:
    known = documented()
    for results in found:
        for path, value in paths(results):
            if path not in known:
                continue
            kind = known[path].removesuffix(", optional")
            if value is None and kind != known[path]:
                continue
            assert isinstance(value, TYPES[kind]), (path, value, kind)
            if kind in ("integer", "number"):
                assert not isinstance(value, bool), (path, value)


def test_top_level_keys_are_in_every_run(found: list[dict[str, Any]]) -> None:
    top = {re.split(r"[.\[]", key)[0] for key in documented()}
    for results in found:
        assert set(results) == top
        assert results["schema_version"] == 1
