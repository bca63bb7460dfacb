"""When things run: daily scores; training every week, and where one is asked for. After the knowledge lag has passed.

Both schedules tick every day and one of them asks for the run: the training one where a training is due. They tick an
hour and a half after the lag by the clock on the wall, for on the day in spring an hour of that has not passed.
"""

from datetime import date
from typing import Any

import dagster as dg

from orchestration.inputs import newest_as_of
from orchestration.jobs import BETWEEN_RUNS, DAILY, TRAINING_TAG, WEEKLY
from orchestration.models import TRAINERS
from orchestration.partitions import daily_as_ofs
from orchestration.retraining import requests, spoken
from orchestration.shop import Shop
from orchestration.workspace import Workspace

TRAINING_WEEKDAY = 1
"""Monday."""


@dg.definitions
def defs() -> dg.Definitions:
    shop = Workspace().shop
    partitions = daily_as_ofs(shop)
    everything = dg.AssetSelection.all() - dg.AssetSelection.assets(BETWEEN_RUNS)
    daily = dg.define_asset_job(
        DAILY,
        everything - dg.AssetSelection.assets(*(["ml", asset] for asset in TRAINERS.values())),
        description="Land, resolve, score and publish the as-of of the day with the champion.",
        partitions_def=partitions,
    )
    weekly = dg.define_asset_job(
        WEEKLY,
        everything,
        description="As daily, and train a challenger on all finished snapshots first.",
        partitions_def=partitions,
        tags={TRAINING_TAG: "true"},
    )
    return dg.Definitions(
        jobs=[daily, weekly],
        schedules=[
            _schedule(daily, shop, trains=False),
            _schedule(weekly, shop, trains=True),
        ],
    )


def _schedule(job: Any, shop: Shop, *, trains: bool) -> dg.ScheduleDefinition:
    """A schedule whose partition is the newest as-of that can learn of nothing more when it ticks."""

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=f"30 {(shop.knowledge_lag_hours + 1) % 24} * * *",
        execution_timezone=shop.time_zone,
    )
    def tick(
        context: dg.ScheduleEvaluationContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.RunRequest | dg.SkipReason:
        day = newest_as_of(shop, context.scheduled_execution_time)
        why = _why_training(workspace, day)
        if bool(why) != trains:
            return dg.SkipReason(f"{WEEKLY}_schedule takes this day: {why}" if why else "no training is due")
        tags = {TRAINING_TAG: "true"} if trains else {}
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat(), tags=tags)

    return tick


def _why_training(workspace: Workspace, day: date) -> str:
    """Why the run of a day trains, in words; empty where it does not."""
    if day.isoweekday() == TRAINING_WEEKDAY:
        return "the weekday of training"
    return spoken(requests(workspace, day))
