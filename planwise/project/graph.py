"""From dbt's manifest to the nodes that are executed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from planwise.errors import GraphError
from planwise.outputs import YearOutput
from planwise.stages import Stage
from planwise.values import ModelNode

EXECUTED: Final = frozenset({"model", "seed", "snapshot"})
FOUNDATION_TAG: Final = "foundation"


@frozen
class ProjectGraph:
    """The executed nodes of a project for one year.

    Attributes:
        foundation: nodes that run once, before the first year: seeds, models tagged
            ``foundation``, and all that these depend on.
        year: nodes that run in each year.
        foundation_stages, year_stages: the same in the steps in which they run.
        reads_step: whether anything may depend on the year; if not, there is one step only.
        selectors: dbt's selector of each node, by unique id.
        state_relations: (schema, table) that the next year reads back: a source that points at
            a model's own table.
        source_schemas: schemas of the sources that the project reads.
        has_run_hooks: whether a phase must be one invocation of dbt (:func:`belongs_together`).
        outputs: the tables that the year's nodes leave behind.
        self_contained: whether a year writes nothing but its outputs: no hook and no script, which
            may write anything, is part of it.
    """

    foundation: Mapping[str, ModelNode]
    year: Mapping[str, ModelNode]
    selectors: Mapping[str, str]
    state_relations: tuple[tuple[str, str], ...]
    source_schemas: frozenset[str]
    has_run_hooks: bool
    foundation_stages: tuple[Stage, ...] = ()
    year_stages: tuple[Stage, ...] = ()
    reads_step: bool = True
    outputs: tuple[YearOutput, ...] = ()
    self_contained: bool = True


def graph_from_manifest(
    manifest: Any,
    foundation: Sequence[Stage] | None = None,
    year: Sequence[Stage] | None = None,
    only: Collection[str] | None = None,
    *,
    step_variable: str = "simulation_year",
) -> ProjectGraph:
    """Read the executed nodes out of dbt's manifest.

    Args:
        manifest: dbt's Manifest.
        foundation: what runs once, its nodes selected; None for seeds, what is tagged, and what
            these depend on.
        year: what runs in each year; None for everything else.
        only: what is run where nothing is selected; None for all.
        step_variable: the var that holds the year, and the column that says whose a row is.

    Raises:
        GraphError: a node depends on one that does not exist.
    """
    enabled = {key: node for key, node in manifest.nodes.items() if _is_executed(node)}
    nodes = {key: _model_node(key, node, manifest) for key, node in sorted(enabled.items())}
    if foundation is None:
        found = sorted(_foundation_ids(nodes))
        foundation = [Stage(nodes=tuple(k for k in found if only is None or k in only))]
    once = {key for stage in foundation for key in stage.nodes}
    if year is None:
        rest = [key for key in nodes if key not in once]
        year = [Stage(nodes=tuple(key for key in rest if only is None or key in only))]
    yearly = {key for stage in year for key in stage.nodes}
    own = {nodes[key].relation: key for key in nodes if key in yearly}
    read_back = sorted(
        {
            relation
            for source in manifest.sources.values()
            if (relation := (str(source.schema), str(source.identifier))) in own
        }
    )
    return ProjectGraph(
        foundation={key: nodes[key] for key in nodes if key in once},
        year={key: nodes[key] for key in nodes if key in yearly},
        selectors={key: "fqn:" + ".".join(node.fqn) for key, node in enabled.items()},
        state_relations=tuple(read_back),
        source_schemas=frozenset(str(source.schema) for source in manifest.sources.values()),
        has_run_hooks=belongs_together(manifest) != "",
        foundation_stages=tuple(foundation),
        year_stages=tuple(year),
        outputs=tuple(
            YearOutput(nodes[key].relation, _is_by_year(enabled[key], step_variable))
            for key in nodes
            if key in yearly and nodes[key].keep and nodes[key].materialized != "view"
        ),
        self_contained=not (
            any(stage.sql is not None for stage in year)
            or any(node.resource_type == "operation" for node in manifest.nodes.values())
            or any(_has_hooks(enabled[key]) for key in yearly)
        ),
    )


def _is_by_year(node: Any, step_variable: str) -> bool:
    """Whether a year touches no row of another: dbt deletes by a key that the year is part of."""
    keys = getattr(node.config, "unique_key", None)
    keys = [keys] if isinstance(keys, str) else keys
    return (
        str(node.config.materialized) == "incremental"
        and getattr(node.config, "incremental_strategy", None) == "delete+insert"
        and isinstance(keys, list | tuple)
        and step_variable in keys
        and not _has_hooks(node)
    )


def _has_hooks(node: Any) -> bool:
    return any(getattr(node.config, name, None) for name in ("pre_hook", "post_hook"))


def belongs_together(manifest: Any) -> str:
    """Why dbt has to run all nodes of a phase in one invocation, or nothing.

    Args:
        manifest: dbt's Manifest.
    """
    if any(node.resource_type == "operation" for node in manifest.nodes.values()):
        return "the project runs SQL at the start or end of each run"
    if has_foreign_keys(manifest):
        return "the project has foreign keys, which dbt rebuilds in its own order"
    return ""


def has_foreign_keys(manifest: Any) -> bool:
    """Whether a table of the project is made with a foreign key."""
    for node in manifest.nodes.values():
        contract = getattr(node.config, "contract", None)
        if contract is not None and contract.enforced and _has_foreign_key(node):
            return True
    return False


def _has_foreign_key(node: Any) -> bool:
    columns = [each for column in node.columns.values() for each in column.constraints]
    kinds = [each.type for each in (*getattr(node, "constraints", ()), *columns)]
    return any(str(getattr(kind, "value", kind)) == "foreign_key" for kind in kinds)


def _is_executed(node: Any) -> bool:
    return node.resource_type in EXECUTED and node.config.materialized != "ephemeral"


def _model_node(key: str, node: Any, manifest: Any) -> ModelNode:
    return ModelNode(
        unique_id=key,
        name=node.name,
        depends_on=tuple(sorted(_executed_dependencies(node, manifest, seen={key}))),
        resource_type=str(node.resource_type),
        materialized=str(node.config.materialized),
        relation=(str(node.schema), str(node.alias)),
        tags=tuple(sorted(node.tags)),
        keep=not _is_intermediate(node),
    )


def _is_intermediate(node: Any) -> bool:
    """Whether the project says that a table need not outlive its year."""
    said = node.config.meta.get("planwise") if isinstance(node.config.meta, dict) else None
    return (
        isinstance(said, dict)
        and said.get("keep") is False
        and str(node.config.materialized) == "table"
    )


def _executed_dependencies(node: Any, manifest: Any, seen: set[str]) -> set[str]:
    """Dependencies that are executed; ephemeral models are replaced by what they depend on."""
    found: set[str] = set()
    depends_on = getattr(node, "depends_on", None)
    for key in getattr(depends_on, "nodes", ()):
        parent = manifest.nodes.get(key)
        if parent is None:
            if key in manifest.sources or not key.startswith(tuple(f"{k}." for k in EXECUTED)):
                continue  # sources and the like are not executed
            raise GraphError(f"'{node.unique_id}' depends on '{key}', which does not exist")
        if _is_executed(parent):
            found.add(key)
        elif key not in seen:
            found |= _executed_dependencies(parent, manifest, seen | {key})
    return found


def _foundation_ids(nodes: Mapping[str, ModelNode]) -> set[str]:
    """Seeds and models tagged ``foundation``, with everything that they depend on."""
    found: set[str] = set()
    stack: list[str] = [
        key for key, n in nodes.items() if n.resource_type == "seed" or FOUNDATION_TAG in n.tags
    ]
    while stack:
        key = stack.pop()
        if key not in found:
            found.add(key)
            stack.extend(nodes[key].depends_on)
    return found
