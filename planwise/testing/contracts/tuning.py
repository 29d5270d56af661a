"""What a tuner has to hold: the hook ``db_tune``."""

from __future__ import annotations

from planwise.testing.contracts.common import Plugin


class DbTune(Plugin):
    """Settings within the machine, that DuckDB takes and that settle."""

    hooks = ("db_tune",)
