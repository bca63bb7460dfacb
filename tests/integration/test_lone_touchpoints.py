"""Shops that have one touchpoint and nothing else: a streaming service of events, a studio of contracts."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest
from worlds import Deployment, folder_for_a_server, lone_shop

from ml.simulator import WorldConfig
from orchestration.contract_evaluation import evaluate_contracts, lines
from orchestration.publishing.files import current_generation

STREAM = WorldConfig(seed=3, customers=400, products=48, start=date(2024, 4, 1), end=date(2025, 7, 1))
STUDIO = WorldConfig(
    world="subscription", seed=3, customers=1000, start=date(2024, 1, 1), end=date(2025, 7, 2), leaving_rate_scale=2.0
)


@pytest.fixture(scope="module")
def streaming() -> Iterator[Deployment]:
    """A streaming service after ``regulars run``: whoever does nothing for 60 days has left."""
    churn = {"mode": "inactivity", "activity": "events", "active_days": 90, "horizon_days": 60}
    with folder_for_a_server() as folder:
        yield finished(lone_shop(folder, "events", STREAM, churn=churn))


@pytest.fixture(scope="module")
def studio() -> Iterator[Deployment]:
    """A studio that knows of its members nothing but their contracts, after ``regulars run``."""
    with folder_for_a_server() as folder:
        churn = {"mode": "subscription", "horizon_days": 60}
        yield finished(lone_shop(folder, "subscriptions", STUDIO, churn=churn, closed_on="2025-05-01"))


def finished(deployment: Deployment) -> Deployment:
    done = deployment.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return deployment


def scores(deployment: Deployment) -> duckdb.DuckDBPyRelation:
    generation = current_generation(deployment.workspace.state.published)
    assert generation is not None
    return duckdb.sql(f"from '{generation.file('customer_scores')}'")


def share(relation: duckdb.DuckDBPyRelation, condition: str) -> float:
    return relation.filter(condition).shape[0] / relation.shape[0]


@pytest.mark.slow
def test_a_streaming_service_without_orders_is_scored_by_a_model(streaming: Deployment) -> None:
    scored = scores(streaming).filter("status = 'scored'")
    assert scored.shape[0] > 100
    assert share(scored, "churn_probability between 0 and 1 and churn_reason_1 is not null") == 1
    assert share(scored, "churn_mode = 'inactivity' and model_version like 'corner.churn/%'") == 1


@pytest.mark.slow
def test_reasons_of_a_streaming_service_speak_of_what_it_knows(streaming: Deployment) -> None:
    said = scores(streaming).filter("status = 'scored'")
    words = ("visit", "session", "event", "view", "search", "cart")
    assert share(said, " or ".join(f"churn_reason_1 ilike '%{word}%'" for word in words)) > 0.9
    assert share(said, "concat_ws(' ', churn_reason_1, churn_reason_2, churn_reason_3) ilike '%contract%'") == 0


@pytest.mark.slow
def test_what_needs_orders_is_empty_in_a_streaming_service_and_nothing_fails(streaming: Deployment) -> None:
    every = scores(streaming)
    unknown = ("historic_clv", "predicted_clv", "total_clv", "lifecycle_stage", "rfm_segment", "expected_orders")
    assert share(every, " and ".join(f"{name} is null" for name in unknown)) == 1, "an unknown value is not none"


def test_a_studio_with_contracts_only_is_scored_and_says_who_has_given_notice(studio: Deployment) -> None:
    every = scores(studio)
    counts = dict(every.aggregate("status, count(*)", "status").fetchall())
    assert counts["scored"] > 100
    assert counts["notice_given"] > 0
    assert counts["not_eligible"] > 0
    assert share(every, "(churn_probability is not null) = (status = 'scored')") == 1
    assert share(every, "churn_mode = 'subscription' and churn_horizon_days = 60") == 1


def test_value_and_stage_of_a_studio_are_told_from_its_contracts(studio: Deployment) -> None:
    profiled = scores(studio).filter("may_profile")
    assert share(profiled, "historic_clv >= 0 and predicted_clv >= 0 and total_clv = historic_clv + predicted_clv") == 1
    assert share(profiled, "historic_clv > 0") > 0.9
    assert share(profiled.filter("status = 'scored'"), "predicted_clv > 0") > 0.9
    assert share(profiled.filter("status = 'notice_given'"), "lifecycle_stage = 'at_risk' and predicted_clv = 0") > 0.9
    assert {"active", "at_risk"} <= {stage for (stage,) in profiled.select("lifecycle_stage").fetchall()}
    assert share(profiled, "rfm_segment is null and expected_orders is null") == 1


def test_an_agent_sees_on_one_screen_how_the_contracts_of_a_studio_stand(studio: Deployment) -> None:
    generation = current_generation(studio.workspace.state.published)
    assert generation is not None
    profiles = duckdb.sql(f"from '{generation.file('customer_profiles')}'")
    running = profiles.filter("contracts_running_count > 0")
    assert share(running, "next_renewal_date between date '2025-05-01' and date '2026-05-01'") == 1
    assert running.filter("is_under_notice").shape[0] >= scores(studio).filter("status = 'notice_given'").shape[0] > 0
    assert profiles.filter("contracts_running_count = 0 and (is_under_notice or is_past_due)").shape[0] == 0


def test_reasons_of_a_studio_speak_of_contracts_payments_and_usage(studio: Deployment) -> None:
    said = scores(studio).filter("status = 'scored'")
    words = " ".join(reason for (reason,) in said.select("churn_reason_1").fetchall())
    assert "Contract" in words
    assert any(word in words for word in ("Payment", "Used", "Usage", "Price"))
    assert share(said, "concat_ws(' ', churn_reason_1, churn_reason_2) ilike '%order%'") == 0


def test_the_scores_of_a_studio_can_be_held_against_what_then_happened(studio: Deployment) -> None:
    done = studio.run("evaluate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "contract alone" in done.stdout
    assert "calibration error" in done.stdout


def test_the_value_of_contracts_can_be_held_against_what_was_then_paid(studio: Deployment) -> None:
    found = evaluate_contracts(studio.workspace, studio.workspace.default_as_of())
    assert found is not None
    valued = scores(studio).filter("may_profile and predicted_clv > 0")
    assert valued.shape[0] <= found.expected.customers <= scores(studio).shape[0]
    assert abs(found.expected.total_bias) < 0.15
    assert found.undisturbed.total_bias > found.expected.total_bias
    said = " ".join(studio.run("evaluate").stdout.split())
    assert all(line.split("Gini")[0].strip() in said for line in lines(found, "EUR"))
