"""The one partitioning: the daily as-of. Partition D means D 00:00 in the shop's time zone."""

from typing import Any

import dagster as dg

from orchestration.shop import Shop
from orchestration.workspace import Workspace

ONE_RUN_EACH = dg.BackfillPolicy.multi_run(1)
"""A backfill takes one run per as-of: each is published, or not, as a whole."""


def daily_as_ofs(shop: Shop) -> dg.DailyPartitionsDefinition:
    """One partition per day, today's included: what happened before today began is complete when it begins."""
    return dg.DailyPartitionsDefinition(start_date=shop.first_as_of.isoformat(), timezone=shop.time_zone, end_offset=1)


def per_as_of(group: str) -> dict[str, Any]:
    """What every asset of a stage has in common."""
    shop = Workspace().shop
    return {
        "partitions_def": daily_as_ofs(shop),
        "backfill_policy": ONE_RUN_EACH,
        "group_name": group,
        "owners": ["team:data"],
    }
