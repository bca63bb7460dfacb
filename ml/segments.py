"""Groups of customers that a model must serve each for itself: better for most is no excuse for worse for some.

Belongs here: which groups there are, told from features, and the holdout. Does not belong here: what is measured on
them, the judgement (``ml.promotion``, ``ml.value.gate``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.snapshots import Snapshots

Flags = NDArray[np.bool_]

SEGMENTS: dict[str, tuple[str, Callable[[Floats], Flags]]] = {
    "new customers": ("days_since_first_order", lambda days: days <= 90),
    "one order": ("repeat_order_days", lambda days: days == 0),
    "regulars": ("order_days_365d", lambda days: days >= 4),
    "silent for three months": ("days_since_last_order", lambda days: days > 90),
    "new contracts": ("contract_age_days", lambda days: days <= 90),
    "renewing within a month": ("days_to_renewal", lambda days: days <= 30),
}
"""Name: the feature that tells it, and from what value on. Not a number belongs to none."""
HOLDOUT = "holdout"
"""Whom no play reaches: the only ones whose outcome is seen as it is without plays."""
LEAST_IN_SEGMENT = 100
"""Customers; with fewer a segment's difference is noise."""


def segments_of(tests: Sequence[Snapshots]) -> dict[str, Flags]:
    """Rows of several dates one after another, (rows,) by segment; only those large enough to be judged."""
    if not tests:
        return {}
    found = {
        name: np.concatenate([belongs(test.column(feature)) for test in tests])
        for name, (feature, belongs) in SEGMENTS.items()
        if feature in tests[0].names
    }
    if all(test.treatments for test in tests):
        found[HOLDOUT] = np.concatenate([test.treatments.is_held_out for test in tests if test.treatments])
    customers = np.concatenate([test.hashed for test in tests])
    return {name: inside for name, inside in found.items() if len(np.unique(customers[inside])) >= LEAST_IN_SEGMENT}
