"""What a statement of dbt would do to a transaction that it shares with others."""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import frozen

_READS: Final = frozenset({"SELECT", "EXPLAIN", "RELATION"})
_WRITES: Final = frozenset(
    {"INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "DROP", "ALTER", "COPY", "MULTI"}
)
"""Statements that a rollback undoes, and that leave nothing in the session. All others have no
place in a transaction, or outlast a node, for which dbt has a session of its own."""
_TEMPORARY: Final = re.compile(r"\btemp(orary)?\b", re.IGNORECASE)
_TEMPORARY_OTHER: Final = re.compile(
    r"\bcreate\s+(or\s+replace\s+)?temp(orary)?\s+(macro|function|sequence|type|trigger|secret)\b",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
"""dbt writes one before, or after, whatever a project sends."""
_LONGEST: Final = 80
"""Characters of a statement that a message shows."""


@frozen
class Judgement:
    """What is known of a text before it is executed.

    Attributes:
        writes: whether it changes something that a rollback undoes.
        temporary: whether it may make a temporary table or view.
        refusal: why it cannot be executed in the transaction, or nothing.
    """

    writes: bool = False
    temporary: bool = False
    refusal: str = ""


def judge(cursor: Any, sql: str) -> Judgement:
    """Look at a text of one or more statements; one that DuckDB cannot parse is left to it.

    Args:
        cursor: DuckDB's, which parses it.
        sql: the text.
    """
    import duckdb

    try:
        statements = cursor.extract_statements(sql)
    except duckdb.Error:
        return Judgement()
    kinds = [_kind(each) for each in statements]
    for each, kind in zip(statements, kinds, strict=True):
        if kind not in _READS | _WRITES or _TEMPORARY_OTHER.search(each.query):
            return Judgement(
                refusal=f"what it executes cannot be undone, or outlasts its node: {_shown(each)}"
            )
    return Judgement(
        writes=any(kind in _WRITES for kind in kinds),
        temporary=_TEMPORARY.search(sql) is not None,
    )


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # a kind that DuckDB's Python has no name for
        return "unknown"


def _shown(statement: Any) -> str:
    text = " ".join(_COMMENT.sub("", statement.query).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
