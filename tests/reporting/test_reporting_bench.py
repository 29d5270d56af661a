"""What plugins contribute, on a page: from a stored result that is read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reporting_runs import HOSTILE, NOW, bench_result, embedded, parsed, tables

from planwise.analysis.run_report import gather_report
from planwise.bench.figures import read_figures
from planwise.bench.full import check_page
from planwise.bench.stored import UnusableResultError
from planwise.cli.main import main
from planwise.errors import UsageError
from planwise.machine import machine_facts
from planwise.reporting.html.page import bench_page, report_page


def stored(folder: Path, content: dict[str, Any]) -> Path:
    file = folder / "found.json"
    file.write_text(json.dumps(content))
    return file


def test_the_page_of_a_benchmark_has_every_figure_and_where_it_is_from(tmp_path: Path) -> None:
    figures = read_figures(stored(tmp_path, bench_result(name=HOSTILE[0]))).figures
    page = bench_page(figures, [f"Plain dbt takes <10 s {HOSTILE[0]}"], NOW)
    data = embedded(page)["bench"]
    assert [each["name"] for each in data["contributions"]] == [HOSTILE[0], "all together"]
    assert [each["wall_s"] for each in data["arms"]] == [pytest.approx(1.1), pytest.approx(2.2)]
    tree = parsed(page)
    found = tables(tree)
    assert found["Contribution of each plugin"][2][1:4] == ["0.500", "0.450 to 0.550", "50.0 %"]
    assert [row[0] for row in found["Combinations of plugins"][1:]] == ["all-on", "all-off"]
    figure = tree.find(".//p[@id='text-contributions']")
    assert figure is not None
    words = "".join(figure.itertext())
    assert f"From {tmp_path / 'found.json'}, measured 3 days ago: 300 synthetic people" in words
    assert "2 rounds of 6, when its time ran out" in words
    assert "Content-Security-Policy" in page
    assert len(page) < 1_000_000


def test_a_report_shows_it_beside_the_run(database: Path, tmp_path: Path) -> None:
    report = gather_report(database)
    plain = report_page(report)
    assert "chart-contributions" not in plain
    page = report_page(report, read_figures(stored(tmp_path, bench_result())).figures)
    assert parsed(page).find(".//section[@id='bench']") is not None
    assert '<a href="#bench">Plugins</a>' in page
    assert embedded(page)["run"] == embedded(plain)["run"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"machine": {**machine_facts(), "cores_granted": 96}}, "another machine"),
        ({"project": "0" * 64}, "other files of the project"),
        ({"tables": {"inputs.census": "7 ab"}}, "7 people, where the run has "),
        ({"benchmark": "ab"}, "is a result of `bench ab`; contributions are in one of"),
    ],
)
def test_a_result_of_something_else_is_refused(
    database: Path,
    tmp_path: Path,
    change: dict[str, Any],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    census = gather_report(database).census
    assert census is not None
    file = stored(tmp_path, bench_result(census.people) | change)
    output = tmp_path / "r.html"
    words = ["report", str(database), "--bench", str(file), "--output", str(output)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not output.exists()
    stored(tmp_path, bench_result(census.people))
    assert main(words) == 0
    assert "chart-contributions" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "key", ["reference", "contributions", "comparisons", "started", "mode", "employees"]
)
@pytest.mark.parametrize("value", [None, 7, "", {}, {"a": {}}, {"a": {"ratio": 1}}, "now", [[]]])
def test_a_spoilt_result_is_refused_with_its_key(tmp_path: Path, key: str, value: object) -> None:
    if (key, type(value)) in (("mode", str), ("employees", int)):
        return  # more than that it does not have to be
    with pytest.raises(UnusableResultError, match=key) as caught:
        read_figures(stored(tmp_path, bench_result() | {key: value}))
    assert "\n" not in str(caught.value)


def test_a_page_needs_a_name_of_one(tmp_path: Path) -> None:
    assert check_page(tmp_path / "a.html") == tmp_path / "a.json"
    with pytest.raises(UsageError, match=r"--output: .*expected a name that ends with .html"):
        check_page(tmp_path / "a.json")
    with pytest.raises(UsageError, match="no such folder"):
        check_page(tmp_path / "none" / "a.html")
    (tmp_path / "b.json").mkdir()
    with pytest.raises(UsageError, match=r"b\.json, which goes beside the page, is a folder"):
        check_page(tmp_path / "b.html")


@pytest.mark.parametrize("action", [["full"], ["baseline"], ["ab", "--a="]])
def test_a_folder_as_output_is_refused_before_anything_is_measured(
    action: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.html").mkdir()
    assert main(["bench", *action, "--output", str(tmp_path / "a.html")]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "a.html is a folder; name a file in it" in said.err
