"""What this plugin does, whatever others do: the format, and bytes that lie about themselves."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planwise.api import CheckpointError, CompressedState, StateTable

from planwise_quick_states import CODEC, QuickStates
from planwise_quick_states.blocks import BLOCK_BYTES, HEADER, MAGIC, VERSION, pack, unpack

MIB = 1 << 20


def stored(table: pa.Table) -> CompressedState:
    return QuickStates().compress_state(StateTable("main.people", 2025, table))


def small() -> pa.Table:
    return pa.table({"id": [1, 2, None], "name": ["a", "b", "b"], "pay": [0.5, -0.0, 2.5]})


def restored(payload: bytes, limit_bytes: int = MIB * 64) -> Any:
    return QuickStates().restore_state(CompressedState(CODEC, payload, 100), limit_bytes)


def hostile(size: int, blocks: list[bytes], **other: int) -> bytes:
    """A payload with right checksums, whatever else it says."""
    lengths = struct.pack(f">{len(blocks)}I", *map(len, blocks))
    content = other.get("content", 0)
    version, count = other.get("version", VERSION), other.get("count", len(blocks))
    header = HEADER.pack(MAGIC, 0, version, count, size, content)
    rest = header[8:] + lengths + b"".join(blocks)
    return MAGIC + zlib.crc32(rest).to_bytes(4, "big") + rest


@given(
    content=st.binary(max_size=300),
    times=st.sampled_from([1, 1, 1, BLOCK_BYTES // 100, 2 * BLOCK_BYTES // 300]),
)
def test_bytes_come_back(content: bytes, times: int) -> None:
    whole = content * times
    assert unpack(pack(whole), 2 * len(whole)).to_pybytes() == whole


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
@pytest.mark.parametrize("filled", ["zeros", "noise"])
def test_bytes_at_the_edge_of_a_block_come_back(size: int, filled: str) -> None:
    # Squares of a linear congruence: nothing that LZ4 could make smaller, and always the same.
    noise = b"".join(((n * 2654435761) ** 2 % 2**61).to_bytes(8, "big") for n in range(size // 8))
    content = bytes(size) if filled == "zeros" else noise + bytes(size - len(noise))
    payload = pack(content)
    assert unpack(payload, 2 * size).to_pybytes() == content
    assert len(payload) <= size + HEADER.size + 8
    assert (len(payload) < size / 100) == (filled == "zeros" and size > 1000)


def test_a_large_table_comes_back_and_is_smaller() -> None:
    table = pa.table({"year": [2025] * 600_000, "id": range(600_000)})
    state = stored(table)
    assert state.codec == CODEC
    assert state.raw_bytes == table.nbytes > 4 * BLOCK_BYTES
    assert len(state.payload) < table.nbytes * 0.6
    assert QuickStates().restore_state(state, 2 * table.nbytes).equals(table)


def test_no_flipped_bit_no_missing_and_no_further_byte_passes() -> None:
    payload = stored(small()).payload
    for place in range(len(payload)):
        for bit in range(8):
            damaged = bytearray(payload)
            damaged[place] ^= 1 << bit
            with pytest.raises(CheckpointError, match=r"arrow-blocks\+lz4: "):
                restored(bytes(damaged))
        for other in (payload[:place], payload + payload[: place + 1]):
            with pytest.raises(CheckpointError, match=r"arrow-blocks\+lz4: "):
                restored(other)
    assert restored(payload).equals(small())


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (hostile(2**64 - 1, []), "0 blocks are not the 18446744073709551615 bytes"),
        (hostile(2**62, [], count=2**32 - 1), "4294967295 blocks are not the"),
        (hostile(MIB, [b"x"], count=2), "2 blocks are not the 1048576 bytes"),
        (hostile(2 * MIB, [b"x"], count=2), "blocks are not|its blocks are"),
        (hostile(0, [b"x"]), "1 blocks are not the 0 bytes"),
        (hostile(5, [b""]), "block 0 of 0 bytes is none"),
        (hostile(5, [b"123456"]), "block 0 of 6 bytes is none"),
        (hostile(5, [b"12345"], version=2), "version 2 of the format, expected 1"),
        (hostile(MIB, [b"\xff" * 9]), "a block is damaged"),
        (hostile(5, [b"12345"]), "do not unfold to what was stored"),
    ],
)
def test_a_header_that_lies_is_refused(payload: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        restored(payload)


def test_a_block_that_ends_early_is_no_content() -> None:
    """Arrow fills the rest with whatever was in memory, and says nothing."""
    short = pa.Codec("lz4_raw").compress(bytes(1000), asbytes=True)
    with pytest.raises(CheckpointError, match="do not unfold to what was stored"):
        restored(hostile(BLOCK_BYTES, [short], content=zlib.crc32(b"what was meant")))


def test_what_unfolds_beyond_the_limit_is_refused_before_it_is_allocated() -> None:
    block = pa.Codec("lz4_raw").compress(bytes(BLOCK_BYTES), asbytes=True)
    bomb = hostile(4096 * BLOCK_BYTES, [block] * 4096)  # 4 GiB in 17 MiB
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="more than the limit of 1048576 bytes"):
            restored(bomb, MIB)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
    assert pa.total_allocated_bytes() == before


def test_arrow_buffers_that_are_compressed_are_refused() -> None:
    """They unfold inside of Arrow's reader, where nothing bounds them."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    table = pa.table({"zeros": [0] * 100_000})
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    with pytest.raises(CheckpointError, match="Arrow buffers that are compressed"):
        restored(pack(sink.getvalue().to_pybytes()))


@pytest.mark.parametrize("content", [b"", b"no stream", bytes(64)])
def test_what_is_no_arrow_stream_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError, match="no Arrow stream is in it"):
        restored(pack(content))


def test_offsets_outside_of_their_buffer_are_refused() -> None:
    outside = struct.pack("<3i", 0, 2**20, 2**30)
    sink = pa.BufferOutputStream()
    table = pa.table({"t": ["ab", "c"]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    good = sink.getvalue().to_pybytes()
    bad = good.replace(struct.pack("<3i", 0, 2, 3), outside)
    assert bad != good
    with pytest.raises(CheckpointError, match="no Arrow stream is in it"):
        restored(pack(bad))


def test_the_codec_of_another_plugin_is_left_to_it() -> None:
    state = stored(small())
    other = CompressedState("parquet+lz4", state.payload, state.raw_bytes)
    assert QuickStates().restore_state(other, limit_bytes=MIB) is None
