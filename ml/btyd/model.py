"""What every buy-till-you-die model can be asked, and how it is fitted.

Belongs here: the interface, the maximum of a penalised likelihood. Does not belong here: any one likelihood, what is
kept of a model (``ml.btyd.parameters``).

In all of them a customer buys at random times at a rate of their own until, unseen, they cease to be a customer. So
whatever is expected of the future is the probability that they still are one, times what is expected if so; and the
latter depends on how often they came back and since when they are known, not on when they were last seen.

Fits maximise the likelihood of ``Statistics`` over the logarithms of the parameters, plus a wide normal prior on each:
worth nothing against a few hundred customers, it keeps a tiny shop, or one in which nobody or everybody comes back, at
parameters that some shop could have. Time is in days throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ml.btyd.parameters import Parameters
from ml.btyd.statistics import Statistics, distinct
from ml.evaluation import Floats

MAX_ROWS = 100_000
"""Four parameters need no more customers; those beyond are left out by their hash."""
LIFETIME_CAP_DAYS = 1825
"""No forecast looks farther than five years."""
LOG_BOUND = 12.0
FLAT = 1e-4
"""Slope of the log-likelihood per customer that counts as none."""


class BtydFitError(ValueError):
    """No parameters could be found; the message says why. Callers fall back to a simpler rule."""


@dataclass(frozen=True)
class BtydModel(Parameters, ABC):
    """Parameters of one shop. ``PRIOR``: by parameter, the median and spread (of the logarithm) of what shops have."""

    PRIOR: ClassVar[Mapping[str, tuple[float, float]]]

    @classmethod
    def fit(
        cls,
        stats: Statistics,
        *,
        count: Floats | None = None,
        hashed: NDArray[np.int64] | None = None,
        prior_weight: float = 1.0,
    ) -> Self:
        """The most likely parameters; the same for any order of rows.

        Parameters
        ----------
        count
            How many customers each row stands for; one each if not given.
        hashed
            Hash of each customer (``ml.splits``): beyond ``MAX_ROWS`` those with the lowest are fitted on.
        prior_weight
            0 is plain maximum likelihood, as the literature reports it.

        Raises
        ------
        BtydFitError
            There are no customers, or no optimum was found.
        """
        if hashed is not None and len(stats) > MAX_ROWS:
            stats = stats.rows(np.argsort(hashed, kind="stable")[:MAX_ROWS])
        rows, kind = stats.kinds()
        each = np.bincount(kind, count, len(rows)).astype(np.float64)
        center, spread = (np.array(part) for part in zip(*cls.PRIOR.values(), strict=True))

        def likelihood(logs: Floats) -> tuple[float, Floats]:
            parameters = np.exp(logs)
            value, slope = cls.log_likelihood(parameters, rows)
            return float((each * value).sum()), (each * slope).sum(axis=1) * parameters

        found = maximum(likelihood, float(each.sum()), np.log(center), spread, prior_weight)
        return cls(*np.exp(found).tolist())

    @classmethod
    @abstractmethod
    def log_likelihood(cls, parameters: Floats, stats: Statistics) -> tuple[Floats, Floats]:
        """Of each customer, (rows,), and its slope by parameter, (parameters, rows)."""

    @abstractmethod
    def p_alive(self, stats: Statistics) -> Floats:
        """Probability of still being a customer at the as-of."""

    @abstractmethod
    def _purchases_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """Expected purchases within ``days`` of a customer who still is one."""

    @abstractmethod
    def _p_purchase_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """Probability of any purchase within ``days`` of a customer who still is one."""

    @abstractmethod
    def _lifetime_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """Expected days that a customer who still is one remains so, of the next ``days``."""

    def expected_purchases(self, stats: Statistics, horizon_days: float) -> Floats:
        """Days with a purchase within the horizon."""
        return self.p_alive(stats) * _by_kind(self._purchases_if_alive, stats, horizon_days)

    def p_active(self, stats: Statistics, horizon_days: float) -> Floats:
        """Probability of at least one purchase within the horizon; 1 less it is churn by inactivity."""
        return self.p_alive(stats) * _by_kind(self._p_purchase_if_alive, stats, horizon_days)

    def expected_lifetime_days(self, stats: Statistics, cap_days: float = LIFETIME_CAP_DAYS) -> Floats:
        """Expected days, of the next ``cap_days``, for which the customer still is one.

        Capped because some may stay for ever: without a cap the mean is infinite in every one of these models at
        parameters that shops have (Pareto/NBD with s <= 1, BG/NBD with a <= 1).
        """
        return self.p_alive(stats) * _by_kind(self._lifetime_if_alive, stats, cap_days)


def _by_kind(asked: Callable[[Floats, Floats, float], Floats], stats: Statistics, days: float) -> Floats:
    """Ask once for each pair of frequency and age that occurs, of which there are few."""
    first, group = distinct(stats.frequency, stats.age)
    return asked(stats.frequency[first], stats.age[first], days)[group]


def maximum(
    likelihood: Callable[[Floats], tuple[float, Floats]],
    customers: float,
    center: Floats,
    spread: Floats,
    prior_weight: float = 1.0,
) -> Floats:
    """Where log-likelihood plus prior is largest.

    Parameters
    ----------
    likelihood
        Its logarithm, and the slope of that.
    center, spread
        Of the normal prior; the search starts at the center.

    Raises
    ------
    BtydFitError
        There are no customers, or no optimum was found.
    """
    from scipy.optimize import minimize

    if customers == 0:
        raise BtydFitError("nobody has bought anything yet")

    def loss(at: Floats) -> tuple[float, Floats]:
        off = (at - center) / spread
        value, slope = likelihood(at)
        cost = -value + prior_weight * float((off**2).sum()) / 2
        return cost / customers, (-slope + prior_weight * off / spread) / customers

    found = minimize(
        loss, center, jac=True, method="L-BFGS-B", bounds=[(-LOG_BOUND, LOG_BOUND)] * len(center),
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-8},
    )  # fmt: skip
    # The search also ends where rounding hides any further step, which it calls abnormal; the slope decides.
    inside = np.abs(found.x) < LOG_BOUND
    if not (np.isfinite(found.fun) and (np.abs(found.jac[inside]) < FLAT).all()):
        raise BtydFitError(f"no most likely parameters of {customers:.0f} customers: {found.message}")
    return np.asarray(found.x)
