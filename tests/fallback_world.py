"""Who should speak for a shop too small or too young to train a model: candidates, judged on many tiny shops.

Belongs here: the candidates, and how they compare. Does not belong here: the shops (``tiny_shops``), the fallback that
serves (``ml.churn.fallback``, ``ml.value.fallback``), which stands among them as ``served``.

Whoever looks for a better one chooses on the shops of half 0 and tells the figures of half 1: other customers, other
as-ofs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import tiny_shops
from tiny_shops import NAMES, Source, TinyShop

from ml.amounts import gini, poisson_deviance, total_bias
from ml.btyd.bg_nbd import BgNbd
from ml.btyd.expectations import HISTORY, INACTIVE, statistics
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydFitError
from ml.btyd.pareto_nbd import ParetoNbd
from ml.churn.fallback import choose
from ml.churn.ladder import fit_ladder
from ml.evaluation import Floats, auc, expit, row_log_loss
from ml.linear import fit_logistic
from ml.value.baselines import fit_historical_average, frequency_times_value, purchases_times_value
from ml.value.fallback import expect

KINDS = ((30, 120), (80, 120), (300, 120), (30, 800), (80, 800))
"""Customers and age in days: too young for any finished outcome, or too small. Else a model can be trained."""
CERTAIN = 0.005
"""Log-loss is of probabilities at least so far from 0 and 1: no single surprise decides between candidates."""


def churn(shop: TinyShop, source: Source) -> dict[str, Floats]:
    """Probability of churn by each candidate, (rows,); where one cannot be fitted, that of the rule."""
    known, now, horizon = shop.known, shop.now, source.outcome.horizon_days
    rule = fit_ladder(known.X, known.y, now.X, NAMES, active_days=source.active_days).predict(now.X, NAMES)
    served = choose(known, now.X, source.outcome, active_days=source.active_days, expectation=INACTIVE).fallback
    found = {"served": served.predict(now.X, NAMES), "recency": rule, "logistic": rule}
    asked = statistics(pd.DataFrame({name: now.column(name) for name in HISTORY}))
    for kind in (BgNbd, MbgNbd, ParetoNbd):
        try:
            fitted = kind.fit(statistics(shop.histories), count=shop.histories["customers"].to_numpy(float))
            found[kind.name] = 1 - fitted.p_active(asked, horizon)
        except BtydFitError:
            found[kind.name] = rule
    if len(known) and 0 < known.y.mean() < 1:
        read = [NAMES.index("days_since_last_order")]
        found["logistic"] = expit(fit_logistic(known.X[:, read], known.y, known.hashed).margin(now.X[:, read]))
    return found


def value(shop: TinyShop, source: Source) -> dict[str, Floats]:
    """Spend within the horizon by each candidate, (rows,)."""
    X, horizon = shop.now.X, source.outcome.horizon_days
    average = fit_historical_average(X, NAMES).predict(X, NAMES, horizon)[0]
    classical = purchases_times_value(X, NAMES, shop.histories, horizon, 0.0)
    return {
        "served": expect(X, NAMES, horizon, returned_share=0.0).spend,
        "historical_average": average,
        "frequency_x_value": frequency_times_value(X, NAMES, horizon),
        "pareto_nbd_gamma_gamma": average if classical is None else classical,
    }


def judged(half: int, draws: int) -> pd.DataFrame:
    """A row per shop and candidate, ``of`` churn or value: what it lost, how it ranked, how far off its sum was."""
    rows = []
    for number, (source, shop, case) in enumerate(_shops(half, draws)):
        y, spent = shop.now.y, shop.now.target("spend_within_horizon")
        told = [("churn", name, *_of_churn(y, p)) for name, p in churn(shop, source).items()]
        if spent.sum() > 0:
            told += [("value", name, *_of_value(spent, p)) for name, p in value(shop, source).items()]
        rows += [(number, *case, *one) for one in told]
    return pd.DataFrame(rows, columns=["shop", "source", "customers", "age", "of", "name", "loss", "rank", "bias"])


def _shops(half: int, draws: int) -> Iterator[tuple[Source, TinyShop, tuple[str, int, int]]]:
    seed = 1000 * half
    for source in tiny_shops.sources():
        for as_of in (source.chosen_on, source.told_on)[half]:
            for customers, age in KINDS * draws:
                seed += 1
                if shop := tiny_shops.draw(source, as_of, customers, age, half, seed):
                    yield source, shop, (source.name, customers, age)


def _of_churn(y: Floats, p: Floats) -> tuple[float, float, float]:
    rank = auc(y, p) if 0 < y.mean() < 1 else np.nan
    return float(row_log_loss(y, np.clip(p, CERTAIN, 1 - CERTAIN)).mean()), rank, float(p.mean() - y.mean())


def _of_value(y: Floats, p: Floats) -> tuple[float, float, float]:
    scale = y.mean()
    return poisson_deviance(y / scale, np.maximum(p / scale, 1e-3)), gini(y, p), abs(total_bias(y, p))


def lines(found: pd.DataFrame) -> list[str]:
    """By candidate the means over all shops, and how much more it loses than what is served; then by kind of shop."""
    told = []
    for of, own in found.groupby("of"):
        loss = own.pivot_table(index="shop", columns="name", values="loss")
        told.append(f"{of:<24}{'loss':>8}{'ranking':>9}{'bias':>8}   more than served")
        for name, one in own.groupby("name"):
            more = loss[name] - loss["served"]
            means = "{:>8.3f}{:>9.3f}{:>8.3f}".format(*one[["loss", "rank", "bias"]].mean())
            told.append(f"{name:<24}{means}   {more.mean():.3f} +- {more.std() / len(more) ** 0.5:.3f}")
        told += [
            f"  {source}, {customers} customers, {age} days: "
            + ", ".join(f"{name} {mean:.3f}" for name, mean in part.groupby("name")["loss"].mean().items())
            for (source, customers, age), part in own.groupby(["source", "customers", "age"])
        ]
    return told
