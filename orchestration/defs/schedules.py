"""When things run: daily scores, weekly training. Both fire after the knowledge lag has passed."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.jobs import BETWEEN_RUNS, DAILY, TRAINING_TAG, WEEKLY
from orchestration.models import TRAINERS
from orchestration.partitions import daily_as_ofs
from orchestration.workspace import Workspace

TRAINING_WEEKDAY = 1
"""Monday, in cron's counting."""


@dg.definitions
def defs() -> dg.Definitions:
    shop = Workspace().shop
    partitions = daily_as_ofs(shop)
    # A run weighs every consent itself; live withdrawals and live plays are for the time between runs.
    everything = dg.AssetSelection.all() - dg.AssetSelection.assets(*BETWEEN_RUNS)
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
    minute = f"30 {shop.knowledge_lag_hours}"
    other_days = ",".join(str(day) for day in range(7) if day != TRAINING_WEEKDAY)
    return dg.Definitions(
        jobs=[daily, weekly],
        schedules=[
            _schedule(daily, f"{minute} * * {other_days}", shop.time_zone, {}),
            _schedule(weekly, f"{minute} * * {TRAINING_WEEKDAY}", shop.time_zone, {TRAINING_TAG: "true"}),
        ],
    )


def _schedule(job: Any, cron: str, time_zone: str, tags: Mapping[str, str]) -> dg.ScheduleDefinition:
    """A schedule whose partition is the day on which it ticks."""

    @dg.schedule(name=f"{job.name}_schedule", job=job, cron_schedule=cron, execution_timezone=time_zone)
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time.date().isoformat()
        return dg.RunRequest(run_key=day, partition_key=day, tags=dict(tags))

    return tick
