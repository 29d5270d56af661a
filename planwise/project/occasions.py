"""What planwise changes in dbt for the time of an invocation, and puts back."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Moment:
    """The invocation id and the starting time that models may read, kept for an occasion."""

    def __init__(self) -> None:
        self._occasion: object = None
        self._kept: tuple[str, Any] | None = None
        self._started: Any = None

    @contextmanager
    def of(self, occasion: object) -> Iterator[None]:
        """Let dbt's invocations in the block be those of an occasion; None for one of its own."""
        import dbt_common.invocation as invocation
        from dbt.cli import requires

        from dbt import tracking

        if occasion is None or occasion != self._occasion:
            self._occasion, self._kept, self._started = occasion, None, None
        before, start = requires.reset_invocation_id, requires.initialize_from_flags

        def track(*arguments: Any) -> None:
            start(*arguments)
            if self._kept is not None and tracking.active_user is not None:
                tracking.active_user.run_started_at = self._started = (
                    self._started or tracking.active_user.run_started_at
                )

        def reset() -> None:
            before()
            if self._kept is None:
                self._kept = (
                    invocation.get_invocation_id(),
                    invocation.get_invocation_started_at(),
                )
            else:
                # Private, and what dbt has no way to set; a test compares with plain dbt.
                invocation._INVOCATION_ID, invocation._INVOCATION_STARTED_AT = self._kept  # noqa: SLF001  # as above

        requires.reset_invocation_id, requires.initialize_from_flags = reset, track
        try:
            yield
        finally:
            requires.reset_invocation_id, requires.initialize_from_flags = before, start


@contextmanager
def without_generic_tests() -> Iterator[None]:
    """Let dbt's parser pass over the tests in YAML files: a run executes none of them.

    They are most of what a parse takes: of the simulation's own project a quarter.
    """
    from dbt.parser.schema_generic_tests import SchemaGenericTestParser

    before = SchemaGenericTestParser.parse_tests
    SchemaGenericTestParser.parse_tests = lambda *_, **__: None
    try:
        yield
    finally:
        SchemaGenericTestParser.parse_tests = before


@contextmanager
def no_collections() -> Iterator[None]:
    """Let Python collect no garbage meanwhile: a parse makes much that stays, and drops little.

    What it made is then left out of later collections. It saves about a tenth of a parse.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
