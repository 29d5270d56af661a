"""Reading a census from Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from planwise.census.files import SOURCE_LINE
from planwise.census.headers import safe_header
from planwise.errors import CensusError

_ROWS = 131_072


class ParquetFile:
    """A Parquet file; row 1 is its first row."""

    place: Literal["line", "row"] = "row"
    notes: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._path = path
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                self.headers: Sequence[str] = tuple(file.schema_arrow.names)
        except Exception as error:  # of a damaged file pyarrow raises whatever it stumbles over
            raise CensusError(
                f"{path}: is not a Parquet file, or cut short or damaged; export it again"
            ) from error

    def batches(self, positions: Mapping[str, int]) -> Iterator[Any]:
        """See :class:`planwise.census.files.CensusFile`."""
        import pyarrow
        import pyarrow.parquet

        headers = [self.headers[position] for position in positions.values()]
        for header in headers:
            if self.headers.count(header) > 1:
                raise CensusError(
                    f"{self._path}: two columns are called '{safe_header(header)}'; rename one"
                )
        first = 1
        try:
            with pyarrow.parquet.ParquetFile(self._path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=_ROWS, columns=headers):
                    numbers = pyarrow.array(range(first, first + batch.num_rows), pyarrow.int64())
                    first += batch.num_rows
                    yield pyarrow.RecordBatch.from_arrays(
                        [numbers, *(self._plain(batch.column(name), name) for name in headers)],
                        names=[SOURCE_LINE, *positions],
                    )
        except CensusError:
            raise
        except Exception as error:
            raise CensusError(
                f"{self._path}: cannot be read after row {first - 1} (damaged, or text that is "
                f"not UTF-8); export it again"
            ) from error

    def _plain(self, column: Any, header: str) -> Any:
        """The column as text, numbers, truth values or dates, whatever it was encoded as."""
        import pyarrow
        import pyarrow.compute as pc

        types = pyarrow.types
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if (
            types.is_binary(column.type)
            or types.is_large_binary(column.type)
            or types.is_string_view(column.type)
        ):
            column = pc.cast(column, pyarrow.large_string())
        if types.is_float16(column.type):
            column = pc.cast(column, pyarrow.float32())
        if types.is_timestamp(column.type) and column.type.tz is not None:
            # The day as its own clock showed it; DuckDB would shift it to this machine's.
            column = pc.local_timestamp(column)
        kind = column.type
        if not (
            types.is_string(kind)
            or types.is_large_string(kind)
            or types.is_integer(kind)
            or types.is_floating(kind)
            or types.is_decimal(kind)
            or types.is_boolean(kind)
            or types.is_date(kind)
            or types.is_timestamp(kind)
            or types.is_null(kind)
        ):
            raise CensusError(
                f"{self._path}: the column '{safe_header(header)}' is of type {kind}; "
                f"expected text, numbers or dates"
            )
        # Text in Parquet is not checked when it is read, and DuckDB must not meet broken UTF-8.
        column.validate(full=True)
        return column
