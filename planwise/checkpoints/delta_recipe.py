"""What a reader of a difference has to know beside its tables, as JSON in their metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from planwise.errors import CheckpointError

if TYPE_CHECKING:
    import pyarrow as pa

VERSION: Final = 1
KINDS: Final = ("same", "values", "steps", "whole", "beside", "sums")
FROM_ANOTHER: Final = ("beside", "sums")
EVERY: Final = -1
"""In place of a number of marks: every row that is not new."""

_RECIPE_KEY: Final = b"planwise.difference"
_SCHEMA_KEY: Final = b"planwise.schema"
_MOST_BYTES: Final = 1 << 20


@frozen
class Stored:
    """How a column of the later table is stored.

    Attributes:
        kind: ``same`` (not at all), ``values``, ``steps``, ``whole`` (with the new rows),
            ``beside`` (as values less another column's) or ``sums`` (as steps less them).
        group: which marks say where it differs; ``EVERY`` without.
        other: the number of that other column of the later table, or -1.
    """

    kind: str
    group: int = EVERY
    other: int = -1


@frozen
class Recipe:
    """What was stored of which table.

    Attributes:
        before_rows, rows: of the earlier and of the later table.
        schema: of the later table; None if it is that of the earlier one.
        columns: one for each column; none where the earlier table begins the later one.
    """

    before_rows: int
    rows: int
    schema: bytes | None
    columns: Sequence[Stored]

    @classmethod
    def of(cls, before: pa.Table, now: pa.Table, columns: Sequence[Stored]) -> Recipe:
        """The recipe for a later table.

        Args:
            before, now: both tables.
            columns: how each column is stored.
        """
        same = now.schema.equals(before.schema, check_metadata=True)
        schema = None if same else now.schema.serialize().to_pybytes()
        return cls(before.num_rows, now.num_rows, schema, columns)

    def attached(self, table: pa.Table) -> pa.Table:
        """A part with this recipe as its only metadata."""
        columns = [[KINDS.index(each.kind), each.group, each.other] for each in self.columns]
        content = {
            "version": VERSION,
            "before_rows": self.before_rows,
            "rows": self.rows,
            "columns": columns,
        }
        metadata = {_RECIPE_KEY: json.dumps(content, separators=(",", ":")).encode()}
        if self.schema is not None:
            metadata[_SCHEMA_KEY] = self.schema
        return table.replace_schema_metadata(metadata)

    @classmethod
    def read(cls, part: pa.Table) -> Recipe:
        """The recipe of a part, every value of it checked.

        Raises:
            CheckpointError: there is none, or it is damaged or of another version.
        """
        metadata = part.schema.metadata or {}
        text = metadata.get(_RECIPE_KEY)
        if text is None or len(text) > _MOST_BYTES:
            raise CheckpointError("stored difference: no recipe in the metadata of its first part")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CheckpointError("stored difference: its recipe is not JSON") from error
        version = content.get("version") if isinstance(content, dict) else None
        if version != VERSION:
            raise CheckpointError(
                f"stored difference: version {version!r}, this planwise reads {VERSION}"
            )
        before_rows, rows, columns = (content.get(k) for k in ("before_rows", "rows", "columns"))
        if not (_is_count(before_rows) and _is_count(rows) and isinstance(columns, list)):
            raise CheckpointError("stored difference: its recipe has values of the wrong type")
        return cls(before_rows, rows, metadata.get(_SCHEMA_KEY), [_stored(c) for c in columns])

    def schema_after(self, before: pa.Table) -> pa.Schema:
        """The schema of the later table.

        Args:
            before: the earlier table.

        Raises:
            CheckpointError: it is not one with the columns of the earlier table.
            pyarrow.ArrowException: it is not a schema.
        """
        import pyarrow as pa

        if self.schema is None:
            return before.schema
        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        if schema.names != before.schema.names or schema.types != before.schema.types:
            raise CheckpointError(
                "stored difference: it was made from a table with other columns than this one"
            )
        return schema


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _stored(entry: Any) -> Stored:
    if (
        not isinstance(entry, list)
        or len(entry) != 3
        or not all(type(value) is int for value in entry)
        or not 0 <= entry[0] < len(KINDS)
        or not EVERY <= entry[1] < _MOST_BYTES
        or not -1 <= entry[2] < _MOST_BYTES
        or (entry[2] >= 0) != (KINDS[entry[0]] in FROM_ANOTHER)
    ):
        raise CheckpointError(f"stored difference: its recipe says {entry!r} of a column")
    return Stored(KINDS[entry[0]], *entry[1:])
