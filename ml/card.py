"""The model card: what a registered model is, what it is good for and where it is weak, on one page.

Belongs here: the page, from what every training writes down. Does not belong here: where it is kept (``ml.tracking``,
``ml.registry``). Source: Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PURPOSE = {
    "churn": (
        "The probability that an active customer buys nothing (or ends the contract) within the horizon if no play is "
        "sent, for deciding whom to keep in touch with.",
        "It says who is likely to leave, not who would stay because of a message: effects are measured against "
        "holdouts. It is no ground for refusing anybody anything.",
    ),
    "value": (
        "Net spend and orders of a customer within the horizon, for deciding how much an action may cost.",
        "The largest customers are few and their amounts uncertain: look at the interval. It is no ground for "
        "serving anybody worse.",
    ),
    "recommender": (
        "Which items to show a customer next.",
        "It learns from what was shown and bought here; what was never shown is explored by the discovery slots.",
    ),
}
SERVED = {
    "churn": (
        "Scores stand at the level of all customers of a date. Give all with the parameter `as_of` and it is found "
        "among them; of a few, or without `as_of`, it is that of the as-of this model was trained at, which knows "
        "nothing of a later season."
    ),
    "value": (
        "Give all customers of a date with the parameter `as_of`. Without it everything stands at the level of the "
        "average snapshot, also for a single customer, and there is no interval."
    ),
}
"""What MLflow's own way of asking the model gives."""
FOREIGN = ("Written for this shop alone.", "Nothing is known of its use elsewhere.")


def card(
    model: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    dataset: Mapping[str, Any],
    tags: Mapping[str, str],
    gate: str,
) -> str:
    """Markdown; nothing in it names a customer."""
    use, limits = PURPOSE.get(model, FOREIGN)
    lines = [f"# {model}, as of {parameters.get('as_of', 'unknown')}", "", use, "", f"**Limits.** {limits}", ""]
    lines += [f"**Served by MLflow.** {SERVED[model]}", ""] if model in SERVED else []
    lines += ["## Learned from", "", *_facts(_short(dataset)), "", "## Judged on dates that it had not seen", ""]
    lines += [*_table(metrics), "", f"**Gate.** {gate}", "", "## Settings", "", *_facts(parameters)]
    return "\n".join([*lines, "", "## Where it comes from", "", *_facts(tags)]) + "\n"


def _short(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Long lists by their ends and length."""

    def short(value: Any) -> Any:
        is_long = isinstance(value, list | tuple) and len(value) > 3
        return f"{value[0]} … {value[-1]} ({len(value)})" if is_long else value

    return {name: short(value) for name, value in dataset.items()}


def _facts(facts: Mapping[str, Any]) -> list[str]:
    return [f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()]


def _table(metrics: Mapping[str, float]) -> list[str]:
    """A row per metric of the model, a column per baseline or segment that has it."""
    own = {name: value for name, value in metrics.items() if "/" not in name}
    others = sorted({name.split("/")[0] for name in metrics if "/" in name})
    head = ["metric", "model", *others]
    rows = [
        [name, *(_number(metrics.get(key)) for key in (name, *(f"{other}/{name}" for other in others)))] for name in own
    ]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _number(value: float | None) -> str:
    if value is None or value != value:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 100 else f"{value:.4f}"
