"""Plugin ``compression``: a year's state as columnar files inside checksummed frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from planwise.api import (
    CompressedState,
    PlanwiseError,
    PluginOption,
    SettingValue,
    StateTable,
    hookimpl,
)
from planwise_plugins.compression.frames import (
    LEVELS,
    compress,
    content_bytes,
    decompress,
    join,
    split,
)
from planwise_plugins.compression.names import ARROW, LZ4, PARQUET
from planwise_plugins.compression.threads import in_threads

__all__ = ["Compression"]

_CODEC_NAMES: Final = {
    f"{layout}+{frame}": (layout, frame) for layout in (PARQUET, ARROW) for frame in LEVELS
}


class Compression:
    """Writes with the codec that its options say, and reads every codec that it can write."""

    planwise_api = "0.1"

    def __init__(self) -> None:
        self._frame = LZ4
        self._level = LEVELS[LZ4].default

    @hookimpl
    def add_options(self) -> Sequence[PluginOption]:
        """Codec and effort."""
        ranges = ", ".join(
            f"{name} {each.least} to {each.most} (default {each.default})"
            for name, each in LEVELS.items()
        )
        return [
            PluginOption(
                "codec",
                LZ4,
                "How a year's state is compressed.",
                choices=tuple(LEVELS),
            ),
            PluginOption("level", None, f"Effort of the codec: {ranges}.", type=int),
        ]

    @hookimpl
    def configure(self, options: Mapping[str, SettingValue | None]) -> None:
        """Take codec and level; a level that the codec does not have is an error."""
        frame = str(options["codec"])
        if frame not in LEVELS:
            raise PlanwiseError(
                f"plugins.compression.codec: expected {' or '.join(LEVELS)}, got {frame!r}"
            )
        allowed = LEVELS[frame]
        level = options["level"]
        if level is None:
            level = allowed.default
        if isinstance(level, bool) or not isinstance(level, int):
            raise PlanwiseError(
                f"plugins.compression.level: expected a whole number, got {level!r}"
            )
        if not allowed.least <= level <= allowed.most:
            raise PlanwiseError(
                f"plugins.compression.level: expected {allowed.least} to {allowed.most} for "
                f"{frame}, got {level}"
            )
        self._frame, self._level = frame, level

    @hookimpl
    def compress_state(self, state: StateTable) -> CompressedState:
        """The table as Parquet, or as an Arrow stream if Parquet cannot hold it to the bit."""
        from planwise_plugins.compression import columnar  # pyarrow: only where a state is stored

        layout, pieces = columnar.pieces(state.table)
        frames = in_threads(
            lambda piece: compress(columnar.encode(piece, layout), self._frame, self._level), pieces
        )
        return CompressedState(f"{layout}+{self._frame}", join(frames), state.table.nbytes)

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
        """The table again; None if the codec is not one of this plugin."""
        if state.codec not in _CODEC_NAMES:
            return None
        from planwise_plugins.compression import columnar  # as above
        from planwise_plugins.compression.bounds import Room

        layout, codec = _CODEC_NAMES[state.codec]
        most = columnar.most_encoded_bytes(state.raw_bytes, limit_bytes)
        frames = split(state.payload)
        size = content_bytes(frames, codec, most)
        room = Room(columnar.most_table_bytes(state.raw_bytes, limit_bytes - size))
        return columnar.joined(
            in_threads(
                lambda frame: columnar.decode(decompress(frame, codec), layout, room), frames
            )
        )
