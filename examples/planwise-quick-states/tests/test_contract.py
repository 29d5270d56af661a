"""What planwise expects of every plugin with these hooks: its own suites."""

from __future__ import annotations

from planwise.testing import contracts


class TestCompressState(contracts.CompressState):
    plugin = "quick-states"
