"""The recipe at one date: learn from what was known then, hold out the newest of it, blend, find the interval.

Belongs here: which rows each part learns from. Does not belong here: reading files and reporting
(``ml.value.training``), the parts themselves.

Everything learns from amounts as they would be without our plays (``ml.treatments``), by what was known of the effects
at the date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np

from ml.amounts import gini
from ml.booster import Recipe, fit_trees
from ml.btyd.expectations import OrderFiles
from ml.btyd.hindsight import LookBack, look_back
from ml.evaluation import Floats
from ml.linear import Linear, fit_tweedie
from ml.rolling import Origin, weighing
from ml.seasons import usual
from ml.snapshots import Snapshots
from ml.splits import Outcome
from ml.treatments.amounts import Told, untreated_amounts
from ml.value.base import Base, fit_base
from ml.value.interval import Interval, fit_interval
from ml.value.labels import AMOUNTS, OUTCOMES, POWERS, happened, net_spend, returned_share
from ml.value.level import recent_feature, season_of
from ml.value.model import Expectation, Shares, ValueModel
from ml.value.steepness import Seen, Steepness, fit_steepness
from ml.value.without import share_of_newest, share_of_pace, totals

FEWEST_CUSTOMERS = 100
FEWEST_BUYERS = 50
LINEAR_SHARES, BASE_SHARES = (0.0, 0.5, 1.0), (0.0, 0.25, 0.5)
"""Shares of the linear model and of the base that are tried on the held-out snapshots."""


def too_little(data: Snapshots) -> str | None:
    """Why these snapshots cannot teach a model, or None."""
    if len(data) == 0:
        return "no snapshot has a finished outcome yet"
    if data.customers < FEWEST_CUSTOMERS:
        return f"{data.customers} customers with a known outcome, {FEWEST_CUSTOMERS} are needed"
    buyers = int((net_spend(data) > 0).sum())
    if buyers < FEWEST_BUYERS:
        return f"only {buyers} of {len(data)} outcomes are an amount, {FEWEST_BUYERS} are needed"
    if not (recent_feature("spend", 0, data.names) and recent_feature("orders", 0, data.names)):
        return "the features know neither spend nor orders"
    return None


@dataclass(frozen=True)
class InHindsight:
    """What a base gets wrong of every date: the logarithm of what its sum usually lacks, and what the pace
    does to it."""

    missed: float = 0.0
    steepness: Steepness | None = None


@dataclass(frozen=True)
class Trainer:
    """Applies the recipe at any date to the same snapshots and fits each part once."""

    data: Snapshots
    outcome: Outcome
    recipe: Recipe
    seed: int
    threads: int
    orders: OrderFiles | None = None
    """What is looked back by, for a shop with orders."""
    fitted: dict[tuple[bytes, str], Expectation] = field(default_factory=dict)
    beside: dict[tuple[bytes, str], tuple[Base | None, Linear]] = field(default_factory=dict)
    """What an expectation has beside its trees."""
    told: dict[bytes, tuple[Snapshots, Told]] = field(default_factory=dict)
    """Rows with amounts as they would be without plays, and the effects that say so, by the key of the rows."""
    seen: dict[tuple[bytes, date], dict[str, InHindsight]] = field(default_factory=dict)
    """What the bases get wrong, by measure, by the key of the rows and the as-of."""

    def with_recipe(self, recipe: Recipe) -> Trainer:
        """The same with other trees; what does not depend on them is not fitted again."""
        return replace(self, recipe=recipe, fitted={})

    def model_at(self, known: Snapshots, as_of: date) -> ValueModel:
        """The model of one date, given the snapshots whose outcome was known then."""
        known = self.untreated(known)
        weighing = self._weighing(known)
        shares = self._best_shares(weighing)
        return ValueModel(
            names=known.names,
            spend=self._levelled(known, as_of, "spend", shares),
            orders=self._levelled(known, as_of, "orders", shares),
            interval=self._interval(weighing, shares),
            returned_share=returned_share(known),
            snapshots=known.dates,
            outcome=self.outcome,
        )

    def fit_ahead(self, many: Sequence[Snapshots]) -> None:
        """Fit all that the models of these dates need, as many fits at once as there are threads, each with one."""
        needed = [(rows, measure) for rows in many for measure in OUTCOMES]
        needed += [(origin.known, "spend") for rows in many for origin in self._weighing(rows)]
        once = {(rows.key, measure): (rows, measure) for rows, measure in needed}
        longest_first = sorted(once.values(), key=lambda one: len(one[0]), reverse=True)
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda one: replace(self, threads=1).expectation(*one), longest_first))

    def expectation(self, rows: Snapshots, measure: str) -> Expectation:
        """Of spend or of orders, not yet blended; fitted once per set of rows."""
        if (rows.key, measure) not in self.fitted:
            self.fitted[rows.key, measure] = self._expectation(rows, measure)
        return self.fitted[rows.key, measure]

    def untreated(self, rows: Snapshots) -> Snapshots:
        """The rows with amounts as they would be without plays, as far as these rows tell."""
        if rows.treatments is None:
            return rows
        if rows.key not in self.told:
            self.told[rows.key] = untreated_amounts(rows, AMOUNTS)
        return self.told[rows.key][0]

    def said_of_plays(self, rows: Snapshots) -> str | None:
        """What these rows tell of the effects of plays; None where no play was decided."""
        if rows.treatments is None:
            return None
        self.untreated(rows)
        return self.told[rows.key][1].words

    def _levelled(self, known: Snapshots, as_of: date, measure: str, shares: Shares) -> Expectation:
        """As blended, with what is believed of level and steepness at an as-of."""
        told = self._in_hindsight(known, as_of).get(measure, InHindsight())
        own = self.expectation(known, measure)
        return replace(own, shares=shares, hindsight=told.missed, steepness=told.steepness)

    def _in_hindsight(self, known: Snapshots, as_of: date) -> dict[str, InHindsight]:
        """By measure with a base; empty where nothing can be looked back by."""
        key = known.key, as_of
        if key not in self.seen:
            expected = ((measure, self.expectation(known, measure).base) for measure in OUTCOMES)
            bases = {measure: base for measure, base in expected if base is not None}
            back = look_back(self.orders, known, as_of, self.outcome.horizon_days) if bases else None
            self.seen[key] = self._looked_back(back, bases) if back else {}
        return self.seen[key]

    def _looked_back(self, back: LookBack, bases: Mapping[str, Base]) -> dict[str, InHindsight]:
        """The sum is missed by what happened, plays and all, since the base is told from it; who brings how much of it
        is learned as it would be without plays, as all that tells customers apart."""
        gaps: dict[str, list[float]] = {measure: [] for measure in bases}
        seen: dict[str, list[Seen]] = {measure: [] for measure in bases}
        for one in back:
            days = one.model.expected_purchases(one.stats, self.outcome.horizon_days)
            for measure, base in bases.items():
                worth = 1.0 if base.worth is None else one.value_ahead
                told = base.of_days(days * worth, one.rows.X, one.rows.names)
                came = float(happened(one.rows, measure).sum())
                if min(told.sum(), came) > 0:
                    gaps[measure].append(float(np.log(came / told.sum())))
                seen[measure].append(Seen(one.day, told, OUTCOMES[measure](one.rows)))
        return {
            measure: InHindsight(usual(gaps[measure]), fit_steepness(back.pace, seen[measure], power=POWERS[measure]))
            for measure in bases
        }

    def _weighing(self, known: Snapshots) -> list[Origin]:
        return weighing(known, self.outcome, too_little)

    def _expectation(self, rows: Snapshots, measure: str) -> Expectation:
        rows = self.untreated(rows)
        y, power = OUTCOMES[measure](rows), POWERS[measure]
        scale = float(y.mean()) or 1.0
        objective: dict[str, Any] = {"objective": "poisson"}
        if power > 1:
            objective = {"objective": "tweedie", "tweedie_variance_power": power}
        scaled = y / scale
        recent = recent_feature(measure, self.outcome.horizon_days, rows.names) or ""
        base, linear = self._beside(rows, measure, y, scaled)
        start, before = 0.0, None
        if base is not None:
            amounts = base.amounts(rows.X, rows.names)
            start = float(np.log(y.sum() / amounts.sum()))
            before = np.log(amounts / scale) + start
        trees = fit_trees(
            rows.X, scaled, rows.names, self.recipe, seed=self.seed, threads=self.threads, objective=objective,
            before=before,
        )  # fmt: skip
        return Expectation(
            trees=trees,
            linear=linear,
            shares=Shares(),
            scale=scale,
            ceiling=float(np.log(max(scaled.max(), 1.0))),
            season=season_of(rows, happened(rows, measure), recent),
            recent=recent,
            base=base,
            start=start,
            without_plays=self._without_plays(rows, measure, base),
        )

    def _without_plays(self, rows: Snapshots, measure: str, base: Base | None) -> float:
        """What of the forecast total would come without plays, given rows as they would be without."""
        if rows.treatments is None:
            return 1.0
        forecast = None if base is None else base.amounts(rows.X, rows.names)
        found = totals(rows, happened(rows, measure), OUTCOMES[measure](rows), forecast)
        return share_of_newest(found) if base is None else share_of_pace(found, self.outcome.horizon_days)

    def _beside(self, rows: Snapshots, measure: str, y: Floats, scaled: Floats) -> tuple[Base | None, Linear]:
        if (rows.key, measure) not in self.beside:
            base = fit_base(rows, y, in_money=measure == "spend", kept=1 - returned_share(rows))
            linear = fit_tweedie(rows.X, scaled, rows.hashed, power=POWERS[measure])
            self.beside[rows.key, measure] = base, linear
        return self.beside[rows.key, measure]

    def _best_shares(self, weighing: Sequence[Origin]) -> Shares:
        """The blend that ranks the spend of held-out snapshots best; the trees alone where there is no difference.

        Orders are blended alike.
        """
        told = []
        for origin in weighing:
            margins = self.expectation(origin.known, "spend").margins(origin.test.X, origin.test.names, self.threads)
            told.append((net_spend(origin.test), margins))

        def ranks(shares: Shares) -> float:
            return round(float(np.mean([gini(y, shares.blend(margins)) for y, margins in told])), 9)

        tried = (Shares(*both) for both in product(LINEAR_SHARES, BASE_SHARES))
        return max(tried, key=lambda one: (ranks(one), -one.base, -one.linear))

    def _interval(self, weighing: Sequence[Origin], shares: Shares) -> Interval:
        """From what earlier models said of the held-out snapshots at the level that they forecast: it errs as well."""
        ys, relative = [], []
        for origin in weighing:
            earlier = self._levelled(self.untreated(origin.known), origin.date, "spend", shares)
            test = origin.test
            own, hints = earlier.own(test.X, test.names, self.threads), earlier.hint(test.X, test.names)
            said, _ = earlier.at(origin.date, hints, own)
            mean = max(float(said.mean()), 1e-12)
            ys.append(net_spend(test) / mean)
            relative.append(said / mean)
        return fit_interval(np.concatenate(ys), np.concatenate(relative))
