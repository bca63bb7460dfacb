"""The laws of contracts: who gives notice when, who pays, who comes how often.

Belongs here: parameters and the hazards made of them, read by the draw (``life``) and by the oracle alike, so that
the oracle knows the true parameters and nothing more. Does not belong here: drawing and inferring.

A person has a type for good (how readily they leave, how often they come) and two hidden moods that change from day
to day: *drifting* (comes less, leaves sooner) and *sore* (after support went badly). What is on record multiplies the
hazard of notice too: an open ticket, the first months, a price that has just risen, the time before a year ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig
from ml.simulator.latent import LATE_DAYS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOTICES_PER_YEAR = ((0.08, 0.42), (0.35, 0.36), (1.60, 0.22))
"""By type: so many notices a year in the best mood, share of people."""
VISITS_PER_WEEK = ((1.0, 0.30), (2.2, 0.45), (4.5, 0.25))
PAYERS = ((0.012, 0.18, 0.86), (0.22, 0.04, 0.14))
"""A payment fails with this chance, is made good with this chance on each day after, share of people."""
GRACE_DAYS = 21
"""A contract that is so many days past due ends for non-payment."""
PERIOD_DAYS = (30, 365)
NOTICE_DAYS = (14, 30)
"""By period: notice must be given so many days before the period ends, else it counts for the next one."""
GUARANTEE_DAYS = 300
"""A monthly price rises at the first renewal after each so many days, a yearly one at every renewal."""
PRICE_MEMORY_DAYS = 45
YEAR_END_DAYS = (30, 90)
"""Before the end of a year's contract people think it over; after the last day for notice few bother."""


@dataclass(frozen=True)
class ContractLaws:
    """The world's parameters by type (arrays of length K) and those that all share. Rates are per day."""

    prior: Floats
    notice_rate: Floats
    visit_rate: Floats
    drift_notice: float = 9.0
    """Factor on the hazard of notice while drifting."""
    drift_visits: float = 0.25
    drift_start: float = 0.9 / 365
    drift_stop: float = 2.0 / 365
    sore_notice: float = 4.0
    sore_share: float = 0.4
    """Chance that a ticket, when solved, leaves the person sore."""
    sore_stop: float = 1 / 40
    open_notice: float = 2.0
    ticket_rate: float = 0.9 / 365
    solve_rate: float = 0.2
    rated_share: float = 0.6
    low_rated: tuple[float, float] = (0.1, 0.85)
    """Chance that a rating is low (1 or 2 of 5): of a person who is not sore, and of one who is."""
    early_notice: float = 2.5
    early_days: float = 60.0
    price_notice: float = 2.2
    year_end_notice: float = 4.0
    too_late_notice: float = 0.2
    late_share: float = 0.03

    @property
    def types(self) -> int:
        return len(self.prior)

    def late_weights(self) -> Floats:
        """Distribution of the days by which a visit is known late, on 0 .. LATE_DAYS."""
        return np.r_[1 - self.late_share, np.full(LATE_DAYS, self.late_share / LATE_DAYS)]

    def calendar_factor(self, start: Ints, period: Ints, day: int) -> Floats:
        """What the contract's own calendar does to the hazard of notice on a day, (people,)."""
        age = day - start
        factor = 1 + self.early_notice * np.exp(-age / self.early_days)
        risen = last_price_rise(start, period, day)
        factor = np.where((risen >= 0) & (day - risen < PRICE_MEMORY_DAYS), factor * self.price_notice, factor)
        left = PERIOD_DAYS[1] - age % PERIOD_DAYS[1]
        low, high = YEAR_END_DAYS
        window = np.where(left < low, self.too_late_notice, np.where(left < high, self.year_end_notice, 1.0))
        return np.asarray(np.where(period == 1, factor * window, factor))


def make_contract_laws(config: WorldConfig) -> ContractLaws:
    """The laws of one world: a grid of readiness to leave x visiting, independent of each other."""
    grid = list(product(NOTICES_PER_YEAR, VISITS_PER_WEEK))
    prior = np.array([notice[1] * visit[1] for notice, visit in grid])
    harm = config.ticket_harm_scale
    return ContractLaws(
        prior=prior / prior.sum(),
        notice_rate=np.array([notice[0] for notice, _ in grid]) * config.leaving_rate_scale / 365,
        visit_rate=np.array([visit[0] for _, visit in grid]) * config.session_rate_scale / 7,
        sore_notice=1 + 3.0 * harm,
        open_notice=1 + 1.0 * harm,
        late_share=config.late_share,
    )


def next_renewal(start: Ints, period: Ints, day: Ints | int) -> Ints:
    """First renewal on the day or after it; the start itself is none."""
    length = np.asarray(PERIOD_DAYS)[period]
    periods = np.maximum(-((start - day) // length), 1)
    return np.asarray(start + periods * length)


def price_rises(start: Ints, period: Ints, day: int) -> Ints:
    """How often the price has risen up to and including a day."""
    age = np.maximum(day - start, 0)
    length = PERIOD_DAYS[0]
    monthly = (age // length * length) // GUARANTEE_DAYS
    return np.where(period == 1, age // PERIOD_DAYS[1], monthly)


def last_price_rise(start: Ints, period: Ints, day: int) -> Ints:
    """Day of the last price rise up to and including a day; -1 where there was none."""
    rises = price_rises(start, period, day)
    length = PERIOD_DAYS[0]
    monthly = -(-rises * GUARANTEE_DAYS // length) * length
    return np.where(rises == 0, -1, start + np.where(period == 1, rises * PERIOD_DAYS[1], monthly))


def effective_end(start: Ints, period: Ints, notice_day: Ints) -> Ints:
    """Renewal at which a notice ends the contract."""
    return next_renewal(start, period, notice_day + np.asarray(NOTICE_DAYS)[period])
