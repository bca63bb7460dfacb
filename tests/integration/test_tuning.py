"""`regulars tune` on a tiny shop whose snapshots are there already: the command, the file, the runs in MLflow."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate, count
from pathlib import Path

import pytest
from drift_world import write_snapshots
from mlflow import MlflowClient
from mlflow.entities import Run
from worlds import Deployment, corner_shop

from ml.booster import Recipe
from ml.store import open_store
from ml.tuning.verdict import Verdict
from orchestration import tuning
from orchestration.inputs import Inputs
from orchestration.landing import land
from orchestration.models import training_dates
from orchestration.shop import ShopError
from orchestration.snapshots import FILES, snapshot_folder
from orchestration.tuned import FILE, load_tuned

AS_OF = date(2025, 7, 1)
HEAD = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A shop with a year and a half of orders, landed."""
    days = (date(2023, 12, 1) + timedelta(7 * k) for k in range(80))
    orders = HEAD + "".join(f"o{n},1,{day}T10:00:00Z,a{n % 9},p1,1,9.90\n" for n, day in enumerate(days))
    deployment = corner_shop(tmp_path_factory.mktemp("shop"), orders, churn={"horizon_days": 30, "label_delay_days": 5})
    workspace = deployment.workspace
    workspace.state.prepare()
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    return deployment


@pytest.fixture(scope="module")
def inputs(shop: Deployment) -> Inputs:
    """What the command will pin, with snapshots of customers whose rule is known where dbt would put them."""
    workspace = shop.workspace
    dates = training_dates(workspace, AS_OF)
    found = tuning.fresh(workspace.state, workspace.shop, AS_OF, training_dates=dates, champions={})
    folder = snapshot_folder(workspace, found)
    write_snapshots(folder, [*dates, AS_OF], AS_OF)
    for name in FILES:
        (folder / f"{name}.parquet").touch()
    return found


@pytest.fixture(scope="module")
def request_of_a_minute() -> tuning.Request:
    ticks = count()
    return tuning.Request(AS_OF, minutes=1, clock=lambda: float(next(ticks)))


@pytest.fixture(scope="module")
def found(shop: Deployment, inputs: Inputs, request_of_a_minute: tuning.Request) -> tuning.Tuning:
    said: list[str] = []
    done = tuning.searched(shop.workspace, inputs, "churn", request_of_a_minute, said.append)
    assert len(said) == 1 + len(done.attempts)
    assert "study " + done.study in said[0]
    assert said[1].endswith("defaults")
    return done


@pytest.fixture
def folder(shop: Deployment) -> Iterator[Path]:
    """The shop's folder; a tuned.yml that a test leaves is taken away."""
    folder = shop.workspace.shop.folder
    yield folder
    (folder / FILE).unlink(missing_ok=True)


def test_settings_that_beat_the_defaults_are_written_with_the_reason(
    shop: Deployment, found: tuning.Tuning, request_of_a_minute: tuning.Request, folder: Path
) -> None:
    better = replace(found, verdict=Verdict(found.attempts[0], Recipe(leaves=7, rounds=99), "trial 3 beats: -0.01"))
    assert "leaves 7, rounds 99" in tuning.keep(shop.workspace, better, request_of_a_minute)
    written = load_tuned(folder).churn
    assert written is not None
    assert (written.leaves, written.rounds, written.as_of, written.because) == (7, 99, AS_OF, "trial 3 beats: -0.01")
    known = found.task.confirming.date + timedelta(35)
    assert written.since == known < AS_OF, "what chose them was known long before the as-of"
    worse = replace(found, verdict=Verdict(found.attempts[0], None, "none of 9"))
    assert "stays as it is" in tuning.keep(shop.workspace, worse, request_of_a_minute)
    assert load_tuned(folder).churn == written


def test_without_a_gain_nothing_is_written(
    shop: Deployment, found: tuning.Tuning, request_of_a_minute: tuning.Request, folder: Path
) -> None:
    worse = replace(found, verdict=Verdict(found.attempts[0], None, "none of 9"))
    assert tuning.keep(shop.workspace, worse, request_of_a_minute) == "the defaults stay"
    assert not (folder / FILE).exists()


def _trials(client: MlflowClient, study: str | None) -> list[Run]:
    experiment = client.get_experiment_by_name("corner.tuning").experiment_id
    return list(client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{study}'"))


def test_a_study_is_one_run_with_one_below_it_for_each_trial(shop: Deployment, found: tuning.Tuning) -> None:
    client = open_store(shop.workspace.state.mlflow)
    children = _trials(client, found.run_id)
    assert len(children) == len(found.attempts)
    first = next(child for child in children if child.info.run_name == "trial 0")
    assert first.data.params["rounds"] == str(Recipe().rounds)
    by_date = {f"loss/{origin.date}" for origin in found.task.searched}
    assert by_date | {"loss", "seconds"} == set(first.data.metrics)
    assert first.info.end_time - first.info.start_time >= 1000 * found.attempts[0].seconds
    parent = client.get_run(found.run_id)
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["trials"] == len(found.attempts)
    assert parent.data.tags["regulars.verdict"] == found.verdict.words
    curve = [step.value for step in client.get_metric_history(found.run_id, "loss")]
    assert curve == list(accumulate((one.loss for one in found.attempts if one.is_complete), min))
    files = {file.path for file in client.list_artifacts(found.run_id, "plots")}
    assert files == {"plots/history.png", "plots/settings.png"}


def test_trials_are_there_while_the_search_goes_on_and_a_killed_one_goes_on_in_its_run(
    shop: Deployment, inputs: Inputs, request_of_a_minute: tuning.Request
) -> None:
    client, request = open_store(shop.workspace.state.mlflow), replace(request_of_a_minute, seed=5, minutes=0.9)
    seen: list[tuple[str, int]] = []

    def watch(words: str) -> None:
        if "study" in words:
            return
        experiment = client.get_experiment_by_name("corner.tuning").experiment_id
        (running,) = client.search_runs([experiment], "attributes.status = 'RUNNING'")
        seen.append((running.info.run_id, len(_trials(client, running.info.run_id))))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuning.searched(shop.workspace, inputs, "churn", request, watch)
    study = seen[0][0]
    assert seen == [(study, 1), (study, 2)]
    assert client.get_run(study).info.status == "KILLED"
    gone_on = tuning.searched(shop.workspace, inputs, "churn", request, lambda _: None)
    assert gone_on.run_id == study
    assert client.get_run(study).info.status == "FINISHED"
    assert len(_trials(client, study)) == len(gone_on.attempts) > 2


def test_a_search_that_fails_leaves_its_run_failed(
    shop: Deployment, inputs: Inputs, request_of_a_minute: tuning.Request
) -> None:
    def fail(words: str) -> None:
        if "trial" in words:
            raise ValueError(words)

    request = replace(request_of_a_minute, seed=6)
    with pytest.raises(ValueError, match="trial"):
        tuning.searched(shop.workspace, inputs, "churn", request, fail)
    client = open_store(shop.workspace.state.mlflow)
    experiment = client.get_experiment_by_name("corner.tuning").experiment_id
    (failed,) = client.search_runs([experiment], "attributes.status = 'FAILED'")
    assert failed.data.params["seed"] == "6"


def test_without_tracking_mlflow_is_told_nothing(
    shop: Deployment, inputs: Inputs, request_of_a_minute: tuning.Request
) -> None:
    request = replace(request_of_a_minute, seed=4, minutes=0.3, is_tracked=False)
    untold = tuning.searched(shop.workspace, inputs, "churn", request, lambda _: None)
    assert untold.run_id is None
    client = open_store(shop.workspace.state.mlflow)
    experiment = client.get_experiment_by_name("corner.tuning").experiment_id
    assert client.search_runs([experiment], "params.seed = '4'") == []


def test_other_data_or_another_seed_is_another_study(
    shop: Deployment, inputs: Inputs, found: tuning.Tuning, request_of_a_minute: tuning.Request
) -> None:
    none = replace(request_of_a_minute, minutes=0.01)
    names = {
        tuning.searched(shop.workspace, inputs, "churn", replace(none, seed=seed), lambda _: None).study
        for seed in (7, 8)
    }
    assert len(names | {found.study}) == 2


@pytest.mark.usefixtures("inputs")
def test_the_command_searches_says_what_it_found_and_logs_it(shop: Deployment, folder: Path) -> None:
    done = shop.run("tune", "--model", "churn", "--minutes", "0.2", "--as-of", AS_OF.isoformat(), "--seed", "11")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "log-loss on " in done.stdout
    assert "MLflow run " in done.stdout
    assert ("the defaults stay" in done.stdout) != (folder / FILE).exists()
    assert (shop.workspace.state.tuning / "studies.db").exists()
    assert done.stderr == "", "Optuna says nothing of its own"


def test_a_shop_in_which_nothing_has_landed_is_told_to_run_once(tmp_path: Path) -> None:
    workspace = corner_shop(tmp_path, "").workspace
    workspace.state.prepare()
    with pytest.raises(ShopError, match="run it once before"):
        tuning.inputs_of(workspace, AS_OF)


def test_a_mistake_in_the_file_is_said_before_a_run_begins(shop: Deployment, folder: Path) -> None:
    (folder / FILE).write_text("churn: {as_of: 2025-03-01, because: x, leafs: 3}\n")
    done = shop.run("run", "--as-of", AS_OF.isoformat())
    assert done.returncode == 2
    assert "churn.leafs: unknown key, did you mean 'leaves'?" in " ".join(done.stderr.split())
