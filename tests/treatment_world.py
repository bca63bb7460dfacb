"""A shop that sends plays to whom its own model takes for likely to leave, with the risk without plays known.

Every as-of has fresh customers' features and the same customers' frozen arms. A customer buys at a daily pace told by
the features; who does not within the horizon has churned. ``save`` is decided at the as-of for those of high predicted
risk; ``nudge`` in the middle of the window for those of a favourite kind who have not bought by then, so that being
nudged tells of the outcome. Each multiplies the pace from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.booster import Recipe
from ml.churn.calibration import Level
from ml.churn.recipe import Trainer
from ml.evaluation import Floats, expit, logit
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome, customer_hash
from ml.treatments.record import NONE, Treatments

OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
NAMES = ("silence", "pace", "spend", "visits", "noise")
PLAYS = ("nudge", "save")
NUDGE, SAVE = 0, 1
FIRST = date(2024, 1, 1)
STEP = timedelta(OUTCOME.known_after_days)
NUDGED_ON = 15
RECIPE = Recipe(rounds=60, learning_rate=0.1)
Scores = Callable[[NDArray[np.float32]], Floats]
Learner = Callable[[Snapshots], Scores]
"""From all labelled rows to what scores features."""


@dataclass(frozen=True)
class World:
    """What the shop does, and what it brings."""

    customers: int = 2000
    holdout: float = 0.05
    control: float = 0.1
    save: float = 4.0
    """Times the pace from the as-of on."""
    nudge: float = 1.5
    seed: int = 1
    plays_from: int = 2
    """The first round in which plays are decided."""
    save_above: float = 0.6
    held_out: NDArray[np.bool_] = field(init=False)
    controls: NDArray[np.bool_] = field(init=False)
    """(customers, plays)"""
    hashed: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        object.__setattr__(self, "held_out", rng.random(self.customers) < self.holdout)
        object.__setattr__(self, "controls", rng.random((self.customers, len(PLAYS))) < self.control)
        hashed = np.array([customer_hash(f"c_{n:05d}") for n in range(self.customers)])
        object.__setattr__(self, "hashed", hashed)

    def features(self, number: int) -> NDArray[np.float32]:
        rng = np.random.default_rng((self.seed, 1, number))
        n = self.customers
        pace, silence = rng.gamma(1.2, 1.0, n), rng.gamma(1.5, 20.0, n)
        columns = [silence, pace, pace * rng.lognormal(3, 0.5, n), rng.poisson(2 * pace), rng.normal(size=n)]
        return np.column_stack(columns).astype(np.float32)

    @staticmethod
    def risk(X: NDArray[np.float32]) -> Floats:
        """The truth: probability of no purchase within the horizon without plays, (rows,)."""
        silence, pace, _, visits, _ = X.astype(np.float64).T
        return expit(0.3 + 0.9 * np.log((silence + 5) / 30) - 0.6 * np.log(pace + 0.1) - 0.3 * np.log1p(visits))

    def lived(self, number: int, risk_said: Scores | None) -> Snapshots:
        """The customers of one round with what was decided and what happened."""
        X, n = self.features(number), self.customers
        rng = np.random.default_rng((self.seed, 2, number))
        rate = -np.log(self.risk(X)) / OUTCOME.horizon_days
        need = rng.exponential(size=n)  # of pace added up until the purchase
        first, treated, propensity = np.full(n, NONE, np.int16), np.full(n, NONE, np.int16), np.full(n, np.nan)
        pace = np.tile(rate, (OUTCOME.horizon_days, 1)).T
        if risk_said is not None and number >= self.plays_from:
            self._decide(risk_said(X) > self.save_above, SAVE, first, treated, propensity)
            pace[treated == SAVE] *= self.save
            silent = need > pace[:, :NUDGED_ON].sum(axis=1)
            self._decide(silent & (X[:, 1] > 0.5) & (treated == NONE), NUDGE, first, treated, propensity)
            pace[treated == NUDGE, NUDGED_ON:] *= self.nudge
        churned = need > pace.sum(axis=1)
        Y = churned.astype(float)[:, None]
        done = Treatments(PLAYS, first, treated, propensity, self.held_out, Y)
        day = np.full(n, day_number(FIRST + number * STEP), np.int32)
        return Snapshots(NAMES, ("has_churned",), X, Y, day, self.hashed, done if (first != NONE).any() else None)

    def _decide(self, who: NDArray[np.bool_], play: int, first: NDArray, treated: NDArray, propensity: NDArray) -> None:
        """Enter the decision of a play for some who were left alone so far."""
        goes = who & ~self.held_out & ~self.controls[:, play]
        controls = np.where(first == NONE, 1.0, self.control) * self.control
        propensity[who] = (self.holdout + (1 - self.holdout) * controls)[who]
        first[who & (first == NONE)] = play
        treated[goes] = play


def together(parts: list[Snapshots]) -> Snapshots:
    """Rounds one after another; those before any play were left alone."""
    Y = np.concatenate([part.Y for part in parts])
    done = None
    if any(part.treatments for part in parts):
        several = [part.treatments or _nothing(len(part)) for part in parts]
        arrays = [np.concatenate([getattr(one, name) for one in several]) for name in ARRAYS]
        done = Treatments(PLAYS, *arrays, Y)
    stacked = [np.concatenate([getattr(part, name) for part in parts]) for name in ("X", "Y", "day", "hashed")]
    return Snapshots(NAMES, ("has_churned",), *stacked, done)


ARRAYS = ("first", "treated", "propensity", "is_held_out")


def _nothing(rows: int) -> Treatments:
    none = np.full(rows, NONE, np.int16)
    return Treatments(PLAYS, none, none, np.full(rows, np.nan), np.zeros(rows, bool), np.zeros((rows, 1)))


def write(folder: Path, parts: list[Snapshots]) -> date:
    """The rounds as files of snapshots; returns the as-of at which all of their outcomes are known."""
    data = together(parts)
    done = data.treatments
    assert done is not None
    keys = {
        "as_of_date": pd.to_datetime(data.day, unit="D").date,
        "customer_id": [f"c_{n:05d}" for _ in parts for n in range(len(parts[0]))],
    }
    names = np.array([*PLAYS, None], dtype=object)  # the last one where there is none
    labels = {
        "is_eligible": True, "is_profiled": True, "has_churned": data.y > 0,
        "first_play": names[done.first], "treated_play": names[done.treated],
        "untreated_propensity": done.propensity, "is_held_out": done.is_held_out,
    }  # fmt: skip
    pd.DataFrame(keys | dict(zip(NAMES, data.X.T, strict=True))).to_parquet(folder / "features.parquet", index=False)
    pd.DataFrame(keys | labels).to_parquet(folder / "labels.parquet", index=False)
    return data.dates[-1] + STEP


def rounds(world: World, learner: Learner, count: int) -> list[tuple[Snapshots, Floats]]:
    """Train on all that is known, play on its scores, see what happens, train again: rows and scores of each round."""
    parts: list[Snapshots] = []
    found = []
    for number in range(count):
        said = learner(together(parts)) if parts else None
        part = world.lived(number, said)
        found.append((part, said(part.X) if said else np.full(len(part), np.nan)))
        parts.append(part)
    return found


def ours(data: Snapshots) -> Callable[[NDArray[np.float32]], Floats]:
    """The project's own recipe."""
    model = Trainer(OUTCOME, RECIPE, seed=3, threads=1).model_at(data, data.dates[-1])
    return lambda X: model.predict(X, NAMES, Level())


def missed(world: World, part: Snapshots, p: Floats) -> dict[str, float]:
    """Scores against the truth of the risk without plays."""
    risk = world.risk(part.X)
    high = risk > world.save_above
    ranks = [np.argsort(np.argsort(one)) for one in (risk, p)]
    return {
        "bias among those at risk": float((p - risk)[high].mean()),
        "error": float(np.abs(p - risk).mean()),
        "rank correlation": float(np.corrcoef(*ranks)[0, 1]),
        "slope": float(np.polyfit(logit(risk), logit(p), 1)[0]),
        "treated": float((part.treatments.treated == SAVE).mean()) if part.treatments else 0.0,
    }
