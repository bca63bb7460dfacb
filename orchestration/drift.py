"""The watch over a model that serves: today's customers against those of its training, past scores against outcomes.

Belongs here: which files and versions are compared, what is kept and logged of it. Does not belong here: the figures
(``ml.drift``), what Dagster shows (``drift_asset``), whether a run trains (``retraining``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ml import registry
from ml.drift import retraining as grounds
from ml.drift.estimate import IfCalibrated, if_calibrated
from ml.drift.judged import Realised
from ml.drift.reference import Reference
from ml.drift.stability import Shift, population_stability
from ml.drift.today import read_scored
from ml.model import ModelFileError
from ml.tracking import log_follow_up
from orchestration import outcomes, retraining
from orchestration.inputs import Inputs, pinned_as_ofs
from orchestration.left_alone import left_alone
from orchestration.models import outcome, stranger
from orchestration.snapshots import reading_engine, snapshot_folder
from orchestration.watched import CHURN, Watched, speaker
from orchestration.workspace import Workspace

MOST_JUDGED = 50_000
"""Customers of a past as-of that are judged: a hashed sample, whose AUC is known to about .003."""
MOST_AT_ONCE = 12
"""Past as-ofs that one run judges, newest first, so that a backfilled year costs one run no minutes."""


@dataclass(frozen=True)
class Unwatched:
    """Why nothing can be said of the scores of an as-of."""

    words: str
    request: grounds.Request | None = None
    """Where a training would change that."""


@dataclass(frozen=True)
class Report:
    """What was found at one as-of."""

    measures: grounds.Measures
    reference: Reference
    shifts: Mapping[str, Shift]
    score: Shift
    """Of the scores around their level."""
    mean_score: float
    estimate: IfCalibrated | None
    """Of probabilities only: an expected amount does not say how well it ranks."""
    realised: tuple[Realised, ...]
    """Ascending by as-of."""
    request: grounds.Request

    @property
    def age_days(self) -> int:
        """From the training of the model to the as-of; negative where a backfill scores what lies before it."""
        return (self.request.as_of - self.reference.as_of).days

    @property
    def moved(self) -> list[str]:
        """Features beyond threshold and chance, those that moved most first."""
        beyond = [name for name, shift in self.shifts.items() if shift.is_beyond]
        return sorted(beyond, key=lambda name: -self.shifts[name].psi)

    @property
    def figures(self) -> dict[str, float]:
        """What is logged of the as-of."""
        return {
            "drift/score_psi": self.score.psi,
            "drift/mean_score": self.mean_score,
            "drift/largest_feature_psi": max((shift.psi for shift in self.shifts.values()), default=0.0),
            "drift/features_moved": float(len(self.moved)),
            **({f"drift/{name}": value for name, value in self.estimate.as_dict().items()} if self.estimate else {}),
        }


def watch(workspace: Workspace, inputs: Inputs, watched: Watched) -> Report | Unwatched:
    """Compare, judge what can be judged by now, log it, and keep the request; the same again changes nothing."""
    version = speaker(workspace, watched, inputs.inputs_id)
    if version is None:
        return Unwatched("no trained model scores here; the simple rule has nothing to drift from")
    as_of, before = date.fromisoformat(inputs.as_of_date), retraining.kept(workspace.state, watched.model)
    trained = [as_of] if inputs.trains else []
    try:
        reference = Reference.load(version.folder)
    except ModelFileError as error:
        tried = [as_of - timedelta(grounds.PAUSE_DAYS), *trained, *_tried(before)]
        request = grounds.Request(as_of, version.spoken, (str(error),), max(tried))
        _keep(workspace, watched, before, replace(before, request=request))
        return Unwatched(str(error), request)
    names, past = tuple(reference.features), _look_back(workspace, watched, as_of, before)
    features = snapshot_folder(workspace, inputs) / "customer_features.parquet"
    scores = watched.scores(workspace, inputs.inputs_id)
    today = read_scored(features, scores, watched.score, names, as_of, reading_engine(workspace))
    shifts = reference.shifts(today.X)
    score = population_stability(reference.score, watched.around_level(today.score))
    reasons = grounds.reasons(as_of, reference, shifts, score, past.realised, watched.measures)
    tried = [reference.as_of, *trained, *_tried(before)]
    report = Report(
        measures=watched.measures,
        reference=reference,
        shifts=shifts,
        score=score,
        mean_score=float(today.score.mean()),
        estimate=if_calibrated(today.score) if watched is CHURN else None,
        realised=past.realised,
        request=grounds.Request(as_of, version.spoken, reasons, max(tried)),
    )
    _log(workspace, report, version, [one for one in past.realised if one not in before.realised])
    _keep(workspace, watched, before, replace(past, request=report.request))
    return report


def _keep(workspace: Workspace, watched: Watched, before: retraining.Kept, found: retraining.Kept) -> None:
    """Keep what was found, and the request of a later as-of where one stands."""
    is_older = before.request and found.request and before.request.as_of > found.request.as_of
    retraining.keep(workspace.state, watched.model, replace(found, request=before.request) if is_older else found)


def _tried(before: retraining.Kept) -> list[date]:
    return [before.request.tried] if before.request else []


def _look_back(workspace: Workspace, watched: Watched, as_of: date, before: retraining.Kept) -> retraining.Kept:
    """What is kept, and the past as-ofs whose outcome has become known since.

    Scores that were judged once stay judged, even where a backfill has since scored their day anew with later wisdom.
    Those that a request rests on are judged again: facts of their horizon may have come since.
    """
    pinned, examined = pinned_as_ofs(workspace.state), dict(before.examined)
    realised = {one.as_of: one for one in _of_this_outcome(workspace, before.realised)}
    due = outcome(workspace).known_at(tuple(pinned), as_of)
    again = {one.as_of for one in grounds.that_speak(before.realised) if pinned.get(one.as_of) == one.inputs_id}
    told = 0
    for day in (day for day in reversed(due) if examined.get(day) != pinned[day] or day in again):
        if told == MOST_AT_ONCE + len(again):
            break
        try:
            judged = _judge(workspace, watched, day, pinned[day], as_of)
        except outcomes.HorizonNotOverError:
            continue  # asked again by the next run; older days do not wait for it
        examined[day], told = pinned[day], told + 1
        if judged:
            realised[day] = judged
    return retraining.Kept(before.request, tuple(realised[day] for day in sorted(realised)), examined)


def _of_this_outcome(workspace: Workspace, realised: Sequence[Realised]) -> list[Realised]:
    """Without those that were scored when the shop wanted another outcome foretold."""
    named = {one.version for one in realised}
    found = {name: registry.version_or_none(workspace.state.mlflow, name) for name in named}
    strange = {name for name, version in found.items() if version and stranger(workspace, version)}
    return [one for one in realised if one.version not in strange]


def _judge(workspace: Workspace, watched: Watched, day: date, inputs_id: str, as_of: date) -> Realised | None:
    """The scores of a past as-of against what then happened, as known at a later one.

    None where no model spoke, or one that has learned from what was to come, as where a backfill scores the past, or
    one that foretold another outcome.
    """
    version = speaker(workspace, watched, inputs_id)
    if version is None or stranger(workspace, version):
        return None
    try:
        if Reference.load(version.folder).as_of > day:
            return None
    except ModelFileError:
        return None
    scores, happened = watched.scores(workspace, inputs_id), watched.happened(workspace)
    everybody = outcomes.outcomes(workspace, happened, day, scores, most=MOST_JUDGED)
    frame = left_alone(workspace, everybody, day, as_of=as_of)
    return Realised(day, inputs_id, version.spoken, watched.judge(frame)) if len(frame) else None


def _log(workspace: Workspace, report: Report, version: registry.Version, judged: Sequence[Realised]) -> None:
    """Where an ML engineer looks: on the runs that trained, ``drift/…`` and ``realised/…`` over the model's age."""
    mlflow = workspace.state.mlflow
    if report.age_days >= 0:
        log_follow_up(mlflow, version.run_id, report.figures, day=report.request.as_of, age_days=report.age_days)
    for one in judged:
        scored = registry.version_or_none(mlflow, one.version)
        if scored:
            age = (one.as_of - Reference.load(scored.folder).as_of).days
            log_follow_up(mlflow, scored.run_id, one.figures(report.measures.names), day=one.as_of, age_days=age)
