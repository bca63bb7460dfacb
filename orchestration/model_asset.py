"""The asset of a model that is trained, held against the champion and registered: the same for every model.

Belongs here: what Dagster shows of a training. Does not belong here: training (``orchestration.churn`` and others).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration import inputs
from orchestration.inputs import Inputs
from orchestration.jobs import take_turn
from orchestration.metadata import markdown_table, picture_metadata
from orchestration.models import Trained
from orchestration.partitions import per_as_of
from orchestration.workspace import Workspace


def model_asset(
    name: str,
    group: str,
    description: str,
    *,
    deps: Sequence[Sequence[str]],
    kinds: set[str],
    train: Callable[[Workspace, Inputs], Trained],
) -> dg.AssetsDefinition:
    """``ml/<name>`` with the check ``champion_gate``, which warns where the challenger was refused."""
    key = ["ml", name]
    gate = dg.AssetCheckSpec(
        "champion_gate",
        asset=key,
        description="Whether the challenger became champion, with the numbers that decided.",
    )

    @dg.asset(key=key, description=description, deps=deps, kinds=kinds, check_specs=[gate], **per_as_of(group))
    def model(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        trained = train(workspace, inputs.pinned(workspace.state, context.partition_key))
        checked = dg.AssetCheckResult(
            check_name="champion_gate",
            passed=trained.is_champion,
            severity=dg.AssetCheckSeverity.WARN,
            description=trained.decision,
            metadata=of_holdout(trained.metadata),
        )
        return dg.MaterializeResult(metadata=training_metadata(trained), check_results=[checked])

    return model


def training_metadata(trained: Trained) -> dict[str, Any]:
    """The gate's word, the model's own figures to be followed over time, baselines as one table, the plots."""
    own = {name: value for name, value in trained.metadata.items() if "/" not in name}
    return {
        "gate": trained.decision,
        **own,
        **compared(trained.metadata),
        **{name: picture_metadata(picture) for name, picture in trained.pictures.items()},
    }


def of_holdout(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The model's own metrics beside those among the holdout; empty before enough of it has an outcome."""
    from ml.segments import HOLDOUT

    held_out = {name: value for name, value in figures.items() if name.startswith(f"{HOLDOUT}/")}
    own = {name: figures[name] for key in held_out if (name := key.split("/", 1)[1]) in figures}
    return own | held_out


def compared(figures: Mapping[str, Any]) -> dict[str, dg.MetadataValue]:
    """The model beside its baselines, one row per metric; empty without baselines.

    ``figures`` holds the model's own metrics by their name and those of a baseline as ``<baseline>/<metric>``.
    """
    baselines = sorted({name.split("/")[0] for name in figures if "/" in name})
    metrics = list(dict.fromkeys(name.split("/", 1)[1] for name in figures if "/" in name))
    if not baselines:
        return {}
    rows = [
        (metric, *(figures.get(k, "") for k in (metric, *(f"{b}/{metric}" for b in baselines)))) for metric in metrics
    ]
    return {"baselines": dg.MetadataValue.md(markdown_table(("metric", "model", *baselines), rows))}
