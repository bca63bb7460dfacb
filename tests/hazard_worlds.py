"""Churn of contracts by hazards of periods, against the classifier of the horizon, in worlds that nobody has looked at.

Belongs here: the comparison that the bench prints. Does not belong here: either model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from worlds import contract_shop

from ml.bootstrap import Difference, paired_bootstrap
from ml.churn.training import TrainingPlan, backtested, teaching, trainer_of
from ml.evaluation import Floats, auc, expit, log_loss, logit
from ml.rolling import Judged
from ml.snapshots import known_snapshots, read_snapshots
from ml.survival.contracts import fit_contract_lifetimes
from ml.survival.periods import TARGETS, period_outcome, person_periods
from ml.survival.training import happened_days, known_at
from orchestration import churn, inputs
from orchestration.landing import land
from orchestration.models import training_dates
from orchestration.progress import Progress
from orchestration.rebuilding import rebuilt_snapshots
from orchestration.simulation import simulate_if_asked
from orchestration.snapshots import reading_engine

WORLDS: tuple[dict[str, float], ...] = (
    {"seed": 3101},
    {"seed": 3102, "leaving_rate_scale": 1.5},
    {"seed": 3103, "leaving_rate_scale": 0.7, "ticket_harm_scale": 1.5},
    {"seed": 3104, "session_rate_scale": 0.7},
)
CUSTOMERS, DATES, CHECKED_DAYS = 6000, 5, 180


@dataclass(frozen=True)
class World:
    """What both said on the judged dates, and days with a contract within ``CHECKED_DAYS``."""

    judged: Judged
    expected_days: Floats
    happened_days: Floats

    def figures(self) -> dict[str, dict[str, float]]:
        y, said = self.judged.y, self.judged.said
        return {name: {"auc": auc(y, p), "log_loss": log_loss(y, p)} for name, p in said.items()}

    def differences(self) -> dict[str, dict[str, Difference]]:
        """Of hazards and of the average less the classifier, paired by customer."""
        rows = self.judged
        return {
            name: paired_bootstrap(rows.y, rows.said[name], rows.said["model"], seed=7, customers=rows.customers)
            for name in ("hazard", "average")
        }


def judged(folder: Path, settings: dict[str, float]) -> World:
    """One world from nothing: files, snapshots, and both models trained at each of the newest dates."""
    workspace = contract_shop(folder, CUSTOMERS, **settings).workspace
    workspace.state.prepare()
    simulate_if_asked(workspace, Progress(quiet=True))
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    as_of = workspace.default_as_of()
    pinned = inputs.pin(
        workspace.state, workspace.shop, as_of, training_dates=training_dates(workspace, as_of), champions={}
    )
    rebuilt_snapshots(workspace, pinned)
    sources, engine = churn.sources(workspace, pinned), reading_engine(workspace)
    plan: TrainingPlan = replace(churn.training_plan(workspace, pinned), backtest_dates=DATES)
    data = teaching(sources, plan, engine)
    trainer = trainer_of(sources, plan, engine)
    _, backtest = backtested(trainer, data, plan)
    dates = period_outcome(plan.outcome).known_at(tuple(known_snapshots(sources.labels, engine, TARGETS)), plan.as_of)
    watched = read_snapshots(
        sources.features, sources.labels, data.names, dates, engine, max_rows=plan.max_rows, targets=TARGETS
    )
    rows, hazards = person_periods(watched), []
    for day in backtest.dates:
        known = known_at(rows, day, plan.outcome)
        hazard = fit_contract_lifetimes(known, plan.recipe, seed=plan.seed, threads=engine.threads)
        assert hazard is not None
        hazards.append((day, hazard))
    horizon, own = plan.outcome.horizon_days, backtest.probabilities["model"]
    by_hazard = np.concatenate([hazard.ends_within(data.at([day]).X, horizon) for day, hazard in hazards])
    both = {"model": own, "hazard": by_hazard, "average": expit((logit(own) + logit(by_hazard)) / 2)}
    first, hazard = hazards[0]
    test = watched.at([first])
    expected = hazard.expected_days(test.X, CHECKED_DAYS)
    return World(replace(backtest.judged, said=both), expected, happened_days(test, CHECKED_DAYS))


def lines(worlds: list[World]) -> list[str]:
    """The comparison as a person reads it, all worlds together last."""
    whole = Judged(
        np.concatenate([one.judged.day for one in worlds]),
        np.concatenate([one.judged.customers + (k << 32) for k, one in enumerate(worlds)]),
        np.concatenate([one.judged.y for one in worlds]),
        {name: np.concatenate([one.judged.said[name] for one in worlds]) for name in worlds[0].judged.said},
    )
    days = [np.concatenate([getattr(one, name) for one in worlds]) for name in ("expected_days", "happened_days")]
    found = []
    for name, one in (*zip(map(str, WORLDS), worlds, strict=False), ("all", World(whole, *days))):
        found.append(f"{name}: {len(one.judged.y):,} rows")
        found += [f"  {who:8} AUC {f['auc']:.4f}, log-loss {f['log_loss']:.4f}" for who, f in one.figures().items()]
        found += [
            f"  {who} less classifier: " + ", ".join(f"{metric} {d}" for metric, d in told.items())
            for who, told in one.differences().items()
        ]
        mean = one.expected_days.mean(), one.happened_days.mean()
        found.append(f"  of {CHECKED_DAYS} days {mean[0]:.1f} with a contract expected, {mean[1]:.1f} happened")
    return found
