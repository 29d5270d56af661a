"""Rendering by dbt's own compiler, ahead of the run, with an account of what it looked at.

A rendered text may be used later, in this run or another, only where it would come out the same.
Files, variables and versions are known beforehand (``fingerprint.py``); what a template asks while
it is rendered is seen by ``tracing.py``. What cannot be known ahead is dbt's own affair.

This module leans on private parts of dbt 1.11: the contract tests in ``tests/project`` guard them.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from planwise.project.dbt_worker import forget_compilation
from planwise.project.obstacles import Obstacles
from planwise.project.prediction import Catalog
from planwise.project.tracing import Trace, traced
from planwise.rendered import CompiledNode, RelationRead
from planwise.values import ModelNode

_CONFIG: Final = (
    *("full_refresh", "incremental_strategy", "unique_key", "on_schema_change"),
    *("incremental_predicates", "predicates"),
)
"""What an executor needs of a node's configuration."""


class Renderer:
    """Renders the nodes of one parse; lives in dbt's thread, after dbt has parsed there.

    Args:
        manifest: what dbt parsed.
        profile_keys: keys of the profile that only dbt acts on.
        yearly: the nodes of a year, if those that the project does not keep are to be temporary.

    Attributes:
        target: (database, schema) of the profile's target.
    """

    def __init__(
        self,
        manifest: Any,
        profile_keys: Sequence[str] = (),
        yearly: Sequence[ModelNode] = (),
    ) -> None:
        from dbt.adapters.factory import FACTORY

        self._manifest = manifest
        self._adapter = FACTORY.adapters["duckdb"]
        self._config = copy.copy(self._adapter.config)
        credentials = self._config.credentials
        self.target: tuple[str, str] = (str(credentials.database), str(credentials.schema))
        self._obstacles = Obstacles(manifest, self.target, profile_keys)
        # dbt may turn out to need a connection of its own, which sees no temporary table: where
        # it has a part in the year from the start, there is none.
        direct = not any(self._obstacles.of(manifest.nodes[each.unique_id]) for each in yearly)
        self._temporary = {each.unique_id for each in yearly if not each.keep and direct}
        self._ephemeral = [
            node
            for node in manifest.nodes.values()
            if getattr(node.config, "materialized", "") == "ephemeral"
        ]

    def place_of(self, node: ModelNode) -> tuple[str, str, str]:
        """Where a node's table or view will be: (database, schema, name), in lower case."""
        schema, name = node.relation
        if node.unique_id in self._temporary:
            return "temp", "main", name.lower()
        return self.target[0].lower(), schema.lower(), name.lower()

    def render(
        self,
        unique_id: str,
        variables: Mapping[str, Any],
        *,
        full_refresh: bool,
        catalog: Catalog,
    ) -> CompiledNode:
        """Render a node for a step.

        Args:
            unique_id: a model, seed or snapshot of the manifest.
            variables: dbt's ``--vars``.
            full_refresh: whether incremental models start anew.
            catalog: what will exist when the node runs.

        Returns:
            The node; one that cannot be rendered ahead has obstacles and no text.
        """
        node = self._manifest.nodes[unique_id]
        obstacles = list(self._obstacles.of(node))
        trace = Trace(catalog)
        sql: tuple[str, ...] = ()
        if not obstacles:
            try:
                with (
                    _step(self._config, variables, full_refresh=full_refresh),
                    moved(self._manifest, self._temporary),
                    traced(trace),
                ):
                    is_seed = str(node.resource_type) == "seed"
                    sql = self._seed(node, trace) if is_seed else (self._model(node),)
            except Exception as error:  # noqa: BLE001  # a template may raise anything; dbt says it
                trace.notes.append(f"cannot be rendered ahead: {_first_line(error)}")
            obstacles += dict.fromkeys(trace.notes)
        config = node.config.to_dict()
        relation = (str(node.database), str(node.schema), str(node.alias))
        name = str(node.relation_name)
        if unique_id in self._temporary:
            relation, name = ("temp", "main", relation[2]), _temporary_name(relation[2])
        return CompiledNode(
            unique_id=unique_id,
            materialized=str(node.config.materialized),
            path=str(node.original_file_path),
            relation=relation,
            relation_name=name,
            sql=() if obstacles else sql,
            config={key: config[key] for key in _CONFIG if config.get(key) is not None},
            reads=tuple(RelationRead(key, found) for key, found in sorted(trace.reads.items())),
            obstacles=tuple(obstacles),
        )

    def _model(self, node: Any) -> str:
        from dbt.compilation import Compiler

        # What an ephemeral model asks belongs to each model that it is folded into, and its text to
        # this year alone: dbt would fold what it finds into a model of another.
        every = (node, *self._ephemeral)
        for each in every:
            forget_compilation(each)
        try:
            compiled = Compiler(self._config).compile_node(node, self._manifest, {}, write=False)
            return str(compiled.compiled_code)
        finally:
            for each in every:
                forget_compilation(each)

    def _seed(self, node: Any, trace: Trace) -> tuple[str, ...]:
        """The statements by which dbt makes a seed's table and loads it."""
        from dbt.clients.jinja import get_rendered
        from dbt.context.providers import generate_runtime_model_context

        context = generate_runtime_model_context(node, self._config, self._manifest)
        context["seed_rows"] = context["load_agate_table"]()
        trace.statements = []
        get_rendered("{% do create_csv_table(model, seed_rows) %}", context, node)
        if len(context["seed_rows"].rows):
            get_rendered("{% do load_csv_rows(model, seed_rows) %}", context, node)
        return tuple(trace.statements)


@contextmanager
def moved(manifest: Any, temporary: Collection[str]) -> Iterator[None]:
    """Let ``ref`` find the tables that are not kept where temporary tables are.

    Args:
        manifest: dbt's Manifest.
        temporary: unique ids of the models whose tables are temporary.
    """
    nodes = [manifest.nodes[key] for key in sorted(temporary)]
    before = [(node.database, node.schema, node.relation_name) for node in nodes]
    for node in nodes:
        node.database, node.schema = "temp", "main"
        node.relation_name = _temporary_name(node.alias)
    try:
        yield
    finally:
        for node, (database, schema, name) in zip(nodes, before, strict=True):
            node.database, node.schema, node.relation_name = database, schema, name


def show_as_temporary(cursor: Any, nodes: Sequence[Any]) -> None:
    """Let what dbt made be found where the others were rendered to look for a temporary table.

    Args:
        cursor: of the transaction that dbt made it in.
        nodes: of dbt's Manifest.
    """
    for node in nodes:
        name = _temporary_name(node.alias)
        there = cursor.execute(
            "select 'table' from duckdb_tables() where temporary and lower(table_name) = lower(?) "
            "union all "
            "select 'view' from duckdb_views() where temporary and lower(view_name) = lower(?)",
            [node.alias, node.alias],
        ).fetchall()
        for (kind,) in there:
            cursor.execute(f"drop {kind} {name}")
        cursor.execute(f"create temporary view {name} as select * from {node.relation_name}")  # noqa: S608  # dbt's own name


def _temporary_name(alias: str) -> str:
    quoted = alias.replace('"', '""')
    return f'"temp"."main"."{quoted}"'


@contextmanager
def _step(config: Any, variables: Mapping[str, Any], *, full_refresh: bool) -> Iterator[None]:
    """The variables and the flags of one step."""
    from dbt.flags import get_flags

    config.cli_vars = dict(variables)
    flags = get_flags()
    before = {name: getattr(flags, name) for name in ("FULL_REFRESH", "WHICH")}
    wanted = {"FULL_REFRESH": full_refresh, "WHICH": "build"}
    # dbt's flags are frozen for everybody but dbt itself.
    for name, value in wanted.items():
        object.__setattr__(flags, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            object.__setattr__(flags, name, value)


def _first_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
