"""What of a backtest reaches the gate of churn and of value."""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ml.evaluation import expit, logit
from ml.promotion import Decision
from orchestration import churn, value

ROWS = 3000
SOME = np.arange(ROWS) < 600


def decided(
    monkeypatch: pytest.MonkeyPatch,
    stage: ModuleType,
    y: Any,
    said: dict[str, Any],
    *,
    customers: Any = None,
    segments: dict[str, Any] | None = None,
    unfit: str | None = None,
) -> Decision:
    """The gate's word on a backtest that no training is needed for."""
    backtest = SimpleNamespace(
        y=y,
        probabilities=said,
        predictions=said,
        judged=SimpleNamespace(customers=customers),
        segments=segments or {},
        champion_unfit=None,
    )
    result = SimpleNamespace(backtest=backtest)
    plan = SimpleNamespace(seed=1, rule=SimpleNamespace(name="recency"))
    monkeypatch.setattr(stage, "defence", lambda *_: (None, unfit))
    monkeypatch.setattr(stage, "training_plan", lambda *_: plan)
    monkeypatch.setattr(stage, "train_on", lambda *_, **__: result)
    monkeypatch.setattr(stage, "registered", lambda *arguments, **_: arguments[3])
    decision: Any = stage.train_challenger(None, None)
    assert isinstance(decision, Decision)
    return decision


def world(stage: ModuleType, rows: int, seed: int, spread: float) -> tuple[Any, Any, Any]:
    """What happened, the truth behind it, and a noisier word on it."""
    rng = np.random.default_rng(seed)
    if stage is churn:
        truth = expit(rng.normal(0, 1.2, rows))
        noisy = expit(logit(truth) + rng.normal(0, spread, rows))
        return (rng.random(rows) < truth).astype(float), truth, noisy
    truth = rng.gamma(0.7, 50.0, rows)
    y = truth * rng.gamma(1.0, 1.0, rows) * (rng.random(rows) < 0.6)
    return y, truth, truth * np.exp(rng.normal(0, spread, rows))


@pytest.mark.parametrize("stage", [churn, value])
def test_a_segment_that_is_worse_off_reaches_the_gate(monkeypatch: pytest.MonkeyPatch, stage: ModuleType) -> None:
    y, truth, noisy = world(stage, ROWS, 8, 1.5)
    said = {"model": np.where(SOME, noisy, truth), "champion": np.where(SOME, truth, noisy)}
    decision = decided(monkeypatch, stage, y, said, segments={"new customers": SOME})
    assert "the champion among new customers" in decision.words


@pytest.mark.parametrize("stage", [churn, value])
def test_a_customer_on_many_dates_reaches_the_gate_as_one(monkeypatch: pytest.MonkeyPatch, stage: ModuleType) -> None:
    y, truth, noisy = (np.tile(one, 30) for one in world(stage, 100, 9, 0.3))
    said, customers = {"model": noisy, "champion": truth}, np.tile(np.arange(100), 30)
    assert decided(monkeypatch, stage, y, said, customers=customers).is_promoted
    assert not decided(monkeypatch, stage, y, said).is_promoted, "as if everybody were thirty"


@pytest.mark.parametrize("stage", [churn, value])
def test_why_a_champion_cannot_defend_its_place_reaches_the_gate(
    monkeypatch: pytest.MonkeyPatch, stage: ModuleType
) -> None:
    y, truth, _ = world(stage, ROWS, 8, 1.5)
    decision = decided(monkeypatch, stage, y, {"model": truth}, unfit="it foretells another outcome")
    assert "the champion cannot be scored any more (it foretells another outcome)" in decision.words
