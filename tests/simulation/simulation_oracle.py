"""The simulation in plain Python: workforce, plan, and the rows of every published table.

Written from the rules of the model, not from its queries, so that the two can disagree. Rows are
dictionaries by column, without scenario and replicate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from plan_oracle_enrollment import Enrollment, Member, join
from plan_oracle_money import Account, Money, MoneyYear
from plan_oracle_rules import Terms
from simulation_rules import completed_years, rounded
from simulation_workforce import Workforce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulation_inputs import Person, Scenario
    from simulation_records import Event, PersonYear, WorkforceYear

Row = dict[str, Any]

# Events that a person may have several of in a year; their reason completes the key.
KEYED_BY_REASON = ("limit_cut", "forfeiture")


@dataclass
class Year:
    """The rows of one year, by table."""

    tables: dict[str, list[Row]] = field(default_factory=dict)


class Oracle:
    """One scenario and replicate, year after year."""

    def __init__(self, scenario: Scenario, people: Iterable[Person]) -> None:
        self.s = scenario
        self.terms = Terms(scenario)
        self.workforce = Workforce(scenario, people)
        self.members: dict[str, Member] = {}
        self.enrollment = Enrollment(self.terms, self.workforce.u)
        self.money = Money(self.terms)
        self.hired_last_year: tuple[int, int] | None = None

    def run(self, year: int) -> Year:
        """Simulate one year; years before the scenario's first are empty."""
        if year < self.s.first_year:
            return Year()
        workforce = self.workforce.run(year)
        booked = []
        for p in workforce.people:
            person = p.who.employee_id
            if person not in self.members:
                self.members[person] = join(p.who, self.terms, self.s.census_date)
            member = self.members[person]
            booked.append((p, member, self.enrollment.run(p, member)))
        money = self.money.run(year, booked)
        return Year(
            {
                "fct_yearly_events": [self.event(e) for p in workforce.people for e in p.events],
                "fct_workforce_snapshot": [self.person(a) for a in money.accounts],
                "fct_headcount": [dict(workforce.headcount)],
                "fct_headcount_by_level": [dict(row) for row in workforce.by_level],
                "fct_plan_cost": [plan_cost(year, workforce, money)],
                "fct_compensation_growth": [self.growth(year, workforce.people)],
            }
        )

    def event(self, e: Event) -> Row:
        """A row of the ledger with its key."""
        parts = [self.s.scenario_id, self.s.replicate_id, e.simulation_year, e.employee_id]
        parts += [e.event_type, *([e.reason] if e.event_type in KEYED_BY_REASON else [])]
        return {"event_id": ":".join(map(str, parts)), **asdict(e)}

    def person(self, a: Account) -> Row:
        """A person on 31 December."""
        p, e, m, w = a.p, a.p.who, a.m, self.workforce
        dec31 = date(p.year, 12, 31)
        age, tenure = completed_years(e.birth, dec31), completed_years(e.hired, e.left or dec31)
        if p.is_hire:
            detail = "new_hire_terminated" if e.left else "new_hire_active"
        else:
            detail = "experienced_terminated" if e.left else "continuous_active"
        return {
            "simulation_year": p.year, "employee_id": e.employee_id,
            "employment_status": "terminated" if e.left else "active", "detailed_status": detail,
            "birth_date": e.birth, "hire_date": e.hired, "termination_date": e.left,
            "age_years": age, "age_band": w.band(age, w.ages).name,
            "tenure_years": tenure, "tenure_band": w.band(tenure, w.tenures).name,
            "job_level": e.level, "level_source": e.level_source,
            "annual_pay_rate_cents": e.pay, "prorated_pay_cents": p.prorated,
            "full_year_equivalent_cents": e.pay, "below_band": p.below,
            "raise_month": e.raise_month,
            "plan_entry_date": m.entry, "is_eligible": a.eligible, "deferral_rate_e5": m.rate,
            "enrollment_date": m.enrolled, "enrollment_source": m.source,
            "has_declined": m.declined, "has_opted_out": m.opted_out,
            "opt_out_date": m.opt_out_day, "is_hce": a.is_hce,
            "contribution_cents": a.employee, "catch_up_cents": a.catch_up,
            "match_cents": a.match, "core_cents": a.core, "reallocated_cents": a.reallocated,
            "vesting_service_years": a.service,
            "match_vested_e5": int(a.vested["match"] * 10**5),
            "core_vested_e5": int(a.vested["core"] * 10**5),
            "match_credited_cents": m.match_credited, "core_credited_cents": m.core_credited,
            "match_forfeited_cents": a.forfeited["match"],
            "core_forfeited_cents": a.forfeited["core"],
            "roth_rate_e5": None, "auto_escalation_opt_out": not m.escalates,
            "scheduled_hours_per_week": m.weekly,
            "department": e.person.department if e.person else None,
            "job_title": None, "gender": None,
        }  # fmt: skip

    def growth(self, year: int, people: list[PersonYear]) -> Row:
        """How pay grew: of all, of those who stayed, of new people."""
        before = total(p.opening_pay for p in people if not p.is_hire)
        now = total(p.who.pay for p in people if not p.who.left)
        stayed = [p for p in people if not p.is_hire and not p.who.left]
        stayed_before = total(p.opening_pay for p in stayed)
        stayed_now = total(p.who.pay for p in stayed)
        hired_before = self.hired_last_year or (0, 0)
        hired = total(p.who.pay for p in people if p.is_hire and not p.who.left)
        self.hired_last_year = hired
        return {
            "simulation_year": year,
            "average_pay_cents": average(now), "previous_average_pay_cents": average(before),
            "growth_all_e5": growth_e5(before, now),
            "continuing": len(stayed),
            "continuing_previous_pay_cents": average(stayed_before),
            "continuing_pay_cents": average(stayed_now),
            "growth_continuing_e5": growth_e5(stayed_before, stayed_now),
            "new_hires": hired[1],
            "new_hire_average_pay_cents": average(hired),
            "previous_new_hire_average_pay_cents": average(hired_before),
            "growth_new_hires_e5": growth_e5(hired_before, hired),
        }  # fmt: skip


def plan_cost(year: int, workforce: WorkforceYear, money: MoneyYear) -> Row:
    """What the plan cost."""
    accounts = money.accounts
    active = [a for a in accounts if not a.p.who.left]
    eligible = [a for a in active if a.eligible]
    rates = [a.m.rate for a in eligible if a.m.rate]
    payroll = workforce.headcount["payroll_cents"]
    return {
        "simulation_year": year, "headcount": len(active), "payroll_cents": payroll,
        "eligible": len(eligible), "participants": len(rates),
        "participation_rate_e5": quotient(len(rates) * 10**5, len(eligible)),
        "average_deferral_e5": quotient(sum(rates), len(rates)),
        "employee_contributions_cents": sum(a.employee for a in accounts),
        "catch_up_cents": sum(a.catch_up for a in accounts),
        "match_cents": sum(a.match for a in accounts),
        "core_cents": sum(a.core for a in accounts),
        "reallocated_cents": sum(a.reallocated for a in accounts),
        "employer_gross_cents": money.gross, "forfeited_cents": money.forfeited,
        "forfeitures_available_cents": money.available, "forfeitures_used_cents": money.used,
        "forfeitures_carried_cents": money.carried, "net_employer_cost_cents": money.net,
        "net_cost_share_e5": quotient(money.net * 10**5, payroll),
        "hce_count": sum(a.is_hce for a in active),
        "limits_estimated": money.limits.estimated,
    }  # fmt: skip


def quotient(value: int, by: int) -> int:
    """Rounded half up; 0 of nothing."""
    return rounded(Fraction(value, by)) if by else 0


def total(amounts: Iterable[int]) -> tuple[int, int]:
    """Sum and count."""
    values = list(amounts)
    return sum(values), len(values)


def average(of: tuple[int, int]) -> int | None:
    """Of nobody: none."""
    return rounded(Fraction(*of)) if of[1] else None


def growth_e5(before: tuple[int, int], now: tuple[int, int]) -> int | None:
    """From one average to another by their exact sums; none if there is nobody on one side."""
    if not (before[0] and before[1] and now[1]):
        return None
    return rounded(Fraction(now[0] * before[1], now[1] * before[0]) * 10**5) - 10**5
