"""A YAML reader for files that people write by hand: bounded, exact, and with line numbers.

It builds values from the parser's events itself, so that

- a decimal is the :class:`~decimal.Decimal` of the characters in the file, never a float;
- words and numbers that YAML readers take in different ways (``no``, ``12:30:00``, ``010``) are
  not taken in any way, but handed on as ``Ambiguous`` for an error that names the key;
- nothing can grow: no anchors or aliases, no tags, and limits on size, depth and count.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import yaml

from planwise.config.text import dotted, quoted, shown_key, shown_path
from planwise.config.yaml_scalars import resolve
from planwise.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_NODES = 20_000
"""More values than any configuration has, few enough to be refused within a second."""


@attrs.frozen
class YamlDocument:
    """What a file says, and where.

    Attributes:
        path: the file, as it was named.
        root: the top mapping; values are dict, list, str, int, Decimal, bool, None, Ambiguous.
        lines: the line of each key path (list rows count from 0).
        problems: what was wrong but did not stop the reading, with its line.
        inherited: ``FILE:LINE`` of each key path that another file gave: that which a scenario file
            is read on top of.
    """

    path: Path
    root: dict[str, Any]
    lines: Mapping[tuple[str | int, ...], int]
    problems: tuple[tuple[int, str], ...] = ()
    inherited: Mapping[tuple[str | int, ...], str] = attrs.field(factory=dict)


def read_yaml(path: Path) -> YamlDocument:
    """Read one YAML mapping.

    Args:
        path: a regular file of at most 1 MiB, in UTF-8.

    Returns:
        The document; duplicate keys and tags are listed in its ``problems``, so that they can be
        reported together with whatever else is wrong.

    Raises:
        ConfigError: the file cannot be read, or is no single, bounded YAML mapping; the message
            starts with the file and, where there is one, the line.
    """
    return parse_yaml(_read_text(path), path)


def parse_yaml(text: str, path: Path) -> YamlDocument:
    """Parse YAML text; ``path`` only names it in errors. See :func:`read_yaml`."""
    if not text.strip():
        raise _failure(
            path, None, "the file is empty; expected a key, or comments alone for the defaults"
        )
    builder = _Builder(path)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _failure(
            path, None if mark is None else mark.line + 1, f"not valid YAML: {_reason(error)}"
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _failure(path, line, "a control character; YAML files are plain text") from None
    except (RecursionError, ValueError) as error:
        # Neither is known to happen with the limits below; a file must still never be a traceback.
        raise _failure(path, None, f"not usable as YAML ({type(error).__name__})") from None
    root = builder.root
    if root is None and builder.root_is_blank:
        root = {}  # only comments: every key has its default
    if not isinstance(root, dict):
        raise _failure(path, 1, "expected a mapping (key: value) at the top of the file")
    return YamlDocument(path, root, builder.lines, tuple(builder.problems))


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "not a regular file"
            raise _failure(path, None, f"is {what}; expected a YAML file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _failure(path, None, "no such file") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "the name is not usable"
        raise _failure(path, None, f"cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise _failure(path, None, "larger than 1 MiB; a configuration is a few kilobytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _failure(path, line, "not UTF-8 text; save the file as UTF-8") from None


def _failure(path: Path, line: int | None, message: str) -> ConfigError:
    place = shown_path(path) if line is None else f"{shown_path(path)}:{line}"
    return ConfigError([f"{place}: {message}"])


def _reason(error: yaml.MarkedYAMLError) -> str:
    text = " ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in text:
        text += " (indent with spaces, not with tabs)"
    text = " ".join(text.split())[:200]
    return text if text.isprintable() else quoted(text)


@attrs.define
class _Open:
    """A mapping or list that has not ended yet."""

    value: dict[str, Any] | list[Any]
    path: tuple[str | int, ...]
    key: str | None = None
    ignore: bool = False  # the value of a key that was already there


@attrs.define
class _Builder:
    """Turns parser events into values, without recursion."""

    path: Path
    root: Any = None
    root_is_blank: bool = True  # until a value comes
    lines: dict[tuple[str | int, ...], int] = attrs.field(factory=dict)
    problems: list[tuple[int, str]] = attrs.field(factory=list)
    _stack: list[_Open] = attrs.field(factory=list)
    _documents: int = 0
    _nodes: int = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._fatal(
                event, f"alias *{shown_key(event.anchor or '')}: write the value out instead"
            )
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            self._start_node(event)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._fatal(event, "a second document ('---'); a file holds one")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()

    def _start_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._fatal(event, f"more than {MAX_NODES} values")
        if event.anchor is not None:
            raise self._fatal(
                event, f"anchor &{shown_key(event.anchor)}: anchors and aliases are not taken"
            )
        if event.tag is not None:
            raise self._fatal(event, "a tag (!): write plain values; text in quotes")

    def _open(self, event: yaml.CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._fatal(event, f"nested more than {MAX_DEPTH} deep")
        if self._expects_key():
            raise self._fatal(event, "a mapping or list as a key; keys are words")
        self._stack.append(self._place(event, value))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._expects_key():
            self._key(event)
        else:
            plain = event.implicit[0]
            self.root_is_blank = plain and not event.value
            self._place(event, resolve(event.value) if plain else event.value)

    def _expects_key(self) -> bool:
        return bool(self._stack) and (
            isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None
        )

    def _key(self, event: yaml.ScalarEvent) -> None:
        parent = self._stack[-1]
        key = parent.key = event.value
        path = (*parent.path, key)
        line = _line(event)
        if key == "<<" and event.implicit[0]:
            raise self._fatal(event, "merge key <<: write the values out instead")
        assert isinstance(parent.value, dict)  # noqa: S101 - only mappings expect a key
        parent.ignore = key in parent.value
        if parent.ignore:
            if not any(frame.ignore for frame in self._stack[:-1]):
                first = self.lines[path]
                text = f"key {dotted(path)}: expected once, got it again (first on line {first})"
                self.problems.append((line, text))
        else:
            self.lines.setdefault(path, line)

    def _place(self, event: yaml.Event, value: Any) -> _Open:
        """Put a value where the parent wants it; returns its frame, should it be a collection."""
        if not self._stack:
            self.root = value
            return _Open(value, ())
        parent = self._stack[-1]
        if isinstance(parent.value, list):
            path = (*parent.path, len(parent.value))
            self.lines.setdefault(path, _line(event))
            parent.value.append(value)
            return _Open(value, path)
        key, parent.key = parent.key, None
        assert key is not None  # noqa: S101 - a value follows its key
        if not parent.ignore:
            parent.value[key] = value
        return _Open(value, (*parent.path, key))

    def _fatal(self, event: yaml.Event, message: str) -> ConfigError:
        return _failure(self.path, _line(event), message)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return 1 if mark is None else mark.line + 1


def problem_texts(path: Path, problems: Iterator[tuple[int, str]]) -> list[str]:
    """``FILE:LINE: problem`` for each problem, in the order of the lines."""
    return [f"{shown_path(path)}:{line}: {text}" for line, text in sorted(problems)]
