"""What tickets do to the rate of leaving, where their course is known and where it is still open.

Belongs here: the factor on the leaving rate that the oracle uses. Does not belong here: the draw of tickets
(``life``), which adds up the same excesses.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.simulator.latent import TICKET_MEMORY_DAYS, TICKET_OPEN_DAYS, Laws
from ml.simulator.life import Columns, add_tickets

Floats = npt.NDArray[np.float64]


def leaving_factor(tickets: Columns, orders: Columns, laws: Laws, as_of: int, horizon: int, people: int) -> Floats:
    """Factor on the leaving rate: exact where the tickets' course is known, expected from there on."""
    factor = np.ones((as_of + horizon, people), np.float32)
    seen = {name: column[tickets["day"] < as_of] for name, column in tickets.items()}
    solved = seen["resolved"] < as_of
    add_tickets(factor, laws, {name: column[solved] for name, column in seen.items()})
    course = TicketCourse(laws, as_of + horizon)
    for person, opened in zip(seen["person"][~solved], seen["day"][~solved], strict=True):
        factor[opened:as_of, person] += laws.open_excess
        factor[as_of:, person] += course.unsolved(as_of - opened)[:horizon]
    led = set(zip(seen["person"].tolist(), seen["order_day"].tolist(), strict=True))
    young = orders["day"] + orders["late"] + TICKET_OPEN_DAYS[1] >= as_of
    for person, day, late in zip(*(orders[name][young].tolist() for name in ("person", "day", "late")), strict=True):
        if (person, day) not in led:
            factor[as_of:, person] += course.to_come(as_of - day - late)[:horizon]
    return factor.astype(float)


class TicketCourse:
    """Expected excess on the leaving rate, day by day from the as-of on, of tickets whose course is open."""

    def __init__(self, laws: Laws, days: int):
        self.laws, self.days = laws, days
        self.delays = laws.resolve_weights()

    def unsolved(self, age: int) -> Floats:
        """Of a ticket opened ``age`` days before the as-of and not solved on any day before it."""
        weights = self.delays.copy()
        weights[:age] = 0
        total = weights.sum()
        return self._profile(weights / total if total else weights, age)

    def to_come(self, since: int) -> Floats:
        """Of an order known for ``since`` days that has led to no ticket yet."""
        low, high = TICKET_OPEN_DAYS
        waits = np.arange(low, high + 1)
        share = self.laws.ticket_share / len(waits)
        left = waits[waits >= since]
        chance = share / (1 - share * (len(waits) - len(left)))
        total = np.zeros(self.days)
        for wait in left:
            total[wait - since :] += chance * self._profile(self.delays, 0)[: self.days - (wait - since)]
        return total

    def _profile(self, weights: Floats, age: int) -> Floats:
        total = np.zeros(self.days + age)
        for delay, weight in enumerate(weights):
            total[:delay] += weight * self.laws.open_excess
            total[delay : delay + TICKET_MEMORY_DAYS] += weight * self.laws.expected_excess
        return total[age:]
