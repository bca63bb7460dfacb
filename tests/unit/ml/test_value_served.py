"""What MLflow serves is the model that scores."""

import numpy as np
import pandas as pd
import pytest
from value_world import AS_OF, NAMES, OUTCOME, train_value, write_value_world

from ml.booster import Recipe
from ml.promotion import Decision
from ml.registry import champion, register
from ml.value.record import record
from ml.value.training import TrainingPlan


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = write_value_world(tmp_path_factory.mktemp("world"), customers=300, snapshots=15)
    plan = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=5))
    result = train_value(folder, plan)
    store = tmp_path_factory.mktemp("mlflow")
    written = record(result, plan, tmp_path_factory.mktemp("model") / "model", {})
    register(store, "demo", written, Decision(True, ("a test",)))
    features = pd.read_parquet(folder / "features.parquet").query("as_of_date == @AS_OF")[list(NAMES)]
    return store, written, result, features


def test_a_training_is_kept_with_pictures_and_numbers_and_becomes_champion(served):
    store, written, *_ = served
    assert set(written.pictures) == {"deciles.png", "gain.png", "level.png", "importance.png", "dependence.png"}
    assert champion(store, "demo", "value").spoken == "demo.value/1"


def test_mlflow_serves_all_customers_with_the_season_and_one_without(served):
    import mlflow

    store, _, result, features = served
    version = champion(store, "demo", "value")
    mlflow.set_tracking_uri(f"sqlite:///{(store / 'mlflow.db').resolve()}")
    model = mlflow.pyfunc.load_model(f"models:/{version.name}@champion")
    whole = model.predict(features.astype("float64"), params={"as_of": AS_OF.isoformat()})
    expected = result.model.predict(features.to_numpy(np.float32), NAMES, AS_OF)
    assert np.array_equal(whole["predicted_clv"], expected.spend)
    assert np.array_equal(whole["predicted_clv_high"], expected.high)
    alone = model.predict(features.iloc[:1].astype("float64"))
    own = result.model.parts(features.iloc[:1].to_numpy(np.float32), NAMES)
    assert alone["predicted_clv"].tolist() == own.spend.tolist()
    assert alone["expected_orders"].tolist() == own.orders.tolist()
    assert alone["predicted_clv_low"].isna().all(), "an interval hangs on the level, which one customer does not tell"
    assert list(alone) == list(whole) == model.metadata.signature.outputs.input_names()
