"""Telemetry in tests: a plugin that has been told a run, and a collector that is a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from planwise.api import Metric, ReportSection, RunSummary
from planwise_plugins.telemetry import Telemetry

NOWHERE: Mapping[str, Any] = {"prometheus_file": None, "otel_file": None, "otlp_endpoint": None}


def told(
    metrics: Iterable[Metric], *, succeeded: bool = True, wall_s: float = 10.0, **options: Any
) -> ReportSection:
    """The section of a plugin with these options that was told these metrics."""
    plugin = Telemetry()
    plugin.configure({**NOWHERE, **{key: str(value) for key, value in options.items()}})
    for metric in metrics:
        plugin.record_metric(metric)
    return plugin.report_section(RunSummary([2025], wall_s, succeeded))


class Collector:
    """What an OTLP/HTTP collector received.

    Attributes:
        endpoint: its address.
        paths: the path of each request.
        spans: every span, decoded with the classes of the protocol.
        resources: of each request.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.paths: list[str] = []
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []

    def take(self, path: str, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        request = ExportTraceServiceRequest.FromString(body)
        self.paths.append(path)
        for group in request.resource_spans:
            self.resources.append({a.key: a.value.string_value for a in group.resource.attributes})
            for scope in group.scope_spans:
                self.spans += scope.spans


@contextmanager
def collecting(status: int = 200, held: threading.Event | None = None) -> Iterator[Collector]:
    """A collector on this machine.

    Args:
        status: its answer.
        held: it does not answer before this is set.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if held is not None:
                held.wait()
            collector.take(self.path, body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        if held is not None:
            held.set()
        server.shutdown()
        server.server_close()
        thread.join()


def samples(file: Path) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of a file of Prometheus, by name and labels; each may be there once."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(file.read_bytes().decode("utf-8")):
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found
