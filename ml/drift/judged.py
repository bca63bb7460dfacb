"""How scores did once it was known what happened, each figure beside what chance alone explains.

Belongs here: the few figures by which performance is followed over time, the same for a probability and an amount.
Does not belong here: the metrics themselves (``ml.evaluation``, ``ml.amounts``) and what follows (``retraining``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np

from ml import amounts, evaluation
from ml.bootstrap import gini_error
from ml.drift.estimate import if_calibrated
from ml.evaluation import Floats

PLACES = 6


@dataclass(frozen=True)
class Judged:
    """Scores held against outcomes; NaN where nothing can be told."""

    customers: int
    happened: float
    """Mean outcome."""
    expected: float
    """Mean score."""
    ranking: float
    """AUC of a probability, normalised Gini of an amount."""
    ranking_error: float
    """Its standard error by the draw of customers."""
    level: float
    """Calibration error of a probability, total bias of an amount."""
    level_noise: float
    """What a perfect level would show by chance, 95 %."""
    further: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Numbers of six places, null for NaN."""
        numbers = {name: _number(value) for name, value in asdict(self).items() if name not in ("customers", "further")}
        further = {name: _number(value) for name, value in self.further.items()}
        return {"customers": self.customers, **numbers, "further": further}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Judged:
        return cls(
            customers=content["customers"],
            happened=_back(content["happened"]),
            expected=_back(content["expected"]),
            ranking=_back(content["ranking"]),
            ranking_error=_back(content["ranking_error"]),
            level=_back(content["level"]),
            level_noise=_back(content["level_noise"]),
            further={name: _back(value) for name, value in content["further"].items()},
        )


def judge_probabilities(y: Floats, p: Floats, *, seed: int = 0) -> Judged:
    """Probabilities against a yes-or-no, (customers,) each."""
    metrics = evaluation.evaluate(y, p, seed=seed)
    return Judged(
        customers=len(y),
        happened=metrics.churn_rate,
        expected=metrics.mean_probability,
        ranking=metrics.auc,
        ranking_error=evaluation.auc_error(y, p),
        level=metrics.calibration_error,
        level_noise=metrics.calibration_error_noise,
        further={"log_loss": metrics.log_loss, "estimated_auc_if_calibrated": if_calibrated(p).auc},
    )


def judge_amounts(y: Floats, p: Floats, *, seed: int = 0) -> Judged:
    """Expected amounts against what happened (nothing below 0), (customers,) each."""
    metrics = amounts.evaluate(y, p)
    return Judged(
        customers=len(y),
        happened=metrics.mean_outcome,
        expected=metrics.mean_prediction,
        ranking=metrics.gini,
        ranking_error=gini_error(y, p, seed=seed),
        level=metrics.total_bias,
        level_noise=1.96 * amounts.total_bias_error(y, p),
        further={"mae": metrics.mae},
    )


@dataclass(frozen=True)
class Realised:
    """The scores of one earlier as-of, judged when the outcome was known."""

    as_of: date
    inputs_id: str
    version: str
    """Model that scored, such as ``demo.churn/3``."""
    judged: Judged

    def figures(self, measures: tuple[str, str]) -> dict[str, float]:
        """What is logged of it, given what ranking and level are called."""
        told = zip(measures, (self.judged.ranking, self.judged.level), strict=True)
        means = {"mean_outcome": self.judged.happened, "mean_score": self.judged.expected}
        return {f"realised/{name.lower().replace(' ', '_')}": value for name, value in (*told, *means.items())}

    def to_json(self) -> dict[str, Any]:
        return {
            "as_of": self.as_of.isoformat(), "inputs_id": self.inputs_id, "version": self.version,
            **self.judged.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Realised:
        rest = dict(content)
        day, inputs_id, version = (rest.pop(name) for name in ("as_of", "inputs_id", "version"))
        return cls(date.fromisoformat(day), inputs_id, version, Judged.from_json(rest))


def _number(value: float) -> float | None:
    return round(float(value), PLACES) if np.isfinite(value) else None


def _back(value: float | None) -> float:
    return float("nan") if value is None else value
