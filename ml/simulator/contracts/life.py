"""The course of contracts, day by day: visits, tickets, payments, notice, renewal, end.

Belongs here: the draw of one block's hidden and visible history, by the laws of ``laws``. Does not belong here: which
rows the shop's systems make of it (``rows``).

One day runs: in the morning a contract whose period is over renews (and is charged, perhaps at a new price or on
another plan) or ends, if notice was given; who is past due may pay, or the contract ends for non-payment; then visits
and tickets; at night notice may be given, and moods change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig
from ml.simulator.contracts.laws import (
    GRACE_DAYS,
    PAYERS,
    PERIOD_DAYS,
    ContractLaws,
    effective_end,
    price_rises,
)
from ml.simulator.draws import choose, stream
from ml.simulator.people import NEVER
from ml.simulator.seasons import Calendar

Ints = npt.NDArray[np.int64]
Columns = dict[str, Ints]

PLANS = (("Basic", 1_990, 8), ("Plus", 3_490, 20))
"""Name, cents a month, visits included in a month."""
YEAR_MONTHS = (1, 11)
"""By period: so many months are paid (a year costs eleven)."""
USED_MONTHS = (1, 12)
METER_DAYS = 10
OPENING_DAYS = 45
WHYS = ("started", "renewed", "payment_failed", "paid", "unpaid", "metered", "noticed", "ended")


@dataclass
class ContractLife:
    """One block's contracts, a contract per person; tables are columns of equal length, one row per fact."""

    kind: Ints
    payer: Ints
    start: Ints
    period: Ints
    """0 a month, 1 a year."""
    notice_day: Ints
    end_day: Ints
    """First day without the contract; NEVER while it runs."""
    is_unpaid_end: npt.NDArray[np.bool_]
    versions: Columns
    """why (place in WHYS), person, day, plan, rises, usage, renews, notice, end, past_due: the contract as it stood."""
    visits: Columns
    """person, day, late: one row per visit."""
    tickets: Columns
    """person, day, resolved (NEVER if not within the world), rating (0 = none), is_sore."""
    payments: Columns
    """person, day, failed: one row per renewal that was charged."""
    dues: Columns
    """person, since, until: spells of being past due; until is the day of payment or end, NEVER while it lasts."""


def live_contracts(config: WorldConfig, laws: ContractLaws, calendar: Calendar, block: int) -> ContractLife:
    """Draw one block; depends on the settings and the number only."""
    return _Contracts(config, laws, calendar, block).run()


class _Contracts:
    """The loop over days, vectorised over people."""

    def __init__(self, config: WorldConfig, laws: ContractLaws, calendar: Calendar, block: int):
        self.laws, self.calendar, self.config = laws, calendar, config
        self.random = stream(config.seed, "contracts", block)
        self.n = n = len(config.block(block))
        self.kind = choose(self.random, laws.prior, n)
        self.payer = choose(self.random, [share for _, _, share in PAYERS], n)
        self.period = (self.random.random(n) < 0.3).astype(np.int64)
        self.plan = (self.random.random(n) < 0.35).astype(np.int64)
        opening = self.random.integers(0, min(OPENING_DAYS, config.days), n)
        later = self.random.integers(0, config.days, n)
        self.start = np.where(self.random.random(n) < config.existing_share, opening, later)
        self.renews = self.start + np.asarray(PERIOD_DAYS)[self.period]
        self.usage, self.open = np.zeros(n, np.int64), np.full(n, -1)
        self.drifts, self.is_sore = np.zeros(n, bool), np.zeros(n, bool)
        self.past_due, self.notice = np.full(n, NEVER), np.full(n, NEVER)
        self.ends, self.end = np.full(n, NEVER), np.full(n, NEVER)
        self.unpaid = np.zeros(n, bool)
        self.tables: dict[str, list[Columns]] = {name: [] for name in ("versions", "visits", "tickets", "payments")}
        self.dues: list[Columns] = []

    def run(self) -> ContractLife:
        for day in range(self.config.days):
            self._note("started", day, self.start == day)
            self._renew(day)
            self._collect(day)
            self._visit(day)
            self._serve(day)
            self._close_day(day)
        self._leave_open()
        tables = {name: _stack(parts) for name, parts in self.tables.items()}
        return ContractLife(
            self.kind, self.payer, self.start, self.period, self.notice, self.end, self.unpaid,
            dues=_stack(self.dues), **tables,
        )  # fmt: skip

    def _running(self, day: int) -> npt.NDArray[np.bool_]:
        return (self.start <= day) & (self.end > day)

    def _note(self, why: str, day: int, when: npt.NDArray[np.bool_]) -> None:
        """A version of each of these contracts, as it stands."""
        who = np.flatnonzero(when)
        state = {
            "plan": self.plan, "rises": price_rises(self.start, self.period, day), "usage": self.usage,
            "renews": self.renews, "notice": self.notice, "end": self.end, "past_due": self.past_due,
        }  # fmt: skip
        columns = {name: values[who] for name, values in state.items()}
        n = len(who)
        self._add("versions", why=np.full(n, WHYS.index(why)), person=who, day=np.full(n, day), **columns)

    def _add(self, table: str, **columns: Ints) -> None:
        if len(columns["person"]):
            self.tables[table].append(columns)

    def _renew(self, day: int) -> None:
        due = self._running(day) & (self.renews == day)
        ending = due & (self.ends == day)
        self.end[ending] = day
        self._settle(ending & (self.past_due < NEVER), day)
        self._note("ended", day, ending)
        renewed = due & ~ending
        limit = self._limit()
        outgrown = renewed & (self.plan == 0) & (self.usage >= limit) & (self.random.random(self.n) < 0.25)
        idle = renewed & (self.plan == 1) & (self.usage * 3 < limit) & (self.random.random(self.n) < 0.12)
        self.plan[outgrown], self.plan[idle] = 1, 0
        self.usage[renewed] = 0
        self.renews[renewed] += np.asarray(PERIOD_DAYS)[self.period[renewed]]
        self._note("renewed", day, renewed)
        chance = np.array([fails for fails, _, _ in PAYERS])[self.payer]
        fails = renewed & (self.random.random(self.n) < chance)
        who = np.flatnonzero(renewed)
        self._add("payments", person=who, day=np.full(len(who), day), failed=fails[who].astype(np.int64))
        self.past_due[fails] = day
        self._note("payment_failed", day, fails)

    def _limit(self) -> Ints:
        return np.array([visits for _, _, visits in PLANS])[self.plan] * np.asarray(USED_MONTHS)[self.period]

    def _collect(self, day: int) -> None:
        owing = self._running(day) & (self.past_due < day)
        over = owing & (day - self.past_due >= GRACE_DAYS)
        chance = np.array([pays for _, pays, _ in PAYERS])[self.payer]
        pays = owing & ~over & (self.random.random(self.n) < chance)
        self.end[over], self.unpaid[over] = day, True
        self._note("unpaid", day, over)
        self._settle(pays | over, day)
        self._note("paid", day, pays)

    def _settle(self, who: npt.NDArray[np.bool_], day: int) -> None:
        rows = np.flatnonzero(who)
        if len(rows):
            self.dues.append({"person": rows, "since": self.past_due[rows].copy(), "until": np.full(len(rows), day)})
        self.past_due[rows] = NEVER

    def _visit(self, day: int) -> None:
        mood = np.where(self.drifts, self.laws.drift_visits, 1.0)
        rate = self.laws.visit_rate[self.kind] * mood * self.calendar.session_season[day]
        count = np.where(self._running(day), self.random.poisson(rate), 0)
        self.usage += count
        person = np.repeat(np.arange(self.n), count)
        late = choose(self.random, self.laws.late_weights(), len(person))
        self._add("visits", person=person, day=np.full(len(person), day), late=late)

    def _serve(self, day: int) -> None:
        solved = (self.open >= 0) & (self.random.random(self.n) < self.laws.solve_rate) & self._running(day)
        opens = (self.open < 0) & (self.random.random(self.n) < self.laws.ticket_rate) & self._running(day)
        self.is_sore |= solved & (self.random.random(self.n) < self.laws.sore_share)
        low = self.random.random(self.n) < np.asarray(self.laws.low_rated)[self.is_sore.astype(int)]
        rated = self.random.random(self.n) < self.laws.rated_share
        rating = np.where(low, self.random.integers(1, 3, self.n), self.random.integers(4, 6, self.n)) * rated
        self._close_tickets(np.flatnonzero(solved), day, rating)
        self.open[solved] = -1
        self.open[opens] = day

    def _close_tickets(self, who: Ints, day: int, rating: Ints) -> None:
        resolved, sore = np.full(len(who), day), self.is_sore[who].astype(np.int64)
        self._add("tickets", person=who, day=self.open[who].copy(), resolved=resolved, rating=rating[who], is_sore=sore)

    def _close_day(self, day: int) -> None:
        """Meters are read, notice is given, moods change."""
        laws, left = self.laws, self.renews - day
        running = self._running(day)
        elapsed = np.asarray(PERIOD_DAYS)[self.period] - left
        self._note("metered", day, running & ((elapsed % METER_DAYS == METER_DAYS - 1) | (left == 1)))
        hazard = laws.notice_rate[self.kind] * laws.calendar_factor(self.start, self.period, day)
        hazard *= np.where(self.drifts, laws.drift_notice, 1.0) * np.where(self.is_sore, laws.sore_notice, 1.0)
        hazard *= np.where(self.open >= 0, laws.open_notice, 1.0)
        gives = running & (self.notice == NEVER) & (self.random.random(self.n) < -np.expm1(-hazard))
        self.notice[gives] = day
        self.ends[gives] = effective_end(self.start, self.period, self.notice)[gives]
        self._note("noticed", day, gives)
        turned = self.random.random(self.n) < np.where(self.drifts, laws.drift_stop, laws.drift_start)
        self.drifts ^= turned & running
        self.is_sore &= ~(self.random.random(self.n) < laws.sore_stop)

    def _leave_open(self) -> None:
        """Tickets and dues that outlast the world."""
        who = np.flatnonzero(self.open >= 0)
        never = np.full(len(who), NEVER)
        nothing = np.zeros(len(who), np.int64)
        self._add("tickets", person=who, day=self.open[who], resolved=never, rating=nothing, is_sore=nothing)
        who = np.flatnonzero((self.past_due < NEVER) & (self.end == NEVER))
        self.dues.append({"person": who, "since": self.past_due[who], "until": np.full(len(who), NEVER)})


def _stack(parts: list[Columns]) -> Columns:
    names = list(parts[0]) if parts else []
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
