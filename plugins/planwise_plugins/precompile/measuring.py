"""What DuckDB held in temporary files while the statements of a node ran."""

from __future__ import annotations

import json
from typing import Any


class MeasuredCursor:
    """Executes on a cursor whose statements are measured, and keeps the most that was spilled.

    Args:
        cursor: that of a phase's transaction.

    Attributes:
        spilled_bytes: the most so far; 0 on a cursor that measures nothing.
    """

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.spilled_bytes = 0

    def execute(self, *arguments: Any) -> Any:
        """Execute a statement, to its end where it gives no rows."""
        done = self._cursor.execute(*arguments)
        found = json.loads(self._cursor.get_profiling_information(format="json"))
        spilled = int(found.get("system", {}).get("peak_temp_dir_size", 0))
        self.spilled_bytes = max(self.spilled_bytes, spilled)
        return done
