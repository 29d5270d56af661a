"""What a plugin prints is kept apart from what planwise prints, which a program may read.

It goes to standard error, with the plugin's name, once the call is over. It is no error: no result
depends on it, and a plugin's author looks for a mistake in this way.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from planwise.errors import StandardOutputError
from planwise.hook_call import HookCall, current_call


class KeptApart:
    """Standard output for everybody but plugins while their hooks are called.

    Args:
        stream: the real one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or keep what a plugin writes until its call is over."""
        call = current_call()
        if call is None:
            with _output_errors():
                return self._stream.write(text)
        call.prints(str(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what is still kept in memory."""
        with _output_errors():
            self._stream.flush()

    def close(self) -> None:
        """Close it, unless a plugin asks for that: it is not the plugin's."""
        if current_call() is None:
            self._stream.close()

    def __getattr__(self, name: str) -> Any:
        if name == "buffer" and current_call() is not None:
            return sys.stderr.buffer
        return getattr(self._stream, name)


def keep_apart() -> None:
    """Put it before what is standard output now, such as that of a progress bar."""
    if not isinstance(sys.stdout, KeptApart):
        sys.stdout = KeptApart(sys.stdout)


@contextmanager
def _output_errors() -> Iterator[None]:
    """Give standard output its name where it cannot be written; a reader that has gone stays one.

    Raises:
        StandardOutputError: it cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StandardOutputError(
            f"standard output cannot be written: {error.strerror or error}; make room, or send it "
            "somewhere else"
        ) from error


@contextmanager
def prints_kept_apart() -> Iterator[None]:
    """Keep what plugins print apart in the block."""
    before = sys.stdout
    keep_apart()
    try:
        yield
    finally:
        sys.stdout = before


def tell_what_was_printed(call: HookCall) -> None:
    """Write what was printed in a call that is over to standard error, a name before each line."""
    for line in call.printed():
        with suppress(OSError, ValueError):  # closed, or whoever read it has gone
            sys.stderr.write(f"planwise: {call.whose}, prints: {line}\n")
