"""The asset that watches a model: the same for every watched model.

Belongs here: what Dagster shows of drift, and its four warnings. Does not belong here: the watch (``drift``), grounds
and thresholds (``ml.drift``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from ml.drift.estimate import BLIND
from ml.drift.judged import Realised
from ml.drift.plots import realised_ranking
from ml.drift.retraining import performance_reasons
from ml.drift.stability import THRESHOLD
from ml.figures import png
from orchestration import inputs
from orchestration.drift import Report, Unwatched, watch
from orchestration.jobs import POOL, take_turn
from orchestration.metadata import markdown_table, picture_metadata
from orchestration.partitions import per_as_of
from orchestration.watched import Watched
from orchestration.workspace import Workspace

CHECKS = {
    "features_drift": "Whether customers look like those of the newest training snapshots. Moves with the season too.",
    "score_drift": "Whether scores are spread around their level as at the training; the level has its seasons.",
    "performance": "Whether past scores held what the backtest promised, as far as outcomes have landed.",
    "retraining": "Whether the model should be trained again, and why; the next run then trains.",
}
LAST = {"dagster/priority": "-1"}
"""Nothing that readers wait for stands behind it."""
SHOWN = 10


def drift_asset(watched: Watched, group: str) -> dg.AssetsDefinition:
    """``ml/<model>_drift`` with four checks that warn and never block."""
    key, scores = ["ml", f"{watched.model}_drift"], ["ml", f"{watched.model}_scores"]
    specs = [dg.AssetCheckSpec(name, asset=key, description=words) for name, words in CHECKS.items()]

    @dg.asset(
        key=key,
        description="Today's customers against those of the model's training, past scores against what happened.",
        deps=[["ml", "snapshots"], scores],
        kinds={"python", "mlflow"},
        check_specs=specs,
        op_tags=LAST,
        pool=POOL,
        **per_as_of(group),
    )
    def drift(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        found = watch(workspace, inputs.pinned(workspace.state, context.partition_key), watched)
        return dg.MaterializeResult(metadata=drift_metadata(found), check_results=list(drift_checks(found)))

    return drift


def drift_checks(found: Report | Unwatched) -> Iterator[dg.AssetCheckResult]:
    """The four warnings in words."""
    if isinstance(found, Unwatched):
        told = {name: (name != "retraining" or found.request is None, found.words) for name in CHECKS}
    else:
        lost = performance_reasons(found.reference, found.realised, found.measures)
        told = {
            "features_drift": (not found.moved, _moved_words(found)),
            "score_drift": (not found.score.is_beyond, _score_words(found)),
            "performance": (not lost, "; ".join(lost) or _performance_words(found)),
            "retraining": (not found.request.reasons, _request_words(found)),
        }
    for name, (passed, words) in told.items():
        yield dg.AssetCheckResult(
            check_name=name, passed=passed, severity=dg.AssetCheckSeverity.WARN, description=words
        )


def drift_metadata(found: Report | Unwatched) -> dict[str, Any]:
    """What a person wants to see: the model's age, what moved, the blind estimate, what outcomes said."""
    if isinstance(found, Unwatched):
        return {"outcome": found.words}
    estimate = {name: round(value, 4) for name, value in found.estimate.as_dict().items()} if found.estimate else {}
    return {
        "model": found.request.version,
        "age (days)": found.age_days,
        "score PSI": round(found.score.psi, 4),
        "mean score": round(found.mean_score, 4),
        "features moved": len(found.moved),
        "most moved features": dg.MetadataValue.md(_features_table(found)),
        **estimate,
        **({"about the estimates": BLIND} if estimate else {}),
        **_realised_metadata(found),
    }


def _realised_metadata(found: Report) -> dict[str, Any]:
    if not found.realised:
        return {"performance": "no outcome of a scored as-of is known yet"}
    name = found.measures.ranking
    return {
        "performance": dg.MetadataValue.md(_realised_table(found)),
        f"realised {name}": picture_metadata(png(realised_ranking(found.realised, found.reference, name))),
    }


def _features_table(found: Report) -> str:
    most = sorted(found.shifts.items(), key=lambda pair: -pair[1].psi)[:SHOWN]
    rows = [
        (name, f"{shift.psi:.3f}", f"{shift.noise:.3f}", f"{found.reference.gains.get(name, 0):.1%}",
         "moved" if shift.is_beyond else "")
        for name, shift in most
    ]  # fmt: skip
    return markdown_table(("feature", "PSI", "by chance up to", "share of gain", ""), rows)


def _realised_table(found: Report) -> str:
    """The newest judged as-ofs, newest first."""
    measures, further = found.measures, sorted(found.realised[-1].judged.further)
    head = (
        "as-of",
        "model",
        "customers",
        measures.ranking,
        f"{measures.level} (by chance up to)",
        "expected",
        "happened",
    )
    return markdown_table((*head, *further), [_row(one, further) for one in found.realised[: -SHOWN - 1 : -1]])


def _row(one: Realised, further: list[str]) -> tuple[Any, ...]:
    judged = one.judged
    return (
        one.as_of,
        one.version,
        f"{judged.customers:,}",
        f"{judged.ranking:.3f} ± {1.96 * judged.ranking_error:.3f}",
        f"{judged.level:.3f} ({judged.level_noise:.3f})",
        f"{judged.expected:.3f}",
        f"{judged.happened:.3f}",
        *(f"{judged.further[name]:.3f}" for name in further),
    )


def _moved_words(found: Report) -> str:
    named = f": {', '.join(found.moved[:5])}" if found.moved else ""
    return f"{len(found.moved)} of {len(found.shifts)} features moved beyond {THRESHOLD} and chance{named}"


def _score_words(found: Report) -> str:
    score, backtest = found.score, found.reference.backtest
    return (
        f"PSI {score.psi:.3f} around the level, chance alone up to {score.noise:.3f}; "
        f"mean score {found.mean_score:.3f}, {backtest.expected:.3f} in the backtest"
    )


def _performance_words(found: Report) -> str:
    if not found.realised:
        return "no outcome of a scored as-of is known yet"
    newest, name = found.realised[-1], found.measures.ranking
    return (
        f"{name} {newest.judged.ranking:.3f} at {newest.as_of}, {found.reference.backtest.ranking:.3f} in the backtest"
    )


def _request_words(found: Report) -> str:
    request = found.request
    if not request.reasons:
        return f"trained {found.age_days} days ago; nothing asks for a training"
    when = "the next run trains" if request.stands_at(request.as_of) else f"asked again from {request.waits_until} on"
    return f"{'; '.join(request.reasons)}; {when}"
