"""A learner on top of buy till you die, for shops younger than their horizon plus the history that it takes to learn.

Belongs here: trees that correct the models' expectation. Does not belong here: features, and which as-ofs to learn
from.

A model that learns from outcomes needs as-ofs whose whole horizon has passed; a shop nine months old that asks for the
next nine has none. It has earlier as-ofs of which less is known: what happened from then until today. The models
foretell any horizon, and so are fitted at each of these, on what was known then, and asked for the days that have
passed since. The trees learn by which factor purchases differed from that, by features that the models do not know
(spend, gaps, baskets). Today's expectation over the whole horizon is multiplied by that factor.

What carries over from short horizons to a long one is how customers differ, not how much all buy: at the as-ofs that
taught, the models' sum is first moved to what happened, and at today's the trees' sum back to that of the models.
Correcting the sum by the models' own past errors was tried and made it worse: those as-ofs all look ahead to the same
few weeks.

On CDNOW (``python -m tests.bench cdnow``), nine months known and the next nine judged, it has a lower Poisson deviance
and error and ranks better than each of the three models. Its sum is theirs, and was as low: a shop that has not seen a
December cannot tell of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ml.booster import Recipe, Trees, fit_trees
from ml.btyd.bg_nbd import BgNbd
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydModel
from ml.btyd.pareto_nbd import ParetoNbd
from ml.btyd.statistics import Statistics
from ml.evaluation import Floats
from ml.model import FeatureMismatchError, explain_mismatch

KINDS: tuple[type[BtydModel], ...] = (BgNbd, MbgNbd, ParetoNbd)
RECIPE = Recipe(leaves=8)
"""Most is told by the offset; small trees find the rest."""
LEAST = 1e-6
"""Purchases that are expected of everybody, for the logarithm."""


@dataclass(frozen=True)
class Past:
    """An earlier as-of: what was known then, and what happened until today. A row per customer known then."""

    stats: Statistics
    X: NDArray[np.float32]
    """Features, (rows, features)."""
    purchases: Floats
    """Days with a purchase from then until today, (rows,)."""
    days: float
    """Days from then until today."""


@dataclass(frozen=True)
class Average:
    """Several models of one as-of, averaged in the logarithm."""

    models: tuple[BtydModel, ...]

    @classmethod
    def fit(cls, stats: Statistics, *, hashed: NDArray[np.int64] | None = None) -> Self:
        """Raises ``BtydFitError`` as its models do."""
        return cls(tuple(kind.fit(stats, hashed=hashed) for kind in KINDS))

    def log_expected(self, stats: Statistics, days: float) -> Floats:
        logs = [np.log(one.expected_purchases(stats, days) + LEAST) for one in self.models]
        return np.mean(logs, axis=0)

    def columns(self, stats: Statistics, log_expected: Floats, days: float) -> NDArray[np.float32]:
        """What the models say of a customer, as features: the pace they expect, and who still is one."""
        alive = [one.p_alive(stats) for one in self.models]
        return np.column_stack([log_expected - np.log(days), *alive]).astype(np.float32)


COLUMNS = ("btyd_log_pace", *(f"p_alive_{kind.name}" for kind in KINDS))


@dataclass(frozen=True)
class BoostedBtyd:
    """Expected purchases within one horizon after one as-of; customers may come in batches."""

    names: tuple[str, ...]
    horizon_days: float
    average: Average
    trees: Trees
    log_level: float
    """What moves the sum to that of the models."""
    past_errors: tuple[float, ...]
    """Logarithm of what the models expected of all over what happened, by earlier as-of: how far to trust the sum."""

    @classmethod
    def fit(
        cls,
        pasts: Sequence[Past],
        stats: Statistics,
        X: NDArray[np.float32],
        names: Sequence[str],
        *,
        horizon_days: float,
        hashed: NDArray[np.int64] | None = None,
        recipe: Recipe = RECIPE,
        seed: int = 7,
        threads: int = 1,
    ) -> Self:
        """Learn from earlier as-ofs, for today's.

        Parameters
        ----------
        pasts
            Earlier as-ofs, oldest first, with rows in a total order.
        stats, X, names
            Today's customers, whose sum sets the level; a sample will do, its hashes as ``hashed``.

        Raises
        ------
        BtydFitError
            The models cannot be fitted at one of the as-ofs.
        ValueError
            There is nothing to learn from: no earlier as-of, or no purchase after one.
        """
        if not pasts or any(past.purchases.sum() <= 0 for past in pasts):
            raise ValueError("there must be earlier as-ofs, each with a purchase after it")
        taught = [_taught(past) for past in pasts]
        X_past, offset = (np.concatenate([one[k] for one in taught]) for k in (0, 1))
        trees = fit_trees(
            X_past, np.concatenate([past.purchases for past in pasts]), (*names, *COLUMNS), recipe,
            seed=seed, threads=threads, objective={"objective": "poisson"}, before=offset,
        )  # fmt: skip
        errors = tuple(error for _, _, error in taught)
        free = cls(tuple(names), horizon_days, Average.fit(stats, hashed=hashed), trees, 0.0, errors)
        of_the_models = np.exp(free.average.log_expected(stats, horizon_days)).sum()
        level = np.log(of_the_models / free.expected_purchases(stats, X, names, threads=threads).sum())
        return replace(free, log_level=float(level))

    def expected_purchases(
        self, stats: Statistics, X: NDArray[np.float32], names: Sequence[str], *, threads: int = 1
    ) -> Floats:
        """Days with a purchase within the horizon, (rows,).

        Raises
        ------
        FeatureMismatchError
            ``names`` are not the model's features in the model's order.
        """
        if tuple(names) != self.names:
            raise FeatureMismatchError(explain_mismatch(self.names, names))
        log_expected = self.average.log_expected(stats, self.horizon_days)
        known = np.hstack([X, self.average.columns(stats, log_expected, self.horizon_days)])
        return np.exp(log_expected + self.trees.margin(known, threads) + self.log_level)

    def to_json(self) -> dict[str, Any]:
        return {
            "features": list(self.names),
            "horizon_days": self.horizon_days,
            "models": [one.to_json() for one in self.average.models],
            "trees": self.trees.text,
            "log_level": self.log_level,
            "past_errors": list(self.past_errors),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_json`` gave; it expects the same to the bit."""
        models = tuple(kind.from_json(one) for kind, one in zip(KINDS, content["models"], strict=True))
        return cls(
            names=tuple(content["features"]),
            horizon_days=content["horizon_days"],
            average=Average(models),
            trees=Trees(content["trees"]),
            log_level=content["log_level"],
            past_errors=tuple(content["past_errors"]),
        )


def _taught(past: Past) -> tuple[NDArray[np.float32], Floats, float]:
    """Features with the models' own, the logarithm of what they expect at the level of what happened, their error."""
    average = Average.fit(past.stats)
    log_expected = average.log_expected(past.stats, past.days)
    error = float(np.log(np.exp(log_expected).sum() / past.purchases.sum()))
    return np.hstack([past.X, average.columns(past.stats, log_expected, past.days)]), log_expected - error, error
