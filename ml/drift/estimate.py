"""How well today's probabilities would do if they were still calibrated: known at once, and blind to what matters most.

Belongs here: estimates without outcomes. Does not belong here: what outcomes say (``judged``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ml.evaluation import Floats, auc, lift, log_loss

BLIND = (
    "Computed from the probabilities alone, as if each were still right. It follows a change in who the customers are; "
    "it is blind to concept drift, a change in what the same customers do. Only outcomes show that."
)


@dataclass(frozen=True)
class IfCalibrated:
    """What the metrics are expected to be under P(churn | p) = p; NaN without customers."""

    auc: float
    log_loss: float
    rate: float
    lift_top_decile: float

    def as_dict(self) -> dict[str, float]:
        """By a name that says what it takes for granted, such as ``estimated_auc_if_calibrated``."""
        return {f"estimated_{name}_if_calibrated": value for name, value in asdict(self).items()}


def if_calibrated(p: Floats) -> IfCalibrated:
    """Expected metrics of probabilities (customers,), were each the true one of its customer.

    The expected confusion matrix at a threshold counts of everybody at or above it ``p`` as true and ``1 - p`` as
    false positives. So the expected ROC curve is that of customers who are churners to the part ``p`` and stayers to
    the part ``1 - p``, less the pairs that each would make with himself. Source: confidence-based performance
    estimation (CBPE), NannyML's documentation, "How it works: performance estimation".
    """
    if len(p) == 0:
        return IfCalibrated(*[float("nan")] * 4)
    own = float((p * (1 - p)).sum())
    pairs = float(p.sum() * (1 - p).sum())
    expected = (auc(p, p) * pairs - own / 2) / (pairs - own) if pairs > own else float("nan")
    return IfCalibrated(expected, log_loss(p, p), float(p.mean()), lift(p, p, 0.1))
