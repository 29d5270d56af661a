"""Who is in the plan at which rate, in plain Python: a walk over the days of a year.

Written from the rules, not from the queries, so that the two can disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from plan_oracle_rules import (
    days_in,
    entry_date,
    escalated,
    escalation_due,
    paid_days,
)
from simulation_rules import anniversary, completed_years, rounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from plan_oracle_rules import Terms
    from simulation_records import Employee, PersonYear


@dataclass
class Member:
    """What the plan knows of a person; it goes through the years with it."""

    entry: date
    enrolled: date | None = None
    source: str | None = None
    rate: int | None = None
    declined: bool = False
    opted_out: bool = False
    opt_out_day: date | None = None
    escalates: bool = True
    weekly: Fraction = Fraction(40)
    prior_prorated: int | None = None
    match_credited: int = 0
    core_credited: int = 0


def join(e: Employee, terms: Terms, census_date: date) -> Member:
    """A person as it is before its first day in the simulation."""
    min_age = terms.whole("eligibility_min_age")
    entry = entry_date(e.birth, e.hired, terms.whole("eligibility_waiting_days"), min_age)
    member = Member(entry)
    if e.person is None:
        return member
    row, before = e.person, terms.first_day.year - 1
    member.rate = row.deferral_rate_e5
    member.escalates = not row.opt_out
    member.weekly = Fraction(row.scheduled_hours)
    member.prior_prorated = rounded(
        Fraction(row.pay_cents * paid_days(e.hired, None, before), days_in(before))
    )
    if member.rate == 0:
        member.declined = True
    elif member.rate:
        since = row.enrollment_date or anniversary(e.birth, e.birth.year + min_age)
        member.enrolled = min(max(since, e.hired), census_date)
        member.source = "census"
        member.entry = min(entry, member.enrolled)
    return member


class Enrollment:
    """The elections of everybody in one scenario and replicate."""

    def __init__(self, terms: Terms, u: Callable[[int, str, str], Fraction]) -> None:
        self.terms = terms
        self.u = u

    def run(self, p: PersonYear, m: Member) -> dict[date, int]:
        """The deferral rate (1e-5) in force on each day that is paid."""
        rates = {}
        for day in p.pay:
            if p.employed(day):
                self.on(day, p, m)
            rates[day] = m.rate or 0
        # A day that came and went without an opt-out is forgotten
        if m.opt_out_day and not m.opted_out and m.opt_out_day <= date(p.year, 12, 31):
            m.opt_out_day = None
        return rates

    def on(self, day: date, p: PersonYear, m: Member) -> None:
        """Everything that happens to a person on a day."""
        base = max(m.entry, self.terms.first_day)
        if day == date(day.year, 1, 1):
            self.escalate(day, p, m)
        if day == m.entry:
            p.happens("eligibility", day, 40, "entry_date")
        if day == base and not m.enrolled:
            self.may_enroll(day, p, m)
        if day == base + timedelta(self.terms.whole("auto_enrollment_days")):
            self.enroll_automatically(day, p, m)
        if day == m.opt_out_day:
            self.may_opt_out(day, p, m)

    def escalate(self, day: date, p: PersonYear, m: Member) -> None:
        """One step up, a year after the enrolment."""
        if not (m.rate and m.enrolled and m.escalates and escalation_due(m.enrolled, day.year)):
            return
        step, cap = self.terms.number("escalation_rate"), self.terms.number("escalation_cap")
        rate = escalated(m.rate, step, cap)
        if rate != m.rate:
            p.happens("escalation", day, 15, "automatic_escalation",
                      rate_before_e5=m.rate, rate_after_e5=rate)  # fmt: skip
            m.rate = rate

    def bands(self, day: date, p: PersonYear) -> tuple[tuple, tuple]:
        """The bands of age and of pay of a person on a day."""
        age = completed_years(p.who.birth, day)
        (of_age,) = (b for b in self.terms.age_bands if b[0] <= age < b[1])
        pay = Fraction(p.pay[day], 100)
        (of_pay,) = (b for b in self.terms.pay_bands if Fraction(b[0]) <= pay < Fraction(b[1]))
        return of_age, of_pay

    def may_enroll(self, day: date, p: PersonYear, m: Member) -> None:
        """The one voluntary draw of a person."""
        of_age, of_pay = self.bands(day, p)
        chance = min(Fraction(1), Fraction(of_age[2]) * Fraction(of_pay[2]))
        if self.u(day.year, "voluntary", p.who.employee_id) < chance:
            rate = self.terms.deferrals[of_age[0], Fraction(of_pay[0])]
            rate = max(rate, self.terms.number("voluntary_deferral_min"))
            rate = min(rate, self.terms.number("voluntary_deferral_max"))
            self.enroll(day, p, m, "voluntary", rate)

    def enroll_automatically(self, day: date, p: PersonYear, m: Member) -> None:
        """The automatic enrolment, and the day on which the person may leave again."""
        scope = self.terms.word("auto_enrollment_scope")
        covered = scope == "all_eligible" or (
            scope == "new_hires_only" and p.who.hired >= self.terms.first_day
        )
        if covered and not (m.enrolled or m.declined or m.opted_out):
            self.enroll(day, p, m, "automatic", self.terms.number("auto_enrollment_rate"))
            u = self.u(day.year, "opt_out_day", p.who.employee_id)
            window = self.terms.whole("opt_out_window_days")
            m.opt_out_day = day + timedelta(1 + math.floor(u * window))

    def enroll(self, day: date, p: PersonYear, m: Member, source: str, rate: Fraction) -> None:
        """From this day on the person defers."""
        e5 = int(rate * 10**5)
        p.happens("enrollment", day, 50, source, rate_before_e5=m.rate, rate_after_e5=e5)
        m.enrolled, m.source, m.rate = day, source, e5

    def may_opt_out(self, day: date, p: PersonYear, m: Member) -> None:
        """The draw of an opt-out; from this day on nothing is deferred."""
        of_age, of_pay = self.bands(day, p)
        chance = min(Fraction(1), Fraction(of_age[3]) * Fraction(of_pay[3]))
        if self.u(day.year, "opt_out", p.who.employee_id) < chance:
            p.happens("opt_out", day, 60, "opt_out", rate_before_e5=m.rate, rate_after_e5=0)
            m.opted_out, m.rate = True, 0
