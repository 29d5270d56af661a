from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from planwise.api import CheckpointError, CompressedState, StateTable
from planwise_plugins.compression import Compression, columnar
from planwise_plugins.compression.frames import join, split
from planwise_plugins.compression.pages import plain_bytes

pytestmark = pytest.mark.usefixtures("few_rows_too")

MIB = 1 << 20
LIMIT = 64 * MIB
CODECS = ("lz4", "zstd")


def small(codec: str) -> CompressedState:
    compression = Compression()
    compression.configure({"codec": codec, "level": None})
    return compression.compress_state(StateTable("main.s", 2025, pa.table({"a": [1, None, -7]})))


def restore(payload: bytes, codec: str, raw_bytes: int = 1000, limit: int = LIMIT) -> pa.Table:
    return Compression().restore_state(CompressedState(codec, payload, raw_bytes), limit)


def outcome(payload: bytes, codec: str, raw_bytes: int) -> pa.Table | str:
    """The table, or what the error says."""
    try:
        return restore(payload, codec, raw_bytes)
    except CheckpointError as error:
        return str(error)


def framed(content: bytes, codec: str) -> bytes:
    """A frame that is whole and well checksummed, whatever is in it."""
    if codec == "lz4":
        return lz4.frame.compress(content, content_checksum=True, block_checksum=True)
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def parquet(table: pa.Table, schema: pa.Schema | None = None, **how: object) -> bytes:
    """A Parquet file that claims to hold a table of a schema."""
    sink = pa.BufferOutputStream()
    options = {"compression": "none", "write_statistics": False, **how}
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table)
        claimed = (schema or table.schema).serialize().to_pybytes()
        writer.add_key_value_metadata({"planwise.schema": claimed})
    return sink.getvalue().to_pybytes()


@contextmanager
def arrow_memory_stays_below(most: int) -> Iterator[None]:
    old = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(old)
    pa.set_memory_pool(pool)
    try:
        yield
    finally:
        pa.set_memory_pool(old)
    assert (pool.max_memory() or 0) < most


@pytest.mark.parametrize("codec", CODECS)
def test_every_flipped_bit_is_found_unless_it_changes_nothing(codec: str) -> None:
    # zstd has no checksum of the compressed bytes, so a flip that gives another frame of the same
    # content passes. The kernel's SHA-256 of the payload finds that too.
    blob = small(codec)
    whole = restore(blob.payload, blob.codec, blob.raw_bytes)
    harmless = 0
    for position in range(len(blob.payload)):
        for bit in range(8):
            flipped = bytearray(blob.payload)
            flipped[position] ^= 1 << bit
            found = outcome(bytes(flipped), blob.codec, blob.raw_bytes)
            if isinstance(found, str):
                assert found.startswith("stored state: ")
                continue
            assert found.equals(whole)
            assert found.schema.equals(whole.schema, check_metadata=True)
            harmless += 1
    assert harmless <= (0 if codec == "lz4" else 0.02 * 8 * len(blob.payload))


@pytest.mark.parametrize("codec", CODECS)
def test_every_truncation_is_found(codec: str) -> None:
    blob = small(codec)
    for length in range(len(blob.payload)):
        with pytest.raises(CheckpointError, match=r"^stored state: ."):
            restore(blob.payload[:length], blob.codec, blob.raw_bytes)


@pytest.mark.parametrize("codec", CODECS)
def test_what_follows_the_frame_is_found(codec: str) -> None:
    blob = small(codec)
    for more in (b"\0", b"trailing", blob.payload, framed(b"x", codec)):
        with pytest.raises(CheckpointError, match=r"after the end|unused data"):
            restore(blob.payload + more, blob.codec, blob.raw_bytes)


def in_pieces(codec: str, monkeypatch: pytest.MonkeyPatch) -> CompressedState:
    monkeypatch.setattr(columnar, "PIECE_ROWS", 2)
    compression = Compression()
    compression.configure({"codec": codec, "level": None})
    table = pa.table({"a": [1, None, -7, 4, 9], "t": ["x", "yy", None, "", "z"]})
    return compression.compress_state(StateTable("main.s", 2025, table))


@pytest.mark.parametrize("codec", CODECS)
def test_damage_to_the_list_of_frames_is_found(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = in_pieces(codec, monkeypatch)
    whole = restore(blob.payload, blob.codec, blob.raw_bytes)
    assert whole.num_rows == 5
    frames = split(blob.payload)
    assert len(frames) == 3
    start = len(blob.payload) - sum(map(len, frames))
    for position in range(start):
        for bit in range(8):
            flipped = bytearray(blob.payload)
            flipped[position] ^= 1 << bit
            assert isinstance(outcome(bytes(flipped), blob.codec, blob.raw_bytes), str)
    for length in [*range(start + 9), len(blob.payload) - 1, start + len(frames[0])]:
        assert isinstance(outcome(blob.payload[:length], blob.codec, blob.raw_bytes), str)
    for more in (b"\0", blob.payload, bytes(frames[0])):
        assert isinstance(outcome(blob.payload + more, blob.codec, blob.raw_bytes), str)


@pytest.mark.parametrize("codec", CODECS)
def test_frames_of_different_tables_are_refused(codec: str) -> None:
    payload = join([framed(parquet(pa.table({name: [1]})), codec) for name in "ab"])
    with pytest.raises(CheckpointError, match="pieces of different tables"):
        restore(payload, f"parquet+{codec}")


def test_frames_are_held_against_the_limit_together() -> None:
    payload = join([framed(bytes(40 * MIB), "zstd")] * 3)
    with pytest.raises(CheckpointError, match="declares 125829120 bytes, more than the"):
        restore(payload, "parquet+zstd", raw_bytes=LIMIT)
    pieces = [framed(parquet(pa.table({"a": ["x" * MIB] * 9})), "zstd")] * 3
    with pytest.raises(CheckpointError, match="bytes as a table, more than"):
        restore(join(pieces), "parquet+zstd", raw_bytes=5 * MIB)


def test_pages_that_are_not_plain_are_found_though_the_footer_conceals_them() -> None:
    for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        how = {"use_dictionary": False, "column_encoding": {"a": encoding}}
        file = parquet(pa.table({"a": ["x", "xy"] * 50}), **how)
        with pytest.raises(CheckpointError, match="a page that is not plain"):
            plain_bytes(file, pq.read_metadata(pa.BufferReader(file)), 0)
    dictionary = parquet(pa.table({"a": ["x", "xy"] * 50}), use_dictionary=True)
    with pytest.raises(CheckpointError, match="a page that is not plain"):
        plain_bytes(dictionary, pq.read_metadata(pa.BufferReader(dictionary)), 0)


@given(st.data())
def test_headers_of_pages_that_make_no_sense_are_refused(data: st.DataObject) -> None:
    file = bytearray(parquet(pa.table({"a": ["x", "xy"] * 50}), use_dictionary=False))
    footer = pq.read_metadata(pa.BufferReader(bytes(file)))
    plain = plain_bytes(bytes(file), footer, 0)
    chunk = footer.row_group(0).column(0)
    start, length = chunk.data_page_offset, chunk.total_compressed_size - plain
    for _ in range(data.draw(st.integers(1, 3))):
        file[start + data.draw(st.integers(0, length - 1))] = data.draw(st.integers(0, 255))
    with suppress(CheckpointError):
        assert plain_bytes(bytes(file), footer, 0) <= chunk.total_compressed_size


@given(st.binary(max_size=200), st.sampled_from(CODECS), st.sampled_from(["parquet", "arrow"]))
def test_no_bytes_are_a_state_by_chance(noise: bytes, codec: str, layout: str) -> None:
    for payload in (noise, framed(noise, codec)):
        with pytest.raises(CheckpointError, match=r"^stored state: ."):
            restore(payload, f"{layout}+{codec}")


@pytest.mark.parametrize("codec", CODECS)
def test_a_blob_under_the_name_of_another_codec_is_refused(codec: str) -> None:
    blob = small(codec)
    other = "zstd" if codec == "lz4" else "lz4"
    for wrong in (f"parquet+{other}", f"arrow+{other}", f"arrow+{codec}"):
        with pytest.raises(CheckpointError, match=r"^stored state: ."):
            restore(blob.payload, wrong, blob.raw_bytes)


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_without_checksum_or_size_is_refused(codec: str) -> None:
    content = parquet(pa.table({"a": [1]}))
    if codec == "lz4":
        bare = lz4.frame.compress(content, content_checksum=False, block_checksum=True)
        endless = lz4.frame.compress(
            content, content_checksum=True, block_checksum=True, store_size=False
        )
    else:
        bare = zstandard.ZstdCompressor(write_checksum=False).compress(content)
        endless = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(
            content
        )
    with pytest.raises(CheckpointError, match=r"without checksum"):
        restore(bare, f"parquet+{codec}")
    with pytest.raises(CheckpointError, match="does not declare its size"):
        restore(endless, f"parquet+{codec}")


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_that_unfolds_beyond_the_limit_is_refused_by_its_header(codec: str) -> None:
    bomb = framed(bytes(200 * MIB), codec)
    assert len(bomb) < MIB
    with pytest.raises(CheckpointError, match=r"declares 209715200 bytes, more than the"):
        restore(bomb, f"parquet+{codec}", raw_bytes=LIMIT)


@pytest.mark.parametrize("lie", [1, 100, 5 * MIB])
def test_an_lz4_header_that_lies_about_the_size_is_found(lie: int) -> None:
    content = random.Random(1).randbytes(MIB)  # noqa: S311  # not for secrets
    whole = framed(content, "lz4")
    compressor = lz4.frame.LZ4FrameCompressor(content_checksum=True, block_checksum=True)
    header = compressor.begin(source_size=lie)
    with pytest.raises(CheckpointError, match="LZ4"):
        restore(header + whole[len(header) :], "parquet+lz4")


@pytest.mark.parametrize("lie", [300, MIB - 1, MIB + 1, 5 * MIB])
def test_a_zstd_header_that_lies_about_the_size_is_found(lie: int) -> None:
    content = random.Random(1).randbytes(MIB)  # noqa: S311  # not for secrets
    whole = bytearray(framed(content, "zstd"))
    at = whole.index(MIB.to_bytes(4, "little"))
    whole[at : at + 4] = lie.to_bytes(4, "little")
    with pytest.raises(CheckpointError, match="zstd"):
        restore(bytes(whole), "parquet+zstd")


def test_a_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(
        window_log=27, write_checksum=True, write_content_size=True
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=2000)
    frame = compressor.compress(bytes(2000)) + compressor.flush()
    if zstandard.get_frame_parameters(frame).window_size <= 16 * MIB:
        # The library shrinks the window to the content: write the header by hand, not single
        # segment, with a window of 2 ** 31 and the size in two bytes.
        frame = bytes.fromhex("28b52ffd") + bytes([0x44, 0xA8]) + (2000 - 256).to_bytes(2, "little")
    assert zstandard.get_frame_parameters(frame).window_size > 16 * MIB
    with pytest.raises(CheckpointError, match="window of"):
        restore(frame, "parquet+zstd")


def rows_from_nothing() -> bytes:
    return parquet(pa.table({"a": pa.array([7] * 8_000_000, pa.int64())}), use_dictionary=True)


def texts_from_nothing() -> bytes:
    # 3,000 times one megabyte, as one dictionary entry and a run of indices.
    text = pa.array(["x" * MIB])
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), text)
    return parquet(pa.table({"a": rows}), pa.schema([("a", pa.string())]), use_dictionary=True)


def prefixes_from_nothing() -> bytes:
    # Each text repeats the one before it: 200 MB as lengths of prefixes.
    table = pa.table({"a": ["y" * 50_000] * 4000})
    how = {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
    return parquet(table, **how)


def pages_compressed_again() -> bytes:
    return parquet(pa.table({"a": ["z" * MIB]}), compression="zstd", use_dictionary=False)


def texts_that_claim_to_be_numbers() -> bytes:
    return parquet(pa.table({"a": ["w" * 100] * 10}), pa.schema([("a", pa.int64())]))


def wide_values_that_claim_to_be_narrow() -> bytes:
    values = pa.array([b"v" * 1000] * 10, pa.binary(1000))
    return parquet(pa.table({"a": values}), pa.schema([("a", pa.binary(2))]))


def lists_that_claim_to_be_numbers() -> bytes:
    return parquet(pa.table({"a": [[1] * 1000] * 10}), pa.schema([("a", pa.int64())]))


def more_columns_than_the_schema() -> bytes:
    return parquet(pa.table({"a": [1], "b": [2]}), pa.schema([("a", pa.int64())]))


@pytest.mark.parametrize(
    ("bomb", "says"),
    [
        (rows_from_nothing, "bytes as a table, more than"),
        (texts_from_nothing, "bytes as a table, more than"),
        (prefixes_from_nothing, "stored as DELTA_BYTE_ARRAY"),
        (pages_compressed_again, "stored as ZSTD"),
        (texts_that_claim_to_be_numbers, "does not hold its type int64"),
        (wide_values_that_claim_to_be_narrow, "does not hold its type fixed_size_binary"),
        (lists_that_claim_to_be_numbers, "does not hold its type int64"),
        (more_columns_than_the_schema, "2 columns, expected 1"),
    ],
)
def test_a_layout_that_unfolds_to_what_was_not_recorded_is_refused_before_it_does(
    bomb: Callable[[], bytes], says: str
) -> None:
    payload = framed(bomb(), "zstd")
    with (
        arrow_memory_stays_below(24 * MIB),
        pytest.raises(CheckpointError, match=says),
    ):
        restore(payload, "parquet+zstd", raw_bytes=1000)


def test_texts_stored_by_prefix_are_not_decoded_even_if_the_footer_conceals_them() -> None:
    # What the check of the footer leans on: read as dictionaries, Arrow refuses these encodings.
    for encoding in ("DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        file = parquet(
            pa.table({"a": ["x", "xy"]}), use_dictionary=False, column_encoding={"a": encoding}
        )
        with pytest.raises(OSError, match="Not yet implemented"):
            pq.ParquetFile(pa.BufferReader(file), read_dictionary=["a"]).read()


@pytest.mark.parametrize("inner", ["lz4", "zstd"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_arrow_buffers_compressed_again_are_refused(inner: str, dictionary: bool) -> None:
    column = pa.array(["x", "y"] * 500)
    table = pa.table({"a": column.dictionary_encode() if dictionary else column})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=inner)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(CheckpointError, match="Arrow buffers that are compressed"):
        restore(framed(sink.getvalue().to_pybytes(), "lz4"), "arrow+lz4", table.nbytes)


@pytest.mark.parametrize("kind", ["texts", "lists"])
def test_an_arrow_stream_whose_offsets_point_elsewhere_is_refused(kind: str) -> None:
    texts = pa.array(["abcdefgh", "ijklmnop", "qrstuvwx"], pa.string_view())
    lists = pa.array([[1] * 8, [2] * 8, [3] * 8])
    table = pa.table({"a": lists, "b": texts, "c": texts.cast(pa.string())})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    stream = bytearray(sink.getvalue().to_pybytes())
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 8, 16, 24))
    lists_at = stream.index(offsets)
    at = lists_at if kind == "lists" else stream.index(offsets, lists_at + 1)
    stream[at + 4 : at + 8] = (999_999).to_bytes(4, "little")
    with pytest.raises(CheckpointError, match=r"^stored state: its arrow layout"):
        restore(framed(bytes(stream), "lz4"), "arrow+lz4", 1000)


@pytest.mark.parametrize("codec", CODECS)
def test_a_recorded_size_that_cannot_be_is_refused(codec: str) -> None:
    blob = small(codec)
    with pytest.raises(CheckpointError, match="recorded size of -1"):
        restore(blob.payload, blob.codec, raw_bytes=-1)
    with pytest.raises(CheckpointError, match="raise the memory limit"):
        restore(blob.payload, blob.codec, raw_bytes=10**15)
    with pytest.raises(CheckpointError, match="more than the 10 that fit"):
        restore(blob.payload, blob.codec, raw_bytes=5, limit=10)
