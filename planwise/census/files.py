"""Opening a census file: the checks before it is read, and the reader for its format."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from planwise.errors import CensusError

if TYPE_CHECKING:
    import pyarrow

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PARQUET_SUFFIXES = (".parquet", ".pq")
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
SOURCE_LINE = "source_line"

# Longer than any honest cell; a longer one is a quote never closed, or an attack.
LONGEST_CELL = 10_000


class CensusFile(Protocol):
    """A census file that has been opened: its headers are known, its rows not yet read."""

    @property
    def headers(self) -> Sequence[str]:
        """The headers in order; empty where a column has none."""

    @property
    def notes(self) -> Sequence[str]:
        """Sentences about the file as a whole, for the summary."""

    @property
    def place(self) -> Literal["line", "row"]:
        """What a line number counts."""

    def batches(self, positions: Mapping[str, int]) -> Iterator[pyarrow.RecordBatch]:
        """The rows, in order.

        Args:
            positions: field to the position of its column.

        Returns:
            Batches with the columns ``source_line`` (from 1) and one for each field, of
            whatever scalar type the file has.
        """


def open_census_file(path: Path) -> CensusFile:
    """Open a census by its suffix and read its headers.

    Raises:
        CensusError: there is no such file, it cannot be read, it is empty, or it is not what
            its suffix says.
    """
    start = _first_bytes(path)
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        _refuse_other_format(path, start)
        from planwise.census.csv_file import CsvFile

        return CsvFile(path)
    if suffix in PARQUET_SUFFIXES:
        from planwise.census.parquet_file import ParquetFile

        return ParquetFile(path)
    if suffix in EXCEL_SUFFIXES:
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise CensusError(
                f"{path}: protected by a password, or an old .xls file under a new name; "
                f"save it without a password as .xlsx or as CSV UTF-8"
            )
        from planwise.census.excel_file import ExcelFile

        return ExcelFile(path)
    known = ", ".join((*CSV_SUFFIXES, *PARQUET_SUFFIXES, *EXCEL_SUFFIXES))
    if suffix in (".xls", ".xlsb", ".ods", ".numbers"):
        raise CensusError(f"{path}: {suffix} is not read; save it as .xlsx or as CSV UTF-8")
    if suffix in (".gz", ".zip", ".zst", ".bz2", ".xz"):
        raise CensusError(f"{path}: unpack it first; expected a file that ends in {known}")
    raise CensusError(f"{path}: unknown suffix '{suffix}'; expected a file that ends in {known}")


def _first_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CensusError(f"{path}: is a folder; name the census file in it")
        if not stat.S_ISREG(mode):
            raise CensusError(f"{path}: is not a regular file; copy the census to one")
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise CensusError(f"{path}: no such file; check the name of the census") from None
    except PermissionError:
        raise CensusError(f"{path}: may not be read by this user; change its permissions") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CensusError(f"{path!r}: cannot be read ({reason}); check the path") from error
    if not start:
        raise CensusError(f"{path}: is empty; expected a header and one row for each person")
    return start


def _refuse_other_format(path: Path, start: bytes) -> None:
    if start.startswith(b"PAR1"):
        raise CensusError(f"{path}: holds Parquet, not text; rename it to end in .parquet")
    if start.startswith(b"PK\x03\x04"):
        raise CensusError(f"{path}: holds a zip or Excel file, not text; rename it or unpack it")
    if start.startswith(b"\x1f\x8b"):
        raise CensusError(f"{path}: is compressed; unpack it first")
    for mark, name in (
        (b"\xff\xfe\x00\x00", "UTF-32"),
        (b"\x00\x00\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if start.startswith(mark):
            raise CensusError(
                f"{path}: is written in {name}; save it as 'CSV UTF-8', "
                f"or convert it: iconv -f {name} -t UTF-8"
            )
