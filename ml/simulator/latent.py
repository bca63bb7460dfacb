"""The hidden side of the world: types of people and the laws they follow.

Belongs here: the type grid, rates and probabilities, the effect of messages and tickets. Does not belong
here: drawing from them (``life``) and inferring them back (``oracle``); both read the same laws here, so
that the oracle knows the true parameters and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig

Floats = npt.NDArray[np.float64]

ORDERS_PER_YEAR = ((0.9, 0.26), (3.0, 0.32), (7.0, 0.27), (16.0, 0.15))
LEAVING_PER_YEAR = ((0.15, 0.40), (0.7, 0.38), (2.0, 0.22))
SESSIONS = ((2.5, 0.4, 0.55), (7.0, 1.0, 0.45))
"""Visits without an order: so many a year, so many more per expected order, share of people."""
TEMPERS = ((0.55, 0.03, 0.42, 0.55), (0.10, 0.22, 0.22, 0.45))
"""Log gain of the order rate after a message, log loss per message of four weeks, chance to open, share of people."""

GAIN_DAYS = 3
FATIGUE_DAYS = 28
TICKET_OPEN_DAYS = (1, 7)
"""A ticket is opened so many days after its order became known to the shop."""
RESOLVE_DAYS_MAX = 15
TICKET_MEMORY_DAYS = 45
TICKET_EXCESS = {"open": 4.0, "unrated": 1.5, "low": 7.0, "high": -0.5}
"""What a ticket adds to the factor on the leaving rate: while open, and for its memory once resolved."""
LATE_DAYS = 5

NPS_PER_DAY = 1 / 450
NPS_GROUPS = ((0.12, 0.28, 0.60), (0.30, 0.40, 0.30), (0.58, 0.30, 0.12))
"""By leaving rate: share of answers 0-6, 7-8, 9-10."""
NPS_GONE = (0.70, 0.20, 0.10)


@dataclass(frozen=True)
class Laws:
    """The world's parameters by type z (arrays of length K) and the ones that all share.

    Rates are per day at the mean season.
    """

    prior: Floats
    order_rate: Floats
    leaving_rate: Floats
    session_rate: Floats
    temper: npt.NDArray[np.int64]
    nps: Floats
    """K x 3, distribution of an answer over the three groups."""
    gain: Floats
    """By temper: log factor on the order rate within three days of a message."""
    fatigue: Floats
    """By temper: log loss of the order rate per message of the last four weeks."""
    open_share: Floats
    gone_open_share: float
    gone_session_rate: float
    gone_nps_factor: float
    gone_nps: Floats
    return_rate: float
    unsubscribe_staying: float
    unsubscribe_leaving: float
    unsubscribe_gone: float
    ticket_share: float
    ticket_harm: float
    rated_share: float
    low_rated_share: float
    resolve_mean_days: float
    cancelled_share: float
    late_share: float

    @property
    def types(self) -> int:
        return len(self.prior)

    def message_factor(self, recent: npt.NDArray[Any], fatigue: npt.NDArray[Any]) -> Floats:
        """Factor on the order rate, tempers x people, given messages in the gain window and in four weeks."""
        return np.exp(self.gain[:, None] * recent - self.fatigue[:, None] * fatigue)

    def ticket_excess(self, rating: npt.NDArray[np.int64]) -> Floats:
        """What a resolved ticket adds to the factor on the leaving rate, by rating (0 = not rated, else 1 to 5)."""
        by_rating = [TICKET_EXCESS[name] for name in ("unrated", "low", "low", "high", "high", "high")]
        return np.asarray(by_rating)[rating] * self.ticket_harm

    @property
    def open_excess(self) -> float:
        """What an open ticket adds to the factor on the leaving rate."""
        return TICKET_EXCESS["open"] * self.ticket_harm

    @property
    def expected_excess(self) -> float:
        """Expected excess of a resolved ticket whose rating is not known."""
        low, rated = self.low_rated_share, self.rated_share
        mean = (1 - rated) * TICKET_EXCESS["unrated"] + rated * (
            low * TICKET_EXCESS["low"] + (1 - low) * TICKET_EXCESS["high"]
        )
        return mean * self.ticket_harm

    def resolve_weights(self) -> Floats:
        """Distribution of the days from opening to solving a ticket, truncated geometric on 0 .. max."""
        stay = self.resolve_mean_days / (1 + self.resolve_mean_days)
        weights = stay ** np.arange(RESOLVE_DAYS_MAX + 1)
        return weights / weights.sum()

    def late_weights(self) -> Floats:
        """Distribution of the days by which a row is late, on 0 .. LATE_DAYS."""
        return np.r_[1 - self.late_share, np.full(LATE_DAYS, self.late_share / LATE_DAYS)]


def make_laws(config: WorldConfig) -> Laws:
    """The laws of one world: a grid of order rate x leaving rate x visiting x temper, independent of each other."""
    grid = list(product(ORDERS_PER_YEAR, range(len(LEAVING_PER_YEAR)), SESSIONS, range(len(TEMPERS))))
    orders = np.array([order[0] for order, _, _, _ in grid]) * config.order_rate_scale
    sessions = np.array([base + slope * order[0] for order, _, (base, slope, _), _ in grid])
    prior = np.array([o[1] * LEAVING_PER_YEAR[h][1] * s[2] * TEMPERS[t][3] for o, h, s, t in grid])
    return Laws(
        prior=prior / prior.sum(),
        order_rate=orders / 365,
        leaving_rate=np.array([LEAVING_PER_YEAR[h][0] for _, h, _, _ in grid]) * config.leaving_rate_scale / 365,
        session_rate=sessions * config.session_rate_scale / 365,
        temper=np.array([t for _, _, _, t in grid]),
        nps=np.array([NPS_GROUPS[h] for _, h, _, _ in grid]),
        gain=np.array([t[0] for t in TEMPERS]) * config.message_effect_scale,
        fatigue=np.array([t[1] for t in TEMPERS]) * config.message_effect_scale,
        open_share=np.array([t[2] for t in TEMPERS]),
        gone_open_share=0.05,
        gone_session_rate=0.4 * config.session_rate_scale / 365,
        gone_nps_factor=0.1,
        gone_nps=np.array(NPS_GONE),
        return_rate=config.return_rate_per_year / 365,
        unsubscribe_staying=0.00015,
        unsubscribe_leaving=0.12,
        unsubscribe_gone=0.0005,
        ticket_share=config.ticket_share,
        ticket_harm=config.ticket_harm_scale,
        rated_share=0.6,
        low_rated_share=0.4,
        resolve_mean_days=4.0,
        cancelled_share=0.005,
        late_share=config.late_share,
    )
