"""Excel workbooks: numbers that are numbers, dates that are dates, text that is never a formula.

While one is made, Ctrl-C takes effect between two rows, or two pieces of the file: openpyxl has a
bare ``except`` around the values of its cells, which makes another error of it.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from planwise.analysis.figures import exact_decimal
from planwise.errors import UsageError
from planwise.interruption import HeldSignals, signals_held

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its header."""
MOST_SIGNS: Final = 32_767
"""Characters of a cell."""

COUNT: Final = "#,##0"
MONEY: Final = "#,##0.00"
PERCENT: Final = "0.00 %"
EXACT_PERCENT: Final = "0.000 %"
MULTIPLIER: Final = "0.00###"
DATE: Final = "yyyy-mm-dd"
PLAIN: Final = "General"

_DIGITS: Final = 15
_READ_AS_OTHER: Final = ("=", "#")
"""Beginnings of text that openpyxl would take for a formula or an error."""

# What XML has no sign for, and a carriage return, which XML readers turn into a line feed.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ESCAPE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
# Excel takes 1900 for a leap year: before this day its dates are a day off, or none at all.
_FIRST_DAY: Final = datetime.date(1900, 3, 1)


@frozen
class Cell:
    """A value with the number format that it is shown in."""

    value: Any
    number_format: str = PLAIN


def money_cell(cents: int | None) -> Cell:
    """Cents as currency units; empty for None."""
    return Cell(None if cents is None else exact_decimal(cents, 2), MONEY)


def rate_cell(rate_e5: int | None, number_format: str = PERCENT) -> Cell:
    """Units of 1e-5 as a percentage; empty for None."""
    return Cell(None if rate_e5 is None else exact_decimal(rate_e5, 5), number_format)


def count_cell(count: int | None) -> Cell:
    """A whole number with separators; empty for None."""
    return Cell(count, COUNT)


class Sheet:
    """A sheet that is written row by row; nothing of it is kept in memory.

    Args:
        book: openpyxl's workbook, in its write-only mode.
        title: the sheet's name.
        headings: the header row, which stays in sight.
        widths: of the columns, in characters.
        held: the signals that are held back meanwhile.
    """

    def __init__(
        self,
        book: Any,
        title: str,
        headings: Sequence[str],
        widths: Sequence[int],
        held: HeldSignals,
    ) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter

        self._held = held
        self._cell = WriteOnlyCell
        self._bold = Font(bold=True)
        self._sheet = book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        for number, width in enumerate(widths, start=1):
            self._sheet.column_dimensions[get_column_letter(number)].width = width
        self._sheet.append([self._made(heading, PLAIN, bold=True) for heading in headings])

    def row(self, values: Sequence[Any]) -> None:
        """Add a row.

        Args:
            values: cells, or plain values: text, whole numbers, truth values, dates, None.

        Raises:
            UsageError: a text is longer than a cell may be.
            KeyboardInterrupt: the user stopped it.
        """
        self._held.take()
        self._sheet.append([self._of(value) for value in values])

    def _of(self, value: Any) -> Any:
        if isinstance(value, Cell):
            return None if value.value is None else self._made(value.value, value.number_format)
        if value is None or (isinstance(value, int) and abs(value) < 10**_DIGITS):
            return value
        if isinstance(value, str) and not value.startswith(_READ_AS_OTHER):
            return safe_text(value)  # plain values are written faster than cells
        return self._made(value, DATE if isinstance(value, datetime.date) else PLAIN)

    def _made(self, value: Any, number_format: str, *, bold: bool = False) -> Any:
        if isinstance(value, datetime.date) and value < _FIRST_DAY:
            value, number_format = value.isoformat(), PLAIN
        elif isinstance(value, int | Decimal) and _is_too_long(Decimal(value)):
            value, number_format = f"{value:,}".replace(",", ""), PLAIN
        text = isinstance(value, str)
        cell = self._cell(self._sheet, value=safe_text(value) if text else value)
        if text:
            cell.data_type = "s"  # else "=1+1" is a formula, and "#N/A" an error
        if number_format != PLAIN:
            cell.number_format = number_format
        if bold:
            cell.font = self._bold
        return cell


class Workbook:
    """A workbook to be filled sheet by sheet and then saved; use it as a context manager."""

    def __init__(self) -> None:
        self._book: Any = None
        self._signals = contextlib.ExitStack()
        self._held = HeldSignals()

    def __enter__(self) -> Workbook:
        with contextlib.ExitStack() as stack:
            self._held = stack.enter_context(signals_held())
            import openpyxl

            self._book = openpyxl.Workbook(write_only=True)
            self._signals = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._signals:
            if kind is not None:
                self._abandon()

    def sheet(self, title: str, headings: Sequence[str], widths: Sequence[int]) -> Sheet:
        """Add a sheet; see :class:`Sheet`. The one before is complete then."""
        return Sheet(self._book, title, headings, widths, self._held)

    def save(self, path: Path) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
            KeyboardInterrupt: the user stopped it.
        """
        from openpyxl.writer.excel import ExcelWriter

        now = datetime.datetime.now(tz=datetime.UTC)
        self._book.properties.modified = now.replace(tzinfo=None)
        # Not openpyxl's save(): it leaves the archive open after an error, and Python prints that.
        with (
            _StoppableFile(path, self._held) as stream,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            ExcelWriter(self._book, archive).write_data()

    def _abandon(self) -> None:
        """Close what openpyxl has open; left to Python's end, each failure would be printed."""
        for sheet in self._book.worksheets:
            writer = sheet._writer  # noqa: SLF001  # openpyxl closes only what it saves
            for stream in (sheet._rows, getattr(writer, "xf", None)):  # noqa: SLF001  # as above
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


class _StoppableFile(io.BufferedWriter):
    """A file to which writing can be stopped between two pieces."""

    def __init__(self, path: Path, held: HeldSignals) -> None:
        super().__init__(io.FileIO(path, "wb"))
        self._held = held

    def write(self, data: Any) -> int:
        self._held.take()
        return super().write(data)


def safe_text(text: str) -> str:
    """Text as a cell can hold it: signs that XML lacks are written ``_xHHHH_``, as Excel does.

    Raises:
        UsageError: it is longer than a cell may be; nothing is cut off in silence.
    """
    escaped = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", _ESCAPE.sub("_x005F_", text))
    if len(escaped) > MOST_SIGNS:
        raise UsageError(
            f"a text of {len(text):,} characters: a cell of a workbook holds {MOST_SIGNS:,}; "
            "use --format parquet or csv"
        )
    return escaped


def _is_too_long(value: Decimal) -> bool:
    """Whether a number has more digits than Excel keeps; it would be rounded in silence."""
    return abs(value) >= 10**9 and len(value.as_tuple().digits) > _DIGITS


def column_width(heading: str, values: Sequence[object] = (), *, least: int = 10) -> int:
    """A width that shows a heading and values, within reason."""
    longest = max((len(str(value)) for value in (heading, *values)), default=0)
    return min(max(longest + 2, least), 60)


def cell_value(form: str) -> Any:
    """What makes a cell of a value that DuckDB gives for a column of a form of ``published``."""
    formats = {"money": MONEY, "rate": EXACT_PERCENT}
    chosen = formats.get(form)
    if chosen is None:
        return lambda value: value

    def formatted(value: Decimal | None) -> Cell | None:
        return None if value is None else Cell(value, chosen)

    return formatted
