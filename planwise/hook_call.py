"""Which hook of which plugin a thread is in: for what it prints, and how long it takes."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

_MOST_PRINTED: Final = 100_000
"""Characters of one call that are kept; a plugin may print for ever."""


class TimeLimitReached(BaseException):  # no `except Exception` of a plugin takes it
    """Raised in a plugin that has used up its time; nobody but its caller sees it."""


class Named(Protocol):
    """A plugin, as far as it can be blamed."""

    @property
    def name(self) -> str:
        """The entry-point name."""
        ...

    @property
    def distribution(self) -> str:
        """``name version`` of the distribution."""
        ...


class HookCall:
    """A call of a plugin that has begun and not ended.

    Args:
        whom: the plugin. Its distribution is read for a message only: that takes a millisecond.
        hook: what is called; None while the plugin is loaded.
        limit_s: how long it may take, or None.

    Attributes:
        thread: the thread that it is in.
        began_s: the clock when it began.
        left_s: what is left of its time.
        expired: whether there was none left, and the plugin was interrupted.
        given_up: whether even that did not help.
        ended: whether it is over.
    """

    __slots__ = (
        *("hook", "limit_s", "thread", "began_s", "left_s", "expired", "given_up", "ended"),
        *("outer", "_whom", "_printed", "_length"),
    )

    def __init__(self, whom: Named, hook: str | None, limit_s: float | None) -> None:
        self._whom = whom
        self.hook = hook
        self.limit_s = limit_s
        self.thread = threading.get_ident()
        self.began_s = time.monotonic()
        self.left_s = limit_s or 0.0
        self.expired = False
        self.given_up = False
        self.ended = False
        self.outer: HookCall | None = None
        self._printed: list[str] | None = None
        self._length = 0

    def begin(self) -> None:
        """This thread is in it from here on."""
        self.outer = getattr(_here, "call", None)
        _here.call = self

    def end(self) -> None:
        """It is over; safe to call twice."""
        if not self.ended:
            self.ended = True
            _here.call = self.outer

    def prints(self, text: str) -> None:
        """Keep what it prints, within bounds."""
        if self._printed is None:
            self._printed = []
        self._length += len(text)
        if self._length <= _MOST_PRINTED:
            self._printed.append(text)

    def printed(self) -> list[str]:
        """The lines that it printed, once."""
        if self._printed is None:
            return []
        text, self._printed = "".join(self._printed), None
        more = ["..."] if self._length > _MOST_PRINTED else []
        return [line for line in text.splitlines() if line.strip()] + more

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return self._whom.name

    @property
    def whose(self) -> str:
        """Plugin, distribution and hook, for a message."""
        where = f", hook '{self.hook}'" if self.hook else ""
        return f"plugin '{self.plugin}' (from {self._whom.distribution}){where}"


_here = threading.local()


def current_call() -> HookCall | None:
    """The call that this thread is in."""
    return getattr(_here, "call", None)


def act_for(call: HookCall | None) -> None:
    """Let this thread, which works for another one, be in the call that the other one is in."""
    _here.call = call
