"""Whole tables for codecs: generated ones, those at the edges, and DuckDB's of every type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
from hypothesis import strategies as st

from planwise.testing.arrow_columns import FLAT, texts


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Several columns of one length, under any names, in any chunks."""
    arrays = draw(st.lists(st.sampled_from(sorted(FLAT)).flatmap(lambda k: FLAT[k]), max_size=6))
    rows = min((len(array) for array in arrays), default=0)
    cut = draw(st.integers(0, rows))
    names = draw(st.lists(texts, min_size=len(arrays), max_size=len(arrays)))
    fields = [
        pa.field(n, a.type, metadata={b"k": b"v"}) for n, a in zip(names, arrays, strict=True)
    ]
    chunked = [
        pa.chunked_array([array.slice(0, cut), array.slice(cut, rows - cut)], type=array.type)
        for array in arrays
    ]
    schema = pa.schema(fields, metadata={b"made by": "a test, with é".encode()})
    return pa.Table.from_arrays(chunked, schema=schema)


EDGES: Final[dict[str, Callable[[], pa.Table]]] = {
    "nothing": lambda: pa.table({}),
    "no columns": lambda: pa.table({"a": [1, 2, 3]}).select([]),
    "no rows": lambda: pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], "str")}),
    "no chunks": lambda: pa.table({"a": pa.chunked_array([], pa.string())}),
    "many chunks": lambda: pa.table({"a": pa.chunked_array([[n, None] for n in range(500)])}),
    "same names": lambda: pa.Table.from_arrays(
        [pa.array([1]), pa.array(["x"])], names=["same", "same"]
    ),
    "odd names": lambda: pa.table(
        {"a.b": ["x", "x"], "": [1, 2], "select": [1.5, None], "ü\n": [True, False]}
    ),
    "huge texts": lambda: pa.table({"big": ["x" * 5_000_000, "y", None, "z" * 3_000_000]}),
    "a slice": lambda: pa.table({"a": pa.array(range(200))}).slice(50, 70),
    "not null": lambda: pa.Table.from_arrays(
        [pa.array([1, 2])], schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])
    ),
    "equal and not the same": lambda: pa.table(
        {"x": pa.array([0.0, -0.0, float("nan"), None, float("inf"), 5e-324])}
    ),
}
"""Tables at the edges, by what is odd about each."""

DUCKDB_TYPES: Final = {
    "huge": ("hugeint", "(i - 2)::hugeint * 85070591730234615865843651857942052863"),
    "uhuge": ("uhugeint", "i::uhugeint * 34028236692093846346337460743176821145"),
    "money": ("decimal(38, 9)", "i::decimal(38, 9) / 7"),
    "small": ("decimal(4, 1)", "i::decimal(4, 1)"),
    "id": ("uuid", "md5(i::varchar)::uuid"),
    "mood": ("enum('sad', 'ok', '')", "['sad', 'ok', ''][i % 3 + 1]"),
    "day": ("date", "date '2025-01-01' + i::integer"),
    "hour": ("time", "time '00:00:01' + to_seconds(i)"),
    "zoned": ("timestamptz", "timestamptz '2025-03-30 01:59:59+01' + to_hours(i)"),
    "nanos": ("timestamp_ns", "make_timestamp_ns(i)"),
    "span": ("interval", "to_months(i::integer) + to_microseconds(i)"),
    "raw": ("blob", "encode('\\x00' || i)"),
    "real": ("double", "['0.5', 'nan', '-0.0', '1', 'inf'][i + 1]::double"),
    "list": ("integer[]", "[i, null]"),
    "fixed": ("integer[2]", "[i, null]"),
    "pair": ("struct(a integer, b varchar[])", "{'a': i, 'b': ['', null]}"),
    "map": ("map(varchar, decimal(9, 2))", "map {i::varchar: i / 3, '': null}"),
    "deep": ("struct(m map(integer, struct(t time)[]))", "{'m': map {i: [{'t': null}]}}"),
    "one": ("union(n integer, t varchar)", "union_value(n := i::integer)"),
    "text": ("varchar", "case i when 1 then '' else 'é' || i end"),
    "yes": ("boolean", "i % 2 = 0"),
}
"""A type of DuckDB and values of it in the column ``i``, by the name of a column."""


def make_table(connection: Any) -> pa.Table:
    """Make the table ``wide`` with a column of each of :data:`DUCKDB_TYPES`.

    Args:
        connection: of DuckDB, on a database that has no such table.

    Returns:
        Its five rows, one of them NULL throughout.
    """
    shown = ", ".join(
        f"(case when i = 3 then null else {value} end)::{kind} as {name}"
        for name, (kind, value) in DUCKDB_TYPES.items()
    )
    connection.execute("set timezone = 'Europe/Berlin'")
    connection.execute(f"create table wide as select {shown} from range(5) as t(i)")  # noqa: S608  # of the constants above
    return connection.sql("from wide").to_arrow_table()
