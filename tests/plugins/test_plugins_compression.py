from __future__ import annotations

import datetime
import io
from decimal import Decimal

import duckdb
import lz4.frame
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.api import CompressedState, PlanwiseError, StateTable
from planwise.testing.arrow_columns import FLAT, OTHER, bits, texts
from planwise_plugins.compression import Compression, columnar, threads
from planwise_plugins.compression.columnar import PIECE_ROWS
from planwise_plugins.compression.frames import LEVELS, split

pytestmark = pytest.mark.usefixtures("few_rows_too")

LIMIT = 256 << 20
CODECS = ("lz4", "zstd")


def plugin(codec: str = "lz4", level: int | None = None) -> Compression:
    compression = Compression()
    compression.configure({"codec": codec, "level": level})
    return compression


def stored(table: pa.Table, codec: str = "lz4") -> CompressedState:
    return plugin(codec).compress_state(StateTable("main.state", 2025, table))


def check_round_trip(table: pa.Table, codec: str = "lz4") -> CompressedState:
    blob = stored(table, codec)
    assert blob.raw_bytes == table.nbytes
    assert blob.codec.endswith(f"+{codec}")
    back = plugin().restore_state(blob, LIMIT)
    assert back.schema.equals(table.schema, check_metadata=True)
    assert back.num_rows == table.num_rows
    back.validate()
    for number in range(table.num_columns):
        assert bits(back.column(number)) == bits(table.column(number))
    return blob


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", FLAT)
@settings(max_examples=25)
@given(data=st.data())
def test_flat_types_come_back_to_the_bit_from_parquet(
    codec: str, kind: str, data: st.DataObject
) -> None:
    blob = check_round_trip(pa.table({"column": data.draw(FLAT[kind])}), codec)
    assert blob.codec == f"parquet+{codec}"


@pytest.mark.parametrize("kind", OTHER)
@settings(max_examples=25)
@given(data=st.data())
def test_types_that_parquet_may_change_come_back_to_the_bit_from_an_arrow_stream(
    kind: str, data: st.DataObject
) -> None:
    blob = check_round_trip(pa.table({"column": data.draw(OTHER[kind])}))
    assert blob.codec == "arrow+lz4"


@pytest.mark.parametrize(
    ("rows", "layout"), [(0, "arrow"), (1, "arrow"), (100, "arrow"), (101, "parquet")]
)
def test_few_rows_go_into_an_arrow_stream(
    rows: int, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "FEW_ROWS", 100)
    numbers = pa.array(range(rows), pa.int64())
    blob = check_round_trip(pa.table({"a": numbers, "b": numbers.cast(pa.string())}))
    assert blob.codec == f"{layout}+lz4"


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Several columns of one length, under any names, in any chunks."""
    arrays = draw(st.lists(st.sampled_from(sorted(FLAT)).flatmap(FLAT.get), max_size=6))
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


@given(tables(), st.sampled_from(CODECS))
def test_whole_tables_come_back_and_give_the_same_bytes_whatever_their_chunks(
    table: pa.Table, codec: str
) -> None:
    blob = check_round_trip(table, codec)
    assert stored(table, codec).payload == blob.payload
    assert stored(table.combine_chunks(), codec).payload == blob.payload


@pytest.mark.parametrize("codec", CODECS)
def test_every_type_of_duckdb_comes_back(codec: str) -> None:
    with duckdb.connect() as connection:
        everything = connection.sql("from test_all_types()").to_arrow_table()
        check_round_trip(everything, codec)
        flat = [
            name
            for name, column in zip(everything.column_names, everything.columns, strict=True)
            if stored(pa.table({name: column})).codec == "parquet+lz4"
        ]
        assert {"bigint", "double", "date", "timestamp_tz", "varchar", "dec_18_6"} <= set(flat)
        assert check_round_trip(everything.select(flat), codec).codec == f"parquet+{codec}"


def test_values_that_compare_equal_but_are_not_the_same_stay_apart() -> None:
    table = pa.table({"x": pa.array([0.0, -0.0, float("nan"), None, float("inf"), 5e-324])})
    back = plugin().restore_state(stored(table), LIMIT)
    assert str(back["x"].to_pylist()) == "[0.0, -0.0, nan, None, inf, 5e-324]"


@pytest.mark.parametrize(
    "table",
    [
        pa.table({}),
        pa.table({"a": [1, 2, 3]}).select([]),
        pa.table({name: pa.array([], array) for name, array in [("a", pa.int64()), ("b", "str")]}),
        pa.Table.from_arrays([pa.array([1]), pa.array(["x"])], names=["same", "same"]),
        pa.table({"a.b": ["x", "x"], "": [1, 2], "select": [1.5, None], "ü\n": [True, False]}),
        pa.table({"a": pa.chunked_array([], pa.string())}),
        pa.table({"big": ["x" * 5_000_000, "y", None, "z" * 3_000_000]}),
        pa.table({"a": pa.array(range(200))}).slice(50, 70),
        pa.Table.from_arrays(
            [pa.array([1, 2])], schema=pa.schema([pa.field("a", pa.int64(), nullable=False)])
        ),
    ],
    ids=["nothing", "no columns", "no rows", "same names", "odd names", "no chunks", "huge texts",
         "a slice", "not null"],
)  # fmt: skip
def test_tables_at_the_edges_come_back(table: pa.Table) -> None:
    for codec in CODECS:
        check_round_trip(table, codec)


def people(rows: int) -> pa.Table:
    """A table like a year's snapshot, in no order."""
    shuffled = [(7919 * n) % rows for n in range(rows)]
    start = datetime.date(1990, 1, 1)
    return pa.table({
        "scenario_id": ["baseline"] * rows,
        "simulation_year": pa.array([2025] * rows, pa.int32()),
        "employee_id": [f"EMP{n:07}" for n in shuffled],
        "status": ["active" if n % 8 else "terminated" for n in shuffled],
        "hire_date": [start + datetime.timedelta(days=(31 * n) % 12000) for n in shuffled],
        "termination_date": [None if n % 8 else datetime.date(2025, 6, 1) for n in shuffled],
        "pay_cents": [5_600_000 + (104_729 * n) % 20_000_000 for n in shuffled],
        "hours": pa.array([Decimal("40.00")] * rows, pa.decimal128(5, 2)),
        "score": [float(n % 13) / 7 for n in shuffled],
    })  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
def test_a_snapshot_shrinks_more_than_its_arrow_stream_would(codec: str) -> None:
    table = people(5000)
    blob = check_round_trip(table, codec)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    plain = sink.getvalue().to_pybytes()
    other = lz4.frame.compress(plain) if codec == "lz4" else zstandard.compress(plain)
    assert len(blob.payload) < len(other)
    assert blob.raw_bytes / len(blob.payload) > 5


@pytest.mark.parametrize("codec", CODECS)
def test_a_large_table_is_several_frames_whatever_its_chunks_and_the_threads(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 2 * PIECE_ROWS + 5
    numbers = pa.array(range(rows))
    texts_ = pc.binary_join_element_wise("E", numbers.cast(pa.string()), "")
    table = pa.table({"n": numbers, "t": texts_, "r": pa.repeat("same", rows)})
    blob = stored(table, codec)
    frames = split(blob.payload)
    assert len(frames) == 3
    back = plugin().restore_state(blob, LIMIT)
    assert back.equals(table)
    assert [len(chunk) for chunk in back["n"].chunks] == [PIECE_ROWS, PIECE_ROWS, 5]
    cut = pa.concat_tables([table.slice(0, 7), table.slice(7)])
    monkeypatch.setattr(threads, "_cores", lambda: 1)
    assert stored(cut, codec).payload == blob.payload
    # The list of lengths comes in a frame that every reader of the format skips.
    if codec == "lz4":
        with lz4.frame.open(io.BytesIO(blob.payload)) as file:
            content = file.read()
    else:
        reader = zstandard.ZstdDecompressor().stream_reader(blob.payload, read_across_frames=True)
        content = reader.read()
    assert content.count(b"PAR1") == 2 * len(frames)


@pytest.mark.parametrize("codec", CODECS)
def test_every_type_of_a_duckdb_table_comes_back_into_one(codec: str) -> None:
    columns = {
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
    shown = ", ".join(
        f"(case when i = 3 then null else {value} end)::{kind} as {name}"
        for name, (kind, value) in columns.items()
    )
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'Europe/Berlin'")
        connection.execute(f"create table wide as select {shown} from range(5) as t(i)")
        connection.execute("create table none as from wide limit 0")
        for name in ("wide", "none"):
            content = connection.sql(f"from {name}").to_arrow_table()
            blob = stored(content, codec)
            back = plugin().restore_state(blob, LIMIT)
            assert back.schema.equals(content.schema, check_metadata=True)
            connection.register("back", back)
            connection.execute(f"create table again as select * from {name} limit 0")
            connection.execute("insert into again from back")
            expected = connection.sql(f"from {name}").fetchall()
            assert str(connection.sql("from again").fetchall()) == str(expected)
            for column in columns:
                check_round_trip(content.select([column]), codec)
            connection.execute("drop table again")


def test_a_frame_holds_a_parquet_file_that_other_tools_open() -> None:
    table = people(100)
    file = lz4.frame.decompress(stored(table).payload)
    opened = pq.read_table(pa.BufferReader(file))
    assert opened.column_names == table.column_names
    assert opened["employee_id"].equals(table["employee_id"])


def test_every_codec_is_read_whatever_the_options_say() -> None:
    table, nested = people(10), pa.table({"a": [[1, 2], None]})
    for writer in CODECS:
        for reader in CODECS:
            for each in (table, nested):
                assert plugin(reader).restore_state(stored(each, writer), LIMIT).equals(each)


def test_another_codec_is_somebody_elses() -> None:
    blob = stored(people(10))
    for codec in ("parquet+snappy", "arrow", "parquet", "lz4", "", "PARQUET+LZ4", "zstd+parquet"):
        other = CompressedState(codec, blob.payload, blob.raw_bytes)
        assert plugin().restore_state(other, LIMIT) is None


def test_levels_trade_speed_for_size_and_are_read_alike() -> None:
    table = people(3000)
    state = StateTable("main.state", 2025, table)
    for codec, levels in LEVELS.items():
        default = plugin(codec).compress_state(state)
        assert plugin(codec, levels.default).compress_state(state).payload == default.payload
        for level in (levels.least, levels.most):
            blob = plugin(codec, level).compress_state(state)
            assert plugin().restore_state(blob, LIMIT).equals(table)
        assert len(blob.payload) < len(default.payload)


def test_options_and_what_is_no_option() -> None:
    codec, level = Compression().add_options()
    assert (codec.default, codec.choices) == ("lz4", ("lz4", "zstd"))
    assert level.default is None
    assert level.type is int
    for bad in ({"codec": "snappy", "level": None}, {"codec": "lz4", "level": 13},
                {"codec": "zstd", "level": 0}, {"codec": "zstd", "level": "fast"},
                {"codec": "zstd", "level": True}):  # fmt: skip
        with pytest.raises(PlanwiseError, match=r"plugins\.compression\.(codec|level): expected"):
            Compression().configure(bad)
