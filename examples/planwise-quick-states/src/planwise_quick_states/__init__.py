"""Plugin ``quick-states`` of planwise: states as Arrow streams in blocks, packed by LZ4.

It trades room for time: nothing is laid out anew, so a state is written and read with less work
than the built-in ``compression`` takes, and is larger.
"""

from __future__ import annotations

from typing import Any

from planwise.api import CompressedState, StateTable, hookimpl

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
        # pyarrow comes with these, and only where a state is stored: every start would pay for it.
        from planwise_quick_states.blocks import pack
        from planwise_quick_states.stream import to_stream

        return CompressedState(CODEC, pack(to_stream(state.table)), state.table.nbytes)

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
        from planwise_quick_states.stream import from_stream

        return from_stream(unpack(state.payload, limit_bytes))
