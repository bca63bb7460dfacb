"""Groups of customers that a model must serve each for itself: better for most is no excuse for worse for some.

Belongs here: which groups there are, told from features. Does not belong here: what is measured on them, the judgement
(``ml.promotion``, ``ml.value.gate``).
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
LEAST_IN_SEGMENT = 100
"""Customers; with fewer a segment's difference is noise."""


def segments_of(tests: Sequence[Snapshots]) -> dict[str, Flags]:
    """Rows of several dates one after another, (rows,) by segment; only those large enough to be judged."""
    found = {}
    for name, (feature, belongs) in SEGMENTS.items():
        if not tests or feature not in tests[0].names:
            continue
        inside = np.concatenate([belongs(test.column(feature)) for test in tests])
        customers = np.concatenate([test.hashed for test in tests])[inside]
        if len(np.unique(customers)) >= LEAST_IN_SEGMENT:
            found[name] = inside
    return found
