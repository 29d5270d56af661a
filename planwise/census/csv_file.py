"""Reading a census from CSV: text only, no guessing of types, true line numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

from planwise.census.csv_header import DELIMITERS, check_bytes, read_header
from planwise.census.files import LONGEST_CELL, SOURCE_LINE
from planwise.errors import CensusError

_BLOCK = 8 << 20  # bytes parsed at once: also the longest row that can be read
# Put behind the last row: if a quote is still open there, it comes back inside a cell. The files
# themselves cannot hold it, because NUL bytes are refused.
_END = "\x00"


class CsvFile:
    """A CSV file; the delimiter is the one that makes sense of the header."""

    place: Literal["line", "row"] = "line"

    def __init__(self, path: Path) -> None:
        self._path = path
        checked = check_bytes(path)
        self._has_quotes = checked.has_quotes
        self._needs_newline = not checked.ends_with_newline
        self._size = checked.size
        header = read_header(path)
        self.headers: Sequence[str] = header.names
        self._delimiter = header.delimiter
        self._offset = header.end
        self._next_line = header.lines + 1
        name = DELIMITERS[header.delimiter]
        self.notes: Sequence[str] = (
            () if header.delimiter == "," else (f"read with the {name} as delimiter",)
        )

    def batches(self, positions: Mapping[str, int]) -> Iterator[Any]:
        """See :class:`planwise.census.files.CensusFile`."""
        import pyarrow
        import pyarrow.csv

        width = len(self.headers)
        names = [f"c{position}" for position in range(width)]
        # Cells of unused columns matter only for the line breaks in them.
        wanted = names if self._has_quotes else [names[p] for p in sorted(positions.values())]
        if names[0] not in wanted:
            wanted = [names[0], *wanted]
        odd: list[Any] = []

        def note(row: Any) -> str:
            if len(odd) < 1000:
                odd.append(row)
            return "skip"

        with self._path.open("rb") as file:
            file.seek(self._offset)
            cut = self._needs_newline and self._offset < self._size
            end = ("\n" if cut else "") + _END + self._delimiter * (width - 1)
            try:
                reader = pyarrow.csv.open_csv(
                    pyarrow.PythonFile(_WithEnd(file, end.encode()), mode="r"),
                    read_options=pyarrow.csv.ReadOptions(
                        column_names=names, block_size=_BLOCK, use_threads=False
                    ),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter=self._delimiter,
                        newlines_in_values=self._has_quotes,
                        ignore_empty_lines=False,
                        invalid_row_handler=note,
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        include_columns=wanted,
                        column_types={name: pyarrow.string() for name in names},
                        null_values=[],
                        strings_can_be_null=False,
                    ),
                )
            except pyarrow.ArrowInvalid as error:  # it parses the first block already
                raise self._unreadable(error, self._next_line) from None
            yield from self._numbered(reader, odd, positions)

    def _numbered(
        self, reader: Any, odd: Sequence[Any], positions: Mapping[str, int]
    ) -> Iterator[Any]:
        import pyarrow

        line, done, ended = self._next_line, 0, False
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                break
            except pyarrow.ArrowInvalid as error:
                raise self._unreadable(error, line) from None
            breaks = self._line_breaks(batch)
            lines = _line_numbers(line, batch.num_rows, breaks)
            if odd and odd[0].number <= done + batch.num_rows + 1:
                before = odd[0].number - done - 1
                at = lines[before].as_py() if before < batch.num_rows else None
                raise self._ragged(odd, at or line + batch.num_rows + _sum(breaks))
            done += batch.num_rows
            if done and batch.num_rows:
                last = batch.num_rows - 1
                if batch.column("c0")[last].as_py() == _END:
                    ended = True
                    batch, lines = batch.slice(0, last), lines.slice(0, last)
                elif _holds_end(batch, last):
                    raise self._open_quote(lines[last].as_py())
            line += batch.num_rows + _sum(breaks)
            yield pyarrow.RecordBatch.from_arrays(
                [lines, *(batch.column(f"c{p}") for p in positions.values())],
                names=[SOURCE_LINE, *positions],
            )
        if odd:
            raise self._ragged(odd, line)
        if not ended:
            raise self._open_quote(line)

    def _line_breaks(self, batch: Any) -> Any:
        """How many line breaks the cells of each row hold; None when no cell can."""
        if not self._has_quotes:
            return None
        import pyarrow
        import pyarrow.compute as pc

        total = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int64()), batch.num_rows)
        for column in batch.columns:
            for sign, plus in (("\n", 1), ("\r", 1), ("\r\n", -1)):
                count = pc.cast(pc.count_substring(column, sign), pyarrow.int64())
                total = pc.add(total, pc.multiply(count, plus))
        return total

    def _ragged(self, odd: Sequence[Any], line: int) -> CensusError:
        first = odd[0]
        if _END in (first.text or ""):
            return self._open_quote(line)
        others = f" (and {len(odd) - 1} more such rows)" if len(odd) > 1 else ""
        return CensusError(
            f"{self._path}: line {line} has {first.actual_columns} cells, the header "
            f"{first.expected_columns}{others}; put cells that hold a "
            f"{DELIMITERS[self._delimiter]} or a line break in double quotes"
        )

    def _open_quote(self, line: int) -> CensusError:
        return CensusError(
            f"{self._path}: a double quote opened in the row that starts at line {line} is never "
            f"closed; close it, or double it inside a quoted cell"
        )

    def _unreadable(self, error: Exception, line: int) -> CensusError:
        if "straddling" in str(error) or "block" in str(error):
            return CensusError(
                f"{self._path}: a row after line {line - 1} is longer than {_BLOCK >> 20} MiB; a "
                f"double quote is probably opened there and never closed (cells may hold up to "
                f"{LONGEST_CELL:,} characters)"
            )
        return CensusError(f"{self._path}: not a CSV file after line {line - 1}; export it again")


class _WithEnd:
    """A binary file with a few bytes behind its end, for a reader that wants one file."""

    def __init__(self, file: BinaryIO, end: bytes) -> None:
        self._file = file
        self._end = end
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if not data:
            data, self._end = self._end, b""
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _line_numbers(first: int, rows: int, breaks: Any) -> Any:
    """Line number of each of ``rows`` rows, the first of which starts on line ``first``."""
    import pyarrow
    import pyarrow.compute as pc

    ones = pyarrow.repeat(pyarrow.scalar(1, pyarrow.int64()), rows)
    lengths = ones if breaks is None else pc.add(ones, breaks)
    return pc.add(pc.subtract(pc.cumulative_sum(lengths), lengths), first)


def _sum(breaks: Any) -> int:
    import pyarrow.compute as pc

    return 0 if breaks is None else (pc.sum(breaks).as_py() or 0)


def _holds_end(batch: Any, row: int) -> bool:
    return any(_END in column[row].as_py() for column in batch.columns)
