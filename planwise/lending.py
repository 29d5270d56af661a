"""What an executor is lent for one batch, and for no longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from planwise.values import BatchResult

_T = TypeVar("_T")
_P = ParamSpec("_P")


class Loan:
    """Ways to the database and to dbt that end with their batch.

    A plugin may keep the request that it was given. What it wrote later would be part of another
    phase's transaction, or of none. Its mistakes are plain exceptions: whoever calls the plugin
    reports what it raises with its name.
    """

    def __init__(self) -> None:
        self._over = False
        self.run_by_dbt: set[str] = set()

    def lent(self, function: Callable[_P, _T]) -> Callable[_P, _T]:
        """The function, until the loan ends."""

        @wraps(function)
        def call(*arguments: _P.args, **named: _P.kwargs) -> _T:
            if self._over:
                raise RuntimeError("what a batch's request offers ends with the batch")
            return function(*arguments, **named)

        return call

    def by_dbt(
        self, function: Callable[[Sequence[str]], BatchResult], own: Sequence[str]
    ) -> Callable[[Sequence[str]], BatchResult]:
        """A function that lets dbt run nodes, each once, as long as the loan lasts.

        Args:
            function: lets dbt run nodes.
            own: the batch's nodes.
        """

        def call(nodes: Sequence[str]) -> BatchResult:
            for node in nodes:
                if node not in own:
                    raise ValueError(f"{node!r} is no node of this batch")
                if node in self.run_by_dbt:
                    raise ValueError(f"dbt has run '{node}' in this batch already")
            self.run_by_dbt.update(nodes)
            return function(nodes)

        return self.lent(call)

    def end(self) -> None:
        """Nothing is lent any more."""
        self._over = True
