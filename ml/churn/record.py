"""A churn training in the terms of the registry: parameters, metrics against baselines, pictures, files.

Belongs here: what of a training is written down, and how it is called. Does not belong here: MLflow
(``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ml.churn.plots import draw
from ml.churn.training import TrainingPlan, TrainingResult, by_segment
from ml.figures import pngs
from ml.registry import Record
from ml.segments import HOLDOUT
from ml.since import recipe_parameters

OF_SEGMENTS = ("customers", "churn_rate", "mean_probability", "auc", "log_loss")
PARTS = ("trees", "logistic", "expectation")
SERVED = Path(__file__).with_name("served.py")


def record(result: TrainingResult, plan: TrainingPlan, folder: Path, tags: Mapping[str, str]) -> Record:
    """Save the model into ``folder`` and describe the training.

    Parameters
    ----------
    tags
        Where it comes from: git commit, lock hash, inputs id.
    """
    return Record(
        model="churn",
        folder=result.save(folder),
        code=SERVED,
        parameters={
            "as_of": plan.as_of.isoformat(),
            "horizon_days": plan.outcome.horizon_days,
            "label_delay_days": plan.outcome.label_delay_days,
            "seed": plan.seed,
            "backtest_dates": ", ".join(day.isoformat() for day in result.backtest.dates),
            "backtest_kind": result.backtest.kind,
            **{f"weight_{part}": round(weight, 6) for part, weight in zip(PARTS, result.model.weights, strict=False)},
            "level": result.model.expectation or "same season last year",
            **(result.model.hindsight.as_parameters() if result.model.hindsight else {}),
            **({"plays": result.plays} if result.plays else {}),
            **recipe_parameters(plan.recipe, plan.recipe_since, result.backtest.dates),
        },
        metrics=metrics(result),
        dataset={
            "snapshots": [day.isoformat() for day in result.snapshots],
            "rows": result.rows,
            "customers": result.customers,
            "churn_rate": round(result.model.base_rate, 6),
            "features": list(result.model.names),
        },
        data_hash=result.data_hash,
        features=result.model.names,
        outputs=("churn_probability",),
        tags={"as_of": plan.as_of.isoformat(), **tags},
        pictures=pngs(draw(result)),
    )


def metrics(result: TrainingResult) -> dict[str, float]:
    """Metrics of the backtest, those of what the model is compared with as ``<name>/<metric>``, and of its reasons."""
    found = {"rows": float(result.rows), "snapshots": float(len(result.snapshots))}
    for name, measured in result.backtest.metrics.items():
        prefix = "" if name == "model" else f"{name}/"
        found |= {prefix + metric: value for metric, value in measured.as_dict().items()}
    for name, measured in by_segment(result.backtest).items():
        own = measured.as_dict()
        found |= {f"{name}/{metric}": own[metric] for metric in (own if name == HOLDOUT else OF_SEGMENTS)}
    check = result.lifetimes.check if result.lifetimes else None
    return found | result.reasons.as_metrics() | (check.as_metrics() if check else {})
