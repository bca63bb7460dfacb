"""The candidate generators. A new one is a file here and a line in ``GENERATORS``.

Weights are learned for whatever stands in the list; a model that was trained with other generators is not served but
replaced at the next training.
"""

from __future__ import annotations

from collections.abc import Callable

from ml.recommender.generators.bought_together import BoughtTogether
from ml.recommender.generators.category_popularity import CategoryPopularity
from ml.recommender.generators.content import Content
from ml.recommender.generators.due import Due
from ml.recommender.generators.ease import Ease
from ml.recommender.generators.ease_unordered import EaseUnordered
from ml.recommender.generators.factors import Factors
from ml.recommender.generators.repurchase import Repurchase
from ml.recommender.generators.segment_popularity import SegmentPopularity
from ml.recommender.generators.stated import Stated
from ml.recommender.generators.transitions import NextBasket
from ml.recommender.generators.viewed import Viewed
from ml.recommender.generators.walks import Walks
from ml.recommender.protocol import Generator

GENERATORS: dict[str, Callable[..., Generator]] = {
    "repurchase": Repurchase,
    "due_again": Due,
    "transitions": NextBasket,
    "ease": Ease,
    "ease_unordered": EaseUnordered,
    "walks": Walks,
    "factors": Factors,
    "bought_together": BoughtTogether,
    "also_bought": lambda **parameters: BoughtTogether(**{"within": "customer", **parameters}),
    "viewed": Viewed,
    "content": Content,
    "category_popularity": CategoryPopularity,
    "stated": Stated,
    "segment_popularity": SegmentPopularity,
}
"""By name, in the order in which ties between sources are broken."""
