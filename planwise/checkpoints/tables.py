"""What is handed to a store and comes back from it: the rows of one table of a year's state."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen


@frozen
class YearTable:
    """One table of a finished year's state.

    Attributes:
        relation: schema and identifier.
        year: the year that finished.
        table: a ``pyarrow.Table``. Typed loosely, so that naming this type costs no import.
        types: DuckDB's type of each column, as DESCRIBE words it: Arrow's say less.
        added: whether `table` holds only the rows that the year added to what the year before had.
        digest: a fingerprint of the rows in `table` that depends on no order; the store keeps it
            and knows nothing of it. Empty where nobody gave one, and where a table was put
            together of several years' rows.
    """

    relation: tuple[str, str]
    year: int
    table: Any = field(repr=False)
    types: tuple[str, ...]
    added: bool = False
    digest: str = ""

    @property
    def name(self) -> str:
        """``schema.identifier``."""
        return ".".join(self.relation)


@frozen
class StoredShape:
    """What is known of a stored table without reading it.

    Attributes:
        rows: of the whole table.
        columns: name and DuckDB's type of each.
    """

    rows: int
    columns: tuple[tuple[str, str], ...]
