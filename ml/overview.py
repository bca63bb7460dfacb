"""All versions of a model on one page: what MLflow shows above the list of its runs, which itself shows no metrics.

Belongs here: the page. Does not belong here: one version at length (``ml.card``), where the page is kept
(``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST = 20
"""Versions on the page, the newest."""
FIGURES: Mapping[str, Mapping[str, str]] = {
    "churn": {
        "AUC": "auc", "recency alone": "recency/auc", "log-loss": "log_loss", "calibration slope": "calibration_slope",
        "calibration error": "calibration_error",
    },
    "value": {
        "Gini": "gini", "historical average": "historical_average/gini", "Spearman": "spearman",
        "total bias": "total_bias", "within the 80 % interval": "interval_coverage",
    },
    "recommender": {
        "recall@10": "recall_at_10", "personal popularity": "personal_popularity/recall_at_10",
        "popularity": "popularity/recall_at_10", "NDCG@10": "ndcg_at_10", "recall@10 of discoveries":
        "explore_recall_at_10",
    },
}  # fmt: skip
"""By model: heading and metric, of the newest dates that the version had not seen."""


@dataclass(frozen=True)
class Row:
    """One version."""

    number: int
    as_of: str
    gate: str
    metrics: Mapping[str, float]
    is_champion: bool


def overview(model: str, rows: Sequence[Row]) -> str:
    """Markdown: the champion in one line, for MLflow folds up the rest, then a table, newest first."""
    figures = FIGURES.get(model, {})
    champion = next((row for row in rows if row.is_champion), None)
    if champion:
        told = ", ".join(f"{head} {said}" for head, name in figures.items() if (said := _figure(champion, name)))
        first = f"**Champion: version {champion.number}**, as of {champion.as_of}: {told}"
    else:
        first = "**No version is champion yet.**"
    head = ["version", "as of", *figures, "gate"]
    newest = sorted(rows, key=lambda row: -row.number)[:MOST]
    table = [
        [_number(row), row.as_of, *(_figure(row, name) for name in figures.values()), row.gate.replace("|", "/")]
        for row in newest
    ]
    return "\n".join([first, "", *("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *table))])


def _number(row: Row) -> str:
    return f"**{row.number}, champion**" if row.is_champion else str(row.number)


def _figure(row: Row, name: str) -> str:
    return f"{row.metrics[name]:.4f}" if name in row.metrics else ""
