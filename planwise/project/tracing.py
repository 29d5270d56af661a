"""What a template looks at while dbt renders it.

Whether relations exist is answered from what will be there when the node runs, and kept, to be
compared then. Anything else that is asked of the database, of the clock or of the invocation is
noted: such a text is good for that moment only.

This module leans on private parts of dbt 1.11: the contract tests in ``tests/project`` guard them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from attrs import define, field

from planwise.project.prediction import Catalog

_HARMLESS: Final = frozenset(
    {
        *("Relation", "Column", "quote", "quote_as_configured", "quote_seed_column"),
        *("convert_type", "is_motherduck", "disable_transactions", "escape_sql_string"),
        *("external_root", "get_binding_char", "warn_once", "valid_incremental_strategies"),
        *("get_incremental_strategy_macro", "parse_index", "batch_id_for_model"),
        *("get_temp_relation_path", "get_seed_file_path", "behavior"),
    }
)
"""Parts of dbt's adapter that ask nothing of the database."""
_VOLATILE: Final = frozenset(
    {
        *("invocation_id", "run_started_at", "modules", "selected_resources", "thread_id"),
        *("invocation_args_dict", "dbt_metadata_envs", "pytz", "datetime", "database_schemas"),
    }
)
"""Names of dbt's context whose value belongs to one invocation, or to the moment."""


class NotAheadError(Exception):
    """A rendering asked for something that only the moment of the run can tell."""


@define
class Trace:
    """The account of one rendering.

    Attributes:
        catalog: what will exist when the node runs.
        reads: relations that were asked for, and what was answered.
        notes: what was asked for that cannot be known ahead, a sentence each.
        statements: SQL that was sent, where that is what is wanted; None refuses it.
    """

    catalog: Catalog
    reads: dict[tuple[str, str, str], str | None] = field(factory=dict)
    notes: list[str] = field(factory=list)
    statements: list[str] | None = None

    def asked(self, name: str) -> NotAheadError:
        """Note that a part of the adapter was asked for."""
        self.notes.append(f"asks the database while it is rendered (adapter.{name})")
        return NotAheadError(name)


_current: list[Trace] = []
"""The trace of the rendering under way: at most one, since dbt renders in one thread."""


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Let templates see the traced adapter and names instead of dbt's own."""
    from dbt.context.providers import RuntimeProvider
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    wrapper, names = _traced_classes()
    before = (RuntimeProvider.DatabaseWrapper, MacroFuzzEnvironment.context_class)
    RuntimeProvider.DatabaseWrapper, MacroFuzzEnvironment.context_class = wrapper, names
    _current.append(trace)
    try:
        yield
    finally:
        _current.pop()
        RuntimeProvider.DatabaseWrapper, MacroFuzzEnvironment.context_class = before


def _traced_classes() -> tuple[Any, Any]:
    """Subclasses of what dbt uses; made late, since dbt is imported late."""
    if not _classes:
        from dbt.context.providers import RuntimeDatabaseWrapper
        from jinja2.runtime import Context

        class Names(Context):
            def resolve_or_missing(self, key: str) -> Any:
                if key in _VOLATILE and _current:
                    _current[-1].notes.append(f"reads {key} while it is rendered")
                return super().resolve_or_missing(key)

        class Wrapper(RuntimeDatabaseWrapper):  # type: ignore[misc]  # dbt has no types here
            def __getattr__(self, name: str) -> Any:
                if not _current or name in _HARMLESS:
                    return super().__getattr__(name)
                return _answer(_current[-1], self._adapter, name)

            def commit(self) -> None:
                raise _current[-1].asked("commit")

        _classes.extend((Wrapper, Names))
    return _classes[0], _classes[1]


_classes: list[Any] = []


def _answer(trace: Trace, adapter: Any, name: str) -> Any:
    """What stands in for a part of the adapter that would ask the database."""
    if name == "get_relation":

        def get_relation(database: str, schema: str, identifier: str) -> Any:
            key = (str(database).lower(), str(schema).lower(), str(identifier).lower())
            found = trace.catalog.get(key)
            trace.reads[key] = found
            if found is None:
                return None
            quoting = {"database": True, "schema": True, "identifier": True}
            return adapter.Relation.create(
                database=database,
                schema=schema,
                identifier=identifier,
                quote_policy=quoting,
                type=found,
            )

        return get_relation
    statements = trace.statements
    if statements is not None and name == "add_query":
        return lambda sql, **_: statements.append(str(sql).strip())
    if statements is not None and name == "execute":

        def execute(sql: str, **_: Any) -> Any:
            from dbt.adapters.contracts.connection import AdapterResponse
            from dbt_common.clients.agate_helper import empty_table

            statements.append(str(sql).strip())
            return AdapterResponse(_message="OK"), empty_table()

        return execute
    raise trace.asked(name)
