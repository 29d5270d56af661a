"""What is looked at before a CSV file is parsed: its bytes, its header, its delimiter."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from planwise.census.headers import recognised
from planwise.errors import CensusError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_CHUNK = 4 << 20
_LONGEST_HEADER = 1 << 20
_PHYSICAL_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")


@attrs.frozen
class CheckedBytes:
    """What was found out about a file of clean UTF-8.

    Attributes:
        has_quotes: whether there is a double quote anywhere, so that cells may hold line breaks.
        ends_with_newline: whether its last line is ended.
        size: in bytes.
    """

    has_quotes: bool
    ends_with_newline: bool
    size: int


def check_bytes(path: Path) -> CheckedBytes:
    """Read the file once for what no parser should meet: bytes that are not UTF-8, and NUL.

    Raises:
        CensusError: there is such a byte; its line and place are named.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    read, lines, quotes, last = 0, 1, False, b""
    try:
        with path.open("rb") as file:
            while True:
                chunk = file.read(_CHUNK)
                held = len(decoder.getstate()[0])
                nul = chunk.find(0)
                if nul >= 0:
                    raise CensusError(
                        f"{path}: line {lines + _newlines(chunk[:nul])} holds a NUL byte (byte "
                        f"{read + nul + 1} of the file); export it again as 'CSV UTF-8'"
                    )
                try:
                    decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    at = error.start - held
                    raise CensusError(
                        f"{path}: line {lines + _newlines(chunk[: max(at, 0)])} is not UTF-8 "
                        f"(byte {read + at + 1} of the file is 0x{error.object[error.start]:02x}); "
                        f"save it as 'CSV UTF-8', or convert it: iconv -f WINDOWS-1252 -t UTF-8"
                    ) from None
                if not chunk:
                    break
                read += len(chunk)
                lines += _newlines(chunk)
                quotes = quotes or b'"' in chunk
                last = chunk[-1:]
    except OSError as error:
        raise CensusError(
            f"{path}: cannot be read ({error.strerror}); copy it and try again"
        ) from error
    return CheckedBytes(has_quotes=quotes, ends_with_newline=last in (b"\n", b"\r"), size=read)


def _newlines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


@attrs.frozen
class Header:
    """The header of a CSV file.

    Attributes:
        names: its cells.
        delimiter: what separates them.
        end: the byte at which the rows begin.
        lines: physical lines up to there, blank ones before the header included.
    """

    names: tuple[str, ...]
    delimiter: str
    end: int
    lines: int


def read_header(path: Path) -> Header:
    """Read the header with the delimiter that gives the most known names, then the most names.

    Raises:
        CensusError: there is none, or it is no header.
    """
    with path.open("rb") as file:
        start = file.read(_LONGEST_HEADER)
    skipped = 3 if start.startswith(codecs.BOM_UTF8) else 0
    blank_lines = 0
    while skipped < len(start):
        line = _PHYSICAL_LINE.match(start, skipped)
        if line is None or line.group().strip():
            break
        skipped, blank_lines = line.end(), blank_lines + 1
    if skipped >= len(start):
        raise CensusError(f"{path}: has no header; expected one and one row for each person")
    tries = [
        header
        for delimiter in DELIMITERS
        if (header := _header_with(start, skipped, blank_lines, delimiter)) is not None
    ]
    if not tries:
        raise CensusError(
            f"{path}: line {blank_lines + 1} is no header: a quote is not closed, or the line is "
            f"longer than 1 MiB; expected the names of the columns"
        )
    return max(tries, key=lambda header: (recognised(header.names), len(header.names)))


def _header_with(start: bytes, begin: int, blank_lines: int, delimiter: str) -> Header | None:
    ends: list[int] = []

    def lines() -> Iterator[str]:
        for match in _PHYSICAL_LINE.finditer(start, begin):
            ends.append(match.end())
            yield match.group().decode("utf-8", errors="replace")

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        names = next(reader)
    except (csv.Error, StopIteration):
        return None
    if len(start) == _LONGEST_HEADER and ends[-1] == _LONGEST_HEADER:
        return None
    return Header(
        names=tuple(name.strip() for name in names),
        delimiter=delimiter,
        end=ends[-1],
        lines=blank_lines + len(ends),
    )
