"""Spans of OpenTelemetry: made by its SDK when the run is over, then written and sent."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from planwise.api import RunSummary
from planwise_plugins.telemetry.seen import Clock, Seen, Told
from planwise_plugins.telemetry.tree import PlannedSpan, planned_spans

SEND_S: Final = 4.0
"""The most that sending may take, in seconds."""
SEND_AFTER_FAILURE_S: Final = 1.0
"""Likewise after a run that failed or was stopped: after Ctrl-C all has to end within 3 s, and the
record of the run is written after this."""
_AT_ONCE: Final = 2_000  # spans in a request: about a megabyte; collectors take 20 by default
_LONGEST: Final = 200


class Tracing:
    """Makes spans of what a run has told.

    Args:
        file: where they go as JSON lines, or None.
        endpoint: the URL that they are sent to, or None.
        clock: of the run.

    Raises:
        ValueError: a variable of OpenTelemetry in the environment is of no use.
    """

    def __init__(self, file: Path | None, endpoint: str | None, clock: Clock) -> None:
        self._file = file
        self._endpoint = endpoint
        self._clock = clock
        self._made = InMemorySpanExporter()
        self._sender: OTLPSpanExporter | None = None
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "planwise"}))
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._made))
        self._tracer = provider.get_tracer("planwise", version("planwise"))
        if endpoint is not None:
            self._sender = OTLPSpanExporter(endpoint, timeout=SEND_S)

    def write(self, seen: Sequence[Seen], summary: RunSummary) -> Told:
        """Make the spans of a run, write and send them.

        Args:
            seen: what the run has told, in order.
            summary: the run as a whole.
        """
        spans = self._spans(planned_spans(seen, summary, self._clock.now_s()))
        shown = None if self._endpoint is None else self._endpoint.partition("?")[0]
        data: dict[str, Any] = {"spans": len(spans), "file": None, "endpoint": None}
        if not spans:
            return Told((), data, ("OTEL_SDK_DISABLED is set: there are no spans",))
        context = spans[0].get_span_context()
        trace_id = "" if context is None else trace.format_trace_id(context.trace_id)
        reached, warnings = list[str](), list[str]()
        if self._file is not None:
            if problem := _write_lines(self._file, spans):
                warnings.append(problem)
            else:
                reached.append(f"in {self._file}")
                data["file"] = str(self._file)
        if self._sender is not None:
            limit_s = SEND_S if summary.succeeded else SEND_AFTER_FAILURE_S
            if problem := _sent(self._sender, spans, limit_s):
                warnings.append(f"spans did not reach {shown}: {problem}")
            else:
                reached.append(f"sent to {shown}")
                data["endpoint"] = shown
        lines = [
            f"OpenTelemetry: trace {trace_id}, {len(spans):,} spans {each}" for each in reached
        ]
        return Told(tuple(lines), {"trace_id": trace_id, **data}, tuple(warnings))

    def _spans(self, planned: Sequence[PlannedSpan]) -> Sequence[ReadableSpan]:
        """The spans as the SDK makes them, the run first."""
        self._made.clear()
        begun: list[trace.Span] = []
        nowhere = trace.set_span_in_context(trace.INVALID_SPAN)
        for each in planned:
            parent = each.parent
            context = nowhere if parent is None else trace.set_span_in_context(begun[parent])
            links = [] if each.follows is None else [_link(begun[each.follows])]
            span = self._tracer.start_span(
                each.name,
                context,
                attributes=each.attributes,
                links=links,
                start_time=self._clock.calendar(each.start_s),
            )
            if each.problem:
                span.set_status(trace.StatusCode.ERROR, each.problem)
            begun.append(span)
        for span, each in zip(begun, planned, strict=True):
            span.end(self._clock.calendar(each.end_s))
        return self._made.get_finished_spans()


def _link(span: trace.Span) -> trace.Link:
    return trace.Link(span.get_span_context())


def _write_lines(file: Path, spans: Sequence[ReadableSpan]) -> str:
    """Write spans, whole or not at all; gives what went wrong, or nothing."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            exporter = ConsoleSpanExporter(out=out, formatter=_line)
            exporter.export(spans)
            os.fsync(out.fileno())
        temporary.replace(file)
    except OSError as error:
        return f"{file}: cannot be written: {error.strerror or error}; name another file"
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return ""


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


def _sent(exporter: SpanExporter, spans: Sequence[ReadableSpan], limit_s: float) -> str:
    """Send spans; gives what went wrong, or nothing.

    In a thread, because the exporter's own limit does not count the look-up of a name.
    """
    problems: list[str] = []
    with _heard() as reasons:
        thread = threading.Thread(
            target=_send, args=(exporter, spans, problems), name="planwise-telemetry", daemon=True
        )
        thread.start()
        thread.join(limit_s)
        late = thread.is_alive()
        exporter.shutdown()
        if late:
            thread.join(0.2)  # what waits to try again gives up now
    if late:
        problems.insert(0, f"not within {limit_s:g} s")
    if not problems:
        return ""
    text = " ".join(": ".join([*problems[:1], *reasons[:1]]).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _send(exporter: SpanExporter, spans: Sequence[ReadableSpan], problems: list[str]) -> None:
    try:
        for first in range(0, len(spans), _AT_ONCE):
            if exporter.export(spans[first : first + _AT_ONCE]) is not SpanExportResult.SUCCESS:
                problems.append("the endpoint did not take them")
                return
    except Exception as error:  # noqa: BLE001  # whatever a library raises, the run has succeeded
        problems.append(f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """What OpenTelemetry logs meanwhile: it says why there; nothing reaches the terminal."""
    reasons: list[str] = []
    logger = logging.getLogger("opentelemetry")
    handler = _Listener(reasons)
    propagates = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield reasons
    finally:
        # A thread that is late may still say something: the listener stays, deaf to nobody's harm.
        logger.propagate = propagates
        logger.removeHandler(handler)
        logger.addHandler(logging.NullHandler())


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(_reason(record))


def _reason(record: logging.LogRecord) -> str:
    """Why, without the pools and retries of the library that was asked to connect."""
    errors = [each for each in record.args or () if isinstance(each, Exception)]
    if not errors:
        return record.getMessage()
    inner = errors[0].args[0] if errors[0].args else errors[0]
    return str(getattr(inner, "reason", None) or inner).rpartition(": ")[2]
