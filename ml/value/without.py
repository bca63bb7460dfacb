"""What of a forecast total would come without plays.

Belongs here: the share by which a total that customers brought with plays is taken back. Does not belong here: what
plays did to each label (``ml.treatments``), the forecast (``level``).

A forecast is told from what customers did with the plays that were sent. The spend of the last window is what it was:
the share of it that plays brought is known of the newest snapshot. Models of repeat purchase take what plays brought
for the customers' own pace, the more so the longer they were sent. In two simulated shops, over the year in which they
began to send plays, what they expected rose as the share of orders that plays had brought in some 270 days; how far it
really follows that is learned beside it, once snapshots with plays behind them tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ml.evaluation import Floats
from ml.snapshots import Snapshots, day_number

REMEMBERED_DAYS = 270
"""Days of orders that models of repeat purchase take the pace from, were all weighed alike."""
LIKELY_SLOPE, LIKELY_SPREAD, LEVEL_ERROR = 1.0, 0.5, 0.15
"""How far the logarithm of a forecast follows that of what plays brought, and how far a forecast errs at a date."""


@dataclass(frozen=True)
class Total:
    """Of one snapshot: what came within its horizon, what would have come without plays, what had been forecast."""

    happened: float
    without: float
    forecast: float = float("nan")


def totals(rows: Snapshots, happened: Floats, without: Floats, forecast: Floats | None) -> dict[date, Total]:
    """By snapshot, of (rows,) each."""
    own = {day: rows.day == day_number(day) for day in rows.dates}
    parts = [part for part in (happened, without, forecast) if part is not None]
    return {day: Total(*(float(part[mask].sum()) for part in parts)) for day, mask in own.items()}


def share_of_newest(found: Mapping[date, Total]) -> float:
    """Of what the newest window brought."""
    newest = found[max(found)]
    return newest.without / newest.happened if newest.happened > 0 else 1.0


def share_of_pace(found: Mapping[date, Total], horizon_days: int) -> float:
    """Of what models of repeat purchase expect after the newest window."""
    behind = {day: brought_behind(found, day) for day in found}
    told = [(part, float(np.log(found[day].forecast / found[day].without))) for day, part in behind.items() if part > 0
            and min(found[day].forecast, found[day].without) > 0]  # fmt: skip
    known = [part**2 / LEVEL_ERROR**2 for part, _ in told]
    said = [part * rose / LEVEL_ERROR**2 for part, rose in told]
    slope = (LIKELY_SLOPE / LIKELY_SPREAD**2 + sum(said)) / (1 / LIKELY_SPREAD**2 + sum(known))
    now = brought_behind(found, max(found) + timedelta(horizon_days))
    return float(np.exp(-np.clip(slope, 0, 2) * now))


def brought_behind(found: Mapping[date, Total], day: date) -> float:
    """How far plays raised what was brought in the time remembered at a day, as a logarithm; days before the first
    snapshot are taken for days without plays."""
    past = {one: own for one, own in found.items() if timedelta(0) < day - one <= timedelta(REMEMBERED_DAYS)}
    happened = sum(own.happened for own in past.values())
    if happened <= 0:
        return 0.0
    covered = min(1.0, (day - min(past)).days / REMEMBERED_DAYS)
    share = sum(own.without for own in past.values()) / happened
    return float(-np.log(covered * share + 1 - covered))
