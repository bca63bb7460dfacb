"""Gamma-gamma: what a customer's next purchase will be worth, drawn from their mean so far to that of all.

The value of a purchase is Gamma(p, nu), nu ~ Gamma(q, gamma) by customer; it does not depend on how often they buy.

Source: Fader, Hardie, "The gamma-gamma model of monetary value", 2013; Fader, Hardie, Lee, "RFM and CLV: using
iso-value curves for customer base analysis", Journal of Marketing Research 42, 2005.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, digamma

from ml.btyd.model import MAX_ROWS, BtydFitError, maximum
from ml.btyd.parameters import Parameters
from ml.evaluation import Floats


@dataclass(frozen=True)
class GammaGamma(Parameters):
    """``p`` and ``q`` have no unit, ``gamma`` has that of a value. ``q`` is above 1, so that everybody has a mean."""

    p: float
    q: float
    gamma: float

    name: ClassVar[str] = "gamma_gamma"
    PRIOR: ClassVar = {"p": (4.0, 1.5), "q_less_1": (2.0, 1.5), "gamma_over_mean": (0.5, 2.0)}

    @classmethod
    def fit(
        cls,
        purchases: Floats,
        mean_value: Floats,
        *,
        hashed: NDArray[np.int64] | None = None,
        prior_weight: float = 1.0,
    ) -> Self:
        """The most likely parameters of customers with at least one purchase of some value; others are left out.

        Parameters
        ----------
        purchases, mean_value
            Days with a purchase and what one was worth on average, (customers,) each. The literature takes repeat
            purchases only.
        hashed
            Hash of each customer: beyond ``MAX_ROWS`` those with the lowest are fitted on.
        prior_weight
            0 is plain maximum likelihood, as the literature reports it.

        Raises
        ------
        BtydFitError
            Nobody has bought for any value, or no optimum was found.
        ValueError
            Something is no number.
        """
        x, z = _valued(purchases, mean_value, hashed)
        if len(x) == 0:
            raise BtydFitError("nobody has bought for any value yet")
        mean = float((x * z).sum() / x.sum())
        center, spread = (np.array(part) for part in zip(*cls.PRIOR.values(), strict=True))

        def likelihood(logs: Floats) -> tuple[float, Floats]:
            parameters = np.exp(logs)
            value, slope = cls.log_likelihood(parameters + np.array([0.0, 1.0, 0.0]), x, z / mean)
            return float(value.sum()), slope.sum(axis=1) * parameters

        found = maximum(likelihood, len(x), np.log(center), spread, prior_weight)
        p, q_less_1, gamma = np.exp(found).tolist()
        return cls(p, 1 + q_less_1, gamma * mean)

    @staticmethod
    def log_likelihood(parameters: Floats, purchases: Floats, mean_value: Floats) -> tuple[Floats, Floats]:
        """Of each customer's mean value, (rows,), and its slope by p, q and gamma, (3, rows)."""
        p, q, gamma = parameters
        shape, total = p * purchases, purchases * mean_value
        whole = np.log(gamma + total)
        value = (
            -betaln(shape, q) + q * np.log(gamma)
            + shape * np.log(total) - np.log(mean_value) - (shape + q) * whole
        )  # fmt: skip
        both = digamma(shape + q)
        slope = np.stack([
            purchases * (both - digamma(shape) + np.log(total) - whole),
            both - digamma(q) + np.log(gamma) - whole,
            q / gamma - (shape + q) / (gamma + total),
        ])  # fmt: skip
        return value, slope

    def expected_value(self, purchases: Floats, mean_value: Floats) -> Floats:
        """Mean value of a future purchase; that of all customers for those without any yet (0 purchases)."""
        total = np.where(purchases > 0, purchases * np.nan_to_num(mean_value), 0.0)
        return self.p * (self.gamma + total) / (self.p * purchases + self.q - 1)


def _valued(purchases: Floats, mean_value: Floats, hashed: NDArray[np.int64] | None) -> tuple[Floats, Floats]:
    """Those who bought for some value, at most ``MAX_ROWS``, in ascending order."""
    if not (np.isfinite(purchases).all() and np.isfinite(mean_value).all()):
        raise ValueError("purchases and mean values must be numbers")
    kept = np.flatnonzero((purchases > 0) & (mean_value > 0))
    if hashed is not None and len(kept) > MAX_ROWS:
        kept = kept[np.argsort(hashed[kept], kind="stable")[:MAX_ROWS]]
    order = kept[np.lexsort((mean_value[kept], purchases[kept]))]
    return purchases[order], mean_value[order]
