"""Ways to learn an amount that most customers leave at nothing, beside the one that serves, on a real shop's dates.

Each way has the same trees, features and rows of the same dates, learns only from what was known at each, and takes the
place of the trees in the model that serves, beside its linear model and base and at its steepness and total:

- ``two parts``: the chance to spend anything, times what buyers spend (gamma);
- ``zero-inflated log-normal``: the chance, times the mean of a log-normal whose centre and spread both hang on the
  features (Wang, Liu, Miao, "A deep probabilistic model for customer lifetime value prediction", 2019, by trees).

Usage: ``python tests/amount_shapes.py SHOP FROM TO`` after a run of the shop.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml.amounts import evaluate
from ml.booster import BINARY, fit_trees
from ml.bootstrap import paired_gini
from ml.evaluation import Floats, expit
from ml.parallel import one_blas_thread
from ml.rolling import Origin, origins
from ml.value.labels import net_spend
from ml.value.recipe import Trainer, too_little
from ml.value.training import TooLittleData, teaching
from orchestration import value
from orchestration.backtesting import inputs_of, months, snapshots
from orchestration.cli.application import open_workspace
from orchestration.snapshots import reading_engine

WIDEST = 9.0
"""Variance of the logarithm: beyond, a mean says nothing."""


def said(trainer: Trainer, origin: Origin) -> dict[str, Floats]:
    """What each way expects of the customers of a date, in place of the trees, at any level."""
    known = trainer.untreated(origin.known)
    y = net_spend(known)
    bought = y > 0

    def margin(target: Floats, objective: dict[str, str], rows: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        trees = fit_trees(
            known.X[rows], target[rows], known.names, trainer.recipe, seed=trainer.seed, threads=trainer.threads,
            objective=objective,
        )  # fmt: skip
        return trees.margin(origin.test.X, trainer.threads), trees.margin(known.X, trainer.threads)

    everybody = np.ones(len(y), bool)
    chance = expit(margin(bought.astype(float), BINARY, everybody)[0])
    mean = float(y[bought].mean())
    amount = np.exp(margin(y / mean, {"objective": "gamma"}, bought)[0])
    logarithm = np.log(np.maximum(y, 1e-9) / mean)
    centre, own_centre = margin(logarithm, {"objective": "regression"}, bought)
    square = np.maximum((logarithm - own_centre) ** 2, 1e-6)
    spread = np.exp(margin(square, {"objective": "gamma"}, bought)[0])
    skewed = np.exp(centre + np.minimum(spread, WIDEST) / 2)
    return {"two parts": chance * amount, "zero-inflated log-normal": chance * skewed}


def main(shop: str, first: str, last: str) -> None:
    """Print each way's figures, and how much better the served model ranks."""
    workspace, days = open_workspace(shop), months(date.fromisoformat(first), date.fromisoformat(last))
    inputs = inputs_of(workspace, days)
    snapshots(workspace, inputs)
    plan = replace(value.training_plan(workspace, inputs), backtest_dates=len(days))
    result = value.train_on(workspace, inputs, plan)
    if isinstance(result, TooLittleData):
        raise SystemExit(result.reason)
    judged, engine = result.backtest.judged, reading_engine(workspace)
    data = teaching(*value.files(workspace, inputs), plan, engine)
    trainer = Trainer(data, plan.outcome, plan.recipe, plan.seed, engine.threads)
    found: dict[str, list[Floats]] = {"served": [judged.said["model"]]}
    with one_blas_thread():
        for origin in origins(trainer.untreated(data), plan.outcome, too_little, most=len(days)):
            spend, test = result.backtest_models[origin.date].spend, origin.test
            _, linear, before = spend.margins(test.X, test.names, trainer.threads)
            for name, own in said(trainer, origin).items():
                whole = np.exp(spend.shares.blend((np.log(own / own.mean()), linear, before)))
                found.setdefault(name, []).append(
                    spend.at(origin.date, spend.hint(test.X, test.names), whole * spend.scale)[0]
                )
    ways = {name: np.concatenate(parts) for name, parts in found.items()}
    for name, own in ways.items():
        told = evaluate(judged.y, own)
        against = paired_gini(judged.y, ways["served"], own, seed=plan.seed, customers=judged.customers)
        figures = f"gini {told.gini:.4f}  spearman {told.spearman:.4f}  decile MAPE {told.decile_mape:.3f}"
        sys.stdout.write(f"{name:28}{figures}  gini of the served one {against}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
