"""The report of a run: right figures, sound HTML, and no name that is anything but text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from reporting_runs import HOSTILE, embedded, parsed, scripts, tables, text_of

from planwise.analysis.figures import money
from planwise.analysis.run_report import HEADCOUNT, PLAN_COST, gather_report
from planwise.reporting.html.assets import VENDORED, asset
from planwise.reporting.html.markup import embedded_json, escaped, short_dollars
from planwise.reporting.html.page import report_page
from planwise.run_files import RunFiles
from planwise.run_record import read_account

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "planwise" / "reporting" / "html"
CHARTS = {
    *("headcount", "payroll", "participation", "deferral", "cost", "money"),
    *("timeline", "phases", "slowest", "memory", "checkpoints"),
}
NAMESPACES = {
    *("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"),
    *("http://www.w3.org/1999/xlink", "http://www.w3.org/XML/1998/namespace"),
    "http://www.w3.org/2000/xmlns/",
}
HOMEPAGE = "https://d3js.org"
"""In the comment with which d3 begins."""


def rows_of(database: Path, table: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows as they should be embedded, read by other code than ours."""
    with duckdb.connect(str(database), read_only=True) as connection:
        keys = connection.execute(
            f"select distinct scenario_id, replicate_id from {table} order by all"
        ).fetchall()
        found = connection.execute(
            f"select scenario_id, replicate_id, simulation_year, {', '.join(columns)} "
            f"from {table} order by 1, 2, 3"
        ).fetchall()
    return [
        {
            "scenario": keys.index(row[:2]),
            "year": row[2],
            **dict(zip(columns, row[3:], strict=True)),
        }
        for row in found
    ]


def test_the_embedded_figures_are_those_of_the_database(database: Path, page: str) -> None:
    data = embedded(page)
    assert data["scenarios"] == ["baseline", "rich"]
    assert data["headcount"] == rows_of(database, "fct_headcount", HEADCOUNT)
    assert data["plan_cost"] == rows_of(database, "fct_plan_cost", PLAN_COST)
    assert len(data["headcount"]) == 4


def test_the_embedded_times_are_those_of_the_record(database: Path, page: str) -> None:
    run, account = embedded(page)["run"], read_account(RunFiles(database).work)
    assert run["wall_s"] == account.wall_s
    assert [(p["phase"], p["wall_s"]) for p in run["phases"]] == [
        (phase.name, phase.wall_s) for phase in account.phases
    ]
    models = [model for phase in account.phases for model in phase.models]
    assert sorted((m["model"], m["start_s"], m["wall_s"]) for m in run["models"]) == sorted(
        (m.name, m.start_s, m.wall_s) for m in models
    )
    assert len(run["batches"]) == sum(phase.batches for phase in account.phases)
    assert [p["baseline_s"] for p in run["phases"]] == [60.0, 2.0, 2.0]
    assert run["baseline"] == "configured"


def test_the_tables_hold_every_figure_without_a_script(database: Path, page: str) -> None:
    found = tables(parsed(page))
    wanted = rows_of(database, "fct_headcount", HEADCOUNT)
    shown = found["Headcount by year"]
    assert len(shown) == 1 + len(wanted)
    for row, each in zip(shown[1:], wanted, strict=True):
        assert row[0] == ("baseline", "rich")[each["scenario"]]
        assert row[1] == str(each["year"])
        assert row[2:8] == [f"{each[key]:,}" for key in HEADCOUNT[:6]]
    costs = rows_of(database, "fct_plan_cost", PLAN_COST)
    for row, each in zip(found["Money into the plan by year"][1:], costs, strict=True):
        exact = float(money(each["match_cents"]).replace(",", ""))
        assert abs(float(row[3].replace(",", "").removeprefix("$")) - exact) <= 0.5
    ends = found["The last year of each scenario"][1:]
    assert [row[:2] for row in ends] == [["baseline", "2026"], ["rich", "2026"]]
    assert [row[6] for row in ends] == [
        short_dollars(each["net_employer_cost_cents"]) for each in costs if each["year"] == 2026
    ]
    assert len(found["Executions of models in order of time"]) > 60
    assert found["Time by phase"][0][-2:] == ["Baseline (configured), s", "Time saved"]
    assert {"Settings", "Plugins", "Versions", "Stored states"} <= found.keys()


def test_the_page_is_sound(page: str) -> None:
    tree = parsed(page)
    assert tree.get("lang") == "en"
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for each in tree.iter():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((each.get(name) or "").split()) <= set(ids)
        if each.tag == "a":
            assert each.get("href", "").removeprefix("#") in ids
        assert not [name for name in each.attrib if name.startswith("on") or name == "style"]
    levels = [int(each.tag[1]) for each in tree.iter() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert tree.find(".//a[@class='skip']") is not None
    for scope in (each.get("scope") for each in tree.iter("th")):
        assert scope in ("col", "row")
    for each in tree.iter("tr"):
        assert next(cell.tag for cell in each) == "th"


def test_every_chart_has_words_and_a_table(page: str) -> None:
    figures = {each.get("data-chart"): each for each in parsed(page).iter("figure")}
    assert figures.keys() == CHARTS
    for each in figures.values():
        words = each.find("figcaption/p")
        assert words is not None
        assert len(text_of(words)) > 30
        assert each.find("details//table/tbody/tr") is not None


def test_nothing_is_asked_of_the_network(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src &#x27;none&#x27;; script-src &#x27;sha256-")
    assert "unsafe-eval" not in policy[1]
    assert set(re.findall(r"https?://[\w./-]*[\w/]", page)) <= {*NAMESPACES, HOMEPAGE}
    tree = parsed(page)
    assert not [each for each in tree.iter() if each.get("src") or each.tag in ("link", "iframe")]
    assert "url(" not in asset("page.css")
    assert "@import" not in asset("page.css")


def test_the_policy_names_every_script(page: str) -> None:
    found = scripts(page)
    assert len(found) == len(VENDORED) + 1
    for each in found:
        digest = base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
        assert f"sha256-{escaped(digest)}" in page


def test_it_is_small(page: str) -> None:
    """How large it is depends on years, scenarios and models; people are no part of it."""
    assert len(page.encode()) < 1_000_000


def test_no_person_is_in_it(database: Path, page: str) -> None:
    with duckdb.connect(str(database), read_only=True) as connection:
        people = connection.execute("select employee_id from inputs.census").fetchall()
    assert len(people) == 300
    assert not [name for (name,) in people if name in page]


def test_names_stay_text(hostile: Path) -> None:
    page = report_page(gather_report(hostile))
    tree = parsed(page)
    assert not list(tree.iter("img"))
    assert not list(tree.iter("b"))
    assert len(scripts(page)) == len(VENDORED) + 1
    assert embedded(page)["scenarios"] == sorted(HOSTILE)
    named = {text_of(each) for each in tree.iter("bdi")}
    assert {" ".join(each.split()) for each in HOSTILE} <= named
    assert "</script><img src=y>" in named
    assert "<b>\ufffd</b>.csv" in named
    page.encode("utf-8")


@pytest.mark.parametrize("name", [*HOSTILE, "\x00\x1b\ud800\uffff", "\\u003c", "${data} $data"])
def test_embedded_json_holds_nothing_of_html(name: str) -> None:
    text = embedded_json({name: [name]})
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert embedded(f'<script type="application/json" id="report-data">{text}</script>') == {
        name: [name]
    }


def test_what_is_vendored_is_what_was_published() -> None:
    known = {file.name for file in (ASSETS / "vendor").iterdir()}
    assert known == {name for each in VENDORED for name in (each.file, each.licence)}
    for each in VENDORED:
        content = (ASSETS / "vendor" / each.file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each.sha256
        assert f"v{each.version} ".encode() in content[:80]
        assert "Permission to use, copy, modify" in asset("vendor", each.licence)
        documented = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
        assert each.version in documented
        assert each.sha256 in documented


def test_the_licences_travel_with_the_page(page: str) -> None:
    for each in VENDORED:
        assert asset("vendor", each.licence) in page


def test_scripts_can_stand_in_a_page() -> None:
    for file in sorted(ASSETS.rglob("*.js")):
        text = file.read_bytes().decode("utf-8")
        assert "</script" not in text.lower(), file
        assert "<!--" not in text, file
        assert "\r" not in text, file
    for name in ("tools.js", "analyst.js", "engineer.js", "page.js"):
        own = asset(name)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", own)


def test_the_files_of_the_page_are_in_a_distribution() -> None:
    """The wheel takes the folder planwise as a whole, but for what git ignores."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'only-include = ["planwise", ' in text
    files = [file for file in ASSETS.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert len(files) > 10
    ignored = subprocess.run(
        ["git", "check-ignore", *map(str, files)], cwd=ROOT, capture_output=True, text=True
    )
    if ignored.returncode == 128:
        pytest.skip("no checkout of git")
    assert ignored.stdout == ""


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block))


def contrast(first: str, second: str) -> float:
    """As WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_everything_can_be_read_in_both_colour_schemes() -> None:
    style = asset("page.css")
    light = colours(style[style.index(":root {") : style.index("@media (prefers")])
    preferred = colours(style[style.index("@media (prefers-color") : style.index('[data-theme="d')])
    chosen = colours(style[style.index(':root[data-theme="dark"]') : style.index("* {")])
    assert preferred == chosen
    assert light.keys() - chosen.keys() == set()
    for scheme in (light, chosen):
        for paper in ("--paper", "--panel"):
            for ink in ("--ink", "--muted", "--accent"):
                assert contrast(scheme[ink], scheme[paper]) >= 4.5, (ink, paper)
            for drawn in ("--focus", *(f"--c{n}" for n in range(1, 9))):
                assert contrast(scheme[drawn], scheme[paper]) >= 3, (drawn, paper)
        for drawn in ("--c6", "--c7"):  # what the timeline writes on
            assert contrast(scheme[drawn], scheme["--panel"]) >= 4.5
