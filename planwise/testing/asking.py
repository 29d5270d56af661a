"""Asking a plugin as a test does: what it raises, prints or changes is a failure that names it."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Final, NoReturn, TypeVar

import attrs

from planwise.answers import shown
from planwise.errors import PluginError
from planwise.plugins import LoadedPlugin, installed_plugins

_T = TypeVar("_T")
_MOST_BYTES: Final = 1 << 20
"""Of a table: what is compared byte by byte before and after a hook."""


def fail(plugin: str, hook: str | None, message: str) -> NoReturn:
    """Fail the test with a line that names the plugin, its distribution and the hook."""
    __tracebackhide__ = True
    installed = installed_plugins().get(plugin)
    text = str(
        PluginError(
            message,
            plugin=plugin,
            distribution=installed.distribution if installed else None,
            hook=hook,
        )
    )
    raise AssertionError(text)


def asked(plugin: str, hook: str, call: Callable[..., _T], *arguments: Any) -> _T:
    """Call a hook; it may print nothing, and change nothing of its arguments.

    Args:
        plugin: who is to blame.
        hook: what is called.
        call: a method of a host, or another way to call the hook.
        arguments: what it is given.

    Returns:
        What the hook answered, after the kernel's checks where ``call`` makes them.

    Raises:
        AssertionError: it printed, or changed an argument.
        Exception: what the call raised; a ``PlanwiseError`` names the plugin itself.
    """
    before = [_content(each) for each in arguments]
    with printed() as output:
        answer = call(*arguments)
    if output():
        fail(plugin, hook, f"expected that it prints nothing, it printed {shown(output())}")
    for argument, content in zip(arguments, before, strict=True):
        if _content(argument) != content:
            kind = type(argument).__name__
            fail(plugin, hook, f"expected that it leaves its {kind} as it was, it changed it")
    return answer


def called(plugin: LoadedPlugin, hook: str, **arguments: Any) -> Any:
    """Call a hook without the kernel's checks, with the arguments that it names."""
    import inspect

    function = getattr(plugin.instance, hook)
    wanted = inspect.signature(function).parameters
    return function(**{name: value for name, value in arguments.items() if name in wanted})


@contextmanager
def printed() -> Iterator[Callable[[], str]]:
    """Catch what is printed by Python, and by whatever writes to the process's own output.

    Gives a function that says what was caught, once the block has ended.
    """
    text = io.StringIO()
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            with redirect_stdout(text), redirect_stderr(text):
                yield text.getvalue
        finally:
            for descriptor, copy in enumerate(kept, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)
            file.seek(0)
            text.write(file.read().decode(errors="replace"))


def _content(value: Any) -> Any:
    """Everything that a hook could change in what it was given, as values that stay as they are."""
    if attrs.has(type(value)):
        return [(f.name, _content(getattr(value, f.name))) for f in attrs.fields(type(value))]
    if isinstance(value, Mapping):
        return [(key, _content(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [_content(each) for each in value]
    if hasattr(value, "schema") and hasattr(value, "columns"):  # a pyarrow.Table
        columns = value.columns if value.nbytes <= _MOST_BYTES else []
        return [value.schema, value.num_rows, *(_buffers(each) for each in columns)]
    return value if isinstance(value, float) and value == value else repr(value)


def _buffers(column: Any) -> list[bytes | None]:
    return [
        None if buffer is None else buffer.to_pybytes()
        for chunk in column.chunks
        for buffer in chunk.buffers()
    ]
