"""The workforce year in plain Python: exact fractions, hashlib draws, no line of SQL.

Written from the rules of the model, not from its queries, so that the two can disagree. It is slow
and short on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from simulation_inputs import Band, Person, Scenario
from simulation_rules import (
    AGE_BANDS,
    DEFAULTS,
    HIRE_AGES,
    LEVELS,
    RAISE_MONTHS,
    TENURE_BANDS,
    anniversary,
    completed_years,
    draw,
    headcount,
    largest_remainder,
    rounded,
    uniform,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass
class Employee:
    """A person as it goes through the years."""

    employee_id: str
    birth: date
    hired: date
    level: int
    level_source: str
    pay: int
    raise_month: int
    carried: tuple[Any, ...]
    left: date | None = None
    reason: str | None = None


@dataclass
class Year:
    """What one year of one scenario and replicate published."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    snapshot: list[tuple[Any, ...]] = field(default_factory=list)
    headcount: tuple[Any, ...] = ()
    by_level: list[tuple[Any, ...]] = field(default_factory=list)


class Oracle:
    """One scenario and replicate, year after year."""

    def __init__(self, scenario: Scenario, people: Iterable[Person]) -> None:
        self.s = scenario
        self.p = {
            name: Fraction(scenario.parameters.get(name, default))
            for name, default in DEFAULTS.items()
        }
        self.mix = scenario.parameters.get("hire_level_shares", "census")
        self.ages = list(scenario.age_bands) or AGE_BANDS
        self.tenures = list(scenario.tenure_bands) or TENURE_BANDS
        self.levels = {v.level: v for v in (list(scenario.levels) or LEVELS)}
        self.months = sorted(scenario.raise_months) or RAISE_MONTHS
        self.hire_ages = sorted(scenario.hire_ages) or HIRE_AGES
        self.bands = {n: (100 * int(v.low), 100 * int(v.high)) for n, v in self.levels.items()}
        self.staff = [
            Employee(
                p.employee_id, p.birth_date, p.hire_date,
                p.job_level or self.level_of_pay(p.pay_cents),
                "census" if p.job_level else "assumed",
                p.pay_cents, self.raise_month(p.employee_id),
                (p.deferral_rate_e5, p.enrollment_date, p.opt_out, p.scheduled_hours, p.department),
            )
            for p in people
        ]  # fmt: skip
        self.census_mix = Counter(e.level for e in self.staff)

    def u(self, year: int, purpose: str, person: str) -> Fraction:
        """The uniform draw of a purpose."""
        s = self.s
        return uniform(draw(s.seed, s.scenario_id, s.replicate_id, year, purpose, person))

    def level_of_pay(self, cents: int) -> int:
        """The lowest level whose band holds the pay, else the nearest edge, ties to the lower."""
        for level, (low, high) in sorted(self.bands.items()):
            if low <= cents < high:
                return level
        distance = {
            n: min(abs(cents - low), abs(cents - high)) for n, (low, high) in self.bands.items()
        }
        return min(distance, key=lambda n: (distance[n], n))

    @staticmethod
    def from_distribution(u: Fraction, rows: Sequence[tuple[int, Any]]) -> int:
        """The value in whose share u falls; the last takes what is left."""
        total = Fraction(0)
        for value, share in rows[:-1]:
            total += Fraction(share)
            if u < total:
                return value
        return rows[-1][0]

    def raise_month(self, person: str) -> int:
        """Once for the whole simulation."""
        return self.from_distribution(self.u(0, "raise_month", person), self.months)

    @staticmethod
    def band(years: int, bands: Sequence[Band]) -> Band:
        """The band that holds the completed years."""
        return next(b for b in bands if b.low <= years < b.high)

    def hazard(self, e: Employee, on: date) -> Fraction:
        """Weight in the order of leaving."""
        return (
            Fraction(self.band(completed_years(e.birth, on), self.ages).termination)
            * Fraction(self.band(completed_years(e.hired, on), self.tenures).termination)
            * max(
                self.p["termination_level_floor"],
                1 - self.p["termination_level_step"] * (e.level - 1),
            )
        )

    def first_to_leave(
        self, year: int, purpose: str, people: list[Employee], weights: dict[str, Fraction], n: int
    ) -> list[Employee]:
        """The n smallest of -ln(u) / weight."""

        def place(e: Employee) -> tuple[float, str]:
            weight = weights[e.employee_id]
            if weight == 0:
                return math.inf, e.employee_id
            u = self.u(year, purpose, e.employee_id)
            return -math.log(u.numerator / u.denominator) / float(weight), e.employee_id

        return sorted(people, key=place)[:n]

    def run(self, year: int) -> Year:
        """Simulate one year; the staff is then that of its end."""
        out = Year()
        if year < self.s.first_year:
            return out
        jan1, dec31 = date(year, 1, 1), date(year, 12, 31)
        days = (dec31 - jan1).days + 1
        if year > self.s.first_year:
            cola = 1 + self.p["cola_rate"]
            self.bands = {
                n: (rounded(a * cola), rounded(b * cola)) for n, (a, b) in self.bands.items()
            }
        opening = list(self.staff)
        opening_mix = Counter(e.level for e in opening)

        since = jan1 if year > self.s.first_year else None
        census = self.s.census_date
        fresh = [
            e
            for e in opening
            if (
                e.hired >= date(year - 1, 1, 1)
                if since
                else e.hired > anniversary(census, census.year - 1)
            )
        ]
        others = [e for e in opening if e not in fresh]
        plan = headcount(
            len(opening), len(fresh), self.p["growth_rate"], self.p["termination_rate"],
            self.p["first_year_termination_rate"],
        )  # fmt: skip

        weights = {e.employee_id: self.hazard(e, jan1) for e in opening}
        chances = [min(Fraction(1), self.p["termination_base_rate"] * w) for w in weights.values()]
        expected = sum((Fraction(math.floor(c * 10**15), 10**15) for c in chances), Fraction(0))
        new_leavers = plan["leavers_hired_last_year"]
        for group, n, why in (
            (fresh, new_leavers, "hired_last_year"),
            (others, plan["experienced_leavers"] - new_leavers, "experienced"),
        ):
            for e in self.first_to_leave(year, "leave", group, weights, n):
                e.reason = why
        rest = [e for e in opening if not e.reason]
        for e in self.first_to_leave(year, "reduce", rest, weights, plan["reduction_in_force"]):
            e.reason = "reduction_in_force"
        for e in opening:
            if e.reason:
                e.left = jan1 + timedelta(
                    math.floor(self.u(year, "leave_day", e.employee_id) * days)
                )

        hires = self.hire(year, plan["hires"], opening_mix)
        early = [e for e in hires if e.hired < dec31]
        weights = {e.employee_id: self.hazard(e, e.hired) for e in early}
        for e in self.first_to_leave(year, "leave", early, weights, plan["new_hire_leavers"]):
            e.reason = "new_hire"
            span = (dec31 - e.hired).days
            e.left = e.hired + timedelta(
                1 + math.floor(self.u(year, "leave_day", e.employee_id) * span)
            )

        moved_in: Counter[int] = Counter()
        moved_out: Counter[int] = Counter()
        gone: Counter[int] = Counter()
        payroll = 0
        for e in [*opening, *hires]:
            start_level = e.level
            prorated, below = self.pay_year(year, e, e in hires, out.events)
            if e.level != start_level:
                moved_in[e.level] += 1
                moved_out[start_level] += 1
            if e.left:
                gone[e.level] += 1
            payroll += prorated
            self.close(year, e, e in hires, prorated, below, out.snapshot)
        self.staff = [e for e in [*opening, *hires] if not e.left]

        leavers = sum(1 for e in [*opening, *hires] if e.left)
        n = len(opening)
        out.headcount = (
            year, n, len(hires), plan["new_hire_leavers"], plan["experienced_leavers"],
            plan["reduction_in_force"], len(self.staff), plan["target"], moved_in.total(), payroll,
            rounded(expected * 10**5 / n) if n else 0,
            rounded(Fraction(leavers * 10**5, n)) if n else 0,
        )  # fmt: skip
        hired_mix = Counter(int(event[7]) for event in out.events if event[2] == "hire")
        closing_mix = Counter(e.level for e in self.staff)
        out.by_level = [
            (
                year,
                v,
                opening_mix[v],
                hired_mix[v],
                moved_in[v],
                moved_out[v],
                gone[v],
                closing_mix[v],
            )
            for v in self.levels
        ]
        return out

    def hire(self, year: int, count: int, current: Counter[int]) -> list[Employee]:
        """The hires of the year."""
        jan1 = date(year, 1, 1)
        days = (date(year + 1, 1, 1) - jan1).days
        mix = current if self.mix == "current" else self.census_mix
        numbers = sorted(self.levels)
        ids = [f"NH_{year}_{k:06d}" for k in range(1, count + 1)]
        dealt: dict[str, int] = {}
        if count:
            seats = largest_remainder(count, [mix[n] for n in numbers])
            levels = [n for n, seat in zip(numbers, seats, strict=True) for _ in range(seat)]
            order = sorted(ids, key=lambda i: (self.u(year, "hire_level", i), i))
            dealt = dict(zip(order, levels, strict=True))
        hires = []
        for k, person in enumerate(ids, start=1):
            hired = jan1 + timedelta(math.floor((k - Fraction(1, 2)) * days / count))
            age = self.from_distribution(self.u(year, "hire_age", person), self.hire_ages)
            birthday = math.floor(self.u(year, "hire_birth_day", person) * 365)
            z = sum(self.u(year, f"hire_pay_{i:02d}", person) for i in range(1, 13)) - 6
            low, high = self.bands[dealt[person]]
            base = low + Fraction(self.levels[dealt[person]].percentile) * (high - low)
            pay = min(max(base * (1 + self.p["new_hire_pay_spread"] * z), low), high)
            hires.append(
                Employee(
                    person, anniversary(hired, hired.year - age) - timedelta(birthday), hired,
                    dealt[person], "assigned", rounded(pay * self.p["market_factor"]),
                    self.raise_month(person), (None, None, False, 40, None),
                )
            )  # fmt: skip
        return hires

    def pay_year(
        self, year: int, e: Employee, is_hire: bool, events: list[tuple[Any, ...]]
    ) -> tuple[int, bool]:
        """Events of a person in the order of the ledger; prorated pay and the below-band flag."""
        jan1, dec31 = date(year, 1, 1), date(year, 12, 31)
        start, end = max(jan1, e.hired), e.left or dec31
        rate = {start: e.pay}
        below = False
        if is_hire:
            events.append(
                (
                    year,
                    e.employee_id,
                    "hire",
                    e.hired,
                    None,
                    e.pay,
                    None,
                    e.level,
                    "headcount_plan",
                    e.birth,
                )
            )

        def employed(day: date) -> bool:
            return e.hired <= day and (e.left is None or day < e.left)

        changes = [(date(year, 2, 1), 0), (date(year, e.raise_month, 1), 1)]
        for day, kind in sorted(changes):
            if not employed(day):
                continue
            pay, level = e.pay, e.level
            if kind == 0 and self.promote(year, e, day):
                e.level += 1
                low = self.bands[e.level][0]
                u = self.u(year, "promote_pay", e.employee_id)
                raised = pay * (
                    1 + self.p["promotion_raise"] + self.p["promotion_raise_spread"] * (2 * u - 1)
                )
                e.pay = rounded(
                    min(
                        max(raised, low),
                        pay * (1 + self.p["promotion_cap_rate"]),
                        pay + 100 * self.p["promotion_cap_amount"],
                    )
                )
                below = e.pay < low
                events.append((year, e.employee_id, "promotion", day, pay, e.pay, level, e.level,
                               "below_band" if below else "promotion", None))  # fmt: skip
                rate[day] = e.pay
            if kind == 1 and completed_years(e.hired, day) >= 1:
                e.pay = rounded(
                    min(
                        pay * (1 + Fraction(self.levels[level].merit) + self.p["cola_rate"]),
                        pay * (1 + self.p["raise_cap_rate"]),
                        pay + 100 * self.p["raise_cap_amount"],
                    )
                )
                events.append(
                    (
                        year,
                        e.employee_id,
                        "raise",
                        day,
                        pay,
                        e.pay,
                        level,
                        level,
                        "merit_and_cola",
                        None,
                    )
                )
                rate[day] = e.pay
        if e.left:
            events.append(
                (
                    year,
                    e.employee_id,
                    "termination",
                    e.left,
                    e.pay,
                    None,
                    e.level,
                    None,
                    e.reason,
                    None,
                )
            )

        total, current, day = 0, e.pay, start
        while day <= end:
            current = rate.get(day, current)
            total += current
            day += timedelta(1)
        return rounded(Fraction(total, (dec31 - jan1).days + 1)), below

    def promote(self, year: int, e: Employee, day: date) -> bool:
        """Whether the person is promoted."""
        age, tenure = completed_years(e.birth, day), completed_years(e.hired, day)
        if (
            e.level == max(self.levels)
            or tenure < self.p["promotion_min_tenure"]
            or age >= self.p["promotion_max_age"]
        ):
            return False
        chance = min(
            Fraction(1),
            self.p["promotion_base_rate"]
            * Fraction(self.band(age, self.ages).promotion)
            * Fraction(self.band(tenure, self.tenures).promotion)
            * max(
                self.p["promotion_level_floor"], 1 - self.p["promotion_level_step"] * (e.level - 1)
            )
            * self.p["promotion_dial"],
        )
        return self.u(year, "promote", e.employee_id) < Fraction(
            math.floor(chance * 10**15), 10**15
        )

    def close(
        self,
        year: int,
        e: Employee,
        is_hire: bool,
        prorated: int,
        below: bool,
        rows: list[tuple[Any, ...]],
    ) -> None:
        """The person on 31 December."""
        dec31 = date(year, 12, 31)
        age, tenure = completed_years(e.birth, dec31), completed_years(e.hired, e.left or dec31)
        if is_hire:
            detail = "new_hire_terminated" if e.left else "new_hire_active"
        else:
            detail = "experienced_terminated" if e.left else "continuous_active"
        rows.append(
            (
                year, e.employee_id, "terminated" if e.left else "active", detail, e.birth, e.hired,
                e.left, age, self.band(age, self.ages).name, tenure,
                self.band(tenure, self.tenures).name, e.level, e.level_source, e.pay, prorated,
                e.pay, below, e.raise_month, *e.carried,
            )
        )  # fmt: skip
