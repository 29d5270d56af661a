"""The later table of a difference, from parts of which nothing is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from planwise.checkpoints.column_bits import (
    as_integers,
    carrier,
    check_offsets,
    from_integers,
    reinterpret,
    step_type,
    storage,
    whole,
)
from planwise.checkpoints.delta_recipe import EVERY, FROM_ANOTHER, Recipe
from planwise.errors import CheckpointError

if TYPE_CHECKING:
    import pyarrow as pa


def rebuilt(before: pa.Table, parts: Mapping[str, pa.Table]) -> pa.Table:
    """The later table.

    Args:
        before: the earlier table.
        parts: the difference.

    Raises:
        CheckpointError: parts are missing, of another shape, or of another table.
        pyarrow.ArrowException: offsets point outside, or a type is not what was said.
    """
    first = next((name for name in ("rows", "grown") if name in parts), None)
    if first is None:
        raise CheckpointError("stored difference: neither a part 'rows' nor a part 'grown'")
    recipe = Recipe.read(parts[first])
    if recipe.before_rows != before.num_rows:
        raise CheckpointError(
            f"stored difference: it was made from a table of {recipe.before_rows} rows, this one "
            f"has {before.num_rows}"
        )
    schema = recipe.schema_after(before)
    if first == "grown":
        return _continued(before, _Parts(parts), recipe, schema)
    return _Rebuilding(before, parts, recipe, schema).table()


def _continued(before: pa.Table, parts: _Parts, recipe: Recipe, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    rows = recipe.rows - recipe.before_rows
    parts.hold({"grown"})
    more = parts.checked("grown", schema.names, schema.types, rows)
    chunks = [[*a.chunks, *b.chunks] for a, b in zip(before.columns, more.columns, strict=True)]
    columns = [
        pa.chunked_array(each, type=kind) for each, kind in zip(chunks, schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


class _Parts:
    """The parts, each checked when it is asked for."""

    def __init__(self, parts: Mapping[str, pa.Table]) -> None:
        self._parts = parts

    def hold(self, due: set[str]) -> None:
        """Refuse parts that are not those that are due."""
        if set(self._parts) != due:
            missing = ", ".join(sorted(due - set(self._parts))) or "none"
            odd = ", ".join(sorted(set(self._parts) - due)) or "none"
            raise CheckpointError(
                f"stored difference: parts missing: {missing}; parts that are not due: {odd}"
            )

    def checked(
        self, name: str, names: Sequence[str], kinds: Sequence[pa.DataType], rows: int
    ) -> pa.Table:
        """A part of the shape that it has to have, its offsets within its buffers."""
        part = self._parts[name]
        if part.num_rows != rows or part.schema.names != list(names):
            raise CheckpointError(
                f"stored difference: part '{name}' has {part.num_rows} rows of "
                f"{part.num_columns} columns, expected {rows} of {len(names)}"
            )
        for number, kind in enumerate(kinds):
            if part.schema.types[number] != kind:
                raise CheckpointError(
                    f"stored difference: part '{name}' has a column of type "
                    f"{part.schema.types[number]}, expected {kind}"
                )
            for chunk in part.column(number).chunks:
                check_offsets(chunk)
        return part


class _Rebuilding:
    """One later table while it is put together."""

    def __init__(
        self, before: pa.Table, parts: Mapping[str, pa.Table], recipe: Recipe, schema: pa.Schema
    ) -> None:
        import pyarrow as pa

        if len(recipe.columns) != len(schema):
            raise CheckpointError(
                f"stored difference: a recipe for {len(recipe.columns)} columns, the table has "
                f"{len(schema)}"
            )
        self._before, self._recipe, self._schema = before, recipe, schema
        self._kinds = [storage(kind) for kind in schema.types]
        stored = list(enumerate(recipe.columns))
        self._odd = [number for number, each in stored if each.kind == "whole"]
        self._groups: dict[int, list[int]] = {}
        for number, each in stored:
            if each.kind not in ("same", "whole"):
                self._groups.setdefault(each.group, []).append(number)
        marked = sorted(group for group in self._groups if group != EVERY)
        if marked != list(range(len(marked))):
            raise CheckpointError("stored difference: its recipe numbers its marks with gaps")
        self._parts = _Parts(parts)
        rows = self._parts.checked("rows", ["step"], [pa.int32()], recipe.rows)
        due = {"rows", *(_name(group) for group in self._groups)}
        more = {"new": rows.column(0).null_count, "whole": self._odd, "marks": marked}
        self._parts.hold(due | {name for name, wanted in more.items() if wanted})
        self._place(whole(rows.column(0)))
        self._read(marked)

    def table(self) -> pa.Table:
        """All columns."""
        import pyarrow as pa

        columns = [self._column(number) for number in range(len(self._kinds))]
        return pa.Table.from_arrays(columns, schema=self._schema)

    def _place(self, steps: pa.Array) -> None:
        """From steps to positions in the earlier table, each of them there and used once."""
        import pyarrow as pa
        import pyarrow.compute as pc

        limits = pc.min_max(steps)
        least, most = limits["min"].as_py(), limits["max"].as_py()
        self._kept = len(steps) - steps.null_count
        self._positions = None  # all earlier rows, in order
        if self._kept != self._before.num_rows or (least, most) != (0, 0):
            ahead = pc.add(steps.drop_null().cast(pa.int64()), 1)
            positions = pc.subtract(pc.cumulative_sum_checked(ahead), 1)
            ends = pc.min_max(positions)
            if self._kept and not (
                ends["min"].as_py() >= 0 and ends["max"].as_py() < self._before.num_rows
            ):
                raise CheckpointError("stored difference: part 'rows' points outside the table")
            # Where no step goes back, no row can be met twice.
            if self._kept and least < 0 and pc.count_distinct(positions).as_py() != self._kept:
                raise CheckpointError("stored difference: part 'rows' uses a row twice")
            self._positions = positions
        self._order = None  # new rows, if any, follow the others
        if steps.slice(0, self._kept).null_count:
            old = steps.is_valid()
            rank_old = pc.subtract(pc.cumulative_sum(old.cast(pa.int64())), 1)
            rank_new = pc.cumulative_sum(pc.invert(old).cast(pa.int64()))
            self._order = pc.if_else(old, rank_old, pc.add(rank_new, self._kept - 1))

    def _read(self, marked: Sequence[int]) -> None:
        """The other parts."""
        import pyarrow as pa

        self._marks: dict[int, pa.Array] = {}
        if marked:
            names, kinds = [str(group) for group in marked], [pa.bool_()] * len(marked)
            marks = self._parts.checked("marks", names, kinds, self._kept)
            self._marks = {group: whole(marks.column(group)) for group in marked}
        if any(each.null_count for each in self._marks.values()):
            raise CheckpointError("stored difference: part 'marks' holds a NULL")
        flat = [number for number in range(len(self._kinds)) if number not in self._odd]
        added = self._recipe.rows - self._kept
        self._new = self._stored("new", flat, added, steps=False) if added else {}
        self._changes: dict[int, pa.Array] = {}
        for group, numbers in self._groups.items():
            rows = self._kept if group == EVERY else self._marks[group].true_count
            self._changes.update(self._stored(_name(group), numbers, rows, steps=True))
        if self._odd:
            names = [self._schema.names[number] for number in self._odd]
            kinds = [self._schema.types[number] for number in self._odd]
            self._whole = self._parts.checked("whole", names, kinds, self._recipe.rows)

    def _stored(
        self, name: str, numbers: Sequence[int], rows: int, *, steps: bool
    ) -> dict[int, pa.Array]:
        """The columns of a part by their number in the table."""
        kinds = []
        for number in numbers:
            kind = self._kinds[number]
            stepped = steps and self._recipe.columns[number].kind != "values"
            kinds.append(step_type(kind) if stepped else kind)
        if None in kinds or any(carrier(self._kinds[number]) is None for number in numbers):
            raise CheckpointError(
                f"stored difference: part '{name}' would hold a column that cannot be there"
            )
        part = self._parts.checked(name, [str(number) for number in numbers], kinds, rows)
        return {n: whole(column) for n, column in zip(numbers, part.columns, strict=True)}

    def _column(self, number: int) -> pa.ChunkedArray | pa.Array:
        import pyarrow as pa

        if number in self._odd:
            return self._whole.column(self._odd.index(number))
        kind = self._kinds[number]
        carried = carrier(kind)
        if carried is None:
            raise CheckpointError(f"stored difference: a column of type {kind} has to be whole")
        array = self._kept_rows(number, kind, carried)
        if self._new:
            array = pa.concat_arrays([array, reinterpret(self._new[number], carried)])
            array = array if self._order is None else array.take(self._order)
        return reinterpret(array, self._schema.types[number])

    def _kept_rows(self, number: int, kind: pa.DataType, carried: pa.DataType) -> pa.Array:
        """A column's later values in the rows that are not new."""
        array = reinterpret(whole(self._before.column(number)), carried)
        if self._positions is not None:
            array = array.take(self._positions)
        return self._changed(number, array, kind, carried) if number in self._changes else array

    def _changed(
        self, number: int, old: pa.Array, kind: pa.DataType, carried: pa.DataType
    ) -> pa.Array:
        """A column's earlier values with what is stored in their place."""
        import pyarrow.compute as pc

        stored = self._recipe.columns[number]
        marks = self._marks.get(stored.group)
        values = self._changes[number]
        if stored.kind != "values":
            if stored.kind in ("steps", "sums"):
                values = pc.add(values, self._integers(number, old, kind, marks))
            if stored.kind in FROM_ANOTHER:
                values = pc.add(values, self._another(stored.other, values.type, marks))
            values = from_integers(values, carried)
        else:
            values = reinterpret(values, carried)
        return values if marks is None else pc.replace_with_mask(old, marks, values)

    def _integers(
        self, number: int, array: pa.Array, kind: pa.DataType, marks: pa.Array | None
    ) -> pa.Array:
        """A column's values, where they are marked, as integers."""
        found = as_integers(array if marks is None else array.filter(marks), kind)
        if found is None:
            raise CheckpointError(
                f"stored difference: column '{self._schema.names[number]}' is reckoned with, and "
                "has values that are no integers of 64 bits"
            )
        return found

    def _another(self, number: int, kind: pa.DataType, marks: pa.Array | None) -> pa.Array:
        """The later values of a column that another one is stored beside."""
        own = self._kinds[number] if number < len(self._kinds) else None
        carried = None if own is None else carrier(own)
        if (
            carried is None
            or step_type(own) != kind
            # One that is itself stored beside another could be stored beside this one.
            or self._recipe.columns[number].kind in FROM_ANOTHER
        ):
            raise CheckpointError(
                f"stored difference: a column beside column {number}, which it cannot be"
            )
        return self._integers(number, self._kept_rows(number, own, carried), own, marks)


def _name(group: int) -> str:
    return "all" if group == EVERY else f"some{group}"
