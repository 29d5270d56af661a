"""Pieces of HTML, well-formed as XML too, and figures as a reader wants them.

Whatever comes from a run goes through :func:`escaped`: no name can be anything but text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import frozen

from planwise.analysis.figures import money, percent_2, quotient

_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Signs that a page must not hold, and halves of one, as in a path that is no UTF-8."""
NONE: Final = "–"


@frozen
class Html:
    """Markup, as opposed to text that is still to be escaped."""

    text: str


Cell = str | Html
"""What stands in a table: text, or markup made here."""


@frozen
class Column:
    """A column of a table.

    Attributes:
        heading: what is above it, with the unit.
        number: whether it is aligned as numbers are.
    """

    heading: str
    number: bool = False


def escaped(text: object) -> str:
    """Text as HTML, for elements and quoted attributes."""
    return html.escape(_UNFIT.sub("\ufffd", str(text)))


def name(text: object) -> Html:
    """A name from outside, kept to itself whatever direction it is written in."""
    return Html(f"<bdi>{escaped(text)}</bdi>")


def embedded_json(value: Any) -> str:
    """JSON for a script element: plain ASCII in which no sign ends or begins anything of HTML."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> str:
    """A table with its caption; the first cell of a row is its heading.

    Args:
        caption: what it shows.
        columns: its columns.
        rows: a cell for each column.
    """
    head = "".join(
        f'<th scope="col"{_class(each.number)}>{escaped(each.heading)}</th>' for each in columns
    )
    body = "\n".join(f"<tr>{_row(columns, row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escaped(caption)}">\n'
        f"<table>\n<caption>{escaped(caption)}</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def details(summary: str, content: str, *, opened: bool = False) -> str:
    """Content that a reader opens."""
    state = ' open="open"' if opened else ""
    return f"<details{state}>\n<summary>{escaped(summary)}</summary>\n{content}\n</details>"


def chart(key: str, title: str, text: str, content: str) -> str:
    """A chart's place, with what it shows in words, and its figures as a table.

    Args:
        key: by which the scripts know it.
        title: its heading.
        text: what it shows in a sentence or two.
        content: its table.
    """
    return (
        f'<figure class="chart" id="chart-{key}" data-chart="{key}">\n'
        f'<figcaption>\n<h3 id="title-{key}">{escaped(title)}</h3>\n'
        f'<p id="text-{key}">{escaped(text)}</p>\n</figcaption>\n'
        f'<div class="drawn"></div>\n'
        f"{details('Figures of this chart', content)}\n</figure>"
    )


def beside(*charts: str) -> str:
    """Charts that stand beside one another where there is room."""
    inner = "\n".join(charts)
    return f'<div class="charts">\n{inner}\n</div>'


def section(key: str, title: str, content: Iterable[str]) -> str:
    """A section of the page with its heading."""
    inner = "\n".join(content)
    return (
        f'<section id="{key}" aria-labelledby="heading-{key}">\n'
        f'<h2 id="heading-{key}">{escaped(title)}</h2>\n{inner}\n</section>'
    )


def cards(figures: Iterable[tuple[str, str, str]]) -> str:
    """Key figures: what each is, its value, and a word on it."""
    items = "\n".join(
        f"<div><dt>{escaped(what)}</dt><dd><strong>{escaped(value)}</strong>"
        f"<span>{escaped(note)}</span></dd></div>"
        for what, value, note in figures
    )
    return f'<dl class="cards">\n{items}\n</dl>'


def dollars(cents: int) -> str:
    """Cents as whole dollars: ``$1,235``, ``-$1``."""
    return f"{'-' if cents < 0 else ''}${quotient(abs(cents), 100):,}"


def short_dollars(cents: int) -> str:
    """Cents as dollars of four to five digits: ``$965.40 million``, ``$12,345``."""
    for unit, word in ((10**11, "billion"), (10**8, "million")):
        if abs(cents) >= unit:
            return f"{'-' if cents < 0 else ''}${money(quotient(abs(cents), unit // 100))} {word}"
    return dollars(cents)


def rate(e5: int) -> str:
    """A rate in units of 0.00001 as per cent with two decimals."""
    return percent_2(e5, "\u00a0%")


def seconds(value: float) -> str:
    """Seconds with as many digits as say something."""
    return f"{value:,.2f}\u00a0s" if value < 100 else f"{value:,.0f}\u00a0s"


def size(value: int) -> str:
    """Bytes in MiB, or in GiB where these are many."""
    if value >= 10 * 2**30:
        return f"{value / 2**30:,.1f}\u00a0GiB"
    return f"{value / 2**20:,.1f}\u00a0MiB"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    cells = []
    for position, (column, cell) in enumerate(zip(columns, row, strict=True)):
        inner = cell.text if isinstance(cell, Html) else escaped(cell)
        opening = 'th scope="row"' if position == 0 else "td"
        cells.append(f"<{opening}{_class(column.number)}>{inner}</{opening[:2]}>")
    return "".join(cells)
