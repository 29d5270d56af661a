"""Telemetry of made-up runs: names, times, parents, and whatever can be wrong."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telemetry_runs import NOWHERE, collecting, samples, told

from planwise.api import Metric, RunSummary
from planwise.errors import PlanwiseError
from planwise_plugins.telemetry import Telemetry
from planwise_plugins.telemetry.seen import Clock, Seen
from planwise_plugins.telemetry.tree import NOT_FINISHED, PlannedSpan, planned_spans

for library in ("prometheus_client", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"):
    pytest.importorskip(library, reason="needs pip install 'planwise[telemetry]'")

LEAVERS, HIRES = "model.p.leavers", "model.p.hires"


def year_metrics(year: int, at: float) -> list[Metric]:
    """A year of two batches from a moment on, as the kernel tells it."""
    return [
        Metric("model", LEAVERS, year, 1.0, started_s=at + 0.5),
        Metric("batch", "year batch 1", year, 1.25, started_s=at + 0.4),
        Metric("model", HIRES, year, 0.5, started_s=at + 2.0, rows=20, values={"spilled_bytes": 7}),
        Metric("batch", "year batch 2", year, 1.0, started_s=at + 1.75),
        Metric("phase", f"year {year}", year, 3.0, 2.5, rows=20, started_s=at),
    ]


def run_metrics(at: float = 1000.0) -> list[Metric]:
    """Two years; the first one's state is stored, and told of, during the second."""
    second = year_metrics(2026, at + 3.0)
    stored = Metric(
        "checkpoint",
        "year 2025",
        2025,
        0.5,
        values={"raw_bytes": 100.0, "stored_bytes": 25.0, "compress_s": 0.25, "restore_s": 0.125},
        started_s=at + 3.0,
    )
    run = Metric("run", "run", None, 6.5, 6.0, started_s=at - 0.25)
    return [*year_metrics(2025, at), *second[:2], stored, *second[2:], run]


def planned(
    metrics: list[Metric], *, succeeded: bool = True, now_s: float = 2000.0
) -> list[PlannedSpan]:
    seen = [Seen(each, now_s) for each in metrics]
    return planned_spans(seen, RunSummary([2025], 10.0, succeeded), now_s)


def parents(spans: list[PlannedSpan]) -> dict[tuple[str, Any], str | None]:
    """The name of each span's parent by its own name and year."""
    return {
        (each.name, each.attributes.get("planwise.year")): (
            None if each.parent is None else spans[each.parent].name
        )
        for each in spans
    }


def test_spans_are_a_tree_with_the_times_that_were_measured() -> None:
    spans = planned(run_metrics())
    expected: dict[tuple[str, Any], str | None] = {("run", None): None}
    for year in (2025, 2026):
        expected |= {
            (f"year {year}", year): "run",
            ("year batch 1", year): f"year {year}",
            ("year batch 2", year): f"year {year}",
            (LEAVERS, year): "year batch 1",
            (HIRES, year): "year batch 2",
        }
    expected["checkpoint year 2025", 2025] = "run"
    assert parents(spans) == expected
    for span in spans:
        if span.parent is not None:
            parent = spans[span.parent]
            assert parent.start_s <= span.start_s <= span.end_s <= parent.end_s
        assert not span.problem
    stored = spans[-1]
    assert (stored.start_s, stored.end_s) == (1003.0, 1003.5)
    assert stored.follows is not None
    assert spans[stored.follows].name == "year 2025"


def test_a_phase_that_broke_off_is_there_as_far_as_it_came() -> None:
    whole = run_metrics()
    broken = [each for each in whole if (each.kind, each.year) != ("phase", 2026)]
    spans = planned(broken, succeeded=False)
    assert parents(spans) == parents(planned(whole))
    problems = {each.name: each.problem for each in spans if each.problem}
    assert problems == {"run": NOT_FINISHED, "year 2026": NOT_FINISHED}
    (year,) = (each for each in spans if each.name == "year 2026")
    assert (year.start_s, year.end_s) == (1003.4, 1006.25)  # it ends with the run


def test_a_phase_that_began_again_has_the_batches_of_both_attempts() -> None:
    first = year_metrics(2025, 1000.0)[:2]
    spans = planned([*first, *year_metrics(2025, 1010.0)])
    batches = [each for each in spans if each.name == "year batch 1"]
    assert [each.start_s for each in batches] == [1000.4, 1010.4]
    models = [each for each in spans if each.name == LEAVERS]
    assert [spans[each.parent or 0] for each in models] == batches


def test_a_start_that_nobody_measured_is_put_within_the_batch_and_marked() -> None:
    spans = planned(
        [
            Metric("model", LEAVERS, 2025, 0.75),
            Metric("model", HIRES, 2025, 99.0),
            Metric("batch", "year batch 1", 2025, 1.0, started_s=1000.0),
        ],
        now_s=1000.9,
    )
    (batch,) = (each for each in spans if each.kind == "batch")
    for span, began in zip(spans[-2:], (1000.9 - 0.75, 1000.0), strict=True):
        assert span.attributes["planwise.start_is_derived"] is True
        assert (span.start_s, span.end_s) == (pytest.approx(began), pytest.approx(1000.9))
        assert batch.start_s <= span.start_s <= span.end_s <= batch.end_s
    assert "planwise.start_is_derived" not in batch.attributes


def test_a_run_that_nobody_told_of_has_a_span_of_its_own() -> None:
    (span,) = planned([], succeeded=False)
    assert (span.name, span.start_s, span.end_s) == ("run", 1990.0, 2000.0)


def test_prometheus_gets_base_units_and_each_sample_once(tmp_path: Path) -> None:
    began_again = year_metrics(2025, 990.0)[:2]
    file = tmp_path / "planwise.prom"
    before = time.time()
    section = told([*began_again, *run_metrics()], prometheus_file=file)
    found = samples(file)

    def of(name: str, **labels: str) -> float:
        return found[f"planwise_{name}", frozenset(labels.items())]

    assert of("run_succeeded") == 1.0
    assert of("run_finished_years") == 1.0
    assert before <= of("run_end_timestamp_seconds") <= time.time()
    assert of("run_duration_seconds") == 6.5
    assert of("phase_duration_seconds", phase="year 2026") == 3.0
    assert of("phase_rows", phase="year 2026") == 20.0
    assert of("batch_duration_seconds", phase="year 2025", batch="year batch 1") == 1.25
    assert of("model_duration_seconds", phase="year 2025", model=LEAVERS) == 1.0
    assert of("model_spilled_bytes", phase="year 2025", model=HIRES) == 7.0
    assert of("checkpoint_stored_bytes", phase="year 2025") == 25.0
    assert of("checkpoint_compress_seconds", phase="year 2025") == 0.25
    names = {name for name, _ in found}
    assert not {name for name in names if name.endswith(("_s", "_ms", "_mb", "_total"))}
    # What nobody measured is not said to be 0.
    assert "planwise_phase_resident_memory_bytes" not in names
    assert ("planwise_model_rows", frozenset({("phase", "year 2025"), ("model", LEAVERS)})) not in (
        found
    )
    assert section.data["prometheus"] == {"file": str(file), "samples": len(found)}
    assert list(tmp_path.iterdir()) == [file]


def test_a_run_that_failed_is_told_as_one(tmp_path: Path) -> None:
    file, lines = tmp_path / "planwise.prom", tmp_path / "spans.jsonl"
    told(run_metrics(), succeeded=False, prometheus_file=file, otel_file=lines)
    assert samples(file)["planwise_run_succeeded", frozenset()] == 0.0
    run = json.loads(lines.read_text().splitlines()[0])
    assert (run["name"], run["status"]["status_code"]) == ("run", "ERROR")


def test_a_later_run_replaces_what_an_earlier_one_wrote(tmp_path: Path) -> None:
    places = {"prometheus_file": tmp_path / "p.prom", "otel_file": tmp_path / "o.jsonl"}
    told(run_metrics(), **places)
    told(year_metrics(2030, 1000.0), **places)
    assert not any("2025" in str(labels) for _, labels in samples(places["prometheus_file"]))
    traces = {
        json.loads(line)["context"]["trace_id"] for line in places["otel_file"].open(newline="")
    }
    assert len(traces) == 1


hostile = st.text(st.characters(codec=None, exclude_categories=()), max_size=12) | st.sampled_from(
    ['a"b', "back\\slash", "two\nlines", "\r", "\x85\u2028", "", "{}", 'x="1",y', "\ud800", "\0"]
)
named = st.builds(
    Metric,
    kind=st.sampled_from(["model", "batch", "phase", "checkpoint", "run"]),
    name=hostile,
    year=st.none() | st.integers(1900, 2200),
    wall_s=st.floats(0, 1e6),
    rows=st.none() | st.integers(0, 2**62),
    values=st.dictionaries(hostile, st.floats(allow_nan=False, allow_infinity=False), max_size=2),
    started_s=st.none() | st.floats(0, 1e6),
)


@given(st.lists(named, max_size=8), st.booleans())
def test_no_name_spoils_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, metrics: list[Metric], succeeded: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file, lines = folder / "hostile.prom", folder / "hostile.jsonl"
    section = told(metrics, succeeded=succeeded, prometheus_file=file, otel_file=lines)
    json.dumps(dict(section.data), allow_nan=False)
    assert not section.data["warnings"]
    durations = {
        dict(labels)["model"]: value
        for (name, labels), value in samples(file).items()
        if name == "planwise_model_duration_seconds" and dict(labels)["phase"] == "foundation"
    }
    expected = {
        each.name.encode("utf-8", "replace").decode(): each.wall_s
        for each in metrics
        if each.kind == "model" and each.year is None
    }
    assert durations == expected
    spans = [json.loads(line) for line in lines.read_text("utf-8").split("\n")[:-1]]
    ids = {span["context"]["span_id"] for span in spans}
    assert len(ids) == len(spans) == section.data["opentelemetry"]["spans"]
    roots = [span for span in spans if span["parent_id"] is None]
    assert [span["attributes"]["planwise.kind"] for span in roots] == ["run"]
    assert all(span["parent_id"] in ids for span in spans if span not in roots)


def test_a_collector_gets_real_times_and_the_name_of_the_service() -> None:
    at = time.perf_counter() - 100.0
    began_ns = time.time_ns() - 100_000_000_000
    with collecting() as collector:
        section = told(run_metrics(at), otlp_endpoint=collector.endpoint)
    assert collector.paths == ["/v1/traces"]
    assert {each["service.name"] for each in collector.resources} == {"planwise"}
    (phase,) = (each for each in collector.spans if each.name == "year 2025")
    assert phase.end_time_unix_nano - phase.start_time_unix_nano == pytest.approx(3e9, abs=1e3)
    assert phase.start_time_unix_nano == pytest.approx(began_ns, abs=1e9)
    (stored,) = (each for each in collector.spans if each.name == "checkpoint year 2025")
    assert [link.span_id for link in stored.links] == [phase.span_id]
    assert {each.trace_id.hex() for each in collector.spans} == {
        section.data["opentelemetry"]["trace_id"]
    }
    assert not section.data["warnings"]


def test_more_spans_than_go_at_once_go_in_several_requests() -> None:
    many = [Metric("model", f"model.p.m{n}", 2025, 0.1, started_s=1.0) for n in range(4_100)]
    with collecting() as collector:
        told(many, otlp_endpoint=f"{collector.endpoint}/")
    assert len(collector.paths) == 3
    assert len({each.span_id for each in collector.spans}) == 4_102  # the year and the run too


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_endpoint_that_refuses_is_a_warning_with_the_reason(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with collecting(status=403) as collector:
        section = told(run_metrics(), otlp_endpoint=collector.endpoint)
    (warning,) = section.data["warnings"]
    assert warning.startswith(f"spans did not reach {collector.endpoint}/v1/traces: ")
    assert "403" in warning
    assert section.lines == (f"warning: {warning}",)
    assert capfd.readouterr() == ("", "")  # nothing of a library's own log reaches the terminal


def test_an_endpoint_that_nobody_listens_at_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    endpoint = f"http://127.0.0.1:{closed_port()}"
    section = told(run_metrics(), succeeded=False, otlp_endpoint=endpoint)
    (warning,) = section.data["warnings"]
    assert "refused" in warning
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("opentelemetry").propagate


def test_an_endpoint_that_does_not_answer_is_left_behind() -> None:
    held = threading.Event()
    with collecting(held=held) as collector:
        section = told(run_metrics(), succeeded=False, otlp_endpoint=collector.endpoint)
        assert not held.is_set()  # it was not waited for
    (warning,) = section.data["warnings"]
    assert "not within 1 s" in warning


def test_what_cannot_be_written_in_the_end_is_a_warning(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    plugin = Telemetry()
    places = {"prometheus_file": str(folder / "p.prom"), "otel_file": str(folder / "o.jsonl")}
    plugin.configure({**NOWHERE, **places})
    folder.rmdir()
    section = plugin.report_section(RunSummary([], 1.0, succeeded=True))
    assert [each.partition(": cannot be written: ")[0] for each in section.data["warnings"]] == (
        list(places.values())
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nowhere to write to"),
        ({"prometheus_file": "."}, "is a folder; name a file"),
        ({"prometheus_file": ""}, "the name is empty"),
        ({"prometheus_file": "no/p.prom"}, "does not exist; create it"),
        ({"otel_file": "census.csv"}, "not as telemetry wrote it"),
        ({"prometheus_file": "census.csv"}, "not as telemetry wrote it"),
        ({"otel_file": "pipe"}, "not as telemetry wrote it"),
        ({"otel_file": "a\0b"}, "name another file"),
        ({"otel_file": "x" * 300}, "name another file"),
        ({"prometheus_file": "same", "otel_file": "./same"}, "name two files"),
        ({"otlp_endpoint": "localhost:4318"}, "expected a URL such as http://localhost:4318"),
        ({"otlp_endpoint": "http://"}, "expected a URL"),
        ({"otlp_endpoint": "http://h:99999"}, "expected a URL"),
        ({"otlp_endpoint": "http://a b/"}, "expected a URL"),
        ({"otlp_endpoint": "grpc://h:4317"}, "expected a URL"),
        ({"otlp_endpoint": "https://me:secret@h"}, "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_what_could_not_be_used_is_refused_before_the_run(
    options: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "census.csv").write_text("employee_id\n1\n")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PlanwiseError, match=said) as caught:
        Telemetry().configure({**NOWHERE, **options})
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert (tmp_path / "census.csv").read_text() == "employee_id\n1\n"


def test_a_variable_of_opentelemetry_that_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many")
    with pytest.raises(PlanwiseError, match="OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") as caught:
        Telemetry().configure({**NOWHERE, "otel_file": str(tmp_path / "o.jsonl")})
    assert caught.value.exit_code == 2


def test_opentelemetry_may_be_disabled_by_its_own_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    section = told(run_metrics(), otel_file=tmp_path / "o.jsonl")
    assert section.data["warnings"] == ["OTEL_SDK_DISABLED is set: there are no spans"]
    assert not list(tmp_path.iterdir())


@given(st.floats(-1e5, 1e5))
def test_both_clocks_run_alike(later_s: float) -> None:
    clock = Clock(1_795_771_645_000_000_000, 5_000.0)
    moved = clock.calendar(5_000.0 + later_s) - clock.calendar_ns
    assert moved == pytest.approx(later_s * 1e9, abs=10)
