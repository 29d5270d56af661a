"""Bytes in blocks of 1 MiB, each packed by LZ4, with a header that bounds what they unfold to.

The header is big-endian::

    magic       4 bytes    b"PWQS"
    checksum    4 bytes    CRC-32 of all that follows
    version     4 bytes    1
    count       4 bytes    how many blocks there are
    size        8 bytes    how many bytes they unfold to
    content     4 bytes    CRC-32 of these bytes
    lengths     4 bytes each, how many bytes each block takes here

A block unfolds to 1 MiB, the last one to the rest. One that LZ4 makes no smaller is stored as it
is, which its length says.

The first checksum finds damage before anything is unfolded. The second one is there because Arrow
does not say when a block of LZ4 ends early: what it left of the memory would be taken for content.
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, Final

import pyarrow as pa
from planwise.api import CheckpointError

from planwise_quick_states.names import CODEC

MAGIC: Final = b"PWQS"
VERSION: Final = 1
BLOCK_BYTES: Final = 1 << 20
"""Large enough that blocks cost nothing, small enough to stay in a processor's cache."""
HEADER: Final = struct.Struct(">4sIIIQI")
_CHECKED_FROM: Final = 8
"""Magic and checksum are not in the checksum."""


def pack(content: bytes) -> bytes:
    """Compress bytes.

    Args:
        content: any number of bytes.
    """
    codec = pa.Codec("lz4_raw")
    source = pa.py_buffer(content)  # slices of it are no copies
    blocks = []
    for at in range(0, source.size, BLOCK_BYTES):
        block = source.slice(at, min(BLOCK_BYTES, source.size - at))
        packed = codec.compress(block)
        blocks.append(packed if packed.size < block.size else block)
    lengths = struct.pack(f">{len(blocks)}I", *(block.size for block in blocks))
    facts = (VERSION, len(blocks), source.size, zlib.crc32(content))
    checksum = zlib.crc32(HEADER.pack(MAGIC, 0, *facts)[_CHECKED_FROM:] + lengths)
    for block in blocks:
        checksum = zlib.crc32(block, checksum)
    return b"".join([HEADER.pack(MAGIC, checksum, *facts), lengths, *blocks])


def unpack(payload: bytes, limit_bytes: int) -> Any:
    """The bytes that :func:`pack` was given, as a ``pyarrow.Buffer``.

    Everything that the header says is held against the payload's own length and the limit before
    any of it is allocated.

    Args:
        payload: from :func:`pack`.
        limit_bytes: how many bytes there may be at the most, the block in hand counted.

    Raises:
        CheckpointError: something is missing, was changed, or takes more room than it may.
    """
    size, checksum, lengths = _checked_header(payload)
    if size + min(size, BLOCK_BYTES) > limit_bytes:
        raise CheckpointError(
            f"{CODEC}: {size} bytes are in it, more than the limit of {limit_bytes} bytes allows"
        )
    codec = pa.Codec("lz4_raw")
    content = pa.allocate_buffer(size)
    view = memoryview(content).cast("B") if size else memoryview(b"")
    source = memoryview(payload)
    start, at = HEADER.size + 4 * len(lengths), 0
    for length in lengths:
        block = source[start : start + length]
        wanted = min(BLOCK_BYTES, size - at)
        view[at : at + wanted] = block if length == wanted else _unfolded(codec, block, wanted)
        start += length
        at += wanted
    if zlib.crc32(content) != checksum:
        raise CheckpointError(f"{CODEC}: its blocks do not unfold to what was stored")
    return content


def _unfolded(codec: Any, block: memoryview, size: int) -> Any:
    try:
        return memoryview(codec.decompress(block, size)).cast("B")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CheckpointError(f"{CODEC}: a block is damaged: {error}") from error


def _checked_header(payload: bytes) -> tuple[int, int, tuple[int, ...]]:
    """Size and checksum of the content, and the lengths of the blocks: all of it consistent."""
    if len(payload) < HEADER.size:
        raise CheckpointError(f"{CODEC}: {len(payload)} bytes are less than a header")
    magic, checksum, version, count, size, content = HEADER.unpack_from(payload)
    if magic != MAGIC:
        raise CheckpointError(f"{CODEC}: it does not begin with {MAGIC!r}")
    if zlib.crc32(memoryview(payload)[_CHECKED_FROM:]) != checksum:
        raise CheckpointError(f"{CODEC}: the checksum does not hold: the bytes are damaged")
    if version != VERSION:
        raise CheckpointError(f"{CODEC}: version {version} of the format, expected {VERSION}")
    if count != -(-size // BLOCK_BYTES) or HEADER.size + 4 * count > len(payload):
        raise CheckpointError(f"{CODEC}: {count} blocks are not the {size} bytes that it says")
    lengths = struct.unpack_from(f">{count}I", payload, HEADER.size)
    stored = len(payload) - HEADER.size - 4 * count
    if sum(lengths) != stored:
        raise CheckpointError(f"{CODEC}: its blocks are {stored} bytes, not {sum(lengths)}")
    for number, length in enumerate(lengths):
        if not 0 < length <= min(BLOCK_BYTES, size - number * BLOCK_BYTES):
            raise CheckpointError(f"{CODEC}: block {number} of {length} bytes is none")
    return size, content, lengths
