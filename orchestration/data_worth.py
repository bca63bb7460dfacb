"""What each touchpoint is worth to the models: how much worse they foretell without it, beside whom it names.

Belongs here: leaving touchpoints out of a backtest, one after another. Does not belong here: the backtest
(``backtesting``), and what a touchpoint is worth to identity or to plays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration import backtesting, churn, strict_yaml, value
from orchestration.inputs import Inputs
from orchestration.landing import load_contract
from orchestration.rebuilding import snapshots
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import ShopError
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from ml.bootstrap import Difference

FEATURES = PROJECT_ROOT / "dbt_project" / "models" / "features" / "features.yml"
METRICS = {"churn": "auc", "value": "gini"}


@dataclass(frozen=True)
class Worth:
    """One touchpoint: what is lost without it, by model; positive is a loss."""

    touchpoint: str
    features: int
    personal: tuple[str, ...]
    """Columns with direct identifiers or free text that a shop hands over with it."""
    losses: Mapping[str, Difference]


@cache
def features_by_touchpoint() -> dict[str, tuple[str, ...]]:
    """The features that each touchpoint brings, as ``features.yml`` says; expectations of orders come from orders."""
    from ml.btyd.expectations import COLUMNS

    models = {model["name"]: model for model in strict_yaml.load(FEATURES.read_text(encoding="utf-8"))["models"]}
    found: dict[str, list[str]] = {"orders": list(COLUMNS)}
    for column in models["customer_features"]["columns"]:
        if touchpoint := column.get("config", {}).get("meta", {}).get("touchpoint"):
            found.setdefault(touchpoint, []).append(column["name"])
    return {touchpoint: tuple(names) for touchpoint, names in found.items()}


def worth_of_data(workspace: Workspace, first: date, last: date) -> list[Worth]:
    """Judge both models on the first of each month with everything, then without each touchpoint that the shop has.

    Raises
    ------
    ShopError
        As ``backtesting.backtest``.
    """
    days = backtesting.months(first, last)
    inputs = backtesting.inputs_of(workspace, days)
    snapshots(workspace, inputs)
    whole = _said(workspace, inputs, len(days), frozenset())
    if not whole:
        raise ShopError(f"too little was known on {days[0]} to train on; judge later months")
    contract = load_contract()
    found = []
    for touchpoint, names in features_by_touchpoint().items():
        if touchpoint not in workspace.shop.touchpoints:
            continue
        without = _said(workspace, inputs, len(days), frozenset(names))
        personal = tuple(sorted({c.name for c in contract[touchpoint].incoming if c.personal}))
        losses = {model: _loss(model, whole[model], without[model]) for model in whole if model in without}
        found.append(Worth(touchpoint, len(names), personal, losses))
    return sorted(found, key=lambda one: -max((loss.value for loss in one.losses.values()), default=0.0))


def lines(found: list[Worth]) -> list[str]:
    """The table for a terminal."""
    head = f"  {'without':18}{'features':>9}  {'loss of AUC (churn)':30}{'loss of Gini (value)':30}it names"
    rows = [
        f"  {one.touchpoint:18}{one.features:>9}  "
        + "".join(f"{one.losses.get(model, '–')!s:30}" for model in METRICS)
        + (", ".join(one.personal) or "nobody")
        for one in found
    ]
    return ["what each touchpoint is worth", head, *rows]


def track(workspace: Workspace, found: list[Worth], first: date, last: date) -> str:
    """Log the table to MLflow, experiment ``<shop>.backtest``, a run below it by touchpoint; returns the run's id."""
    from ml.tracking import Part, log_comparison

    return log_comparison(
        workspace.state.mlflow,
        f"{workspace.shop.slug}.backtest",
        f"worth of data, {first} to {last}",
        Part({"first": first, "last": last}, {}),
        {
            f"without {one.touchpoint}": Part(
                {"features": one.features, "names": ", ".join(one.personal) or "nobody"},
                {f"loss_of_{METRICS[model]}{end}": value for model, loss in one.losses.items()
                 for end, value in (("", loss.value), ("_low", loss.low), ("_high", loss.high))},
            )
            for one in found
        },
        text="\n".join(lines(found)),
    )  # fmt: skip


def _said(workspace: Workspace, inputs: Inputs, count: int, without: frozenset[str]) -> dict[str, Any]:
    """By model the judged rows, for those that can be trained so."""
    from ml.churn.training import TrainingResult as Churn
    from ml.value.training import TrainingResult as Value

    plans = {stage: replace(stage.training_plan(workspace, inputs), backtest_dates=count, without=without)
             for stage in (churn, value)}  # fmt: skip
    results = {"churn": churn.train_on(workspace, inputs, plans[churn]),
               "value": value.train_on(workspace, inputs, plans[value])}  # fmt: skip
    return {
        model: result.backtest.judged
        for model, result in results.items()
        if isinstance(result, Churn | Value) and len(result.backtest.dates) == count
    }


def _loss(model: str, whole: Any, without: Any) -> Difference:
    """Both said something of the same rows in the same order: they are customers of the same dates."""
    from ml.bootstrap import paired_bootstrap, paired_gini

    told = (whole.y, whole.said["model"], without.said["model"])
    if model == "value":
        return paired_gini(*told, seed=7, customers=whole.customers)
    return paired_bootstrap(*told, seed=7, customers=whole.customers)["auc"]
