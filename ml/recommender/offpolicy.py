"""What lists would have been worth, from what people did with the lists that they were shown.

Belongs here: the estimate from logged propensities. Does not belong here: replaying what was bought anyway
(``backtest``), where the log comes from (``ml.recommender.logged``).

Self-normalised inverse propensity scoring (Swaminathan, Joachims 2015) with clipped weights: each row that somebody saw
counts as many times as the new lists would show it more often than the old ones did. Only rows that were seen count;
what nobody saw says nothing. An effective sample size far below the number of rows says that the two policies have
little in common, and the estimate little to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.sparse import Floats, Ints

CLIP = 20.0
"""The most that one row may count: its bias is small, the variance without it is not."""
DRAWS = 500


@dataclass(frozen=True)
class OffPolicy:
    """A mean reward per row shown."""

    value: float
    """NaN where the new lists would show nothing of what was logged."""
    low: float
    high: float
    """95 % bootstrap interval, customers drawn with replacement."""
    logged: float
    """Mean reward under the policy that was logged, on the same rows."""
    rows: int
    effective_rows: float
    """(sum of weights)^2 / sum of squared weights (Kish 1965)."""
    clipped_share: float


def off_policy(rewards: Floats, logged: Floats, wanted: Floats, customers: Ints, *, seed: int) -> OffPolicy:
    """Estimate the mean reward of a policy from the rows of another.

    Parameters
    ----------
    rewards
        What followed each row that was seen, (rows,).
    logged, wanted
        Probability of each row under the policy that showed it, above 0, and under the one that is judged.
    customers
        Whose row each is, (rows,).

    Raises
    ------
    ValueError
        A logged probability is not above 0 and at most 1: such a row cannot have been shown.
    """
    if len(logged) and not ((logged > 0) & (logged <= 1)).all():
        raise ValueError(f"{int((~((logged > 0) & (logged <= 1))).sum())} logged propensities are not within (0, 1]")
    raw = wanted / np.maximum(logged, 1e-12)
    weights = np.minimum(raw, CLIP)
    low, high = _interval(rewards, weights, customers, seed)
    total = float(weights.sum())
    return OffPolicy(
        value=float(weights @ rewards / total) if total > 0 else float("nan"),
        low=low,
        high=high,
        logged=float(rewards.mean()) if len(rewards) else float("nan"),
        rows=len(rewards),
        effective_rows=total**2 / float(weights @ weights) if total > 0 else 0.0,
        clipped_share=float((raw > CLIP).mean()) if len(raw) else 0.0,
    )


def _interval(rewards: Floats, weights: Floats, customers: Ints, seed: int) -> tuple[float, float]:
    who, own = np.unique(customers, return_inverse=True)
    if not len(who) or weights.sum() <= 0:
        return float("nan"), float("nan")
    gained = np.bincount(own, weights * rewards, len(who))
    weighed = np.bincount(own, weights, len(who))
    rng, drawn = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        some = rng.integers(0, len(who), len(who))
        drawn.append(gained[some].sum() / weighed[some].sum() if weighed[some].sum() > 0 else np.nan)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return float(low), float(high)
