"""The recipe at one date: learn from what was known then, weigh the parts by how they did on dates before it.

Belongs here: which rows each part learns from. Does not belong here: reading files and reporting
(``ml.churn.training``), baselines (``ml.churn.baselines``), the parts themselves.

Everything learns from labels as they would be without our plays (``ml.treatments``), by what was known of the effects
at the date.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from ml.booster import BINARY, SHARES, Recipe, fit_trees
from ml.btyd.expectations import OrderFiles, knows_season
from ml.btyd.hindsight import look_back
from ml.churn.calibration import Held, fit_weights
from ml.churn.hindsight import Hindsight, fit_hindsight
from ml.churn.model import ChurnModel, expected_log_odds
from ml.evaluation import Floats, level_gap, logit
from ml.linear import Linear, fit_logistic
from ml.rolling import Origin, weighing
from ml.snapshots import Snapshots
from ml.splits import Outcome
from ml.treatments.effects import Effects
from ml.treatments.labels import untreated

FEWEST_CUSTOMERS = 100
FEWEST_OF_A_CLASS = 10
PRIOR_WEIGHTS = {2: (0.5, 0.5), 3: (0.5, 0.25, 0.25)}
"""By number of parts: trees, logistic regression, the expectation."""


def too_little(data: Snapshots) -> str | None:
    """Why these snapshots cannot teach a model, or None."""
    if len(data) == 0:
        return "no snapshot has a finished outcome yet"
    if data.customers < FEWEST_CUSTOMERS:
        return f"{data.customers} customers with a known outcome, {FEWEST_CUSTOMERS} are needed"
    fewer = int(min(data.y.sum(), len(data) - data.y.sum()))
    if fewer < FEWEST_OF_A_CLASS:
        return f"only {fewer} of {len(data)} outcomes differ from the rest, {FEWEST_OF_A_CLASS} are needed"
    return None


@dataclass(frozen=True)
class Trainer:
    """Applies the recipe at any date and fits each part once for the same rows."""

    outcome: Outcome
    recipe: Recipe
    seed: int
    threads: int
    expectation: str | None = None
    """Feature with a probability of churn of its own (``ml.btyd.expectations``), where the shop has one."""
    orders: OrderFiles | None = None
    """What tells the season, for a shop with such a feature."""
    fitted: dict[bytes, ChurnModel] = field(default_factory=dict)
    told: dict[bytes, tuple[Snapshots, Effects | str]] = field(default_factory=dict)
    """Rows with labels as they would be without plays, and the effects that say so, by the key of the rows."""
    regressions: dict[bytes, Linear] = field(default_factory=dict)
    seen: dict[tuple[bytes, date], Hindsight | None] = field(default_factory=dict)
    """What was learned in hindsight, by the key of the rows and the as-of."""

    def with_recipe(self, recipe: Recipe) -> Trainer:
        """The same with other trees; what does not depend on them is not fitted again."""
        return replace(self, recipe=recipe, fitted={})

    def model_at(self, known: Snapshots, as_of: date) -> ChurnModel:
        """The model of one date, given the snapshots whose outcome was known then."""
        known = self.untreated(known)
        weighing = self._weighing(known)
        final = replace(self.parts(known), hindsight=self._hindsight(known, as_of))
        prior = np.array(PRIOR_WEIGHTS[len(final.weights)])
        weights = fit_weights([self._held(one, final.steepness(one.date)) for one in weighing], prior)
        final = replace(final, weights=tuple(weights.tolist()))
        return replace(final, level_gaps=self._level_gaps(final, known))

    def fit_ahead(self, many: Sequence[Snapshots]) -> None:
        """Fit all that the models of these dates need, as many fits at once as there are threads, each with one."""
        needed = (rows for known in many for rows in (known, *(origin.known for origin in self._weighing(known))))
        once = {rows.key: rows for rows in needed if rows.key not in self.fitted}
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(replace(self, threads=1).parts, sorted(once.values(), key=len, reverse=True)))

    def parts(self, rows: Snapshots) -> ChurnModel:
        """Trees and logistic regression, not yet weighed; fitted once per set of rows."""
        if rows.key not in self.fitted:
            self.fitted[rows.key] = self._fit(rows)
        return self.fitted[rows.key]

    def untreated(self, rows: Snapshots) -> Snapshots:
        """The rows with labels as they would be without plays, as far as these rows tell."""
        if rows.treatments is None:
            return rows
        if rows.key not in self.told:
            self.told[rows.key] = untreated(rows)
        return self.told[rows.key][0]

    def said_of_plays(self, rows: Snapshots) -> str | None:
        """What these rows tell of the effects of plays; None where no play was decided."""
        if rows.treatments is None:
            return None
        self.untreated(rows)
        effects = self.told[rows.key][1]
        return effects if isinstance(effects, str) else effects.words

    def _weighing(self, known: Snapshots) -> list[Origin]:
        return weighing(known, self.outcome, too_little)

    def _fit(self, rows: Snapshots) -> ChurnModel:
        rows = self.untreated(rows)
        expectation = self.expectation if self.expectation in rows.names else None
        usual, start, before = 0.0, 0.0, None
        if expectation is not None:
            told = expected_log_odds(rows.X, rows.names, expectation, np.nan)
            usual = float(np.nanmean(told)) if np.isfinite(told).any() else 0.0
            expected = np.where(np.isnan(told), usual, told)
            start = level_gap(expected, float(rows.y.mean()))
            before = expected + start
        objective = BINARY if np.isin(rows.y, (0, 1)).all() else SHARES
        trees = fit_trees(
            rows.X, rows.y, rows.names, self.recipe, seed=self.seed, threads=self.threads, objective=objective,
            before=before,
        )  # fmt: skip
        return ChurnModel(
            names=rows.names,
            trees=trees,
            logistic=self._regression(rows),
            weights=PRIOR_WEIGHTS[2 if expectation is None else 3],
            expectation=expectation,
            usual=usual,
            start=start,
            snapshots=rows.dates,
            level_gaps={},
            base_rate=float(rows.y.mean()),
            outcome=self.outcome,
        )

    def _regression(self, rows: Snapshots) -> Linear:
        if rows.key not in self.regressions:
            self.regressions[rows.key] = fit_logistic(rows.X, rows.y, rows.hashed)
        return self.regressions[rows.key]

    def _held(self, origin: Origin, steepness: float) -> Held:
        model = self.parts(origin.known)
        return Held(steepness * model.margins(origin.test.X, threads=self.threads), origin.test.y)

    def _hindsight(self, known: Snapshots, as_of: date) -> Hindsight | None:
        if self.expectation not in known.names:
            return None
        key = known.key, as_of
        if key not in self.seen:
            self.seen[key] = self._looked_back(known, as_of)
        return self.seen[key]

    def _looked_back(self, known: Snapshots, as_of: date) -> Hindsight | None:
        horizon = self.outcome.horizon_days
        back = look_back(self.orders, known, as_of, horizon)
        if back is None:
            return None
        seen = [(one.day, Held(logit(1 - one.model.p_active(one.stats, horizon))[:, None], one.rows.y)) for one in back]
        return fit_hindsight(back.pace, seen)

    def _level_gaps(self, model: ChurnModel, rows: Snapshots) -> dict[date, float]:
        margin: Floats = model.expected(rows.X)
        if model.expectation is None:
            margin = model.margin(rows.X, threads=self.threads)
        by_date = ((day, rows.day == number) for day, number in zip(rows.dates, np.unique(rows.day), strict=True))
        return {
            day: level_gap(margin[own] + model.shift(day), float(rows.y[own].mean()))
            for day, own in by_date
            if model.expectation is None or knows_season(rows.X[own], rows.names)
        }
