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
from ml.splits import Outcome
from ml.value.base import Base
from ml.value.interval import Interval
from ml.value.level import Season, factor
from ml.value.steepness import Steepness

FORMAT, READABLE = 5, (2, 3, 4, 5)
"""Format 2 knew no hindsight, and took days with an order for orders; format 3 not which outcome it had learned;
format 4 no steepness and no share of the base."""

Margins = tuple[Floats, Floats, Floats]
"""Of trees, linear model and base alone."""


@dataclass(frozen=True)
class Shares:
    """How much linear model and base count beside the trees, each from 0 to 1."""

    linear: float = 0.0
    """Of what the two learners say."""
    base: float = 0.0
    """Of the whole, what is expected before trees correct it."""

    def blend(self, margins: Margins) -> Floats:
        """Average of logarithms, (rows,)."""
        trees, linear, before = margins
        return blend(blend(trees, linear, self.linear), before, self.base)


@dataclass(frozen=True)
class Expectation:
    """One expected amount: a base, trees that correct it, a linear model, blended in the logarithm; then, for the date,
    steepened and levelled."""

    trees: Trees
    linear: Linear
    shares: Shares
    scale: float
    """Mean outcome of the training rows; both parts learned multiples of it."""
    ceiling: float
    """Logarithm of the largest multiple seen: nobody is expected to bring more than anybody ever did, but for the
    level of a date."""
    season: Season
    recent: str
    """Feature whose total says how much the last window brought."""
    base: Base | None = None
    """What the trees start from; its sum then tells the level, instead of the season."""
    start: float = 0.0
    """Added to the logarithm of the base before the trees correct it."""
    hindsight: float = 0.0
    """Logarithm of what the base usually misses in sum."""
    steepness: Steepness | None = None
    """How far apart customers lie at a date, where that is told in hindsight."""
    without_plays: float = 1.0
    """What of a total that is forecast would come without plays."""

    def margins(self, X: NDArray[np.float32], names: Sequence[str], threads: int, **how: bool) -> Margins:
        """Logarithm of the multiple of ``scale`` that trees, linear model and the base alone expect, (rows,) each."""
        before = self._before(X, names)
        return before + self.trees.margin(X, threads, **how), self.linear.margin(X), before

    def own(self, X: NDArray[np.float32], names: Sequence[str], threads: int, **how: bool) -> Floats:
        """Expected amount before what the date does to it, (rows,)."""
        margin = self.shares.blend(self.margins(X, names, threads, **how))
        return np.exp(np.minimum(margin, self.ceiling)) * self.scale

    def at(self, as_of: date, hints: Floats, own: Floats) -> tuple[Floats, float]:
        """Amounts of all customers of an as-of, steepened and at its level, (rows,), and what the level did."""
        if self.steepness:
            own = self.scale * (own / self.scale) ** self.steepness.at(as_of)
        level = factor(self.forecast(as_of, float(hints.sum())), float(own.sum()))
        return own * level, level

    def hint(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Of each row, (rows,), what the level is told from in sum: the base, else what the last window brought."""
        if self.base is not None:
            return self.base.amounts(X, names)
        return np.nan_to_num(X[:, names.index(self.recent)].astype(np.float64))

    def forecast(self, as_of: date, hint: float) -> float | None:
        """The total of all customers of an as-of whose hints sum up to ``hint``; None where nothing tells it."""
        found = self.season.forecast(as_of, hint) if self.base is None else hint * float(np.exp(self.hindsight))
        return None if found is None else found * self.without_plays

    def _before(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        if self.base is None:
            return np.zeros(len(X))
        return np.log(self.base.amounts(X, names) / self.scale) + self.start

    def _to_json(self) -> dict[str, Any]:
        return {
            "linear": self.linear.to_json(),
            "shares": asdict(self.shares),
            "scale": self.scale,
            "ceiling": self.ceiling,
            "recent": self.recent,
            "start": self.start,
            "hindsight": self.hindsight,
            "steepness": self.steepness.to_json() if self.steepness else None,
            "base": None if self.base is None else self.base.to_json(),
            "season": {day.isoformat(): list(pair) for day, pair in sorted(self.season.totals.items())},
            **({"without_plays": self.without_plays} if self.without_plays != 1 else {}),
        }

    @classmethod
    def _from_json(cls, content: dict[str, Any], trees: Trees) -> Expectation:
        totals = {date.fromisoformat(day): (pair[0], pair[1]) for day, pair in content["season"].items()}
        kept = {name: content[name] for name in ("scale", "ceiling", "recent", "start")}
        kept["hindsight"] = content.get("hindsight", 0.0)
        kept["without_plays"] = content.get("without_plays", 1.0)
        shares, steepness = content.get("shares") or {"linear": content["linear_share"]}, content.get("steepness")
        return cls(
            trees=trees,
            linear=Linear.from_json(content["linear"]),
            shares=Shares(**shares),
            season=Season(totals),
            base=None if content["base"] is None else Base.from_json(content["base"]),
            steepness=Steepness.from_json(steepness) if steepness else None,
            **kept,
        )


@dataclass(frozen=True)
class Prediction:
    """What is expected of each customer, (rows,) each; ``low`` and ``high`` are NaN where no interval is known."""

    spend: Floats
    orders: Floats
    low: Floats
    high: Floats
    factor: float = 1.0
    """What the level did to spend."""


@dataclass(frozen=True)
class Parts:
    """Of some customers: expectations before the level, and what the level is told from. Batches add up."""

    spend: Floats
    orders: Floats
    spend_hint: Floats
    orders_hint: Floats


@dataclass(frozen=True)
class ValueModel:
    """Predicts the customers of any as-of with the features that it learned."""

    names: tuple[str, ...]
    spend: Expectation
    orders: Expectation
    interval: Interval
    returned_share: float
    """Share of what is spent within a horizon that is sent back within it, of all customers."""
    snapshots: tuple[date, ...]
    """As-ofs that it learned from, ascending."""
    outcome: Outcome | None = None
    """What it foretells; None in models of releases that did not keep it."""

    @property
    def orders_a_day(self) -> float:
        """Of a day with an order; gaps lie between such days."""
        return self.orders.base.times if self.orders.base else 1.0

    def predict(self, X: NDArray[np.float32], names: Sequence[str], as_of: date, *, threads: int = 1) -> Prediction:
        """All customers of an as-of at once: the level acts on their sum."""
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
        both = (self.spend, self.orders)
        expected = (one.own(X, names, threads, is_compiled=is_compiled) for one in both)
        return Parts(*expected, *(one.hint(X, names) for one in both))

    def levelled(self, parts: Parts, as_of: date) -> Prediction:
        """Expectations of all customers of an as-of at its level, with their interval."""
        spend, level = self.spend.at(as_of, parts.spend_hint, parts.spend)
        orders, _ = self.orders.at(as_of, parts.orders_hint, parts.orders)
        low, high = self.interval.ends(spend, float(spend.mean()) if len(spend) else 0.0)
        return Prediction(spend, orders, low, high, level)

    def save(self, folder: Path) -> Path:
        """Write the model's three files into a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "format": FORMAT,
            "features": list(self.names),
            "interval": asdict(self.interval),
            "returned_share": self.returned_share,
            "snapshots": [day.isoformat() for day in self.snapshots],
            **({"outcome": asdict(self.outcome)} if self.outcome else {}),
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
            trees = [Trees.read(folder / f"{n}_trees.txt") for n in ("spend", "orders")]
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole value model ({error}); train again") from error
        if content.get("format") not in READABLE:
            raise ModelFileError(f"{folder} has model format {content.get('format')}, this release reads {FORMAT}")
        return cls(
            names=tuple(content["features"]),
            spend=Expectation._from_json(content["spend"], trees[0]),
            orders=Expectation._from_json(content["orders"], trees[1]),
            interval=Interval(**{name: tuple(part) for name, part in content["interval"].items()}),
            returned_share=content["returned_share"],
            snapshots=tuple(date.fromisoformat(day) for day in content["snapshots"]),
            outcome=Outcome(**content["outcome"]) if "outcome" in content else None,
        )


def joined(parts: Sequence[Parts]) -> Parts:
    """Parts of several batches, in their order."""
    names = ("spend", "orders", "spend_hint", "orders_hint")
    return Parts(*(np.concatenate([getattr(one, name) for one in parts] or [np.empty(0)]) for name in names))
