"""How far a distribution has moved: the population stability index, beside what chance alone would show.

Belongs here: groups of values, their shares, the index. Does not belong here: which columns are compared
(``reference``) and what follows from it (``retraining``).

What it means where there are seasons. Customers of December differ from those of September every year: ``orders_30d``
moves without anything being wrong, and a model that learned a whole year knows them. So a high index says "these are
not the customers of the model's newest snapshots; look why", never "the scores are wrong", and nothing may be blocked
by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Floats, logit

THRESHOLD = 0.2
"""Above it a distribution counts as moved; the usual reading of the index is .1 a little, .2 or .25 a lot."""
GROUPS = 10
FEWEST = 30
"""Customers behind an edge: a smaller group is joined with its neighbour, so that no edge speaks of a few persons."""
ROOM = 0.8
"""Of the groups that ``FEWEST`` allows: edges are rounded, and nobody should be joined because of that."""
SMOOTHING = 0.5
"""Customers added to each group, so that an empty one is unlikely and not infinitely so (Jeffreys)."""
RARELY = 0.001
"""How often an index lies above its noise by chance: of a hundred features hardly ever one."""


@dataclass(frozen=True)
class Distribution:
    """Shares of groups of values; no value of a single customer.

    ``edges`` ascending, each the upper end of its group; ``shares`` has ``len(edges) + 2`` entries: unknown, then the
    groups, the last one above all edges.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    customers: int
    """Different customers behind the shares: a customer seen in three snapshots is one."""


@dataclass(frozen=True)
class Shift:
    """How far a distribution has moved."""

    psi: float
    expected: float
    """Its mean where nothing has changed."""
    noise: float
    """What it exceeds once in a thousand times (``RARELY``) where nothing has changed."""

    @property
    def is_beyond(self) -> bool:
        """Large, and larger than chance."""
        return self.psi > max(THRESHOLD, self.noise)


def distribution(values: Floats, customers: int) -> Distribution:
    """Equal groups, ten at most, with edges of three digits, ``FEWEST`` customers or none in each; NaN is unknown."""
    known = values[np.isfinite(values)]
    fewest = FEWEST * len(values) / max(customers, 1)
    count = min(GROUPS, int(ROOM * len(known) / fewest)) if len(known) else 1
    cuts = np.quantile(known, np.arange(1, count) / count, method="inverted_cdf") if count > 1 else np.empty(0)
    edges = _joined(sorted({float(f"{cut:.3g}") for cut in cuts}), known, fewest)
    return Distribution(tuple(edges), tuple(round(float(one), 6) for one in shares(values, edges)), customers)


def shares(values: Floats, edges: list[float] | tuple[float, ...]) -> Floats:
    """Share of unknown values and of each group, (len(edges) + 2,)."""
    known = values[np.isfinite(values)]
    group = np.searchsorted(np.asarray(edges, dtype=np.float64), known, side="left")
    counts = np.bincount(group, minlength=len(edges) + 1)
    return np.concatenate([[len(values) - len(known)], counts]) / max(len(values), 1)


def odds_around_level(p: Floats) -> Floats:
    """Log-odds of probabilities, their mean taken out: seasons move all scores alike, and are no drift of them."""
    z = logit(p)
    return z - z.mean() if len(z) else z


def times_the_mean(amounts: Floats) -> Floats:
    """Amounts as multiples of their mean: the same for what is no probability."""
    return amounts / max(float(amounts.mean()), 1e-12) if len(amounts) else amounts


def population_stability(reference: Distribution, now: Floats) -> Shift:
    """The index of today's values, one per customer, against the reference.

    Notes
    -----
    ``PSI = sum (q - p) ln(q / p)`` over the groups that anybody is in, ``p`` and ``q`` the shares then and now with
    ``SMOOTHING`` customers added to each group: the symmetrised divergence of Kullback and Leibler, 1951. Where nothing
    has changed, it is distributed about as (1/n + 1/m) chi-square with B - 1 degrees of freedom (Yurdakul, Naranjo,
    "Statistical properties of the population stability index", 2020), so its mean is (B - 1)(1/n + 1/m): with 200
    customers on both sides and ten groups .09, though nobody changed. Customers who are on both sides make it smaller
    still: the noise is on the safe side.
    """
    counts = np.array(reference.shares) * reference.customers, shares(now, reference.edges) * len(now)
    taken = (counts[0] + counts[1]) > 0
    if len(now) == 0 or reference.customers == 0:
        return Shift(0.0, 0.0, 0.0)
    p, q = (_smoothed(one[taken]) for one in counts)
    spread, freedom = 1 / reference.customers + 1 / len(now), int(taken.sum()) - 1
    return Shift(float(((q - p) * np.log(q / p)).sum()), freedom * spread, _chi_square(freedom) * spread)


def _smoothed(counts: Floats) -> Floats:
    added = counts + SMOOTHING
    return added / added.sum()


def _chi_square(freedom: int) -> float:
    """Its upper ``RARELY`` quantile."""
    from scipy.special import chdtri

    return float(chdtri(freedom, RARELY)) if freedom else 0.0


def _joined(edges: list[float], known: Floats, fewest: float) -> list[float]:
    """The edges without those beside a group that has anybody, but fewer rows than that."""
    while edges:
        sizes = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
        small = np.flatnonzero((sizes > 0) & (sizes < fewest))
        if not len(small):
            break
        edges = [edge for k, edge in enumerate(edges) if k != min(small[0], len(edges) - 1)]
    return edges
