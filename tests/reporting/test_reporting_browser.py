"""The report in a real browser: drawn, in both colour schemes, at every width, by key alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import NAMES, Page, browser_page, find_chromium
from reporting_runs import HOSTILE

from planwise.analysis.run_report import gather_report
from planwise.reporting.html.page import report_page

PHONE, DESK = 360, 1280
CHARTS = "[...document.querySelectorAll('figure[data-chart]')]"
DRAWN = f"""{CHARTS}.map((figure) => {{
  const svg = figure.querySelector('.canvas svg');
  const ids = svg.getAttribute('aria-labelledby').split(' ');
  const named = ids.map((id) => document.getElementById(id));
  const marks = [...svg.querySelectorAll('rect, path, circle')].map((mark) => mark.getBBox());
  return [
    figure.dataset.chart, svg.getAttribute('role'), named.map((each) => each.textContent.length),
    marks.filter((box) => box.width > 0 && box.height > 0).length,
  ];
}})"""
SIDEWAYS = "document.documentElement.scrollWidth"
PAPER = "getComputedStyle(document.body).backgroundColor"
PRESSED = "document.getElementById('theme').getAttribute('aria-pressed')"
LIGHT_PAPER, DARK_PAPER = "rgb(246, 247, 249)", "rgb(16, 21, 27)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(f"no {', '.join(NAMES)} is here; name one with PLANWISE_CHROMIUM")
    with browser_page(chromium, tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def shown(browser: Page, folder: Path) -> Iterator[Page]:
    """The report, opened at the width of a desk; at the end it has had nothing to complain of."""
    browser.look(width=DESK)
    browser.open(folder / "output" / "simulation.report.html")
    yield browser
    browser.look(width=DESK)
    assert browser.complaints == []


def kept(page: Page, name: str, tmp_path: Path) -> None:
    """Take a picture, and keep it where somebody wants to look at it."""
    folder = Path(os.environ.get("PLANWISE_SCREENSHOTS", tmp_path))
    file = folder / f"{name}.png"
    page.screenshot(file)
    assert file.stat().st_size > 20_000


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_chart_is_drawn_and_named(shown: Page, width: int) -> None:
    shown.look(width=width)
    found = shown.value(DRAWN)
    assert len(found) == 11
    for key, role, names, marks in found:
        assert role == "img", key
        assert min(names) > 5, key
        assert marks >= 2, key


def test_every_scenario_has_a_colour_and_every_tick_a_text(shown: Page) -> None:
    for key in ("payroll", "cost", "participation", "deferral"):
        lines = shown.value(
            f"[...document.querySelectorAll('#chart-{key} [aria-label=\"line\"] path')].map("
            "(line) => line.getAttribute('stroke') ?? line.parentElement.getAttribute('stroke'))"
        )
        assert lines == ["var(--c1)", "var(--c2)"], key
        ticks = shown.value(
            f'[...document.querySelectorAll(\'#chart-{key} [aria-label="y-axis tick label"] '
            "text')].map((text) => text.textContent)"
        )
        assert len(ticks) > 2, key
        assert len(set(ticks)) == len(ticks), (key, ticks)


@pytest.mark.parametrize(("width", "dark"), [(DESK, False), (DESK, True), (PHONE, False)])
def test_it_can_be_looked_at(shown: Page, width: int, dark: bool, tmp_path: Path) -> None:
    shown.look(width=width, dark=dark)
    assert shown.value(PAPER) == (DARK_PAPER if dark else LIGHT_PAPER)
    assert shown.value(SIDEWAYS) == width
    kept(shown, f"report-{width}-{'dark' if dark else 'light'}", tmp_path)


@pytest.mark.parametrize("width", [320, PHONE, 700, DESK])
def test_no_width_makes_the_page_scroll_sideways(shown: Page, width: int) -> None:
    shown.look(width=width)
    shown.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    shown.settle()
    assert shown.value(SIDEWAYS) == width
    wide = shown.value(
        "[...document.querySelectorAll('.canvas, .scroll')].filter("
        "(each) => each.scrollWidth > each.clientWidth && each.tabIndex !== 0).length"
    )
    assert wide == 0, "what scrolls sideways by itself can be reached with the keyboard"


def test_a_key_changes_the_colours(shown: Page) -> None:
    assert (shown.value(PAPER), shown.value(PRESSED)) == (LIGHT_PAPER, "false")
    shown.value("document.getElementById('theme').focus()")
    shown.press("Enter", 13)
    assert (shown.value(PAPER), shown.value(PRESSED)) == (DARK_PAPER, "true")
    shown.press(" ", 32)
    assert (shown.value(PAPER), shown.value(PRESSED)) == (LIGHT_PAPER, "false")


def test_the_first_key_leads_to_the_content(shown: Page) -> None:
    shown.press("Tab", 9)
    assert shown.value("document.activeElement.className") == "skip"
    shown.press("Enter", 13)
    assert shown.value("document.activeElement.id") == "main"


def test_the_choice_of_a_scenario_redraws_its_chart(shown: Page) -> None:
    bars = "document.querySelector('#chart-money .canvas svg').innerHTML"
    before = shown.value(bars)
    shown.value("document.getElementById('choice-money').focus()")
    shown.press("ArrowDown", 40)
    assert shown.value("document.getElementById('choice-money').value") == "1"
    assert shown.value("document.activeElement.id") == "choice-money"
    assert shown.value(bars) != before


def test_it_can_be_printed(shown: Page, tmp_path: Path) -> None:
    shown.value("document.querySelector('#chart-payroll details').open = true")
    shown.look(width=700, dark=True, medium="print")
    assert shown.value(PAPER) == "rgb(255, 255, 255)"
    assert shown.value(SIDEWAYS) == 700
    visible = "getComputedStyle(document.querySelector('#chart-%s details')).display"
    assert shown.value(visible % "payroll") == "block"
    assert shown.value(visible % "cost") == "none"
    assert shown.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    kept(shown, "report-print", tmp_path)


def test_without_scripts_the_figures_are_there(browser: Page, folder: Path) -> None:
    browser.open(folder / "output" / "simulation.report.html", scripts=False)
    document = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]

    def count(selector: str) -> int:
        found = browser.call("DOM.querySelectorAll", nodeId=document, selector=selector)
        return len(found["nodeIds"])

    assert count("svg") == 0
    assert count("noscript p") == 1
    assert count("figure.chart details table") == 11
    assert count("#figures td") >= 10
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_hostile_names_are_text_in_the_browser_too(
    browser: Page, hostile: Path, tmp_path: Path
) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(report_page(gather_report(hostile)), encoding="utf-8")
    browser.open(file)
    assert browser.value("document.querySelectorAll('img, main b').length") == 0
    legend = browser.value(
        "[...document.querySelectorAll('#chart-payroll .legend bdi')].map((e) => e.textContent)"
    )
    assert legend == sorted(HOSTILE)
    assert len(browser.value(DRAWN)) == 11
    browser.look(width=PHONE)
    assert browser.value(SIDEWAYS) == PHONE
    assert browser.complaints == []


def test_the_page_of_a_run_that_failed_can_be_looked_at(
    browser: Page, broken: Path, tmp_path: Path
) -> None:
    file = tmp_path / "failed.html"
    report = gather_report(broken / "output" / "simulation.duckdb")
    file.write_text(report_page(report), encoding="utf-8")
    for width, dark in ((DESK, False), (PHONE, True)):
        browser.look(width=width, dark=dark)
        browser.open(file)
        assert len(browser.value(DRAWN)) == 11
        assert browser.value("document.querySelector('#end h2').textContent") == (
            "This run failed in year 2026"
        )
        assert "</b> such year" in browser.value("document.querySelector('#end code').textContent")
        assert browser.value(SIDEWAYS) == width
        kept(browser, f"report-failed-{width}", tmp_path)
    assert browser.complaints == []


def test_a_script_that_is_not_the_pages_own_does_not_run(
    browser: Page, page: str, tmp_path: Path
) -> None:
    file = tmp_path / "smuggled.html"
    more = "<script>document.title = 'smuggled';</script><p onclick='1'></p></main>"
    file.write_text(page.replace("</main>", more, 1), encoding="utf-8")
    browser.open(file)
    assert browser.value("document.title") == "planwise report: simulation.duckdb"
    assert any("Content Security Policy" in each for each in browser.complaints)
    browser.complaints.clear()
