"""Plugins that each break one rule of the hooks; offered by a distribution that a test writes."""

from __future__ import annotations

import itertools
import os
import zlib

import pyarrow as pa  # what importing it at the top earns is tried too

from planwise.api import (
    Batch,
    BatchPlan,
    BatchResult,
    CheckpointError,
    CompressedState,
    ModelResult,
    PlanwiseError,
    PluginOption,
    ReportSection,
    Setting,
    hookimpl,
)

MIB = 1 << 20


def in_order(request) -> list[Batch]:
    """A sound plan: one node a batch."""
    done: list[str] = []
    left = dict(request.nodes)
    while left:
        ready = [k for k, n in left.items() if not any(d in left for d in n.depends_on)]
        for key in ready:
            del left[key]
        done += ready
    return [Batch([key]) for key in done]


class Forgetful:
    @hookimpl
    def plan_batches(self, request):
        return BatchPlan(in_order(request)[:-1])


class AllAtOnce:
    @hookimpl
    def plan_batches(self, request):
        return BatchPlan([Batch(request.nodes)] if request.nodes else [])


class WaitsForOthers:
    @hookimpl
    def plan_batches(self, request):
        for node in request.nodes.values():
            [request.nodes[key] for key in node.depends_on]
        return BatchPlan(in_order(request))


class Moody:
    calls = itertools.count()

    @hookimpl
    def plan_batches(self, request):
        batches = in_order(request)
        free = not any(node.depends_on for node in request.nodes.values())
        return BatchPlan(batches[::-1] if free and next(self.calls) % 2 else batches)


class Chatty:
    @hookimpl
    def plan_batches(self, request):
        print("planning", len(request.nodes))
        return BatchPlan(in_order(request))


class ChattyInC:
    @hookimpl
    def plan_batches(self, request):
        os.write(2, b"from below")
        return BatchPlan(in_order(request))


class Meddler:
    @hookimpl
    def plan_batches(self, request):
        plan = BatchPlan(in_order(request))
        object.__setattr__(request, "pool_size", 1)
        return plan


class Codec:
    """A sound codec, but for what the classes below change."""

    @hookimpl
    def compress_state(self, state):
        return CompressedState("z", self.packed(self.stream(state.table)), state.table.nbytes)

    @hookimpl
    def restore_state(self, state, limit_bytes):
        if not self.is_mine(state.codec):
            return None
        try:
            return pa.ipc.open_stream(self.unpacked(state.payload, limit_bytes)).read_all()
        except (zlib.error, pa.ArrowException, OSError) as error:
            raise CheckpointError(str(error)) from error

    def stream(self, table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()

    def packed(self, content):
        return zlib.compress(content, 1)

    def unpacked(self, payload, limit_bytes):
        inflating = zlib.decompressobj()
        content = inflating.decompress(payload, limit_bytes)
        if not inflating.eof or inflating.unused_data:
            raise CheckpointError("not what was stored")
        return content

    def is_mine(self, codec):
        return codec == "z"


class Schemaless(Codec):
    """It forgets what a schema says beside names and types."""

    def stream(self, table):
        return super().stream(table.replace_schema_metadata(None))


class Unchecked(Codec):
    def packed(self, content):
        return content

    def unpacked(self, payload, limit_bytes):
        return payload


class Boundless(Codec):
    def unpacked(self, payload, limit_bytes):
        return zlib.decompress(payload)


class Greedy(Codec):
    def is_mine(self, codec):
        return True


class OtherErrors(Codec):
    def unpacked(self, payload, limit_bytes):
        inflating = zlib.decompressobj()
        content = inflating.decompress(payload, limit_bytes)
        if not inflating.eof or inflating.unused_data:
            raise ValueError("not what was stored")
        return content


class Tuner:
    calls = 0

    @hookimpl
    def db_tune(self, request):
        self.calls += 1
        return [Setting(*each) for each in self.settings(request.machine)]


class TooMuchMemory(Tuner):
    def settings(self, machine):
        return [("memory_limit", "64GiB", "plenty")]


class TooManyThreads(Tuner):
    def settings(self, machine):
        return [("threads", 16)]


class Flapping(Tuner):
    def settings(self, machine):
        return [("threads", 1 + self.calls % 2, "let us see")]


class Restless(Tuner):
    def settings(self, machine):
        return [("checkpoint_threshold", f"{self.calls} MiB", "more each year")]


class SpillsAnywhere(Tuner):
    def settings(self, machine):
        return [("temp_directory", str(machine.temp_directory), "as given")]


class Overruling(Tuner):
    def settings(self, machine):
        return [("max_memory", f"{machine.memory_available_bytes // 2 // MIB} MiB", "half")]


class WordForANumber(Tuner):
    def settings(self, machine):
        return [("threads", "many", "as many as there are")]


class UnknownValue(Tuner):
    def settings(self, machine):
        return [("force_compression", "very", "small files")]


class Executor:
    @hookimpl
    def execute_batch(self, request):
        return BatchResult([
            result for node in request.nodes for result in self.run(request, node.unique_id).results
        ])  # fmt: skip


class Cutting(Executor):
    """One row less in a table, as an executor of its own may get it wrong."""

    def run(self, request, key):
        compiled = request.compiled(key)
        if not key.startswith("model.") or compiled.materialized != "table":
            return request.run_by_dbt([key])
        (select,) = compiled.sql

        def make(cursor):
            name = compiled.relation_name
            cursor.execute(f"create or replace table {name} as from ({select}) limit 1")

        request.transaction(make)
        return BatchResult([ModelResult(key, 0.0, executed_by="cutting")])


class Forgiving(Executor):
    def run(self, request, key):
        try:
            return request.run_by_dbt([key])
        except PlanwiseError:
            return BatchResult([ModelResult(key, 0.0, executed_by="forgiving")])


class Secretive(Executor):
    def run(self, request, key):
        try:
            return request.run_by_dbt([key])
        except PlanwiseError as error:
            raise PlanwiseError("something went wrong") from error


class Committing:
    @hookimpl
    def execute_batch(self, request):
        request.transaction(lambda cursor: cursor.execute("commit"))
        return request.run_by_dbt([node.unique_id for node in request.nodes])


class Monitor:
    @hookimpl
    def record_metric(self, metric):
        """Nothing to note."""

    @hookimpl
    def report_section(self, summary):
        return ReportSection("mine", "Mine", ["a line"], {"wall_s": summary.wall_s})


class NeedsAYear(Monitor):
    @hookimpl
    def record_metric(self, metric):
        return metric.year + 1


class NeedsTime(Monitor):
    @hookimpl
    def record_metric(self, metric):
        return (metric.rows or 0) / metric.wall_s


class NeedsPhases(Monitor):
    open = None

    @hookimpl
    def record_metric(self, metric):
        self.open = metric.name if metric.kind == "phase" else self.open
        return metric.kind == "model" and self.open.upper()


class NeedsMetrics(Monitor):
    def __init__(self):
        self.seen = []

    @hookimpl
    def record_metric(self, metric):
        self.seen.append(metric)

    @hookimpl
    def report_section(self, summary):
        return ReportSection("mine", "Mine", [f"the slowest was {max(self.seen).name}"])


class NeedsSuccess(Monitor):
    @hookimpl
    def report_section(self, summary):
        return ReportSection("mine", "Mine", [f"until {summary.years[-1]}"])


class Unwritable(Monitor):
    @hookimpl
    def report_section(self, summary):
        return ReportSection("mine", "Mine", [], {"seconds": float("nan")})


class LongLines(Monitor):
    @hookimpl
    def report_section(self, summary):
        return ReportSection("mine", "Mine", ["one\nand another"])


NUMBERS = itertools.count()


class Options:
    @hookimpl
    def add_options(self):
        return [PluginOption("level", 3, "Effort, 1 to 3.", type=int, choices=(1, 2, 3))]

    @hookimpl
    def configure(self, options):
        """Whatever it is."""


class Undocumented(Options):
    @hookimpl
    def add_options(self):
        return [PluginOption("level", 3, " ", type=int)]


class Changing(Options):
    @hookimpl
    def add_options(self):
        return [PluginOption("level", next(NUMBERS), "Effort.", type=int)]


class TooWide(Options):
    @hookimpl
    def configure(self, options):
        if options["level"] > 2:
            raise PlanwiseError("level: expected 1 or 2")


class DefaultRefused(Options):
    @hookimpl
    def configure(self, options):
        if options["level"] == 3:
            raise PlanwiseError("level: expected 1 or 2")


class ChattyWhenConfigured(Options):
    @hookimpl
    def configure(self, options):
        print("level", options["level"])


class CallsAll(Options):
    @hookimpl
    def configure(self, options):
        return options["levels"]


class Unmarked:
    """Nothing is marked."""
