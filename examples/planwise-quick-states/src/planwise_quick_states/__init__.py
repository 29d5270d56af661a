"""Plugin ``quick-states`` of planwise: states as Arrow streams in blocks, packed by LZ4.

It trades room for time: nothing is laid out anew, so a state is written and read with less work
than the built-in ``compression`` takes, and is larger.
"""

from __future__ import annotations

from typing import Any

from planwise.api import (
    CheckpointError,
    CompressedState,
    StateTable,
    hookimpl,
    read_arrow_stream,
    write_arrow_stream,
)

from planwise_quick_states.names import CODEC

__all__ = ["CODEC", "QuickStates"]


class QuickStates:
    """Stores states as Arrow streams in blocks of LZ4: quicker, and larger."""

    planwise_api = "0.1"
    """The API that it was built with: a planwise that lacks it says so."""

    @hookimpl
    def compress_state(self, state: StateTable) -> CompressedState:
        """Pack a table; called in a thread beside the next year, never twice at once.

        Args:
            state: the table, as Arrow.

        Returns:
            Bytes that :meth:`restore_state` makes the same table of, to the bit.
        """
        # pyarrow comes with it, and only where a state is stored: every start would pay for it.
        from planwise_quick_states.blocks import pack

        payload = pack(write_arrow_stream(state.table))
        return CompressedState(CODEC, payload, state.table.nbytes)

    @hookimpl
    def restore_state(self, state: CompressedState, limit_bytes: int) -> Any:
        """Unpack a table.

        Args:
            state: what was stored.
            limit_bytes: the most memory that decoding may take.

        Returns:
            The table, or None if another plugin's codec wrote it.

        Raises:
            CheckpointError: the bytes are damaged, or would take more memory than that.
        """
        if state.codec != CODEC:
            return None
        from planwise_quick_states.blocks import unpack  # as above

        content = unpack(state.payload, limit_bytes)
        try:
            return read_arrow_stream(content, limit_bytes)
        except CheckpointError as error:
            raise CheckpointError(f"{CODEC}: no Arrow stream is in it: {error}") from error
