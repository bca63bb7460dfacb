"""A feature that knows the outcome is told by what it was before the outcome was known."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from churn_world import ENGINE, NAMES, PLAN, files, train_in, write_world

from ml.btyd.expectations import INACTIVE
from ml.leaks import hindsight


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


def planted(world: Path, folder: Path, *, with_own: bool) -> Path:
    """The customer's mean label as one more feature: with that of the date itself, or of earlier dates alone."""
    features, labels = (pd.read_parquet(world / f"{name}.parquet") for name in ("features", "labels"))
    y = labels.pivot_table(index="as_of_date", columns="customer_id", values="has_churned", aggfunc="first")
    y = y.astype(float).shift(0 if with_own else 1).expanding().mean()
    mean = y.reset_index().melt("as_of_date", value_name="target_mean")
    folder.mkdir(exist_ok=True)
    features.merge(mean, how="left").to_parquet(folder / "features.parquet", index=False)
    (folder / "labels.parquet").write_bytes((world / "labels.parquet").read_bytes())
    return folder


def day_of(world: Path) -> date:
    return max(day for day in _days(world) if day < PLAN.as_of)


def _days(world: Path) -> list[date]:
    return [pd.Timestamp(day).date() for day in pd.read_parquet(world / "features.parquet")["as_of_date"].unique()]


def told(then: Path, now: Path, **given: object) -> dict[str, tuple[int, int]]:
    return hindsight(files(then).features, files(now).features, day_of(now), ENGINE, **given)  # type: ignore[arg-type]


def test_a_mean_of_the_customers_own_outcome_flatters_a_backtest_and_is_told(world: Path, tmp_path: Path) -> None:
    leaking, honest = (planted(world, tmp_path / str(own), with_own=own) for own in (True, False))
    flattered, fair = (train_in(folder).backtest.metrics["model"].auc for folder in (leaking, honest))
    assert flattered > fair + 0.05, "dates that are kept apart do not tell it"
    assert set(told(honest, leaking)) == {"target_mean"}
    assert told(leaking, leaking) == {}


def test_a_feature_that_was_not_there_or_was_not_known_on_that_day_is_told(world: Path, tmp_path: Path) -> None:
    leaking = planted(world, tmp_path / "leaking", with_own=True)
    assert told(world, leaking) == {"target_mean": (300, 300)}
    unknown = pd.read_parquet(leaking / "features.parquet").assign(target_mean=np.nan)
    (tmp_path / "unknown").mkdir()
    unknown.to_parquet(tmp_path / "unknown" / "features.parquet", index=False)
    assert told(tmp_path / "unknown", leaking) == {"target_mean": (300, 300)}


def test_unknown_is_unknown_and_what_hangs_on_others_may_differ(world: Path, tmp_path: Path) -> None:
    assert "never_known" in NAMES
    features = pd.read_parquet(world / "features.parquet")
    for name, value in (("then", 0.2), ("now", 0.3)):
        (tmp_path / name).mkdir()
        features.assign(**{INACTIVE: value}).to_parquet(tmp_path / name / "features.parquet", index=False)
    assert told(tmp_path / "then", tmp_path / "now", besides={INACTIVE}) == {}
    assert set(told(tmp_path / "then", tmp_path / "now")) == {INACTIVE}
