"""What MLflow serves is the model that scores, also where it is asked of one customer."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from churn_world import AS_OF, ENGINE, NAMES, PLAN, files, write_world

from ml.booster import Recipe
from ml.btyd.expectations import INACTIVE
from ml.churn.served import ServedChurn
from ml.churn.standing import FILE
from ml.churn.training import TrainingResult, train

GIVEN = [*NAMES, INACTIVE]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult, pd.DataFrame]:
    """A model with an expectation, which knows half of what there is to know, and the customers to score."""
    world = write_world(tmp_path_factory.mktemp("world"))
    features = pd.read_parquet(world / "features.parquet")
    features[INACTIVE] = 1 / (1 + np.exp(-(features["days_since_last_order"] / 60 - 0.8)))
    features.to_parquet(world / "features.parquet", index=False)
    plan = replace(PLAN, expectation=INACTIVE, recipe=Recipe(rounds=20), backtest_dates=2)
    result = train(files(world), plan, ENGINE)
    assert isinstance(result, TrainingResult)
    customers = features.loc[features["as_of_date"] == AS_OF, GIVEN]
    return result.save(tmp_path_factory.mktemp("model")), result, customers


def serve(folder: Path, customers: pd.DataFrame, as_of: str = "") -> np.ndarray:
    model = ServedChurn()
    model.load_context(SimpleNamespace(artifacts={"model": folder}))
    return model.predict(customers, {"as_of": as_of})["churn_probability"].to_numpy()


def test_a_customer_alone_gets_the_score_that_they_get_among_all(
    trained: tuple[Path, TrainingResult, pd.DataFrame],
) -> None:
    folder, result, customers = trained
    X = customers.to_numpy(np.float32)
    scored = result.model.predict(X, GIVEN, result.model.level(X, AS_OF))
    assert np.array_equal(serve(folder, customers, AS_OF.isoformat()), scored)
    assert np.array_equal(serve(folder, customers), scored), "without an as-of, that of the training"
    for as_of in ("", AS_OF.isoformat()):
        alone = [serve(folder, customers.iloc[k : k + 1], as_of)[0] for k in range(20)]
        assert alone == pytest.approx(scored[:20], abs=1e-12)
        assert np.abs(alone - customers[INACTIVE].to_numpy()[:20]).max() > 0.2, "more than the expectation"


def test_all_customers_of_another_date_tell_its_level(trained: tuple[Path, TrainingResult, pd.DataFrame]) -> None:
    folder, result, customers = trained
    later, staler = AS_OF + timedelta(30), customers.assign(**{INACTIVE: 0.9})
    X = staler.to_numpy(np.float32)
    found = serve(folder, staler, later.isoformat())
    assert np.array_equal(found, result.model.predict(X, GIVEN, result.model.level(X, later)))


def test_a_model_of_an_earlier_release_is_served_as_it_was(
    trained: tuple[Path, TrainingResult, pd.DataFrame], tmp_path: Path
) -> None:
    _, result, customers = trained
    folder = result.save(tmp_path / "earlier")
    (folder / FILE).unlink()
    X = customers.to_numpy(np.float32)[:1]
    level = result.model.level(X, result.model.snapshots[-1])
    assert np.array_equal(serve(folder, customers.iloc[:1]), result.model.predict(X, GIVEN, level))
