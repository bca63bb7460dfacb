"""What dbt is given of a run's inputs: the files behind its sources, and its variables.

Belongs here: the translation. Does not belong here: the inputs themselves (``inputs``), running dbt
(``resources.dbt``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestration.files import write_text_atomically
from orchestration.inputs import (
    Inputs,
    action_ledger_file,
    ledger_folder,
    ledger_name,
    person_spans,
    recommender_dates,
    redirects,
)
from orchestration.shop import Shop
from orchestration.state import State


def dbt_files(state: State, shop: Shop, inputs: Inputs) -> Path:
    """Write the list of files behind every dbt source of this run; return its path."""
    files: dict[str, list[str]] = {
        f"raw.{touchpoint}": [str(state.raw / touchpoint / batch_id / "rows.parquet") for batch_id in ids]
        for touchpoint, ids in inputs.batches.items()
    }
    produced = {
        "identity.person_spans": [person_spans(state, inputs)],
        "identity.redirects": [redirects(state, inputs)],
        "identity.customer_ledger": [
            ledger_folder(state) / name for name in (*inputs.ledger, ledger_name(inputs.batches))
        ],
        "ml.churn_scores": [state.scores / inputs.inputs_id / "churn_scores.parquet"],
        "ml.recommendations": [state.scores / inputs.inputs_id / "recommendations.parquet"],
        "ml.item_neighbours": [state.scores / inputs.inputs_id / "item_neighbours.parquet"],
        "ml.value_scores": [state.scores / inputs.inputs_id / "value_scores.parquet"],
        "ml.standing_actions": [state.scores / inputs.inputs_id / "actions" / "standing.parquet"],
        "ml.action_rejections": [state.scores / inputs.inputs_id / "actions" / "rejections.parquet"],
        "ml.holdout_assignments": [state.scores / inputs.inputs_id / "actions" / "assignments.parquet"],
        **{
            f"ledger.{name}": [action_ledger_file(state, name, entry) for entry in inputs.action_ledger]
            for name in ("decisions", "holdouts")
        },
        "shop.exchange_rates": [shop.folder / "rates.csv"],
    }
    for source, paths in produced.items():
        files[source] = [str(path) for path in paths if path.exists()]
    path = state.ledger / "inputs" / f"{inputs.inputs_id}.files.json"
    write_text_atomically(path, json.dumps({"files": files}, indent=1))
    return path


def dbt_vars(state: State, shop: Shop, inputs: Inputs) -> dict[str, Any]:
    """The run's inputs as dbt variables; a pure function of them but for the file list it points to."""
    churn = shop.churn
    return {
        "input_manifest": str(dbt_files(state, shop, inputs)),
        "as_ofs": [*inputs.training_dates, inputs.as_of_date],
        "time_zone": shop.time_zone,
        "knowledge_lag_hours": shop.knowledge_lag_hours,
        "currency": shop.currency,
        "churn_mode": churn.mode,
        "churn_activity": churn.activity,
        "active_days": churn.active_days,
        "horizon_days": churn.horizon_days,
        "label_delay_days": churn.label_delay_days,
        "has_orders": "orders" in shop.touchpoints,
        "recommender_dates": [day.isoformat() for day in recommender_dates(shop, inputs)],
        "recommender_horizon_days": shop.recommendations.horizon_days,
        "assumed_purposes": sorted(name for name, consent in shop.consent.items() if consent.basis == "assume"),
    }
