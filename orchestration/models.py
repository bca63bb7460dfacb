"""Which registered models a run uses, and which as-ofs train them.

Belongs here: what every model stage asks of the registry and of the run's inputs. Does not belong here: what one of
them learns (``orchestration.churn`` and its sisters), the registry and the gate (``ml.registry``, ``ml.promotion``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml import registry
from ml.splits import Outcome, snapshot_dates
from orchestration.inputs import Inputs
from orchestration.jobs import TRAINING_TAG
from orchestration.landing import batches
from orchestration.workspace import Workspace

TRAINERS = {"churn": "churn_model", "value": "value_model", "recommender": "recommender"}
"""Model: the asset ``ml/<asset>`` that trains it."""
if TYPE_CHECKING:
    from ml.promotion import Decision

MODELS = tuple(TRAINERS)
FORETELLING = ("churn", "value")
"""Models of what shop.yml calls gone, and of whom; what the recommender learns hangs on neither."""
AS_OF = "as_of"
"""Tag of every version: up to when it could know."""


@dataclass(frozen=True)
class Trained:
    """What training ended with, for the asset and its check."""

    is_champion: bool
    decision: str
    metadata: dict[str, Any]
    pictures: Mapping[str, bytes]


def is_training_due(tags: Mapping[str, str]) -> bool:
    """Whether the run trains, by its tag."""
    return tags.get(TRAINING_TAG) == "true"


def training_dates(workspace: Workspace, as_of_date: date) -> tuple[date, ...]:
    """As-ofs whose outcome is known at this one, back to the shop's first activity."""
    churn = workspace.shop.churn
    return snapshot_dates(
        as_of_date,
        outcome(workspace),
        step_days=churn.snapshot_step_days,
        count=churn.training_snapshots,
        first_date=first_activity(workspace),
        last_date=last_activity(workspace),
    )


def first_activity(workspace: Workspace) -> date | None:
    """The first day on which anybody did what churn is told from; None before any has landed."""
    return min(_days(workspace, "first_occurred_at"), default=None)


def last_activity(workspace: Workspace) -> date | None:
    """The last such day that has landed."""
    return max(_days(workspace, "last_occurred_at"), default=None)


def _days(workspace: Workspace, end: str) -> list[date]:
    """The shop's day at that end of each batch that churn is told from."""
    several = batches(workspace.state).get(workspace.shop.churn.touchpoint, [])
    told = (getattr(batch, end) for batch in several)
    instants = (datetime.fromisoformat(instant).replace(tzinfo=UTC) for instant in told if instant)
    return [instant.astimezone(workspace.shop.zone).date() for instant in instants]


def outcome(workspace: Workspace) -> Outcome:
    """What the shop wants foretold: over which days what happened is a label, of whom, and when it is known."""
    churn = workspace.shop.churn
    active_days = None if churn.mode == "subscription" else churn.active_days
    return Outcome(churn.horizon_days, churn.label_delay_days, churn.touchpoint, active_days)


def stranger(workspace: Workspace, version: registry.Version) -> str | None:
    """Why a version may not speak for the shop, which wants another outcome foretold by now; None where it may."""
    if version.name.removeprefix(f"{workspace.shop.slug}.") not in FORETELLING:
        return None
    unlike = outcome(workspace).unlike(registry.foretold(workspace.state.mlflow, version))
    return f"foretells another outcome ({unlike})" if unlike else None


def strangers(workspace: Workspace, day: date) -> dict[str, tuple[str, ...]]:
    """Model: that its champion foretells another outcome, where a run of that as-of can learn the shop's."""
    found: dict[str, tuple[str, ...]] = {}
    for model in FORETELLING:
        version = registry.champion(workspace.state.mlflow, workspace.shop.slug, model)
        if version and (why := stranger(workspace, version)):
            found[model] = (f"{version.spoken} {why}",)
    return found if found and training_dates(workspace, day) else {}


def champions(workspace: Workspace) -> dict[str, str]:
    """The versions that score now, such as ``{"churn": "demo.churn/3"}``; a model without one is absent."""
    state, shop = workspace.state, workspace.shop
    found = {model: registry.champion(state.mlflow, shop.slug, model) for model in MODELS}
    return {model: version.spoken for model, version in found.items() if version}


def defender(workspace: Workspace, inputs: Inputs, model: str) -> registry.Version | None:
    """The champion as it was when the inputs were pinned: what a challenger is held against."""
    spoken = inputs.champions.get(model)
    return registry.version(workspace.state.mlflow, spoken) if spoken else None


def defence(workspace: Workspace, inputs: Inputs, model: str) -> tuple[Path | None, str | None]:
    """Files of the defender, or why it cannot defend its place; neither where there is none."""
    version = defender(workspace, inputs, model)
    unfit = stranger(workspace, version) if version else None
    return (None, f"it {unfit}") if unfit else (version.folder if version else None, None)


def scorer(workspace: Workspace, inputs: Inputs, model: str) -> registry.Version | None:
    """The version that scores: in a run that trains the champion that its gate left, in any other the pinned one; none
    where that foretells another outcome."""
    version = _serving(workspace, inputs, model)
    return None if version and stranger(workspace, version) else version


def silenced(workspace: Workspace, inputs: Inputs, model: str) -> str | None:
    """Why a champion does not score, though there is one."""
    version = _serving(workspace, inputs, model)
    why = stranger(workspace, version) if version else None
    return f"{version.spoken} {why}" if version and why else None


def _serving(workspace: Workspace, inputs: Inputs, model: str) -> registry.Version | None:
    if inputs.trains:
        return registry.champion(workspace.state.mlflow, workspace.shop.slug, model)
    return defender(workspace, inputs, model)


def registered(
    workspace: Workspace,
    inputs: Inputs,
    model: str,
    decision: Decision,
    write: Callable[[Path, Mapping[str, str]], registry.Record],
    *,
    began: float,
) -> Trained:
    """Register a challenger with the gate's word on it.

    Parameters
    ----------
    write
        Saves the model into a folder and describes the training, given tags that say where it comes from.
    began
        When the training did, in seconds since 1970.
    """
    state = workspace.state
    decision = _never_backwards(workspace, inputs, decision, model)
    with tempfile.TemporaryDirectory(dir=state.temporary) as scratch:
        written = write(Path(scratch) / "model", {"inputs_id": inputs.inputs_id, "code": inputs.code})
        version = registry.register(state.mlflow, workspace.shop.slug, written, decision, began=began)
    metrics = {name: round(value, 4) for name, value in written.metrics.items() if value == value}
    metadata = {"version": version.spoken, "mlflow_run": version.run_id, **metrics}
    return Trained(decision.is_promoted, decision.words, metadata, written.pictures)


def _never_backwards(workspace: Workspace, inputs: Inputs, decision: Decision, model: str) -> Decision:
    """The gate's word, unless the champion learned from later: training on a past day replaces nothing that serves
    today, whose models know too much to be held against it. One of another outcome serves nothing."""
    champion = registry.champion(workspace.state.mlflow, workspace.shop.slug, model)
    if not decision.is_promoted or champion is None or champion.tags.get(AS_OF, "") <= inputs.as_of_date:
        return decision
    if stranger(workspace, champion):
        return decision
    why = f"{champion.spoken} serves and knows what happened up to {champion.tags[AS_OF]}, after this as-of"
    return replace(decision, is_promoted=False, reasons=(why,))
