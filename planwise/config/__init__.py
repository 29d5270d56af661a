"""The configuration file: read safely, checked whole, exact to the last decimal.

Importing this package loads neither pydantic nor yaml; the first use of one of its names does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planwise.config.load import Config, load_config

__all__ = ["Config", "load_config"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from planwise.config import load

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
