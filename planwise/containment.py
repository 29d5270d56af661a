"""What holds while a plugin is called: its time, what it prints, and what becomes of its failure.

A failure ends the run, unless the run is to go on where no result can depend on the plugin
(``--plugin-errors=warn``).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal

from attrs import define, field, frozen, validators

from planwise.answers import told
from planwise.errors import PlanwiseError, PluginError
from planwise.hook_call import HookCall, Named, TimeLimitReached
from planwise.interruption import may_be_the_users
from planwise.prints import tell_what_was_printed
from planwise.time_limits import too_long, watch

PluginErrors = Literal["fail", "warn"]
DISPENSABLE: Final = frozenset({"db_tune", "plan_batches", "record_metric", "report_section"})
"""Hooks whose answers no result depends on."""
AT_START: Final = frozenset({"add_options", "configure"})
"""Hooks that come before anything is done: a plugin that fails there is as if it were off."""
DEFAULT_S: Final = 60.0
"""What a start-up hook or a plan takes is some milliseconds; a network may be waited for."""
BYTES_PER_S: Final = 1_000_000
"""The slowest codec that is any use; the strongest level of zstd writes three times as much."""
UNLIMITED: Final = frozenset({"execute_batch"})
"""Hooks that run statements of SQL, which may take hours."""
BY_SIZE: Final = frozenset({"compress_state", "restore_state"})
_READ_ONLY: Final = ("mappingproxy", "FrozenInstanceError", "FrozenAttributeError")


@frozen
class TimeLimits:
    """How long calls of hooks may take.

    Attributes:
        seconds: a call; 0 for no limit.
    """

    seconds: float = field(default=DEFAULT_S, validator=validators.ge(0))

    def of(self, hook: str | None, size_bytes: int = 0) -> float | None:
        """The limit of a call in seconds, or None.

        Args:
            hook: what is called; None for loading a plugin.
            size_bytes: of the table, for hooks that turn one into bytes and back.
        """
        if not self.seconds or hook in UNLIMITED:
            return None
        return self.seconds + (size_bytes / BYTES_PER_S if hook in BY_SIZE else 0.0)


@frozen
class PluginFailure:
    """A failure of a plugin with which the run went on.

    Attributes:
        plugin: the entry-point name.
        distribution: ``name version`` of the distribution.
        hook: what failed; None of a plugin that could not be imported.
        problem: the error, in a line.
        off: what was off from then on: all of the plugin, or the hooks that no result depends on.
    """

    plugin: str
    distribution: str
    hook: str | None
    problem: str
    off: Literal["all", "dispensable"]


class Watched:
    """A block in which a plugin's code runs: within its time, its prints kept apart.

    Args:
        plugin: whose code.
        hook: what is called; None while it is loaded.
        limit_s: how long the block may take, or None.

    Raises:
        TimeLimitReached: in the plugin's code, when its time is used up; at the end once
            more, since the plugin may have passed over it.
    """

    __slots__ = ("call",)

    def __init__(self, plugin: Named, hook: str | None, limit_s: float | None) -> None:
        self.call = HookCall(plugin, hook, limit_s)

    def __enter__(self) -> HookCall:
        call = self.call
        call.begin()
        watch().begin(call)
        return call

    def __exit__(self, *_: object) -> None:
        call = self.call
        try:
            call.end()
        finally:  # also where it is interrupted here
            watch().end(call)
            call.end()
        tell_what_was_printed(call)
        if call.expired:
            raise TimeLimitReached


@define
class Guard:
    """How the plugins of a run are called.

    Attributes:
        limits: how long a call may take.
        on_error: whether a failure ends the run where no result depends on the plugin.
        failures: those with which the run went on, in their order.
    """

    limits: TimeLimits = field(factory=TimeLimits)
    on_error: PluginErrors = "fail"
    failures: list[PluginFailure] = field(factory=list)

    def loading(self, plugin: Named) -> Watched:
        """The block in which a plugin is loaded."""
        return Watched(plugin, None, self.limits.of(None))

    def calling(self, plugin: Named, hook: str, size_bytes: int = 0) -> _Contained:
        """The block in which a hook is called, and its answer looked at.

        Args:
            plugin: whose hook.
            hook: its name.
            size_bytes: of the table that it is about.
        """
        return _Contained(self, plugin, hook, self.limits.of(hook, size_bytes))

    def is_off(self, plugin: str, hook: str | None = None) -> bool:
        """Whether a hook is not called any more, since its plugin has failed.

        Args:
            plugin: the plugin's name.
            hook: the hook; None: any of them.
        """
        return any(
            each.plugin == plugin and (each.off == "all" or hook in DISPENSABLE)
            for each in self.failures
        )

    def excuses(self, plugin: Named, hook: str | None, error: PlanwiseError) -> bool:
        """Whether the run goes on with an error; then it is told, and the plugin is off.

        Args:
            plugin: who failed.
            hook: where; None while it was loaded.
            error: how.
        """
        at_start = hook is None or hook in AT_START
        if self.on_error == "fail" or not (at_start or hook in DISPENSABLE):
            return False
        if at_start and not isinstance(error, PluginError):
            return False  # what the user said is wrong, says the plugin
        text = " ".join(str(error).split())
        failure = PluginFailure(
            plugin.name,
            plugin.distribution,
            hook or getattr(error, "hook", None),
            text,
            "all" if at_start else "dispensable",
        )
        self.failures.append(failure)
        with suppress(OSError, ValueError):  # whoever read it has gone
            sys.stderr.write(f"planwise: warning: {text}; {off_words(failure)}\n")
        return True


def off_words(failure: PluginFailure) -> str:
    """What is off, in words."""
    if failure.off == "all":
        return f"the run goes on without {failure.plugin}"
    return f"the run goes on, and asks {failure.plugin} for nothing more that results do not need"


class _Contained:
    """Contains what a plugin raises when it is called, and when its answer is looked at."""

    __slots__ = ("_guard", "_hook", "_plugin", "_watched")

    def __init__(self, guard: Guard, plugin: Named, hook: str, limit_s: float | None) -> None:
        self._guard = guard
        self._plugin = plugin
        self._hook = hook
        self._watched = Watched(plugin, hook, limit_s)

    def __enter__(self) -> None:
        self._watched.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            self._watched.__exit__()
        except TimeLimitReached as late:
            # What the plugin makes of it is no other failure, but Ctrl-C stays what it is.
            if not isinstance(error, KeyboardInterrupt):
                error = late
        if error is None:
            return False
        if isinstance(error, KeyboardInterrupt) and may_be_the_users():
            return False
        if isinstance(error, PlanwiseError):
            return self._guard.excuses(self._plugin, self._hook, error)
        found = PluginError(
            self._problem(error),
            plugin=self._plugin.name,
            distribution=self._plugin.distribution,
            hook=self._hook,
        )
        if self._guard.excuses(self._plugin, self._hook, found):
            return True
        raise found from error

    def _problem(self, error: BaseException) -> str:
        """What happened and how to mend it; SystemExit and the like are a plugin's fault too."""
        if isinstance(error, TimeLimitReached):
            return too_long(self._watched.call)
        what = told(error)
        if any(each in what for each in _READ_ONLY):
            what += " (it changes what it was given, which is read-only: change a copy)"
        return f"raised {what}; switch it off with --no-{self._plugin.name}"
