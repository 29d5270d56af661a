"""The rule behind each event, in words and with the parameters of its scenario."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from planwise.analysis.figures import money, multiplier, percent
from planwise.analysis.result_database import ResultDatabase, ScenarioInForce
from planwise.analysis.rule_tables import RuleTables, Situation, anniversary, completed_years


class RuleWords:
    """Says which rule of a scenario made an event.

    Args:
        result: the database.
        scenario: the scenario.

    Raises:
        WarehouseError: the result lacks a table of rules.
    """

    def __init__(self, result: ResultDatabase, scenario: ScenarioInForce) -> None:
        self._rules = RuleTables(result, scenario)

    def of_event(self, event: Mapping[str, Any], situation: Situation) -> str:
        """The rule behind an event of the ledger.

        Args:
            event: its columns.
            situation: the person, as that event finds it, the event's own pay and rate included.
        """
        words: Mapping[str, Callable[[Mapping[str, Any], Situation], str]] = {
            "hire": self._hire,
            "promotion": self._promotion,
            "raise": self._raise,
            "termination": self._termination,
            "eligibility": self._eligibility,
            "escalation": self._escalation,
            "enrollment": self._enrollment,
            "opt_out": self._opt_out,
            "contribution": self._contribution,
            "match": self._match,
            "core": self._core,
            "reallocation": self._reallocation,
            "limit_cut": self._limit_cut,
            "forfeiture": self._forfeiture,
        }
        found = words.get(event["event_type"])
        return found(event, situation) if found else str(event["reason"])

    def of_absence(self, situation: Situation) -> list[str]:
        """Why a year brought no match or no core contribution, where a condition failed."""
        snapshot = situation.snapshot
        notes = []
        for source, has_base in (
            ("match", snapshot["contribution_cents"] > 0),
            ("core", bool(snapshot["is_eligible"])),
        ):
            if (
                snapshot[f"{source}_cents"]
                or not has_base
                or self._rules.values[f"{source}_formula"] == "none"
            ):
                continue
            failed = self._rules.failed_condition(source, situation)
            if failed:
                notes.append(f"no {source}: {failed}")
        return notes

    def _hire(self, event: Mapping[str, Any], situation: Situation) -> str:
        return (
            f"headcount growth {self._rules.rate('growth_rate')}: the year is to end with "
            f"{self._rules.targets.get(event['simulation_year'], 0):,} people; "
            f"{situation.hours_per_week} hours a week"
        )

    def _promotion(self, event: Mapping[str, Any], _: Situation) -> str:
        middle, spread = (self._rules.values[f"promotion_raise{end}_e5"] for end in ("", "_spread"))
        minimum = (
            "stays below the pay band of the new level"
            if event["reason"] == "below_band"
            else "at least the minimum of the new level"
        )
        return (
            f"promotion: raise drawn from {percent(middle - spread)} to "
            f"{percent(middle + spread)}, at most {self._rules.rate('promotion_cap_rate')} and "
            f"{self._rules.money('promotion_cap_amount')}; {minimum}"
        )

    def _raise(self, event: Mapping[str, Any], _: Situation) -> str:
        level = event["level_after"]
        merit = next(
            (
                row["merit_rate_e5"]
                for row in self._rules.rows["dim_job_level"]
                if row["level"] == level
            ),
            0,
        )
        most = f"{self._rules.rate('raise_cap_rate')} and {self._rules.money('raise_cap_amount')}"
        return (
            f"merit {percent(merit)} of level {level} + cost of living "
            f"{self._rules.rate('cola_rate')}, at most {most}"
        )

    def _termination(self, event: Mapping[str, Any], _: Situation) -> str:
        first_year = self._rules.rate("first_year_termination_rate")
        later = self._rules.rate("termination_rate")
        target = self._rules.targets.get(event["simulation_year"], 0)
        words = {
            "experienced": f"termination rate {later} of those employed "
            "longer than the first year, drawn by age, tenure and level",
            "hired_last_year": f"termination rate {first_year} of those hired in the year before, "
            "drawn by age, tenure and level",
            "new_hire": f"termination rate {first_year} of the hires of the year, drawn by age, "
            "tenure and level",
            "reduction_in_force": f"reduction in force: the year is to end with {target:,} people",
        }
        return words.get(event["reason"], str(event["reason"]))

    def _eligibility(self, _: Mapping[str, Any], situation: Situation) -> str:
        age = self._rules.values["eligibility_min_age"]
        waiting = self._rules.values["eligibility_waiting_days"]
        return (
            f"entry date: hired on {situation.hire_date} + {waiting} days of waiting, "
            f"age {age} on {anniversary(situation.birth_date, age)}"
        )

    def _escalation(self, _: Mapping[str, Any], situation: Situation) -> str:
        return (
            f"automatic escalation: enrolled since {situation.snapshot['enrollment_date']}, "
            f"{self._rules.rate('escalation_rate')} more, "
            f"up to {self._rules.rate('escalation_cap')}"
        )

    def _enrollment(self, event: Mapping[str, Any], situation: Situation) -> str:
        if event["reason"] != "automatic":
            return (
                f"voluntary enrolment: {self._chance('voluntary', event, situation)}; deferral by "
                f"age and pay, within {self._rules.rate('voluntary_deferral_min')} and "
                f"{self._rules.rate('voluntary_deferral_max')}"
            )
        days = self._rules.values["auto_enrollment_days"]
        base = event["effective_date"] - datetime.timedelta(days=days)
        entry = situation.snapshot["plan_entry_date"]
        since = f"entry on {entry}" if base == entry else f"{base}, the start (entry on {entry})"
        return (
            f"automatic enrolment: {days} days after {since}, scope "
            f"{self._rules.values['auto_enrollment_scope']}, "
            f"at {self._rules.rate('auto_enrollment_rate')}"
        )

    def _opt_out(self, event: Mapping[str, Any], situation: Situation) -> str:
        enrolled = situation.snapshot["enrollment_date"]
        days = (event["effective_date"] - enrolled).days
        window = self._rules.values["opt_out_window_days"]
        return (
            f"opt-out {days} days after the automatic enrolment on {enrolled}, of 1 to {window}: "
            f"{self._chance('opt_out', event, situation)}"
        )

    def _chance(self, what: str, event: Mapping[str, Any], situation: Situation) -> str:
        """The chance of the age and pay on the day of an event."""
        age = completed_years(situation.birth_date, event["effective_date"])
        pay = situation.pay_cents or 0
        of_age = self._rules.band("dim_enrollment_age_band", "min_age", "max_age", age)
        of_pay = self._rules.band("dim_enrollment_pay_band", "min_pay_cents", "max_pay_cents", pay)
        column = "voluntary" if what == "voluntary" else "opt_out"
        chance = percent(of_age.get(f"{column}_chance_e5", 0))
        times = multiplier(of_pay.get(f"{column}_mult_e5", 0))
        return f"chance {chance} at age {age} x {times} at pay {money(pay)}"

    def _contribution(self, _: Mapping[str, Any], situation: Situation) -> str:
        return (
            f"deferral of {percent(situation.rate_e5)} on the pay of {situation.deferring_from} "
            f"to {situation.deferring_until}"
        )

    def _match(self, event: Mapping[str, Any], situation: Situation) -> str:
        formula = event["reason"]
        band, words = self._band_of(formula, situation)
        tiers = [
            f"{percent(tier['match_rate_e5'])} of deferrals "
            + (f"from {percent(tier['tier_from_e5'])} " if tier["tier_from_e5"] else "")
            + f"up to {percent(tier['tier_to_e5'])}"
            for tier in self._rules.rows["dim_match_tier"]
            if tier["band_min"] <= band < tier["band_max"] and tier["match_rate_e5"]
        ]
        pay = money(self._rules.plan_pay(situation))
        return f"match {formula}{words}: {', '.join(tiers)} of {pay}"

    def _core(self, event: Mapping[str, Any], situation: Situation) -> str:
        formula = event["reason"]
        band, words = self._band_of(formula, situation)
        tier = self._rules.band("dim_core_tier", "band_min", "band_max", band)
        pay = self._rules.plan_pay(situation)
        text = f"core {formula}{words}: {percent(tier.get('core_rate_e5', 0))} of {money(pay)}"
        base = self._rules.limits(situation)["ss_wage_base_cents"]
        if formula == "integrated" and pay > base:
            text += (
                f" + {self._rules.rate('core_excess_rate')} of the {money(pay - base)} above the "
                f"wage base of {money(base)}"
            )
        return text

    def _band_of(self, formula: str, situation: Situation) -> tuple[int, str]:
        """What a formula takes its tiers by, and the words for it."""
        age, tenure = (situation.snapshot[name] for name in ("age_years", "tenure_years"))
        if formula in ("tenure_graded", "service"):
            return tenure, f" ({tenure} years of service)"
        if formula in ("points_graded", "points"):
            return age + tenure, f" ({age + tenure} points: age {age} + {tenure} years)"
        return 0, ""

    def _reallocation(self, _: Mapping[str, Any], situation: Situation) -> str:
        pay, most = self._rules.plan_pay(situation), self._rules.room(situation)
        return f"forfeitures of others, shared by pay: {money(pay)}; at most {money(most)}"

    def _limit_cut(self, event: Mapping[str, Any], situation: Situation) -> str:
        limits = self._rules.limits(situation)
        estimated = " (estimated)" if limits["is_estimated"] else ""
        if event["reason"] == "elective":
            age = situation.snapshot["age_years"]
            catch_up = self._rules.catch_up(situation)
            more = f" + catch-up {money(catch_up)} at age {age}" if catch_up else ""
            return f"elective limit {money(limits['elective_cents'])}{more}{estimated}"
        if event["reason"] == "compensation":
            limit = money(limits["compensation_cents"])
            return f"compensation limit {limit}{estimated}: match and core see no pay above it"
        cut = event["reason"].removeprefix("annual_additions_")
        annual = money(limits["annual_additions_cents"])
        return (
            f"annual additions at most {money(self._rules.room(situation))} "
            f"(limit {annual}{estimated}, pay {money(situation.snapshot['prorated_pay_cents'])}): "
            f"{cut} cut; core goes first, then match, then employee"
        )

    def _forfeiture(self, event: Mapping[str, Any], situation: Situation) -> str:
        source = event["reason"]
        column = "match_vesting_schedule" if source == "match" else "core_vesting"
        snapshot = situation.snapshot
        return (
            f"{source} {percent(snapshot[f'{source}_vested_e5'])} vested after "
            f"{snapshot['vesting_service_years']} years of service ({self._rules.values[column]}); "
            f"the rest of the credited {money(event['amount_before_cents'])} is forfeited"
        )
