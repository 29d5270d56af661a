"""The process that looks at one plugin, and tells by lines of JSON what it does and finds.

It may print, hang or end in the midst of anything: whoever started it notices.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from planwise.api_version import DECLARATION
from planwise.containment import Guard, TimeLimits
from planwise.errors import PlanwiseError, PluginError
from planwise.interruption import signals_heard_by
from planwise.option_names import option_key
from planwise.plugins import implemented_hooks, load_plugins, offered_plugins
from planwise.relay import Relay
from planwise.settings import option_value
from planwise.values import PluginOption

_HEAVY: Final = frozenset({
    "dbt", "duckdb", "matplotlib", "networkx", "numpy", "pandas", "polars", "pyarrow", "scipy",
    "sklearn", "sqlalchemy", "torch",
})  # fmt: skip
"""Libraries that take long to import, and are mostly wanted by one hook alone."""
_LONG_S: Final = 0.1
_LONGEST: Final = 200
_MOST_WRITTEN_BYTES: Final = 256 * 2**20
"""Of any file: one that prints for ever would fill the disk until its time is used up."""


class Account:
    """Tells what is done, as it is done.

    Args:
        descriptor: an open file descriptor that lines are written to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failed = False

    def tell(self, **what: Any) -> None:
        """Write a line."""
        os.write(self._descriptor, (json.dumps(what) + "\n").encode())

    def step(self, hook: str | None, action: Callable[[], None], *, mild: bool = False) -> bool:
        """Do something with the plugin; gives whether all was well.

        Args:
            hook: what is called; None for loading it.
            action: calls it.
            mild: whether what the plugin itself says is wrong is a hint.
        """
        self.tell(begins=hook)
        before = _printed_bytes()
        try:
            action()
        except PlanwiseError as error:
            hint = mild and not isinstance(error, PluginError)
            self.tell(**{"hint" if hint else "problem": str(error), "hook": hook})
            return False
        finally:
            if _printed_bytes() > before:
                self.tell(
                    hook=hook,
                    problem="prints to standard output, where a program may read planwise's own; "
                    "write to standard error, or use logging",
                )
        return True


def _printed_bytes() -> int:
    """What standard output, which is a file, holds; also what C code or a child wrote."""
    with suppress(OSError):  # it holds all that it may
        sys.stdout.flush()
    return os.fstat(1).st_size


def look_at(request: Mapping[str, Any], account: Account) -> None:
    """Load a plugin, and ask it all that can be asked without a database.

    Args:
        request: ``name``, ``distribution`` and ``value`` of its entry point; ``options`` that the
            configuration gives.
        account: is told.
    """
    (installed,) = [
        each
        for each in offered_plugins()
        if each.name == request["name"]
        and each.distribution == request["distribution"]
        and each.entry_point.value == request["value"]
    ][:1]
    guard = Guard(TimeLimits(0))  # who started this process looks at the clock
    loaded: list[Any] = []
    modules, began_s = set(sys.modules), time.process_time()
    if not account.step(None, lambda: loaded.extend(load_plugins([installed], guard))):
        return
    took_s = time.process_time() - began_s
    instance = loaded[0].instance
    account.tell(
        hooks=list(implemented_hooks(instance)),
        api=getattr(instance, DECLARATION, None),
        import_s=round(took_s, 4),
    )
    _tell_of_imports(account, modules, took_s)
    relay = Relay(loaded, guard)
    declared: dict[str, tuple[PluginOption, ...]] = {}
    if not account.step("add_options", lambda: declared.update(relay.add_options())):
        return
    options = declared[installed.name]
    _check_given(account, request, options)
    defaults = {installed.name: {each.name: each.default for each in options}}
    if not account.step("configure", lambda: relay.configure(defaults), mild=True):
        return
    from planwise.doctor.samples import harmless_calls

    for hook, action in harmless_calls(relay):
        account.step(hook, action)


def _tell_of_imports(account: Account, before: set[str], took_s: float) -> None:
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    heavy = sorted(new & _HEAVY)
    if heavy or took_s > _LONG_S:
        what = f", with {', '.join(heavy)}" if heavy else ""
        account.tell(
            hint=f"takes {took_s * 1000:.0f} ms of every start to import{what}; import what only "
            "one hook needs inside of it"
        )


def _check_given(
    account: Account, request: Mapping[str, Any], options: tuple[PluginOption, ...]
) -> None:
    """The options in the configuration exist, and have values of their types."""
    known = {each.name: each for each in options}
    for name, value in request["options"].items():
        where = option_key(request["name"], name)
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            account.tell(problem=f"{where} in the configuration: no such option; it takes: {takes}")
            continue
        try:
            option_value(known[name], value, where)
        except PlanwiseError as error:
            account.tell(problem=f"in the configuration: {error}")


def main(request: str, descriptor: str) -> None:
    """Look at the plugin that the request names."""
    account = Account(int(descriptor))
    signals_heard_by(lambda: False)  # Ctrl-C goes to who started this process
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    limits = [each for each in (most, _MOST_WRITTEN_BYTES) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(limits), most))
    try:
        look_at(json.loads(request), account)
    except BaseException as error:  # noqa: BLE001  # a bug of ours is told too
        account.tell(problem=f"could not be looked at: {type(error).__name__}: {error}"[:_LONGEST])
    account.tell(done=True)
    os._exit(0)  # what the plugin has registered for the end of a process may hang too
