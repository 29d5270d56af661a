"""Which row of an earlier table a row of a later one is: by the columns that identify it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE: Final = 4096
_LEADING: Final = 6
"""Of how many columns pairs and triples are tried: a key of several columns leads its table."""

_MOST_TRIALS: Final = 12
_MOST_CODES: Final = 1 << 62


def matches(before: Sequence[pa.Array], now: Sequence[pa.Array], least: float) -> pa.Array | None:
    """For each later row the position of the earlier one with the same key; null without one.

    The key is the smallest set of columns that tells all earlier rows apart and finds enough of
    the later ones. Which one it is matters for the size of a difference only: what is stored is
    the positions.

    Args:
        before, now: the columns of both tables, of the same plain types.
        least: the share of the later rows that has to be found.

    Returns:
        Positions as int32, none of them twice; None if there is no such key.
    """
    import pyarrow.compute as pc

    codes = _Codes(before, now)
    trials = 0
    for key in _keys(codes):
        if not codes.tell_apart(key, sample=True):
            continue
        trials += 1
        if trials > _MOST_TRIALS:
            return None
        if not codes.tell_apart(key, sample=False):
            continue
        found = codes.found(key)
        matched = len(found) - found.null_count
        if matched >= least * len(found) and pc.count_distinct(found).as_py() == matched:
            return found
    return None


def _keys(codes: _Codes) -> Iterator[tuple[int, ...]]:
    """Sets of columns, the smallest first; made as they are asked for."""
    usable = codes.usable()
    yield from ((number,) for number in usable)
    varying = (number for number in usable if codes.different(number) > 1)
    leading = list(islice(varying, _LEADING))
    yield from combinations(leading, 2)
    yield from combinations(leading, 3)


class _Codes:
    """Keys of one or several columns as one column each."""

    def __init__(self, before: Sequence[pa.Array], now: Sequence[pa.Array]) -> None:
        self._before, self._now = before, now
        self._encoded: dict[int, tuple[pa.Array, pa.Array, int]] = {}

    def usable(self) -> list[int]:
        """Columns of integers or bytes without NULL."""
        import pyarrow as pa

        is_ = pa.types
        tests = (is_.is_integer, is_.is_binary, is_.is_large_binary, is_.is_fixed_size_binary)
        return [
            number
            for number, (old, new) in enumerate(zip(self._before, self._now, strict=True))
            if any(test(old.type) for test in tests) and not (old.null_count or new.null_count)
        ]

    def different(self, number: int) -> int:
        """How many different values a column has in the earlier table."""
        return self._codes_of(number)[2]

    def tell_apart(self, key: tuple[int, ...], *, sample: bool) -> bool:
        """Whether no two earlier rows, or no two of the first ones, have the same key."""
        if len(key) == 1:
            column = self._before[key[0]]
        else:
            column = self._combined(key, 0)
            if column is None:
                return False
        column = column.slice(0, _SAMPLE) if sample else column
        return len(column.unique()) == len(column)

    def found(self, key: tuple[int, ...]) -> pa.Array:
        """The position of each later row's key among the earlier ones."""
        import pyarrow.compute as pc

        if len(key) == 1:
            old, new = self._before[key[0]], self._now[key[0]]
        else:
            old, new = self._combined(key, 0), self._combined(key, 1)
        return pc.index_in(new, value_set=old, skip_nulls=True)

    def _combined(self, key: tuple[int, ...], which: int) -> pa.Array | None:
        import pyarrow.compute as pc

        total, size = None, 1
        for number in key:
            *both, different = self._codes_of(number)
            size *= different
            if size > _MOST_CODES:
                return None
            codes = both[which]
            total = codes if total is None else pc.add(pc.multiply(total, different), codes)
        return total

    def _codes_of(self, number: int) -> tuple[pa.Array, pa.Array, int]:
        import pyarrow as pa
        import pyarrow.compute as pc

        if number not in self._encoded:
            values = self._before[number].unique()
            old, new = (
                pc.index_in(each, value_set=values).cast(pa.int64())
                for each in (self._before[number], self._now[number])
            )
            self._encoded[number] = old, new, len(values)
        return self._encoded[number]
