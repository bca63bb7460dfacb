"""The value model as it is kept and served: two expectations (net spend, orders), an interval, native files.

Belongs here: the model's parts, its files, its checks of what it is fed. Does not belong here: how it is trained
(``ml.value.recipe``), and customers.

Files: ``model.json`` and, by expectation, ``spend_trees.txt`` and ``orders_trees.txt`` (LightGBM's own text). Nothing
is pickled, nothing names a customer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.booster import Trees
from ml.evaluation import Floats
from ml.linear import Linear
from ml.model import FeatureMismatchError, ModelFileError, blend, explain_mismatch
from ml.value.interval import Interval
from ml.value.level import Season

FORMAT = 1


@dataclass(frozen=True)
class Expectation:
    """One expected amount: trees and a linear model blended in the logarithm, then moved to the level of the season."""

    trees: Trees
    linear: Linear
    linear_share: float
    scale: float
    """Mean outcome of the training rows; both parts learned multiples of it."""
    ceiling: float
    """Logarithm of the largest multiple seen: nobody is expected to bring more than anybody ever did."""
    season: Season
    recent: str
    """Feature whose total says how much the last window brought."""

    def own(self, X: NDArray[np.float32], threads: int, *, is_compiled: bool = False) -> Floats:
        """Expected amount at the level of the average training snapshot, (rows,)."""
        trees = self.trees.margin(X, threads, is_compiled=is_compiled)
        margin = blend(trees, self.linear.margin(X), self.linear_share)
        return np.exp(np.minimum(margin, self.ceiling)) * self.scale

    def _to_json(self) -> dict[str, Any]:
        return {
            "linear": self.linear.to_json(),
            "linear_share": self.linear_share,
            "scale": self.scale,
            "ceiling": self.ceiling,
            "recent": self.recent,
            "season": {day.isoformat(): list(pair) for day, pair in sorted(self.season.totals.items())},
        }

    @classmethod
    def _from_json(cls, content: dict[str, Any], trees: Trees) -> Expectation:
        totals = {date.fromisoformat(day): (pair[0], pair[1]) for day, pair in content["season"].items()}
        kept = {name: content[name] for name in ("linear_share", "scale", "ceiling", "recent")}
        return cls(trees=trees, linear=Linear.from_json(content["linear"]), season=Season(totals), **kept)


@dataclass(frozen=True)
class Prediction:
    """What is expected of each customer, (rows,) each; ``low`` and ``high`` are NaN where no interval is known."""

    spend: Floats
    orders: Floats
    low: Floats
    high: Floats
    factor: float = 1.0
    """What the season did to spend."""


@dataclass(frozen=True)
class Parts:
    """Of some customers: expectations before the season, and what their last window brought. Batches add up."""

    spend: Floats
    orders: Floats
    recent_spend: Floats
    recent_orders: Floats


@dataclass(frozen=True)
class ValueModel:
    """Predicts the customers of any as-of with the features that it learned."""

    names: tuple[str, ...]
    spend: Expectation
    orders: Expectation
    interval: Interval
    returned_share: float
    """Share of what is spent within a horizon that is sent back within it, of all customers."""

    @property
    def snapshots(self) -> tuple[date, ...]:
        """As-ofs that it learned from."""
        return tuple(sorted(self.spend.season.totals))

    def predict(self, X: NDArray[np.float32], names: Sequence[str], as_of: date, *, threads: int = 1) -> Prediction:
        """All customers of an as-of at once: the season acts on their sum."""
        return self.levelled(self.parts(X, names, threads=threads), as_of)

    def parts(
        self, X: NDArray[np.float32], names: Sequence[str], *, threads: int = 1, is_compiled: bool = False
    ) -> Parts:
        """Of one batch of customers, what ``levelled`` needs of all.

        Raises
        ------
        FeatureMismatchError
            ``names`` are not the model's features in the model's order.
        """
        if tuple(names) != self.names:
            raise FeatureMismatchError(explain_mismatch(self.names, names))
        recent = (np.nan_to_num(X[:, names.index(one.recent)].astype(float)) for one in (self.spend, self.orders))
        expected = (one.own(X, threads, is_compiled=is_compiled) for one in (self.spend, self.orders))
        return Parts(*expected, *recent)

    def levelled(self, parts: Parts, as_of: date) -> Prediction:
        """Expectations of all customers of an as-of at the level of its season, with their interval."""
        factors = (
            self.spend.season.factor(as_of, float(parts.recent_spend.sum()), float(parts.spend.sum())),
            self.orders.season.factor(as_of, float(parts.recent_orders.sum()), float(parts.orders.sum())),
        )
        spend = parts.spend * factors[0]
        low, high = self.interval.ends(spend, float(spend.mean()) if len(spend) else 0.0)
        return Prediction(spend, parts.orders * factors[1], low, high, factors[0])

    def save(self, folder: Path) -> Path:
        """Write the model's three files into a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "features": list(self.names),
            "interval": asdict(self.interval),
            "returned_share": self.returned_share,
        }
        for name, one in (("spend", self.spend), ("orders", self.orders)):
            (folder / f"{name}_trees.txt").write_text(one.trees.text, encoding="utf-8")
            content[name] = one._to_json()
        (folder / "model.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        return folder

    @classmethod
    def load(cls, folder: Path) -> ValueModel:
        """Read what ``save`` wrote; predictions equal bit by bit.

        Raises
        ------
        ModelFileError
            A file is missing or written by another format.
        """
        try:
            content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            trees = [Trees((folder / f"{n}_trees.txt").read_text(encoding="utf-8")) for n in ("spend", "orders")]
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole value model ({error}); train again") from error
        if content.get("format") != FORMAT:
            raise ModelFileError(f"{folder} has model format {content.get('format')}, this release reads {FORMAT}")
        return cls(
            names=tuple(content["features"]),
            spend=Expectation._from_json(content["spend"], trees[0]),
            orders=Expectation._from_json(content["orders"], trees[1]),
            interval=Interval(**{name: tuple(part) for name, part in content["interval"].items()}),
            returned_share=content["returned_share"],
        )


def joined(parts: Sequence[Parts]) -> Parts:
    """Parts of several batches, in their order."""
    names = ("spend", "orders", "recent_spend", "recent_orders")
    return Parts(*(np.concatenate([getattr(one, name) for one in parts] or [np.empty(0)]) for name in names))
