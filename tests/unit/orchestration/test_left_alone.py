"""Scores that mean the risk without plays are held against those whom no play reached."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ledger_world import publish_entries
from worlds import corner_shop

from ml import amounts
from ml.evaluation import evaluate
from ml.segments import LEAST_IN_SEGMENT
from orchestration.evaluation import Evaluation, lines
from orchestration.left_alone import left_alone
from orchestration.value_evaluation import ValueEvaluation
from orchestration.value_evaluation import lines as value_lines
from orchestration.workspace import Workspace

DAY, LATER = date(2025, 3, 1), date(2025, 6, 1)
CUSTOMERS = [f"c_{n}" for n in range(4 * LEAST_IN_SEGMENT)]
FRAME = pd.DataFrame({"customer_id": CUSTOMERS, "has_churned": False})
SOME = {customer: n < LEAST_IN_SEGMENT for n, customer in enumerate(CUSTOMERS)}
TREATED = ("c_300", "call", "treatment", "2025-03-30 23:59:59", 0.9)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shop = corner_shop(tmp_path, "", churn={"horizon_days": 30, "active_days": 365}, time_zone="UTC")
    return shop.workspace


def judged(workspace: Workspace, **entered: object) -> int:
    """How many of the frame are judged, given what was entered in the ledgers."""
    given = {"decided": [TREATED], "held_out": SOME, "share": 0.25, "since": "2025-03-01", **entered}
    publish_entries(workspace.state, date(2025, 4, 1), **given)  # type: ignore[arg-type]
    return len(left_alone(workspace, FRAME, DAY, as_of=LATER))


def test_where_plays_were_sent_the_holdout_is_judged(workspace: Workspace) -> None:
    assert judged(workspace) == LEAST_IN_SEGMENT


def test_without_a_ledger_everybody_is(workspace: Workspace) -> None:
    assert len(left_alone(workspace, FRAME, DAY, as_of=LATER)) == len(FRAME)


@pytest.mark.parametrize(
    "entered",
    [
        pytest.param({"decided": [(*TREATED[:3], "2025-03-31", 0.9)]}, id="a play after the window"),
        pytest.param({"decided": [(*TREATED[:3], "2025-02-28 23:59:59", 0.9)]}, id="a play before it"),
        pytest.param({"decided": [("c_1", "call", "control", "2025-03-05", 0.1)]}, id="nothing sent"),
        pytest.param({"held_out": {**SOME, "c_0": False}}, id="too few held out"),
        pytest.param({"since": "2025-03-31"}, id="held out from the end of the window on"),
    ],
)
def test_everybody_is_judged_where_the_holdout_says_nothing_of_the_window(
    workspace: Workspace, entered: dict[str, object]
) -> None:
    assert judged(workspace, **entered) == len(FRAME)


def test_an_evaluation_says_what_the_holdout_did_where_plays_were_sent() -> None:
    y, p = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.7, 0.9, 0.4])
    everybody = Evaluation(4, 0.5, evaluate(y, p), "recency", 0.5, None)
    assert not any("held out" in line for line in lines(everybody))
    said = lines(replace(everybody, holdout=evaluate(y[:2], p[:2])))
    assert said[-1].startswith("plays were sent; among the 2 held out of all 50.0% churned: AUC 1.0000, log-loss 0.28")


def test_an_evaluation_says_where_the_model_had_seen_what_it_is_judged_by() -> None:
    y, p = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.7, 0.9, 0.4])
    found = Evaluation(4, 0.5, evaluate(y, p), "recency", 0.5, None)
    assert not any("no forecast" in line for line in lines(found))
    said = lines(replace(found, learned_later="corner.churn/1"))
    assert said[-1].startswith("corner.churn/1 was trained after this as-of and has seen what then happened")


def test_a_value_evaluation_says_what_the_holdout_spent_where_plays_were_sent() -> None:
    everybody, held_out = (amounts.evaluate(np.array(y), np.array([10.0, 30.0])) for y in ([0.0, 60.0], [0.0, 32.0]))
    found = ValueEvaluation(everybody, everybody, everybody, everybody, None)
    assert not any("held out" in line for line in value_lines(found, "EUR"))
    said = value_lines(replace(found, holdout=held_out), "EUR")
    assert said[-1].startswith("plays were sent; the 2 held out spent 16.00 EUR each, 20.00 predicted (total +25.0%)")
