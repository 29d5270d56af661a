"""Plugin ``telemetry``: a run as Prometheus metrics and as OpenTelemetry spans.

It is off unless somebody asks for it, since it needs the libraries of the extra ``telemetry``.
They are imported when the options are known, and only those that the options need. It keeps what
the kernel measures anyway, writes once, at the end of the run, and reaches no network unless an
endpoint is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planwise.api import Metric, PluginOption, ReportSection, RunSummary, SettingValue, hookimpl
from planwise_plugins.telemetry.seen import Clock, Seen, Writer

__all__ = ["Telemetry"]


class Telemetry:
    """Notes every metric with the moment at which it came; tells others at the end of the run."""

    planwise_api = "0.1"

    def __init__(self) -> None:
        self._clock = Clock()
        self._seen: list[Seen] = []
        self._writers: dict[str, Writer] = {}

    @hookimpl
    def add_options(self) -> Sequence[PluginOption]:
        """Where to write and send; without one of them there is nothing to do."""
        return [
            PluginOption(
                "prometheus_file",
                None,
                "Write Prometheus metrics to this file, for node_exporter (FOLDER/planwise.prom).",
            ),
            PluginOption(
                "otel_file", None, "Write OpenTelemetry spans to this file, as JSON lines."
            ),
            PluginOption(
                "otlp_endpoint",
                None,
                "Send OpenTelemetry spans to this OTLP/HTTP endpoint (http://HOST:4318).",
            ),
        ]

    @hookimpl
    def configure(self, options: Mapping[str, SettingValue | None]) -> None:
        """Take the places, and refuse before the run what could not be used after it."""
        from planwise_plugins.telemetry.places import Places, libraries_refuse_plainly

        places = Places.of(options)
        with libraries_refuse_plainly():
            if places.prometheus_file is not None:
                from planwise_plugins.telemetry.prometheus import PrometheusFile

                self._writers["prometheus"] = PrometheusFile(places.prometheus_file, self._clock)
            if places.otel_file is not None or places.otlp_endpoint is not None:
                from planwise_plugins.telemetry.tracing import Tracing

                tracing = Tracing(places.otel_file, places.otlp_endpoint, self._clock)
                self._writers["opentelemetry"] = tracing

    @hookimpl
    def record_metric(self, metric: Metric) -> None:
        """Note the metric, and when it came."""
        self._seen.append(Seen(metric, self._clock.now_s()))

    @hookimpl
    def report_section(self, summary: RunSummary) -> ReportSection:
        """Write and send; what fails is a warning: the run itself is none the worse for it."""
        told = {name: each.write(self._seen, summary) for name, each in self._writers.items()}
        lines = [line for each in told.values() for line in each.lines]
        warnings = [line for each in told.values() for line in each.warnings]
        data = {name: dict(each.data) for name, each in told.items()}
        lines += [f"warning: {each}" for each in warnings]
        return ReportSection("telemetry", "Telemetry", lines, {**data, "warnings": warnings})
