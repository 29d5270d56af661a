"""Plugin ``precompile``: SQL that was rendered ahead, executed without dbt.

Models whose materialisation means what dbt documents are executed here, all of a year in one
transaction; every other node is handed to dbt, and the reason is kept for the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from planwise.api import (
    BatchRequest,
    BatchResult,
    CompiledNode,
    ModelResult,
    ProjectError,
    hookimpl,
    take_sample,
)
from planwise_plugins.precompile.catalog import Place, Relation, place_of, read_catalog
from planwise_plugins.precompile.handover import reason_for_dbt
from planwise_plugins.precompile.measuring import MeasuredCursor
from planwise_plugins.precompile.statements import HandOver, materialize

NAME = "precompile"


class Precompile:
    """Executes what it understands and hands over the rest."""

    planwise_api = "0.1"

    def __init__(self) -> None:
        self._catalog: dict[Place, Relation] | None = None
        self._step: tuple[str, int | None, int] | None = None

    @hookimpl
    def execute_batch(self, request: BatchRequest) -> BatchResult:
        """Run a batch: first what only dbt can, then the rest in the phase's transaction."""
        step = (request.phase, request.year, request.stage)
        if self._step != step:
            # Between two stages a script may have changed anything.
            self._step, self._catalog = step, None
        nodes = [request.compiled(node.unique_id) for node in request.nodes]
        reasons = {
            node.unique_id: reason
            for node in nodes
            if (reason := reason_for_dbt(node, self._known(request), request.full_refresh))
        }
        results = self._by_dbt(request, reasons)
        direct = [node for node in nodes if node.unique_id not in reasons]
        if direct:
            catalog = self._known(request)
            done = request.transaction(lambda cursor: _execute(cursor, direct, request, catalog))
            late = {each.unique_id: each.reason for each in done if isinstance(each, HandOver)}
            results += [each for each in done if isinstance(each, ModelResult)]
            results += self._by_dbt(request, late)
        return BatchResult(results)

    def _known(self, request: BatchRequest) -> dict[Place, Relation]:
        """What is in the database; read once a stage, and again after dbt has run something."""
        if self._catalog is None:
            self._catalog = request.transaction(read_catalog)
        return self._catalog

    def _by_dbt(self, request: BatchRequest, reasons: Mapping[str, str]) -> list[ModelResult]:
        if not reasons:
            return []
        self._catalog = None
        done = request.run_by_dbt(list(reasons))
        return [
            attrs.evolve(
                each, reason="; ".join(filter(None, (reasons[each.unique_id], each.reason)))
            )
            for each in done.results
        ]


def _execute(
    cursor: Any,
    nodes: Sequence[CompiledNode],
    request: BatchRequest,
    catalog: dict[Place, Relation],
) -> list[ModelResult | HandOver]:
    """Execute nodes one after the other; several cursors could not share a transaction."""
    _make_schemas(cursor, nodes, catalog)
    return [_execute_one(cursor, node, request, catalog) for node in nodes]


def _make_schemas(
    cursor: Any, nodes: Iterable[CompiledNode], catalog: Mapping[Place, Relation]
) -> None:
    """Make the schemas that are not known to exist, as dbt does before it runs anything."""
    known = {(place[0], place[1]) for place in catalog}
    wanted = {(n.relation[0], n.relation[1]) for n in nodes}
    for database, schema in sorted(wanted):
        if (database.lower(), schema.lower()) not in known and schema.lower() != "main":
            cursor.execute(f"create schema if not exists {_quoted(database)}.{_quoted(schema)}")


def _execute_one(
    cursor: Any, node: CompiledNode, request: BatchRequest, catalog: dict[Place, Relation]
) -> ModelResult | HandOver:
    import duckdb

    started = take_sample()
    place = place_of(node)
    measured = MeasuredCursor(cursor)
    try:
        made = materialize(measured, node, catalog.get(place), full_refresh=request.full_refresh)
    except duckdb.Error as error:
        where = "the foundation" if request.year is None else f"year {request.year}"
        kind = "seed" if node.materialized == "seed" else "model"
        raise ProjectError(
            f"{place[2]} failed in {where}: Runtime Error in {kind} {place[2]} ({node.path}) "
            f"{' '.join(str(error).split())}"
        ) from error
    if isinstance(made, HandOver):
        return made
    catalog[place] = Relation(made.kind)
    ended = take_sample()
    return ModelResult(
        node.unique_id,
        wall_s=ended.wall_s - started.wall_s,
        cpu_s=ended.cpu_s - started.cpu_s,
        executed_by=NAME,
        reason=made.how,
        rows=made.rows,
        spilled_bytes=measured.spilled_bytes,
        peak_rss_bytes=ended.peak_rss_bytes,
        bytes_read=ended.bytes_read - started.bytes_read,
        bytes_written=ended.bytes_written - started.bytes_written,
        started_s=started.wall_s,
        profile=measured.profile,
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
