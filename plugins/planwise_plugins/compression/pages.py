"""Headers of Parquet's pages: whether a column of texts is stored as plainly as its footer says.

Texts that are plain take at least their own bytes in the file, so that reading them is bounded.
Those that are stored by prefix are not, and a footer may lie about which they are: it is the page's
own header that the reader goes by.
"""

from __future__ import annotations

import re
from typing import Any, Final

from planwise.api import CheckpointError

_DATA_PAGE, _PLAIN = 0, 0
_WRITER: Final = re.compile(r"parquet-cpp-arrow version (\d+)\.")
_FIRST_VERSION: Final = 18
_BOOLEANS: Final = (1, 2)
_INTEGERS: Final = (3, 4, 5, 6)
_BINARY, _STRUCT = 8, 12
_DEEPEST: Final = 4
_MOST_HEADER: Final = 1024


def plain_bytes(encoded: bytes, footer: Any, number: int) -> int:
    """The bytes of a column's pages, all of which have to be plain.

    Args:
        encoded: the file.
        footer: its metadata.
        number: of the column.

    Raises:
        CheckpointError: one is not, or they cannot be followed.
    """
    writer = _WRITER.match(footer.created_by or "")
    if writer is None or int(writer[1]) < _FIRST_VERSION:
        # Of files by older writers, Arrow reads some bytes more than the footer says.
        raise CheckpointError(f"stored state: a Parquet file by {footer.created_by!r}")
    total = 0
    for group in range(footer.num_row_groups):
        chunk = footer.row_group(group).column(number)
        at = chunk.data_page_offset
        end = at + chunk.total_compressed_size
        if not 0 < at <= end <= len(encoded):
            raise CheckpointError("stored state: a column's pages are outside its Parquet file")
        while at < end:
            header, at = _Header(encoded, at, min(end, at + _MOST_HEADER)).read()
            size, data = header.get(3), header.get(5)
            plain = header.get(1) == _DATA_PAGE and header.get(2) == size
            if not plain or not isinstance(data, dict) or data.get(2) != _PLAIN:
                raise CheckpointError(
                    f"stored state: column '{chunk.path_in_schema}' has a page that is not plain, "
                    "which planwise does not write"
                )
            if not isinstance(size, int) or not 0 <= size <= end - at:
                raise CheckpointError("stored state: a Parquet page that is cut short")
            at += size
            total += size
    return total


class _Header:
    """One header, in Thrift's compact protocol: numbers and structures of such, by field."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data, self._at, self._end = data, at, end

    def read(self) -> tuple[dict[int, Any], int]:
        """The header, and where what follows it starts."""
        return self._structure(0), self._at

    def _byte(self) -> int:
        if self._at >= self._end:
            raise CheckpointError("stored state: the header of a Parquet page is cut short")
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise CheckpointError("stored state: the header of a Parquet page holds no number")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _structure(self, depth: int) -> dict[int, Any]:
        found: dict[int, Any] = {}
        field = 0
        while byte := self._byte():
            field = field + (byte >> 4) if byte >> 4 else self._integer()
            kind = byte & 0x0F
            if kind in _BOOLEANS:
                found[field] = kind == 1
            elif kind in _INTEGERS:
                found[field] = self._integer()
            elif kind == _BINARY:  # a statistic
                self._at += self._varint()
            elif kind == _STRUCT and depth < _DEEPEST:
                found[field] = self._structure(depth + 1)
            else:
                raise CheckpointError("stored state: the header of a Parquet page is not known")
        return found
