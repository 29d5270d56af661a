"""What DuckDB measured of the statements of a node while they ran."""

from __future__ import annotations

import json
from typing import Any


class MeasuredCursor:
    """Executes on a cursor whose statements are measured, and keeps the most that was spilled.

    Args:
        cursor: that of a phase's transaction.

    Attributes:
        spilled_bytes: the most so far; 0 on a cursor that measures nothing.
        profile: of the statement that took longest, as JSON, where the run profiles; else empty.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self._longest_s = -1.0
        self.spilled_bytes = 0
        self.profile = ""

    def execute(self, *arguments: Any) -> Any:
        """Execute a statement, to its end where it gives no rows."""
        done = self._cursor.execute(*arguments)
        text = self._cursor.get_profiling_information(format="json")
        found = json.loads(text)
        spilled = int(found.get("system", {}).get("peak_temp_dir_size", 0))
        self.spilled_bytes = max(self.spilled_bytes, spilled)
        if found.get("operator"):  # only in a run that profiles
            seconds = float(found.get("query", {}).get("total_time", 0.0))
            if seconds > self._longest_s:
                self._longest_s, self.profile = seconds, text
        return done
