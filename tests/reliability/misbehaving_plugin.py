"""A plugin that provides every hook well, but for one, at one call, in one way.

Where planwise's own plugins provide a hook alone, it asks them. What it does wrong and when is in
the environment: ``MISBEHAVING`` holds JSON with ``hook``, ``how``, ``at`` (which call) and files:
``calls`` that each call is noted in, ``did`` that is made before it does wrong, ``hangs`` that is
made before it hangs.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import attrs

from planwise import hookspecs
from planwise.api import PluginOption, ReportSection, Setting, hookimpl
from planwise.errors import PlanwiseError
from planwise.plugins import GROUP, implemented_hooks

NAME = "misbehaving"
GOOD = {
    "add_options": [PluginOption("level", 3, "Effort.", int, (3, 4))],
    "db_tune": [Setting("threads", 1, "one is enough")],
    "report_section": ReportSection("misbehaving", "Seen", ["nothing"], {"count": 0}),
}
"""Answers of hooks that planwise's own plugins answer beside it."""
TASK = json.loads(os.environ.get("MISBEHAVING", "{}"))


class Evil:
    """Every question that can be asked of it raises."""

    def _raise(self, *_: object, **__: object) -> Any:
        raise RuntimeError("evil")

    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __bool__ = __call__ = _raise
    __getitem__ = __contains__ = __int__ = __float__ = __lt__ = __le__ = __enter__ = _raise
    __hash__ = __index__ = __format__ = __reduce_ex__ = __dir__ = __bytes__ = __fspath__ = _raise

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("evil")


class SpeechlessError(Exception):
    """An error that raises when it is shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class FineError(PlanwiseError):
    """A failure that looks like a success."""

    exit_code = 0


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "NaN": lambda: float("nan"),
    "a huge number": lambda: 10**5000,  # Python refuses to write it as text
    "text": lambda: "text",
    "an object that raises": Evil,
    "a generator": lambda: (each for each in ()),
}


def raising(error: BaseException) -> Callable[[], Any]:
    def throw() -> Any:
        raise error

    return throw


RAISING: dict[str, Callable[[], Any]] = {
    "raises an Exception": raising(RuntimeError("broken\non two lines")),
    "raises what cannot be shown": raising(SpeechlessError()),
    "raises a PlanwiseError of exit code 0": raising(FineError(f"plugin '{NAME}', hook '': fine")),
    "raises BaseException": raising(BaseException("odd")),
    "raises KeyboardInterrupt": raising(KeyboardInterrupt()),
    "calls sys.exit": lambda: sys.exit(0),
    "calls os._exit": lambda: os._exit(7),
}


def tell() -> None:
    """Say which process is about to hang, in a file that appears as a whole."""
    part = Path(TASK["hangs"] + ".part")
    part.write_text(str(os.getpid()))
    part.replace(TASK["hangs"])


def hang() -> None:
    tell()
    while True:
        time.sleep(0.01)


def hang_on() -> None:
    while True:
        try:
            hang()
        except BaseException:  # noqa: BLE001, S112  # it is meant to be wrong
            continue


HANGING: dict[str, Callable[[], Any]] = {"hangs": hang, "hangs and passes over Ctrl-C": hang_on}


def statement(*texts: str) -> Callable[[Any], None]:
    """Execute statements on the cursor of the transaction."""

    def act(request: Any) -> None:
        request.transaction(lambda cursor: [cursor.execute(text) for text in texts])

    return act


def read(*texts: str) -> Callable[[Any], None]:
    """Execute statements on a cursor that is lent to read."""

    def act(request: Any) -> None:
        with request.connect() as cursor:
            for text in texts:
                cursor.execute(text)

    return act


def on_cursor(action: Callable[[Any], Any]) -> Callable[[Any], None]:
    return lambda request: request.transaction(action)


def passed_over(action: Callable[[Any], Any]) -> Callable[[Any], None]:
    def act(request: Any) -> None:
        with contextlib.suppress(Exception):
            action(request)

    return act


def close_reader(request: Any) -> None:
    with request.connect() as cursor:
        cursor.close()


def dbt_twice(request: Any) -> None:
    names = [node.unique_id for node in request.nodes]
    request.run_by_dbt(names)
    request.run_by_dbt(names)


def kept(use: Callable[[Any], Any], keep: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Keep something of a request, and use it when the next metric is recorded."""

    def act(request: Any) -> None:
        thing = keep(request)
        LATER.append(lambda: use(thing))

    return act


def kept_cursor(request: Any) -> Any:
    return request.transaction(lambda cursor: cursor)


def kept_reader(request: Any) -> Any:
    with request.connect() as cursor:
        return cursor


LATER: list[Callable[[], Any]] = []
FOREVER = "select count(*) from range(1000000) a, range(1000000) b where a.range + b.range = 7"
WITH_DATABASE: dict[str, Callable[[Any], Any]] = {
    "commits": statement("create table main.mine (i int)", "commit"),
    "commits by method": on_cursor(lambda cursor: cursor.commit()),
    "commits and begins again": statement("commit", "begin transaction"),
    "commits what it spoilt": statement("delete from main.dim_scenario", "commit"),
    "rolls back": statement("rollback"),
    "closes the cursor": on_cursor(lambda cursor: cursor.close()),
    "orders nulls otherwise": statement("set default_null_order = 'nulls_first'"),
    "takes memory away": statement("set memory_limit = '10MB'"),
    "takes threads away": statement("set threads = 1"),
    "uses another schema": statement("set schema = 'pg_catalog'"),
    "passes over a failed statement": passed_over(statement("select * from no_such_table")),
    "passes over its own failure": passed_over(on_cursor(lambda _: 1 / 0)),
    "exits in the transaction": on_cursor(lambda _: sys.exit(0)),
    "reads": read("select 1"),
    "writes where it may read": passed_over(read("create table main.mine (i int)")),
    "commits where it may read": read("commit", "drop table main.dim_scenario"),
    "commits and begins where it may read": read("commit", "begin", "drop table main.dim_scenario"),
    "closes a reader": close_reader,
    "orders nulls otherwise where it may read": read("set default_null_order = 'nulls_first'"),
    "uses another schema where it may read": read("use pg_catalog"),
    "lets dbt run nodes twice": dbt_twice,
    "lets dbt run a node of nobody": lambda request: request.run_by_dbt(["model.no.such"]),
    "lets dbt run nothing": lambda request: request.run_by_dbt([]),
    "lets dbt run all, and runs it too": lambda request: request.run_by_dbt(
        [node.unique_id for node in request.nodes]
    ),
    "keeps the request": kept(lambda r: r.transaction(lambda c: c.execute("commit")), lambda r: r),
    "keeps the cursor and commits": kept(lambda cursor: cursor.execute("commit"), kept_cursor),
    "keeps a reader": kept(lambda cursor: cursor.execute("create table m (i int)"), kept_reader),
}
"""What can be done with the request of a hook that is lent the database."""
HANGING_WITH_DATABASE: dict[str, Callable[[Any], Any]] = {
    "hangs in the transaction": on_cursor(lambda _: hang()),
    "hangs in a query": on_cursor(lambda cursor: (tell(), cursor.execute(FOREVER))),
}


def spoilt(answer: Any, path: Sequence[str], value: Any) -> Any:
    """An answer with another value in one of its fields, of its first part if it has several."""
    if isinstance(answer, list | tuple) and path:
        return [spoilt(answer[0], path, value), *answer[1:]]
    if not path:
        return value
    return attrs.evolve(answer, **{path[0]: spoilt(getattr(answer, path[0]), path[1:], value)})


def providers() -> dict[str, Any]:
    """The installed plugins that provide a hook alone, by name."""
    found = {}
    for point in entry_points(group=GROUP):
        if point.name != NAME:
            instance = point.load()()
            if any(hookspecs.KINDS[hook] == "choose" for hook in implemented_hooks(instance)):
                found[point.name] = instance
    return found


class Misbehaving:
    """See the module; its hooks are added below."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.providers = providers()

    def answer(self, hook: str, arguments: dict[str, Any]) -> Any:
        self.calls[hook] = self.calls.get(hook, 0) + 1
        if "calls" in TASK:
            with Path(TASK["calls"]).open("a") as file:
                file.write(hook + "\n")
        if hook == "record_metric":
            while LATER:
                LATER.pop()()
        if hook == TASK.get("hook") and self.calls[hook] == TASK["at"]:
            Path(TASK["did"]).touch()
            return self.misbehave(hook, arguments, TASK["how"])
        return self.good(hook, arguments)

    def good(self, hook: str, arguments: dict[str, Any]) -> Any:
        answer = None
        for each in self.providers.values():
            if hook in implemented_hooks(each):
                function = getattr(each, hook)
                wanted = inspect.signature(function).parameters
                answer = function(**{k: v for k, v in arguments.items() if k in wanted})
        return answer if answer is not None or hook != "add_options" else []

    def misbehave(self, hook: str, arguments: dict[str, Any], how: str) -> Any:
        if how in WITH_DATABASE or how in HANGING_WITH_DATABASE:
            act = {**WITH_DATABASE, **HANGING_WITH_DATABASE}[how]
            (request,) = arguments.values()
            act(request)
            return self.good(hook, arguments)
        if how == "hands over what dbt has run":
            arguments["request"].run_by_dbt([arguments["request"].nodes[0].unique_id])
            return None
        if how.startswith("answers "):
            return VALUES[how.removeprefix("answers ")]()
        if how.startswith("field "):
            path, _, value = how.removeprefix("field ").partition(" is ")
            answer = GOOD.get(hook) or self.good(hook, arguments)
            return spoilt(answer, path.split("."), VALUES[value]())
        return {**RAISING, **HANGING}[how]()


def _hook(name: str) -> Any:
    """A hook of the plugin, with the arguments of its specification."""
    names = list(inspect.signature(getattr(hookspecs, name)).parameters)
    given = "".join(f", {each}" for each in names)
    pairs = ", ".join(f"{each!r}: {each}" for each in names)
    scope: dict[str, Any] = {}
    text = f"def {name}(self{given}): return self.answer({name!r}, {{{pairs}}})"
    exec(text, scope)  # noqa: S102  # made above
    return hookimpl(scope[name])


for _name in hookspecs.KINDS:
    setattr(Misbehaving, _name, _hook(_name))
