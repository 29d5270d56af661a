"""The workforce year in plain Python: exact fractions, hashlib draws, no line of SQL.

Written from the rules of the model, not from its queries, so that the two can disagree. It is slow
and short on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from simulation_records import Employee, PersonYear, WorkforceYear
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
    from_distribution,
    headcount,
    largest_remainder,
    rounded,
    uniform,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulation_inputs import Band, Person, Scenario


class Workforce:
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
                p.pay_cents, self.raise_month(p.employee_id), p,
            )
            for p in people
        ]  # fmt: skip
        self.census_mix = Counter(e.level for e in self.staff)

    def u(self, year: int, purpose: str, person: str) -> Fraction:
        """The uniform draw of a purpose."""
        s = self.s
        draws = s.scenario_id if s.draws is None else s.draws
        return uniform(draw(s.seed, draws, s.replicate_id, year, purpose, person))

    def level_of_pay(self, cents: int) -> int:
        """The lowest level whose band holds the pay, else the nearest edge, ties to the lower."""
        for level, (low, high) in sorted(self.bands.items()):
            if low <= cents < high:
                return level
        distance = {
            n: min(abs(cents - low), abs(cents - high)) for n, (low, high) in self.bands.items()
        }
        return min(distance, key=lambda n: (distance[n], n))

    def raise_month(self, person: str) -> int:
        """Once for the whole simulation."""
        return from_distribution(self.u(0, "raise_month", person), self.months)

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

    def run(self, year: int) -> WorkforceYear:
        """Simulate one year from the scenario's first on; the staff is then that of its end."""
        jan1, dec31 = date(year, 1, 1), date(year, 12, 31)
        days = (dec31 - jan1).days + 1
        if year > self.s.first_year:
            cola = 1 + self.p["cola_rate"]
            self.bands = {
                n: (rounded(a * cola), rounded(b * cola)) for n, (a, b) in self.bands.items()
            }
        opening = list(self.staff)
        opening_mix = Counter(e.level for e in opening)
        if year > self.s.first_year:
            fresh = [e for e in opening if e.hired >= date(year - 1, 1, 1)]
        else:
            census = self.s.census_date
            fresh = [e for e in opening if e.hired > anniversary(census, census.year - 1)]
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
                day = math.floor(self.u(year, "leave_day", e.employee_id) * days)
                e.left = jan1 + timedelta(day)

        hires = self.hire(year, plan["hires"], opening_mix)
        hired_mix = Counter(e.level for e in hires)
        early = [e for e in hires if e.hired < dec31]
        weights = {e.employee_id: self.hazard(e, e.hired) for e in early}
        for e in self.first_to_leave(year, "leave", early, weights, plan["new_hire_leavers"]):
            e.reason = "new_hire"
            span = (dec31 - e.hired).days
            day = 1 + math.floor(self.u(year, "leave_day", e.employee_id) * span)
            e.left = e.hired + timedelta(day)

        out = WorkforceYear(
            [
                *(PersonYear(e, year, False, e.level, e.pay) for e in opening),
                *(PersonYear(e, year, True, e.level, e.pay) for e in hires),
            ]
        )
        for p in out.people:
            self.pay_year(p)
        self.staff = [p.who for p in out.people if not p.who.left]
        self.count(year, out, plan, expected, opening_mix, hired_mix)
        return out

    def count(
        self,
        year: int,
        out: WorkforceYear,
        plan: dict[str, int],
        expected: Fraction,
        opening: Counter[int],
        hired: Counter[int],
    ) -> None:
        """The headcounts of the year, in total and by level."""
        moved = [p for p in out.people if p.who.level != p.opening_level]
        gone = Counter(p.who.level for p in out.people if p.who.left)
        n = opening.total()
        out.headcount = {
            "simulation_year": year, "opening": n, "hires": hired.total(),
            "new_hire_leavers": plan["new_hire_leavers"],
            "experienced_leavers": plan["experienced_leavers"],
            "reduction_in_force": plan["reduction_in_force"], "closing": len(self.staff),
            "target": plan["target"], "promotions": len(moved),
            "payroll_cents": sum(p.prorated for p in out.people),
            "expected_termination_rate_e5": rounded(expected * 10**5 / n) if n else 0,
            "leaver_share_e5": rounded(Fraction(gone.total() * 10**5, n)) if n else 0,
        }  # fmt: skip
        moved_in = Counter(p.who.level for p in moved)
        moved_out = Counter(p.opening_level for p in moved)
        closing = Counter(e.level for e in self.staff)
        out.by_level = [
            {
                "simulation_year": year, "level": v, "opening": opening[v], "hires": hired[v],
                "promotions_in": moved_in[v], "promotions_out": moved_out[v],
                "terminations": gone[v], "closing": closing[v],
            }
            for v in self.levels
        ]  # fmt: skip

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
            age = from_distribution(self.u(year, "hire_age", person), self.hire_ages)
            birthday = math.floor(self.u(year, "hire_birth_day", person) * 365)
            z = sum(self.u(year, f"hire_pay_{i:02d}", person) for i in range(1, 13)) - 6
            low, high = self.bands[dealt[person]]
            base = low + Fraction(self.levels[dealt[person]].percentile) * (high - low)
            pay = min(max(base * (1 + self.p["new_hire_pay_spread"] * z), low), high)
            hires.append(
                Employee(
                    person, anniversary(hired, hired.year - age) - timedelta(birthday), hired,
                    dealt[person], "assigned", rounded(pay * self.p["market_factor"]),
                    self.raise_month(person),
                )
            )  # fmt: skip
        return hires

    def pay_year(self, p: PersonYear) -> None:
        """Events of the workforce, pay of each day, prorated pay."""
        e, year = p.who, p.year
        jan1, dec31 = date(year, 1, 1), date(year, 12, 31)
        if p.is_hire:
            p.happens(
                "hire", e.hired, 10, "headcount_plan", amount_after_cents=e.pay,
                level_after=e.level, birth_date=e.birth, scheduled_hours_per_week=40,
            )  # fmt: skip
        promotion_day, raise_day = date(year, 2, 1), date(year, e.raise_month, 1)
        day = max(jan1, e.hired)
        while day <= (e.left or dec31):
            if day == promotion_day and p.employed(day) and self.promoted(year, e, day):
                self.promote(p, day)
            if day == raise_day and p.employed(day) and completed_years(e.hired, day) >= 1:
                self.raise_pay(p, day)
            p.pay[day] = e.pay
            day += timedelta(1)
        if e.left:
            p.happens("termination", e.left, 90, str(e.reason), amount_before_cents=e.pay,
                      level_before=e.level)  # fmt: skip
        p.prorated = rounded(Fraction(sum(p.pay.values()), (dec31 - jan1).days + 1))

    def promoted(self, year: int, e: Employee, day: date) -> bool:
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

    def promote(self, p: PersonYear, day: date) -> None:
        """One level up, at the pay that the caps allow."""
        e, pay = p.who, p.who.pay
        e.level += 1
        low = self.bands[e.level][0]
        u = self.u(p.year, "promote_pay", e.employee_id)
        raised = pay * (
            1 + self.p["promotion_raise"] + self.p["promotion_raise_spread"] * (2 * u - 1)
        )
        capped = min(
            max(raised, low),
            pay * (1 + self.p["promotion_cap_rate"]),
            pay + 100 * self.p["promotion_cap_amount"],
        )
        e.pay = rounded(capped)
        p.below = e.pay < low
        p.happens(
            "promotion", day, 20, "below_band" if p.below else "promotion",
            amount_before_cents=pay, amount_after_cents=e.pay, level_before=e.level - 1,
            level_after=e.level,
        )  # fmt: skip

    def raise_pay(self, p: PersonYear, day: date) -> None:
        """Merit of the level held on the day, and the COLA."""
        e, pay = p.who, p.who.pay
        raised = min(
            pay * (1 + Fraction(self.levels[e.level].merit) + self.p["cola_rate"]),
            pay * (1 + self.p["raise_cap_rate"]),
            pay + 100 * self.p["raise_cap_amount"],
        )
        e.pay = rounded(raised)
        p.happens(
            "raise", day, 30, "merit_and_cola", amount_before_cents=pay,
            amount_after_cents=e.pay, level_before=e.level, level_after=e.level,
        )  # fmt: skip
