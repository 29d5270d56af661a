"""planwise: multi-year workforce and retirement-plan simulations, fast; optimizations are plugins.

The names below load what they need when they are first used, so that ``import planwise`` and
``planwise --help`` stay light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planwise.engine import (
        MultiYearEngine,
        OptimizationEngine,
        create_optimization_engine,
        create_optimized_multi_year_engine,
    )

__version__ = "0.1.0"

__all__ = [
    "MultiYearEngine",
    "OptimizationEngine",
    "__version__",
    "create_optimization_engine",
    "create_optimized_multi_year_engine",
]

_ENGINE_NAMES: Final = frozenset(__all__) - {"__version__"}


def __getattr__(name: str) -> Any:
    if name in _ENGINE_NAMES:
        from planwise import engine

        return getattr(engine, name)
    raise AttributeError(f"module 'planwise' has no attribute '{name}'")
