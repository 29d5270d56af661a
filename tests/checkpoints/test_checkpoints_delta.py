"""Differences between states: exact to the bit and the order, small, and checked when applied."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.checkpoints.delta import difference, reconstruct
from planwise.errors import CheckpointError
from planwise.testing.arrow_columns import FLAT, OTHER, bits

Parts = dict[str, pa.Table]


def made(before: pa.Table, now: pa.Table) -> Mapping[str, pa.Table] | None:
    """A difference however small the tables are, and whether it pays or not."""
    return difference(before, now, least_rows=1, most_share=math.inf)


def check(before: pa.Table, now: pa.Table, parts: Mapping[str, pa.Table]) -> None:
    back = reconstruct(before, parts)
    assert back.schema.equals(now.schema, check_metadata=True)
    assert back.num_rows == now.num_rows
    back.validate()
    for number in range(now.num_columns):
        assert bits(back.column(number)) == bits(now.column(number))


def picked(array: pa.Array, positions: list[int]) -> pa.Array:
    """Values by position, of types too that Arrow cannot take from."""
    if not positions:
        return array.slice(0, 0)
    return pa.concat_arrays([array.slice(position, 1) for position in positions])


@st.composite
def pairs(draw: st.DrawFn, kinds: list[str]) -> tuple[pa.Table, pa.Table]:
    """A table and what became of it: rows gone, new, moved, and cells with other values."""
    people = draw(st.integers(2, 30))
    pool = list(range(people))
    old = draw(st.lists(st.sampled_from(pool), unique=True, min_size=1))
    new = draw(st.lists(st.sampled_from(pool), unique=True, min_size=1))
    if draw(st.booleans()):
        new = old[: draw(st.integers(1, len(old)))] + [each for each in new if each not in old]
    columns: list[tuple[pa.Array, pa.Array]] = []
    for kind in kinds:
        values = draw({**FLAT, **OTHER}[kind].filter(len))
        started = [draw(st.integers(0, len(values) - 1)) for _ in pool]
        ended = list(started)
        for person in draw(st.lists(st.sampled_from(pool))):
            ended[person] = draw(st.integers(0, len(values) - 1))
        both = [
            picked(values, [at[n] for n in rows]) for at, rows in ((started, old), (ended, new))
        ]
        columns.append((both[0], both[1]))
    texts = draw(st.booleans())
    names = [str(n) if texts else n * 2**40 for n in pool]
    keys = tuple(pa.array([names[n] for n in rows]) for rows in (old, new))
    columns.insert(draw(st.integers(0, len(columns))), (keys[0], keys[1]))
    fields = [pa.field(f"c{n}", each[0].type) for n, each in enumerate(columns)]
    metadata = draw(st.sampled_from([None, {b"made": b"by a test"}]))
    schema = pa.schema(fields, metadata=metadata)
    before = pa.Table.from_arrays([each[0] for each in columns], schema=pa.schema(fields))
    now = pa.Table.from_arrays([each[1] for each in columns], schema=schema)
    return before, now


@pytest.mark.parametrize("kind", [*FLAT, *OTHER])
@settings(max_examples=15)
@given(data=st.data())
def test_every_type_comes_back_to_the_bit(kind: str, data: st.DataObject) -> None:
    before, now = data.draw(pairs([kind]))
    parts = made(before, now)
    if parts is not None:
        check(before, now, parts)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([*FLAT, *OTHER]), max_size=5).flatmap(pairs))
def test_whole_tables_come_back_to_the_bit(tables: tuple[pa.Table, pa.Table]) -> None:
    before, now = tables
    for old, new in ((before, now), (now.cast(before.schema), before)):
        parts = made(old, new)
        if parts is not None:
            check(old, new, parts)
            cut = {name: pa.concat_tables([t.slice(0, 1), t.slice(1)]) for name, t in parts.items()}
            check(old, new, cut)


@settings(max_examples=50)
@given(st.data())
def test_most_tables_whose_keys_stay_have_a_difference(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(FLAT)), max_size=3))
    before, now = data.draw(pairs(kinds))
    kept = data.draw(st.integers(1, before.num_rows))
    later = pa.concat_tables([before.slice(0, kept).cast(now.schema)])
    assert made(before, later) is not None
    assert made(before, before) is not None


def people(rows: int, year: int = 2025, *, first: int = 0, shuffled: bool = False) -> pa.Table:
    """A table like a year's snapshot."""
    numbers = list(range(first, first + rows))
    if shuffled:
        random.Random(year).shuffle(numbers)  # noqa: S311  # not for secrets
    left = [0 if n % 11 or year == 2025 else year * 1000 + n for n in numbers]
    age = [20 + n * 7919 % 45 + year - 2025 for n in numbers]
    return pa.table({
        "scenario_id": ["a" if n % 2 else "b" for n in numbers],
        "replicate_id": pa.array([0] * rows, pa.int32()),
        "simulation_year": pa.array([year] * rows, pa.int32()),
        "employee_id": [f"EMP{n // 2:07}" for n in numbers],
        "age_years": pa.array(age, pa.int16()),
        "hours": pa.array([Decimal(30 + n % 10) for n in numbers], pa.decimal128(5, 2)),
        "pay_cents": [5_000_000 + n * 104_729 % 9_000_000 * (year - 2020) for n in numbers],
        "left": pa.array(left, pa.int64()),
        "score": [math.nan if n % 3 else n / 7 for n in numbers],
        "notes": pa.array([[n, None] if n % 5 else None for n in numbers]),
    })  # fmt: skip


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_year_after_another_is_a_fraction_of_it(shuffled: bool) -> None:
    before = people(5000, 2025, shuffled=shuffled)
    now = people(5000, 2026, first=500, shuffled=shuffled)
    parts = difference(before, now)
    assert parts is not None
    assert parts["new"].num_rows == 500
    assert "2" in parts["all"].column_names
    assert len(set(parts["all"]["2"].to_pylist())) == 1
    assert set(parts["all"]["4"].to_pylist()) == {1}
    (some,) = (part for name, part in parts.items() if name.startswith("some"))
    assert some.num_rows < 500
    assert not any("8" in part.column_names for name, part in parts.items() if name != "new")
    check(before, now, parts)


def test_decimals_go_in_steps_as_far_as_64_bits_reach() -> None:
    most = 2**63 - 1
    start = [Decimal(n * 10**15) for n in range(-9000, 9000, 3)]
    for wide, kinds in ((False, {"int64"}), (True, {"decimal128(38, 0)", "int64"})):
        old, new = list(start), [value + 4 for value in start]
        if wide:
            old[17], new[17] = Decimal(most), Decimal(most + 1)
        tables = [
            pa.table({"id": range(len(start)), "value": pa.array(values, pa.decimal128(38, 0))})
            for values in (old, new)
        ]
        parts = made(tables[0], tables[1])
        assert parts is not None
        assert {str(each) for each in parts["all"].schema.types} <= kinds
        check(tables[0], tables[1], parts)


def test_what_goes_with_another_column_is_stored_beside_it() -> None:
    draw = random.Random(5)  # noqa: S311  # not for secrets
    ids = range(4000)
    paid, more = ([draw.randrange(1 << 40) for _ in ids] for _ in range(2))
    kinds = pa.schema([("id", pa.int64()), ("paid", pa.int64()), ("total", pa.int64()),
                       ("near", pa.decimal128(18, 2))])  # fmt: skip
    old = [ids, paid, [0] * 4000, [Decimal(n).scaleb(-2) for n in paid]]
    sums = [value + (n == 7) for n, value in enumerate(more)]
    near = [Decimal(value + n % 2).scaleb(-2) for n, value in enumerate(more)]
    new = [ids, more, sums, near]
    before, now = (pa.table(list(each), schema=kinds) for each in (old, new))
    parts = difference(before, now)
    assert parts is not None
    columns = json.loads(parts["rows"].schema.metadata[b"planwise.difference"])["columns"]
    assert [column[2] for column in columns] == [-1, -1, 1, 1]
    assert set(parts["all"]["3"].to_pylist()) == {0, 1}
    check(before, now, parts)
    check(before.slice(3), now, difference(before.slice(3), now) or {})


def test_steps_wrap_where_the_width_of_a_type_ends() -> None:
    rows = 3000
    for kind, low, high in ((pa.int8(), -128, 127), (pa.uint64(), 0, 2**64 - 1)):
        old = pa.table({"id": range(rows), "value": pa.array([high] * rows, kind)})
        new = pa.table({"id": range(rows), "value": pa.array([low] * rows, kind)})
        parts = made(old, new)
        assert parts is not None
        check(old, new, parts)


def test_a_table_that_only_grows_is_its_new_rows() -> None:
    whole = people(4000)
    for table in (whole, whole.select(["notes", "score"])):
        parts = difference(table.slice(0, 3000), table)
        assert parts is not None
        assert set(parts) == {"grown"}
        assert parts["grown"].num_rows == 1000
        check(table.slice(0, 3000), table, parts)
    same = difference(whole, whole)
    assert same is not None
    assert same["grown"].num_rows == 0


def test_values_that_compare_equal_but_are_not_the_same_stay_apart() -> None:
    zeros = pa.table({"id": range(2000), "value": [0.0] * 2000})
    other = zeros.set_column(1, "value", pa.array([-0.0 if n % 2 else 0.0 for n in range(2000)]))
    parts = made(zeros, other)
    assert parts is not None
    check(zeros, other, parts)


def test_extension_types_and_metadata_come_back() -> None:
    identities = pa.ExtensionArray.from_storage(
        pa.uuid(), pa.array([n.to_bytes(16) for n in range(2000)], pa.binary(16))
    )
    field = pa.field("id", pa.uuid(), nullable=False, metadata={b"of": b"a person"})
    value = pa.field("value", pa.int64())
    before = pa.Table.from_arrays([identities, range(2000)], schema=pa.schema([field, value]))
    now = before.slice(100).set_column(1, value, pa.array(range(1, 1901)))
    now = now.replace_schema_metadata({b"year": b"2026"})
    parts = difference(before, now)
    assert parts is not None
    check(before, now, parts)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (people(10), people(10)),
        (people(3000).slice(0, 0), people(3000)),
        (people(3000), people(3000, first=3000)),
        (people(3000).select([0, 1]), people(3000).select([1, 0])),
        (people(3000).select([4]), people(3000, 2026).select([4])),
        (people(3000).select([]), people(3000).select([])),
        (people(3000), people(3000).set_column(4, "age_years", pa.array(range(3000)))),
        (pa.table({"id": range(3000), "x": [str(n * n) for n in range(3000)]}),
         pa.table({"id": range(3000), "x": [str(n * n + 1) for n in range(3000)]})),
    ],
    ids=["tiny", "nothing before", "all new", "other order of columns", "no key", "no columns",
         "another type", "nothing that stays"],
)  # fmt: skip
def test_where_no_difference_pays_there_is_none(before: pa.Table, now: pa.Table) -> None:
    assert difference(before, now) is None


def test_the_same_tables_give_the_same_parts_however_they_are_cut() -> None:
    before, now = people(3000, 2025), people(3000, 2026, first=200)
    cut = pa.concat_tables([now.slice(0, 7), now.slice(7)])
    first, second = difference(before, now), difference(before, cut)
    assert first is not None
    assert second is not None
    for name, part in first.items():
        assert part.schema.equals(second[name].schema, check_metadata=True)
        assert all(
            bits(a) == bits(b) for a, b in zip(part.columns, second[name].columns, strict=True)
        )


BEFORE, NOW = people(2000, 2025), people(2000, 2026, first=200)


def parts_of_a_year() -> Parts:
    parts = difference(BEFORE, NOW)
    assert parts is not None
    assert set(parts) == {"rows", "new", "marks", "all", "some0", "whole"}
    return dict(parts)


def with_steps(change: Callable[[list[Any]], None]) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        steps = parts["rows"]["step"].to_pylist()
        change(steps)
        column = pa.array(steps, pa.int32())
        parts["rows"] = parts["rows"].set_column(0, "step", column)

    return apply


def with_recipe(**values: Any) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        metadata = parts["rows"].schema.metadata
        recipe = {**json.loads(metadata[b"planwise.difference"]), **values}
        changed = {**metadata, b"planwise.difference": json.dumps(recipe).encode()}
        parts["rows"] = parts["rows"].replace_schema_metadata(changed)

    return apply


def with_column(number: int, entry: list[int]) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        columns = json.loads(parts["rows"].schema.metadata[b"planwise.difference"])["columns"]
        with_recipe(columns=[*columns[:number], entry, *columns[number + 1 :]])(parts)

    return apply


def without(name: str) -> Callable[[Parts], None]:
    return lambda parts: parts.pop(name) and None


def shorter(name: str) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        parts[name] = parts[name].slice(1)

    return apply


def recast(name: str, column: str) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        at = parts[name].column_names.index(column)
        texts = pa.array(["x"] * parts[name].num_rows)
        parts[name] = parts[name].set_column(at, column, texts)

    return apply


def null_marks(parts: Parts) -> None:
    marks = parts["marks"]["0"].to_pylist()
    parts["marks"] = pa.table({"0": [None, *marks[1:]]})


def more_marks(parts: Parts) -> None:
    parts["marks"] = pa.table({"0": pc.invert(parts["marks"]["0"].combine_chunks())})


def offsets_elsewhere(name: str, column: str) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        array = parts[name][column].combine_chunks()
        buffers = array.buffers()
        offsets = bytearray(buffers[1].to_pybytes())
        offsets[8:12] = (10**9).to_bytes(4, "little")
        buffers[1] = pa.py_buffer(bytes(offsets))
        if pa.types.is_list(array.type):
            broken = pa.Array.from_buffers(
                array.type, len(array), buffers[:2], children=[array.values]
            )
        else:
            broken = pa.Array.from_buffers(array.type, len(array), buffers)
        at = parts[name].column_names.index(column)
        parts[name] = parts[name].set_column(at, column, broken)

    return apply


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        *((without(name), "parts missing: " + name) for name in ("new", "marks", "all", "some0")),
        (without("rows"), "neither a part 'rows' nor a part 'grown'"),
        (lambda parts: parts.update(more=parts["all"]), "not due: more"),
        (lambda parts: parts.update(grown=parts["all"]), "not due: grown"),
        (lambda parts: parts.update(rows=parts["rows"].replace_schema_metadata({})), "no recipe"),
        *((shorter(name), f"part '{name}' has") for name in ("rows", "new", "all", "some0")),
        *((shorter(name), f"part '{name}' has") for name in ("marks", "whole")),
        (recast("rows", "step"), "part 'rows' has a column of type string, expected int32"),
        (recast("marks", "0"), "part 'marks' has a column of type string, expected bool"),
        (recast("new", "4"), "part 'new' has a column of type string, expected int16"),
        (recast("all", "4"), "part 'all' has a column of type string, expected int16"),
        (recast("whole", "notes"), "part 'whole' has a column of type string"),
        (null_marks, "holds a NULL"),
        (more_marks, "part 'some0' has"),
        (with_steps(lambda steps: steps.__setitem__(0, -1)), "points outside"),
        (with_steps(lambda steps: steps.__setitem__(0, 10**9)), "points outside"),
        (with_steps(lambda steps: steps.__setitem__(1, -(10**9))), "points outside"),
        (with_steps(lambda steps: steps.__setitem__(1, -1)), "uses a row twice"),
        (with_steps(lambda steps: steps.__setitem__(1, None)), "part '[a-z0-9]+' has"),
        (offsets_elsewhere("new", "3"), "cannot be applied"),
        (offsets_elsewhere("whole", "notes"), "cannot be applied"),
        (with_recipe(version=2), "version 2, this planwise reads 1"),
        (with_recipe(before_rows=1999), "made from a table of 1999 rows"),
        (with_recipe(before_rows=True), "wrong type"),
        (with_recipe(rows=2001), "part 'rows' has 2000 rows of 1 columns, expected 2001 of 1"),
        (with_recipe(rows=-1), "wrong type"),
        (with_recipe(columns={}), "wrong type"),
        (with_recipe(columns=[]), "a recipe for 0 columns"),
        (with_recipe(columns=[[0, -1, -1]] * 10), "not due: all, marks, some0, whole"),
        (with_column(4, [4, -1, 99]), "a column beside column 99"),
        (with_column(4, [4, -1, 4]), "a column beside column 4, which it cannot be"),
        (with_column(4, [5, -1, 8]), "a column beside column 8, which it cannot be"),
        (with_column(4, [5, -1, 9]), "a column beside column 9, which it cannot be"),
        (with_column(4, [2, -1, 6]), "its recipe says"),
        (with_column(4, [4, -1, -1]), "its recipe says"),
        (with_column(8, [2, -1, -1]), "a column that cannot be there"),
        (with_recipe(columns=[[1, 5, -1]] * 10), "with gaps"),
        (with_recipe(columns=[[9, 0, -1]] * 10), "its recipe says"),
        (with_recipe(columns=[[0, -1, 0]] * 10), "its recipe says"),
    ],
)  # fmt: skip
def test_damaged_parts_are_refused_by_name(damage: Callable[[Parts], None], says: str) -> None:
    parts = parts_of_a_year()
    check(BEFORE, NOW, parts)
    damage(parts)
    with pytest.raises(CheckpointError, match=says) as caught:
        reconstruct(BEFORE, parts)
    assert str(caught.value).startswith("stored difference: ")


def test_parts_of_another_table_are_refused() -> None:
    parts = parts_of_a_year()
    for other in (BEFORE.slice(1), BEFORE.select([0]), NOW.rename_columns(list("abcdefghij"))):
        with pytest.raises(CheckpointError, match="stored difference: "):
            reconstruct(other, parts)
    grown = difference(BEFORE.slice(0, 1500), BEFORE)
    assert grown is not None
    with pytest.raises(CheckpointError, match="made from a table of 1500 rows"):
        reconstruct(BEFORE, grown)
    for cut in (grown["grown"].slice(1), grown["grown"].select([1])):
        with pytest.raises(CheckpointError, match="part 'grown' has"):
            reconstruct(BEFORE.slice(0, 1500), {"grown": cut})


@given(st.data())
def test_whatever_the_steps_are_the_result_is_no_larger_than_what_there_is(
    data: st.DataObject,
) -> None:
    before = pa.table({"id": range(6), "text": ["x" * 1000 if n else "" for n in range(6)]})
    parts = dict(made(before, before.slice(1)) or {})
    assert set(parts) == {"rows"}
    steps = data.draw(st.lists(st.integers(-7, 7), min_size=5, max_size=5))
    rows = pa.table({"step": pa.array(steps, pa.int32())})
    parts["rows"] = rows.replace_schema_metadata(parts["rows"].schema.metadata)
    try:
        back = reconstruct(before, parts)
    except CheckpointError:
        return
    assert len(set(back["id"].to_pylist())) == 5
    assert back.nbytes <= before.nbytes
