"""A shop whose season, and whose customers' end, are known because they were planted.

Belongs here: the world that tests of seasonal models share. Does not belong here: assertions.
"""

import numpy as np
import pandas as pd

from ml.btyd.expectations import HISTORY
from ml.btyd.seasonal import fit_seasonal
from ml.btyd.statistics import Statistics

SWING = 0.6
"""Log of how much busier the best day is than the usual one; the as-of stands at the start of the busy half."""


def pace(day):
    """How busy the shop is on a day from the as-of on."""
    return np.exp(SWING * np.sin(2 * np.pi * day / 365.25))


def lives(days, *, seasonal=True, customers=6000, horizon=90, seed=1):
    """Statistics, repeat purchases by days ago, who bought within the horizon, and days left as a customer of the
    horizon; whoever buys may leave."""
    rng = np.random.default_rng(seed)
    first, rate, leaves = (
        rng.integers(1, days + 1, customers),
        rng.gamma(1.2, 1 / 50, customers),
        rng.beta(1, 6, customers),
    )
    bought = np.zeros((customers, days + horizon), bool)
    left = np.zeros(customers)
    alive = rng.random(customers) > leaves
    for column, day in enumerate(range(-days, horizon)):
        chance = 1 - np.exp(-rate * (pace(day + 0.5) if seasonal else 1.0))
        buys = alive & (-first < day) & (rng.random(customers) < chance)
        bought[:, column] = buys
        left += alive & (day >= 0)
        alive &= ~(buys & (rng.random(customers) < leaves))
    past = bought[:, :days]
    frequency = past.sum(axis=1)
    last = np.where(frequency > 0, days - (days - 1 - past[:, ::-1].argmax(axis=1)), first)
    stats = Statistics(frequency.astype(float), (first - last).astype(float), first.astype(float))
    return stats, past.sum(axis=0)[::-1].astype(float), bought[:, days:].any(axis=1), left


def shop(days, **settings):
    """The same without the days left."""
    return lives(days, **settings)[:3]


def fitted(stats, repeats, horizon=90):
    """The model that the warehouse's numbers lead to."""
    kinds, group = stats.kinds()
    return fit_seasonal(kinds, repeats, horizon, count=np.bincount(group).astype(float))


def told(stats, repeats):
    """The two tables that the warehouse gives for an as-of."""
    columns = [stats.frequency, stats.age, stats.age - stats.recency]
    histories = pd.DataFrame(dict(zip(HISTORY, columns, strict=True))).groupby(list(HISTORY)).size()
    totals = pd.DataFrame({"age_days": np.arange(1, len(repeats) + 1), "customers": repeats})
    return histories.reset_index(name="customers"), totals[totals["customers"] > 0]
