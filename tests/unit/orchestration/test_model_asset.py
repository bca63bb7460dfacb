"""What Dagster shows of a training."""

from orchestration.model_asset import of_holdout, training_metadata
from orchestration.models import Trained


def test_the_models_own_figures_stand_alone_and_baselines_beside_them_in_one_table() -> None:
    figures = {"version": "demo.churn/2", "auc": 0.83, "recency/auc": 0.77, "logistic/auc": 0.82}
    shown = training_metadata(Trained(True, "promoted", figures, {}))
    assert shown["gate"] == "promoted"
    assert shown["auc"] == 0.83
    assert "recency/auc" not in shown
    assert "| auc | 0.83 | 0.82 | 0.77 |" in shown["baselines"].value


def test_a_training_without_baselines_has_no_table() -> None:
    assert "baselines" not in training_metadata(Trained(False, "too little data", {"customers": 7}, {}))


def test_the_gates_check_shows_the_holdout_beside_everybody_once_it_is_judged() -> None:
    figures = {"version": "demo.churn/2", "auc": 0.83, "recency/auc": 0.77}
    assert of_holdout(figures) == {}
    assert of_holdout({**figures, "holdout/auc": 0.8}) == {"auc": 0.83, "holdout/auc": 0.8}
