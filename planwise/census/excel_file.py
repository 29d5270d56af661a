"""Reading a census from an Excel workbook, cell by cell as the format demands."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from planwise.census.files import SOURCE_LINE
from planwise.census.headers import safe_header
from planwise.errors import CensusError
from planwise.interruption import stop_if_asked

_ROWS = 50_000
_LARGEST_UNPACKED = 2 << 30
_RATES = ("deferral_rate", "roth_rate")


class ExcelFile:
    """A sheet of a workbook: the one called 'census', else the first that is visible."""

    place: Literal["line", "row"] = "row"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.notes: Sequence[str] = ()
        with self._sheet() as sheet:
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                if any(value is not None for value in row):
                    names = [_text(value).strip() for value in row]
                    while names and not names[-1]:
                        names.pop()
                    self.headers: Sequence[str] = tuple(names)
                    self._header_row = number
                    return
            raise CensusError(
                f"{path}: the sheet '{safe_header(sheet.title)}' is empty; expected a header and "
                f"one row for each person"
            )

    def batches(self, positions: Mapping[str, int]) -> Iterator[Any]:
        """See :class:`planwise.census.files.CensusFile`."""
        rows: list[list[str | int]] = []
        blank: list[list[str | int]] = []
        with self._sheet() as sheet:
            cells = sheet.iter_rows(min_row=self._header_row + 1)
            for number, row in enumerate(cells, start=self._header_row + 1):
                stop_if_asked()
                texts: list[str | int] = [number]
                texts += [_cell(row, position, field) for field, position in positions.items()]
                if not any(texts[1:]):
                    blank.append(texts)
                    continue
                # Blank rows count only between others: sheets are formatted far below their end.
                rows += blank
                blank = []
                rows.append(texts)
                if len(rows) >= _ROWS:
                    yield _batch(rows, positions)
                    rows = []
        if rows:
            yield _batch(rows, positions)

    @contextmanager
    def _sheet(self) -> Iterator[Any]:
        import openpyxl

        try:
            self._refuse_bomb()
            book = openpyxl.load_workbook(
                self._path, read_only=True, data_only=True, keep_links=False
            )
            try:
                sheet = self._choose(book)
                # The size that a file declares for its sheet is often wrong.
                sheet.reset_dimensions()
                yield sheet
            finally:
                book.close()
        except CensusError:
            raise
        except Exception as error:  # of a damaged file openpyxl raises whatever it stumbles over
            raise CensusError(
                f"{self._path}: is not an Excel workbook (.xlsx), or damaged; open it and save it "
                f"again, or export it as CSV UTF-8"
            ) from error

    def _refuse_bomb(self) -> None:
        with zipfile.ZipFile(self._path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > _LARGEST_UNPACKED:
            raise CensusError(
                f"{self._path}: unpacks to {unpacked >> 20:,} MiB, more than a workbook of people "
                f"needs; export it as CSV UTF-8"
            )

    def _choose(self, book: Any) -> Any:
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not sheets:
            raise CensusError(f"{self._path}: has no visible sheet; expected one with the census")
        named = [sheet for sheet in sheets if sheet.title.strip().casefold() == "census"]
        sheet = (named or sheets)[0]
        if len(sheets) > 1:
            self.notes = (f"read the sheet '{safe_header(sheet.title)}' of {len(sheets)}",)
        return sheet


def _batch(rows: Sequence[Sequence[str | int]], positions: Mapping[str, int]) -> Any:
    import pyarrow

    columns = list(zip(*rows, strict=True))
    return pyarrow.RecordBatch.from_arrays(
        [
            pyarrow.array(columns[0], pyarrow.int64()),
            *(pyarrow.array(column, pyarrow.string()) for column in columns[1:]),
        ],
        names=[SOURCE_LINE, *positions],
    )


def _cell(row: Sequence[Any], position: int, field: str) -> str:
    if position >= len(row):
        return ""
    cell = row[position]
    value = cell.value
    if (
        field in _RATES
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and "%" in (cell.number_format or "")
    ):
        # A cell that shows 6% holds 0.06: what is shown is what the rest of the column means.
        return f"{(Decimal(repr(value)) * 100).normalize():f}%"
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
