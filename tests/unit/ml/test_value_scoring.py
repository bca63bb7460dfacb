import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from lightgbm import Booster
from value_world import AS_OF, ENGINE, OUTCOME, train_value, write_value_world

from ml.booster import Recipe
from ml.engine import Engine
from ml.model import FeatureMismatchError
from ml.value import scoring
from ml.value.model import ValueModel
from ml.value.rhythm import COLUMNS as RHYTHM
from ml.value.rhythm import days_to_next_order
from ml.value.score_file import ScoreFile, schema
from ml.value.scoring import ScoringPlan, Sources, score
from ml.value.training import TrainingPlan

PLAN = ScoringPlan(AS_OF, OUTCOME, batch_rows=2048)
PRODUCED = "dbt_project/models/sources/produced.yml"
AMOUNTS = ["expected_orders", "expected_spend", "expected_margin", "predicted_clv"]
ENDS = ["predicted_clv_low", "predicted_clv_high"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = write_value_world(tmp_path_factory.mktemp("world"), customers=3000, snapshots=6)
    labels = pd.read_parquet(folder / "labels.parquet")
    scored = labels["as_of_date"] == AS_OF
    labels.loc[scored & (labels["customer_id"] == "c_00003"), "is_eligible"] = False
    labels.loc[scored & (labels["customer_id"] == "c_00005"), "is_profiled"] = False
    labels = labels[~(scored & (labels["customer_id"] == "c_00007"))]
    labels.to_parquet(folder / "labels.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def model(world, tmp_path_factory):
    plan = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=10))
    return train_value(world, plan).save(tmp_path_factory.mktemp("model"))


def score_in(world, out, model, plan=PLAN, engine=ENGINE):
    files = (world / f"{name}.parquet" for name in ("features", "labels", "margins"))
    return score(Sources(*files, engine), out, plan, model_folder=model, model_version="demo.value/1")


@pytest.fixture(scope="module")
def scores(world, model, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "value_scores.parquet"
    score_in(world, out, model)
    return pd.read_parquet(out).set_index("customer_id")


def test_the_file_has_exactly_the_columns_of_the_contract(pytestconfig):
    sources = yaml.safe_load((pytestconfig.rootpath / PRODUCED).read_text())["sources"]
    tables = [table for source in sources if source["name"] == "ml" for table in source["tables"]]
    contract = next(table for table in tables if table["name"] == "value_scores")
    types = {"date": "date32[day]", "varchar": "string", "double": "double"}
    expected = [(c["name"], types[c["data_type"]]) for c in contract["columns"]]
    assert [(f.name, str(f.type)) for f in schema()] == expected


@pytest.mark.parametrize(
    ("customer", "status"),
    [("c_00003", "not_eligible"), ("c_00005", "not_profiled"), ("c_00007", "not_profiled"), ("c_00008", "scored")],
)
def test_nobody_is_valued_who_is_not_eligible_or_not_known_to_permit_profiling(scores, customer, status):
    row = scores.loc[customer]
    assert row["status"] == status
    assert row[AMOUNTS + ENDS].notna().all() if status == "scored" else row[AMOUNTS + ENDS].isna().all()
    assert status == "scored" or row["expected_date_of_next_order"] is None


def test_every_customer_is_there_once_in_order_and_amounts_belong_together(scores):
    assert len(scores) == 3000
    assert scores.index.is_monotonic_increasing
    scored = scores[scores["status"] == "scored"]
    assert (scored["predicted_clv_low"] <= scored["predicted_clv"]).all()
    assert (scored["predicted_clv"] <= scored["predicted_clv_high"]).all()
    assert (scored[AMOUNTS + ENDS] >= 0).all().all()


def test_a_tenth_that_comes_back_and_two_fifths_margin_are_found_again(scores):
    scored = scores[scores["status"] == "scored"]
    assert (scored["predicted_clv"] / scored["expected_spend"]).to_numpy() == pytest.approx(0.9, abs=1e-4)
    assert (scored["expected_margin"] / scored["predicted_clv"]).to_numpy() == pytest.approx(0.4, abs=1e-3)


def test_without_unit_costs_there_is_no_margin(world, model, tmp_path):
    for name in ("features", "labels"):
        (tmp_path / f"{name}.parquet").write_bytes((world / f"{name}.parquet").read_bytes())
    pd.read_parquet(world / "margins.parquet").iloc[:0].to_parquet(tmp_path / "margins.parquet", index=False)
    score_in(tmp_path, tmp_path / "s.parquet", model)
    scores = pd.read_parquet(tmp_path / "s.parquet")
    assert scores["expected_margin"].isna().all()
    assert scores["predicted_clv"].notna().sum() == 2997


def due(folder, scores, orders_a_day=1.0):
    """When the next orders were said to be due, and when they are by the orders expected and the customers' rhythm."""
    features = pd.read_parquet(folder / "features.parquet").query("as_of_date == @AS_OF").set_index("customer_id")
    told = scores.join(features[list(RHYTHM)]).query("status == 'scored'")
    variation = (features["order_gap_std_days"] / features["order_gap_mean_days"]).median()
    pace = told["expected_orders"].to_numpy() / orders_a_day / OUTCOME.horizon_days
    days = days_to_next_order(pace, *(told[name].to_numpy() for name in RHYTHM), variation)
    return told["expected_date_of_next_order"].tolist(), [AS_OF + timedelta(int(one)) for one in days]


def test_the_next_order_is_due_by_the_orders_expected_and_the_customers_rhythm(world, scores):
    told, expected = due(world, scores)
    assert told == expected


def test_orders_of_one_day_are_one_beat_of_the_rhythm(tmp_path):
    folder = write_value_world(tmp_path, customers=300, snapshots=6, is_expected=True)
    own = train_value(folder, TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=5))).model
    twice = replace(own, orders=replace(own.orders, base=replace(own.orders.base, times=2.0)))
    score_in(folder, tmp_path / "scores.parquet", twice.save(tmp_path / "model"))
    told, expected = due(folder, pd.read_parquet(tmp_path / "scores.parquet").set_index("customer_id"), 2.0)
    assert told == expected


def test_a_model_from_before_hindsight_is_read_with_days_for_orders(tmp_path):
    folder = write_value_world(tmp_path, customers=300, snapshots=6, is_expected=True)
    kept = train_value(folder, TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=5))).save(tmp_path / "model")
    content = json.loads((kept / "model.json").read_text())
    content["format"] = 2
    for name in ("spend", "orders"):
        del content[name]["hindsight"]
        content[name]["base"]["kept"] = content[name]["base"].pop("times")
    (kept / "model.json").write_text(json.dumps(content))
    found = ValueModel.load(kept)
    assert (found.spend.hindsight, found.orders_a_day) == (0.0, 1.0)
    assert found.spend.base.times == content["spend"]["base"]["kept"]


def test_batches_and_threads_do_not_change_a_value(world, model, tmp_path, scores):
    score_in(world, tmp_path / "a.parquet", model)
    score_in(world, tmp_path / "b.parquet", model, engine=Engine(threads=2))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    score_in(world, tmp_path / "c.parquet", model, plan=ScoringPlan(AS_OF, OUTCOME, batch_rows=100_000))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "c.parquet").set_index("customer_id"), scores)


def test_compiled_or_not_the_file_has_the_same_bytes(world, model, tmp_path, monkeypatch):
    score_in(world, tmp_path / "few.parquet", model)
    monkeypatch.setattr(scoring, "COMPILED_ROWS", 3000)
    monkeypatch.setattr(Booster, "predict", None)
    score_in(world, tmp_path / "many.parquet", model, engine=Engine(threads=2))
    assert (tmp_path / "few.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()


def test_without_a_model_the_own_pace_speaks_and_says_so(world, tmp_path):
    summary = score_in(world, tmp_path / "s.parquet", None)
    scores = pd.read_parquet(tmp_path / "s.parquet").query("status == 'insufficient_data'")
    assert summary.statuses["insufficient_data"] == len(scores) == 2997
    assert set(scores["model_version"]) == {"fallback:historical_average"}
    assert scores[AMOUNTS].notna().all().all()
    assert scores[ENDS].isna().all().all(), "nothing has measured an interval"


def test_a_missing_feature_is_named_and_nothing_is_written(world, model, tmp_path):
    for name in ("labels", "margins"):
        (tmp_path / f"{name}.parquet").write_bytes((world / f"{name}.parquet").read_bytes())
    features = pd.read_parquet(world / "features.parquet").rename(columns={"visits": "visit"})
    features.to_parquet(tmp_path / "features.parquet", index=False)
    with pytest.raises(FeatureMismatchError, match=r"missing visits \(renamed to visit\?\)"):
        score_in(tmp_path, tmp_path / "s.parquet", model)
    assert not (tmp_path / "s.parquet").exists()


@pytest.mark.parametrize("has_model", [True, False])
def test_an_as_of_without_customers_gives_an_empty_file_with_the_columns(world, model, tmp_path, has_model):
    plan = ScoringPlan(date(2030, 1, 1), OUTCOME)
    summary = score_in(world, tmp_path / "s.parquet", model if has_model else None, plan=plan)
    assert summary.rows == 0
    assert pq.read_schema(tmp_path / "s.parquet") == schema()
    assert np.isfinite(summary.level_factor)


def test_a_failure_half_way_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "s.parquet"
    path.write_text("old")

    def fail():
        with ScoreFile(path):
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["s.parquet"]
