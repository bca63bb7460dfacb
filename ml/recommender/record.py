"""A recommender training in the terms of the registry: parameters, metrics against baselines, pictures, files.

Belongs here: what of a training is written down, and how it is called. Does not belong here: MLflow
(``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from ml.figures import pngs
from ml.promotion import Decision
from ml.recommender.blend import HISTORY_STEPS
from ml.recommender.candidates import feature_names
from ml.recommender.generators import GENERATORS
from ml.recommender.linear import RIDGE
from ml.recommender.model import parameters_of
from ml.recommender.plots import draw
from ml.recommender.ranker import PARAMETERS, Ranker
from ml.recommender.training import TrainingPlan, TrainingResult
from ml.tracking import Part, Record

SERVED = Path(__file__).with_name("served.py")


def record(
    result: TrainingResult, plan: TrainingPlan, decision: Decision, folder: Path, tags: Mapping[str, str]
) -> Record:
    """Save the model into ``folder`` and describe the training.

    Parameters
    ----------
    tags
        Where it comes from: git commit, lock hash, inputs id.
    """
    model = result.model
    features = feature_names(model.generators) if model.ranker else model.generators
    return Record(
        model="recommender",
        folder=result.model.save(folder),
        code=SERVED,
        parameters={
            "as_of": plan.as_of.isoformat(),
            "taught_at": " ".join(day.isoformat() for day in plan.taught_at),
            "judged_at": plan.judged_at.isoformat(),
            "horizon_days": plan.horizon_days,
            "mode": result.model.mode,
            "order": result.model.order,
            "list_length": plan.shape.length,
            "discovery_slots": plan.shape.discovery_slots,
            "seed": plan.seed,
            "generators": " ".join(result.model.generators),
            "history_steps": " ".join(str(step) for step in HISTORY_STEPS),
        },
        metrics=metrics(result, decision),
        dataset={
            "purchases_taught": result.learned.purchases,
            "customers_judged": result.backtest.customers,
            "items": result.items,
        },
        data_hash=result.data_hash,
        features=("purchases", *features),
        outputs=("score",),
        tags={"as_of": plan.as_of.isoformat(), **tags},
        pictures=pngs(draw(result.backtest, result.model)),
        parts=parts(result),
    )


def parts(result: TrainingResult) -> dict[str, Part]:
    """Each generator by itself, the ranker that orders what they propose, and who orders the new among it."""
    model, found = result.model, dict[str, Part]()
    weights = model.blend.weights.mean(axis=0)
    for name, weight in zip(model.generators, weights, strict=True):
        hits = result.backtest.hits[name]
        parameters = parameters_of(GENERATORS[name](**model.parameters.get(name, {})))
        found[name] = Part(parameters, {**hits.summary(), "weight": float(weight)})
    if model.ranker:
        own = result.backtest.hits["model"].summary()
        found["ranker"] = _ordering(model.ranker, {**own, "candidate_recall": result.learned.candidate_recall})
    if model.new_items:
        weights = model.new_items.blend.weights.mean(axis=0).tolist()
        counts = {f"weight/{name}": weight for name, weight in zip(model.generators, weights, strict=True)}
        found["new_items"] = _ordering(model.new_items.ranker, counts)
    return found


def _ordering(ranker: Ranker, metrics: Mapping[str, float]) -> Part:
    gains = {f"gain/{name}": value for name, value in ranker.gains().items()}
    grown = {**PARAMETERS, "rounds": ranker.trees.booster.num_trees()} if ranker.trees else {}
    return Part({"ridge": RIDGE, **grown}, {**metrics, **gains})


def metrics(result: TrainingResult, decision: Decision) -> dict[str, float]:
    """Metrics of the backtest, and the gain in recall at 10 with its 95 % interval."""
    found = result.backtest.summary()
    for name, difference in decision.differences.items():
        prefix = f"gain_over_{name}/recall_at_10"
        found |= {prefix: difference.value, f"{prefix}_low": difference.low, f"{prefix}_high": difference.high}
    for reward, one in result.off_policy.items():
        found |= {f"off_policy/{reward}_{name}": float(value) for name, value in asdict(one).items()}
    return found
