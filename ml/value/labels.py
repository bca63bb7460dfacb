"""What the value model learns of a customer: net spend and orders within the horizon.

Belongs here: the targets, how they are read off snapshots, what plays may change of them. Does not belong here:
learning (``ml.value.recipe``), taking out what plays did (``ml.treatments``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from ml.evaluation import Floats
from ml.snapshots import Snapshots
from ml.treatments.amounts import Amount

TARGETS = ("net_spend_within_horizon", "orders_within_horizon", "spend_within_horizon")
POWERS = {"spend": 1.2, "orders": 1.0}
"""Tweedie: variance grows with mean ** power; between 1 and 2 there is a mass at zero."""
AMOUNTS = (
    Amount("spend", TARGETS[0], also=TARGETS[2:], power=POWERS["spend"]),
    Amount("orders", TARGETS[1], power=POWERS["orders"]),
)
"""What plays may change; returns change with what is bought."""


def net_spend(data: Snapshots) -> Floats:
    """What is learned: spend less returns within the horizon; who sent back more than they bought brought nothing."""
    return np.maximum(data.target("net_spend_within_horizon"), 0)


def orders(data: Snapshots) -> Floats:
    """Orders within the horizon; those taken back leave none."""
    return np.maximum(data.target("orders_within_horizon"), 0)


def returned_share(data: Snapshots) -> float:
    """Share of what was spent within the horizon that was sent back within it."""
    gross, net = data.target("spend_within_horizon").sum(), data.target("net_spend_within_horizon").sum()
    return float(np.clip(1 - net / gross, 0, 0.9)) if gross > 0 else 0.0


def happened(rows: Snapshots, measure: str) -> Floats:
    """What was seen to happen, plays and all."""
    done = rows.treatments
    return OUTCOMES[measure](rows if done is None else replace(rows, Y=done.happened))


OUTCOMES: Mapping[str, Callable[[Snapshots], Floats]] = {"spend": net_spend, "orders": orders}
"""What is learned, by measure."""
