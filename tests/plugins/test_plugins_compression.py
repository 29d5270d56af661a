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
from planwise.testing.arrow_columns import FLAT, OTHER, bits
from planwise.testing.arrow_tables import tables
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
@settings(max_examples=3)
@given(data=st.data())
def test_flat_types_are_laid_out_as_parquet(codec: str, data: st.DataObject) -> None:
    for kind, column in FLAT.items():
        blob = stored(pa.table({"column": data.draw(column)}), codec)
        assert blob.codec == f"parquet+{codec}", kind


@settings(max_examples=3)
@given(data=st.data())
def test_types_that_parquet_may_change_are_laid_out_as_an_arrow_stream(data: st.DataObject) -> None:
    for kind, column in OTHER.items():
        assert stored(pa.table({"column": data.draw(column)})).codec == "arrow+lz4", kind


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


@given(tables(), st.sampled_from(CODECS))
def test_a_table_gives_the_same_bytes_whatever_its_chunks(table: pa.Table, codec: str) -> None:
    blob = stored(table, codec)
    assert stored(table, codec).payload == blob.payload
    assert stored(table.combine_chunks(), codec).payload == blob.payload


@pytest.mark.parametrize("codec", CODECS)
def test_flat_types_of_duckdb_are_laid_out_as_parquet(codec: str) -> None:
    with duckdb.connect() as connection:
        everything = connection.sql("from test_all_types()").to_arrow_table()
        flat = [
            name
            for name, column in zip(everything.column_names, everything.columns, strict=True)
            if stored(pa.table({name: column})).codec == "parquet+lz4"
        ]
        assert {"bigint", "double", "date", "timestamp_tz", "varchar", "dec_18_6"} <= set(flat)
        assert check_round_trip(everything.select(flat), codec).codec == f"parquet+{codec}"


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


def test_a_name_that_is_nearly_its_own_is_somebody_elses() -> None:
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
