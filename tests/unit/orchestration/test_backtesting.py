"""What a backtest may say, and of which dates."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import corner_shop

from ml import amounts
from ml.bootstrap import paired_bootstrap
from ml.btyd.expectations import INACTIVE
from ml.rolling import Judged
from ml.snapshots import day_number
from ml.splits import Outcome
from ml.value.training import TrainingPlan
from orchestration import backtesting
from orchestration.shop import ShopError

DAYS = (date(2025, 1, 1), date(2025, 2, 1))
ROWS = 60


def backtest(kind: str = "time") -> Any:
    """Two dates; on the first a model of repeat purchase could not be fitted."""
    rng = np.random.default_rng(3)
    y = (rng.random(2 * ROWS) < 0.5).astype(float)
    said = {name: np.clip(0.5 + 0.2 * (y - 0.5) + rng.normal(0, 0.1, len(y)), 0.01, 0.99) for name in ("model", "btyd")}
    said["btyd"][:ROWS] = np.nan
    day = np.repeat([day_number(one) for one in DAYS], ROWS).astype(np.int32)
    return SimpleNamespace(judged=Judged(day, np.tile(np.arange(ROWS), 2), y, said), dates=DAYS, metrics={}, kind=kind)


def test_a_baseline_that_could_not_speak_on_a_date_is_held_against_on_the_others() -> None:
    found = backtesting._compared("churn", backtest(), paired_bootstrap, 3, {}, {})
    assert found.rows == 2 * ROWS
    assert set(found.differences) == {"btyd"}
    assert all(day == DAYS[1] for day, *_ in found.worse_on)


def test_features_that_were_others_on_their_day_are_not_judged_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = corner_shop(tmp_path, "").workspace
    for folder, leaking in (("then", np.nan), ("now", 1.0)):
        (tmp_path / folder).mkdir()
        rows = {"as_of_date": DAYS[1], "customer_id": ["c_1", "c_2"], "orders_90d": [1.0, np.nan], INACTIVE: leaking}
        features = pd.DataFrame({**rows, "target_mean": [leaking, 0.0]})
        features.to_parquet(tmp_path / folder / "customer_features.parquet", index=False)
    monkeypatch.setattr(backtesting, "snapshots", lambda _, inputs: tmp_path / inputs)
    monkeypatch.setattr(backtesting, "fresh", lambda *_, **__: "then")
    for model in ("_churn", "_value"):
        monkeypatch.setattr(backtesting, model, lambda *_: None)
    for seen, refusal in (
        ("then", "too little was known"),
        ("now", r"2025-02-01 .*: target_mean \(1 of 2 customers\)$"),
    ):
        monkeypatch.setattr(backtesting, "inputs_of", lambda *_, seen=seen: seen)
        with pytest.raises(ShopError, match=refusal):
            backtesting.backtest(workspace, *DAYS)


def test_values_are_held_against_each_baseline_in_rank_as_in_gini(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    y = rng.gamma(1.0, 50.0, 2 * ROWS)
    said = {"model": y + rng.normal(0, 5, len(y)), "random": rng.gamma(1.0, 50.0, len(y))}
    judged = Judged(backtest().judged.day, backtest().judged.customers, y, said)
    metrics = {name: amounts.evaluate(y, one) for name, one in said.items()}
    result = SimpleNamespace(backtest=SimpleNamespace(judged=judged, dates=DAYS, metrics=metrics, kind="time"))
    monkeypatch.setattr(backtesting.value, "training_plan", lambda *_: TrainingPlan(DAYS[1], Outcome(30, 0)))
    monkeypatch.setattr(backtesting.value, "train_on", lambda *_: result)
    for name in ("plots.draw", "record.interval_metrics"):
        monkeypatch.setattr(f"ml.value.{name}", lambda *_: {})
    monkeypatch.setattr(backtesting, "_of_the_interval", lambda *_: ())
    found = backtesting._value(None, None, 2)  # type: ignore[arg-type]
    assert found is not None
    assert 0.5 < found.differences["random"]["spearman"].low < found.differences["random"]["spearman"].high
    [said_of_it] = [line for line in backtesting.lines(found) if "against random" in line]
    assert "gini +" in said_of_it
    assert "spearman +" in said_of_it


@pytest.mark.parametrize(
    ("kind", "dates", "is_whole"), [("time", 2, True), ("customers", 2, False), ("time", 3, False)]
)
def test_only_what_models_of_an_earlier_time_said_of_every_date_is_a_backtest(
    kind: str, dates: int, *, is_whole: bool
) -> None:
    assert backtesting._is_whole(backtest(kind), dates) is is_whole
