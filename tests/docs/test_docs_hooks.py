"""The reference of the hooks is what their source says, and their source says everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from planwise import api, hookspecs
from planwise.errors import PlanwiseError
from planwise.hook_docs import entries_of, hook_doc, sections_of
from tools.hook_reference import (
    BEGIN,
    END,
    PAGE,
    main,
    missing_parts,
    reference,
    unit_of,
    with_reference,
)


def test_the_reference_in_the_page_is_that_of_the_source() -> None:
    """If this fails: ``make docs``."""
    assert main(["--check"]) == 0


def test_a_stale_page_is_told_and_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "plugins.md"
    stale = PAGE.read_text("utf-8").replace("Choose DuckDB settings.", "Choose some settings.")
    page.write_text(stale, "utf-8")
    assert main(["--check", "--page", str(page)]) == 1
    assert "make docs" in capsys.readouterr().out
    assert page.read_text("utf-8") == stale
    assert main(["--page", str(page)]) == 0
    assert page.read_text("utf-8") == PAGE.read_text("utf-8")


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_a_place_for_it_is_refused(text: str) -> None:
    with pytest.raises(PlanwiseError, match="needs one line"):
        with_reference(text)


@pytest.mark.parametrize("name", hookspecs.KINDS)
def test_every_hook_says_all_that_its_reference_has(name: str) -> None:
    hook = hook_doc(name)
    assert missing_parts(hook) == []
    for parameter, each in hook.signature.parameters.items():
        unit_of(parameter, each.annotation)


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("example", "", "Example"),
        ("example", "def another(): ...", "Example"),
        ("default", "", "Default"),
        ("moment", "Some day.", "moment"),
        ("returns", "", "Returns"),
        ("arguments", {}, "Args: request"),
        ("raises", {"KeyError": "no"}, "planwise.api in place of KeyError"),
        ("kind", "", "kind"),
    ],
)
def test_what_a_hook_does_not_say_is_noticed(part: str, value: object, named: str) -> None:
    (missing,) = missing_parts(evolve(hook_doc("db_tune"), **{part: value}))
    assert named in missing


def test_a_number_without_a_unit_is_refused() -> None:
    assert unit_of("wall_s", "float") == "s"
    assert unit_of("bytes_read", "int | None") == "bytes"
    assert unit_of("name", "str") == ""
    with pytest.raises(PlanwiseError, match="'height' has no unit"):
        unit_of("height", "float | None")


def test_every_value_that_a_hook_speaks_of_has_its_table() -> None:
    text = reference()
    values = {name for name in api.__all__ if hasattr(getattr(api, name), "__attrs_attrs__")}
    # These are for a plugin's own use: no hook is given one.
    assert {name for name in values if f"\n#### `{name}`\n" not in text} == {
        "Improvement",
        "Sample",
    }


def test_a_docstring_is_taken_apart_as_it_is_written() -> None:
    body, sections = sections_of(
        "What.\n\nWhen.\n\nArgs:\n    a, b: two\n        lines.\n    c: one.\n\nLast words.\n\n"
        "Example:\n    def f():\n\n        return 1"
    )
    assert body == "What.\n\nWhen.\n\nLast words."
    assert sections["Example"] == "def f():\n\n    return 1"
    assert entries_of(sections["Args"]) == {"a": "two lines.", "b": "two lines.", "c": "one."}
    assert sections_of("") == ("", {})
