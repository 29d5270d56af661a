"""``planwise report``: where the file goes, what it replaces, and the browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_runs import planwise, refused, results


def report(project: Path, *words: str | Path, **more: str) -> str:
    done = planwise("report", *words, cwd=project, more=more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_it_is_written_beside_the_database_and_changes_nothing_else(project: Path) -> None:
    before = results(project)
    assert report(project).startswith("output/simulation.report.html: written, ")
    after = results(project)
    assert after.keys() - before.keys() == {"output/simulation.report.html"}
    assert {name: after[name] for name in before} == before


def test_a_file_that_is_there_is_replaced_with_force_only(project: Path) -> None:
    own = project / "own.html"
    own.write_text("mine", encoding="utf-8")
    words = ("report", "output/simulation.duckdb", "--output", "own.html")
    refused(planwise(*words, cwd=project), 2, "own.html: is there already", "--force")
    assert own.read_text(encoding="utf-8") == "mine"
    report(project, *words[1:], "--force")
    assert own.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--output", "report.pdf"], 2, "ends with .html"),
        (["--output", "folder.html"], 2, "is a folder"),
        (["--output", "none/report.html"], 1, "the folder none does not exist"),
        (["none.duckdb"], 1, "none.duckdb: no such database"),
        (["census.csv"], 1, "census.csv"),
        (["--opne"], 2, "did you mean --open"),
    ],
)
def test_what_cannot_be_is_one_line(project: Path, words: list[str], code: int, says: str) -> None:
    (project / "folder.html").mkdir()
    refused(planwise("report", *words, cwd=project), code, says)
    assert not list(project.rglob("*.tmp"))
    assert not (project / "output" / "simulation.report.html").exists()


def test_the_browser_is_given_the_file(project: Path) -> None:
    browser = project / "browser"
    browser.write_text('#!/bin/sh\nprintf %s "$1" > shown\n', encoding="utf-8")
    browser.chmod(0o755)
    out = report(project, "--open", BROWSER=f"{browser} %s")
    assert "no browser" not in out
    shown = (project / "shown").read_text(encoding="utf-8")
    assert shown == (project / "output" / "simulation.report.html").as_uri()


def test_without_a_browser_it_says_where_the_file_is(project: Path) -> None:
    out = report(project, "--open", BROWSER="/none/such %s", PATH="/none", DISPLAY="")
    place = project / "output" / "simulation.report.html"
    assert place.is_file()
    assert f"no browser could be started; open the file yourself: {place}" in out


def test_the_help_teaches(tmp_path: Path) -> None:
    done = planwise("report", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "planwise report --open" in done.stdout
    assert os.linesep + "examples:" in done.stdout
