"""The watch over a champion from its training on: what is asked, judged, kept and logged, and when a run trains."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from drift_world import LATER, TRAINED, Drifting, customers, drifting_shop, write_warehouse
from rich.console import Console

from ml import registry
from ml.drift.reference import Reference
from ml.evaluation import auc
from ml.model import ModelFileError
from ml.store import open_store
from orchestration import drift, inputs, models, outcomes, retraining
from orchestration.cli.runs import _needs_training
from orchestration.drift import Report, Unwatched, watch
from orchestration.drift_asset import CHECKS, drift_checks, drift_metadata
from orchestration.inputs import Inputs
from orchestration.state import StateError
from orchestration.watched import CHURN, VALUE, learned_later

TOMORROW = LATER + timedelta(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drifting, Inputs]:
    """Made once: a fresh MLflow store costs seconds."""
    return drifting_shop(tmp_path_factory.mktemp("drifting"))


@pytest.fixture
def shop(trained: tuple[Drifting, Inputs]) -> Iterator[Drifting]:
    """The shop as its training run left it, before anything was watched."""
    state = trained[0].workspace.state
    yield trained[0]
    shutil.rmtree(state.reports, ignore_errors=True)
    for left in (state.ledger / "inputs").iterdir():
        if left.suffix == ".done" or left.name.startswith("as_of="):
            left.unlink()
    (state.ledger / "inputs" / f"as_of={TRAINED}").write_text(trained[1].inputs_id)
    write_warehouse(state.warehouse, trained[0].outcomes)


def watched(shop: Drifting, pinned: Inputs) -> Report:
    found = watch(shop.workspace, pinned, CHURN)
    assert isinstance(found, Report)
    return found


def trains(shop: Drifting, day: date) -> bool:
    """Whether ``regulars run`` of that as-of would train."""
    return _needs_training(shop.workspace, day, Console(file=StringIO()))


def kept(shop: Drifting) -> bytes:
    return (shop.workspace.state.reports / "drift" / "churn.json").read_bytes()


def of_number(folder: Path, spoken: str) -> registry.Version:
    """The only version that there is, under any number."""
    return replace(registry.version(folder, "corner.churn/1"), number=int(spoken.split("/")[1]))


def logged(shop: Drifting, name: str) -> set[tuple[int, date]]:
    """Step and day of a metric on the run that trained the model."""
    client = open_store(shop.workspace.state.mlflow)
    history = client.get_metric_history(client.get_model_version("corner.churn", "1").run_id, name)
    return {(one.step, datetime.fromtimestamp(one.timestamp / 1000, UTC).date()) for one in history}


def test_a_model_just_trained_asks_for_nothing(trained: tuple[Drifting, Inputs], shop: Drifting) -> None:
    found = watched(shop, trained[1])
    assert found.request.reasons == ()
    assert found.request.tried == TRAINED
    assert not trains(shop, TRAINED + timedelta(1))
    assert {check.check_name for check in drift_checks(found) if check.passed} == set(CHECKS)


def test_a_run_after_ninety_days_asks_for_training_and_the_next_run_trains(shop: Drifting) -> None:
    assert not trains(shop, TOMORROW)
    found = watched(shop, shop.scored_at(LATER))
    assert found.request.reasons == ("it was trained 92 days ago, the limit is 90",)
    assert trains(shop, TOMORROW)
    assert not trains(shop, LATER - timedelta(1)), "an earlier as-of is not asked by a later one"

    retraining.answer_requests(shop.workspace.state, TOMORROW)
    assert not trains(shop, TOMORROW + timedelta(1)), "the run of tomorrow was the answer, whatever came of it"
    assert trains(shop, TOMORROW + timedelta(28))


def test_scores_of_a_model_that_was_trained_later_are_told_from_forecasts(shop: Drifting) -> None:
    def later(day: date) -> str | None:
        found = learned_later(shop.workspace, CHURN, shop.scored_at(day).inputs_id, day)
        return found and found.spoken

    assert later(TRAINED - timedelta(30)) == "corner.churn/1"
    assert later(LATER) is None


def test_a_young_shop_whose_recommender_serves_already_trains_again_when_churn_can_be_learned(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: tuple[date, ...] = ()
    monkeypatch.setattr(models, "training_dates", lambda *_: known)
    monkeypatch.setattr(models, "champions", lambda _: {})
    assert trains(shop, TOMORROW), "nothing serves yet"
    monkeypatch.setattr(models, "champions", lambda _: {"recommender": "corner.recommender/1"})
    assert not trains(shop, TOMORROW)
    known = (TRAINED,)
    assert trains(shop, TOMORROW)


def test_a_killed_run_decides_for_the_same_run_again(shop: Drifting) -> None:
    """A run that scored only was killed after it asked: the same run again takes up its inputs and must not train."""
    pinned = shop.scored_at(LATER)
    watched(shop, pinned)
    assert not trains(shop, LATER)
    inputs.finish(shop.workspace.state, pinned)
    assert trains(shop, LATER)


def test_past_scores_are_judged_once_their_outcome_is_known(shop: Drifting) -> None:
    found = watched(shop, shop.scored_at(LATER))
    (one,) = found.realised
    assert (one.as_of, one.version, one.judged.customers) == (TRAINED, "corner.churn/1", 300)
    assert one.judged.happened == pytest.approx(shop.outcomes["has_churned"].mean())
    assert 0.7 < one.judged.ranking < 0.95
    assert one.judged.further["log_loss"] < 0.69


def test_the_ranking_that_is_kept_is_that_of_the_score_file(trained: tuple[Drifting, Inputs], shop: Drifting) -> None:
    import pandas as pd

    path = shop.workspace.state.scores / trained[1].inputs_id / "churn_scores.parquet"
    both = pd.read_parquet(path).merge(shop.outcomes, on="customer_id")
    by_hand = auc(both["has_churned"].to_numpy(float), both["churn_probability"].to_numpy(float))
    (one,) = watched(shop, shop.scored_at(LATER)).realised
    assert one.judged.ranking == pytest.approx(by_hand)


def test_an_outcome_that_has_not_landed_is_judged_by_a_later_run(shop: Drifting) -> None:
    write_warehouse(shop.workspace.state.warehouse, shop.outcomes, landed_until=TRAINED + timedelta(20))
    assert watched(shop, shop.scored_at(LATER)).realised == ()
    write_warehouse(shop.workspace.state.warehouse, shop.outcomes)
    assert len(watched(shop, shop.scored_at(TOMORROW)).realised) == 1


def test_what_a_request_rests_on_is_judged_again_as_late_facts_come(shop: Drifting) -> None:
    """A part of the feed was missing, so that buyers were taken for gone."""
    late = shop.outcomes.assign(has_churned=True)
    write_warehouse(shop.workspace.state.warehouse, late)
    assert watched(shop, shop.scored_at(LATER)).realised[0].judged.happened == 1
    write_warehouse(shop.workspace.state.warehouse, shop.outcomes)
    (one,) = watched(shop, shop.scored_at(TOMORROW)).realised
    assert one.judged.happened == pytest.approx(shop.outcomes["has_churned"].mean())


def test_where_a_feed_lags_behind_older_days_are_judged_all_the_same(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "MOST_AT_ONCE", 1)
    lagging = TRAINED + timedelta(40)
    shop.scored_at(lagging)
    write_warehouse(shop.workspace.state.warehouse, shop.outcomes, landed_until=lagging)
    assert [one.as_of for one in watched(shop, shop.scored_at(LATER)).realised] == [TRAINED]


def test_no_more_days_are_judged_at_once_than_a_run_has_time_for(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "MOST_AT_ONCE", 1)
    newer = TRAINED + timedelta(40)
    shop.scored_at(newer)
    assert [one.as_of for one in watched(shop, shop.scored_at(LATER)).realised] == [newer]
    assert [one.as_of for one in watched(shop, shop.scored_at(TOMORROW)).realised] == [TRAINED, newer]


def test_a_state_that_cannot_be_read_is_no_horizon_that_is_not_over(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise StateError("the warehouse is damaged")

    monkeypatch.setattr(outcomes, "outcomes", broken)
    with pytest.raises(StateError, match="damaged"):
        watched(shop, shop.scored_at(LATER))


def test_an_outcome_not_known_at_the_as_of_is_not_judged(shop: Drifting) -> None:
    """However much has landed by the time of a backfill: 30 days and 5 of delay have not passed."""
    assert watched(shop, shop.scored_at(TRAINED + timedelta(34))).realised == ()
    assert len(watched(shop, shop.scored_at(TRAINED + timedelta(35))).realised) == 1


def test_a_backfill_before_the_training_is_not_judged_and_asks_for_nothing(
    trained: tuple[Drifting, Inputs], shop: Drifting
) -> None:
    """Its model has learned from what was still to come."""
    watched(shop, trained[1])
    past = watched(shop, shop.scored_at(TRAINED - timedelta(60)))
    assert past.request.reasons == ()
    assert min(step for step, _ in logged(shop, "drift/score_psi")) >= 0
    assert [one.as_of for one in watched(shop, shop.scored_at(LATER)).realised] == [TRAINED]
    looked_at = retraining.kept(shop.workspace.state, "churn").examined
    assert set(looked_at) == {TRAINED - timedelta(60), TRAINED}, "neither is looked at again by every run to come"


def test_what_was_judged_stays_judged_when_its_day_is_scored_anew(
    trained: tuple[Drifting, Inputs], shop: Drifting
) -> None:
    assert len(watched(shop, shop.scored_at(LATER)).realised) == 1
    inputs.finish(shop.workspace.state, trained[1])
    assert shop.scored_at(TRAINED, model=False).inputs_id != trained[1].inputs_id
    (one,) = watched(shop, shop.scored_at(TOMORROW)).realised
    assert one.inputs_id == trained[1].inputs_id


def test_scores_of_another_outcome_are_not_judged_by_what_is_wanted_now(
    shop: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day after shop.yml was edited and a model of the new outcome took over; both have scored by then."""
    monkeypatch.setattr(drift, "stranger", lambda _, version: "foretells another" if version.number == 2 else None)
    later = TRAINED + timedelta(40)
    before = watched(shop, shop.scored_at(LATER)).realised
    both = (*before, replace(before[0], as_of=later, version="corner.churn/2"))
    retraining.keep(shop.workspace.state, "churn", retraining.Kept(None, both))
    monkeypatch.setattr(registry, "version_or_none", of_number)
    assert [one.version for one in watched(shop, shop.scored_at(LATER)).realised] == ["corner.churn/1"]
    retraining.keep(shop.workspace.state, "churn", retraining.Kept())
    monkeypatch.setattr(drift, "stranger", lambda *_: "foretells another")
    assert watched(shop, shop.scored_at(LATER)).realised == ()


def test_moved_customers_are_named_by_feature(shop: Drifting) -> None:
    found = watched(shop, shop.scored_at(LATER, shift=100))
    assert found.moved == ["days_since_last_order"]
    assert any("days_since_last_order" in reason for reason in found.request.reasons)
    failed = {check.check_name for check in drift_checks(found) if not check.passed}
    assert {"features_drift", "retraining"} <= failed
    assert "| days_since_last_order |" in drift_metadata(found)["most moved features"].value


def test_the_same_watch_again_changes_nothing(shop: Drifting) -> None:
    pinned = shop.scored_at(LATER)
    watched(shop, pinned)
    before = kept(shop)
    watched(shop, pinned)
    assert kept(shop) == before


def test_a_later_request_is_not_replaced_by_that_of_an_earlier_as_of(shop: Drifting) -> None:
    watched(shop, shop.scored_at(LATER))
    watched(shop, shop.scored_at(TRAINED + timedelta(40)))
    assert trains(shop, TOMORROW)


def test_where_a_simple_rule_scores_nothing_is_asked_and_no_check_warns(shop: Drifting) -> None:
    found = watch(shop.workspace, shop.scored_at(LATER, model=False), CHURN)
    assert isinstance(found, Unwatched)
    assert all(check.passed for check in drift_checks(found))
    assert "no trained model" in drift_metadata(found)["outcome"]
    assert not trains(shop, TOMORROW)
    assert isinstance(watch(shop.workspace, shop.scored_at(LATER), VALUE), Unwatched), "there are no scores at all"


def test_a_model_without_its_reference_asks_for_training(shop: Drifting, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(folder: Path) -> Reference:
        raise ModelFileError(f"{folder.name} holds no reference")

    monkeypatch.setattr(Reference, "load", missing)
    found = watch(shop.workspace, shop.scored_at(LATER), CHURN)
    assert isinstance(found, Unwatched)
    assert [check.check_name for check in drift_checks(found) if not check.passed] == ["retraining"]
    assert trains(shop, TOMORROW)
    retraining.answer_requests(shop.workspace.state, LATER)
    assert not trains(shop, TOMORROW), "a training that mended nothing is not repeated every day"


def test_the_run_that_trained_shows_drift_over_the_age_of_its_model(shop: Drifting) -> None:
    watched(shop, shop.scored_at(LATER))
    assert ((LATER - TRAINED).days, LATER) in logged(shop, "drift/score_psi")
    assert logged(shop, "realised/auc") == {(0, TRAINED)}


def test_the_estimate_says_that_it_is_blind(shop: Drifting) -> None:
    shown = drift_metadata(watched(shop, shop.scored_at(LATER)))
    assert shown["estimated_auc_if_calibrated"] > 0.7
    assert "blind to concept drift" in shown["about the estimates"]
    assert "realised AUC" in shown
    assert customers(LATER)["customer_id"][0] not in str(shown), "aggregates only"
