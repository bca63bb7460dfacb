"""What a churn model is held against on every date of a backtest.

Belongs here: the baselines, each fitted on what was known at the date. Does not belong here: the model itself, and the
judgement (``ml.promotion``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ml.btyd.bg_nbd import BgNbd
from ml.btyd.expectations import HISTORY, read_histories, statistics
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydFitError, BtydModel
from ml.btyd.pareto_nbd import ParetoNbd
from ml.churn.fallback import MOST_KNOWN, choose
from ml.churn.recipe import Trainer
from ml.churn.rules import Rule
from ml.evaluation import Floats, expit
from ml.linear import fit_logistic
from ml.promotion import FALLBACK
from ml.rolling import Origin
from ml.splits import sample_limit

BTYD: tuple[type[BtydModel], ...] = (BgNbd, MbgNbd, ParetoNbd)
"""In steady time, as published."""


def baselines(trainer: Trainer, origin: Origin, rule: Rule) -> dict[str, Floats]:
    """Probability of churn at an origin by each of them, (rows,).

    Parameters
    ----------
    rule
        The shop's simple rule: logistic regression on its columns alone, and what the fallback may go by.
    """
    known, test = trainer.untreated(origin.known), origin.test
    found = {
        "logistic": expit(trainer.parts(known).logistic.margin(test.X)),
        FALLBACK: _fallback(trainer, origin, rule),
    }
    if read := rule.read(known.X, known.names):
        k = [known.names.index(name) for name in read]
        found[rule.name] = expit(fit_logistic(known.X[:, k], known.y, known.hashed).margin(test.X[:, k]))
    if trainer.orders and set(HISTORY) <= set(test.names):
        found |= _btyd(origin, trainer.orders.histories, trainer.outcome.horizon_days)
    return found


def _fallback(trainer: Trainer, origin: Origin, rule: Rule) -> Floats:
    """By what would have scored at the date without a model."""
    known, test = origin.known, origin.test
    known = known.rows(known.hashed < sample_limit(len(known), MOST_KNOWN))
    days, expectation = trainer.outcome.active_days or 0, trainer.expectation
    chosen = choose(known, test.X, trainer.outcome, active_days=days, rule=rule, expectation=expectation)
    return chosen.fallback.predict(test.X, test.names)


def _btyd(origin: Origin, histories: Path, horizon_days: int) -> dict[str, Floats]:
    """Fitted on the histories of all customers at the date, in steady time."""
    told = read_histories(histories, origin.date)
    stats, count = statistics(told), told["customers"].to_numpy(float)
    asked = pd.DataFrame({name: origin.test.column(name) for name in HISTORY})
    found = {}
    for model in BTYD:
        try:
            fitted = model.fit(stats, count=count)
        except BtydFitError:
            continue
        found[model.name] = 1 - fitted.p_active(statistics(asked), horizon_days)
    return found
