"""The one partitioning: the daily as-of. Partition D means D 00:00 in the shop's time zone."""

from datetime import date
from typing import Any

import dagster as dg

from orchestration.shop import Shop, ShopError
from orchestration.workspace import Workspace

ONE_RUN_EACH = dg.BackfillPolicy.multi_run(1)
"""A backfill takes one run per as-of: each is published, or not, as a whole."""


def daily_as_ofs(shop: Shop) -> dg.DailyPartitionsDefinition:
    """One partition per day, today's included: what happened before today began is complete when it begins."""
    return dg.DailyPartitionsDefinition(start_date=shop.first_as_of.isoformat(), timezone=shop.time_zone, end_offset=1)


def require_as_of(shop: Shop, day: date) -> None:
    """Refuse a day that is no partition, before anything is simulated, landed or written.

    Raises
    ------
    ShopError
        The day lies before the shop's first as-of, or in its future.
    """
    days = daily_as_ofs(shop)
    if not days.has_partition_key(day.isoformat()):
        raise ShopError(
            f"{day} is no as-of of shop {shop.slug}: they go from {days.get_first_partition_key()} (first_as_of in "
            f"its shop.yml) to {days.get_last_partition_key()}, today in {shop.time_zone}"
        )


def owners(shop: Shop) -> list[str]:
    """Who answers for the shop's assets, as Dagster writes it: an address, or a team."""
    return [shop.owner if "@" in shop.owner else f"team:{shop.owner}"]


def per_as_of(group: str) -> dict[str, Any]:
    """What every asset of a stage has in common."""
    shop = Workspace().shop
    return {
        "partitions_def": daily_as_ofs(shop),
        "backfill_policy": ONE_RUN_EACH,
        "group_name": group,
        "owners": owners(shop),
    }
