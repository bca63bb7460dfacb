"""A value training in the terms of the registry: parameters, metrics against baselines, pictures, files.

Belongs here: what of a training is written down, and how it is called. Does not belong here: MLflow (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ml.figures import pngs
from ml.registry import Record
from ml.segments import HOLDOUT
from ml.since import recipe_parameters
from ml.value.backtest import Backtest, by_segment
from ml.value.model import Expectation
from ml.value.plots import draw
from ml.value.training import TrainingPlan, TrainingResult

OF_SEGMENTS = ("customers", "mean_outcome", "mean_prediction", "gini")
SERVED = Path(__file__).with_name("served.py")


def record(result: TrainingResult, plan: TrainingPlan, folder: Path, tags: Mapping[str, str]) -> Record:
    """Save the model into ``folder`` and describe the training.

    Parameters
    ----------
    tags
        Where it comes from: git commit, lock hash, inputs id.
    """
    model = result.model
    return Record(
        model="value",
        folder=result.save(folder),
        code=SERVED,
        parameters={
            "as_of": plan.as_of.isoformat(),
            "horizon_days": plan.outcome.horizon_days,
            "label_delay_days": plan.outcome.label_delay_days,
            "seed": plan.seed,
            "backtest_dates": ", ".join(day.isoformat() for day in result.backtest.dates),
            "backtest_kind": result.backtest.kind,
            "target": "net spend within the horizon, nothing below 0",
            "linear_share": model.spend.shares.linear,
            "base_share": model.spend.shares.base,
            **_in_hindsight("spend", model.spend),
            **_in_hindsight("orders", model.orders),
            **({"plays": result.plays, "share_without_plays": model.spend.without_plays} if result.plays else {}),
            **recipe_parameters(plan.recipe, plan.recipe_since, result.backtest.dates),
        },
        metrics=metrics(result),
        dataset={
            "snapshots": [day.isoformat() for day in model.snapshots],
            "rows": result.rows,
            "customers": result.customers,
            "mean_net_spend": round(model.spend.scale, 6),
            "returned_share": round(model.returned_share, 6),
            "features": list(model.names),
        },
        data_hash=result.data_hash,
        features=model.names,
        outputs=("expected_orders", "predicted_clv", "predicted_clv_low", "predicted_clv_high"),
        tags={"as_of": plan.as_of.isoformat(), **tags},
        pictures=pngs(draw(result)),
    )


def _in_hindsight(measure: str, own: Expectation) -> dict[str, float]:
    """What the base was found to get wrong: its sum, and how far apart customers lie by the pace."""
    by_pace = {f"slope_by_pace_{measure}": own.steepness.by_pace} if own.steepness else {}
    return {name: round(value, 6) for name, value in {f"hindsight_{measure}": own.hindsight, **by_pace}.items()}


def interval_metrics(backtest: Backtest) -> dict[str, float]:
    """How often the interval covers what it promises, in all and by decile of what was expected, and its score."""
    by_decile = {f"interval_coverage/decile_{k}": own for k, own in enumerate(backtest.coverage_by_decile, 1)}
    score = {name: float(own.mean()) for name, own in backtest.interval_losses.items()}
    return {
        "interval_coverage": backtest.coverage,
        "interval_score": score["model"],
        "historical_quantiles/interval_score": score["historical_quantiles"],
        **by_decile,
    }


def metrics(result: TrainingResult) -> dict[str, float]:
    """Metrics of the backtest: the model's own by their name, those it is compared with as ``<name>/<metric>``."""
    backtest = result.backtest
    found = {"rows": float(result.rows), "snapshots": float(len(result.model.snapshots))}
    for name, measured in (*backtest.metrics.items(), ("orders", backtest.orders)):
        prefix = "" if name == "model" else f"{name}/"
        found |= {prefix + metric: value for metric, value in measured.as_dict().items()}
    for segment, measured in by_segment(backtest).items():
        own = measured.as_dict()
        found |= {f"{segment}/{metric}": own[metric] for metric in (own if segment == HOLDOUT else OF_SEGMENTS)}
    return found | {"level_factor": backtest.factors[backtest.dates[-1]]} | interval_metrics(backtest)
