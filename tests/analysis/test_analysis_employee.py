"""`planwise employee`: each event is told with the rule that made it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from analysis_runs import SSN, called, refused

from planwise.analysis.person_history import PersonHistory, person_history
from planwise.analysis.result_database import open_result


def history(database: Path, name: str, scenario: str = "baseline") -> PersonHistory:
    with open_result(database) as result:
        return person_history(result, result.scenario(scenario, 1), name)


def rules(found: PersonHistory, kind: str, year: int | None = None) -> list[str]:
    return [
        event.rule
        for each in found.years
        if year in (None, each.year)
        for event in each.events
        if event.values["event_type"] == kind
    ]


def one_of(
    connection: duckdb.DuckDBPyConnection, kind: str, reason: str, scenario: str = "baseline"
) -> dict[str, Any]:
    """An event of a kind and a reason, which the test's employer has."""
    cursor = connection.execute(
        "select * from fct_yearly_events where event_type = ? and reason = ? and scenario_id = ? "
        "order by event_id",
        [kind, reason, scenario],
    )
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    assert row is not None, f"nobody has {kind} {reason} under {scenario}"
    return dict(zip(names, row, strict=True))


def test_every_event_of_the_ledger_is_told_once_with_a_rule(
    database: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    for scenario in ("baseline", "rich"):
        ledger = connection.execute(
            "select employee_id, event_id from fct_yearly_events where scenario_id = ?",
            [scenario],
        ).fetchall()
        people = sorted({row[0] for row in ledger})
        told = []
        with open_result(database) as result:
            for name in people[:: max(1, len(people) // 25)]:
                found = person_history(result, result.scenario(scenario, 1), name)
                for year in found.years:
                    for event in year.events:
                        told.append((name, event.values["event_id"]))
                        assert len(event.rule) > 10
                        assert "None" not in event.rule
                        assert event.values["effective_date"].year == year.year
                mine = sorted(event for _, event in ledger if _ == name)
                assert sorted(event for who, event in told if who == name) == mine
        assert told


def test_an_automatic_enrolment(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    event = one_of(connection, "enrollment", "automatic")
    found = history(database, event["employee_id"])
    entry = found.years[0].snapshot["plan_entry_date"]
    assert rules(found, "enrollment") == [
        f"automatic enrolment: 45 days after entry on {entry}, scope new_hires_only, at 2 %"
    ]
    event = one_of(connection, "enrollment", "automatic", "rich")
    told = rules(history(database, event["employee_id"], "rich"), "enrollment")
    assert re.fullmatch(
        r"automatic enrolment: 45 days after .*, scope all_eligible, at 6 %", told[0]
    )


def test_a_voluntary_enrolment(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    event = one_of(connection, "enrollment", "voluntary")
    found = history(database, event["employee_id"])
    told = rules(found, "enrollment")[0]
    match = re.fullmatch(
        r"voluntary enrolment: chance (\d+) % at age (\d+) x ([\d.]+) at pay ([\d,.]+); "
        r"deferral by age and pay, within 1 % and 15 %",
        told,
    )
    assert match is not None, told
    chance, age, times, pay = match.groups()
    assert chance == next(
        c for c, high in (("30", 31), ("55", 46), ("70", 56), ("80", 999)) if int(age) < high
    )
    amount = float(pay.replace(",", ""))
    assert times == next(
        t
        for t, high in (("0.7", 50_000), ("1", 100_000), ("1.15", 200_000), ("1.25", 1e12))
        if amount < high
    )


def test_an_opt_out(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    event = one_of(connection, "opt_out", "opt_out", "rich")
    found = history(database, event["employee_id"], "rich")
    told = rules(found, "opt_out")[0]
    year = next(each for each in found.years if each.year == event["simulation_year"])
    days = (event["effective_date"] - year.snapshot["enrollment_date"]).days
    assert told.startswith(f"opt-out {days} days after the automatic enrolment on ")
    assert "of 1 to 45: chance " in told
    contribution = rules(found, "contribution", event["simulation_year"])
    assert contribution
    assert contribution[0].startswith("deferral of 6 % on the pay of ")


def test_a_match_and_the_limits(database: Path) -> None:
    found = history(database, "TOP")
    assert rules(found, "match", 2025) == [
        "match simple: 50 % of deferrals up to 6 % of 350,000.00"
    ]
    cuts = rules(found, "limit_cut", 2025)
    assert "elective limit 23,500.00 + catch-up 7,500.00 at age 53" in cuts
    assert any(cut.startswith("compensation limit 350,000.00: ") for cut in cuts)
    estimated = rules(found, "limit_cut", 2027)
    assert any("(estimated)" in cut for cut in estimated)
    sixty = rules(history(database, "SIXTY"), "limit_cut", 2025)
    assert "elective limit 23,500.00 + catch-up 11,250.00 at age 61" in sixty


def test_a_tiered_match_and_an_integrated_core(database: Path) -> None:
    found = history(database, "TOP", "rich")
    (match,) = rules(found, "match", 2025)
    assert match == (
        "match tiered: 100 % of deferrals up to 3 %, 50 % of deferrals from 3 % up to 5 % "
        "of 350,000.00"
    )
    (core,) = rules(found, "core", 2025)
    assert core == (
        "core integrated: 3 % of 350,000.00 + 2 % of the 173,900.00 above the wage base of "
        "176,100.00"
    )


def test_amounts_follow_from_the_rule_that_is_told(database: Path) -> None:
    """The words of the match and the core, computed, are the amounts of the ledger."""
    found = history(database, "TOP", "rich")
    events = {e.values["event_type"]: e.values for e in found.years[0].events}
    pay = 35_000_000
    deferred = events["contribution"]["amount_after_cents"]
    match = min(deferred, pay * 3 // 100)
    match += (min(deferred, pay * 5 // 100) - match) // 2
    assert events["match"]["amount_before_cents"] == match
    core = pay * 3 // 100 + (pay - 17_610_000) * 2 // 100
    assert events["core"]["amount_before_cents"] == core


def test_rules_that_this_employer_does_not_have(copied: Path) -> None:
    """Bands of tenure and points, annual additions, and a reduction in force, put in by hand."""
    with duckdb.connect(str(copied)) as connection:
        connection.execute("delete from dim_match_tier where scenario_id = 'rich'")
        connection.execute(
            "insert into dim_match_tier values ('rich', 1, 0, 10, 0, 6000, 25000, 'x'), "
            "('rich', 1, 10, 999, 0, 6000, 75000, 'x')"
        )
        connection.execute("delete from dim_core_tier where scenario_id = 'rich'")
        connection.execute(
            "insert into dim_core_tier values ('rich', 1, 0, 60, 1000, 'x'), "
            "('rich', 1, 60, 999, 4000, 'x')"
        )
        for kind, reason in (("match", "tenure_graded"), ("core", "points")):
            connection.execute(
                "update fct_yearly_events set reason = ? where scenario_id = 'rich' "
                "and employee_id = 'TOP' and event_type = ?",
                [reason, kind],
            )
        connection.execute(
            "update fct_yearly_events set reason = 'annual_additions_match' "
            "where scenario_id = 'rich' and employee_id = 'TOP' and reason = 'compensation'"
        )
        connection.execute(
            "update fct_yearly_events set reason = 'reduction_in_force' "
            "where event_type = 'termination' and scenario_id = 'rich'"
        )
        leaver, year = connection.execute(
            "select employee_id, simulation_year from fct_yearly_events "
            "where event_type = 'termination' and scenario_id = 'rich' order by event_id"
        ).fetchall()[0]
    found = history(copied, "TOP", "rich")
    first = found.years[0].snapshot
    tenure, points = first["tenure_years"], first["tenure_years"] + first["age_years"]
    assert (tenure, points) == (15, 68)
    assert rules(found, "match", 2025) == [
        "match tenure_graded (15 years of service): 75 % of deferrals up to 6 % of 350,000.00"
    ]
    assert rules(found, "core", 2025) == [
        "core points (68 points: age 53 + 15 years): 4 % of 350,000.00"
    ]
    cut = next(each for each in rules(found, "limit_cut", 2025) if "annual" in each)
    assert cut.startswith("annual additions at most 70,000.00 (limit 70,000.00, pay ")
    assert cut.endswith("match cut; core goes first, then match, then employee")
    told = rules(history(copied, leaver, "rich"), "termination", year)
    assert told[0].startswith("reduction in force: the year is to end with ")


def test_why_there_is_no_match(database: Path, connection: duckdb.DuckDBPyConnection) -> None:
    found = history(database, "PART")
    first = found.years[0]
    if first.snapshot["termination_date"] is None:
        assert first.notes == ["no match: needs 1,000 hours of service, had 520"]
    leaver = connection.execute(
        "select employee_id, termination_date from fct_workforce_snapshot "
        "where scenario_id = 'baseline' and termination_date is not null "
        "and contribution_cents > 0 and match_cents = 0 order by employee_id"
    ).fetchone()
    assert leaver is not None
    notes = history(database, leaver[0]).years[-1].notes
    assert notes == [f"no match: needs employment on 31 December, left on {leaver[1]}"]


def test_raises_promotions_and_terminations(
    database: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    event = one_of(connection, "raise", "merit_and_cola")
    (told,) = rules(history(database, event["employee_id"]), "raise", event["simulation_year"])
    merit = {1: "1", 2: "1.5", 3: "2", 4: "2.5", 5: "3"}[event["level_after"]]
    assert told == (
        f"merit {merit} % of level {event['level_after']} + cost of living 2.5 %, at most 50 % and "
        "250,000.00"
    )
    kind = connection.execute(
        "select employee_id from fct_yearly_events where event_type = 'promotion' "
        "and scenario_id = 'baseline' order by event_id"
    ).fetchone()
    assert kind is not None
    assert "raise drawn from 15 % to 25 %" in rules(history(database, kind[0]), "promotion")[0]
    for reason, words in (
        ("experienced", "termination rate 12 % of those employed longer"),
        ("new_hire", "termination rate 25 % of the hires of the year"),
        ("hired_last_year", "termination rate 25 % of those hired in the year before"),
    ):
        event = one_of(connection, "termination", reason)
        assert rules(history(database, event["employee_id"]), "termination")[0].startswith(words)


def test_an_escalation_and_a_forfeiture(
    database: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    event = one_of(connection, "escalation", "automatic_escalation")
    told = rules(history(database, event["employee_id"]), "escalation")[0]
    assert re.fullmatch(
        r"automatic escalation: enrolled since \d{4}-\d\d-\d\d, 1 % more, up to 10 %", told
    )
    event = one_of(connection, "forfeiture", "match")
    found = history(database, event["employee_id"])
    snapshot = found.years[-1].snapshot
    assert rules(found, "forfeiture")[0].startswith(
        f"match {snapshot['match_vested_e5'] // 1000} % vested after "
        f"{snapshot['vesting_service_years']} years of service (graded_2_to_6)"
    )
    event = one_of(connection, "reallocation", "by_pay", "rich")
    told = rules(history(database, event["employee_id"], "rich"), "reallocation")[0]
    assert told.startswith("forfeitures of others, shared by pay: ")


def test_the_terminal_tells_the_whole_story(database: Path, capsys: Any) -> None:
    code, out, _ = called(
        capsys, "employee", "TOP", "--scenario", "baseline", "--database", database
    )
    assert code == 0
    assert out.startswith("TOP: born 1972-05-05, hired 2010-01-01, level 5")
    assert "census of 2024-12-31" in out
    assert "deferral 15 % since" in out
    assert "\n2025\n" in out
    assert re.search(r"2025-12-31 +limit cut +[\d,.]+ -> 31,000\.00 +elective limit", out)
    assert re.search(r"2025-12-31  active, level 5, pay rate [\d,.]+, paid [\d,.]+, ", out)
    assert "core 0.00" not in out, "there is no core contribution in the baseline"


@pytest.mark.parametrize("name", ["O'Brien; drop table x", "=1+1", "日本", "-17"])
def test_an_odd_id_is_only_an_id(name: str, database: Path, capsys: Any) -> None:
    code, out, _ = called(
        capsys, "employee", "--scenario", "rich", "--database", database, "--json", "--", name
    )
    assert code == 0
    found = json.loads(out)
    assert found["person"]["employee_id"] == name
    assert found["scenario_id"] == "rich"
    assert found["years"][0]["simulation_year"] == 2025
    assert SSN not in out
    assert SSN.replace("-", "") not in out


def test_json_holds_what_is_told(database: Path, capsys: Any) -> None:
    code, out, _ = called(
        capsys, "employee", "TOP", "--scenario", "baseline", "--database", database, "--json"
    )
    assert code == 0
    found = json.loads(out)
    told = history(database, "TOP")
    assert found["schema_version"] == 1
    assert found["census"]["deferral_rate_e5"] == 15_000
    for year, other in zip(found["years"], told.years, strict=True):
        assert [event["rule"] for event in year["events"]] == [e.rule for e in other.events]
        assert year["snapshot"]["match_cents"] == other.snapshot["match_cents"]


def test_control_signs_of_a_census_do_not_reach_the_terminal(copied: Path, capsys: Any) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute(
            "update fct_workforce_snapshot set department = 'a\x1b[31mb\nc' "
            "where employee_id = 'TOP'"
        )
    code, out, _ = called(capsys, "employee", "TOP", "--scenario", "rich", "--database", copied)
    assert code == 0
    assert "\x1b" not in out
    assert "a?[31mb?c" in out


def test_mistakes_are_one_line(database: Path, tmp_path: Path, capsys: Any) -> None:
    here = ("--database", database)
    refused(capsys, 2, ("holds 2 scenarios", "baseline, rich"), "employee", "TOP", *here)
    one = ("--scenario", "baseline")
    refused(
        capsys,
        2,
        ("no employee 'TOPP'", "did you mean TOP?", "people"),
        "employee",
        "TOPP",
        *here,
        *one,
    )
    refused(capsys, 2, ("did you mean E0001",), "employee", "e00011", *here, *one)
    refused(capsys, 2, ("no employee 'x?y'", "it has "), "employee", "x\ny", *here, *one)
    refused(capsys, 2, ("no employee",), "employee", "x" * 100_000, *here, *one)
    refused(capsys, 2, ("no replicate 9",), "employee", "TOP", *here, *one, "--replicate", "9")
    refused(capsys, 2, ("did you mean rich?",), "employee", "TOP", *here, "--scenario", "rih")
    refused(capsys, 1, ("no such database",), "employee", "TOP", "--database", tmp_path / "no")


def test_one_scenario_needs_no_name(copied: Path, capsys: Any) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute("delete from dim_scenario where scenario_id = 'rich'")
    code, out, _ = called(capsys, "employee", "TOP", "--database", copied)
    assert code == 0
    assert "scenario baseline, replicate 1" in out


def test_a_result_without_the_plan_is_told_as_such(copied: Path, capsys: Any) -> None:
    with duckdb.connect(str(copied)) as connection:
        connection.execute("drop table dim_match_tier")
    words = ("employee", "TOP", "--scenario", "rich", "--database", copied)
    refused(capsys, 1, ("table dim_match_tier", "older planwise"), *words)
