"""What Dagster shows of a training."""

from orchestration.model_asset import training_metadata
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
