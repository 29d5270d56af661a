"""What a codec has to hold: the hooks ``compress_state`` and ``restore_state``."""

from __future__ import annotations

from planwise.testing.contracts.common import Plugin


class CompressState(Plugin):
    """Tables come back to the bit, damage is found, memory is bounded."""

    hooks = ("compress_state", "restore_state")
