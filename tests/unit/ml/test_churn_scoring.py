from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from ml.booster import Recipe
from ml.churn import scoring
from ml.churn.model import ChurnModel
from ml.churn.reasons import leaders, reasons
from ml.churn.score_file import Ranks, ScoreFile, bands, schema
from ml.churn.scoring import ScoringPlan, score
from ml.churn.training import Sources, TrainingPlan, train
from ml.engine import Engine
from ml.model import FeatureMismatchError
from ml.splits import Outcome

AS_OF, OUTCOME, ENGINE = date(2024, 6, 1), Outcome(30, 5), Engine(threads=1)
PLAN = ScoringPlan(AS_OF, OUTCOME, active_days=365, batch_rows=2048)
PRODUCED = "dbt_project/models/sources/produced.yml"


def write_world(folder, customers=3000):
    rng = np.random.default_rng(2)
    parts = []
    for day in (date(2024, 1, 1), date(2024, 2, 10), date(2024, 3, 20), AS_OF):
        recency = rng.integers(1, 200, customers)
        churned = pd.Series(rng.random(customers) < recency / 200, dtype="boolean")
        parts.append(pd.DataFrame({
            "as_of_date": day, "customer_id": [f"c_{n:05d}" for n in range(customers)],
            "days_since_last_order": recency, "order_gap_median_days": np.where(recency % 3, 30.0, np.nan),
            "orders_90d": rng.poisson(2, customers), "orders_180d": rng.poisson(4, customers),
            "sessions_30d": rng.poisson(3, customers), "is_eligible": True, "is_profiled": True,
            "has_churned": churned.mask(np.full(customers, day == AS_OF)),
        }))  # fmt: skip
    world = pd.concat(parts)
    scored = world["as_of_date"] == AS_OF
    world.loc[scored & (world["customer_id"] == "c_00003"), "is_eligible"] = False
    world.loc[scored & (world["customer_id"] == "c_00005"), "is_profiled"] = False
    world["status_if_not_eligible"] = np.where(world["customer_id"] == "c_00009", "notice_given", "not_eligible")
    world.loc[scored & (world["customer_id"] == "c_00009"), "is_eligible"] = False
    labels = ["is_eligible", "status_if_not_eligible", "has_churned", "is_profiled"]
    world.drop(columns=labels).to_parquet(folder / "features.parquet", index=False)
    unlabelled = scored & (world["customer_id"] == "c_00007")
    world.loc[~unlabelled, ["as_of_date", "customer_id", *labels]].to_parquet(folder / "labels.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def model(world, tmp_path_factory):
    plan = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=20))
    sources = Sources(world / "features.parquet", world / "labels.parquet")
    return train(sources, plan, ENGINE).save(tmp_path_factory.mktemp("m"))


def score_in(world, out, model, plan=PLAN, engine=ENGINE):
    files = world / "features.parquet", world / "labels.parquet", out
    return score(*files, plan, engine, model_folder=model, model_version="demo.churn/1")


@pytest.fixture(scope="module")
def scores(world, model, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "churn_scores.parquet"
    score_in(world, out, model)
    return pd.read_parquet(out).set_index("customer_id")


def test_the_file_has_exactly_the_columns_of_the_contract(pytestconfig):
    sources = yaml.safe_load((pytestconfig.rootpath / PRODUCED).read_text())["sources"]
    tables = [table for source in sources if source["name"] == "ml" for table in source["tables"]]
    contract = next(table for table in tables if table["name"] == "churn_scores")
    types = {"date": "date32[day]", "varchar": "string", "double": "double", "integer": "int32"}
    expected = [(c["name"], types[c["data_type"]]) for c in contract["columns"]]
    assert [(f.name, str(f.type)) for f in schema()] == expected


def test_every_customer_of_the_as_of_is_there_once_in_order(scores):
    assert len(scores) == 3000
    assert scores.index.is_monotonic_increasing
    assert scores.index.is_unique


@pytest.mark.parametrize(
    ("customer", "status"),
    [
        ("c_00003", "not_eligible"),
        ("c_00005", "not_profiled"),
        ("c_00007", "not_profiled"),
        ("c_00008", "scored"),
        ("c_00009", "notice_given"),
    ],
)
def test_nobody_is_scored_who_is_not_eligible_or_not_known_to_permit_profiling(scores, customer, status):
    row = scores.loc[customer]
    assert row["status"] == status
    values = row[["churn_probability", "churn_percentile", "churn_band", "reason_1", "reason_1_words"]]
    assert values.notna().all() if status == "scored" else values.isna().all()


def test_probabilities_are_rounded_and_percentiles_rise_with_them(scores):
    scored = scores[scores["status"] == "scored"].sort_values("churn_probability")
    assert (scored["churn_probability"].round(6) == scored["churn_probability"]).all()
    assert scored["churn_percentile"].is_monotonic_increasing
    assert scored["churn_percentile"].mean() == pytest.approx(0.5, abs=1e-6)


def test_ties_share_the_mean_percentile_and_the_unscored_have_none():
    ranks = Ranks()
    for part in ([0.2, np.nan, 0.5], [0.5, 0.9]):
        ranks.add(np.array(part))
    assert ranks.percentiles(np.array([0.5, np.nan, 0.9, 0.2])).tolist()[::2] == [0.5, 0.875]
    assert np.isnan(ranks.percentiles(np.array([np.nan]))[0])
    assert ranks.mean == pytest.approx(0.525)


def test_bands_are_odds_against_the_usual_ones():
    assert bands(np.array([0.33, 0.34, 0.66, 0.67]), 0.5).tolist() == ["low", "medium", "medium", "high"]
    assert bands(np.array([0.02, 0.05, 0.10]), 0.05).tolist() == ["low", "medium", "high"]


def test_batches_blocks_and_threads_do_not_change_a_byte(world, model, tmp_path, scores, monkeypatch):
    score_in(world, tmp_path / "a.parquet", model)
    monkeypatch.setattr("ml.churn.explain.BLOCK_ROWS", 100)
    score_in(world, tmp_path / "b.parquet", model, engine=Engine(threads=2))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    score_in(world, tmp_path / "c.parquet", model, plan=ScoringPlan(AS_OF, OUTCOME, 365, batch_rows=100_000))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "c.parquet").set_index("customer_id"), scores)


def test_compiled_or_not_the_file_has_the_same_bytes(world, model, tmp_path, monkeypatch):
    score_in(world, tmp_path / "few.parquet", model)
    monkeypatch.setattr(scoring, "COMPILED_ROWS", 3000)
    monkeypatch.setattr("ml.shapley.interpreted.add_to", None)
    score_in(world, tmp_path / "many.parquet", model, engine=Engine(threads=2))
    assert (tmp_path / "few.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()


def test_probabilities_are_those_of_the_model_and_reasons_those_of_exact_shapley_values(world, model, scores):
    features = pd.read_parquet(world / "features.parquet").query("as_of_date == @AS_OF").set_index("customer_id")
    kept, X = ChurnModel.load(model), features.loc[scores.index[scores["status"] == "scored"]]
    X = X[list(ChurnModel.load(model).names)].to_numpy(np.float32)
    scored = scores[scores["status"] == "scored"]
    assert (scored["churn_probability"] == kept.predict(X, kept.names, kept.level(X, AS_OF)).round(6)).all()
    trees, logistic = kept.weights
    exact = trees * kept.trees.booster.predict(X, pred_contrib=True).T
    kept.logistic.add_explained(exact, X.T, logistic)
    assert (scored["reason_1"] == reasons(leaders(exact[:-1], kept.names), X, kept.names).name.text()[:, 0]).all()


def test_new_features_are_ignored_and_named_and_order_in_the_file_does_not_matter(world, model, tmp_path, scores):
    features = pd.read_parquet(world / "features.parquet").assign(brand_new=1.0)
    features[features.columns[::-1]].to_parquet(tmp_path / "features.parquet", index=False)
    files = tmp_path / "features.parquet", world / "labels.parquet", tmp_path / "s.parquet"
    summary = score(*files, PLAN, ENGINE, model_folder=model, model_version="demo.churn/1")
    assert summary.ignored_features == ("brand_new",)
    pd.testing.assert_frame_equal(pd.read_parquet(files[2]).set_index("customer_id"), scores)


def test_a_missing_feature_is_named_and_nothing_is_written(world, model, tmp_path):
    features = pd.read_parquet(world / "features.parquet").rename(columns={"orders_90d": "orders_90_days"})
    features.to_parquet(tmp_path / "features.parquet", index=False)
    files = tmp_path / "features.parquet", world / "labels.parquet", tmp_path / "s.parquet"
    with pytest.raises(FeatureMismatchError, match=r"missing orders_90d \(renamed to orders_90_days\?\)"):
        score(*files, PLAN, ENGINE, model_folder=model, model_version="demo.churn/1")
    assert not files[2].exists()


def test_without_a_model_the_fallback_speaks_and_says_so(world, tmp_path):
    summary = score_in(world, tmp_path / "s.parquet", None)
    scores = pd.read_parquet(tmp_path / "s.parquet").query("status == 'insufficient_data'")
    assert summary.statuses["insufficient_data"] == len(scores) == 2996
    assert set(scores["model_version"]) == {"fallback:recency"}
    assert set(scores["reason_1"].dropna()) == {"+days_since_last_order", "-days_since_last_order"}
    assert scores["reason_2"].isna().all()


def test_where_churn_is_told_from_orders_the_model_of_repeat_purchase_speaks_and_says_so(world, tmp_path):
    features = pd.read_parquet(world / "features.parquet")
    features["btyd_inactive_probability"] = features["days_since_last_order"] / 200
    features.to_parquet(tmp_path / "features.parquet", index=False)
    files = tmp_path / "features.parquet", world / "labels.parquet", tmp_path / "s.parquet"
    plan = replace(PLAN, expectation="btyd_inactive_probability")
    summary = score(*files, plan, ENGINE, model_folder=None, model_version=None)
    scores = pd.read_parquet(files[2]).query("status == 'insufficient_data'").set_index("customer_id")
    told = features.query("as_of_date == @AS_OF").set_index("customer_id")["btyd_inactive_probability"]
    assert set(scores["model_version"]) == {summary.model_version} == {"fallback:mbg_nbd"}
    assert summary.why_fallback.startswith("by recency log-loss would have been less by -0.")
    assert np.allclose(scores["churn_probability"], told[scores.index])
    assert set(scores["reason_1"].dropna()) == {"+btyd_inactive_probability", "-btyd_inactive_probability"}
    assert (scores["reason_1"].str[0] == "+").eq(scores["churn_probability"] > told[scores.index].mean()).mean() > 0.99


class Told:
    """Lifetimes that say what they were asked: half a day more than the visits, and a thousand for who is leaving."""

    names = ("sessions_30d",)

    def days(self, X, is_leaving, *, threads=1):  # noqa: ARG002
        return np.where(X[:, 0] > 8, np.nan, X[:, 0] + 0.5 + 1000 * is_leaving)


@pytest.mark.parametrize("has_model", [True, False])
def test_lifetimes_are_told_of_all_who_may_be_profiled_in_whole_days(world, model, tmp_path, has_model):
    out = tmp_path / "s.parquet"
    files = world / "features.parquet", world / "labels.parquet", out
    given = {"model_folder": model if has_model else None, "model_version": "demo.churn/1"}
    score(*files, PLAN, ENGINE, lifetimes=Told(), **given)
    told = pd.read_parquet(out).set_index("customer_id")["expected_remaining_lifetime_days"]
    features = pd.read_parquet(world / "features.parquet").query("as_of_date == @AS_OF").set_index("customer_id")
    visits = features["sessions_30d"].astype(float)
    expected = (visits + 1).mask(visits > 8).mask(visits.index.isin(["c_00005", "c_00007"]))
    expected["c_00009"] += 1000
    assert told.isna().sum() > 2
    pd.testing.assert_series_equal(told.astype(float), expected, check_names=False)


def test_without_anybody_to_tell_lifetimes_there_are_none_and_a_feature_they_lack_is_named(world, model, tmp_path):
    score_in(world, tmp_path / "s.parquet", model)
    assert pd.read_parquet(tmp_path / "s.parquet")["expected_remaining_lifetime_days"].isna().all()
    asking = Told()
    asking.names = ("sessions_31d",)
    files = world / "features.parquet", world / "labels.parquet", tmp_path / "t.parquet"
    with pytest.raises(FeatureMismatchError, match="missing sessions_31d"):
        score(*files, PLAN, ENGINE, model_folder=model, model_version="demo.churn/1", lifetimes=asking)


def test_an_as_of_without_customers_gives_an_empty_file_with_the_columns(world, model, tmp_path):
    summary = score_in(world, tmp_path / "s.parquet", model, plan=ScoringPlan(date(2030, 1, 1), OUTCOME, 365))
    assert summary.rows == 0
    assert pq.read_schema(tmp_path / "s.parquet") == schema()


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
