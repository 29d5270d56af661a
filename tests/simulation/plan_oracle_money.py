"""Contributions, employer money, limits, vesting and forfeitures of a year, in plain Python.

Written from the rules, not from the queries, so that the two can disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from plan_oracle_rules import (
    cut_to,
    days_in,
    forfeited,
    shares_by_pay,
    vested,
    vesting_service,
)
from simulation_rules import completed_years, rounded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plan_oracle_enrollment import Member
    from plan_oracle_rules import Limits, Terms
    from simulation_records import PersonYear

SOURCES = ("match", "core")


@dataclass
class Account:
    """The money of a person in one year; amounts are final once the year is over."""

    p: PersonYear
    m: Member
    eligible: bool
    is_hce: bool
    pay: int
    employee: int = 0
    catch_up: int = 0
    match: int = 0
    core: int = 0
    reallocated: int = 0
    service: int = 0
    vested: dict[str, Fraction] = field(default_factory=dict)
    forfeited: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SOURCES, 0))

    @property
    def booked(self) -> date:
        """The date of the money events: the end of the year, or of the employment."""
        return self.p.who.left or date(self.p.year, 12, 31)

    def book(self, kind: str, sequence: int, reason: str, before: int, after: int) -> None:
        """Write a money event, unless it is about nothing."""
        if before > 0:
            self.p.happens(kind, self.booked, sequence, reason,
                           amount_before_cents=before, amount_after_cents=after)  # fmt: skip

    def book_cut(self, reason: str, before: int, after: int) -> None:
        """Write what a limit took away, if it took anything."""
        if after < before:
            self.book("limit_cut", 140, reason, before, after)


@dataclass
class MoneyYear:
    """The money of everybody, and the pool of forfeitures."""

    limits: Limits
    accounts: list[Account]
    available: int
    used: int = 0
    carried: int = 0
    forfeited: int = 0
    gross: int = 0
    net: int = 0


class Money:
    """One scenario and replicate, year after year."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.carried = 0
        self.forfeited = 0

    def run(self, year: int, people: Iterable[tuple[PersonYear, Member, dict]]) -> MoneyYear:
        """Book a year."""
        limits = self.terms.limits(year)
        out = MoneyYear(limits, [], self.carried + self.forfeited)
        raw = {}
        for p, m, rates in people:
            account = self.open(p, m, limits)
            out.accounts.append(account)
            raw[p.who.employee_id] = self.contribute(account, rates, limits)
            self.employer_money(account, limits)
        policy = self.terms.word("forfeiture_policy")
        shares: dict[str, int] = {}
        if policy == "reallocate":
            getting = {a.p.who.employee_id: a.pay for a in out.accounts if a.match or a.core}
            shares = shares_by_pay(out.available, getting)
        for a in out.accounts:
            person = a.p.who.employee_id
            self.limit(a, raw[person], shares.get(person, 0), limits)
            self.vest(a)
        out.gross = sum(a.match + a.core for a in out.accounts)
        if policy == "reallocate":
            out.used = sum(a.reallocated for a in out.accounts)
        else:
            out.used = out.available if policy == "expenses" else min(out.available, out.gross)
        out.net = out.gross - out.used if policy == "reduce" else out.gross
        out.carried = out.available - out.used
        out.forfeited = sum(sum(a.forfeited.values()) for a in out.accounts)
        self.carried, self.forfeited = out.carried, out.forfeited
        return out

    def open(self, p: PersonYear, m: Member, limits: Limits) -> Account:
        """Whether the person is eligible and highly compensated, and the pay that counts."""
        eligible = m.entry <= date(p.year, 12, 31) and p.employed(m.entry)
        last_year = self.terms.limits(p.year - 1)
        is_hce = m.prior_prorated is not None and m.prior_prorated > last_year.hce
        m.prior_prorated = p.prorated
        return Account(p, m, eligible, is_hce, min(p.prorated, limits.compensation))

    def contribute(self, a: Account, rates: dict[date, int], limits: Limits) -> int:
        """The employee's money up to the limit of the age; returns what it was before."""
        deferred = sum(rates[day] * pay for day, pay in a.p.pay.items())
        raw = rounded(Fraction(deferred, 10**5 * days_in(a.p.year)))
        age = completed_years(a.p.who.birth, date(a.p.year, 12, 31))
        a.employee = min(raw, limits.elective + limits.catch_up(age))
        a.catch_up = max(0, a.employee - limits.elective)
        return raw

    def employer_money(self, a: Account, limits: Limits) -> None:
        """Match and core before cuts."""
        who, year = a.p.who, a.p.year
        dec31 = date(year, 12, 31)
        tenure = completed_years(who.hired, who.left or dec31)
        points = completed_years(who.birth, dec31) + tenure

        def earned(source: str) -> bool:
            return self.terms.conditions_met(
                source, stayed=who.left is None, weekly=a.m.weekly, days=len(a.p.pay),
                of=days_in(year),
            )  # fmt: skip

        if earned("match"):
            a.match = self.terms.match_of(a.employee, a.pay, tenure, points)
        if a.eligible and earned("core"):
            a.core = self.terms.core_of(a.pay, limits.ss_wage_base, tenure, points)

    def limit(self, a: Account, raw: int, share: int, limits: Limits) -> None:
        """Reallocation, annual additions, and the events of all the money."""
        room = min(limits.annual_additions, a.p.prorated)
        a.reallocated = min(share, room)
        base = a.employee - a.catch_up
        core, match, kept = cut_to(room, a.core, a.match, base, a.reallocated)
        employee = kept + a.catch_up
        a.book("contribution", 110, "deferral", raw, employee)
        a.book("match", 120, self.terms.match, a.match, match)
        a.book("core", 130, self.terms.core, a.core, core)
        a.book("reallocation", 135, "by_pay", share, a.reallocated)
        a.book_cut("elective", raw, a.employee)
        if a.eligible:
            a.book_cut("compensation", a.p.prorated, a.pay)
        a.book_cut("annual_additions_core", a.core, core)
        a.book_cut("annual_additions_match", a.match, match)
        a.book_cut("annual_additions_employee", a.employee, employee)
        a.employee, a.match, a.core = employee, match, core

    def vest(self, a: Account) -> None:
        """Credits, vested shares, and what a leaver forfeits."""
        who, m = a.p.who, a.m
        m.match_credited += a.match
        m.core_credited += a.core
        credited = {"match": m.match_credited, "core": m.core_credited}
        hours = self.terms.number("vesting_min_hours")
        a.service = vesting_service(who.hired, who.left, m.weekly, hours, a.p.year)
        age = completed_years(who.birth, a.booked)
        full_age = self.terms.whole("vesting_full_age")
        for source in SOURCES:
            share = vested(self.terms.vesting[source], a.service, age, full_age)
            a.vested[source] = share
            lost = forfeited(credited[source], share) if who.left else 0
            if lost:
                a.forfeited[source] = lost
                a.book("forfeiture", 150, source, credited[source], lost)
