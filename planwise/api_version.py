"""The version of the API for plugins, and which plugins are taken.

A plugin says which version it was built for: ``planwise_api = "0.1"``, an attribute of its class or
module. The first number changes where a plugin may have to be rewritten, the second where something
is added, or where something is removed that was deprecated before.
"""

from __future__ import annotations

import re
from typing import Final

API_VERSION: Final = "0.1"
"""What this planwise offers."""
OLDEST_API: Final = "0.1"
"""The oldest version whose plugins it still runs; of the same first number."""
DECLARATION: Final = "planwise_api"
"""The attribute by which a plugin says what it was built for."""
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})", re.ASCII)


def version_problem(
    declared: object, *, offered: str = API_VERSION, oldest: str = OLDEST_API
) -> str | None:
    """Why a plugin cannot run here, and the mend; None if it can.

    Args:
        declared: what the plugin says; None where it says nothing, which is taken.
        offered: the version of this planwise.
        oldest: the oldest one that it still runs.
    """
    if declared is None:
        return None
    wanted = _VERSION.fullmatch(declared) if isinstance(declared, str) else None
    if wanted is None:
        return (
            f"its {DECLARATION} is no version of the API; expected text like '{offered}', "
            "the API_VERSION of the planwise that it was built with"
        )
    built = f"it was built for API {declared}, and this planwise "
    if _numbers(str(declared)) > _numbers(offered):
        return f"{built}offers {offered}: upgrade planwise"
    if _numbers(str(declared)) < _numbers(oldest):
        serves = f"offers {offered}" if oldest == offered else f"runs {oldest} to {offered}"
        return f"{built}{serves}: upgrade the plugin"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
