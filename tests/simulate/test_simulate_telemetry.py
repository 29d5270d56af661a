"""Telemetry of real runs: what it writes is what was measured, and no table is another one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from simulate_runs import (
    CACHE,
    PROJECT,
    SimulationOutcome,
    clean_environment,
    digests,
    query,
    simulation,
)
from telemetry_runs import collecting, samples

from planwise.errors import PlanwiseError
from planwise.warehouse.digests import TableDigest

LIBRARIES = ("prometheus_client", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
ON = {"telemetry": True}


@pytest.fixture(scope="module")
def collected(
    census: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SimulationOutcome, Any, Path]:
    """A run with everything on, what a collector received of it, and its file for Prometheus."""
    for library in LIBRARIES:
        pytest.importorskip(library, reason="needs pip install 'planwise[telemetry]'")

    folder = tmp_path_factory.mktemp("telemetry")
    file = folder / "planwise.prom"
    with collecting() as collector:
        flags = {"prometheus_file": str(file), "otlp_endpoint": collector.endpoint}
        outcome = simulation(
            census,
            folder / "simulation.duckdb",
            toggles=ON,
            cache=CACHE,
            plugin_flags={"telemetry": flags},
        ).run()
    return outcome, collector, file


def kept_metrics(outcome: SimulationOutcome) -> list[tuple[Any, ...]]:
    """What the plugin monitoring keeps of the same run."""
    return query(
        outcome.files.database,
        "select kind, name, simulation_year, wall_s, rows, bytes_written "
        "from planwise.planwise_metrics order by number",
    )


def test_the_tables_are_those_of_a_run_without_it(
    collected: tuple[SimulationOutcome, Any, Path], reference_digests: dict[str, TableDigest]
) -> None:
    assert digests(collected[0].files.database) == reference_digests


def test_prometheus_gets_the_values_of_the_table_of_metrics(
    collected: tuple[SimulationOutcome, Any, Path],
) -> None:
    outcome, _, file = collected
    found = samples(file)
    told = 0
    for kind, name, year, wall_s, rows, written in kept_metrics(outcome):
        phase = "foundation" if year is None else f"year {year}"
        labels = {} if kind == "run" else {"phase": phase}
        labels |= {kind: name} if kind in ("batch", "model") else {}
        key = frozenset(labels.items())
        assert found[f"planwise_{kind}_duration_seconds", key] == wall_s
        assert found.get((f"planwise_{kind}_rows", key)) == rows
        assert found[f"planwise_{kind}_written_bytes", key] == written
        told += 1
    assert told == sum(name.endswith("_duration_seconds") for name, _ in found) > 90
    assert found["planwise_run_succeeded", frozenset()] == 1.0


def test_a_collector_gets_every_metric_as_a_span_within_its_parent(
    collected: tuple[SimulationOutcome, Any, Path],
) -> None:
    outcome, collector, _ = collected
    spans = {each.span_id: each for each in collector.spans}
    found = []
    for span in spans.values():
        of = {each.key: each.value for each in span.attributes}
        kind = of["planwise.kind"].string_value
        year = of["planwise.year"].int_value if "planwise.year" in of else None
        assert "planwise.start_is_derived" not in of
        wall_ns = span.end_time_unix_nano - span.start_time_unix_nano
        found.append((kind, of["planwise.name"].string_value, year, round(wall_ns / 1e3)))
        if kind == "run":
            assert not span.parent_span_id
            continue
        parent = spans[span.parent_span_id]
        assert parent.start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= parent.end_time_unix_nano + 1_000
        above = {each.key: each.value for each in parent.attributes}["planwise.kind"].string_value
        expected = {"phase": "run", "batch": "phase", "model": "batch", "checkpoint": "run"}
        assert above == expected[kind]
    kept = [(kind, name, year, wall_s) for kind, name, year, wall_s, *_ in kept_metrics(outcome)]
    assert len(found) == len(kept)
    found.sort(key=str)
    for span_told, metric in zip(found, sorted(kept, key=str), strict=True):
        assert span_told[:3] == metric[:3]
        assert span_told[3] == pytest.approx(metric[3] * 1e6, abs=2)


def test_models_begin_when_the_results_say(
    collected: tuple[SimulationOutcome, Any, Path],
) -> None:
    outcome, collector, _ = collected
    (run,) = (each for each in collector.spans if each.name == "run")
    began = {
        (each.name, {a.key: a.value.int_value for a in each.attributes}.get("planwise.year")): (
            each.start_time_unix_nano - run.start_time_unix_nano
        )
        / 1e9
        for each in collector.spans
    }
    models = [each for each in outcome.result.models if each.start_s is not None]
    assert len(models) > 50
    for each in models:
        assert began[each.unique_id, each.year] == pytest.approx(each.start_s, abs=1e-5)


def test_a_run_that_fails_leaves_what_it_did_until_then(census: Path, tmp_path: Path) -> None:
    for library in LIBRARIES:
        pytest.importorskip(library, reason="needs pip install 'planwise[telemetry]'")
    project = tmp_path / "dbt"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "models" / "year" / "fails.sql").write_text(
        "select error('no such luck') as nothing from {{ ref('int_hires') }}\n"
    )
    places = {key: str(tmp_path / key) for key in ("prometheus_file", "otel_file")}
    run = simulation(
        census,
        tmp_path / "simulation.duckdb",
        years=(2025,),
        toggles=ON,
        dbt_project=project,
        plugin_flags={"telemetry": places},
    )
    with pytest.raises(PlanwiseError, match="no such luck"):
        run.run()
    found = samples(Path(places["prometheus_file"]))
    assert found["planwise_run_succeeded", frozenset()] == 0.0
    assert found["planwise_phase_duration_seconds", frozenset({("phase", "foundation")})] > 0.0
    spans = [json.loads(line) for line in Path(places["otel_file"]).read_text().splitlines()]
    failed = {each["name"] for each in spans if each["status"]["status_code"] == "ERROR"}
    assert {"run"} <= failed <= {"run", "year 2025"}


SCRIPT = """
import sys
from planwise.cli.main import main
code = main(sys.argv[1:])
names = ("planwise_plugins.telemetry", "prometheus_client", "opentelemetry.sdk")
print("LOADED", code, *sorted(name for name in names if name in sys.modules))
"""


@pytest.mark.parametrize("on", [False, True])
def test_it_is_imported_only_where_it_was_asked_for(census: Path, tmp_path: Path, on: bool) -> None:
    words = ["simulate", "--census", str(census), "--years", "2025", "--cache-dir", str(CACHE)]
    if on:
        for library in LIBRARIES:
            pytest.importorskip(library, reason="needs pip install 'planwise[telemetry]'")
        words += ["--telemetry", "--telemetry-prometheus-file", "planwise.prom"]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words, "--dbt-project", str(PROJECT)],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[:2] == ["LOADED", "0"], done.stderr
    # For Prometheus nothing of OpenTelemetry, which could reach a network, is imported either.
    assert loaded[2:] == (["planwise_plugins.telemetry", "prometheus_client"] if on else [])
    assert (tmp_path / "planwise.prom").exists() == on
