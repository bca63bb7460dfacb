"""One store for the whole module: a fresh one costs seconds."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml import registry
from ml.booster import Recipe, fit_trees
from ml.churn.model import ChurnModel
from ml.churn.record import SERVED
from ml.linear import fit_logistic
from ml.promotion import Decision
from ml.store import open_store, tracking_uri
from ml.tracking import log_follow_up

NAMES = ("days_since_last_order", "orders_90d")
PROMOTED, REFUSED = Decision(True, ("better",)), Decision(False, ("worse",))


def model(seed: int) -> ChurnModel:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(float)
    trees = fit_trees(X, y, NAMES, Recipe(rounds=2), seed=seed, threads=1)
    logistic, day = fit_logistic(X, y, np.arange(200)), date(2024, 1, 1)
    return ChurnModel(NAMES, trees, logistic, (0.5, 0.5), None, 0.0, 0.0, (day,), {day: 0.0}, 0.5)


def record(folder: Path, seed: int) -> registry.Record:
    return registry.Record(
        model="churn", folder=model(seed).save(folder / f"model{seed}"), code=SERVED, parameters={"seed": seed},
        metrics={"auc": 0.7, "undefined": float("nan")}, dataset={"rows": 200}, data_hash=f"{seed}" * 64,
        features=NAMES, outputs=("churn_probability",), tags={"git_commit": "abc"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {seed: record(folder, seed) for seed in (1, 2, 3)}


@pytest.fixture(scope="module")
def first(store, records):
    return registry.register(store, "demo", records[1], PROMOTED)


def client(store):
    return open_store(store)


def test_without_a_store_there_is_no_champion_and_none_is_made(tmp_path):
    assert registry.champion(tmp_path, "demo") is None
    assert list(tmp_path.iterdir()) == []


def test_a_promoted_model_becomes_champion_and_is_found_with_its_files(store, first):
    found = registry.champion(store, "demo")
    assert found == first
    assert found.spoken == "demo.churn/1"
    assert {p.name for p in found.folder.iterdir()} == {"model.json", "trees.txt"}
    assert found.content == registry.content_hash(found.folder)


def test_whoever_opens_the_run_reads_what_the_model_is_for(store, first):
    said = client(store).get_run(first.run_id).data.tags["mlflow.note.content"]
    assert said == client(store).get_model_version("demo.churn", "1").description
    assert "better" in said


def test_the_run_lasts_as_long_as_the_training_and_not_only_its_logging(tmp_path, records):
    began = time.time() - 600
    found = registry.register(tmp_path, "demo", records[1], PROMOTED, began=began)
    run = client(tmp_path).get_run(found.run_id)
    assert run.info.start_time == int(1000 * began)
    assert 600_000 <= run.info.end_time - run.info.start_time < 700_000
    assert run.info.run_name == "churn as of unknown"
    assert run.data.tags["git_commit"] == "abc"


@pytest.mark.usefixtures("first")
def test_another_shop_has_a_champion_of_its_own(store):
    assert registry.champion(store, "another") is None


def test_a_refused_model_is_registered_but_does_not_move_the_alias(store, first, records):
    refused = registry.register(store, "demo", records[2], REFUSED)
    assert refused.number > first.number
    assert registry.champion(store, "demo") == first


def test_the_same_training_again_takes_up_its_version_instead_of_a_second(store, first, records):
    again = registry.register(store, "demo", records[1], PROMOTED)
    assert again == first


def test_a_training_killed_before_the_alias_moved_is_finished_by_the_next(store, first, records, monkeypatch):
    from mlflow import MlflowClient

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(store, "demo", records[3], PROMOTED)
    assert registry.champion(store, "demo") == first
    finished = registry.register(store, "demo", records[3], PROMOTED)
    assert registry.champion(store, "demo") == finished
    versions = client(store).search_model_versions("name = 'demo.churn'")
    assert len([v for v in versions if v.tags[registry.CONTENT_TAG] == finished.content]) == 1


@pytest.mark.usefixtures("first")
def test_the_page_of_the_experiment_compares_all_versions(tmp_path, records):
    registry.register(tmp_path, "demo", records[1], PROMOTED)
    registry.register(tmp_path, "demo", records[2], REFUSED)
    found = client(tmp_path)
    page = found.get_experiment_by_name("demo.churn").tags["mlflow.note.content"]
    assert page.startswith("**Champion: version 1**, as of : AUC 0.7000")
    assert "| 2 |  | 0.7000 |" in page
    assert page.count("refused: worse") == 1
    found.delete_run(registry.version(tmp_path, "demo.churn/2").run_id)
    registry.register(tmp_path, "demo", records[3], REFUSED)
    assert "| 3 |" in found.get_experiment_by_name("demo.churn").tags["mlflow.note.content"]


def test_runs_that_died_are_closed_as_killed(store, records):
    open_run = client(store).create_run(client(store).get_experiment_by_name("demo.churn").experiment_id)
    registry.register(store, "demo", replace(records[1], parameters={"seed": 1, "again": True}), REFUSED)
    assert client(store).get_run(open_run.info.run_id).info.status == "KILLED"


def test_the_run_holds_parameters_metrics_data_hash_and_origin(store, first):
    run = client(store).get_run(first.run_id)
    assert run.data.params["seed"] == "1"
    assert run.data.metrics == {"auc": 0.7}
    assert run.data.tags["git_commit"] == "abc"
    assert run.inputs.dataset_inputs[0].dataset.digest == "1" * 32
    assert run.data.tags["regulars.data_hash"] == "1" * 64


def test_no_file_of_the_store_is_a_pickle_and_the_model_serves_through_mlflow(store, first):
    import mlflow
    import pandas as pd

    names = [p.name for p in (store / "artifacts").rglob("*") if p.is_file()]
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".cloudpickle", ".joblib"))]
    mlflow.set_tracking_uri(tracking_uri(store))
    served = mlflow.pyfunc.load_model("models:/demo.churn/1")
    X = np.array([[0.5, 1.0], [-0.5, np.nan]])
    given = served.predict(pd.DataFrame(X, columns=list(NAMES)), params={"as_of": "2024-01-01"})["churn_probability"]
    loaded = ChurnModel.load(first.folder)
    expected = loaded.predict(X.astype(np.float32), NAMES, loaded.level(X.astype(np.float32), date(2024, 1, 1)))
    assert np.allclose(given, expected)


ALONE = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
import mlflow, numpy, pandas
mlflow.set_tracking_uri(sys.argv[1])
served = mlflow.pyfunc.load_model("models:/demo.churn/1")
X = pandas.DataFrame(numpy.zeros((2, 2)), columns=[column.name for column in served.metadata.signature.inputs])
print(served.predict(X).columns.tolist() == served.metadata.signature.outputs.input_names(), end=" ")
import ml
print(ml.__file__)
"""


def test_a_served_model_brings_its_own_code_and_says_what_it_gives(store, first, tmp_path):
    """As in a notebook elsewhere: this package is neither installed nor in the working folder."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, tracking_uri(store)], cwd=tmp_path, env=outside, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    agree, code = done.stdout.split()
    assert agree == "True"
    assert Path(code).resolve() == first.folder.parents[1] / "code" / "ml" / "__init__.py"


@pytest.mark.usefixtures("first")
def test_a_store_that_moved_to_another_folder_still_finds_its_champion(store, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(store, moved)
    found = registry.champion(moved, "demo")
    assert found.folder.is_relative_to(moved.resolve())
    assert json.loads((found.folder / "model.json").read_text())["features"] == list(NAMES)


def test_what_is_learned_of_a_model_later_stands_on_its_run_over_its_age(store, first):
    for _ in range(2):
        figures = {"drift/score_psi": 0.1, "realised/auc": float("nan")}
        log_follow_up(store, first.run_id, figures, day=date(2024, 2, 1), age_days=31)
    (logged,) = client(store).get_metric_history(first.run_id, "drift/score_psi")
    assert (logged.step, logged.value) == (31, 0.1)
    assert not client(store).get_metric_history(first.run_id, "realised/auc")


def test_to_a_run_that_was_deleted_nothing_is_added(store, records):
    gone = registry.register(store, "forgotten", records[1], PROMOTED).run_id
    client(store).delete_run(gone)
    log_follow_up(store, gone, {"drift/score_psi": 0.1}, day=date(2024, 2, 1), age_days=31)
    client(store).restore_run(gone)
    assert not client(store).get_metric_history(gone, "drift/score_psi")


@pytest.mark.usefixtures("first")
def test_a_version_that_was_deleted_is_none(store):
    assert registry.version_or_none(store, "demo.churn/1") is not None
    assert registry.version_or_none(store, "demo.churn/99") is None


def test_a_content_hash_changes_with_a_name_or_a_byte(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("1")
    assert registry.content_hash(tmp_path / "a") == registry.content_hash(tmp_path / "b")
    (tmp_path / "b" / "x").rename(tmp_path / "b" / "y")
    assert registry.content_hash(tmp_path / "a") != registry.content_hash(tmp_path / "b")
