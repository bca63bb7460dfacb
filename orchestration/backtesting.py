"""``regulars backtest``: what the models would have been worth, month after month, each trained on what was known then.

Belongs here: which dates are judged, their snapshots, the comparison in words and in MLflow. Does not belong here: the
backtest itself, which is that of every training (``ml.churn.training``, ``ml.value.training``), and metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import churn, value
from orchestration.inputs import Inputs, fresh
from orchestration.models import first_activity, last_activity, outcome
from orchestration.partitions import require_as_of
from orchestration.rebuilding import snapshots
from orchestration.shop import ShopError
from orchestration.snapshots import reading_engine
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ml.bootstrap import Difference

WORSE = {"log_loss"}
"""Metrics of which less is better."""


@dataclass(frozen=True)
class Comparison:
    """One model beside its baselines on all dates together."""

    model: str
    dates: tuple[date, ...]
    rows: int
    metrics: Mapping[str, Mapping[str, float]]
    """By method, the model itself as ``model``."""
    differences: Mapping[str, Mapping[str, Difference]]
    """By baseline and metric: the model less the baseline, paired by customer."""
    worse_on: tuple[tuple[date, str, str], ...]
    """Date, baseline, metric: where the model is worse beyond the noise of that date alone."""
    figures: Mapping[str, Figure]
    usual_on: tuple[date, ...] = ()
    """Dates before the settings of tuned.yml could have been known, on which the defaults were taken."""
    notes: tuple[str, ...] = ()
    """What else is to be said, a line each."""


def backtest(workspace: Workspace, first: date, last: date) -> list[Comparison]:
    """Judge churn and value on the first of each month between two days. The caller holds the shop's lock.

    Raises
    ------
    ShopError
        No month begins between them, one of them is no as-of, the last one's outcome is not known yet, too little was
        known at the first, or a feature of the last was another on that day.
    """
    days = months(first, last)
    inputs = inputs_of(workspace, days)
    folder = snapshots(workspace, inputs)
    _require_no_hindsight(workspace, folder, days[-1])
    compared = [_churn(workspace, inputs, len(days)), _value(workspace, inputs, len(days))]
    found = [one for one in compared if one is not None]
    if not found:
        raise ShopError(f"too little was known on {days[0]} to train on; judge later months ({folder})")
    return found


def months(first: date, last: date) -> list[date]:
    """The first of every month from one day to another, both included."""
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    return [day for day in days if day.day == 1]


def inputs_of(workspace: Workspace, days: list[date]) -> Inputs:
    """What has landed, as seen when the last outcome is known; every earlier month is there to learn from.

    Raises
    ------
    ShopError
        There is no day, one is no as-of, or the last one's outcome is not known yet.
    """
    if not days:
        raise ShopError("no month begins between these days: name some that lie further apart")
    shop, told = workspace.shop, outcome(workspace)
    as_of = days[-1] + timedelta(told.known_after_days)
    if as_of > (today := workspace.default_as_of()):
        raise ShopError(
            f"what followed {days[-1]} is known on {as_of}, which lies ahead of {today}: judge earlier months"
        )
    require_as_of(shop, days[0])
    begin = first_activity(workspace)
    if begin is None:
        raise ShopError(f"nothing has landed for {shop.slug}: run it once before")
    end, landed = days[-1] + timedelta(told.horizon_days), last_activity(workspace)
    if landed and landed < end - timedelta(1):
        raise ShopError(f"what followed {days[-1]} ends on {end}, and data end on {landed}: judge earlier months")
    return fresh(
        workspace.state,
        shop,
        as_of,
        training_dates=tuple(months(begin + timedelta(told.horizon_days), days[-1])),
        champions={},
    )


def _require_no_hindsight(workspace: Workspace, folder: Path, day: date) -> None:
    """Make the features of a day as on that day, in the same release, and refuse to judge where they were others.

    What models of repeat purchase expect is left out: they are fitted on all histories of orders together, of which a
    later run may read a sample.
    """
    from ml.btyd.expectations import COLUMNS
    from ml.leaks import hindsight

    then = snapshots(workspace, fresh(workspace.state, workspace.shop, day, training_dates=(), champions={}))
    then, now = (one / "customer_features.parquet" for one in (then, folder))
    found = hindsight(then, now, day, reading_engine(workspace), besides=COLUMNS)
    if found:
        said = ", ".join(f"{name} ({count} of {customers} customers)" for name, (count, customers) in found.items())
        raise ShopError(f"on {day} these features were not what they are now, so they know what came after it: {said}")


def _churn(workspace: Workspace, inputs: Inputs, count: int) -> Comparison | None:
    from ml.bootstrap import paired_bootstrap
    from ml.churn.plots import draw
    from ml.churn.training import TooLittleData
    from ml.since import usual_dates

    plan = replace(churn.training_plan(workspace, inputs), backtest_dates=count)
    result = churn.train_on(workspace, inputs, plan)
    if isinstance(result, TooLittleData) or not _is_whole(result.backtest, count):
        return None
    backtest = result.backtest
    found = _compared("churn", backtest, paired_bootstrap, plan.seed, draw(result), {})
    return replace(found, usual_on=usual_dates(backtest.dates, plan.recipe, plan.recipe_since))


def _value(workspace: Workspace, inputs: Inputs, count: int) -> Comparison | None:
    from ml.bootstrap import paired_gini, paired_spearman
    from ml.since import usual_dates
    from ml.value.plots import draw
    from ml.value.record import interval_metrics
    from ml.value.training import TooLittleData

    plan = replace(value.training_plan(workspace, inputs), backtest_dates=count)
    result = value.train_on(workspace, inputs, plan)
    if isinstance(result, TooLittleData) or not _is_whole(result.backtest, count):
        return None
    backtest = result.backtest

    def paired(*arguments: Any, **settings: Any) -> dict[str, Difference]:
        compare = {"gini": paired_gini, "spearman": paired_spearman}
        return {name: one(*arguments, **settings) for name, one in compare.items()}

    found = _compared("value", backtest, paired, plan.seed, draw(result), interval_metrics(backtest))
    usual_on = usual_dates(backtest.dates, plan.recipe, plan.recipe_since)
    return replace(found, usual_on=usual_on, notes=_of_the_interval(backtest, plan.seed))


def _is_whole(backtest: Any, count: int) -> bool:
    """Whether every date was judged by a model of an earlier time: with too little history other customers of the same
    date are learned from, which tells a gate something, and nothing of what the model would have been worth."""
    return backtest.kind == "time" and len(backtest.dates) == count


def _of_the_interval(backtest: Any, seed: int) -> tuple[str, str]:
    """What the interval for 80 % covers, and its score beside that of historical quantiles, customers drawn."""
    import numpy as np

    from ml.bootstrap import ratio

    losses, whose = backtest.interval_losses, np.unique(backtest.judged.customers, return_inverse=True)[1]
    own, history = (np.bincount(whose, losses[name]).astype(np.float64) for name in ("model", "historical_quantiles"))
    score, by_decile = ratio(own, history, seed=seed), " ".join(f"{one:.0%}" for one in backtest.coverage_by_decile)
    return (
        f"  the interval for 80 % covers {backtest.coverage:.1%}, by decile of what was expected {by_decile}",
        f"  its score is {score.value:.3f} [{score.low:.3f}, {score.high:.3f}] times that of historical quantiles",
    )


def _compared(
    model: str, backtest: Any, paired: Any, seed: int, figures: Mapping[str, Figure], own: Mapping[str, float]
) -> Comparison:
    import numpy as np

    rows = backtest.judged
    baselines = [name for name in rows.said if name != "model"]

    def against(name: str, kept: Any) -> dict[str, Difference]:
        told = kept.where(name)
        differences: dict[str, Difference] = paired(
            told.y, told.said["model"], told.said[name], seed=seed, customers=told.customers
        )
        return differences

    def is_worse(metric: str, difference: Difference) -> bool:
        return difference.low > 0 if metric in WORSE else difference.high < 0

    return Comparison(
        model=model,
        dates=backtest.dates,
        rows=len(rows.y),
        metrics={name: one.as_dict() | (own if name == "model" else {}) for name, one in backtest.metrics.items()},
        differences={name: against(name, rows) for name in baselines},
        worse_on=tuple(
            (day, name, metric)
            for day in backtest.dates
            for name in baselines
            if np.isfinite(rows.at(day).said[name]).any()
            for metric, difference in against(name, rows.at(day)).items()
            if is_worse(metric, difference)
        ),
        figures=figures,
    )


SHOWN = {
    "churn": ("auc", "log_loss", "calibration_slope", "calibration_error", "calibration_error_noise"),
    "value": ("gini", "spearman", "total_bias", "decile_mape", "mae"),
}


def lines(compared: Comparison) -> list[str]:
    """The comparison as a table for a terminal."""
    shown = SHOWN[compared.model]
    head = f"{compared.model}: {compared.rows:,} rows on {len(compared.dates)} dates, each by a model of its day"
    table = [f"  {'':24}" + "".join(f"{name.replace('calibration_', ''):>12}" for name in shown)]
    for method, found in compared.metrics.items():
        table.append(f"  {method:24}" + "".join(f"{found[name]:>12.4f}" for name in shown))
    gains = [
        f"  against {name:24}" + ", ".join(f"{metric} {difference}" for metric, difference in found.items())
        for name, found in compared.differences.items()
    ]
    worse = [f"  worse on {day} than {name} in {metric}" for day, name, metric in compared.worse_on]
    usual = [
        f"  the defaults on {len(compared.usual_on)} dates up to {day}: tuned.yml was chosen by later outcomes"
        for day in compared.usual_on[-1:]
    ]
    return [
        head,
        *usual,
        *table,
        *gains,
        *(worse or ["  on no date worse than any of them beyond noise"]),
        *compared.notes,
    ]


def track(workspace: Workspace, compared: Comparison) -> str:
    """Log a comparison to MLflow, experiment ``<shop>.backtest``; returns the run's id."""
    from ml.tracking import Part, log_comparison

    first, last = compared.dates[0], compared.dates[-1]
    own = {name: value for name, value in compared.metrics["model"].items() if value == value}
    return log_comparison(
        workspace.state.mlflow,
        f"{workspace.shop.slug}.backtest",
        f"{compared.model}, {first} to {last}",
        Part({"model": compared.model, "first": first, "last": last, "dates": len(compared.dates)}, own),
        {name: Part({}, found) for name, found in compared.metrics.items() if name != "model"},
        figures=compared.figures,
        text="\n".join(lines(compared)),
    )
