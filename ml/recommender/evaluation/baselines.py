"""What a recommender is held against: simple rules and the strong linear and latent models of the literature.

Belongs here: one class per baseline, with the settings that are tried. Does not belong here: choosing among these
(``compare``: on the window before the judged one, as for our model). Each scores all items, densely, and knows whole
histories: a limit of ours is none of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ml.recommender.block import Block, Source
from ml.recommender.choice import EASE_ITEMS, FACTOR_ITEMS
from ml.recommender.copurchase import CoPurchases, co_purchases
from ml.recommender.cuts import dense_product
from ml.recommender.decay import UNIT, weights
from ml.recommender.generators.factors import Factors
from ml.recommender.popularity import popularity
from ml.recommender.protocol import recent
from ml.recommender.solver import autoencoder
from ml.recommender.sparse import Floats

FOREVER_DAYS = 36_500.0


class Baseline(Protocol):
    """Its constructor takes its settings and nothing else."""

    @staticmethod
    def count(source: Source) -> Any:
        """What is the same for all settings, so that it is counted once."""

    def fit(self, counted: Any) -> None:
        """Learn from what was known."""

    def scores(self, block: Block) -> Floats:
        """(customers, items): more is better."""


@dataclass
class Popular:
    """What is bought most, lately or ever."""

    half_life_days: float = FOREVER_DAYS

    @staticmethod
    def count(source: Source) -> Source:
        return source

    def fit(self, counted: Source) -> None:
        self.shares = popularity(counted, half_life_days=self.half_life_days, shrinkage=0).overall

    def scores(self, block: Block) -> Floats:
        return np.repeat(self.shares[None, :], len(block), axis=0)


@dataclass
class PersonalPopular:
    """What the customer bought most, lately or ever; then what is popular."""

    half_life_days: float = FOREVER_DAYS

    @staticmethod
    def count(source: Source) -> Floats:
        return popularity(source, half_life_days=FOREVER_DAYS, shrinkage=0).overall

    def fit(self, counted: Floats) -> None:
        self.shares = counted

    def scores(self, block: Block) -> Floats:
        own = block.spread(weights(block.ages, self.half_life_days), block.lines > 0).toarray() / UNIT
        return own + self.shares[None, :] * (1 / UNIT / UNIT)


@dataclass
class ItemItem:
    """Neighbours of the customer's items by their customers in common (Sarwar et al. 2001)."""

    damping: float = 0.5
    recency: float = 1.0

    @staticmethod
    def count(source: Source) -> CoPurchases:
        return co_purchases(source, "customer", most=None)

    def fit(self, counted: CoPurchases) -> None:
        self.similar = counted.similarity(self.damping)

    def scores(self, block: Block) -> Floats:
        return dense_product(recent(block, self.recency), self.similar)


@dataclass
class PlainEase:
    """Embarrassingly shallow autoencoder (Steck 2019) in closed form, without any order."""

    regularisation: float = 100.0

    @staticmethod
    def count(source: Source) -> CoPurchases:
        return co_purchases(source, "customer", with_support=True, most=None)

    def fit(self, counted: CoPurchases) -> None:
        self.weights = autoencoder(counted.support, counted.alone, self.regularisation)

    def scores(self, block: Block) -> Floats:
        return np.asarray(block.bought_matrix @ self.weights, float)


@dataclass
class Als:
    """Matrix factorisation for implicit feedback (Hu, Koren, Volinsky 2008)."""

    regularisation: float = 5.0
    confidence: float = 10.0

    @staticmethod
    def count(source: Source) -> Source:
        return source

    def fit(self, counted: Source) -> None:
        self.model = Factors(regularisation=self.regularisation, confidence=self.confidence, recency=1.0)
        self.model.fit(counted)

    def scores(self, block: Block) -> Floats:
        return np.asarray(self.model.customers(block) @ self.model.items.T, float)


HALF_LIVES: Sequence[Mapping[str, Any]] = [{"half_life_days": days} for days in (FOREVER_DAYS, 365.0, 90.0, 30.0)]
BASELINES: dict[str, tuple[type[Any], Sequence[Mapping[str, Any]], int]] = {
    "popularity": (Popular, HALF_LIVES, FACTOR_ITEMS),
    "personal popularity": (PersonalPopular, HALF_LIVES, FACTOR_ITEMS),
    "item-item": (
        ItemItem,
        [{"damping": damping, "recency": recency} for damping in (0.25, 0.5) for recency in (1.0, 0.8)],
        FACTOR_ITEMS,
    ),
    "EASE": (PlainEase, [{"regularisation": strength} for strength in (30.0, 100.0, 300.0, 1000.0)], EASE_ITEMS),
    "ALS": (
        Als,
        [{"regularisation": strength, "confidence": trust} for strength in (1.0, 10.0) for trust in (2.0, 10.0)],
        FACTOR_ITEMS,
    ),
}
"""By name: the class, the settings that are tried, and the items up to which it is run."""
