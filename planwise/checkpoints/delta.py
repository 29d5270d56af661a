"""A state as its difference from the state of the year before, exact to the bit and the row order.

Most people stay, and most of what is known of them stays or moves in step: what is stored is which
earlier row each row was, and of each column only what no earlier row holds. A difference is a few
tables, so that whatever stores tables stores it:

``rows``   one row for each row: how many earlier rows lie between the one that this row was and the
           one that the row above was; NULL for a row that is new
``new``    the new rows, without the columns of ``whole``
``marks``  which of the rows that are not new hold another value: a column for each such set of rows
``all``    columns of which every row that is not new is stored, as values or as steps
``some0``… columns that differ in the rows of ``marks``' column 0…, as values or as steps
``whole``  columns of nested and other types that have no bits of their own, stored as they are
``grown``  alone: the rows that follow, where the earlier table is the beginning of the later one

A step is the later value less the earlier one, in the wrapping arithmetic of its width. From
either, the value of another column of the row may be taken as well: what was credited grows by the
match of the year, the pay of a year is near the rate of pay. What a reader has to know beside the
tables is JSON in the metadata of ``rows`` or ``grown``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from planwise.checkpoints.column_bits import (
    as_integers,
    bits_of_a_value,
    carrier,
    changed,
    reinterpret,
    same_bytes,
    storage,
    whole,
)
from planwise.checkpoints.delta_rebuild import rebuilt
from planwise.checkpoints.delta_recipe import EVERY, FROM_ANOTHER, Recipe, Stored
from planwise.checkpoints.row_matching import matches
from planwise.errors import CheckpointError

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_ROWS: Final = 1000
"""Of a smaller table, the parts' own headers are what takes the space."""

MOST_SHARE: Final = 0.7
"""A difference that is about that much of the whole, or more, is not worth its second table."""

_LEAST_MATCHED: Final = 0.25
_MOST_ROWS: Final = (1 << 31) - 1
_MOST_TEXT_BYTES: Final = (1 << 31) - 1
_LEAST_BEGINNING: Final = 0.2
_SAMPLE: Final = 2048
_LEAST_GAIN: Final = 2.0
"""Bits a value that another column has to save; a sample tells less apart no more."""


def difference(
    before: pa.Table,
    now: pa.Table,
    *,
    least_rows: int = LEAST_ROWS,
    most_share: float = MOST_SHARE,
) -> Mapping[str, pa.Table] | None:
    """What :func:`reconstruct` needs beside the earlier table to give back the later one.

    Args:
        before: the earlier table.
        now: the later one.
        least_rows: of fewer rows there is no difference.
        most_share: the estimated share of the whole up to which a difference pays.

    Returns:
        Tables by short lower-case name; None if there is no difference or it does not pay: other
        columns, no key that finds the rows again, too much that is new, too few or too many rows.
    """
    import pyarrow as pa

    rows = now.num_rows
    kinds = [storage(kind) for kind in now.schema.types]
    if (
        not kinds
        or now.schema.names != before.schema.names
        or now.schema.types != before.schema.types
        or rows < least_rows
        or not 0 < before.num_rows <= _MOST_ROWS - rows
    ):
        return None
    try:
        old, new = ([whole(column) for column in table.columns] for table in (before, now))
    except CheckpointError:
        return None
    flat = {number: kind for number, kind in enumerate(kinds) if carrier(kind) is not None}
    for number, kind in flat.items():
        old[number], new[number] = (reinterpret(each[number], carrier(kind)) for each in (old, new))
        # Both in one array, as they have to be to be put together, have offsets of 32 bits.
        size = old[number].nbytes + new[number].nbytes
        if size > _MOST_TEXT_BYTES and pa.types.is_binary(carrier(kind)):
            return None
    if rows * _LEAST_BEGINNING <= before.num_rows <= rows and _begins(old, new, flat):
        return {"grown": Recipe.of(before, now, ()).attached(now.slice(before.num_rows))}
    at = matches([old[n] for n in flat], [new[n] for n in flat], _LEAST_MATCHED)
    if at is None:
        return None
    return _Parts(before, now, at, most_share).made(old, new, flat)


def reconstruct(before: pa.Table, parts: Mapping[str, pa.Table]) -> pa.Table:
    """The later table of :func:`difference`.

    Nothing of the parts is believed: shapes, types, positions and offsets are checked first. No
    earlier row and no stored value can be used twice, so the result, and what is allocated on the
    way, is a small multiple of what ``before`` and ``parts`` take together.

    Args:
        before: the same table that the difference was made from.
        parts: what it gave.

    Raises:
        CheckpointError: parts are missing, of another shape, damaged, or of another table.
    """
    import pyarrow as pa

    try:
        return rebuilt(before, parts)
    except (
        *(pa.ArrowException, ValueError, TypeError, KeyError, IndexError),
        *(OverflowError, AttributeError, RecursionError),
    ) as error:
        text = str(error).partition("\n")[0]
        raise CheckpointError(f"stored difference: it cannot be applied: {text}") from error


def _begins(
    old: Sequence[pa.Array], new: Sequence[pa.Array], flat: Mapping[int, pa.DataType]
) -> bool:
    """Whether the later table begins with the whole earlier one; the cheap columns first."""
    order = sorted(range(len(old)), key=lambda number: number not in flat)
    for number in order:
        start = new[number].slice(0, len(old[number]))
        alike = old[number].equals(start) if number in flat else same_bytes(old[number], start)
        if not alike:
            return False
    return True


class _Parts:
    """The parts of one difference while they are made."""

    def __init__(self, before: pa.Table, now: pa.Table, at: pa.Array, most_share: float) -> None:
        self._before, self._now, self._at, self._most_share = before, now, at, most_share
        self._marks: dict[bytes, tuple[int, pa.Array]] = {}
        self._groups: dict[int, dict[str, pa.Array]] = {}
        self._later: dict[int, pa.Array] = {}
        self._spent = self._whole = 0.0

    def made(
        self, old: Sequence[pa.Array], new: Sequence[pa.Array], flat: Mapping[int, pa.DataType]
    ) -> Mapping[str, pa.Table] | None:
        """All parts; None if they do not pay."""
        import pyarrow as pa
        import pyarrow.compute as pc

        valid, positions = self._at.is_valid(), self._at.drop_null()
        steps = _steps(self._at)
        # No row is used twice: as many as there are, and none passed over, are all in their order.
        moved = len(positions) != self._before.num_rows or pc.any(pc.not_equal(steps, 0)).as_py()
        added = self._at.null_count > 0
        columns, odd = [], []
        for number, array in enumerate(new):
            kind = flat.get(number)
            if kind is None:
                columns.append(Stored("whole"))
                odd.append(number)
                continue
            earlier = old[number].take(positions) if moved else old[number]
            later = array.filter(valid) if added else array
            columns.append(self._column(number, kind, earlier, later))
            if not later.null_count and columns[-1].kind not in FROM_ANOTHER:
                integers = as_integers(later, kind)
                if integers is not None:
                    self._later[number] = integers
            self._whole += len(array) * bits_of_a_value(array)
        recipe = Recipe.of(self._before, self._now, columns)
        parts = {"rows": recipe.attached(pa.table({"step": steps}))}
        if added:
            lost = self._at.is_null()
            parts["new"] = pa.table({
                str(number): reinterpret(new[number].filter(lost), kind)
                for number, kind in flat.items()
            })  # fmt: skip
            self._spent += self._at.null_count / len(self._at) * self._whole
        if self._spent > self._most_share * self._whole:
            return None
        if odd:
            parts["whole"] = self._now.select(odd).replace_schema_metadata(None)
        if self._marks:
            parts["marks"] = pa.table({str(n): marks for n, marks in self._marks.values()})
        for group, arrays in self._groups.items():
            parts["all" if group < 0 else f"some{group}"] = pa.table(arrays)
        return parts

    def _column(self, number: int, kind: pa.DataType, old: pa.Array, new: pa.Array) -> Stored:
        """Store what differs in one column, in the way that is likely the smallest."""
        differ = changed(old, new)
        if differ is None:
            return Stored("same")
        count = differ.true_count
        mark_bits = 0.0 if _key(differ) in self._marks else float(len(new))
        some_new, some_steps = self._ways(kind, old.filter(differ), new.filter(differ))
        all_new, all_steps = self._ways(kind, old, new)
        some = mark_bits + count * min(some_new[0], some_steps[0])
        every = len(new) * min(all_new[0], all_steps[0])
        group = EVERY if every < some else self._group(differ)
        values, steps = (all_new, all_steps) if group == EVERY else (some_new, some_steps)
        stored, array = self._beside(kind, Stored("", group), values, steps, differ)
        self._spent += min(some, every)
        if array is None:
            stepped = steps[0] < values[0]
            array = steps[1] if stepped else reinterpret(values[1], kind)
            stored = Stored("steps" if stepped else "values", group)
        self._groups.setdefault(group, {})[str(number)] = array
        return stored

    def _beside(
        self,
        kind: pa.DataType,
        stored: Stored,
        values: tuple[float, pa.Array],
        steps: tuple[float, pa.Array],
        differ: pa.Array,
    ) -> tuple[Stored, pa.Array | None]:
        """The same from the column that it goes with: a running total, pay for part of a year."""
        import pyarrow as pa
        import pyarrow.compute as pc

        best = min(values[0], steps[0]) - _LEAST_GAIN
        integers = as_integers(values[1], kind)
        if best < _LEAST_GAIN or integers is None:
            return stored, None
        if stored.group == EVERY:
            rows = pa.array(range(*slice(0, _SAMPLE).indices(len(integers))), pa.int64())
        else:
            rows = pc.indices_nonzero(differ).slice(0, _SAMPLE)
        ways = {"beside": integers}
        if steps[0] < math.inf:
            ways["sums"] = steps[1]
        for other, later in self._later.items():
            if later.type != integers.type:
                continue
            there = later.take(rows)
            for way, array in ways.items():
                bits = bits_of_a_value(pc.subtract(array.slice(0, _SAMPLE), there))
                if bits < best:
                    best, stored = bits, Stored(way, stored.group, other)
        if stored.other < 0:
            return stored, None
        later = self._later[stored.other]
        later = later if stored.group == EVERY else later.filter(differ)
        return stored, pc.subtract(ways[stored.kind], later)

    @staticmethod
    def _ways(
        kind: pa.DataType, old: pa.Array, new: pa.Array
    ) -> tuple[tuple[float, pa.Array], tuple[float, pa.Array]]:
        """Values and steps, each with its bits a value; of infinitely many if it cannot be."""
        import pyarrow.compute as pc

        values = (bits_of_a_value(new), new)
        if old.null_count != new.null_count or not old.is_valid().equals(new.is_valid()):
            return values, (float("inf"), new)
        integers = [as_integers(each, kind) for each in (old, new)]
        if any(each is None for each in integers):
            return values, (float("inf"), new)
        steps = pc.subtract(integers[1], integers[0])
        return values, (bits_of_a_value(steps), steps)

    def _group(self, differ: pa.Array) -> int:
        number, _ = self._marks.setdefault(_key(differ), (len(self._marks), differ))
        return number


def _key(marks: pa.Array) -> bytes:
    """What two sets of marks have in common if they are the same."""
    import hashlib

    import pyarrow.compute as pc

    # Through a computed copy: bits beyond the length, and an offset, would tell equal ones apart.
    return hashlib.sha256(pc.cast(marks, "int8").buffers()[1]).digest()


def _steps(at: pa.Array) -> pa.Array:
    """Rows passed over between a row's earlier position and that of the row above."""
    import pyarrow as pa
    import pyarrow.compute as pc

    positions = at.drop_null()
    above = pa.concat_arrays([pa.array([-1], pa.int32()), positions.slice(0, len(positions) - 1)])
    steps = pc.subtract(pc.subtract(positions, above), pa.scalar(1, pa.int32()))
    if not at.null_count:
        return steps
    return pc.replace_with_mask(pa.nulls(len(at), pa.int32()), at.is_valid(), steps)
