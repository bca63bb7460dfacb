"""What people do, day by day: stay, order, get messages and tickets, leave, come back.

Belongs here: the draw of one block's hidden and visible history, by the laws of ``latent``. Does not belong
here: what depends on the day alone (``traces``), and which rows the shop's systems make of it.

One day runs: a message may be sent in the morning; whoever is alive may order and visit; an order may lead
to a ticket; at night a person may leave or come back, and may withdraw consent to e-mail while leaving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig
from ml.simulator.draws import choose, stream
from ml.simulator.latent import (
    FATIGUE_DAYS,
    GAIN_DAYS,
    LATE_DAYS,
    TICKET_MEMORY_DAYS,
    TICKET_OPEN_DAYS,
    Laws,
)
from ml.simulator.people import FIRST_MARKETING, NEVER, People
from ml.simulator.seasons import LAPSED_AFTER_DAYS, Calendar, Campaigns

Ints = npt.NDArray[np.int64]
Columns = dict[str, Ints]


@dataclass
class Life:
    """One block's history. Matrices are days x people; tables are columns of equal length, one row per fact."""

    alive: npt.NDArray[np.bool_]
    """At the start of the day."""
    ordered: npt.NDArray[np.bool_]
    order_late: npt.NDArray[np.int8]
    """Days by which that day's order is known late."""
    sent: npt.NDArray[np.bool_]
    unsubscribed_day: Ints
    spells: Columns
    """person, from, to (exclusive; NEVER while it lasts): when they were customers."""
    tickets: Columns
    """person, day, resolved (NEVER if not within the world), rating (0 = none), order day."""


def live(config: WorldConfig, laws: Laws, calendar: Calendar, campaigns: Campaigns, people: People) -> Life:
    """Draw the part of one block's history in which every day depends on the days before."""
    return _Days(config, laws, calendar, campaigns, people).run()


class _Days:
    """The loop over days, vectorised over people."""

    def __init__(self, config: WorldConfig, laws: Laws, calendar: Calendar, campaigns: Campaigns, people: People):
        self.laws, self.calendar, self.campaigns, self.people = laws, calendar, campaigns, people
        self.random = stream(config.seed, "life", people.block)
        self.days, n = calendar.days, people.size
        shape = (self.days, n)
        self.life = Life(
            alive=np.zeros(shape, bool),
            ordered=np.zeros(shape, bool),
            order_late=np.zeros(shape, np.int8),
            sent=np.zeros(shape, bool),
            unsubscribed_day=np.full(n, NEVER),
            spells={},
            tickets={},
        )
        self.factor = np.ones((self.days + 1, n), np.float32)  # on the leaving rate
        self.known_order = np.where(people.entry_day < 0, -LATE_DAYS, people.entry_day)
        self.spell_starts: list[tuple[Ints, int]] = []
        self.spell_ends: list[tuple[Ints, int]] = []
        self.ticket_parts: list[Columns] = []
        self.late_weights = laws.late_weights()
        self.temper = laws.temper[people.kind]
        self.order_rate = laws.order_rate[people.kind]
        self.leaving_rate = laws.leaving_rate[people.kind]

    def run(self) -> Life:
        people, life = self.people, self.life
        alive = np.zeros(people.size, bool)
        for day in range(self.days):
            starting = (people.entry_day == day - 1) & (people.erasure_day > day)
            self.spell_starts.append((np.flatnonzero(starting), max(day - 1, 0)))
            alive = alive | starting
            life.alive[day] = alive
            here = people.entry_day < day
            self._send(day, here)
            self._order(day, alive)
            alive = self._night(day, alive, here)
        life.spells = self._spells()
        life.tickets = {
            name: np.concatenate([part[name] for part in self.ticket_parts]) for name in self.ticket_parts[0]
        }
        return life

    def _send(self, day: int, here: npt.NDArray[np.bool_]) -> None:
        # Only orders that every export has delivered decide, so that a send tells nothing the shop does not know.
        delivered = day - LATE_DAYS - 1
        if delivered >= 0:
            self.known_order[self.life.ordered[delivered]] = delivered
        channel = self.campaigns.channel[day]
        uniform = self.random.random(self.people.size)
        if channel < 0:
            return
        permitted = self.people.granted[:, FIRST_MARKETING + channel] & here & (self.people.erasure_day > day)
        if channel == 0:
            permitted &= self.life.unsubscribed_day >= day
        if self.campaigns.is_lapsed_play[day]:
            permitted &= self.known_order < day - LAPSED_AFTER_DAYS
        self.life.sent[day] = permitted & (uniform < self.campaigns.reach[day])

    def _order(self, day: int, alive: npt.NDArray[np.bool_]) -> None:
        sent = self.life.sent
        recent = np.asarray(sent[max(0, day - GAIN_DAYS + 1) : day + 1].any(axis=0))
        fatigue = sent[max(0, day - FATIGUE_DAYS + 1) : day + 1].sum(axis=0)
        factor = self.laws.message_factor(recent, fatigue)[self.temper, np.arange(self.people.size)]
        chance = -np.expm1(-self.order_rate * self.calendar.order_season[day] * factor)
        entering = (self.people.entry_day == day) & self.people.orders_on_entry
        ordered = (alive & (self.random.random(self.people.size) < chance)) | entering
        late = choose(self.random, self.late_weights, self.people.size)
        self.life.ordered[day] = ordered
        # The first order of a person is never late: the oracle takes entries as known.
        self.life.order_late[day] = np.where(ordered & ~entering, late, 0)
        self._open_tickets(day, np.flatnonzero(ordered))

    def _open_tickets(self, day: int, buyers: Ints) -> None:
        random, laws = self.random, self.laws
        person = buyers[random.random(len(buyers)) < laws.ticket_share]
        n = len(person)
        wait = random.integers(TICKET_OPEN_DAYS[0], TICKET_OPEN_DAYS[1] + 1, n)
        opened = day + self.life.order_late[day, person].astype(np.int64) + wait
        resolved = opened + choose(random, laws.resolve_weights(), n)
        low = random.random(n) < laws.low_rated_share
        rating = np.where(low, random.integers(1, 3, n), random.integers(3, 6, n))
        rating = np.where(random.random(n) < laws.rated_share, rating, 0)
        kept = (opened < self.days) & (opened < self.people.erasure_day[person])
        part = {"person": person, "day": opened, "resolved": resolved, "rating": rating, "order_day": np.full(n, day)}
        self.ticket_parts.append({name: column[kept] for name, column in part.items()})
        add_tickets(self.factor, laws, self.ticket_parts[-1])

    def _night(self, day: int, alive: npt.NDArray[np.bool_], here: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        laws, people, random = self.laws, self.people, self.random
        n = people.size
        leaving = alive & (random.random(n) < -np.expm1(-self.leaving_rate * self.factor[day]))
        returning = here & ~alive & (random.random(n) < laws.return_rate)
        withdraw = np.where(
            alive, np.where(leaving, laws.unsubscribe_leaving, laws.unsubscribe_staying), laws.unsubscribe_gone
        )
        subscribed = people.granted[:, FIRST_MARKETING] & here & (self.life.unsubscribed_day == NEVER)
        self.life.unsubscribed_day[subscribed & (random.random(n) < withdraw)] = day
        erased = people.erasure_day == day + 1
        self.spell_ends.append((np.flatnonzero(leaving | (alive & erased)), day + 1))
        gone_for_good = people.erasure_day <= day + 1
        back = returning & ~gone_for_good
        self.spell_starts.append((np.flatnonzero(back), day + 1))
        return ((alive & ~leaving) | back) & ~gone_for_good

    def _spells(self) -> Columns:
        """Pair the k-th start of each person with their k-th end."""
        starts, ends = (
            np.concatenate([np.stack([p, np.full(len(p), d)]) for p, d in side], axis=1)
            for side in (self.spell_starts, self.spell_ends)
        )
        starts, ends = starts[:, np.lexsort(starts[::-1])], ends[:, np.lexsort(ends[::-1])]
        spells: Columns = {"person": starts[0], "from": starts[1], "to": np.full(starts.shape[1], NEVER)}
        place = np.searchsorted(starts[0], ends[0]) + (np.arange(ends.shape[1]) - np.searchsorted(ends[0], ends[0]))
        spells["to"][place] = ends[1]
        return spells


def add_tickets(factor: npt.NDArray[np.float32], laws: Laws, tickets: Columns) -> None:
    """Add to the factor on the leaving rate (days x people) what these tickets do to it, in place."""
    after = laws.ticket_excess(tickets["rating"])
    for person, opened, resolved, excess in zip(
        tickets["person"], tickets["day"], tickets["resolved"], after, strict=True
    ):
        factor[opened:resolved, person] += laws.open_excess
        factor[resolved : resolved + TICKET_MEMORY_DAYS, person] += excess
