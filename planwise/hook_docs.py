"""What the docstrings of the hooks and of their values say, taken apart.

The specification of each hook is its documentation: ``docs/plugins.md`` is generated from it, and
``planwise plugins show`` quotes it. Python without docstrings (``-OO``) has none to quote.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from planwise import hookspecs

_SECTION: Final = re.compile(r"(Args|Attributes|Returns|Raises|Default|Example):\Z")
_ROLE: Final = re.compile(r":\w+:`~?([\w.]+)`")
_ENTRY: Final = re.compile(r"(\w+(?:, \w+)*): (.*)\Z")


@frozen
class HookDoc:
    """A hook, as its docstring describes it.

    Attributes:
        name: of the hook.
        kind: ``notify``, ``collect`` or ``choose``.
        summary: what it is for, a sentence.
        moment: when it is called.
        signature: its parameters, each with its annotation, and what it gives.
        arguments: what each parameter is, by name.
        returns: what an answer has to be; empty of a hook that gives none.
        raises: what each error means, by the name of its class.
        default: what holds where no plugin answers.
        example: the code of a whole plugin.
    """

    name: str
    kind: hookspecs.HookKind
    summary: str
    moment: str
    signature: inspect.Signature
    arguments: Mapping[str, str]
    returns: str
    raises: Mapping[str, str]
    default: str
    example: str


def hook_doc(name: str) -> HookDoc:
    """What the specification of a hook says.

    Args:
        name: of a hook.

    Raises:
        KeyError: there is no such hook.
    """
    kind = hookspecs.KINDS[name]
    function = getattr(hookspecs, name)
    body, sections = sections_of(inspect.getdoc(function) or "")
    summary, _, moment = body.partition("\n\n")
    return HookDoc(
        name=name,
        kind=kind,
        summary=_flowing(summary),
        moment=_flowing(moment),
        signature=inspect.signature(function),
        arguments=entries_of(sections.get("Args", "")),
        returns=_flowing(sections.get("Returns", "")),
        raises=entries_of(sections.get("Raises", "")),
        default=_flowing(sections.get("Default", "")),
        example=sections.get("Example", ""),
    )


def first_sentence(text: str) -> str:
    """The first sentence of a text, or what comes before a semicolon, without the point."""
    return re.split(r"(?<=[.;])\s", text)[0].rstrip(".;")


def marked(text: str, mark: str = "") -> str:
    """A docstring's text with another mark around code and references.

    Args:
        text: with double backticks and roles, as the source has it.
        mark: what stands on both sides of code; nothing by default.
    """
    return _ROLE.sub(rf"{mark}\1{mark}", text).replace("``", mark)


def sections_of(doc: str) -> tuple[str, dict[str, str]]:
    """A docstring's text, and its sections.

    Args:
        doc: the docstring, cleaned of its indentation.

    Returns:
        The text outside of sections, and the text of each section by its heading.
    """
    body: list[str] = []
    sections: dict[str, list[str]] = {}
    current = body
    for line in doc.splitlines():
        heading = _SECTION.match(line)
        if heading:
            current = sections.setdefault(heading[1], [])
            continue
        if line and not line.startswith(" "):
            current = body  # a paragraph after a section belongs to none
        current.append(line)
    texts = {
        name: textwrap.dedent("\n".join(lines)).strip("\n") for name, lines in sections.items()
    }
    return "\n".join(body).strip(), texts


def entries_of(section: str) -> dict[str, str]:
    """The entries of a section, ``name: text`` or ``name, name: text``, by name.

    Args:
        section: its text; the lines that go on with an entry are indented.
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in section.splitlines():
        entry = None if line.startswith(" ") else _ENTRY.match(line)
        if entry:
            lines = [entry[2]]
            found.update(dict.fromkeys(entry[1].split(", "), lines))
        else:
            lines.append(line)
    return {name: _flowing("\n".join(lines)) for name, lines in found.items()}


def _flowing(text: str) -> str:
    """Paragraphs without the line breaks of the source."""
    return "\n\n".join(" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()))
