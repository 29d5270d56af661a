"""Why only dbt can be trusted with a node: whatever makes it more than its plain materialisation.

An executor that runs SQL itself does what dbt's own materialisation of a table, view, incremental
model or seed does. Everything here would change that, or is not known well enough: the node is
then handed to dbt, which is slower and always right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from planwise.project.graph import belongs_together

_DBT_PACKAGES: Final = frozenset({"dbt", "dbt_duckdb"})
_MATERIALIZATIONS: Final[Mapping[str, str]] = {
    "table": "materialization_table_duckdb",
    "view": "materialization_view_default",
    "incremental": "materialization_incremental_duckdb",
    "seed": "materialization_seed_default",
}
"""Where dbt-duckdb 1.11 defines what each materialisation does."""
_PREFIXES: Final = ("", "duckdb__", "default__")
_NAMING: Final = frozenset(
    {"generate_schema_name", "generate_alias_name", "generate_database_name"}
)
"""Macros that decide names when the project is parsed: the parsed names are what counts."""
_CALLED_BY_ADAPTER: Final = frozenset(
    {
        *("create_schema", "drop_relation", "rename_relation", "truncate_relation"),
        *("get_columns_in_relation", "list_relations_without_caching", "list_schemas"),
        *("get_incremental_append_sql", "get_incremental_delete_insert_sql"),
        *("get_incremental_default_sql", "get_delete_insert_merge_sql", "get_insert_into_sql"),
        *("get_quoted_csv", "check_schema_exists"),
    }
)
"""Macros on the path that dbt's Python calls by name, so that no other macro names them."""
_LEFT_TO_DBT: Final[Mapping[str, str]] = {
    "sql_header": "has a sql_header",
    "persist_docs": "persists its documentation",
    "grants": "grants rights",
    "indexes": "has indexes",
    "partitioned_by": "is partitioned",
    "partition_by": "is partitioned",
    "sorted_by": "is sorted",
    "sort_by": "is sorted",
    "pre-hook": "has a pre-hook",
    "post-hook": "has a post-hook",
    "batch_size": "runs in batches",
}


class Obstacles:
    """Finds the obstacles of the nodes of one parse.

    Args:
        manifest: dbt's Manifest.
        target: (database, schema) of the profile's target.
        profile_keys: keys of the profile that only dbt acts on.
    """

    def __init__(
        self, manifest: Any, target: tuple[str, str], profile_keys: Sequence[str] = ()
    ) -> None:
        self._database = target[0].lower()
        self._overrides = {
            kind: overridden_macros(manifest.macros, root)
            for kind, root in _MATERIALIZATIONS.items()
        }
        self._of_all = [f"the profile has '{key}'" for key in profile_keys]
        together = belongs_together(manifest)
        if together:
            self._of_all.append(together)
        self._own = {
            kind
            for macro in manifest.macros.values()
            if macro.package_name not in _DBT_PACKAGES
            for kind in _MATERIALIZATIONS
            if macro.name.startswith(f"materialization_{kind}_")
        }

    def of(self, node: Any) -> tuple[str, ...]:
        """The obstacles of a node of the manifest, a sentence each."""
        kind = str(node.config.materialized)
        if str(node.resource_type) not in ("model", "seed") or kind not in _MATERIALIZATIONS:
            what = kind if str(node.resource_type) == "model" else str(node.resource_type)
            return (f"a {what} is dbt's own affair",)
        found = [*self._of_all]
        if str(getattr(node, "language", "sql")) != "sql":
            found.append(f"is written in {node.language}")
        if kind in self._own:
            found.append(f"a package of the project defines the materialisation '{kind}'")
        found += [f"the project overrides dbt's macro {name}" for name in self._overrides[kind]]
        if str(node.database).lower() != self._database:
            found.append(f"is in the database {node.database}, which is not the target's")
        return (*found, *_of_config(node.config.to_dict()), *_of_contract(node))


def _of_config(config: Mapping[str, Any]) -> Iterable[str]:
    for key, reason in _LEFT_TO_DBT.items():
        if config.get(key):
            yield reason
    if config.get("materialized") == "seed" and config.get("fast", True) is not True:
        yield "is loaded row by row (fast: false)"


def _of_contract(node: Any) -> Iterable[str]:
    contract = getattr(node.config, "contract", None)
    if contract is not None and getattr(contract, "enforced", False):
        yield "has an enforced contract"


def leaves_transaction(
    manifest: Any, nodes: Iterable[str], profile_keys: Sequence[str] = ()
) -> str:
    """Why dbt cannot run some nodes in a transaction with others, as far as the manifest tells.

    Args:
        manifest: dbt's Manifest.
        nodes: unique ids of the nodes.
        profile_keys: keys of the profile that only dbt acts on.

    Returns:
        The first reason, or nothing. What a hook or a macro sends is seen when it is sent only.
    """
    if profile_keys:
        return f"the profile has '{profile_keys[0]}'"
    for key in nodes:
        node = manifest.nodes[key]
        if str(node.config.materialized) == "external":
            return f"{node.name} writes a file, which no transaction undoes"
        hooks = (*getattr(node.config, "pre_hook", ()), *getattr(node.config, "post_hook", ()))
        if any(not hook.transaction for hook in hooks):
            return f"{node.name} has a hook outside of the transaction"
    return ""


def overridden_macros(macros: Mapping[str, Any], root: str) -> Sequence[str]:
    """Names of dbt's macros on the path of a materialisation that a project or package has too.

    Args:
        macros: the manifest's macros, by unique id.
        root: the name of the materialisation's macro.

    Returns:
        The names, sorted. A macro that dispatches is counted under each of its prefixes, whether
        or not dbt has one of that name.
    """
    start = [key for key, macro in macros.items() if macro.name == root and _is_dbts(macro)]
    path: set[str] = set()
    stack = start
    while stack:
        key = stack.pop()
        if key in path or key not in macros:
            continue
        path.add(key)
        stack.extend(macros[key].depends_on.macros)
    bases = {_base(macros[key].name) for key in path if _is_dbts(macros[key])} - _NAMING
    bases |= {_base(macros[key].name) for key in path if not _is_dbts(macros[key])} - _NAMING
    bases |= _CALLED_BY_ADAPTER
    names = {prefix + base for base in bases for prefix in _PREFIXES}
    return sorted(
        macro.name for macro in macros.values() if not _is_dbts(macro) and macro.name in names
    )


def _is_dbts(macro: Any) -> bool:
    return macro.package_name in _DBT_PACKAGES


def _base(name: str) -> str:
    for prefix in _PREFIXES[1:]:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
